//! By what a kept picture is known again.

use std::hash::{DefaultHasher, Hash, Hasher};

use crate::media::{ColorInfo, FieldOrder, Orientation, PictureId, Size, VideoFrame};
use crate::timeline::{Composite, CompositeLayer, CompositeOp, Content, Look, Mix};

/// Everything that the pixels of a converted picture depend on.
///
/// What a person adjusts in the view is not part of it: that is done when the picture is drawn.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::gpu) struct PictureKey {
    shows: Shows,
    size: Size,
    /// Who converted: both ways follow one definition, but not to the last bit.
    on_gpu: bool,
}

#[derive(Debug, Clone, PartialEq)]
enum Shows {
    Frame(FrameKey),
    Composite(Box<CompositeKey>),
}

/// A frame, and how it is taken.
#[derive(Debug, Clone, Copy, PartialEq)]
struct FrameKey {
    id: PictureId,
    orientation: Orientation,
    color: ColorInfo,
    /// A frame that was taken apart is another picture than the fields that it was made of.
    fields: FieldOrder,
}

impl FrameKey {
    fn new(frame: &VideoFrame, orientation: Orientation) -> Self {
        Self {
            id: frame.id,
            orientation,
            color: frame.color,
            fields: frame.fields,
        }
    }
}

/// A composite without its frames' memory: what is done, word by word, and to which frames.
#[derive(Debug, Clone, PartialEq)]
struct CompositeKey {
    words: Vec<u32>,
    frames: Vec<FrameKey>,
}

/// Stands for a key where it is enough to be right nearly always.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Fingerprint {
    /// Of what is shown.
    pub(super) shows: u64,
    /// Of that and of everything else.
    pub(super) whole: u64,
}

impl PictureKey {
    /// The key of a frame's picture.
    pub(in crate::gpu) fn of_frame(
        frame: &VideoFrame,
        orientation: Orientation,
        size: Size,
        on_gpu: bool,
    ) -> Self {
        Self {
            shows: Shows::Frame(FrameKey::new(frame, orientation)),
            size,
            on_gpu,
        }
    }

    /// The key of the picture of a composite.
    pub(in crate::gpu) fn of_composite(composite: &Composite, size: Size, on_gpu: bool) -> Self {
        let mut key = CompositeKey {
            words: vec![composite.canvas.width(), composite.canvas.height()],
            frames: Vec::new(),
        };
        for op in &composite.ops {
            key.add(op);
        }
        Self {
            shows: Shows::Composite(Box::new(key)),
            size,
            on_gpu,
        }
    }

    /// The same for a frame whose fields have been made a whole picture.
    pub(in crate::gpu) fn made_whole(mut self) -> Self {
        if let Shows::Frame(frame) = &mut self.shows {
            frame.fields = FieldOrder::Progressive;
        }
        self
    }

    /// Whether both show the same, at whatever size and by whomever it was made.
    pub(super) fn shows_same(&self, other: &Self) -> bool {
        self.shows == other.shows
    }

    pub(super) fn fingerprint(&self) -> Fingerprint {
        let mut hasher = DefaultHasher::new();
        match &self.shows {
            Shows::Frame(frame) => frame.hash_into(&mut hasher),
            Shows::Composite(composite) => {
                composite.words.hash(&mut hasher);
                for frame in &composite.frames {
                    frame.hash_into(&mut hasher);
                }
            }
        }
        let shows = hasher.finish();
        (self.size.width(), self.size.height(), self.on_gpu).hash(&mut hasher);
        Fingerprint {
            shows,
            whole: hasher.finish(),
        }
    }
}

impl FrameKey {
    /// Colour follows from what the frame is, nearly always.
    fn hash_into(&self, hasher: &mut DefaultHasher) {
        (self.id, self.orientation, self.fields).hash(hasher);
    }
}

impl CompositeKey {
    /// Each step begins with a number of its own, so that two lists of steps with the same words are the
    /// same list.
    fn add(&mut self, op: &CompositeOp) {
        match op {
            CompositeOp::BeginGroup => self.words.push(0),
            CompositeOp::EndGroup { look, mix } => {
                self.words.push(1);
                self.add_placing(look, *mix);
            }
            CompositeOp::Layer(CompositeLayer { content, look, mix }) => {
                match content {
                    Content::Frame {
                        frame,
                        orientation,
                        display,
                    } => {
                        self.words.extend([2, display.width(), display.height()]);
                        self.frames.push(FrameKey::new(frame, *orientation));
                    }
                    Content::Solid(color) => {
                        self.words.push(3);
                        self.add_numbers(color);
                    }
                    Content::Bars => self.words.push(4),
                    Content::Checkerboard => self.words.push(5),
                }
                self.add_placing(look, *mix);
            }
        }
    }

    fn add_placing(&mut self, look: &Look, mix: Mix) {
        let Look {
            opacity,
            fit,
            scale,
            position,
            rotation,
            anchor,
            crop,
        } = look;
        self.words.push(*fit as u32);
        self.add_numbers(&[*opacity, *rotation]);
        self.add_numbers(scale);
        self.add_numbers(position);
        self.add_numbers(anchor);
        self.add_numbers(crop);
        match mix {
            Mix::Over(weight) => {
                self.words.push(0);
                self.add_numbers(&[weight]);
            }
            Mix::Wipe { edge, progress } => {
                self.words.extend([1, edge as u32]);
                self.add_numbers(&[progress]);
            }
            Mix::Difference(weight) => {
                self.words.push(2);
                self.add_numbers(&[weight]);
            }
        }
    }

