//! One level of a strip as bytes.
//!
//! ```text
//!  0  magic and version of the layout   8 bytes
//!  8  width of a thumbnail              4
//! 12  height of a thumbnail             4
//! 16  how many there are                4
//! 20  the number of each one's frame    8 each
//!     a PNG picture, 8-bit RGB: all of them one below the other; nothing where there are none
//! ```
//! Numbers are little-endian.

use std::io::Cursor;
use std::sync::Arc;

use super::strip::Thumbnail;
use crate::cache::product::{head, split_head};
use crate::media::{ColorInfo, PixelFormat, Size, VideoFrame};
use crate::time::FrameIndex;

const MAGIC: [u8; 8] = *b"jwthumb\x01";

/// What no sheet exceeds, so that a damaged one cannot ask for much memory.
const MOST_THUMBNAILS: usize = 4_096;
const GREATEST_SIDE: u32 = 2_048;

/// Why a level cannot be written.
#[derive(Debug, thiserror::Error)]
pub(super) enum SheetError {
    /// The picture cannot be packed.
    #[error("{0}")]
    Png(#[from] png::EncodingError),
    /// Its pictures are not of one size, or too many.
    #[error("the thumbnails do not fit one sheet")]
    Unfit,
}

/// Makes a picture of 8-bit RGBA rows without padding; alpha is left out. `None` where there are too few
/// bytes.
pub(super) fn picture_from_rgba(size: Size, rgba: &[u8]) -> Option<VideoFrame> {
    picture_from_pixels::<4>(size, rgba)
}

fn picture_from_pixels<const BYTES: usize>(size: Size, bytes: &[u8]) -> Option<VideoFrame> {
    let (pixels, _) = bytes.as_chunks::<BYTES>();
    let area = usize::try_from(size.area()).ok()?;
    let pixels = pixels.get(..area)?;
    let plane = |component: usize| -> Vec<u8> { pixels.iter().map(|p| p[component]).collect() };
    let (green, blue, red) = (plane(1), plane(2), plane(0));
    let stride = size.width() as usize;
    let planes = [green, blue, red].map(|plane| (plane, stride));
    let color = ColorInfo::SCREEN_RGB;
    let format = PixelFormat::RGB_PLANAR8;
    Some(VideoFrame::from_planes(format, size, color, &planes))
}

/// The red, green and blue of a thumbnail's pixels, row by row.
pub(super) fn rgb_of(picture: &VideoFrame) -> impl Iterator<Item = [u8; 3]> + '_ {
    let (green, blue, red) = (picture.plane(0), picture.plane(1), picture.plane(2));
    (0..picture.size.height() as usize).flat_map(move |row| {
        let colours = red.row(row).iter().zip(green.row(row));
        colours
            .zip(blue.row(row))
            .map(|((&red, &green), &blue)| [red, green, blue])
    })
}

/// Packs thumbnails of `size`, which are ordered by frame.
pub(super) fn pack(size: Size, thumbnails: &[Thumbnail]) -> Result<Vec<u8>, SheetError> {
    let fits = thumbnails.len() <= MOST_THUMBNAILS
        && size.width().max(size.height()) <= GREATEST_SIDE
        && thumbnails.iter().all(|one| one.picture.size == size);
    let count = u32::try_from(thumbnails.len()).ok().filter(|_| fits);
    let count = count.ok_or(SheetError::Unfit)?;
    let mut bytes = head(MAGIC, [size.width(), size.height(), count]);
    for thumbnail in thumbnails {
        bytes.extend_from_slice(&thumbnail.frame.0.to_le_bytes());
    }
    if count == 0 {
        return Ok(bytes);
    }
    let pixels: Vec<u8> = thumbnails
        .iter()
        .flat_map(|one| rgb_of(&one.picture))
        .flatten()
        .collect();
    let mut encoder = png::Encoder::new(&mut bytes, size.width(), size.height() * count);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_compression(png::Compression::Fast);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(&pixels)?;
    writer.finish()?;
    Ok(bytes)
}

/// Reads what [`pack`] wrote. `None` where it is anything else, or not of `size`.
pub(super) fn unpack(size: Size, bytes: &[u8]) -> Option<Vec<Thumbnail>> {
    let ([width, height, count], rest) = split_head(MAGIC, bytes)?;
    let thumbnails = usize::try_from(count).ok()?;
    if Size::new(width, height)? != size || thumbnails > MOST_THUMBNAILS {
        return None;
    }
    let (numbers, picture) = rest.split_at_checked(thumbnails.checked_mul(8)?)?;
    let (numbers, _) = numbers.as_chunks::<8>();
    let frames: Vec<FrameIndex> = numbers
        .iter()
        .map(|number| FrameIndex(i64::from_le_bytes(*number)))
        .collect();
    let are_frames = frames.windows(2).all(|pair| pair[0] < pair[1])
        && frames.first().is_none_or(|first| first.0 >= 0);
    if !are_frames || size.width().max(size.height()) > GREATEST_SIDE {
        return None;
    }
    if frames.is_empty() {
        return Some(Vec::new());
    }
    let pixels = pixels_of(picture, width, height.checked_mul(count)?)?;
    let one = usize::try_from(size.area()).ok()?.checked_mul(3)?;
    let pictures = pixels.chunks_exact(one);
    let thumbnails: Option<Vec<Thumbnail>> = frames
        .into_iter()
        .zip(pictures)
        .map(|(frame, rgb)| {
            Some(Thumbnail {
                frame,
                picture: Arc::new(picture_from_pixels::<3>(size, rgb)?),
            })
        })
        .collect();
    thumbnails
}

