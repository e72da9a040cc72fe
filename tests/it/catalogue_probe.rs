//! What `probe` says of real files, against a catalogue that was written with other tools.
//!
//! Optional: it runs where `JOGWHEEL_TEST_MEDIA` names a folder with a `CATALOGUE.tsv`.

use std::fmt::Write as _;
use std::path::Path;

use jogwheel::decode;

#[test]
fn dump() {
    let Some(folder) = std::env::var_os("JOGWHEEL_TEST_MEDIA") else { return };
    let folder = Path::new(&folder);
    let text = std::fs::read_to_string(folder.join("CATALOGUE.tsv")).unwrap();
    let mut out = String::new();
    for line in text.lines().skip(1) {
        let c: Vec<&str> = line.split('\t').collect();
        let path = folder.join(c[0]);
        let t = std::time::Instant::now();
        let r = decode::Input::open(&path).map(|input| { let i = decode::media_info(&input); let e: Vec<_> = i.video.iter().map(|v| decode::rate_estimate(&input, v.id)).collect(); (i, e) });
        let ms = t.elapsed().as_secs_f64()*1000.0;
        match r {
            Ok((i, e)) => {
                writeln!(out, "{} [{ms:.1} ms] CAT {} {}x{} {} {} {} | {}", c[0], c[3], c[4], c[5], c[6], c[7], c[8], c[12]).unwrap();
                for (v,e) in i.video.iter().zip(e) { writeln!(out, "   V {} {} {} {} sar {}:{} {:?} {} {} {}/{} {:?} start {} dur {:?} n {:?} tc {:?} still {} def {} col {:?}", v.codec, v.codec_long, v.decoder, v.size, v.sample_aspect.num, v.sample_aspect.den, v.orientation, v.source_format, v.format, v.rate.num(), v.rate.den(), e.map(|e| e.varies), v.start.as_secs_f64(), v.duration.map(|d| d.as_secs_f64()), v.frames, v.timecode.map(|t| t.to_string()), v.is_still, v.is_default, v.color).unwrap(); }
                for a in &i.audio { writeln!(out, "   A {} {} {} {} start {}", a.codec, a.codec_long, a.format.rate, a.layout_name, a.start.as_secs_f64()).unwrap(); }
                for o in &i.other { writeln!(out, "   O {} {} {}", o.kind, o.codec, o.reason).unwrap(); }
                writeln!(out, "   C start {} dur {:?} {:?}", i.container.start.as_secs_f64(), i.container.duration.map(|d| d.as_secs_f64()), decode::require_playable(&i).err().map(|e| e.to_string())).unwrap();
            }
            Err(e) => { writeln!(out, "{} [{ms:.1} ms] REFUSED {e}", c[0]).unwrap(); }
        }
    }
    std::fs::write("/tmp/pw/dump.txt", out).unwrap();
}
