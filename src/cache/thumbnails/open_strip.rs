//! The strip of the medium that is open, for those who look for pictures in it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arc_swap::ArcSwapOption;

use crate::decode::{Approximations, Still};
use crate::time::FrameIndex;

/// Where the strip of the medium that is open is found by those who do not make it.
#[derive(Debug, Default)]
pub struct OpenStrip(ArcSwapOption<(PathBuf, Arc<dyn Approximations>)>);

impl OpenStrip {
    /// The strip of the medium at `path` is this one from now on.
    pub fn set(&self, path: &Path, strip: Arc<dyn Approximations>) {
        self.0.store(Some(Arc::new((path.to_owned(), strip))));
    }

    /// There is none any more.
    pub fn clear(&self) {
        self.0.store(None);
    }

    /// The thumbnails of the medium at `path`, as long as its strip is the one that is open: they stand in
    /// for its frames.
    pub fn of(self: &Arc<Self>, path: &Path) -> Arc<dyn Approximations> {
        Arc::new(StripOf {
            open: Arc::clone(self),
            path: path.to_owned(),
        })
    }
}

struct StripOf {
    open: Arc<OpenStrip>,
    path: PathBuf,
}

impl Approximations for StripOf {
    fn nearest(&self, frame: FrameIndex, reach: i64) -> Option<Still> {
        let open = self.open.0.load();
        let (path, strip) = &**open.as_ref()?;
        (*path == self.path).then(|| strip.nearest(frame, reach))?
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cache::thumbnails::ThumbnailStrip;
    use crate::media::Size;

    #[test]
    fn a_strip_serves_its_own_medium_only() {
        let open = Arc::new(OpenStrip::default());
        let (a, b) = (open.of(Path::new("a")), open.of(Path::new("b")));
        let size = Size::new(16, 9).unwrap();
        let strip = Arc::new(ThumbnailStrip::of_frames(size, &[40], 20));
        let number = |near: &Arc<dyn Approximations>, frame| {
            near.nearest(FrameIndex(frame), 20)
                .map(|still| still.index.0)
        };
        assert_eq!(number(&a, 30), None, "there is none yet");
        open.set(Path::new("a"), strip);
        assert_eq!((number(&a, 30), number(&a, 10)), (Some(40), None));
        assert_eq!(number(&b, 30), None);
        open.clear();
        assert_eq!(number(&a, 30), None);
    }
}
