//! Events, and what the lines after them say about them.

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use super::counting::{BadTimecode, Counting};
use super::lines::{Channels, Edit, EventLine, Line, numbered, parse};
use crate::timeline::Ratio;
use crate::timeline::import::numbers::Decimal;
use crate::timeline::import::{Format, ImportError, Notes, Place};

/// An event. Times are in frames.
#[derive(Debug, Clone)]
pub(super) struct Event<'a> {
    /// The line that it begins in.
    pub(super) line: u32,
    /// It, and the lines that belong to it.
    pub(super) bytes: Range<usize>,
    /// As written.
    pub(super) number: &'a str,
    /// As written.
    pub(super) reel: &'a str,
    /// Where it is recorded.
    pub(super) channels: Channels,
    /// How it comes in.
    pub(super) edit: Edit,
    /// The source's first frame, and the one after its last.
    pub(super) source: Range<i64>,
    /// The same on the record.
    pub(super) record: Range<i64>,
    /// The clip's name.
    pub(super) name: Option<&'a str>,
    /// The name of the clip that it comes from; its own where there is no other.
    pub(super) from_name: Option<&'a str>,
    /// The file that it was made from.
    pub(super) file: Option<&'a str>,
    /// Name of the transition.
    pub(super) effect_name: Option<&'a str>,
    /// Source frames that pass in a frame of the record.
    pub(super) speed: Ratio,
    /// Markers.
    pub(super) markers: Vec<Locator<'a>>,
    /// Where its grade stands: slope, offset and power, and saturation.
    pub(super) grade: Option<Range<usize>>,
}

impl Event<'_> {
    /// Black, which needs no source.
    pub(super) fn is_black(&self) -> bool {
        matches!(self.reel, "BL" | "BLACK")
            || self
                .name
                .or(self.from_name)
                .is_some_and(|name| name.eq_ignore_ascii_case("Black Video"))
    }

    /// Frames that it takes on the record.
    pub(super) fn length(&self) -> i64 {
        self.record.end - self.record.start
    }
}

/// A marker: `* LOC: 01:00:01:14 RED text`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Locator<'a> {
    /// Frame of the record.
    pub(super) record: i64,
    /// The colour's name; empty where it has none.
    pub(super) color: &'a str,
    /// What it says.
    pub(super) name: &'a str,
}

/// All events, in the order of the file.
#[derive(Debug)]
pub(super) struct EventList<'a> {
    /// The title.
    pub(super) title: &'a str,
    /// How frames are counted.
    pub(super) counting: Counting,
    /// They.
    pub(super) events: Vec<Event<'a>>,
}

/// Reads all lines.
///
/// # Errors
/// [`ImportError::Invalid`] where there is no event, or when the record's timecodes do not exist at
/// the rate.
pub(super) fn collect<'a>(
    path: &Path,
    text: &'a Arc<str>,
    counting: Counting,
    notes: &mut Notes,
) -> Result<EventList<'a>, ImportError> {
    let mut collector = Collector {
        list: EventList {
            title: "",
            counting,
            events: Vec::new(),
        },
        drop_frame: counting.drop_frame,
        notes,
    };
    for (number, range) in numbered(text) {
        let line = parse(&text[range.clone()]);
        let read = collector.line(number, &range, line);
        read.map_err(|reason| ImportError::Invalid {
            path: path.to_owned(),
            format: Format::Edl,
            reason: format!("line {number}: {reason}"),
        })?;
    }
    if collector.list.events.is_empty() {
        return Err(ImportError::Invalid {
            path: path.to_owned(),
            format: Format::Edl,
            reason: "it has no event that can be read".into(),
        });
    }
    Ok(collector.list)
}

struct Collector<'a, 'n> {
    list: EventList<'a>,
    /// What the last `FCM` said; it holds for the sources of the events that follow.
    drop_frame: bool,
    notes: &'n mut Notes,
}

