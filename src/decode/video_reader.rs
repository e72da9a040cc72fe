//! One demuxer and one decoder, driven a packet at a time.
//!
//! A [`VideoReader`] turns a file into decoded pictures in the order of presentation. It belongs to one
//! thread, does at most one packet's work a [`step`](VideoReader::step), and never waits for anything
//! but the disk and the decoder, so its owner can look for new orders between steps. A
//! [`seek`](VideoReader::seek) is one piece: it reads packets up to the keyframe that it looks for.

mod keyframes;

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use ffmpeg_next as ffmpeg;

use super::frame_buffers::{self, BufferCounters, PoolBinding};
use super::index::{GopIndex, Keyframe, Numbering};
use super::input::{Input, OpenError, ReadError, ReadOutcome};
use super::picture::{PictureError, PictureMaker, is_damaged};
use super::probe::MAX_PICTURE_PIXELS;
use super::source_file::Interrupter;
use crate::media::{StreamId, VideoFrame, VideoStream};
use crate::memory::FramePool;
use crate::time::{Clock, FrameIndex, Moment};

/// How a reader works.
#[derive(Clone)]
pub struct ReaderOptions {
    /// Threads inside the decoder.
    pub threads: NonZeroUsize,
    /// Where pictures go.
    pub pool: FramePool,
    /// For stage times.
    pub clock: Arc<dyn Clock>,
    /// Calls off reading from another thread.
    pub interrupter: Interrupter,
}

/// What became of one step.
#[derive(Debug)]
pub enum Step {
    /// A packet was taken, and nothing came out.
    Progress,
    /// A picture came out.
    Picture(ReadPicture),
    /// There are no more pictures.
    End,
}

/// A picture out of the decoder.
pub struct ReadPicture {
    /// Its presentation time stamp in ticks of the stream, if it has one.
    pub pts: Option<i64>,
    /// How many pictures came out before it since the last seek.
    pub ordinal: u64,
    /// Time spent reading packets since the picture before.
    pub demux: Duration,
    /// Time spent in the decoder since the picture before.
    pub decode: Duration,
    /// Whether the decoder made up for damage.
    pub is_damaged: bool,
    raw: ffmpeg::frame::Video,
}

impl ReadPicture {
    /// Which frame of `index` it is, on a way that began at the start of the file or at a keyframe.
    pub fn frame_in(&self, index: &GopIndex) -> Option<FrameIndex> {
        if index.numbering() == Numbering::ByCount {
            return i64::try_from(self.ordinal).ok().map(FrameIndex);
        }
        self.pts.and_then(|pts| index.frame_of_pts(pts))
    }
}

impl std::fmt::Debug for ReadPicture {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ReadPicture")
            .field("pts", &self.pts)
            .finish_non_exhaustive()
    }
}

/// Why decoding cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// The file cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The decoder cannot be opened.
    #[error("the {0} decoder cannot be opened ({1}).")]
    Decoder(String, String),
    /// The file cannot be opened again.
    #[error(transparent)]
    Open(#[from] OpenError),
}

/// Damage to a packet is normal in broken files; this many in a row, with nothing decoded, is the end.
const MAX_BAD_PACKETS_IN_A_ROW: u32 = 500;

/// A demuxer, a decoder, and where they stand. See the module.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a state of its own; none excludes another"
)]
pub struct VideoReader {
    input: Input,
    stream: VideoStream,
    options: ReaderOptions,
    decoder: ffmpeg::decoder::Video,
    maker: PictureMaker,
    counters: Arc<BufferCounters>,
    packet: ffmpeg::Packet,
    /// A packet that the decoder had no room for.
    packet_waits: bool,
    draining: bool,
    /// After a seek: packets before this keyframe are passed over.
    skip_to: Option<Keyframe>,
    pictures: u64,
    /// The latest time stamp since the last seek whose picture was not wanted, and may not come out.
    unwanted_until: Option<i64>,
    /// After keyframes alone, the decoder has nothing that a later picture could refer to.
    needs_keyframe: bool,
    /// Pictures before this time stamp refer to what was not decoded.
    not_before: Option<i64>,
    bad_packets_in_a_row: u32,
    damaged_packets: u64,
    ended_early: bool,
    sent_packets: u64,
    demux: Duration,
    decode: Duration,
    // Dropped after the decoder, which points at it.
    _binding: Box<PoolBinding>,
}

