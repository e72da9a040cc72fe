//! Comparing a proxy with its source.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::codec::ProxyCodec;
use super::likeness::Likeness;
use super::output::{last_duration_ticks, shift_of};
use super::pair::{Pair, is_nearer};
use super::record::Verification;
use super::refusal::Refusal;
use super::sound_likeness;
use super::verify::{VerifyError, VerifyOptions};
use super::walker::Walker;
use crate::decode::{
    AudioReader, DecodeError, GopIndex, IndexStore, Input, kept_or_read_index, media_info,
};
use crate::media::{ColorInfo, HdrMetadata, MediaInfo, VideoFrame, VideoStream};
use crate::time::{FrameIndex, MediaSpan, MediaTime};

/// Places whose pictures are compared, spread evenly. Of a source in groups it is the group's first.
const PLACES: i64 = 8;

/// Fewer than these do not tell enough.
const FEW_PLACES: usize = 4;

/// Frames before and after that a picture may have been mixed up with.
const NEIGHBOURS: [i64; 2] = [-1, 1];

/// Less alike than this is another picture: noise at low rates may come near it.
const LEAST_STRUCTURE: f64 = 0.7;

/// Levels that are farther off than this, in codes of 8 bits, can be seen.
const MOST_LEVELS: f64 = 3.0;

/// One of the two files.
struct Side {
    input: Input,
    info: MediaInfo,
    stream: VideoStream,
    index: Arc<GopIndex>,
}

impl Side {
    fn open(
        mut input: Input,
        indices: Option<&Arc<dyn IndexStore>>,
    ) -> Result<Option<Self>, VerifyError> {
        let info = media_info(&input);
        let Some(stream) = info.default_video().cloned() else {
            return Ok(None);
        };
        let index = kept_or_read_index(&mut input, &stream, indices)?;
        Ok(Some(Self {
            input,
            info,
            stream,
            index,
        }))
    }

    fn walker(&self, options: &VerifyOptions) -> Result<Walker, DecodeError> {
        let again = Input::open_same(
            self.input.same_file().map_err(DecodeError::Open)?,
            &options.interrupter,
        )?;
        Walker::new(
            again,
            self.stream.clone(),
            Arc::clone(&self.index),
            options.threads,
            Arc::clone(&options.clock),
            &options.interrupter,
        )
    }

    fn time(&self, frame: FrameIndex, shift: i64) -> MediaTime {
        let pts = self.index.pts_of(frame).unwrap_or(0).saturating_add(shift);
        self.index.time_base().time_from_ticks_nearest(pts)
    }

    fn tick(&self) -> MediaSpan {
        self.index.time_base().span_from_ticks_nearest(1)
    }

    /// From the first frame's beginning to the last one's.
    fn spread(&self) -> f64 {
        let last = FrameIndex(self.index.len() - 1);
        (self.time(last, 0) - self.time(FrameIndex::ZERO, 0)).as_secs_f64()
    }
}

/// A source and a proxy that are open.
pub(super) struct Comparison<'a> {
    options: &'a VerifyOptions,
    path: PathBuf,
    source: Side,
    proxy: Side,
    /// What proxies add to time stamps.
    shift: i64,
}

impl<'a> Comparison<'a> {
    pub(super) fn open(
        source: Input,
        proxy: &Path,
        options: &'a VerifyOptions,
    ) -> Result<Self, VerifyError> {
        let refuse =
            |text: String| VerifyError::Refused(proxy.to_owned(), Refusal::Unreadable(text));
        let source_path = source.path().to_owned();
        let nothing = || {
            let name = source_path.display().to_string();
            crate::decode::OpenError::NothingToPlay(name, "it has no pictures".to_owned())
        };
        let source = Side::open(source, options.indices.as_ref())?.ok_or_else(nothing)?;
        let input = Input::open_interruptible(proxy, &options.interrupter);
        let input = input.map_err(|error| refuse(error.to_string()))?;
        // It is the file itself that is looked at, not what was kept of it.
        let opened = Side::open(input, None).map_err(|error| refuse(error.to_string()))?;
        let proxy_side = opened.ok_or_else(|| refuse("it has no pictures".to_owned()))?;
        Ok(Self {
            options,
            path: proxy.to_owned(),
            shift: shift_of(&source.index),
            source,
            proxy: proxy_side,
        })
    }

    pub(super) fn run(&self) -> Result<Verification, VerifyError> {
        let refuse = |refusal| VerifyError::Refused(self.path.clone(), refusal);
        self.compare_geometry().map_err(refuse)?;
        self.compare_times().map_err(refuse)?;
        self.compare_sound_formats().map_err(refuse)?;
        self.compare_sound()?;
        self.compare_pictures()
    }