impl<'a> Collector<'a, '_> {
    fn note(&mut self, line: u32, text: String) {
        self.notes.push(Place::Line(line), text);
    }

    fn line(&mut self, number: u32, range: &Range<usize>, line: Line<'a>) -> Result<(), String> {
        match line {
            Line::Blank => return Ok(()),
            Line::Title(title) => {
                self.list.title = title;
                return Ok(());
            }
            Line::FrameCode { drop_frame } => {
                self.drop_frame = drop_frame;
                return Ok(());
            }
            Line::Event(event) => return self.event(number, range, &event),
            Line::Speed { reel, fps, entry } => self.speed(number, reel, fps, entry),
            Line::Audio(channel) => {
                if let Some(event) = self.list.events.last_mut() {
                    event.channels.add_audio(channel);
                }
            }
            Line::Comment { key, value } => self.comment(number, range, key, value),
            Line::Other(other) => {
                // Where sources come from, in the words of old systems; nothing is seen of it.
                if !other.starts_with(">>>") {
                    let text: String = other.chars().take(60).collect();
                    self.note(number, format!("`{text}` is not understood"));
                }
            }
        }
        if let Some(event) = self.list.events.last_mut() {
            event.bytes.end = range.end;
        }
        Ok(())
    }

    /// Frames of a source's timecode. Sources may count at rates of their own.
    fn source_frames(&mut self, number: u32, text: &str) -> Option<i64> {
        match self.list.counting.frames(text, self.drop_frame) {
            Ok(frames) => Some(frames),
            Err(BadTimecode::Malformed) => {
                self.note(
                    number,
                    format!("`{text}` is no timecode; the event is left out"),
                );
                None
            }
            Err(BadTimecode::FramesBeyondRate) => {
                let (second, _) = text.rsplit_once([':', ';', '.'])?;
                let text = format!("source timecode {text} counts at another rate than the record");
                self.note(number, text);
                let last = self.list.counting.rate.nominal().saturating_sub(1);
                let clamped = format!("{second}:{last}");
                self.list.counting.frames(&clamped, false).ok()
            }
        }
    }

    fn event(
        &mut self,
        number: u32,
        range: &Range<usize>,
        line: &EventLine<'a>,
    ) -> Result<(), String> {
        let counting = self.list.counting;
        let mut record = [0; 2];
        for (frames, text) in record.iter_mut().zip(line.record) {
            *frames = match counting.frames(text, counting.drop_frame) {
                Ok(frames) => frames,
                Err(BadTimecode::Malformed) => {
                    self.note(
                        number,
                        format!("`{text}` is no timecode; the event is left out"),
                    );
                    return Ok(());
                }
                Err(BadTimecode::FramesBeyondRate) => {
                    let rate = counting.rate;
                    return Err(format!(
                        "timecode {text} does not exist at {rate} frames a second"
                    ));
                }
            };
        }
        let [source_in, source_out] = line.source.map(|text| self.source_frames(number, text));
        let Some((source_in, source_out)) = source_in.zip(source_out) else {
            return Ok(());
        };
        if record[1] < record[0] {
            let text = "the event ends before it begins and is left out";
            self.note(number, text.into());
            return Ok(());
        }
        let Some(channels) = Channels::parse(line.channels) else {
            let text = format!(
                "channel `{}` is not known; the event is left out",
                line.channels
            );
            self.note(number, text);
            return Ok(());
        };
        self.list.events.push(Event {
            line: number,
            bytes: range.clone(),
            number: line.number,
            reel: line.reel,
            channels,
            edit: line.edit,
            source: source_in..source_out,
            record: record[0]..record[1],
            name: None,
            from_name: None,
            file: None,
            effect_name: None,
            speed: Ratio::ONE,
            markers: Vec::new(),
            grade: None,
        });
        Ok(())
    }

    /// Index of the event that the last one comes from, where the last one is a transition or a key:
    /// the line before it, if it has the same number or was written for the transition only.
    fn outgoing(&self) -> Option<usize> {
        let [.., before, last] = self.list.events.as_slice() else {
            return None;
        };
        let pair = last.edit != Edit::Cut
            && (before.number == last.number
                || before.length() == 0 && before.record.end == last.record.start);
        pair.then(|| self.list.events.len() - 2)
    }

    /// The event that a `FROM` comment is about: the outgoing one, or else the only one there is.
    fn source_event(&mut self) -> Option<&mut Event<'a>> {
        match self.outgoing() {
            Some(index) => self.list.events.get_mut(index),
            None => self.list.events.last_mut(),
        }
    }

    fn speed(&mut self, number: u32, reel: &str, fps: Decimal, entry: Option<&str>) {
        let counting = self.list.counting;
        let entry = entry.and_then(|text| counting.frames(text, self.drop_frame).ok());
        let Some(speed) = speed_from_fps(fps, counting) else {
            let text = "the speed is too large; normal speed is played";
            self.note(number, text.into());
            return;
        };
        let events = &self.list.events;
        let begins_there = |event: &Event<'_>| {
            event.reel == reel && entry.is_none_or(|entry| entry == event.source.start)
        };
        let index = match self.outgoing() {
            Some(outgoing)
                if events[outgoing].reel == reel && !events.last().is_some_and(begins_there) =>
            {
                outgoing
            }
            _ => events.len().wrapping_sub(1),
        };
        let Some(event) = self.list.events.get_mut(index) else {
            return;
        };
        event.speed = speed;
        if event.reel != reel {
            let text = format!("the speed is of reel `{reel}`, which the event is not from");
            self.note(number, text);
        }
    }

    fn comment(&mut self, number: u32, range: &Range<usize>, key: &'a str, value: &'a str) {
        match key {
            "FROM CLIP NAME" => {
                if let Some(event) = self.source_event() {
                    event.from_name = Some(value);
                }
            }
            "FROM CLIP" | "FROM FILE" => {
                if let Some(event) = self.source_event() {
                    event.file = Some(value);
                }
            }
            "LOC" => self.locator(number, value),
            _ => {
                if key.starts_with("AVX2 EFFECT") {
                    self.note(number, format!("`{key}` is not applied"));
                }
            }
        }
        let Some(event) = self.list.events.last_mut() else {
            return;
        };
        match key {
            "TO CLIP NAME" | "KEY CLIP NAME" => event.name = Some(value),
            "TO CLIP" | "TO FILE" => event.file = Some(value),
            // The name of a recording; a path that another comment gives says more.
            "SOURCE FILE" => event.file = event.file.or(Some(value)),
            "EFFECT NAME" => event.effect_name = Some(value),
            "ASC_SOP" | "ASC_SAT" => {
                let start = event.grade.as_ref().map(|grade| grade.start);
                event.grade = Some(start.unwrap_or(range.start)..range.end);
                if start.is_none() {
                    self.note(number, "the ASC CDL grade is not applied".into());
                }
            }
            _ => {}
        }
    }

    fn locator(&mut self, number: u32, value: &'a str) {
        let (time, rest) = value.split_once(char::is_whitespace).unwrap_or((value, ""));
        let counting = self.list.counting;
        let Ok(record) = counting.frames(time, counting.drop_frame) else {
            self.note(
                number,
                format!("`{time}` is no timecode; the marker is left out"),
            );
            return;
        };
        let rest = rest.trim();
        let (word, text) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
        let colored = COLORS.contains(&word);
        let (color, name) = if colored { (word, text) } else { ("", rest) };
        let name = name.trim();
        if let Some(event) = self.list.events.last_mut() {
            event.markers.push(Locator {
                record,
                color,
                name,
            });
        }
    }
}