impl VideoReader {
    /// A reader of `stream` at the beginning of an open container.
    pub fn new(
        mut input: Input,
        stream: VideoStream,
        options: ReaderOptions,
    ) -> Result<Self, DecodeError> {
        input.discard_all_but(stream.id);
        let counters = Arc::new(BufferCounters::default());
        // The decoder points at it, so it must not move.
        let binding = Box::new(PoolBinding::new(
            options.pool.clone(),
            Arc::clone(&counters),
        ));
        let parameters = parameters_of(&input, &stream)?;
        let pool = options.pool.clone();
        let maker = PictureMaker::new(&parameters, &stream, pool, Arc::clone(&counters));
        let decoder = open_decoder(parameters, &stream, options.threads, &binding)?;
        Ok(Self {
            input,
            stream,
            options,
            decoder,
            maker,
            counters,
            packet: ffmpeg::Packet::empty(),
            packet_waits: false,
            draining: false,
            skip_to: None,
            pictures: 0,
            unwanted_until: None,
            needs_keyframe: false,
            not_before: None,
            bad_packets_in_a_row: 0,
            damaged_packets: 0,
            ended_early: false,
            sent_packets: 0,
            demux: Duration::ZERO,
            decode: Duration::ZERO,
            _binding: binding,
        })
    }

    /// The stream.
    pub fn stream(&self) -> &VideoStream {
        &self.stream
    }

    /// The container.
    pub fn input(&self) -> &Input {
        &self.input
    }

    /// Frames that could not be decoded into the pool.
    pub fn buffer_counters(&self) -> &Arc<BufferCounters> {
        &self.counters
    }

    /// Packets that could not be decoded.
    pub fn damaged_packets(&self) -> u64 {
        self.damaged_packets
    }

    /// Whether something could not be read or decoded so far: another reading may give more.
    pub fn is_damaged(&self) -> bool {
        self.ended_early || self.damaged_packets > 0
    }

    /// Whether [`Self::frame`] copies pictures, for their format is not canonical.
    pub fn repacks(&self) -> bool {
        self.maker.repacks()
    }

    /// Packets that were given to the decoder so far.
    pub fn sent_packets(&self) -> u64 {
        self.sent_packets
    }

    /// Whether the picture of this time stamp may have been left out since the last seek, or refers to what was.
    pub fn has_left_out(&self, pts: Option<i64>) -> bool {
        let passed = |until: i64| pts.is_none_or(|pts| pts <= until);
        self.needs_keyframe || self.unwanted_until.is_some_and(passed)
    }

    /// Pictures up to this time stamp may have been left out since the last seek.
    pub fn unwanted_until(&self) -> Option<i64> {
        self.unwanted_until
    }

    /// Moves to keyframe number `keyframe` of `index`: the next picture is the first that can be decoded
    /// from there. Demuxers that cannot be searched are opened anew and read from the start.
    pub fn seek(&mut self, index: &GopIndex, keyframe: usize) -> Result<(), DecodeError> {
        if index.numbering() == Numbering::ByCount {
            return self.rewind();
        }
        let mut number = keyframe;
        // A demuxer may land too late, for its own table is coarser or counts otherwise: ask for
        // earlier keyframes until it lands at or before the one that is needed.
        for _ in 0..4 {
            let Some(&key) = index.keyframes().get(number) else {
                break;
            };
            let landed = self.try_seek(key, index.keyframes().get(keyframe).copied())?;
            if landed {
                return Ok(());
            }
            if number == 0 {
                break;
            }
            number -= 1;
        }
        self.rewind()?;
        self.skip_to = index.keyframes().get(keyframe).copied();
        Ok(())
    }

