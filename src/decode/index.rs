//! The GOP index: which frames a stream presents, when, and where decoding must begin to reach them.
//!
//! It is made from packets alone. Frame n is the n-th packet in the order of presentation time stamps,
//! less those that are never shown: packets that an edit list discards, and those that come before the
//! first keyframe can be decoded.

mod stamps;
mod wire;

pub use self::wire::IndexBytesError;

use std::sync::Arc;

use self::stamps::Stamps;
use crate::memory::{Charge, Ledger, MemoryClass};
use crate::time::{FrameIndex, FrameRate, MediaSpan, MediaTime, TimeBase};

/// What the index needs to know of a packet. Time stamps are in ticks of the stream's time base.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PacketStamp {
    /// Presentation time stamp, if the container has one.
    pub pts: Option<i64>,
    /// Decoding time stamp, if the container has one.
    pub dts: Option<i64>,
    /// Duration in ticks; 0 when unknown.
    pub duration: i64,
    /// Whether decoding can begin here.
    pub is_key: bool,
    /// Whether the packet is decoded but never shown.
    pub is_discarded: bool,
    /// Place in the file, in bytes, if known.
    pub position: Option<u64>,
}

/// A packet that decoding can begin at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Keyframe {
    /// Presentation time stamp.
    pub pts: i64,
    /// Decoding time stamp; the presentation time stamp where the container has none.
    pub dts: i64,
    /// Place in the file, in bytes, if known.
    pub position: Option<u64>,
    /// Its number in decoding order, counted from the first packet of the stream.
    pub packet: u64,
}

/// How frames are told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Numbering {
    /// By presentation time stamp.
    ByTimeStamp,
    /// By counting decoded frames from the start of the file, for the container has no time stamps.
    ByCount,
}

/// The frames of one stream, in the order of presentation. Immutable; a longer one replaces it while
/// the file is being read.
///
/// Media time zero is the stream's declared start, so pictures and sound share it.
#[derive(Debug, Clone)]
pub struct GopIndex {
    time_base: TimeBase,
    zero_ticks: i64,
    pts: Stamps,
    end_ticks: i64,
    /// Ascending by presentation time stamp; none are listed where stamps are counted.
    keyframes: Vec<Keyframe>,
    numbering: Numbering,
    complete: bool,
    /// Whether frames follow one another at uneven intervals (more than time stamps' rounding).
    variable_rate: bool,
    /// What its memory is charged to; copies share it.
    charge: Option<Arc<Charge>>,
}

impl GopIndex {
    /// The index of `frames` frames at a constant rate, each of which can be decoded by itself: a
    /// timeline, numbered pictures. It takes the same few bytes whatever their number; negative
    /// numbers count as none.
    pub fn constant(rate: FrameRate, frames: i64) -> Self {
        let frames = frames.max(0);
        Self {
            time_base: rate.frame_base(),
            zero_ticks: 0,
            pts: Stamps::Counted(frames),
            end_ticks: frames,
            keyframes: Vec::new(),
            numbering: Numbering::ByTimeStamp,
            complete: true,
            variable_rate: false,
            charge: None,
        }
    }

    /// Bytes of memory that it takes.
    pub fn heap_bytes(&self) -> u64 {
        let keyframes = self.keyframes.capacity() * size_of::<Keyframe>();
        (self.pts.heap_bytes() + keyframes) as u64
    }

    /// Charges its memory to `ledger` for as long as anybody holds it. One that finds no room is used all
    /// the same: without it nothing can be sought.
    pub(crate) fn charged(mut self, ledger: &Ledger) -> Self {
        match ledger.reserve(MemoryClass::Index, self.heap_bytes()) {
            Ok(charge) => self.charge = Some(Arc::new(charge)),
            Err(error) => tracing::debug!("{error} The index is used all the same."),
        }
        self
    }

    /// Number of frames known.
    pub fn len(&self) -> i64 {
        self.pts.len()
    }