/// Colours that markers have.
const COLORS: [&str; 11] = [
    "RED", "GREEN", "BLUE", "CYAN", "MAGENTA", "YELLOW", "BLACK", "WHITE", "PINK", "PURPLE",
    "ORANGE",
];

/// Source frames that pass in a frame of the record. Speeds are written in frames a second, where
/// the nominal rate is normal speed: `030.0` at 29.97. Programs that calculate them from the exact
/// rate write `029.9`, or `059.9` for twice the speed: such are taken for what was meant where a
/// decimal's rounding tells them apart.
fn speed_from_fps(fps: Decimal, counting: Counting) -> Option<Ratio> {
    let rate = counting.rate;
    let (rate_num, rate_den) = (i64::from(rate.num()), i64::from(rate.den()));
    if rate_den != 1001 {
        return Ratio::new(
            fps.num.checked_mul(rate_den)?,
            fps.den.checked_mul(rate_num)?,
        );
    }
    let nominal = Ratio::new(fps.num, fps.den.checked_mul(i64::from(rate.nominal()))?)?;
    let twice = (i128::from(nominal.num()) * 2).div_euclid(i128::from(nominal.den()));
    for halves in [twice, twice + 1] {
        // `halves / 2` times the exact rate, in tenths, cut off or rounded up.
        let (tenths, den) = (halves * i128::from(rate_num) * 5, i128::from(rate_den));
        let rounded = [tenths.div_euclid(den), (tenths + den - 1).div_euclid(den)];
        let written = i128::from(fps.num) * 10;
        let meant = |some: &i128| some * i128::from(fps.den) == written;
        if halves != 0 && rounded.iter().any(meant) {
            return Ratio::new(i64::try_from(halves).ok()?, 2);
        }
    }
    Some(nominal)
}