    /// Seeks to `ask` and reads the first packet. False when that lies beyond `goal`.
    fn try_seek(&mut self, ask: Keyframe, goal: Option<Keyframe>) -> Result<bool, DecodeError> {
        let Some(goal) = goal else { return Ok(false) };
        self.reset();
        let by_time = self.input.seek_to(self.stream.id, ask.pts);
        if by_time.is_err() && !self.seek_by_place(ask)? {
            return Ok(false);
        }
        self.skip_to = Some(goal);
        self.read_past_goal_start(goal)
    }

    fn seek_by_place(&mut self, key: Keyframe) -> Result<bool, DecodeError> {
        let Some(position) = key.position else {
            return Ok(false);
        };
        match self.input.seek_to_byte(position) {
            Ok(()) => Ok(true),
            Err(ReadError::Unseekable(_)) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Reads packets up to the goal and keeps it for the decoder. False when the goal is not met.
    fn read_past_goal_start(&mut self, goal: Keyframe) -> Result<bool, DecodeError> {
        loop {
            match self.input.read_packet(&mut self.packet)? {
                ReadOutcome::End => return Ok(false),
                ReadOutcome::Packet => match meets_goal(&self.packet, goal) {
                    Goal::Before => {}
                    Goal::Met => {
                        self.skip_to = None;
                        self.packet_waits = true;
                        return Ok(true);
                    }
                    Goal::Passed => return Ok(false),
                },
            }
        }
    }

    /// The picture of keyframe number `keyframe` alone. Its packet is the only one that is decoded, and
    /// the decoder is told that nothing follows, so that it does not wait for what would come before
    /// the picture in another order. `None` where that packet does not make a picture by itself.
    ///
    /// Afterwards the reader must seek.
    pub fn keyframe(
        &mut self,
        index: &GopIndex,
        keyframe: usize,
    ) -> Result<Option<ReadPicture>, DecodeError> {
        puffin::profile_scope!("keyframe");
        let Some(key) = index.keyframes().get(keyframe).copied() else {
            return Ok(None);
        };
        self.seek(index, keyframe)?;
        if !self.packet_waits {
            if self.next_packet()? == ReadOutcome::End {
                return Ok(None);
            }
            self.packet_waits = true;
        }
        self.feed(&|_| true)?;
        if self.packet_waits || self.decoder.send_eof().is_err() {
            return Ok(None);
        }
        self.draining = true;
        let begun = self.options.clock.now();
        let mut raw = ffmpeg::frame::Video::empty();
        let received = self.decoder.receive_frame(&mut raw);
        self.decode += self.since(begun);
        // A packet that is damaged, or half of a picture, brings nothing.
        if received.is_err() {
            return Ok(None);
        }
        let picture = self.picture(raw);
        Ok(Some(picture).filter(|picture| picture.pts == Some(key.pts)))
    }

    /// Goes back to the beginning of the file.
    pub fn rewind(&mut self) -> Result<(), DecodeError> {
        self.reset();
        // Not by its name, which may stand for another file by now.
        let same = self.input.same_file()?;
        let mut input = Input::open_same(same, &self.options.interrupter)?;
        input.discard_all_but(self.stream.id);
        // The decoder keeps the old container's parameters alive by itself.
        self.input = input;
        Ok(())
    }

    /// Goes on with another file of the same kind: its pictures are decoded by the decoder that is open.
    /// False when its container or codec is another; then nothing has changed.
    pub(super) fn continue_with(&mut self, mut input: Input) -> bool {
        let kind = |input: &Input| {
            let stream = input.context_ref().stream(self.stream.id.0)?;
            let container = input.context_ref().format().name().to_owned();
            Some((container, stream.parameters().id()))
        };
        let is_like = kind(&input).is_some_and(|new| Some(new) == kind(&self.input));
        if is_like {
            self.reset();
            input.discard_all_but(self.stream.id);
            self.input = input;
        }
        is_like
    }

    fn reset(&mut self) {
        self.decoder.flush();
        self.packet_waits = false;
        self.draining = false;
        self.skip_to = None;
        self.pictures = 0;
        self.unwanted_until = None;
        self.needs_keyframe = false;
        self.not_before = None;
        self.bad_packets_in_a_row = 0;
        self.demux = Duration::ZERO;
        self.decode = Duration::ZERO;
    }

    /// Takes a picture from the decoder, or gives it a packet.
    ///
    /// `is_wanted` says of a packet's time stamp whether its picture will be shown; pictures that will
    /// not, and that no other picture refers to, are not decoded.
    pub fn step(&mut self, is_wanted: &dyn Fn(i64) -> bool) -> Result<Step, DecodeError> {
        let begun = self.options.clock.now();
        let mut raw = ffmpeg::frame::Video::empty();
        let received = self.decoder.receive_frame(&mut raw);
        self.decode += self.since(begun);
        match received {
            Ok(()) => return Ok(Step::Picture(self.picture(raw))),
            Err(ffmpeg::Error::Eof) => return Ok(Step::End),
            Err(ffmpeg::Error::Other {
                errno: ffmpeg::error::EAGAIN,
            }) if self.draining => {
                return Ok(Step::End);
            }
            Err(ffmpeg::Error::Other {
                errno: ffmpeg::error::EAGAIN,
            }) => {}
            Err(error) => self.note_damage(error)?,
        }
        if !self.packet_waits
            && let Some(step) = self.fetch_packet()?
        {
            return Ok(step);
        }
        self.feed(is_wanted)
    }

    /// Reads the packet that comes next. Where there is none the decoder is told so, and that was the step.
    fn fetch_packet(&mut self) -> Result<Option<Step>, DecodeError> {
        let begun = self.options.clock.now();
        let outcome = self.next_packet();
        self.demux += self.since(begun);
        match outcome? {
            ReadOutcome::Packet => {
                self.packet_waits = true;
                Ok(None)
            }
            ReadOutcome::End => {
                self.draining = true;
                // A decoder that fails to enter draining has nothing left to give.
                Ok(Some(if self.decoder.send_eof().is_ok() {
                    Step::Progress
                } else {
                    Step::End
                }))
            }
        }
    }

    fn next_packet(&mut self) -> Result<ReadOutcome, DecodeError> {
        puffin::profile_scope!("demux");
        loop {
            let outcome = match self.input.read_packet(&mut self.packet) {
                // What can be read has been read: the pictures up to here are shown.
                Err(ReadError::Damaged(reason)) => {
                    tracing::warn!("the file ends early: {reason}");
                    self.ended_early = true;
                    ReadOutcome::End
                }
                other => other?,
            };
            if outcome == ReadOutcome::End {
                return Ok(ReadOutcome::End);
            }
            let goal = self.skip_to.map(|goal| meets_goal(&self.packet, goal));
            if !matches!(goal, Some(Goal::Before)) {
                self.skip_to = None;
                return Ok(ReadOutcome::Packet);
            }
        }
    }

    fn feed(&mut self, is_wanted: &dyn Fn(i64) -> bool) -> Result<Step, DecodeError> {
        if self.lacks_references() {
            self.pass_packet();
            return Ok(Step::Progress);
        }
        let wanted = self.packet.pts().is_none_or(is_wanted);
        if !wanted {
            self.unwanted_until = self.unwanted_until.max(self.packet.pts());
        }
        self.decoder.skip_frame(if wanted {
            ffmpeg::Discard::Default
        } else {
            ffmpeg::Discard::NonReference
        });
        let begun = self.options.clock.now();
        let sent = self.decoder.send_packet(&self.packet);
        self.sent_packets += 1;
        self.decode += self.since(begun);
        match sent {
            // Its pictures must be taken first; the packet is kept.
            Err(ffmpeg::Error::Other {
                errno: ffmpeg::error::EAGAIN,
            }) => return Ok(Step::Progress),
            Ok(()) => self.bad_packets_in_a_row = 0,
            Err(error) => self.note_damage(error)?,
        }
        self.packet_waits = false;
        Ok(Step::Progress)
    }

    fn note_damage(&mut self, error: ffmpeg::Error) -> Result<(), DecodeError> {
        self.damaged_packets += 1;
        self.bad_packets_in_a_row += 1;
        tracing::debug!("a damaged packet was passed over: {error}");
        if self.bad_packets_in_a_row > MAX_BAD_PACKETS_IN_A_ROW {
            return Err(DecodeError::Decoder(
                self.stream.decoder.clone(),
                error.to_string(),
            ));
        }
        Ok(())
    }

    fn picture(&mut self, raw: ffmpeg::frame::Video) -> ReadPicture {
        self.bad_packets_in_a_row = 0;
        let ordinal = self.pictures;
        self.pictures += 1;
        ReadPicture {
            pts: raw.timestamp().or(raw.pts()),
            ordinal,
            demux: std::mem::take(&mut self.demux),
            decode: std::mem::take(&mut self.decode),
            is_damaged: is_damaged(&raw),
            raw,
        }
    }

    /// Makes a frame of a picture: repacked where its format is not canonical.
    pub fn frame(&mut self, picture: ReadPicture) -> Result<VideoFrame, PictureError> {
        self.maker.make(picture.raw)
    }

    fn since(&self, begun: Moment) -> Duration {
        self.options.clock.now().since(begun)
    }
}

enum Goal {
    Before,
    Met,
    Passed,
}

fn meets_goal(packet: &ffmpeg::Packet, goal: Keyframe) -> Goal {
    let pts = packet.pts().or(packet.dts());
    // The other field of a picture may have its time stamp too. A stream without keyframes is entered at
    // its first packet.
    let is_entry = packet.is_key() || packet.dts().or(packet.pts()) == Some(goal.dts);
    match pts {
        Some(pts) if is_entry && pts == goal.pts => Goal::Met,
        // Decoding time is what demuxers order packets by.
        _ if packet
            .dts()
            .or(packet.pts())
            .is_some_and(|dts| dts > goal.dts) =>
        {
            Goal::Passed
        }
        _ => Goal::Before,
    }
}

fn parameters_of(
    input: &Input,
    stream: &VideoStream,
) -> Result<ffmpeg::codec::Parameters, DecodeError> {
    let StreamId(number) = stream.id;
    input
        .context_ref()
        .stream(number)
        .map(|stream| stream.parameters())
        .ok_or_else(|| {
            DecodeError::Decoder(stream.decoder.clone(), "the stream is gone".to_owned())
        })
}

fn open_decoder(
    parameters: ffmpeg::codec::Parameters,
    stream: &VideoStream,
    threads: NonZeroUsize,
    binding: &PoolBinding,
) -> Result<ffmpeg::decoder::Video, DecodeError> {
    let fail = |what: String| DecodeError::Decoder(stream.decoder.clone(), what);
    let codec = ffmpeg::decoder::find_by_name(&stream.decoder)
        .or_else(|| ffmpeg::decoder::find(parameters.id()))
        .ok_or_else(|| fail("this build of FFmpeg lacks it".to_owned()))?;
    let mut context = ffmpeg::codec::Context::from_parameters(parameters)
        .map_err(|error| fail(error.to_string()))?;
    #[expect(unsafe_code, reason = "fields that the wrapper does not reach")]
    // SAFETY: the context is not open yet, and the reader keeps the binding as long as the decoder.
    unsafe {
        let raw = context.as_mut_ptr();
        (*raw).thread_count = i32::try_from(threads.get()).unwrap_or(i32::MAX);
        (*raw).pkt_timebase = ffmpeg::ffi::AVRational {
            num: stream.time_base.num().cast_signed(),
            den: stream.time_base.den().cast_signed(),
        };
        // Streams may change size on the way.
        (*raw).max_pixels = MAX_PICTURE_PIXELS.cast_signed();
        frame_buffers::attach(raw, binding);
    }
    context
        .decoder()
        .open_as(codec)
        .and_then(ffmpeg::decoder::Opened::video)
        .map_err(|error| fail(error.to_string()))
}
