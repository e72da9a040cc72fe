//! Suggestions: rules over what was measured, each with its reason, what it should bring, and how to follow it.
//!
//! A rule says nothing while it has not seen enough: what plays for a second may only have begun badly.

use std::collections::HashSet;
use std::path::Path;

use crate::config::Action;
use crate::decode::Rung;
use crate::jobs::kept::KeptState;
use crate::memory::Pressure;
use crate::playback::quality::{Preset, QualityMode};
use crate::playback::{Command, PlaybackStatus};
use crate::proxy::ProxyOrder;
use crate::ui::{StageTime, UiEvent, UiInput, format};

use super::performance::files_of;
use super::{Errand, Setting};

/// A suggestion.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Advice {
    /// Names it for those who dismiss it.
    pub(super) id: &'static str,
    /// What to do.
    pub(super) what: &'static str,
    /// What was measured.
    pub(super) why: String,
    /// What it should bring.
    pub(super) gain: &'static str,
    /// How it is done; `None` where only the person can.
    pub(super) apply: Option<UiEvent>,
    /// How it is taken back; `None` where that is not all in one step.
    pub(super) undo: Option<UiEvent>,
}

/// Frames that a rule wants to have seen.
const ENOUGH_FRAMES: u64 = 120;
/// Of the frames a second that are wanted, what counts as held.
const HELD: f32 = 0.97;
/// In a thousand, frames that were late or dropped before a rule speaks.
const LOST_PER_MILLE: u64 = 10;
/// A drag is answered in this long, or it is felt.
const SCRUB_LIMIT_MS: f32 = 50.0;
/// Share of the time of a frame that reading may take.
const READING_SHARE: f32 = 0.5;
/// Share of time in which somebody waits for a disk.
const DISK_WAITS: f32 = 0.4;
/// Looks into the frame cache before its hits mean anything.
const ENOUGH_LOOKS: u64 = 500;