    /// Whether no frame is known.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether the whole file has been read.
    pub fn is_complete(&self) -> bool {
        self.complete
    }

    /// Whether intervals vary by more than rounding explains.
    pub fn is_variable_rate(&self) -> bool {
        self.variable_rate
    }

    /// Unit of its time stamps.
    pub fn time_base(&self) -> TimeBase {
        self.time_base
    }

    /// How frames are told apart.
    pub fn numbering(&self) -> Numbering {
        self.numbering
    }

    /// The keyframes, in the order of presentation. Those of [`Self::constant`] are not listed:
    /// every frame is one.
    pub fn keyframes(&self) -> &[Keyframe] {
        &self.keyframes
    }

    /// Frames from one keyframe to the next on average, as far as they are known; 1 at least.
    pub fn mean_gop(&self) -> i64 {
        let keyframes = i64::try_from(self.keyframes.len()).unwrap_or(i64::MAX);
        (self.len() / keyframes.max(1)).max(1)
    }

    /// The time stamp of `frame`, in ticks.
    pub fn pts_of(&self, frame: FrameIndex) -> Option<i64> {
        self.pts.get(frame.0)
    }

    /// The frame with exactly this time stamp.
    pub fn frame_of_pts(&self, pts: i64) -> Option<FrameIndex> {
        self.pts.find(pts).map(FrameIndex)
    }

    /// The frame with the time stamp that is nearest to `pts`. Damaged files decode to time stamps
    /// that no packet had.
    pub fn nearest_frame(&self, pts: i64) -> Option<FrameIndex> {
        let next = self.pts.partition_point(|p| p < pts);
        let distance = |n: i64| self.pts.get(n).map(|p| (p.abs_diff(pts), n));
        let (before, after) = (distance(next - 1), distance(next));
        before
            .into_iter()
            .chain(after)
            .min()
            .map(|(_, n)| FrameIndex(n))
    }

    /// Whether every packet that could be presented at or before `pts` has been seen.
    pub fn covers_pts(&self, pts: i64) -> bool {
        self.complete || self.pts.last().is_some_and(|last| pts <= last)
    }

    /// When `frame` begins.
    pub fn time_of(&self, frame: FrameIndex) -> Option<MediaTime> {
        self.pts_of(frame).map(|pts| self.time_from_pts(pts))
    }

    /// When `frame` ends: where the next one begins, or the last one's duration says.
    pub fn end_of(&self, frame: FrameIndex) -> Option<MediaTime> {
        self.pts_of(frame)?;
        Some(self.time_of(frame.offset(1)).unwrap_or_else(|| self.end()))
    }

    /// When the last known frame ends.
    pub fn end(&self) -> MediaTime {
        self.time_from_pts(self.end_ticks)
    }

    /// Length from the first frame's beginning to the last one's end.
    pub fn duration(&self) -> MediaSpan {
        self.time_of(FrameIndex::ZERO)
            .map_or(MediaSpan::ZERO, |first| self.end() - first)
    }

    /// Media time of a time stamp.
    pub fn time_from_pts(&self, pts: i64) -> MediaTime {
        self.time_base
            .time_from_ticks_nearest(pts.saturating_sub(self.zero_ticks))
    }

    /// The frame that is on screen at `time`; the first before it, the last after it.
    pub fn frame_at(&self, time: MediaTime) -> Option<FrameIndex> {
        let at = match self.pts {
            Stamps::Counted(frames) => self.time_base.ticks_from_time_floor(time).min(frames - 1),
            Stamps::Listed(_) => {
                let next = self
                    .pts
                    .partition_point(|pts| self.time_from_pts(pts) <= time);
                next - 1
            }
        };
        (!self.is_empty()).then(|| FrameIndex(at.max(0)))
    }

