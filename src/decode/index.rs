//! The GOP index: which frames a stream presents, when, and where decoding must begin to reach them.
//!
//! It is made from packets alone. Frame n is the n-th packet in the order of presentation time stamps,
//! less those that are never shown: packets that an edit list discards, and those that come before the
//! first keyframe can be decoded.

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
    /// Ascending, without repeats.
    pts: Vec<i64>,
    end_ticks: i64,
    /// Ascending by presentation time stamp.
    keyframes: Vec<Keyframe>,
    numbering: Numbering,
    complete: bool,
    /// Whether frames follow one another at uneven intervals (more than time stamps' rounding).
    variable_rate: bool,
}

impl GopIndex {
    /// Number of frames known.
    pub fn len(&self) -> i64 {
        i64::try_from(self.pts.len()).unwrap_or(i64::MAX)
    }

    /// Whether no frame is known.
    pub fn is_empty(&self) -> bool {
        self.pts.is_empty()
    }

    /// Whether the whole file has been read.
    pub fn is_complete(&self) -> bool {
        self.complete
    }

    /// Whether intervals vary by more than rounding explains.
    pub fn is_variable_rate(&self) -> bool {
        self.variable_rate
    }

    /// How frames are told apart.
    pub fn numbering(&self) -> Numbering {
        self.numbering
    }

    /// The keyframes, in the order of presentation.
    pub fn keyframes(&self) -> &[Keyframe] {
        &self.keyframes
    }

    fn position(&self, frame: FrameIndex) -> Option<usize> {
        usize::try_from(frame.0)
            .ok()
            .filter(|&n| n < self.pts.len())
    }

    /// The time stamp of `frame`, in ticks.
    pub fn pts_of(&self, frame: FrameIndex) -> Option<i64> {
        self.position(frame).map(|n| self.pts[n])
    }

    /// The frame with exactly this time stamp.
    pub fn frame_of_pts(&self, pts: i64) -> Option<FrameIndex> {
        self.pts.binary_search(&pts).ok().map(index_from_usize)
    }

    /// The frame with the time stamp that is nearest to `pts`. Damaged files decode to time stamps
    /// that no packet had.
    pub fn nearest_frame(&self, pts: i64) -> Option<FrameIndex> {
        let next = self.pts.partition_point(|&p| p < pts);
        let after = self.pts.get(next).map(|&p| (p - pts, next));
        let before = next.checked_sub(1).map(|n| (pts - self.pts[n], n));
        before
            .into_iter()
            .chain(after)
            .min()
            .map(|(_, n)| index_from_usize(n))
    }

    /// Whether every packet that could be presented at or before `pts` has been seen.
    pub fn covers_pts(&self, pts: i64) -> bool {
        self.complete || self.pts.last().is_some_and(|&last| pts <= last)
    }

    /// When `frame` begins.
    pub fn time_of(&self, frame: FrameIndex) -> Option<MediaTime> {
        self.pts_of(frame).map(|pts| self.time_from_pts(pts))
    }

    /// When `frame` ends: where the next one begins, or the last one's duration says.
    pub fn end_of(&self, frame: FrameIndex) -> Option<MediaTime> {
        let n = self.position(frame)?;
        Some(self.time_from_pts(self.pts.get(n + 1).copied().unwrap_or(self.end_ticks)))
    }

    /// When the last known frame ends.
    pub fn end(&self) -> MediaTime {
        self.time_from_pts(self.end_ticks)
    }

    /// Length from the first frame's beginning to the last one's end.
    pub fn duration(&self) -> MediaSpan {
        self.pts.first().map_or(MediaSpan::ZERO, |&first| {
            self.end() - self.time_from_pts(first)
        })
    }

    /// Media time of a time stamp.
    pub fn time_from_pts(&self, pts: i64) -> MediaTime {
        self.time_base
            .time_from_ticks_nearest(pts.saturating_sub(self.zero_ticks))
    }

    /// The frame that is on screen at `time`; the first before it, the last after it.
    pub fn frame_at(&self, time: MediaTime) -> Option<FrameIndex> {
        let next = self
            .pts
            .partition_point(|&pts| self.time_from_pts(pts) <= time);
        (!self.pts.is_empty()).then(|| index_from_usize(next.saturating_sub(1)))
    }

    /// The keyframe that decoding must begin at to show `frame`: the last one presented at or before
    /// it. A leading picture of an open GOP is presented before its own keyframe, so this answers the
    /// keyframe before, which its references need.
    pub fn keyframe_for(&self, frame: FrameIndex) -> Option<(usize, Keyframe)> {
        let pts = self.pts_of(frame)?;
        let next = self.keyframes.partition_point(|key| key.pts <= pts);
        let number = next.saturating_sub(1);
        self.keyframes.get(number).map(|&key| (number, key))
    }

    /// The first frame that can be decoded from keyframe number `keyframe`.
    pub fn first_frame_of(&self, keyframe: usize) -> Option<FrameIndex> {
        let key = self.keyframes.get(keyframe)?;
        Some(index_from_usize(
            self.pts.partition_point(|&pts| pts < key.pts),
        ))
    }
}

