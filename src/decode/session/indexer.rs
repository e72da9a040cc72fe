//! The thread that numbers a stream's frames by reading its packets once.

use std::path::PathBuf;
use std::sync::Arc;

use crossbeam_channel::Sender;

use super::Shared;
use crate::decode::index::IndexBuilder;
use crate::decode::index_reader::{index_builder, read_stamps};
use crate::decode::input::{Input, ReadError};
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
        let outcome = self.read(&mut builder, |builder| {
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

    fn read(
        &self,
        builder: &mut IndexBuilder,
        after_each: impl FnMut(&IndexBuilder),
    ) -> Result<(), ReadError> {
        let mut input = Input::open_interruptible(&self.path, &self.interrupter)
            .map_err(|error| ReadError::Io(error.to_string()))?;
        read_stamps(&mut input, &self.stream, builder, after_each)
    }
}