/// The pixels of an 8-bit RGB picture of exactly this size.
fn pixels_of(picture: &[u8], width: u32, height: u32) -> Option<Vec<u8>> {
    let mut reader = png::Decoder::new(Cursor::new(picture)).read_info().ok()?;
    let info = reader.info();
    let is_expected = (info.width, info.height) == (width, height)
        && (info.color_type, info.bit_depth) == (png::ColorType::Rgb, png::BitDepth::Eight);
    let needed = reader.output_buffer_size().filter(|_| is_expected)?;
    let mut pixels = vec![0; needed];
    reader.next_frame(&mut pixels).ok()?;
    Some(pixels)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn thumbnail(frame: i64, size: Size, seed: u8) -> Thumbnail {
        let area = usize::try_from(size.area()).unwrap();
        let rgba: Vec<u8> = (0..area * 4)
            .map(|n| u8::try_from(n % 251).unwrap().wrapping_mul(seed))
            .collect();
        Thumbnail {
            frame: FrameIndex(frame),
            picture: Arc::new(picture_from_rgba(size, &rgba).unwrap()),
        }
    }

    fn pixels(thumbnail: &Thumbnail) -> Vec<[u8; 3]> {
        rgb_of(&thumbnail.picture).collect()
    }

    #[test]
    fn a_picture_keeps_its_colours() {
        let size = Size::new(2, 1).unwrap();
        let picture = picture_from_rgba(size, &[1, 2, 3, 255, 4, 5, 6, 255]).unwrap();
        assert_eq!(rgb_of(&picture).collect::<Vec<_>>(), [[1, 2, 3], [4, 5, 6]]);
        assert!(picture_from_rgba(size, &[1, 2, 3, 255]).is_none());
    }

    #[test]
    fn an_empty_level_is_a_level() {
        let size = Size::new(160, 90).unwrap();
        let bytes = pack(size, &[]).unwrap();
        assert!(unpack(size, &bytes).unwrap().is_empty());
    }

    #[test]
    fn another_size_or_order_is_refused() {
        let size = Size::new(8, 4).unwrap();
        let bytes = pack(size, &[thumbnail(1, size, 3), thumbnail(2, size, 5)]).unwrap();
        assert!(unpack(Size::new(4, 8).unwrap(), &bytes).is_none());
        let turned = pack(size, &[thumbnail(2, size, 3), thumbnail(1, size, 5)]).unwrap();
        assert!(unpack(size, &turned).is_none());
        let other = thumbnail(3, Size::new(4, 4).unwrap(), 1);
        assert!(matches!(pack(size, &[other]), Err(SheetError::Unfit)));
    }

    proptest! {
        #[test]
        fn what_is_packed_is_read(
            width in 1_u32..40, height in 1_u32..40, count in 0_usize..6, seed in any::<u8>(),
        ) {
            let size = Size::new(width, height).unwrap();
            let all: Vec<Thumbnail> = (0..count)
                .map(|n| {
                    let n = u8::try_from(n).unwrap();
                    thumbnail(i64::from(n) * 7, size, seed.wrapping_add(n))
                })
                .collect();
            let read = unpack(size, &pack(size, &all).unwrap()).unwrap();
            prop_assert_eq!(read.len(), all.len());
            for (read, made) in read.iter().zip(&all) {
                prop_assert_eq!(read.frame, made.frame);
                prop_assert_eq!(pixels(read), pixels(made));
            }
        }

        #[test]
        fn damage_is_refused_or_read_but_never_a_panic(
            at in any::<prop::sample::Index>(), value in any::<u8>(), cut in any::<prop::sample::Index>(),
        ) {
            let size = Size::new(8, 4).unwrap();
            let mut bytes = pack(size, &[thumbnail(1, size, 3), thumbnail(2, size, 5)]).unwrap();
            let place = at.index(bytes.len());
            bytes[place] = value;
            let _read = unpack(size, &bytes);
            bytes.truncate(cut.index(bytes.len()));
            let _read = unpack(size, &bytes);
        }
    }
}
