//! How the samples of a picture lie in memory.
//!
//! Decoders make some two hundred pixel formats. Only those that differ in kind are kept here: planes
//! of little-endian samples, and the two-plane form that hardware prefers. `decode` repacks the rest
//! (packed RGB, palettes, big-endian) losslessly into one of them.

use std::fmt;

/// Width and height in pixels. Neither is zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Size {
    width: u32,
    height: u32,
}

impl Size {
    /// `None` when either side is zero or above 65,535, more than any decoder makes.
    pub fn new(width: u32, height: u32) -> Option<Self> {
        let valid = 1..=u32::from(u16::MAX);
        (valid.contains(&width) && valid.contains(&height)).then_some(Self { width, height })
    }

    /// Pixels in a row.
    pub fn width(self) -> u32 {
        self.width
    }

    /// Rows.
    pub fn height(self) -> u32 {
        self.height
    }

    /// Width and height exchanged.
    #[must_use]
    pub fn transposed(self) -> Self {
        Self {
            width: self.height,
            height: self.width,
        }
    }

    /// Pixels in the picture.
    pub fn area(self) -> u64 {
        u64::from(self.width) * u64::from(self.height)
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x{}", self.width, self.height)
    }
}

/// What the colour planes mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ColorModel {
    /// Luma and two colour differences: Y, Cb, Cr.
    Yuv,
    /// Red, green and blue; the planes stand in the order G, B, R, as H.273 numbers them.
    Rgb,
    /// Luma alone.
    Gray,
}

/// How many times fewer colour samples than luma samples there are, as powers of two.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Subsampling {
    /// Base-2 logarithm of the horizontal factor: 1 for 4:2:0 and 4:2:2, 2 for 4:1:1.
    pub log2_x: u8,
    /// Base-2 logarithm of the vertical factor: 1 for 4:2:0.
    pub log2_y: u8,
}

impl Subsampling {
    /// As many colour samples as luma samples.
    pub const S444: Self = Self {
        log2_x: 0,
        log2_y: 0,
    };
    /// Half in each row.
    pub const S422: Self = Self {
        log2_x: 1,
        log2_y: 0,
    };
    /// Half in each row and in each column.
    pub const S420: Self = Self {
        log2_x: 1,
        log2_y: 1,
    };
    /// A quarter in each row.
    pub const S411: Self = Self {
        log2_x: 2,
        log2_y: 0,
    };
}

/// Significant bits of a sample, 8 to 16. Above 8 a sample takes two bytes, little-endian.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SampleDepth(u8);

impl SampleDepth {
    /// `None` outside 8 to 16.
    pub const fn new(bits: u8) -> Option<Self> {
        if bits >= 8 && bits <= 16 {
            Some(Self(bits))
        } else {
            None
        }
    }

    /// Significant bits.
    pub const fn bits(self) -> u8 {
        self.0
    }

    /// Bytes that a sample takes: 1 or 2.
    pub const fn bytes(self) -> usize {
        if self.0 > 8 { 2 } else { 1 }
    }

    /// The greatest code value.
    pub const fn max_code(self) -> u32 {
        (1 << self.0) - 1
    }
}

/// How components are spread over planes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PlaneArrangement {
    /// One plane a component, values in the low bits: I420, yuv422p10le, gbrp12le.
    Planar,
    /// Luma, then Cb and Cr in turn in one plane; values in the high bits: NV12, P010, P016.
    SemiPlanar,
}

/// A canonical pixel format. Plane 0 is Y, G or gray; alpha, when there is any, is the last plane.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PixelFormat {
    /// What the colour planes mean.
    pub model: ColorModel,
    /// Colour resolution; `S444` unless the model is `Yuv`.
    pub subsampling: Subsampling,
    /// Significant bits of every sample.
    pub depth: SampleDepth,
    /// Whether a full-size alpha plane comes last. Alpha is full range and straight.
    pub alpha: bool,
    /// How components are spread over planes.
    pub arrangement: PlaneArrangement,
}

