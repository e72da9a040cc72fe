//! FFmpeg's channel layouts as `media` layouts.

use std::ffi::CStr;

use ffmpeg_next::ffi;

use crate::media::{ChannelLayout, ChannelRole};

/// The layout and its name; `None` without channels or with more than 64.
///
/// A layout that is not stated is taken for the usual one of that many channels, as FFmpeg does.
#[expect(unsafe_code, reason = "layouts are unions and raw pointers")]
pub(super) fn channel_layout(raw: &ffi::AVChannelLayout) -> Option<(ChannelLayout, String)> {
    let count = usize::try_from(raw.nb_channels).ok()?;
    let (mask, stated) = match raw.order {
        // SAFETY: this order says that the union holds the mask.
        ffi::AVChannelOrder::AV_CHANNEL_ORDER_NATIVE => (unsafe { raw.u.mask }, true),
        ffi::AVChannelOrder::AV_CHANNEL_ORDER_UNSPEC => (usual_mask(raw.nb_channels), false),
        _ => (0, true),
    };
    let mut roles: Vec<ChannelRole> = if raw.order == ffi::AVChannelOrder::AV_CHANNEL_ORDER_CUSTOM {
        // SAFETY: this order says that the union holds a map of `nb_channels` entries. The name of a
        // channel is read as the number it is.
        let number =
            |index: usize| unsafe { (&raw const (*raw.u.map.add(index)).id).cast::<u32>().read() };
        (0..count).map(|index| role_of_bit(number(index))).collect()
    } else {
        (0..u64::BITS)
            .filter(|bit| mask & (1 << bit) != 0)
            .map(role_of_bit)
            .collect()
    };
    roles.resize(count, ChannelRole::Other);
    let name = match count {
        _ if stated => describe(raw),
        1 => "mono".to_owned(),
        2 => "stereo".to_owned(),
        _ => format!("{count} channels, layout not stated"),
    };
    Some((ChannelLayout::new(roles)?, name))
}

/// The mask of FFmpeg's default layout of `count` channels; 0 when there is none.
#[expect(unsafe_code, reason = "fills in a C structure")]
fn usual_mask(count: i32) -> u64 {
    // SAFETY: FFmpeg sets the whole structure; all zeros is a valid one before that. A default layout
    // owns no memory, and only one in native order has a mask.
    unsafe {
        let mut layout: ffi::AVChannelLayout = std::mem::zeroed();
        ffi::av_channel_layout_default(&raw mut layout, count);
        match layout.order {
            ffi::AVChannelOrder::AV_CHANNEL_ORDER_NATIVE => layout.u.mask,
            _ => 0,
        }
    }
}

#[expect(unsafe_code, reason = "fills in a C string")]
fn describe(layout: &ffi::AVChannelLayout) -> String {
    let mut text: [std::ffi::c_char; 256] = [0; 256];
    // SAFETY: the buffer has the length stated, and FFmpeg ends what it writes with a zero.
    unsafe {
        let length = ffi::av_channel_layout_describe(layout, text.as_mut_ptr(), text.len());
        if length < 0 {
            return "unknown".to_owned();
        }
        CStr::from_ptr(text.as_ptr()).to_string_lossy().into_owned()
    }
}

/// FFmpeg's `AVChannel`, which is also the number of the bit in a mask.
fn role_of_bit(bit: u32) -> ChannelRole {
    match bit {
        // A stereo downmix has bits of its own.
        0 | 29 => ChannelRole::FrontLeft,
        1 | 30 => ChannelRole::FrontRight,
        2 => ChannelRole::FrontCenter,
        3 | 35 => ChannelRole::Lfe,
        4 | 9 => ChannelRole::SurroundLeft,
        5 | 10 => ChannelRole::SurroundRight,
        8 => ChannelRole::BackCenter,
        _ => ChannelRole::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[expect(unsafe_code, reason = "fills in a C structure")]
    fn layout(order: ffi::AVChannelOrder, count: i32, mask: u64) -> ffi::AVChannelLayout {
        // SAFETY: all zeros is a valid layout.
        let mut layout: ffi::AVChannelLayout = unsafe { std::mem::zeroed() };
        layout.order = order;
        layout.nb_channels = count;
        layout.u.mask = mask;
        layout
    }

    #[test]
    fn layouts_keep_their_order() {
        use ChannelRole::*;
        use ffi::AVChannelOrder::*;
        let (found, name) = channel_layout(&layout(AV_CHANNEL_ORDER_NATIVE, 6, 0x60f)).unwrap();
        assert_eq!(
            found.roles(),
            [
                FrontLeft,
                FrontRight,
                FrontCenter,
                Lfe,
                SurroundLeft,
                SurroundRight
            ]
        );
        assert_eq!(name, "5.1(side)");
        let (found, name) = channel_layout(&layout(AV_CHANNEL_ORDER_NATIVE, 1, 4)).unwrap();
        assert_eq!((found, name.as_str()), (ChannelLayout::mono(), "mono"));
        let (found, name) = channel_layout(&layout(AV_CHANNEL_ORDER_UNSPEC, 2, 0)).unwrap();
        assert_eq!((found, name.as_str()), (ChannelLayout::stereo(), "stereo"));
        // A sound field has no speakers; each channel stands for itself.
        let (found, _) = channel_layout(&layout(AV_CHANNEL_ORDER_AMBISONIC, 4, 0)).unwrap();
        assert_eq!(found.roles(), [Other; 4]);
        let (found, name) = channel_layout(&layout(AV_CHANNEL_ORDER_UNSPEC, 24, 0)).unwrap();
        assert_eq!(found.count(), 24);
        assert_eq!(name, "24 channels, layout not stated");
        assert!(channel_layout(&layout(AV_CHANNEL_ORDER_UNSPEC, 0, 0)).is_none());
        assert!(channel_layout(&layout(AV_CHANNEL_ORDER_UNSPEC, 65, 0)).is_none());
        assert!(channel_layout(&layout(AV_CHANNEL_ORDER_UNSPEC, -1, 0)).is_none());
    }
}
