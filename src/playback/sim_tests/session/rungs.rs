//! What a simulated session decodes: rungs with scripted costs, of one file or of clips in turn.

use std::time::Duration;

use super::*;
use crate::decode::{ClipChooser, ClipLook, ClipUse, CostMeter};
use crate::media::Size;
use crate::playback::sim_tests::media::SimRungs;

/// The rung, its cost, and who chooses it.
#[derive(Default)]
pub(super) struct SimRung {
    asked: Option<Rung>,
    chooser: Option<Arc<dyn ClipChooser>>,
    /// The clip that is decoded, where there are several.
    clip: Option<i64>,
    meter: CostMeter,
    /// When which frame began to be decoded from what.
    log: Vec<(Moment, i64, Rung)>,
}

impl SimSession {
    fn rung(&self) -> Rung {
        self.rung.asked.unwrap_or(Rung::Source)
    }

    pub(super) fn decoded_rung(&self) -> Rung {
        self.rung()
    }

    /// Proxies are files of keyframes alone.
    pub(super) fn is_on_proxy(&self) -> bool {
        let has_proxies = |rungs: &SimRungs| !rungs.has_no_proxies;
        let is_proxy = matches!(self.rung(), Rung::Half | Rung::Quarter);
        is_proxy && self.medium.rungs.as_ref().is_some_and(has_proxies)
    }

    pub(super) fn measured(&self) -> Option<crate::decode::Cost> {
        self.rung.meter.cost()
    }

    pub(super) fn rung_log(&self) -> &[(Moment, i64, Rung)] {
        &self.rung.log
    }

    pub(super) fn set_chooser(&mut self, chooser: Arc<dyn ClipChooser>) {
        self.rung.chooser = Some(chooser);
    }

    pub(super) fn ask(&mut self, rung: Rung) {
        if self.rung.asked.replace(rung) != Some(rung) {
            self.rung.meter = CostMeter::default();
            // Another decoder takes over, which stands elsewhere.
            self.next_decoded = None;
        }
    }

    /// What it begins with is chosen for what the transport does.
    pub(super) fn begin_plan(&mut self) {
        self.rung.clip = None;
    }

    pub(super) fn sizes(&self) -> Vec<(Rung, Size)> {
        let size = |width: u32| Size::new(width, width / 16 * 9).unwrap();
        match &self.medium.rungs {
            Some(rungs) if rungs.has_no_proxies => {
                vec![(Rung::Source, size(3840)), (Rung::Thinned, size(3840))]
            }
            Some(_) => vec![
                (Rung::Source, size(3840)),
                (Rung::Half, size(1920)),
                (Rung::Quarter, size(960)),
            ],
            None => Vec::new(),
        }
    }

    /// The clip that a frame belongs to.
    fn clip_of(&self, frame: i64) -> Option<i64> {
        let frames = self.medium.rungs.as_ref()?.clip_frames;
        (frames > 0).then(|| frame / frames)
    }

    /// The clip that is seen in a frame, as a timeline would tell of it.
    pub(super) fn look(&self, frame: Option<FrameIndex>) -> Option<ClipLook> {
        let at = frame.unwrap_or(self.working_on());
        let clip = self.clip_of(at.0)?;
        let is_now = self.rung.clip == Some(clip);
        Some(ClipLook {
            at,
            // Clips take turns with so many media.
            key: u64::try_from(clip % self.medium.rungs.as_ref()?.media()).unwrap(),
            rungs: self.sizes(),
            index: Arc::clone(&self.index),
            frame: Duration::from_nanos(
                u64::try_from(self.medium.rate.frame_span_nearest().nanos_nearest()).unwrap(),
            ),
            layers: 1,
            asked: Some(self.rung()),
            rung: self.rung(),
            cost: self.measured().filter(|_| is_now),
            waiting: (0, 0),
        })
    }

    fn working_on(&self) -> FrameIndex {
        let cursor = self.cursor.as_ref();
        cursor.map_or(FrameIndex::ZERO, PlanCursor::next)
    }

    /// What it takes to decode a frame; a clip that begins is chosen for.
    pub(super) fn cost_now(&mut self, frame: i64, now: Moment) -> Cost {
        let clip = self.clip_of(frame);
        if clip.is_some() && clip != self.rung.clip {
            let begins = self.rung.clip.is_none();
            self.rung.clip = clip;
            self.rung.meter = CostMeter::default();
            let chooser = self.rung.chooser.clone();
            let look = self.look(Some(FrameIndex(frame)));
            if let Some((chooser, look)) = chooser.zip(look) {
                let what_for = if begins {
                    ClipUse::Now
                } else {
                    ClipUse::Coming
                };
                self.rung.asked = Some(chooser.choose(&look, what_for));
            }
        }
        let rung = self.rung();
        self.rung.log.push((now, frame, rung));
        let number = usize::try_from(frame).unwrap();
        let Some(rungs) = &self.medium.rungs else {
            return self.medium.cost_of(number);
        };
        let medium = clip.map_or(0, |clip| clip % rungs.media());
        match rung {
            // Clips show each frame, those that are left out as the one before.
            Rung::Half | Rung::Thinned => rungs.half,
            Rung::Quarter => rungs.quarter,
            _ => rungs.sources[usize::try_from(medium).unwrap()],
        }
    }

    /// Measures a frame that goes into the ring.
    pub(super) fn measure(&mut self, given_up: u32, cost: Cost) {
        self.rung.meter.add(given_up + 1, cost.demux, cost.decode);
    }
}

impl SimRungs {
    fn media(&self) -> i64 {
        i64::try_from(self.sources.len()).unwrap()
    }
}
