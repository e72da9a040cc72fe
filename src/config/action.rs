//! Everything that a key can do.

/// Actions that belong together, in the order the help shows them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ActionGroup {
    /// Playing and pausing.
    Playback,
    /// Moving the playhead.
    Position,
    /// In and out marks, and what happens at the end.
    Range,
    /// How fast.
    Speed,
    /// Volume, tracks and devices.
    Sound,
    /// How the picture is shown.
    Picture,
    /// How large it is seen, and what is drawn over it.
    Viewer,
    /// Files and the window.
    Window,
    /// What is docked beside the picture.
    Panels,
    /// For finding faults.
    Diagnosis,
}

impl ActionGroup {
    /// Every group, in the order the help shows them.
    pub const ALL: [Self; 10] = [
        Self::Playback,
        Self::Position,
        Self::Range,
        Self::Speed,
        Self::Sound,
        Self::Picture,
        Self::Viewer,
        Self::Window,
        Self::Panels,
        Self::Diagnosis,
    ];

    /// Its heading.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Playback => "Playback",
            Self::Position => "Position",
            Self::Range => "Range and loop",
            Self::Speed => "Speed",
            Self::Sound => "Sound",
            Self::Picture => "Picture",
            Self::Viewer => "Viewer",
            Self::Window => "Files and window",
            Self::Panels => "Panels",
            Self::Diagnosis => "Diagnosis",
        }
    }
}

/// Declares the enum, and for each variant its identifier for files, its words for people, and its
/// group, in one table: a variant cannot be forgotten in one of them.
macro_rules! actions {
    ($($group:ident { $($variant:ident, $id:literal, $label:literal;)* })*) => {
        /// Something that a key or a button can ask for.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Action {
            $($(#[doc = concat!($label, ".")] $variant,)*)*
        }

        impl Action {
            /// Every action, in the order the help shows them.
            pub const ALL: &'static [Self] = &[$($(Self::$variant,)*)*];

            /// Its name in files: `step-forward`.
            pub const fn id(self) -> &'static str {
                match self { $($(Self::$variant => $id,)*)* }
            }

            /// What it does, in a few words.
            pub const fn label(self) -> &'static str {
                match self { $($(Self::$variant => $label,)*)* }
            }

            /// The group it belongs to.
            pub const fn group(self) -> ActionGroup {
                match self { $($(Self::$variant => ActionGroup::$group,)*)* }
            }
        }
    };
}

