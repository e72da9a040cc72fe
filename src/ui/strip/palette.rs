//! Colours of the lanes, dark and light.

use egui::Color32;

use super::model::ClipState;
use crate::metrics::Stage;
use crate::timeline::TrackKind;

/// The colours of a theme.
#[derive(Debug, Clone, Copy)]
pub(super) struct Palette {
    is_dark: bool,
}

const fn rgb(red: u8, green: u8, blue: u8) -> Color32 {
    Color32::from_rgb(red, green, blue)
}

impl Palette {
    pub(super) fn of(visuals: &egui::Visuals) -> Self {
        Self {
            is_dark: visuals.dark_mode,
        }
    }

    fn pick(self, dark: Color32, light: Color32) -> Color32 {
        if self.is_dark { dark } else { light }
    }

    /// The ground of a lane; every second one is a little brighter.
    pub(super) fn lane(self, number: usize) -> Color32 {
        let gray = |dark, light| self.pick(Color32::from_gray(dark), Color32::from_gray(light));
        if number.is_multiple_of(2) {
            gray(20, 232)
        } else {
            gray(23, 228)
        }
    }

    /// The ground of the ruler.
    pub(super) fn ruler(self) -> Color32 {
        self.pick(Color32::from_gray(32), Color32::from_gray(222))
    }

    /// Ticks of the ruler.
    pub(super) fn tick(self) -> Color32 {
        self.pick(Color32::from_gray(112), Color32::from_gray(122))
    }

    /// What tells the kind of a track, beside its name.
    pub(super) fn track(self, kind: TrackKind) -> Color32 {
        match kind {
            TrackKind::Video => self.pick(rgb(92, 136, 190), rgb(70, 120, 180)),
            TrackKind::Audio => self.pick(rgb(88, 160, 124), rgb(56, 136, 92)),
            TrackKind::Other => Color32::from_gray(128),
        }
    }

    /// A clip's box.
    pub(super) fn clip(self, kind: TrackKind, state: ClipState) -> Color32 {
        match (state, kind) {
            (ClipState::Missing, _) => self.pick(rgb(112, 52, 50), rgb(232, 190, 184)),
            (ClipState::Disabled, _) => self.pick(Color32::from_gray(48), Color32::from_gray(206)),
            (ClipState::Generated, _) => self.pick(rgb(92, 78, 52), rgb(226, 212, 178)),
            (_, TrackKind::Video) => self.pick(rgb(52, 78, 112), rgb(176, 200, 230)),
            (_, TrackKind::Audio) => self.pick(rgb(40, 84, 64), rgb(172, 212, 188)),
            (_, TrackKind::Other) => self.pick(Color32::from_gray(72), Color32::from_gray(196)),
        }
    }

    /// A box of several clips: they cannot be told apart, and it does not look like one.
    pub(super) fn several(self, kind: TrackKind, has_missing: bool) -> Color32 {
        let state = if has_missing {
            ClipState::Missing
        } else {
            ClipState::Present
        };
        let ground = self.pick(Color32::BLACK, Color32::WHITE);
        self.clip(kind, state).lerp_to_gamma(ground, 0.25)
    }

    /// Stripes over what is missing.
    pub(super) fn hatch(self) -> Color32 {
        self.pick(rgb(150, 78, 74), rgb(206, 140, 132))
    }

    /// Names on clips: 4.5 to 1 or more against their boxes.
    pub(super) fn name(self, state: ClipState) -> Color32 {
        match state {
            ClipState::Disabled => self.pick(Color32::from_gray(158), Color32::from_gray(82)),
            _ => self.pick(Color32::from_gray(232), Color32::from_gray(20)),
        }
    }

    /// Behind names that lie on pictures.
    pub(super) fn name_ground(self) -> Color32 {
        self.pick(
            Color32::from_black_alpha(168),
            Color32::from_white_alpha(200),
        )
    }

    /// Sound on the boxes of clips.
    pub(super) fn sound(self) -> Color32 {
        self.pick(rgb(88, 150, 118), rgb(96, 160, 124))
    }

    /// Transitions, over the boxes.
    pub(super) fn transition(self) -> Color32 {
        self.pick(Color32::from_white_alpha(56), Color32::from_black_alpha(56))
    }

    /// What lies outside of the marked range.
    pub(super) fn outside(self) -> Color32 {
        self.pick(
            Color32::from_black_alpha(110),
            Color32::from_white_alpha(120),
        )
    }

    /// Frames whose pictures are on the graphics device.
    pub(super) fn on_device(self) -> Color32 {
        self.pick(rgb(190, 150, 220), rgb(120, 70, 160))
    }

    /// Frames that are decoded in main memory.
    pub(super) fn in_memory(self) -> Color32 {
        self.pick(rgb(104, 168, 214), rgb(30, 110, 170))
    }

    /// Frames of media with verified proxies.
    pub(super) fn on_disk(self) -> Color32 {
        self.pick(rgb(150, 186, 110), rgb(76, 122, 40))
    }

    /// Frames that went wrong, by what was to blame. Told apart by lightness as well, for those who see few
    /// colours.
    pub(super) fn cause(self, cause: Option<Stage>) -> Color32 {
        match cause {
            Some(Stage::Demux) => self.pick(rgb(86, 180, 233), rgb(0, 114, 178)),
            Some(Stage::Decode) => self.pick(rgb(230, 120, 40), rgb(190, 80, 0)),
            Some(Stage::Convert) => self.pick(rgb(240, 228, 66), rgb(150, 130, 0)),
            Some(Stage::Upload) => self.pick(rgb(0, 190, 150), rgb(0, 130, 100)),
            Some(Stage::Gpu) => self.pick(rgb(204, 121, 167), rgb(160, 60, 120)),
            Some(Stage::Present) => self.pick(rgb(150, 110, 240), rgb(90, 60, 190)),
            Some(Stage::Audio) => self.pick(rgb(250, 160, 180), rgb(200, 70, 100)),
            None => self.pick(rgb(236, 118, 110), rgb(176, 32, 24)),
        }
    }

    /// Frames that were all seen in time.
    pub(super) fn smooth(self) -> Color32 {
        self.pick(rgb(84, 120, 84), rgb(92, 132, 88))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::style::contrast;

    const THEMES: [Palette; 2] = [Palette { is_dark: true }, Palette { is_dark: false }];

    #[test]
    fn names_are_legible_on_every_box() {
        let states = [
            ClipState::Present,
            ClipState::Missing,
            ClipState::Disabled,
            ClipState::Generated,
        ];
        for palette in THEMES {
            for kind in [TrackKind::Video, TrackKind::Audio, TrackKind::Other] {
                for state in states {
                    let ratio = contrast(palette.name(state), palette.clip(kind, state));
                    assert!(ratio >= 4.5, "{palette:?}, {kind:?}, {state:?}: {ratio}");
                }
            }
        }
    }

    #[test]
    fn what_bars_tell_is_told_from_their_ground() {
        for palette in THEMES {
            let causes = Stage::ALL.into_iter().map(Some).chain([None]);
            let mut told: Vec<Color32> = causes.map(|cause| palette.cause(cause)).collect();
            told.extend([
                palette.smooth(),
                palette.on_device(),
                palette.in_memory(),
                palette.on_disk(),
            ]);
            for color in told {
                let ratio = contrast(color, palette.lane(0)).min(contrast(color, palette.lane(1)));
                assert!(ratio >= 3.0, "{palette:?}, {color:?}: {ratio}");
            }
            let ratio = contrast(palette.tick(), palette.ruler());
            assert!(ratio >= 3.0, "{palette:?}, ticks: {ratio}");
        }
    }
}
