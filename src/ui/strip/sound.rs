//! The waveforms over the lanes of tracks for sound.
//!
//! How high the columns of a lane are is reckoned once, and again only when another stretch of time is seen or more
//! of the waveform is made.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Arc, Weak};

use egui::{Mesh, Rect, pos2};

use super::boxes::Laid;
use super::model::{ClipState, Row};
use super::rows::rect_of;
use super::scene::Scene;
use crate::cache::waveform::{Columns, Peak};
use crate::timeline::TrackKind;

/// Columns are this wide.
const COLUMN: f32 = 3.0;

/// The lowest and the highest sample in each column, from the left end of the lanes, by track.
#[derive(Default)]
pub(super) struct Sound {
    of: Option<Seen>,
    tracks: BTreeMap<usize, Vec<(f32, f32)>>,
}

/// What the columns were reckoned from.
struct Seen {
    /// Weak: a medium that was closed must not be kept, and another one's peaks must not get the same address.
    waveform: Weak<Columns>,
    /// The part of the medium that is seen, and the width of the lanes.
    view: (Range<f64>, f32),
}

impl Sound {
    /// Makes it that of the lanes in `scene`.
    pub(super) fn update(&mut self, scene: &Scene<'_>) {
        let Some(waveform) = scene.input.waveform else {
            *self = Self::default();
            return;
        };
        let width = scene.places.lanes.width();
        let view = (scene.scale.share(), width);
        let is_same =
            |seen: &Seen| seen.waveform.as_ptr() == Arc::as_ptr(waveform) && seen.view == view;
        if self.of.as_ref().is_some_and(is_same) {
            return;
        }
        self.tracks.clear();
        self.of = Some(Seen {
            waveform: Arc::downgrade(waveform),
            view,
        });
    }

    /// Those of a track, from now on kept.
    fn columns(&mut self, scene: &Scene<'_>, track: usize) -> &[(f32, f32)] {
        self.tracks.entry(track).or_insert_with(|| {
            let peaks = scene
                .input
                .waveform
                .map(|waveform| waveform.of_track(track));
            let Some(peaks) = peaks.filter(|peaks| !peaks.is_empty()) else {
                return Vec::new();
            };
            let count = place_of(scene.places.lanes.width()) + 1;
            let columns = (0..count).map(|column| loudest(scene, peaks, column as f32 * COLUMN));
            columns.collect()
        })
    }

    /// Paints it over the boxes of a track for sound that are heard.
    pub(super) fn paint(
        &mut self,
        scene: &Scene<'_>,
        mesh: &mut Mesh,
        lane: Rect,
        row: &Row,
        boxes: &[Laid],
    ) {
        if row.kind != TrackKind::Audio || self.of.is_none() {
            return;
        }
        let columns = self.columns(scene, row.track);
        let lanes = scene.places.lanes;
        let (middle, half) = (lane.center().y, lane.height() / 2.0 - 3.0);
        let color = scene.palette.sound();
        let heard = |laid: &&Laid| {
            let clip = laid.only().and_then(|clip| row.clips.get(clip));
            clip.is_none_or(|clip| clip.state != ClipState::Disabled)
        };
        for laid in boxes.iter().filter(heard) {
            let rect = rect_of(scene, lane, laid);
            let end = rect.right().min(lanes.right());
            let mut x = rect.left().max(lanes.left());
            let first = place_of(x - lanes.left());
            let mut before = None;
            for (&(low, high), next) in columns.iter().skip(first).zip(first + 1..) {
                if x >= end {
                    break;
                }
                let (top, bottom) = (middle - high * half, middle - low * half);
                let Ok(base) = u32::try_from(mesh.vertices.len()) else {
                    return;
                };
                mesh.colored_vertex(pos2(x, top.min(middle - 0.5)), color);
                mesh.colored_vertex(pos2(x, bottom.max(middle + 0.5)), color);
                if let Some(last) = before {
                    mesh.add_triangle(last, last + 1, base);
                    mesh.add_triangle(base, last + 1, base + 1);
                }
                before = Some(base);
                x = lanes.left() + next as f32 * COLUMN;
            }
        }
    }
}

/// The column at this distance from the left end of the lanes.
fn place_of(points: f32) -> usize {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "points of a window; negative ones give 0"
    )]
    let column = (points / COLUMN) as usize;
    column
}

/// The lowest and the highest sample in the column that begins at `left`, in points from the lanes' left end.
fn loudest(scene: &Scene<'_>, peaks: &[Peak], left: f32) -> (f32, f32) {
    let frames = scene.scale.frames() as f64;
    let share = |x: f32| {
        let first = scene.scale.share().start;
        (first + f64::from(x) / scene.scale.points_a_frame() / frames) * peaks.len() as f64
    };
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "places in a list; negative ones give 0"
    )]
    let (first, end) = (share(left) as usize, share(left + COLUMN).ceil() as usize);
    let first = first.min(peaks.len() - 1);
    let span = &peaks[first..end.clamp(first + 1, peaks.len())];
    let low = span.iter().fold(0.0_f32, |low, peak| low.min(peak.low));
    let high = span.iter().fold(0.0_f32, |high, peak| high.max(peak.high));
    (low.max(-1.0), high.min(1.0))
}