    fn compare_geometry(&self) -> Result<(), Refusal> {
        let (source, proxy) = (&self.source.stream, &self.proxy.stream);
        if source.orientation != proxy.orientation {
            return Err(Refusal::Orientation);
        }
        let (ours, theirs) = (source.sample_aspect, proxy.sample_aspect);
        let cross = |a: u32, b: u32| u64::from(a) * u64::from(b);
        if cross(ours.num, theirs.den) != cross(ours.den, theirs.num) {
            return Err(Refusal::SampleAspect {
                source_aspect: ours,
                proxy: theirs,
            });
        }
        let (a, b) = (source.size, proxy.size);
        let skew = cross(b.width(), a.height()).abs_diff(cross(b.height(), a.width()));
        // Each side may have been rounded by up to 3.
        if skew > u64::from(a.width().max(a.height())) * 4 {
            return Err(Refusal::Shape {
                source_size: a,
                proxy: b,
            });
        }
        if source.timecode != proxy.timecode {
            let text = |stream: &VideoStream| match stream.timecode {
                Some(timecode) => timecode.to_string(),
                None => "nothing".to_owned(),
            };
            return Err(Refusal::Timecode {
                source_timecode: text(source),
                proxy: text(proxy),
            });
        }
        Ok(())
    }

    fn compare_times(&self) -> Result<(), Refusal> {
        let (source, proxy) = (&self.source, &self.proxy);
        let frames = source.index.len();
        if frames != proxy.index.len() {
            return Err(Refusal::FrameCount {
                source_frames: frames,
                proxy: proxy.index.len(),
            });
        }
        let (ours, theirs) = (source.spread(), proxy.spread());
        if (ours - theirs).abs() > ours.abs() / 2_000.0 {
            return Err(Refusal::Rate {
                source_rate: source.stream.rate,
                proxy: proxy.stream.rate,
            });
        }
        let slack = if source.tick() == proxy.tick() {
            MediaSpan::ZERO
        } else {
            self.slack()
        };
        for frame in (0..frames).map(FrameIndex) {
            let (ours, theirs) = (source.time(frame, self.shift), proxy.time(frame, 0));
            let is_off = (ours - theirs).abs() > slack && !self.is_exact_multiple(frame);
            if is_off {
                let seconds = |time: MediaTime| time.since_zero().as_secs_f64();
                return Err(Refusal::TimeStamp {
                    frame,
                    source_seconds: seconds(ours),
                    proxy: seconds(theirs),
                });
            }
        }
        let last = FrameIndex(frames - 1);
        let length = |side: &Side| {
            let base = side.index.time_base();
            base.span_from_ticks_nearest(last_duration_ticks(&side.index, last, base))
        };
        let whole = |side: &Side| {
            let spread = side.time(last, 0) - side.time(FrameIndex::ZERO, 0);
            spread + length(side)
        };
        let slack = self.slack();
        let is_off = |theirs: MediaSpan| (whole(source) - theirs).abs() > slack;
        // A file that begins late does not tell how long its last frame lasts, but how long it is.
        let stated = proxy.stream.duration;
        if is_off(whole(proxy)) && stated.is_none_or(is_off) {
            return Err(Refusal::Duration {
                source_seconds: whole(source).as_secs_f64(),
                proxy: whole(proxy).as_secs_f64(),
            });
        }
        Ok(())
    }

    /// How far apart the same times may be in the two files.
    fn slack(&self) -> MediaSpan {
        let interval = self.source.stream.rate.frame_span_nearest();
        slack_of(self.source.tick(), self.proxy.tick(), interval)
    }

    /// Whether both time stamps are the same fraction of a second.
    fn is_exact_multiple(&self, frame: FrameIndex) -> bool {
        let exact = |side: &Side, shift: i64| {
            let base = side.index.time_base();
            let pts = side.index.pts_of(frame)?.checked_add(shift)?;
            Some((
                i128::from(pts) * i128::from(base.num()),
                i128::from(base.den()),
            ))
        };
        let (ours, theirs) = (exact(&self.source, self.shift), exact(&self.proxy, 0));
        ours.zip(theirs)
            .is_some_and(|((a, under_a), (b, under_b))| a * under_b == b * under_a)
    }

