//! The thread that numbers a stream's frames: by what was kept of an earlier reading, else by reading
//! its packets once.

use std::sync::Arc;

use crossbeam_channel::Sender;

use super::Shared;
use crate::decode::index::{GopIndex, IndexBuilder};
use crate::decode::index_reader::{index_builder, read_stamps};
use crate::decode::input::{Input, OpenError, ReadError, SameFile};
use crate::decode::keeper::IndexStore;
use crate::decode::source_file::{FileChange, Interrupter};
use crate::media::VideoStream;
use crate::memory::Ledger;

/// The first frames are published soon, so that a seek near the beginning need not wait.
const FIRST_PUBLISHED: usize = 256;

pub(super) struct Indexer {
    pub(super) file: SameFile,
    pub(super) indices: Option<Arc<dyn IndexStore>>,
    /// What the index is charged to.
    pub(super) ledger: Option<Ledger>,
    pub(super) stream: VideoStream,
    pub(super) shared: Arc<Shared>,
    pub(super) wake: Sender<()>,
    pub(super) interrupter: Interrupter,
}

impl Indexer {
    /// Fetches the index that was kept, or reads to the end, publishing the index whenever it has grown by half, so that the work of
    /// copying stays in proportion.
    pub(super) fn run(self) {
        puffin::profile_scope!("index");
        let Self {
            file,
            indices,
            ledger,
            stream,
            shared,
            wake,
            interrupter,
        } = self;
        let path = file.path().to_owned();
        let identity = file.identity();
        let publish = |index: GopIndex| {
            let index = Arc::new(match &ledger {
                Some(ledger) => index.charged(ledger),
                None => index,
            });
            shared.index.store(Arc::clone(&index));
            let _already_awake = wake.try_send(());
            (shared.notify)();
            index
        };
        let kept = indices
            .as_ref()
            .and_then(|indices| indices.load(&identity, &stream));
        if let Some(index) = kept {
            publish(Arc::unwrap_or_clone(index));
            return;
        }
        let is_settled = identity.is_settled();
        let mut builder = index_builder(&stream);
        let mut publish_at = FIRST_PUBLISHED;
        let outcome = read(file, &interrupter, &stream, &mut builder, |builder| {
            if builder.shown_len() >= publish_at {
                publish_at = builder.shown_len() * 3 / 2;
                publish(builder.publish(false));
            }
        });
        let is_whole = outcome.is_ok();
        match outcome {
            Ok(()) => {}
            Err(
                IndexError::Open(OpenError::Interrupted(_))
                | IndexError::Read(ReadError::Interrupted),
            ) => return,
            // What was read before the damage can be played.
            Err(IndexError::Read(error)) => {
                tracing::warn!("{}: the index ends early: {error}", path.display());
            }
            Err(IndexError::Open(error)) => tracing::warn!("there is no index: {error}"),
        }
        let index = publish(builder.publish(true));
        // A damaged file may read better next time, and one that is still being written has more to
        // come: neither is kept.
        if let Some(indices) = indices
            && is_whole
            && is_settled
            && FileChange::since(identity, &path).is_none()
        {
            indices.store(&path, &identity, &stream, &index);
        }
    }
}

/// Why the index ends early.
enum IndexError {
    /// The file could not be opened once more; the error names it.
    Open(OpenError),
    /// It could not be read to its end.
    Read(ReadError),
}

fn read(
    file: SameFile,
    interrupter: &Interrupter,
    stream: &VideoStream,
    builder: &mut IndexBuilder,
    after_each: impl FnMut(&IndexBuilder),
) -> Result<(), IndexError> {
    let mut input = Input::open_same(file, interrupter).map_err(IndexError::Open)?;
    read_stamps(&mut input, stream, builder, after_each).map_err(IndexError::Read)
}