/// All that applies now, the most useful first.
pub(super) fn all(input: &UiInput<'_>) -> Vec<Advice> {
    let rules: [fn(&UiInput<'_>) -> Option<Advice>; 8] = [
        let_it_choose,
        make_proxies,
        prefer_speed,
        play_drafts,
        slow_scrub,
        slow_disk,
        cache_too_small,
        cache_too_large,
    ];
    rules.into_iter().filter_map(|rule| rule(input)).collect()
}

/// Frames seen and lost since the medium was opened, once there are enough.
fn seen_and_lost(input: &UiInput<'_>) -> Option<(u64, u64)> {
    let frames = input.stats.frames;
    let lost = frames.late + frames.dropped.total();
    let seen = frames.shown + lost;
    (seen >= ENOUGH_FRAMES).then_some((seen, lost))
}

/// Why the rate is not held, in words; `None` where it is.
pub(super) fn falls_behind(input: &UiInput<'_>) -> Option<String> {
    let (seen, lost) = seen_and_lost(input)?;
    let stats = input.stats;
    let plays = input.snapshot.status == PlaybackStatus::Playing;
    if plays && stats.presented_fps < stats.target_fps * HELD {
        return Some(format!(
            "{:.1} of {:.1} frames a second are seen.",
            stats.presented_fps, stats.target_fps
        ));
    }
    (lost * 1000 > seen * LOST_PER_MILLE)
        .then(|| format!("{lost} of {seen} frames were late or dropped."))
}

fn let_it_choose(input: &UiInput<'_>) -> Option<Advice> {
    let why = falls_behind(input)?;
    let mode = input.snapshot.quality.mode;
    (mode == QualityMode::Source).then(|| Advice {
        id: "quality-auto",
        what: "Let Jogwheel choose what is decoded",
        why: format!("{why} Quality is set to source, whatever it costs."),
        gain: "The rate is held; the source is shown again as soon as it fits and at every pause.",
        apply: Some(UiEvent::Command(Command::SetQuality(QualityMode::Auto))),
        undo: Some(UiEvent::Command(Command::SetQuality(mode))),
    })
}

fn make_proxies(input: &UiInput<'_>) -> Option<Advice> {
    let snapshot = input.snapshot;
    let is_made = !input.stats.background.is_empty();
    if is_made || input.panels.proxies.folder.is_none() {
        return None;
    }
    let left_out = snapshot.quality.left_out;
    let trouble = falls_behind(input).or_else(|| match left_out {
        0 => None,
        1 => Some("1 frame was left out to keep up.".to_owned()),
        _ => Some(format!("{left_out} frames were left out to keep up.")),
    });
    let why = trouble?;
    // Last, for it goes through all files of a timeline.
    let from_source = played_from_source(input)?;
    Some(Advice {
        id: "make-proxies",
        what: "Make proxies of what is open",
        why: format!("{why} {from_source}"),
        gain: "A quarter of the pixels or less to decode: every frame is seen, and drags are exact.",
        apply: Some(UiEvent::Action(Action::MakeProxies)),
        undo: None,
    })
}

/// Files that are open and of which there is no proxy yet but can be one: how many, of how many.
fn without_proxies(input: &UiInput<'_>) -> (usize, usize) {
    let media = input.snapshot.media.as_ref();
    let Some(media) = media.filter(|media| media.timeline.is_some()) else {
        return (usize::from(!input.snapshot.has_proxies), 1);
    };
    let proxies = &input.panels.proxies;
    let made = proxies.sources();
    // Of stills, for one, there can be none.
    let failed = proxies
        .jobs
        .iter()
        .filter(|job| job.state == KeptState::Failed);
    let failed: HashSet<&str> = failed.map(|job| job.order.key.as_str()).collect();
    let is_lacking =
        |path: &Path| !made.contains(path) && !failed.contains(ProxyOrder::key_of(path).as_str());
    let files = files_of(media);
    let lacking = files.iter().filter(|path| is_lacking(path)).count();
    (lacking, files.len())
}

/// What of the open medium has no proxy although it is worth one, in a sentence. The picture of a timeline says nothing
/// of the size of its media.
fn played_from_source(input: &UiInput<'_>) -> Option<String> {
    let media = input.snapshot.media.as_ref()?;
    let (lacking, all) = without_proxies(input);
    if lacking == 0 {
        return None;
    }
    if media.timeline.is_some() {
        return Some(match (lacking, all) {
            (1, 1) => "Its file is played from the source, which has no proxy.".to_owned(),
            (1, _) => format!("1 of its {all} files has no proxy."),
            _ => format!("{lacking} of its {all} files have no proxy."),
        });
    }
    let size = media.info.default_video()?.size;
    let (width, height) = (size.width(), size.height());
    (width.max(height) > 1920)
        .then(|| format!("{width} × {height} is played from the source, which has no proxy."))
}

/// Why the rate is not held although Jogwheel chooses, and nothing is being made that would help.
fn behind_all_the_same(input: &UiInput<'_>) -> Option<String> {
    let why = falls_behind(input)?;
    let chooses = input.snapshot.quality.mode == QualityMode::Auto;
    let is_helped = !input.stats.background.is_empty() || make_proxies(input).is_some();
    (chooses && !is_helped).then_some(why)
}

fn prefer_speed(input: &UiInput<'_>) -> Option<Advice> {
    let why = behind_all_the_same(input)?;
    let preset = may_prefer_speed(input)?;
    Some(Advice {
        id: "prefer-speed",
        what: "Prefer a steady rate to a full picture",
        why: format!("{why} The preference is {}.", preset.value),
        gain: "Less is decoded and drawn: smaller pictures are taken earlier, none larger than it is shown.",
        apply: Some(set(PRESET, Some(Preset::Speed.name().to_owned()))),
        undo: Some(set(PRESET, stated(preset))),
    })
}

/// The preference, where it is another one and may be changed.
fn may_prefer_speed<'a>(input: &UiInput<'a>) -> Option<&'a Setting> {
    let preset = setting(input, PRESET)?;
    (preset.value != Preset::Speed.name() && !preset.is_overruled).then_some(preset)
}

fn play_drafts(input: &UiInput<'_>) -> Option<Advice> {
    let why = behind_all_the_same(input)?;
    let is_drafted = input.snapshot.quality.rung == Some(Rung::Quarter);
    let has_drafts = input.snapshot.has_proxies && !is_drafted && may_prefer_speed(input).is_none();
    has_drafts.then(|| Advice {
        id: "quality-draft",
        what: "Play the smallest proxy",
        why: format!("{why} Steady pictures are preferred as it is, and that does not do."),
        gain: "The least that can be decoded: good for timing, not for looking closely.",
        apply: Some(UiEvent::Command(Command::SetQuality(QualityMode::Draft))),
        undo: Some(UiEvent::Command(Command::SetQuality(QualityMode::Auto))),
    })
}

/// Where the time of a frame goes, for whom no rule can help; `None` where no stage takes longer than it has.
pub(super) fn what_takes_long(input: &UiInput<'_>) -> Option<String> {
    if input.snapshot.quality.mode != QualityMode::Auto {
        return None;
    }
    let stages = &input.stats.stages;
    let frame_ms = 1000.0 / input.stats.target_fps.max(1.0);
    let millis = |of: &[Option<StageTime>]| of.iter().flatten().map(|it| it.p95_ms).sum::<f32>();
    let read = millis(&[stages.demux, stages.decode]);
    let drawn = millis(&[stages.convert, stages.upload, stages.gpu, stages.present]);
    if read.max(drawn) < frame_ms {
        return None;
    }
    Some(if drawn > read {
        format!(
            "Drawing takes {drawn:.0} ms of the {frame_ms:.0} that a frame has: a smaller window or fewer panels \
             help, and a faster graphics device."
        )
    } else {
        format!(
            "Reading and decoding take {read:.0} ms of the {frame_ms:.0} that a frame has, and there is nothing \
             smaller to decode."
        )
    })
}