    /// The keyframe that decoding must begin at to show `frame`, and its number: the last one
    /// presented at or before it. A leading picture of an open GOP is presented before its own
    /// keyframe, so this answers the keyframe before, which its references need.
    pub fn keyframe_for(&self, frame: FrameIndex) -> Option<(usize, Keyframe)> {
        let pts = self.pts_of(frame)?;
        if let Stamps::Counted(_) = self.pts {
            let number = usize::try_from(frame.0).ok()?;
            let place = Keyframe {
                pts,
                dts: pts,
                position: None,
                packet: number as u64,
            };
            return Some((number, place));
        }
        let next = self.keyframes.partition_point(|key| key.pts <= pts);
        let number = next.saturating_sub(1);
        self.keyframes.get(number).map(|&key| (number, key))
    }

    /// The GOP that `frame` is in: the first frame of it, and the first of the next one, if there is one.
    pub fn gop_of(&self, frame: FrameIndex) -> Option<(FrameIndex, Option<FrameIndex>)> {
        let (number, _) = self.keyframe_for(frame)?;
        let first = self.first_frame_of(number)?;
        Some((first, self.first_frame_of(number + 1)))
    }

    /// The first frame that can be decoded from keyframe number `keyframe`.
    pub fn first_frame_of(&self, keyframe: usize) -> Option<FrameIndex> {
        if let Stamps::Counted(frames) = self.pts {
            let number = i64::try_from(keyframe).ok()?;
            return (number < frames).then_some(FrameIndex(number));
        }
        let key = self.keyframes.get(keyframe)?;
        Some(FrameIndex(self.pts.partition_point(|pts| pts < key.pts)))
    }
}

/// Makes a [`GopIndex`] from packets in decoding order.
#[derive(Debug)]
pub struct IndexBuilder {
    time_base: TimeBase,
    rate: FrameRate,
    zero_ticks: i64,
    /// Presentation time stamps of shown packets, in decoding order.
    shown: Vec<i64>,
    keyframes: Vec<Keyframe>,
    packets: u64,
    shown_packets: u64,
    /// Packets without a presentation time stamp.
    unstamped: u64,
    last_dts: Option<i64>,
    /// The last frame presented so far and its duration.
    last: Option<(i64, i64)>,
    first_key_pts: Option<i64>,
    /// The first packet, and the time stamps of those that wait for a keyframe.
    first_packet: Option<Keyframe>,
    before_first_key: Vec<i64>,
}

impl IndexBuilder {
    /// An empty index of a stream whose media time zero is at `zero_ticks`. `rate` is used only where
    /// the container has no time stamps or durations.
    pub fn new(time_base: TimeBase, rate: FrameRate, zero_ticks: i64) -> Self {
        Self {
            time_base,
            rate,
            zero_ticks,
            shown: Vec::new(),
            keyframes: Vec::new(),
            packets: 0,
            shown_packets: 0,
            unstamped: 0,
            last_dts: None,
            last: None,
            first_key_pts: None,
            first_packet: None,
            before_first_key: Vec::new(),
        }
    }

    /// Number of packets that will be shown, so far.
    pub fn shown_len(&self) -> usize {
        self.shown.len()
    }

    /// Adds the next packet in decoding order.
    pub fn push(&mut self, packet: PacketStamp) {
        let number = self.packets;
        self.packets += 1;
        if !packet.is_discarded {
            self.shown_packets += 1;
        }
        self.last_dts = packet.dts.or(self.last_dts);
        // Streams of keyframes alone often have decoding time stamps only, and the two are the same.
        let Some(pts) = packet.pts.or(if packet.is_key { packet.dts } else { None }) else {
            self.unstamped += 1;
            return;
        };
        let dts = packet.dts.unwrap_or(pts);
        let place = Keyframe {
            pts,
            dts,
            position: packet.position,
            packet: number,
        };
        if packet.is_key {
            self.first_key_pts.get_or_insert(pts);
            self.keyframes.push(place);
            self.before_first_key = Vec::new();
        } else if self.first_key_pts.is_none() && !packet.is_discarded {
            self.first_packet.get_or_insert(place);
            self.before_first_key.push(pts);
        }
        // Nothing can be decoded before the first keyframe, nor what it presents ahead of itself.
        let decodable = self.first_key_pts.is_some_and(|first| pts >= first);
        if decodable && !packet.is_discarded {
            self.shown.push(pts);
            if self.last.is_none_or(|(last, _)| pts > last) {
                self.last = Some((pts, packet.duration.max(0)));
            }
        }
    }

