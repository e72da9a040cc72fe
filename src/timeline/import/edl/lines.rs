//! One line of an EDL.

use std::ops::Range;

use crate::timeline::import::numbers::Decimal;

/// How an event comes in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Edit {
    /// At once.
    Cut,
    /// Over so many frames.
    Dissolve(i64),
    /// Behind an edge, by its SMPTE code, over so many frames.
    Wipe(u32, i64),
    /// As the background of a key.
    KeyBackground,
    /// Keyed over the background.
    Key,
}

impl Edit {
    /// Frames of the transition that it begins with.
    pub(super) fn frames(self) -> i64 {
        match self {
            Self::Dissolve(frames) | Self::Wipe(_, frames) => frames,
            Self::Cut | Self::KeyBackground | Self::Key => 0,
        }
    }

    /// Whether it comes in over time.
    pub(super) fn is_transition(self) -> bool {
        matches!(self, Self::Dissolve(_) | Self::Wipe(..))
    }
}

/// The channels that an event is recorded on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Channels {
    /// Number of the video track.
    pub(super) video: Option<u32>,
    /// Number of the lowest audio channel. An event's channels are those of one source, which is
    /// heard in full: a track for each of them would play it twice.
    pub(super) audio: Option<u32>,
}

impl Channels {
    /// Reads `V`, `V2`, `A`, `AA`, `A2`, `A12`, `AA/V`, `B`, `NONE`. `None` for anything else.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let text = text.to_ascii_uppercase();
        match text.as_str() {
            "NONE" => return Some(Self::default()),
            "B" => {
                return Some(Self {
                    video: Some(1),
                    audio: Some(1),
                });
            }
            _ => {}
        }
        let mut channels = Self::default();
        let mut rest = text.as_str();
        while let Some(letter) = rest.chars().next() {
            rest = &rest[letter.len_utf8()..];
            let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
            let (number, after) = rest.split_at(digits);
            match letter {
                'V' => channels.video = Some(number.parse().unwrap_or(1)),
                'A' => channels.add_audio(lowest_channel(number)),
                '/' | ',' | '+' | '&' if digits == 0 => {}
                _ => return None,
            }
            rest = after;
        }
        Some(channels)
    }

    /// Adds an audio channel.
    pub(super) fn add_audio(&mut self, number: u32) {
        let lowest = self.audio.map_or(number, |audio| audio.min(number));
        self.audio = Some(lowest);
    }
}

/// `12` after an `A` means channels 1 and 2 to those who count four channels, and `10` the tenth.
fn lowest_channel(digits: &str) -> u32 {
    let rising = digits
        .as_bytes()
        .windows(2)
        .all(|pair| pair[0] < pair[1] && pair[0] != b'0');
    let number = if rising {
        digits.get(..1)
    } else {
        Some(digits)
    };
    number.and_then(|number| number.parse().ok()).unwrap_or(1)
}

