//! Thumbnails of pictures that somebody else decodes for another reason.

use super::make::StripRequest;
use super::plan::LEVELS;
use super::reduce::Reducer;
use super::strip::Thumbnail;
use crate::decode::FileIdentity;
use crate::media::VideoFrame;
use crate::time::FrameIndex;

/// Makes all thumbnails of a stream of which every frame passes by. They are kept where a [`StripRequest`]
/// would keep them, and show the same frames; those of keyframes have had the loop filter, which it leaves out.
pub struct StripTap {
    request: StripRequest,
    file: FileIdentity,
    /// One that is still being written has more to come.
    is_settled: bool,
    reducer: Reducer,
    levels: Vec<Level>,
}

/// One that is not kept yet.
struct Level {
    number: usize,
    /// In order.
    wanted: Vec<FrameIndex>,
    made: Vec<Thumbnail>,
}

impl StripTap {
    /// What `request` asks for, of its file in this state. `None` where all of it is kept already.
    pub fn begin(request: StripRequest, file: FileIdentity) -> Option<Self> {
        let levels: Vec<Level> = (0..LEVELS)
            .filter(|&number| request.load(file, number).is_none())
            .map(|number| Level {
                number,
                wanted: request.plan().levels[number]
                    .iter()
                    .map(|pick| pick.frame)
                    .collect(),
                made: Vec::new(),
            })
            .collect();
        (!levels.is_empty()).then(|| Self {
            reducer: Reducer::new(request.size),
            request,
            file,
            is_settled: file.is_settled(),
            levels,
        })
    }

    /// A frame that passes by. They come in order; those that do not come have no thumbnail.
    pub fn take(&mut self, frame: FrameIndex, decoded: &VideoFrame) {
        let wants = |level: &&mut Level| level.wanted.binary_search(&frame).is_ok();
        let Some(level) = self.levels.iter_mut().find(wants) else {
            return;
        };
        puffin::profile_scope!("thumbnail");
        if let Some(thumbnail) = self.reducer.thumbnail(frame, decoded) {
            self.request.strip.add([thumbnail.clone()]);
            level.made.push(thumbnail);
        }
    }

    /// There are no more. They are kept where `is_whole` says that nothing failed to be read, and that the file
    /// has not changed; answers how many there are then.
    pub fn finish(self, is_whole: bool) -> usize {
        if !is_whole || !self.is_settled {
            return 0;
        }
        for level in &self.levels {
            self.request.keep(self.file, level.number, &level.made);
        }
        self.levels.iter().map(|level| level.made.len()).sum()
    }
}
