//! Level meters of the transport bar: a column for each channel of the sound device.

use egui::{Color32, Rect, pos2, vec2};

use super::UiInput;
use super::canvas::Canvas;
use super::pointer::Zone;
use super::style;
use crate::audio::{AudioLevels, ChannelLevel, decibels};
use crate::playback::AudioState;
use crate::time::Moment;

/// How long the highest peak stays marked.
const HOLD_NANOS: i64 = 1_500_000_000;
/// What the foot of a column stands for; its top is full scale.
const FLOOR_DB: f32 = -60.0;
/// Where green ends: the alignment level of EBU R 68.
const ALIGNMENT_DB: f32 = -18.0;
/// Where amber ends: the permitted maximum level of EBU R 68.
const PERMITTED_DB: f32 = -9.0;
const HEIGHT: f32 = 32.0;

/// The levels that are worth a look: what is heard, or would be if it were not muted.
fn shown<'a>(input: &'a UiInput<'_>) -> Option<&'a AudioLevels> {
    let snapshot = input.snapshot;
    let levels = &snapshot.audio_levels;
    (snapshot.is_running() && !levels.channels().is_empty()).then_some(levels)
}

/// Columns that room is kept for, also while nothing plays; none where there is no sound.
fn columns(input: &UiInput<'_>) -> usize {
    let snapshot = input.snapshot;
    if matches!(snapshot.audio, AudioState::NoTrack | AudioState::Off) {
        return 0;
    }
    // A device that has not been opened yet has two, most likely.
    match snapshot.audio_levels.channels().len() {
        0 => 2,
        count => count,
    }
}

/// Width of a column and of the gap beside it, in points.
fn pitch(columns: usize) -> (f32, f32) {
    if columns <= 2 { (5.0, 2.0) } else { (3.0, 1.0) }
}

/// Width that the meters take, in points; zero where there is no sound.
pub(super) fn width(input: &UiInput<'_>) -> f32 {
    let columns = columns(input);
    let (column, gap) = pitch(columns);
    columns as f32 * (column + gap)
}

/// What the levels look like, as numbers that change when they do.
pub(super) fn look(input: &UiInput<'_>) -> Vec<(u32, u32)> {
    let levels = shown(input).map_or(&[][..], AudioLevels::channels);
    let bits = |level: &ChannelLevel| (level.peak.to_bits(), level.rms.to_bits());
    levels.iter().map(bits).collect()
}

