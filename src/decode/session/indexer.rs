//! The thread that numbers a stream's frames by reading its packets once.

use std::path::PathBuf;
use std::sync::Arc;

use crossbeam_channel::Sender;

use super::{Shared, index_builder};
use crate::decode::index::PacketStamp;
use crate::decode::input::{Input, ReadError, ReadOutcome};
use crate::decode::source_file::Interrupter;
use crate::media::VideoStream;

/// The first frames are published soon, so that a seek near the beginning need not wait.
const FIRST_PUBLISHED: usize = 256;

pub(super) struct Indexer {
    pub(super) path: PathBuf,
    pub(super) stream: VideoStream,
    pub(super) shared: Arc<Shared>,
    pub(super) wake: Sender<()>,
    pub(super) interrupter: Interrupter,
}

impl Indexer {
    /// Reads to the end, publishing the index whenever it has grown by half, so that the work of
    /// copying stays in proportion.
    pub(super) fn run(self) {
        puffin::profile_scope!("index");
        let mut builder = index_builder(&self.stream);
        let mut publish_at = FIRST_PUBLISHED;
        let outcome = self.read(|stamp| {
            builder.push(stamp);
            if builder.shown_len() >= publish_at {
                publish_at = builder.shown_len() * 3 / 2;
                self.publish(builder.publish(false));
            }
        });
        match outcome {
            Ok(()) => {}
            Err(ReadError::Interrupted) => return,
            // What was read before the damage can be played.
            Err(error) => tracing::warn!("{}: the index ends early: {error}", self.path.display()),
        }
        self.publish(builder.publish(true));
    }

    fn publish(&self, index: crate::decode::GopIndex) {
        self.shared.index.store(Arc::new(index));
        let _already_awake = self.wake.try_send(());
        (self.shared.notify)();
    }

    fn read(&self, mut each: impl FnMut(PacketStamp)) -> Result<(), ReadError> {
        let mut input = Input::open_interruptible(&self.path, &self.interrupter)
            .map_err(|error| ReadError::Io(error.to_string()))?;
        input.discard_all_but(self.stream.id);
        let mut packet = ffmpeg_next::Packet::empty();
        while input.read_packet(&mut packet)? == ReadOutcome::Packet {
            each(PacketStamp {
                pts: packet.pts(),
                dts: packet.dts(),
                duration: packet.duration(),
                is_key: packet.is_key(),
                is_discarded: is_discarded(&packet),
                position: u64::try_from(packet.position()).ok(),
            });
        }
        Ok(())
    }
}

/// Whether an edit list says that the packet is decoded only.
#[expect(unsafe_code, reason = "the wrapper's flags leave this one out")]
fn is_discarded(packet: &ffmpeg_next::Packet) -> bool {
    use ffmpeg_next::packet::Ref;
    // SAFETY: the packet is alive and borrowed.
    let flags = unsafe { (*packet.as_ptr()).flags };
    flags & ffmpeg_next::ffi::AV_PKT_FLAG_DISCARD != 0
}