    fn compare_sound_formats(&self) -> Result<(), Refusal> {
        let (source, proxy) = (&self.source.info.audio, &self.proxy.info.audio);
        if source.len() != proxy.len() {
            return Err(Refusal::SoundStreams {
                source_streams: source.len(),
                proxy: proxy.len(),
            });
        }
        for (ours, theirs) in source.iter().zip(proxy) {
            let (ours, theirs) = (&ours.format, &theirs.format);
            if ours.layout.count() != theirs.layout.count() {
                return Err(Refusal::Channels {
                    source_channels: ours.layout.count(),
                    proxy: theirs.layout.count(),
                });
            }
            if ours.rate != theirs.rate {
                return Err(Refusal::SampleRate {
                    source_rate: ours.rate.get(),
                    proxy: theirs.rate.get(),
                });
            }
        }
        Ok(())
    }

    fn compare_sound(&self) -> Result<(), VerifyError> {
        let interrupter = &self.options.interrupter;
        let base = self.source.index.time_base();
        let shift = base.span_from_ticks_nearest(self.shift);
        let streams = self.source.info.audio.iter().zip(&self.proxy.info.audio);
        for (ours, theirs) in streams {
            let open = |side: &Side, id| {
                let again = Input::open_same(side.input.same_file()?, interrupter)?;
                AudioReader::of_input(again, id, MediaTime::ZERO)
            };
            let mut source = open(&self.source, ours.id)?;
            let refuse = |refusal| VerifyError::Refused(self.path.clone(), refusal);
            let mut proxy = open(&self.proxy, theirs.id)
                .map_err(|error| refuse(Refusal::Unreadable(error.to_string())))?;
            let length = ours.duration.unwrap_or(self.source.index.duration());
            sound_likeness::compare(&mut source, &mut proxy, shift, length)?.map_err(refuse)?;
        }
        Ok(())
    }

    /// Frames whose pictures are compared, in ascending order.
    fn samples(&self) -> Vec<FrameIndex> {
        let index = &self.source.index;
        let frames = index.len();
        let mut chosen: Vec<FrameIndex> = (0..PLACES)
            .map(|place| {
                let frame = FrameIndex((2 * place + 1) * frames / (2 * PLACES));
                let group = index.gop_of(frame).map(|(first, _)| first);
                // Only what a seek reaches at once; frames after it would have to be decoded first.
                group.unwrap_or(frame)
            })
            .collect();
        chosen.dedup();
        if chosen.len() < FEW_PLACES {
            // There are too few groups for that.
            chosen.extend((1..4).map(|place| FrameIndex(place * frames / 4)));
        }
        // And two that are reached the long way.
        chosen.extend([FrameIndex(frames / 3), FrameIndex(frames - 1)]);
        chosen.sort_unstable();
        chosen.dedup();
        chosen
    }

    fn compare_pictures(&self) -> Result<Verification, VerifyError> {
        let refuse = |refusal| VerifyError::Refused(self.path.clone(), refusal);
        let mut source = self.source.walker(self.options)?;
        let mut proxy = self
            .proxy
            .walker(self.options)
            .map_err(|error| refuse(Refusal::Unreadable(error.to_string())))?;
        let mut found = Verification {
            frames: self.source.index.len(),
            samples: 0,
            least_likeness: 1.0,
        };
        let mut pair: Option<Pair> = None;
        // That pictures are shifted says more than that one is wrong, and is found at the next place where
        // its own picture is not there.
        let mut wrong = None;
        for number in self.samples() {
            // What the source does not show the proxy cannot show wrong.
            let Some(ours) = source.frame(number)? else {
                continue;
            };
            let mut theirs = |number: FrameIndex| -> Result<VideoFrame, VerifyError> {
                let frame = proxy.frame(number).ok().flatten();
                frame.ok_or_else(|| refuse(Refusal::Undecodable(number)))
            };
            let before = FrameIndex(number.0 + NEIGHBOURS[0]);
            let after = FrameIndex(number.0 + NEIGHBOURS[1]);
            let is_one = |frame: &FrameIndex| (0..found.frames).contains(&frame.0);
            let before = Some(before).filter(is_one);
            let after = Some(after).filter(is_one);
            // In ascending order, so that nothing is decoded twice.
            let frame_before = before.map(&mut theirs).transpose()?;
            let frame = theirs(number)?;
            let frame_after = after.map(&mut theirs).transpose()?;
            self.compare_frame(&ours, &frame).map_err(refuse)?;
            let pair = pair.get_or_insert_with(|| Pair::new(&frame));
            let own = pair.likeness(&ours, &frame).map_err(refuse)?;
            for (number_there, there) in [(before, frame_before), (after, frame_after)] {
                let Some((number_there, there)) = number_there.zip(there) else {
                    continue;
                };
                let other = pair.likeness(&ours, &there).map_err(refuse)?;
                let (own, other) = (1.0 - own.structure, 1.0 - other.structure);
                if is_nearer(own, other)
                    && !pair.are_alike(&there, &frame, other).map_err(refuse)?
                {
                    return Err(refuse(Refusal::Shifted {
                        frame: number_there,
                        shows: number,
                    }));
                }
            }
            wrong = wrong.or(check_likeness(number, own).err());
            found.samples += 1;
            // What is kept as text is rounded: four digits are enough, and are read as they were written.
            let rounded = (own.structure * 10_000.0).round() / 10_000.0;
            found.least_likeness = found.least_likeness.min(rounded);
        }
        let nothing = (found.samples == 0).then_some(Refusal::NothingCompared);
        match wrong.or(nothing) {
            Some(refusal) => Err(refuse(refusal)),
            None => Ok(found),
        }
    }

