//! Making the GOP index of a file by reading its packets once.

use std::sync::Arc;

use ffmpeg_next as ffmpeg;
use ffmpeg_next::ffi;

use super::index::{GopIndex, IndexBuilder, IndexBytesError, PacketStamp};
use super::input::{Input, ReadError, ReadOutcome};
use super::keeper::IndexStore;
use super::sniff;
use crate::media::VideoStream;

/// Reads the file through and numbers the frames of `video`. Leaves the demuxer at the end of the file
/// and delivering this stream only.
///
/// # Errors
/// When the disk fails or the container makes no sense; a file that is cut off just ends.
pub fn read_index(input: &mut Input, video: &VideoStream) -> Result<GopIndex, ReadError> {
    let mut builder = index_builder(video);
    read_stamps(input, video, &mut builder, |_| {})?;
    Ok(builder.publish(true))
}

/// The index of `video` in `indices`, or else as [`read_index`] finds it, and then it is kept there.
///
/// # Errors
/// When it is not there and the file cannot be read to its end.
pub fn kept_or_read_index(
    input: &mut Input,
    video: &VideoStream,
    indices: Option<&Arc<dyn IndexStore>>,
) -> Result<Arc<GopIndex>, ReadError> {
    let identity = input.file_identity();
    if let Some(index) = indices.and_then(|indices| indices.load(&identity, video)) {
        return Ok(index);
    }
    let is_settled = identity.is_settled();
    let index = Arc::new(read_index(input, video)?);
    // One that is still being written has more to come.
    if let Some(indices) = indices
        && is_settled
        && input.file_change().is_none()
    {
        indices.store(input.path(), &identity, video, &index);
    }
    Ok(index)
}

/// What the index of `video` depends on beside the file: which stream it is, and which FFmpeg reads it,
/// for another version may find other packets in the same bytes.
pub fn index_parameters(video: &VideoStream) -> Vec<u8> {
    let mut parameters = Vec::new();
    parameters.extend((video.id.0 as u64).to_le_bytes());
    parameters.extend(ffmpeg::format::version().to_le_bytes());
    parameters.extend(video.codec.as_bytes());
    parameters
}

/// The index of `video` that [`GopIndex::to_bytes`] made bytes of.
///
/// # Errors
/// When the bytes are no index, or one that counts time from elsewhere.
pub fn index_from_bytes(bytes: &[u8], video: &VideoStream) -> Result<GopIndex, IndexBytesError> {
    let index = GopIndex::from_bytes(bytes)?;
    let is_of_this = index.origin() == index_builder(video).publish(false).origin();
    is_of_this.then_some(index).ok_or(IndexBytesError)
}

/// An empty index of `video`.
pub(super) fn index_builder(video: &VideoStream) -> IndexBuilder {
    let zero = video.time_base.ticks_from_time_floor(video.start);
    IndexBuilder::new(video.time_base, video.rate, zero)
}

/// Adds every packet of `video` to `builder`, and shows it to `after_each`.
pub(super) fn read_stamps(
    input: &mut Input,
    video: &VideoStream,
    builder: &mut IndexBuilder,
    mut after_each: impl FnMut(&IndexBuilder),
) -> Result<(), ReadError> {
    input.discard_all_but(video.id);
    let mut packet = ffmpeg::Packet::empty();
    while input.read_packet(&mut packet)? == ReadOutcome::Packet {
        let mut stamp = stamp_of(&packet);
        stamp.is_discarded |= sniff::is_never_shown(&video.codec, packet.data().unwrap_or(&[]));
        builder.push(stamp);
        after_each(builder);
    }
    Ok(())
}

/// What the index needs to know of a packet.
#[expect(unsafe_code, reason = "the wrapper's flags leave one out")]
fn stamp_of(packet: &ffmpeg::Packet) -> PacketStamp {
    use ffmpeg::packet::Ref;
    // SAFETY: the packet is alive.
    let flags = unsafe { (*packet.as_ptr()).flags };
    PacketStamp {
        pts: packet.pts(),
        dts: packet.dts(),
        duration: packet.duration(),
        is_key: packet.is_key(),
        is_discarded: flags & ffi::AV_PKT_FLAG_DISCARD != 0,
        position: u64::try_from(packet.position()).ok(),
    }
}
