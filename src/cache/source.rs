//! The files that products are made of, as the jobs that make them open them.

use std::path::Path;

use crate::decode::{Input, Interrupter};
use crate::jobs::{JobContext, JobStop};

/// Opens the file that had `file_bytes` when it was opened for playing: one of another size is another
/// file, of which nothing is made. Cancelling the job calls off what is read of it.
pub(super) fn open(path: &Path, file_bytes: u64, context: &JobContext) -> Result<Input, JobStop> {
    let interrupter = Interrupter::from(context.cancel_flag());
    let input = Input::open_interruptible(path, &interrupter).map_err(failed)?;
    if input.file_identity().bytes == file_bytes {
        Ok(input)
    } else {
        Err(JobStop::Failed(format!(
            "{}: it is another file by now",
            path.display()
        )))
    }
}

/// The end of a job that something failed in.
#[expect(clippy::needless_pass_by_value, reason = "what map_err passes")]
pub(super) fn failed(error: impl ToString) -> JobStop {
    JobStop::Failed(error.to_string())
}
