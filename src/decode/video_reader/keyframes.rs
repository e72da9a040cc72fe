//! Keyframes alone: single ones, and one after another.

use ffmpeg_next as ffmpeg;

use super::{DecodeError, ReadOutcome, ReadPicture, Step, VideoReader};
use crate::decode::index::GopIndex;

impl VideoReader {
    /// The picture of keyframe number `keyframe` of `index`, from its packet alone; `None` where that
    /// does not make one. The decoder is emptied to get it, so the reader's place is lost: seek before the
    /// next [`Self::step`].
    ///
    /// It is decoded without the loop filter, which no later picture can miss. That leaves edges of blocks
    /// that a reduced picture does not show.
    pub fn key_picture(
        &mut self,
        index: &GopIndex,
        keyframe: usize,
    ) -> Result<Option<ReadPicture>, DecodeError> {
        puffin::profile_scope!("key picture");
        self.seek(index, keyframe)?;
        self.decoder.skip_frame(ffmpeg::Discard::Default);
        self.decoder.skip_loop_filter(ffmpeg::Discard::All);
        let picture = self.only_picture();
        self.decoder.skip_loop_filter(ffmpeg::Discard::Default);
        picture
    }

    /// Decodes the next packet and nothing else.
    fn only_picture(&mut self) -> Result<Option<ReadPicture>, DecodeError> {
        if !self.packet_waits && self.next_packet()? == ReadOutcome::End {
            return Ok(None);
        }
        self.packet_waits = false;
        let begun = self.options.clock.now();
        let mut raw = ffmpeg::frame::Video::empty();
        let decoded = self
            .decoder
            .send_packet(&self.packet)
            .and_then(|()| self.decoder.send_eof())
            .and_then(|()| self.decoder.receive_frame(&mut raw));
        self.draining = true;
        self.decode += self.since(begun);
        Ok(match decoded {
            Ok(()) => Some(self.picture(raw)),
            Err(ffmpeg::Error::Eof) => None,
            Err(error) => {
                self.damaged_packets += 1;
                tracing::debug!("a keyframe makes no picture: {error}");
                None
            }
        })
    }

    /// Reads on to the next keyframe and decodes it alone, a packet at a step. [`Self::step`] goes on at
    /// the keyframe after it. What the decoder held before is lost, but for the end of the file, which it gives out.
    ///
    /// A decoder with threads gives a picture out only after several packets more, which may be many
    /// seconds of keyframes: it is emptied after each.
    pub fn step_keyframe(&mut self) -> Result<Step, DecodeError> {
        if self.draining {
            return self.step(&|_pts| true);
        }
        if !self.packet_waits
            && let Some(step) = self.fetch_packet()?
        {
            return Ok(step);
        }
        self.needs_keyframe = true;
        if !self.packet.is_key() {
            self.pass_packet();
            return Ok(Step::Progress);
        }
        // Pictures that the decoder still held are lost with those between the keyframes.
        let before = self.packet.pts().map(|pts| pts - 1);
        self.unwanted_until = self.unwanted_until.max(before);
        self.decoder.flush();
        self.decoder.skip_frame(ffmpeg::Discard::Default);
        self.sent_packets += 1;
        let picture = self.only_picture();
        self.decoder.flush();
        self.draining = false;
        Ok(picture?.map_or(Step::Progress, Step::Picture))
    }

    /// Leaves out the packet that waits.
    pub(super) fn pass_packet(&mut self) {
        self.unwanted_until = self.unwanted_until.max(self.packet.pts());
        self.packet_waits = false;
    }

    /// Whether the packet that waits makes no whole picture: those after keyframes alone do so from the next
    /// keyframe on, those that are shown before that excepted.
    pub(super) fn lacks_references(&mut self) -> bool {
        if self.needs_keyframe && self.packet.is_key() {
            self.needs_keyframe = false;
            self.not_before = self.packet.pts();
        }
        let leads = |from: i64| self.packet.pts().is_some_and(|pts| pts < from);
        self.needs_keyframe || self.not_before.is_some_and(leads)
    }
}