fn slow_scrub(input: &UiInput<'_>) -> Option<Advice> {
    let millis = input.stats.scrub_p95_ms?;
    let is_made = !input.stats.background.is_empty();
    let can_make = input.panels.proxies.folder.is_some() && !is_made;
    let is_felt = millis > SCRUB_LIMIT_MS;
    (is_felt && can_make && without_proxies(input).0 > 0).then(|| Advice {
        id: "scrub-proxies",
        what: "Make proxies, to scrub on them",
        why: format!("95 % of moves are answered within {millis:.0} ms; over 50 ms is felt."),
        gain: "Proxies hold every frame by itself: a drag is answered in about 10 ms.",
        apply: Some(UiEvent::Action(Action::MakeProxies)),
        undo: None,
    })
}

fn slow_disk(input: &UiInput<'_>) -> Option<Advice> {
    seen_and_lost(input)?;
    let demux = input.stats.stages.demux?;
    let frame_ms = 1000.0 / input.stats.target_fps.max(1.0);
    let waits = input.panels.readings.as_ref()?.disk_wait?;
    (demux.p95_ms > frame_ms * READING_SHARE && waits > DISK_WAITS).then(|| Advice {
        id: "slow-disk",
        what: "Move the media to a faster disk",
        why: format!(
            "Reading takes {:.0} ms of the {frame_ms:.0} that a frame has, and somebody waits for a disk {:.0} % of \
             the time.",
            demux.p95_ms,
            waits * 100.0
        ),
        gain: "Reading is out of the way. Proxies in a folder on a fast disk help as well.",
        apply: None,
        undo: None,
    })
}

fn cache_too_small(input: &UiInput<'_>) -> Option<Advice> {
    let cache = input.stats.cache?;
    let looks = cache.hits + cache.misses;
    let is_full = cache.bytes * 10 >= cache.limit_bytes * 9;
    let readings = input.panels.readings.as_ref()?;
    let (used, total) = readings.memory?;
    let limit = input.panels.memory_limit;
    let wanted = limit.saturating_mul(2).min(total / 2);
    let has_room = total.saturating_sub(used) > wanted.saturating_sub(limit) + total / 4;
    let misses_much = looks >= ENOUGH_LOOKS && cache.misses * 2 > looks;
    (is_full && misses_much && has_room && wanted > limit).then(|| Advice {
        id: "more-memory",
        what: "Give the player more memory",
        why: format!(
            "{} of {looks} frames that were asked for again had been dropped from a full cache of {}.",
            cache.misses,
            format::bytes_words(cache.limit_bytes)
        ),
        gain: "Twice as much stays at hand for steps back, loops and drags. It applies from the next start.",
        apply: Some(set(MEMORY_LIMIT, Some((wanted >> 20).to_string()))),
        undo: Some(set(MEMORY_LIMIT, setting(input, MEMORY_LIMIT).and_then(stated))),
    })
}

fn cache_too_large(input: &UiInput<'_>) -> Option<Advice> {
    let limit = input.panels.memory_limit;
    let wanted = limit / 2;
    let pressure = input.stats.pressure;
    (pressure >= Pressure::High && wanted >= (256 << 20)).then(|| Advice {
        id: "less-memory",
        what: "Give the player less memory",
        why: format!(
            "Memory is short (pressure {}), and the player may take {}.",
            pressure.name(),
            format::bytes_words(limit)
        ),
        gain: "Other programs are not pushed out to disk. It applies from the next start.",
        apply: Some(set(MEMORY_LIMIT, Some((wanted >> 20).to_string()))),
        undo: Some(set(
            MEMORY_LIMIT,
            setting(input, MEMORY_LIMIT).and_then(stated),
        )),
    })
}

const MEMORY_LIMIT: &str = "memory.limit-mb";
const PRESET: &str = "quality.preset";

fn set(key: &'static str, value: Option<String>) -> UiEvent {
    UiEvent::Errand(Errand::Set { key, value })
}

fn setting<'a>(input: &UiInput<'a>, key: &str) -> Option<&'a Setting> {
    let mut settings = input.panels.config.settings.iter();
    settings.find(|setting| setting.key == key)
}

/// What the configuration file says of it now.
fn stated(setting: &Setting) -> Option<String> {
    setting.is_stated.then(|| setting.value.clone())
}
