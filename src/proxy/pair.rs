//! Pictures of a source and of its proxy, brought together to be compared.

use ffmpeg_next as ffmpeg;
use ffmpeg_next::format::Pixel;

use super::likeness::{Likeness, likeness};
use super::refusal::Refusal;
use super::scale::{ScaleError, Scaler, Target};
use crate::media::{ColorModel, ColorRange, FieldOrder, MatrixCoefficients, VideoFrame};

/// What a neighbour's distance must be below, as a part of the picture's own, to be the better match.
const NEARER: f64 = 0.8;

/// Distances below this are nothing but loss.
const NO_DISTANCE: f64 = 0.004;

/// Whether a neighbour at distance `other` is a better match than the picture itself at distance `own`.
pub(super) fn is_nearer(own: f64, other: f64) -> bool {
    own > NO_DISTANCE && other < own * NEARER
}

/// Brings pictures of both files to one size and format.
pub(super) struct Pair {
    source: Scaler,
    proxy: Scaler,
    ours: ffmpeg::frame::Video,
    theirs: ffmpeg::frame::Video,
}

impl Pair {
    pub(super) fn new(proxy: &VideoFrame) -> Self {
        let mut color = proxy.color;
        if proxy.format.model != ColorModel::Yuv {
            color.matrix = MatrixCoefficients::Bt709;
            color.range = ColorRange::Limited;
        }
        let target = Target {
            size: proxy.size,
            pixel: Pixel::YUV420P,
            color,
            fields: proxy.fields != FieldOrder::Progressive,
        };
        let (source, proxy) = (Scaler::new(target), Scaler::new(target));
        Self {
            ours: source.blank(),
            theirs: proxy.blank(),
            source,
            proxy,
        }
    }

    pub(super) fn likeness(
        &mut self,
        source: &VideoFrame,
        proxy: &VideoFrame,
    ) -> Result<Likeness, Refusal> {
        self.source
            .scale(source, &mut self.ours)
            .map_err(unreadable)?;
        self.proxy
            .scale(proxy, &mut self.theirs)
            .map_err(unreadable)?;
        Ok(likeness(&self.ours, &self.theirs))
    }

    /// Whether two pictures of the proxy show the same as far as can be told, where the better match is at
    /// distance `best`. While nothing moves, which of them is the better match is by chance: groups of
    /// pictures grow better or worse by and by.
    pub(super) fn are_alike(
        &mut self,
        a: &VideoFrame,
        b: &VideoFrame,
        best: f64,
    ) -> Result<bool, Refusal> {
        for (frame, into) in [(a, &mut self.ours), (b, &mut self.theirs)] {
            self.proxy.scale(frame, into).map_err(unreadable)?;
        }
        let apart = 1.0 - likeness(&self.ours, &self.theirs).structure;
        Ok(apart <= best.max(NO_DISTANCE))
    }
}

fn unreadable(error: ScaleError) -> Refusal {
    Refusal::Unreadable(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::{ColorInfo, PixelFormat, Size};

    /// A picture with a slant at `place`, and `noise` that a codec would add.
    fn picture(place: usize, noise: u8) -> VideoFrame {
        let (width, height) = (64, 48);
        let mut luma = vec![0_u8; width * height];
        for (number, code) in luma.iter_mut().enumerate() {
            let (x, y) = (number % width, number / width);
            let is_light = ((x + place) / 8 + y / 8).is_multiple_of(2);
            let grain = if (x * 7 + y * 13).is_multiple_of(5) {
                noise
            } else {
                0
            };
            *code = if is_light { 180 } else { 60 } + grain;
        }
        let chroma = vec![128_u8; width * height / 4];
        let planes = [
            (luma, width),
            (chroma.clone(), width / 2),
            (chroma, width / 2),
        ];
        let size = Size::new(64, 48).unwrap();
        VideoFrame::from_planes(
            PixelFormat::YUV420P8,
            size,
            ColorInfo::BT709_LIMITED,
            &planes,
        )
    }

    #[test]
    fn pictures_that_stand_still_are_not_taken_for_shifted_ones() {
        let source = picture(0, 0);
        let distance = |found: Likeness| 1.0 - found.structure;
        // The neighbour was encoded better, but shows the same.
        let (frame, neighbour) = (picture(0, 40), picture(0, 15));
        let mut pair = Pair::new(&frame);
        let own = distance(pair.likeness(&source, &frame).unwrap());
        let other = distance(pair.likeness(&source, &neighbour).unwrap());
        assert!(is_nearer(own, other), "{own} {other}");
        assert!(pair.are_alike(&neighbour, &frame, other).unwrap());
        // Here it shows the source, and the picture itself something else.
        let (frame, neighbour) = (picture(3, 10), picture(0, 10));
        let own = distance(pair.likeness(&source, &frame).unwrap());
        let other = distance(pair.likeness(&source, &neighbour).unwrap());
        assert!(is_nearer(own, other), "{own} {other}");
        assert!(!pair.are_alike(&neighbour, &frame, other).unwrap());
    }
}
