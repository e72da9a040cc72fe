//! stub
use super::Input; use crate::media::*; use crate::time::*;
/// x
pub fn media_info(input: &mut Input) -> MediaInfo {
    let path = input.path().to_owned();
    let c = input.context();
    let mut video = vec![];
    for s in c.streams() {
        let p = s.parameters();
        if p.medium() == ffmpeg_next::media::Type::Video {
            let d = ffmpeg_next::codec::Context::from_parameters(p).unwrap().decoder().video().unwrap();
            let r = s.avg_frame_rate(); let tb = s.time_base();
            let tb = TimeBase::new(tb.0 as u32, tb.1 as u32).unwrap();
            video.push(VideoStream{ id: StreamId(s.index()), codec: String::new(), codec_long: String::new(), decoder: d.codec().unwrap().name().to_owned(), size: Size::new(d.width(), d.height()).unwrap(), sample_aspect: SampleAspect::SQUARE, orientation: Orientation::UPRIGHT, format: PixelFormat::YUV420P8, source_format: String::new(), color: ColorInfo::BT709_LIMITED, fields: FieldOrder::Progressive, rate: FrameRate::new(r.0 as u32, r.1 as u32).unwrap(), time_base: tb, start: tb.time_from_ticks_nearest(s.start_time()), duration: None, frames: Some(s.frames() as u64), bit_rate: None, timecode: None, is_still: false, is_default: true, language: None });
        }
    }
    MediaInfo { path, container: ContainerInfo{format: String::new(), format_long: String::new(), bytes: 0, duration: None, start: MediaTime::ZERO, bit_rate: None, metadata: vec![]}, video, audio: vec![], other: vec![] }
}
