//! Time stamps that a packet lacks and later ones tell.
//!
//! An MPEG stream has one for what begins first in a piece of it, and several small pictures may begin in
//! one. A decoding time can be counted on from there. The presentation time of a picture that others refer to
//! is the decoding time of the next such picture (ISO/IEC 13818-1, 2.4.3.7: the decoder's one-picture delay).

use std::collections::VecDeque;

use ffmpeg::Packet;
use ffmpeg_next as ffmpeg;

use super::{ReadError, ReadOutcome};

/// Packets that are read ahead at most: between two pictures that others refer to there are a few.
const MOST_AHEAD: usize = 64;

/// Packets on their way from the demuxer to whoever reads them.
#[derive(Default)]
pub(super) struct Ahead {
    waiting: VecDeque<Waiting>,
    /// What reading came to behind them.
    end: Option<Result<ReadOutcome, ReadError>>,
}

struct Waiting {
    packet: Packet,
    /// Whether it still may be told its time stamp.
    lacks: bool,
}

impl Ahead {
    /// Reads the next packet into `packet`; `next` asks the demuxer.
    pub(super) fn read(
        &mut self,
        packet: &mut Packet,
        next: &mut dyn FnMut(&mut Packet) -> Result<ReadOutcome, ReadError>,
    ) -> Result<ReadOutcome, ReadError> {
        loop {
            let is_over = self.end.is_some() || self.waiting.len() >= MOST_AHEAD;
            let is_ready = |first: &Waiting| !first.lacks || is_over;
            if self.waiting.front().is_some_and(is_ready)
                && let Some(first) = self.waiting.pop_front()
            {
                *packet = first.packet;
                return Ok(ReadOutcome::Packet);
            }
            if let Some(end) = self.end.take() {
                return end;
            }
            match next(packet) {
                Ok(ReadOutcome::Packet) if self.waiting.is_empty() && !lacks(packet) => {
                    return Ok(ReadOutcome::Packet);
                }
                Ok(ReadOutcome::Packet) => {
                    self.tell(packet);
                    self.waiting.push_back(Waiting {
                        lacks: lacks(packet),
                        packet: std::mem::replace(packet, Packet::empty()),
                    });
                }
                Ok(ReadOutcome::End) => {
                    self.tell_end();
                    self.end = Some(Ok(ReadOutcome::End));
                }
                // Those that wait are there when reading goes on.
                Err(ReadError::Interrupted) => return Err(ReadError::Interrupted),
                Err(error) => self.end = Some(Err(error)),
            }
        }
    }

    /// Forgets what was read ahead: the demuxer is somewhere else.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    /// Lets those that wait know what `next` tells.
    fn tell(&mut self, next: &Packet) {
        let Some(dts) = next.dts() else {
            return;
        };
        for waiting in self.waiting.iter_mut().filter(|waiting| waiting.lacks) {
            let Some(before) = waiting.packet.dts() else {
                continue;
            };
            if waiting.packet.stream() != next.stream() {
                continue;
            }
            if dts < before {
                // Time begins anew here, and tells nothing of what was before.
                waiting.lacks = false;
            } else if dts > before && next.pts() != Some(dts) {
                waiting.packet.set_pts(Some(dts));
                waiting.lacks = false;
            }
        }
    }

    /// The last picture that others refer to is presented after all others.
    fn tell_end(&mut self) {
        let Some(place) = self.waiting.iter().position(|waiting| waiting.lacks) else {
            return;
        };
        let stream = self.waiting[place].packet.stream();
        let last = self.waiting.iter().rev();
        let last = last
            .map(|waiting| &waiting.packet)
            .find(|packet| packet.stream() == stream);
        let end = last.and_then(|last| Some((last.dts()?, last.duration())));
        if let Some((dts, duration @ 1..)) = end {
            self.waiting[place].packet.set_pts(Some(dts + duration));
        }
    }
}

fn lacks(packet: &Packet) -> bool {
    packet.pts().is_none() && packet.dts().is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    type Stamps = (Option<i64>, Option<i64>);

    fn packet((pts, dts): Stamps) -> Packet {
        let mut packet = Packet::empty();
        packet.set_pts(pts);
        packet.set_dts(dts);
        packet.set_duration(1);
        packet
    }

    /// What is read of packets with these stamps, and how many had been read when the first came.
    fn read(stamps: &[Stamps]) -> (Vec<Stamps>, usize) {
        let (mut ahead, mut taken) = (Ahead::default(), 0);
        let (mut got, mut first) = (Vec::new(), 0);
        let mut into = Packet::empty();
        loop {
            let outcome = ahead.read(&mut into, &mut |packet_in| {
                let Some(&next) = stamps.get(taken) else {
                    return Ok(ReadOutcome::End);
                };
                *packet_in = packet(next);
                taken += 1;
                Ok(ReadOutcome::Packet)
            });
            if outcome == Ok(ReadOutcome::End) {
                return (got, first);
            }
            if got.is_empty() {
                first = taken;
            }
            got.push((into.pts(), into.dts()));
        }
    }

    const fn at(pts: i64, dts: i64) -> Stamps {
        (Some(pts), Some(dts))
    }

    #[test]
    fn a_picture_that_others_refer_to_is_told_by_the_next_one() {
        let unknown = |dts: i64| (None, Some(dts));
        let (got, first) = read(&[
            unknown(0),
            at(1, 1),
            at(2, 2),
            unknown(3),
            at(4, 4),
            at(5, 5),
        ]);
        let expected = [at(3, 0), at(1, 1), at(2, 2), at(6, 3), at(4, 4), at(5, 5)];
        assert_eq!(got, expected, "the last one ends the stream");
        assert_eq!(first, 4, "read ahead to the next one only");
    }

    #[test]
    fn packets_that_have_all_are_not_held() {
        let all = [at(3, 0), at(1, 1), (None, None), at(2, 2)];
        assert_eq!(read(&all), (all.to_vec(), 1));
    }

    #[test]
    fn what_is_never_told_is_given_up() {
        // The clock begins anew.
        let (got, first) = read(&[(None, Some(100)), at(3, 0), at(1, 1)]);
        assert_eq!((got[0], first), ((None, Some(100)), 2));
        let mut many = vec![(None, Some(0))];
        many.extend((1..200).map(|n| at(n, n)));
        let (got, first) = read(&many);
        assert_eq!((got[0], first), ((None, Some(0)), MOST_AHEAD));
        assert_eq!(got.len(), many.len());
    }

    #[test]
    fn an_error_comes_after_what_was_read_before_it_and_a_halt_at_once() {
        let mut ahead = Ahead::default();
        let mut into = Packet::empty();
        let mut turns = 0;
        let mut next = |packet_in: &mut Packet| {
            turns += 1;
            match turns {
                1 => {
                    *packet_in = packet((None, Some(0)));
                    Ok(ReadOutcome::Packet)
                }
                2 => Err(ReadError::Interrupted),
                _ => Err(ReadError::Damaged("here".to_owned())),
            }
        };
        let halted = ahead.read(&mut into, &mut next);
        assert_eq!(halted, Err(ReadError::Interrupted));
        assert_eq!(ahead.read(&mut into, &mut next), Ok(ReadOutcome::Packet));
        assert_eq!((into.pts(), into.dts()), (None, Some(0)));
        let error = ahead.read(&mut into, &mut next);
        assert_eq!(error, Err(ReadError::Damaged("here".to_owned())));
        ahead.clear();
        assert!(ahead.waiting.is_empty() && ahead.end.is_none());
    }
}