    /// Compares what two pictures say of themselves.
    fn compare_frame(&self, source: &VideoFrame, proxy: &VideoFrame) -> Result<(), Refusal> {
        if source.fields != proxy.fields {
            return Err(Refusal::Fields {
                source_fields: source.fields,
                proxy: proxy.fields,
            });
        }
        let mut stream = self.source.stream.clone();
        stream.color = source.color;
        let codec = codec_of(&self.proxy.stream);
        compare_color(&codec.color_of(&stream), &proxy.color)
    }
}

/// How far apart the same times may be: a coarser clock cannot be finer than its ticks. But where a tick
/// is a whole frame, as in AVI, that frame is not to be taken for its neighbour.
fn slack_of(source_tick: MediaSpan, proxy_tick: MediaSpan, interval: MediaSpan) -> MediaSpan {
    let most = MediaSpan::from_flicks(interval.flicks() / 2 - 1);
    source_tick.max(proxy_tick).min(most).max(MediaSpan::ZERO)
}

/// The codec whose rules a proxy follows. Those of H.264 fit all that keep everything.
fn codec_of(stream: &VideoStream) -> ProxyCodec {
    match stream.codec.as_str() {
        "mjpeg" => ProxyCodec::Mjpeg,
        "prores" => ProxyCodec::ProresProxy,
        "dnxhd" => ProxyCodec::DnxhrLb,
        "hap" => ProxyCodec::Hap,
        _ => ProxyCodec::H264Intra,
    }
}

fn compare_color(expected: &ColorInfo, proxy: &ColorInfo) -> Result<(), Refusal> {
    if expected.range != proxy.range {
        return Err(Refusal::Range {
            expected: expected.range,
            proxy: proxy.range,
        });
    }
    if expected.matrix != proxy.matrix {
        return Err(Refusal::Matrix {
            expected: expected.matrix,
            proxy: proxy.matrix,
        });
    }
    if expected.primaries != proxy.primaries {
        return Err(Refusal::Primaries {
            expected: expected.primaries,
            proxy: proxy.primaries,
        });
    }
    if expected.transfer != proxy.transfer {
        return Err(Refusal::Transfer {
            expected: expected.transfer,
            proxy: proxy.transfer,
        });
    }
    if expected.siting != proxy.siting {
        return Err(Refusal::Siting {
            expected: expected.siting,
            proxy: proxy.siting,
        });
    }
    let nits = |hdr: Option<HdrMetadata>| {
        let levels = |hdr: HdrMetadata| [hdr.mastering_peak_nits, hdr.max_content_light_nits];
        hdr.map_or([None; 2], levels)
    };
    let is_near = |(a, b): (Option<f32>, Option<f32>)| match (a, b) {
        (Some(a), Some(b)) => (a - b).abs() <= a / 100.0,
        (a, b) => a.is_none() && b.is_none(),
    };
    let mut levels = nits(expected.hdr).into_iter().zip(nits(proxy.hdr));
    // What is not HDR is not tone-mapped.
    if expected.transfer.is_hdr() && !levels.all(is_near) {
        return Err(Refusal::LightLevels);
    }
    Ok(())
}

fn check_likeness(frame: FrameIndex, found: Likeness) -> Result<(), Refusal> {
    if found.structure < LEAST_STRUCTURE {
        return Err(Refusal::Picture {
            frame,
            likeness: found.structure,
        });
    }
    if found.levels > MOST_LEVELS {
        return Err(Refusal::Levels {
            frame,
            codes: found.levels,
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_frame_passes_for_its_neighbour_where_ticks_are_frames() {
        let span = MediaSpan::from_millis;
        assert_eq!(slack_of(span(1), span(0), span(40)), span(1));
        let whole_frame = slack_of(span(40), span(1), span(40));
        assert!(whole_frame < span(20) && whole_frame > span(19));
        assert_eq!(slack_of(span(1), span(1), span(0)), MediaSpan::ZERO);
    }
}