fn index_from_usize(n: usize) -> FrameIndex {
    FrameIndex(i64::try_from(n).unwrap_or(i64::MAX))
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
            pts,
            end_ticks,
            keyframes,
            numbering: Numbering::ByTimeStamp,
            complete,
            variable_rate,
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
            pts,
            // Only the beginning of the file has a known number.
            keyframes: vec![first],
            numbering: Numbering::ByCount,
            complete,
            variable_rate: false,
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
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn builder() -> IndexBuilder {
        IndexBuilder::new(
            TimeBase::new(1, 24).unwrap(),
            FrameRate::new(24, 1).unwrap(),
            0,
        )
    }

    fn packet(pts: i64, dts: i64, is_key: bool) -> PacketStamp {
        PacketStamp {
            pts: Some(pts),
            dts: Some(dts),
            duration: 1,
            is_key,
            is_discarded: false,
            position: None,
        }
    }

    #[test]
    fn b_frames_are_put_in_order_and_open_gops_begin_a_keyframe_earlier() {
        let mut builder = builder();
        // I0 P3 B1 B2 | I6(open) B4 B5 P8 B7
        for (dts, (pts, key)) in [
            (0, true),
            (3, false),
            (1, false),
            (2, false),
            (6, true),
            (4, false),
            (5, false),
            (8, false),
            (7, false),
        ]
        .into_iter()
        .enumerate()
        {
            builder.push(packet(pts, i64::try_from(dts).unwrap() - 2, key));
        }
        let index = builder.publish(true);
        assert_eq!(index.len(), 9);
        assert_eq!(index.keyframe_for(FrameIndex(5)).unwrap().1.pts, 0);
        assert_eq!(index.keyframe_for(FrameIndex(6)).unwrap().1.pts, 6);
        assert_eq!(index.first_frame_of(1), Some(FrameIndex(6)));
        assert_eq!(
            index.duration(),
            FrameRate::new(24, 1)
                .unwrap()
                .time_of_frame_nearest(FrameIndex(9))
                .since_zero()
        );
        assert!(!index.is_variable_rate());
    }

    #[test]
    fn what_is_never_shown_has_no_number() {
        let mut builder = builder();
        builder.push(packet(0, -3, false)); // before any keyframe
        builder.push(PacketStamp {
            is_discarded: true,
            ..packet(4, -2, true)
        });
        builder.push(packet(3, -1, false)); // leading picture of the first keyframe
        builder.push(packet(5, 0, false));
        builder.push(packet(6, 1, false));
        let index = builder.publish(true);
        assert_eq!(index.pts_of(FrameIndex(0)), Some(5));
        assert_eq!(index.len(), 2);
        assert_eq!(index.keyframe_for(FrameIndex(0)).unwrap().1.pts, 4);
    }

    #[test]
    fn without_any_keyframe_decoding_begins_at_the_first_packet() {
        let mut builder = builder();
        for (dts, pts) in [3, 1, 2].into_iter().enumerate() {
            builder.push(packet(pts, i64::try_from(dts).unwrap(), false));
        }
        assert!(builder.publish(false).is_empty(), "a keyframe may follow");
        let index = builder.publish(true);
        assert_eq!((index.len(), index.pts_of(FrameIndex(0))), (3, Some(1)));
        assert_eq!(index.keyframe_for(FrameIndex(2)).unwrap().1.packet, 0);
        builder.push(packet(6, 3, true));
        assert_eq!(builder.publish(true).pts_of(FrameIndex(0)), Some(6));
    }

    #[test]
    fn without_time_stamps_frames_are_counted() {
        let mut builder = builder();
        for n in 0..10 {
            builder.push(PacketStamp {
                pts: None,
                dts: None,
                is_key: n % 5 == 0,
                ..packet(0, 0, false)
            });
        }
        let index = builder.publish(true);
        assert_eq!((index.len(), index.numbering()), (10, Numbering::ByCount));
        assert_eq!(index.keyframe_for(FrameIndex(7)).unwrap().0, 0);
    }

    proptest! {
        #[test]
        fn every_frame_is_found_by_its_time(intervals in prop::collection::vec(1i64..50, 1..300)) {
            let mut builder = IndexBuilder::new(
                TimeBase::new(1, 90_000).unwrap(), FrameRate::new(30, 1).unwrap(), 1000);
            let mut pts = 1000;
            let mut all = Vec::new();
            for interval in intervals {
                builder.push(PacketStamp { duration: interval, ..packet(pts, pts, all.len() % 12 == 0) });
                all.push(pts);
                pts += interval;
            }
            let partial = builder.publish(false);
            prop_assert!(partial.len() <= i64::try_from(all.len()).unwrap());
            let index = builder.publish(true);
            prop_assert_eq!(index.len(), i64::try_from(all.len()).unwrap());
            for (n, &pts) in all.iter().enumerate() {
                let frame = index_from_usize(n);
                prop_assert_eq!(index.frame_of_pts(pts), Some(frame));
                prop_assert_eq!(index.frame_at(index.time_of(frame).unwrap()), Some(frame));
                prop_assert_eq!(index.nearest_frame(pts), Some(frame));
                let (_, key) = index.keyframe_for(frame).unwrap();
                prop_assert!(key.pts <= pts);
                prop_assert!(index.end_of(frame).unwrap() > index.time_of(frame).unwrap());
            }
            prop_assert_eq!(index.end(), index.time_from_pts(pts));
        }
    }
}