    fn add_numbers(&mut self, numbers: &[f32]) {
        self.words.extend(numbers.iter().map(|n| n.to_bits()));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::gpu::test_support::{gray_frame, size};
    use crate::media::PixelFormat;
    use crate::timeline::WipeEdge;

    fn layer(content: Content, look: Look, mix: Mix) -> CompositeOp {
        CompositeOp::Layer(CompositeLayer { content, look, mix })
    }

    #[test]
    fn whatever_changes_the_pixels_changes_the_key() {
        let frame = Arc::new(gray_frame(PixelFormat::YUV420P8, 16, 16));
        let other = Arc::new(gray_frame(PixelFormat::YUV420P8, 16, 16));
        let shows = |frame: &Arc<VideoFrame>, orientation, display| Content::Frame {
            frame: Arc::clone(frame),
            orientation,
            display,
        };
        let upright = Orientation::UPRIGHT;
        let plain = || shows(&frame, upright, size(16, 16));
        let look = Look::default();
        let full = || layer(plain(), look, Mix::FULL);
        let wipe = |edge, progress| layer(plain(), look, Mix::Wipe { edge, progress });
        let end = |look| CompositeOp::EndGroup {
            look,
            mix: Mix::FULL,
        };
        let looks = [
            Look {
                opacity: 0.5,
                ..look
            },
            Look {
                fit: crate::timeline::Fit::Fill,
                ..look
            },
            Look {
                scale: [1.0, 0.5],
                ..look
            },
            Look {
                position: [0.0, 0.5],
                ..look
            },
            Look {
                rotation: 0.5,
                ..look
            },
            Look {
                anchor: [0.5, 0.0],
                ..look
            },
            Look {
                crop: [0.0, 0.0, 0.5, 0.0],
                ..look
            },
        ];
        let mut lists = vec![
            vec![full()],
            vec![full(), full()],
            vec![layer(shows(&other, upright, size(16, 16)), look, Mix::FULL)],
            vec![layer(
                shows(&frame, Orientation::new(false, 1), size(16, 16)),
                look,
                Mix::FULL,
            )],
            vec![layer(shows(&frame, upright, size(16, 8)), look, Mix::FULL)],
            vec![layer(plain(), look, Mix::Over(0.5))],
            vec![layer(plain(), look, Mix::Difference(0.5))],
            vec![wipe(WipeEdge::Clock, 0.5)],
            vec![wipe(WipeEdge::Clock, 0.25)],
            vec![wipe(WipeEdge::Circle, 0.5)],
            vec![layer(Content::Bars, look, Mix::FULL)],
            vec![layer(Content::Checkerboard, look, Mix::FULL)],
            vec![layer(Content::Solid([0.0; 4]), look, Mix::FULL)],
            vec![layer(Content::Solid([1.0; 4]), look, Mix::FULL)],
            vec![CompositeOp::BeginGroup, full(), end(look)],
            vec![CompositeOp::BeginGroup, full(), end(looks[0])],
        ];
        lists.extend(looks.map(|look| vec![layer(plain(), look, Mix::FULL)]));
        let mut keys: Vec<PictureKey> = Vec::new();
        for ops in lists {
            for canvas in [size(16, 16), size(16, 9)] {
                let composite = Composite::new(canvas, ops.clone());
                for (picture, on_gpu) in
                    [(size(8, 8), true), (size(8, 8), false), (size(8, 4), true)]
                {
                    let key = PictureKey::of_composite(&composite, picture, on_gpu);
                    let again = PictureKey::of_composite(&composite.clone(), picture, on_gpu);
                    assert_eq!(key, again);
                    assert_eq!(key.fingerprint(), again.fingerprint());
                    for other in &keys {
                        assert_ne!(*other, key);
                        assert_ne!(other.fingerprint(), key.fingerprint());
                    }
                    keys.push(key);
                }
            }
        }
    }

    #[test]
    fn a_frame_is_known_by_its_name_and_not_by_its_address() {
        let frame = gray_frame(PixelFormat::YUV420P8, 16, 16);
        let key = |frame: &VideoFrame| {
            PictureKey::of_frame(frame, Orientation::UPRIGHT, size(8, 8), false)
        };
        let decoded_again = VideoFrame {
            id: frame.id,
            ..gray_frame(PixelFormat::YUV420P8, 16, 16)
        };
        assert_eq!(key(&frame), key(&decoded_again));
        let mut fields = decoded_again;
        fields.fields = FieldOrder::TopFirst;
        assert_ne!(key(&frame), key(&fields));
        assert_eq!(key(&frame), key(&fields).made_whole());
        fields.fields = FieldOrder::Progressive;
        fields.color.transfer = crate::media::TransferFunction::Pq;
        assert_ne!(key(&frame), key(&fields));
        let larger = PictureKey::of_frame(&frame, Orientation::UPRIGHT, size(9, 9), false);
        assert!(larger != key(&frame) && larger.shows_same(&key(&frame)));
        assert_eq!(larger.fingerprint().shows, key(&frame).fingerprint().shows);
    }
}