/// Levels in words, a line for each channel: `L   peak -6.0   RMS -9.0 dBFS`.
pub(super) fn words(input: &UiInput<'_>) -> String {
    let Some(levels) = shown(input) else {
        return "Sound level: nothing plays".to_owned();
    };
    let lines = levels.names().iter().zip(levels.channels());
    let lines = lines.map(|(name, level)| {
        let (peak, rms) = (decibels(level.peak), decibels(level.rms));
        format!("{name:<4}  peak {peak:>6.1}   RMS {rms:>6.1} dBFS")
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// The highest peak of late.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Held {
    peak: f32,
    since: Moment,
}

/// The meters, and the peaks that they remember.
#[derive(Debug, Default)]
pub(super) struct Meters {
    held: Vec<Held>,
}

impl Meters {
    /// Paints them in `rect`.
    pub(super) fn paint(&mut self, canvas: &mut Canvas<'_>, rect: Rect, input: &UiInput<'_>) {
        let levels = shown(input);
        self.update(levels, input.now);
        let columns = columns(input);
        let (width, gap) = pitch(columns);
        let left = rect.center().x - (columns as f32 * (width + gap) - gap) / 2.0;
        let top = rect.center().y - HEIGHT / 2.0;
        for column in 0..columns {
            let corner = pos2(left + column as f32 * (width + gap), top);
            let lane = Rect::from_min_size(corner, vec2(width, HEIGHT));
            canvas.painter.rect_filled(lane, 1.0, style::LANE);
            let level = levels.and_then(|levels| levels.channels().get(column));
            if let Some(level) = level {
                let held = self.held.get(column).map_or(level.peak, |held| held.peak);
                paint_column(canvas, lane, *level, held, input.snapshot.muted);
            }
        }
        canvas.zones.place(Zone::Meters, rect);
    }

    fn update(&mut self, levels: Option<&AudioLevels>, now: Moment) {
        let levels = levels.map_or(&[][..], AudioLevels::channels);
        let nothing = Held {
            peak: 0.0,
            since: now,
        };
        self.held.resize(levels.len(), nothing);
        for (held, level) in self.held.iter_mut().zip(levels) {
            let is_old = now.nanos_since(held.since) > HOLD_NANOS;
            if level.peak >= held.peak || is_old {
                *held = Held {
                    peak: level.peak,
                    since: now,
                };
            }
        }
    }
}

/// Paints the levels, below `canvas`'s pointer if it is there.
pub(super) fn paint_tip(canvas: &Canvas<'_>, rect: Rect, input: &UiInput<'_>) {
    let limits = canvas.painter.clip_rect();
    let pos = pos2(rect.center().x, rect.top() - 6.0);
    canvas.tip(pos, &words(input), style::NUMBERS, limits);
}

/// Height of a level in a lane, from its foot, 0 to 1.
fn height(level: f32) -> f32 {
    (1.0 - decibels(level) / FLOOR_DB).clamp(0.0, 1.0)
}

fn paint_column(canvas: &Canvas<'_>, lane: Rect, level: ChannelLevel, held: f32, is_muted: bool) {
    let y = |share: f32| lane.bottom() - share * lane.height();
    let zones = [
        (FLOOR_DB, style::GOOD),
        (ALIGNMENT_DB, style::WARN),
        (PERMITTED_DB, style::BAD),
        (0.0, style::BAD),
    ]
    .map(|(from, color)| (1.0 - from / FLOOR_DB, color));
    let color_at = |color: Color32| if is_muted { style::FILL } else { color };
    // The mean in full colour, and the peak above it in a fainter one.
    let (mean, peak) = (height(level.rms), height(level.peak));
    for pair in zones.windows(2) {
        let (from, to, color) = (pair[0].0, pair[1].0, color_at(pair[0].1));
        for (low, high, color) in [
            (from, mean, color),
            (from.max(mean), peak, color.gamma_multiply(0.5)),
        ] {
            let high = high.min(to);
            if high > low {
                let part =
                    Rect::from_min_max(pos2(lane.left(), y(high)), pos2(lane.right(), y(low)));
                canvas.painter.rect_filled(part, 0.0, color);
            }
        }
    }
    let share = height(held);
    if share > 0.0 {
        let color = zones.iter().rev().find(|(from, _)| share >= *from);
        let color = color_at(color.map_or(style::GOOD, |(_, color)| *color));
        // Full scale and more fills the top.
        let thick = if held >= 1.0 { 3.0 } else { 1.0 };
        let top = (y(share) - 0.5).max(lane.top());
        let mark = Rect::from_min_size(pos2(lane.left(), top), vec2(lane.width(), thick));
        canvas.painter.rect_filled(mark, 0.0, color);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn levels(peak: f32) -> AudioLevels {
        AudioLevels::new(&[ChannelLevel {
            peak,
            rms: peak / 2.0,
        }])
    }

    #[test]
    fn the_highest_peak_stays_for_a_second_and_a_half() {
        let mut meters = Meters::default();
        let at = |millis: i64| Moment::ZERO.offset_nanos(millis * 1_000_000);
        meters.update(Some(&levels(0.8)), at(0));
        meters.update(Some(&levels(0.3)), at(1_400));
        assert!((meters.held[0].peak - 0.8).abs() < 1e-6);
        meters.update(Some(&levels(0.2)), at(1_600));
        assert!((meters.held[0].peak - 0.2).abs() < 1e-6);
        meters.update(Some(&levels(0.9)), at(1_700));
        assert!((meters.held[0].peak - 0.9).abs() < 1e-6);
        meters.update(None, at(1_800));
        assert_eq!(meters.held.len(), 0);
    }

    #[test]
    fn full_scale_fills_a_lane_and_silence_leaves_it_empty() {
        assert!((height(1.0) - 1.0).abs() < 1e-6);
        assert!((height(4.0) - 1.0).abs() < 1e-6);
        assert!((height(0.001) - 0.0).abs() < 1e-6);
        assert!((height(0.031_622_8) - 0.5).abs() < 1e-4, "-30 dB");
    }
}