impl PixelFormat {
    /// Planar YCbCr without alpha.
    pub const fn planar_yuv(subsampling: Subsampling, depth: SampleDepth) -> Self {
        Self {
            model: ColorModel::Yuv,
            subsampling,
            depth,
            alpha: false,
            arrangement: PlaneArrangement::Planar,
        }
    }

    /// The usual 8-bit 4:2:0 format with three planes.
    pub const YUV420P8: Self = Self::planar_yuv(Subsampling::S420, SampleDepth(8));

    /// 8-bit 4:2:0 with interleaved colour differences.
    pub const NV12: Self = Self {
        arrangement: PlaneArrangement::SemiPlanar,
        ..Self::planar_yuv(Subsampling::S420, SampleDepth(8))
    };

    /// 8-bit RGB in planes: green, blue, red.
    pub const RGB_PLANAR8: Self = Self {
        model: ColorModel::Rgb,
        ..Self::planar_yuv(Subsampling::S444, SampleDepth(8))
    };

    /// Number of planes, 1 to 4.
    pub fn plane_count(self) -> usize {
        let colour = match (self.model, self.arrangement) {
            (ColorModel::Gray, _) => 1,
            (_, PlaneArrangement::SemiPlanar) => 2,
            _ => 3,
        };
        colour + usize::from(self.alpha)
    }

    /// Whether `plane` holds colour differences.
    pub fn is_chroma(self, plane: usize) -> bool {
        self.model == ColorModel::Yuv
            && match self.arrangement {
                PlaneArrangement::Planar => plane == 1 || plane == 2,
                PlaneArrangement::SemiPlanar => plane == 1,
            }
    }

    /// Samples in a row and rows of `plane` for a picture of `size`: colour sizes round up.
    pub fn plane_size(self, plane: usize, size: Size) -> (usize, usize) {
        let (width, height) = (size.width() as usize, size.height() as usize);
        if self.is_chroma(plane) {
            let (sx, sy) = (self.subsampling.log2_x, self.subsampling.log2_y);
            (width.div_ceil(1 << sx), height.div_ceil(1 << sy))
        } else {
            (width, height)
        }
    }

    /// Bytes from one sample of `plane` to the next: two components share one in a semi-planar plane.
    pub fn sample_stride_bytes(self, plane: usize) -> usize {
        let components =
            if self.arrangement == PlaneArrangement::SemiPlanar && self.is_chroma(plane) {
                2
            } else {
                1
            };
        components * self.depth.bytes()
    }

    /// Bytes of picture data in one row of `plane`, without padding.
    pub fn row_bytes(self, plane: usize, size: Size) -> usize {
        self.plane_size(plane, size).0 * self.sample_stride_bytes(plane)
    }

    /// Bytes of a picture whose planes follow one another and whose rows have no padding.
    pub fn packed_bytes(self, size: Size) -> usize {
        let bytes = |plane| self.row_bytes(plane, size) * self.plane_size(plane, size).1;
        (0..self.plane_count()).map(bytes).sum()
    }
}

impl fmt::Display for PixelFormat {
    /// `4:2:0 8-bit`, `RGB 12-bit + alpha`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.model {
            ColorModel::Gray => f.write_str("gray")?,
            ColorModel::Rgb => f.write_str("RGB")?,
            ColorModel::Yuv => f.write_str(match self.subsampling {
                Subsampling::S444 => "4:4:4",
                Subsampling::S422 => "4:2:2",
                Subsampling::S420 => "4:2:0",
                Subsampling::S411 => "4:1:1",
                Subsampling { log2_x: 0, .. } => "4:4:0",
                _ => "4:1:0",
            })?,
        }
        write!(f, " {}-bit", self.depth.bits())?;
        if self.alpha {
            f.write_str(" + alpha")?;
        }
        Ok(())
    }
}