    /// The index of the frames that can no longer change. With `complete` that is all of them.
    pub fn publish(&self, complete: bool) -> GopIndex {
        if self.unstamped * 2 > self.packets {
            return self.publish_by_count(complete);
        }
        // A piece of a file may have no keyframe at all. What a decoder makes of it is better than nothing.
        let keyless = self
            .first_packet
            .filter(|_| complete && self.keyframes.is_empty());
        let mut pts = if keyless.is_some() {
            &self.before_first_key
        } else {
            &self.shown
        }
        .clone();
        pts.sort_unstable();
        // Both fields of a picture may come as packets of their own with one time stamp.
        pts.dedup();
        if !complete {
            // A packet to come may be presented as early as its decoding time, never before.
            let settled = self
                .last_dts
                .map_or(0, |dts| pts.partition_point(|&p| p < dts));
            pts.truncate(settled);
        }
        let mut keyframes = self.keyframes.clone();
        keyframes.extend(keyless);
        keyframes.sort_by_key(|key| key.pts);
        let end_ticks = match (pts.last(), self.last) {
            (Some(&end), Some((last, duration))) if end == last && duration > 0 => end + duration,
            (Some(&end), _) => end + self.usual_interval(&pts),
            (None, _) => self.zero_ticks,
        };
        let variable_rate = is_variable(&pts, self.time_base);
        GopIndex {
            time_base: self.time_base,
            zero_ticks: self.zero_ticks,
            pts: Stamps::Listed(pts),
            end_ticks,
            keyframes,
            numbering: Numbering::ByTimeStamp,
            complete,
            variable_rate,
            charge: None,
        }
    }

    fn publish_by_count(&self, complete: bool) -> GopIndex {
        let tick = |n: u64| {
            let frame = FrameIndex(i64::try_from(n).unwrap_or(i64::MAX));
            self.time_base
                .ticks_from_time_floor(self.rate.time_of_frame_nearest(frame))
        };
        let mut pts: Vec<i64> = (0..self.shown_packets)
            .map(|n| self.zero_ticks + tick(n))
            .collect();
        pts.dedup();
        let first = Keyframe {
            pts: self.zero_ticks,
            dts: self.zero_ticks,
            position: Some(0),
            packet: 0,
        };
        GopIndex {
            time_base: self.time_base,
            zero_ticks: self.zero_ticks,
            end_ticks: self.zero_ticks + tick(self.shown_packets),
            pts: Stamps::Listed(pts),
            // Only the beginning of the file has a known number.
            keyframes: vec![first],
            numbering: Numbering::ByCount,
            complete,
            variable_rate: false,
            charge: None,
        }
    }

    /// The last frame's duration where the container states none: the interval before it.
    fn usual_interval(&self, pts: &[i64]) -> i64 {
        match pts {
            [.., a, b] => b - a,
            _ => self
                .time_base
                .ticks_from_time_floor(MediaTime::ZERO + self.rate.frame_span_nearest())
                .max(1),
        }
    }
}

/// Whether intervals differ by more than the two ticks that rounding to the time base explains, or,
/// for coarse time bases such as Matroska's millisecond, by more than a tenth.
fn is_variable(pts: &[i64], time_base: TimeBase) -> bool {
    let intervals = || pts.windows(2).map(|pair| pair[1] - pair[0]);
    let (Some(least), Some(most)) = (intervals().min(), intervals().max()) else {
        return false;
    };
    let tick = time_base.span_from_ticks_nearest(1);
    let slack = if tick > MediaSpan::from_flicks(MediaSpan::from_millis(1).flicks() / 2) {
        2
    } else {
        1
    };
    most - least > slack.max(least / 50)
}

#[cfg(test)]
mod tests;