actions! {
    Playback {
        PlayPause, "play-pause", "Play or pause";
        ShuttleBackward, "shuttle-backward", "Play backwards, then 2x, 4x, 8x";
        Pause, "pause", "Pause; held, J and L step";
        ShuttleForward, "shuttle-forward", "Play forwards, then 2x, 4x, 8x";
        MakeProxies, "make-proxies", "Make proxies of what is open";
    }
    Position {
        StepBackward, "step-backward", "1 frame back";
        StepForward, "step-forward", "1 frame on";
        StepBackwardTen, "step-backward-ten", "10 frames back";
        StepForwardTen, "step-forward-ten", "10 frames on";
        SeekBackwardOneSecond, "seek-backward-1s", "1 second back";
        SeekForwardOneSecond, "seek-forward-1s", "1 second on";
        SeekBackwardTenSeconds, "seek-backward-10s", "10 seconds back";
        SeekForwardTenSeconds, "seek-forward-10s", "10 seconds on";
        SeekBackwardOneMinute, "seek-backward-60s", "1 minute back";
        SeekForwardOneMinute, "seek-forward-60s", "1 minute on";
        PreviousCut, "previous-cut", "Previous cut";
        NextCut, "next-cut", "Next cut";
        PreviousMarker, "previous-marker", "Previous marker";
        NextMarker, "next-marker", "Next marker";
        GoToStart, "go-to-start", "First frame";
        GoToEnd, "go-to-end", "Last frame";
        GoToPosition, "go-to-position", "Go to a frame or timecode";
    }
    Range {
        MarkIn, "mark-in", "Mark in";
        MarkOut, "mark-out", "Mark out";
        GoToIn, "go-to-in", "Go to the in mark";
        GoToOut, "go-to-out", "Go to the out mark";
        ClearMarks, "clear-marks", "Clear both marks";
        CycleLoop, "cycle-loop", "Loop: off, loop, ping-pong";
        TogglePingPong, "toggle-ping-pong", "Ping-pong on or off";
    }
    Speed {
        SpeedDown, "speed-down", "Slower by 0.25x";
        SpeedUp, "speed-up", "Faster by 0.25x";
        SpeedReset, "speed-reset", "Normal speed";
    }
    Sound {
        VolumeDown, "volume-down", "Quieter by 5 %";
        VolumeUp, "volume-up", "Louder by 5 %";
        ToggleMute, "toggle-mute", "Mute or unmute";
        ToggleScrubSound, "toggle-scrub-sound", "Sound while scrubbing";
        AudioDelayDown, "audio-delay-down", "Sound 10 ms earlier";
        AudioDelayUp, "audio-delay-up", "Sound 10 ms later";
        NextAudioTrack, "next-audio-track", "Next audio track";
        NextAudioDevice, "next-audio-device", "Next audio device";
    }
    Picture {
        ExposureDown, "exposure-down", "Exposure down by 0.25 stop";
        ExposureUp, "exposure-up", "Exposure up by 0.25 stop";
        ExposureReset, "exposure-reset", "Exposure as recorded";
        GammaDown, "gamma-down", "Gamma down by 0.05";
        GammaUp, "gamma-up", "Gamma up by 0.05";
        GammaReset, "gamma-reset", "Gamma as recorded";
        ViewRed, "view-red", "Red channel";
        ViewGreen, "view-green", "Green channel";
        ViewBlue, "view-blue", "Blue channel";
        ViewAlpha, "view-alpha", "Alpha channel";
        ViewLuma, "view-luma", "Luminance";
        ViewColor, "view-color", "All channels in colour";
        CycleCompare, "cycle-compare", "Compare: wipe, side by side, difference";
        ToggleCompare, "toggle-compare", "Compare: only A, only B";
        WipeLeft, "wipe-left", "Compare: wipe line to the left";
        WipeRight, "wipe-right", "Compare: wipe line to the right";
        ToggleProxies, "toggle-proxies", "Proxies or the source";
        CycleQuality, "cycle-quality", "Quality: auto, source, proxy, draft";
    }
    Viewer {
        ZoomFit, "zoom-fit", "Fit the picture into the window";
        ZoomFill, "zoom-fill", "Fill the window with it";
        ZoomActual, "zoom-actual", "One pixel for each of its own";
        ZoomIn, "zoom-in", "Larger";
        ZoomOut, "zoom-out", "Smaller";
        CycleGuides, "cycle-guides", "Guides: safe areas, centre, grid";
        ToggleInspector, "toggle-inspector", "Values of the pixel under the pointer";
    }
    Window {
        OpenFiles, "open-files", "Open files";
        NextFile, "next-file", "Next file";
        PreviousFile, "previous-file", "Previous file";
        ToggleFullscreen, "toggle-fullscreen", "Full screen";
        Screenshot, "screenshot", "Save the frame as PNG";
        CopyFrame, "copy-frame", "Copy the frame";
        CopyTimecode, "copy-timecode", "Copy the timecode";
        ToggleHelp, "toggle-help", "These keys";
        Dismiss, "dismiss", "Close, or leave full screen";
        Quit, "quit", "Quit";
    }
    Panels {
        MainMenu, "main-menu", "Menu";
        PanelTimeline, "panel-timeline", "Timeline";
        PanelPerformance, "panel-performance", "Performance and suggestions";
        PanelProfiler, "panel-profiler", "Profiler";
        PanelProxies, "panel-proxies", "Proxies";
        PanelCaches, "panel-caches", "Caches";
        PanelSettings, "panel-settings", "Settings";
        FocusPanels, "focus-panels", "Keyboard to the panels, Tab moves on";
        ViewerOnly, "viewer-only", "Only the viewer, or the panels again";
    }
    Diagnosis {
        TogglePerformance, "toggle-performance", "Performance overlay";
        ForceDeviceLoss, "force-device-loss", "Lose the GPU device on purpose";
    }
}

impl Action {
    /// The action of this identifier.
    pub fn from_id(id: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|action| action.id() == id)
    }

    /// Whether holding its key does it again and again. A toggle that repeats would flicker.
    pub const fn repeats(self) -> bool {
        matches!(
            self,
            Self::StepBackward
                | Self::StepForward
                | Self::StepBackwardTen
                | Self::StepForwardTen
                | Self::SeekBackwardOneSecond
                | Self::SeekForwardOneSecond
                | Self::SeekBackwardTenSeconds
                | Self::SeekForwardTenSeconds
                | Self::SeekBackwardOneMinute
                | Self::SeekForwardOneMinute
                | Self::PreviousCut
                | Self::NextCut
                | Self::PreviousMarker
                | Self::NextMarker
                | Self::SpeedDown
                | Self::SpeedUp
                | Self::VolumeDown
                | Self::VolumeUp
                | Self::AudioDelayDown
                | Self::AudioDelayUp
                | Self::ExposureDown
                | Self::ExposureUp
                | Self::GammaDown
                | Self::GammaUp
                | Self::WipeLeft
                | Self::WipeRight
                | Self::ZoomIn
                | Self::ZoomOut
        )
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn identifiers_and_labels_are_unique_and_plain() {
        let mut ids = HashSet::new();
        let mut labels = HashSet::new();
        for &action in Action::ALL {
            assert!(ids.insert(action.id()), "{} appears twice", action.id());
            assert!(
                labels.insert(action.label()),
                "{} appears twice",
                action.label()
            );
            let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
            assert!(
                action.id().chars().all(plain),
                "{} is not a plain identifier",
                action.id()
            );
        }
    }

    #[test]
    fn every_group_is_listed_once_and_has_actions() {
        let groups: HashSet<_> = Action::ALL.iter().map(|action| action.group()).collect();
        let listed: HashSet<_> = ActionGroup::ALL.into_iter().collect();
        assert_eq!(listed.len(), ActionGroup::ALL.len());
        assert_eq!(groups, listed);
    }

    #[test]
    fn actions_of_a_group_stand_together() {
        let mut groups: Vec<_> = Action::ALL.iter().map(|action| action.group()).collect();
        groups.dedup();
        assert_eq!(
            groups,
            ActionGroup::ALL,
            "the help walks the list once for each group"
        );
    }
}
