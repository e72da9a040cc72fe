//! Icons, drawn as shapes: they are sharp at any scale and need no font.

use std::f32::consts::TAU;

use egui::{Color32, Painter, Pos2, Rect, Shape, Stroke, Vec2, pos2, vec2};

/// A picture of what a button does. All fit a square of 16 points.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Icon {
    Start,
    StepBack,
    PlayBack,
    Play,
    Pause,
    StepOn,
    End,
    Repeat,
    PingPong,
    Speaker { waves: u8 },
    Muted,
    Tracks,
    Open,
    Help,
    Fullscreen,
    LeaveFullscreen,
    Menu,
}

/// Paints `icon` around `center`.
pub(super) fn paint(painter: &Painter, center: Pos2, icon: Icon, color: Color32) {
    let at = |x: f32, y: f32| center + vec2(x, y);
    let polygon = |points: &[(f32, f32)]| {
        let points = points.iter().map(|&(x, y)| at(x, y)).collect();
        painter.add(Shape::convex_polygon(points, color, Stroke::NONE));
    };
    let bar = |x: f32, width: f32| {
        painter.rect_filled(
            Rect::from_center_size(at(x, 0.0), vec2(width, 12.0)),
            0.5,
            color,
        );
    };
    let stroke = Stroke::new(1.5, color);
    let line = |points: &[(f32, f32)]| {
        let points: Vec<Pos2> = points.iter().map(|&(x, y)| at(x, y)).collect();
        painter.line(points, stroke);
    };
    match icon {
        Icon::Start => {
            bar(-6.0, 2.0);
            polygon(&[(6.0, -6.0), (6.0, 6.0), (-4.0, 0.0)]);
        }
        Icon::End => {
            bar(6.0, 2.0);
            polygon(&[(-6.0, -6.0), (4.0, 0.0), (-6.0, 6.0)]);
        }
        Icon::StepBack => {
            bar(5.0, 2.0);
            polygon(&[(2.0, -5.0), (2.0, 5.0), (-6.0, 0.0)]);
        }
        Icon::StepOn => {
            bar(-5.0, 2.0);
            polygon(&[(-2.0, -5.0), (6.0, 0.0), (-2.0, 5.0)]);
        }
        Icon::Play => polygon(&[(-5.0, -7.0), (7.0, 0.0), (-5.0, 7.0)]),
        Icon::PlayBack => polygon(&[(5.0, -7.0), (5.0, 7.0), (-7.0, 0.0)]),
        Icon::Pause => {
            bar(-3.5, 4.0);
            bar(3.5, 4.0);
        }
        Icon::Repeat => {
            line(&[(-7.0, 0.0), (-7.0, -2.0), (-5.0, -4.0), (3.5, -4.0)]);
            line(&[(7.0, 0.0), (7.0, 2.0), (5.0, 4.0), (-3.5, 4.0)]);
            polygon(&[(3.0, -7.5), (7.5, -4.0), (3.0, -0.5)]);
            polygon(&[(-3.0, 0.5), (-3.0, 7.5), (-7.5, 4.0)]);
        }
        Icon::PingPong => {
            line(&[(-4.0, 0.0), (4.0, 0.0)]);
            polygon(&[(3.0, -4.0), (8.0, 0.0), (3.0, 4.0)]);
            polygon(&[(-3.0, -4.0), (-3.0, 4.0), (-8.0, 0.0)]);
        }
        Icon::Speaker { waves } => {
            speaker(painter, center, color);
            for wave in 0..waves {
                arc(painter, at(0.5, 0.0), 3.5 + 3.0 * f32::from(wave), stroke);
            }
        }
        Icon::Muted => {
            speaker(painter, center, color);
            line(&[(2.5, -3.0), (8.0, 3.0)]);
            line(&[(8.0, -3.0), (2.5, 3.0)]);
        }
        Icon::Tracks => {
            // Sliders of a mixing desk.
            for (x, knob) in [(-5.0, 2.5), (0.0, -2.5), (5.0, 1.0)] {
                line(&[(x, -6.5), (x, 6.5)]);
                painter.rect_filled(
                    Rect::from_center_size(at(x, knob), vec2(4.5, 3.5)),
                    1.0,
                    color,
                );
            }
        }
        Icon::Open => {
            line(&[
                (-7.0, 5.5),
                (-7.0, -5.5),
                (-2.0, -5.5),
                (-0.5, -3.5),
                (7.0, -3.5),
                (7.0, 5.5),
            ]);
            line(&[(-7.6, 5.5), (7.6, 5.5)]);
            line(&[(-7.0, -0.5), (7.0, -0.5)]);
        }
        Icon::Help => question(painter, center, stroke),
        Icon::Menu => [-4.5, 0.0, 4.5]
            .into_iter()
            .for_each(|y| line(&[(-6.5, y), (6.5, y)])),
        Icon::Fullscreen => corners(painter, center, stroke, 6.5, 3.0),
        Icon::LeaveFullscreen => corners(painter, center, stroke, 2.5, 7.0),
    }
}

/// A question mark in a circle.
fn question(painter: &Painter, center: Pos2, stroke: Stroke) {
    let at = |x: f32, y: f32| center + vec2(x, y);
    painter.circle_stroke(center, 7.0, stroke);
    let top: Vec<Pos2> = (0..=8_u8)
        .map(|step| {
            let angle = TAU * (0.5 + 0.625 * f32::from(step) / 8.0);
            at(0.0, -1.5) + 2.4 * Vec2::angled(angle)
        })
        .chain([at(0.0, 1.8)])
        .collect();
    painter.line(top, stroke);
    painter.circle_filled(at(0.0, 4.2), 1.0, stroke.color);
}

fn speaker(painter: &Painter, center: Pos2, color: Color32) {
    let at = |x: f32, y: f32| center + vec2(x, y);
    let box_rect = Rect::from_min_max(at(-8.0, -2.5), at(-4.5, 2.5));
    painter.rect_filled(box_rect, 0.0, color);
    let cone = vec![at(-4.5, -2.5), at(-0.5, -6.0), at(-0.5, 6.0), at(-4.5, 2.5)];
    painter.add(Shape::convex_polygon(cone, color, Stroke::NONE));
}

/// A quarter of a circle, open to the left.
fn arc(painter: &Painter, center: Pos2, radius: f32, stroke: Stroke) {
    let points = (0..=8_u8)
        .map(|step| center + radius * Vec2::angled(TAU * (f32::from(step) / 8.0 - 0.5) * 0.28));
    painter.line(points.collect(), stroke);
}

/// Four corners at `reach` from the middle, whose arms end at `arm`.
fn corners(painter: &Painter, center: Pos2, stroke: Stroke, reach: f32, arm: f32) {
    for (x, y) in [(-1.0, -1.0), (1.0, -1.0), (1.0, 1.0), (-1.0, 1.0)] {
        let at = |dx: f32, dy: f32| pos2(center.x + x * dx, center.y + y * dy);
        painter.line(
            vec![at(arm, reach), at(reach, reach), at(reach, arm)],
            stroke,
        );
    }
}