/// An event's line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct EventLine<'a> {
    /// As written, zeros included.
    pub(super) number: &'a str,
    /// Empty where there is none.
    pub(super) reel: &'a str,
    /// As written.
    pub(super) channels: &'a str,
    /// How it comes in.
    pub(super) edit: Edit,
    /// Timecodes of the source's first frame, and after its last.
    pub(super) source: [&'a str; 2],
    /// The same on the record.
    pub(super) record: [&'a str; 2],
}

/// What a line says.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Line<'a> {
    /// Nothing.
    Blank,
    /// `TITLE: …`.
    Title(&'a str),
    /// `FCM: DROP FRAME`, or not.
    FrameCode { drop_frame: bool },
    /// An event.
    Event(EventLine<'a>),
    /// `M2 reel speed entry`: the speed in frames a second, and the source timecode it begins at.
    Speed {
        reel: &'a str,
        fps: Decimal,
        entry: Option<&'a str>,
    },
    /// `AUD 3 4`: audio channels of the event before; the lowest counts.
    Audio(u32),
    /// `* KEY: value`, also without the star where the key is known.
    Comment { key: &'a str, value: &'a str },
    /// Anything else.
    Other(&'a str),
}

/// Comments that some programs write without a star.
const BARE_COMMENTS: [&str; 4] = ["FROM CLIP", "TO CLIP", "FRAME RATE", "ASC_"];

/// Reads a line.
pub(super) fn parse(line: &str) -> Line<'_> {
    // Tape systems fill the last block with ^Z.
    let line =
        line.trim_matches(|character: char| character.is_whitespace() || character.is_control());
    let first = line.split_whitespace().next().unwrap_or_default();
    if line.is_empty() || first == "REM" {
        return Line::Blank;
    }
    if let Some(comment) = line.strip_prefix('*') {
        return comment_from(comment);
    }
    if first.bytes().all(|byte| byte.is_ascii_digit()) {
        return event_from(line).map_or(Line::Other(line), Line::Event);
    }
    if let Some((key, value)) = line.split_once(':') {
        let (key, value) = (key.trim(), value.trim());
        if key.eq_ignore_ascii_case("TITLE") {
            return Line::Title(value);
        }
        if key.eq_ignore_ascii_case("FCM") {
            let drop_frame = !value.to_ascii_uppercase().contains("NON");
            return Line::FrameCode { drop_frame };
        }
    }
    match first {
        "M2" => speed_from(line).unwrap_or(Line::Other(line)),
        "AUD" => {
            let channels = line.split_whitespace().skip(1);
            let lowest = channels.filter_map(|token| token.parse().ok()).min();
            lowest.map_or(Line::Other(line), Line::Audio)
        }
        _ => {
            let bare = line.strip_prefix("EFFECTS NAME IS ");
            if let Some(value) = bare {
                let key = "EFFECT NAME";
                return Line::Comment { key, value };
            }
            if BARE_COMMENTS.iter().any(|known| line.starts_with(known)) {
                comment_from(line)
            } else {
                Line::Other(line)
            }
        }
    }
}

fn comment_from(comment: &str) -> Line<'_> {
    let comment = comment.trim();
    for key in ["ASC_SOP", "ASC_SAT"] {
        if let Some(value) = comment.strip_prefix(key) {
            return Line::Comment { key, value };
        }
    }
    let (key, value) = comment.split_once(':').unwrap_or((comment, ""));
    Line::Comment {
        key: key.trim(),
        value: value.trim(),
    }
}

/// The words of `line` and where they stand.
fn words(line: &str) -> Vec<(Range<usize>, &str)> {
    let begin = line.as_ptr() as usize;
    line.split_whitespace()
        .map(|word| {
            let start = word.as_ptr() as usize - begin;
            (start..start + word.len(), word)
        })
        .collect()
}

fn is_timecode(word: &str) -> bool {
    let marks = word.bytes().filter(|byte| matches!(byte, b':' | b';'));
    let known = |byte: u8| byte.is_ascii_digit() || matches!(byte, b':' | b';' | b'.');
    marks.count() >= 2 && word.bytes().all(known)
}

fn event_from(line: &str) -> Option<EventLine<'_>> {
    let words = words(line);
    let times = words
        .windows(4)
        .position(|four| four.iter().all(|(_, word)| is_timecode(word)))?;
    let [source_in, source_out, record_in, record_out] =
        [0, 1, 2, 3].map(|index| words[times + index].1);
    let mut middle = words.get(1..times)?;
    let mut frames = 0;
    if let [rest @ .., (_, how), (_, number)] = middle
        && how.starts_with(['D', 'W', 'K'])
        && number.bytes().all(|byte| byte.is_ascii_digit())
    {
        // Only the number goes; how it comes in is read next.
        frames = number.parse().ok()?;
        middle = &middle[..=rest.len()];
    }
    let (edit, used) = match middle {
        [.., (_, "K"), (_, "B")] => (Edit::KeyBackground, 2),
        [.., (_, "K"), (_, "O")] => (Edit::Key, 2),
        [.., (_, "KB")] => (Edit::KeyBackground, 1),
        [.., (_, "K" | "KO")] => (Edit::Key, 1),
        [.., (_, "C")] => (Edit::Cut, 1),
        [.., (_, "D")] => (Edit::Dissolve(frames), 1),
        [.., (_, wipe)] => {
            let code = wipe.strip_prefix('W')?.parse().ok()?;
            (Edit::Wipe(code, frames), 1)
        }
        [] => return None,
    };
    let (channels, reel) = middle[..middle.len() - used].split_last()?;
    let reel = match reel {
        [first, .., last] => &line[first.0.start..last.0.end],
        [only] => only.1,
        [] => "",
    };
    Some(EventLine {
        number: words[0].1,
        reel,
        channels: channels.1,
        edit,
        source: [source_in, source_out],
        record: [record_in, record_out],
    })
}

fn speed_from(line: &str) -> Option<Line<'_>> {
    let words = words(line);
    let (mut rest, mut entry) = (words.get(1..)?, None);
    if let [before @ .., (_, last)] = rest
        && is_timecode(last)
    {
        (rest, entry) = (before, Some(*last));
    }
    let ((_, fps), reel) = rest.split_last()?;
    let reel = match (reel.first(), reel.last()) {
        (Some(first), Some(last)) => &line[first.0.start..last.0.end],
        _ => "",
    };
    let fps = Decimal::parse(fps)?;
    Some(Line::Speed { reel, fps, entry })
}

/// The lines of `text`, however they end, counted from 1, and where they stand.
pub(super) fn numbered(text: &str) -> impl Iterator<Item = (u32, Range<usize>)> {
    let mut start = Some(0);
    let mut number = 0;
    std::iter::from_fn(move || {
        let from = start?;
        let rest = text.get(from..)?;
        let end = rest.find(['\r', '\n']);
        let length = end.unwrap_or(rest.len());
        start = end.map(|end| {
            let pair = rest[end..].starts_with("\r\n");
            from + end + if pair { 2 } else { 1 }
        });
        number += 1;
        Some((number, from..from + length))
    })
}

/// Whether the beginning of a file looks like an EDL: there is an event, or both a title and a
/// statement of how frames are counted.
pub(in crate::timeline::import) fn looks_like_edl(head: &str) -> bool {
    let (mut titled, mut counted) = (false, false);
    for (_, range) in numbered(head) {
        match parse(&head[range]) {
            Line::Event(_) => return true,
            Line::Title(_) => titled = true,
            Line::FrameCode { .. } => counted = true,
            _ => {}
        }
    }
    titled && counted
}
