//! The mix as a source of samples.

use std::num::NonZeroU32;
use std::sync::Arc;

use super::chain::MixFormat;
use super::note::SoundNotes;
use super::plan::SoundPlan;
use super::readers::{Readers, Ticket};
use super::score::Score;
use super::voice::Voice;
use crate::audio::memory::SoundMemory;
use crate::audio::mix::speaker_layout;
use crate::audio::source::SampleSource;
use crate::decode::{AudioChunk, AudioRead, AudioReadError};
use crate::media::{AudioFormat, AudioSamples};
use crate::time::{MediaSpan, MediaTime, RealClock};

/// Samples that a read gives.
const BLOCK_FRAMES: i64 = 1_024;
/// Rate of a mix that nobody asked for otherwise.
const USUAL_RATE: NonZeroU32 = NonZeroU32::MIN.saturating_add(47_999);
/// How long before a part is heard it is started. Sound is made 600 ms ahead besides, so an opening may
/// take 1.6 s before it is noticed.
const AHEAD_MILLIS: i64 = 1_000;
/// Parts that are started ahead at most; together with those that sound they should fit the open
/// readers.
const MAX_AHEAD: usize = 8;
/// A seek back by no more than this is the next window of sound that runs backwards: it then comes
/// about every second.
const BACKWARD_STEP_MILLIS: i64 = 2_500;

/// All the sound of an edit as one source: it plays wherever a file plays.
///
/// Time zero is the beginning of the edit; before it there is silence, and after the plan's duration the source
/// ends. It is used from one thread at a time. Reading waits for a medium only where a thread of its own, which
/// opens and positions the clips of the next second, could not be done in time.
///
/// Nothing that is wrong with a medium is an error here: it is silent, and [`Self::notes`] tells.
pub struct TimelineSamples {
    score: Arc<Score>,
    readers: Arc<Readers>,
    format: AudioFormat,
    mix: MixFormat,
    /// Number of the next sample.
    next: i64,
    /// Where the next read is to begin, if not there. Files are opened only then.
    wanted: Option<i64>,
    /// Parts that sound, with their numbers. `None`: in vain.
    sounding: Vec<(usize, Option<Voice>)>,
    /// Parts that will, and are being started.
    ahead: Vec<(usize, Ticket)>,
    /// The first part that neither sounds nor did.
    upcoming: usize,
    /// The first part that was not thought of yet.
    unplanned: usize,
}

impl std::fmt::Debug for TimelineSamples {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TimelineSamples")
            .field("mix", &self.mix)
            .field("next", &self.next)
            .field("sounding", &self.sounding)
            .finish_non_exhaustive()
    }
}

impl TimelineSamples {
    /// The mix of `plan` in stereo, at 48 kHz.
    pub fn new(plan: &SoundPlan) -> Self {
        let (notes, memory) = (SoundNotes::default(), SoundMemory::default());
        let readers = Readers::new(notes, memory, Arc::new(RealClock::new()));
        Self::in_stereo(plan, Arc::new(readers))
    }

    /// The same with media read by `readers`.
    pub(crate) fn in_stereo(plan: &SoundPlan, readers: Arc<Readers>) -> Self {
        Self::with_readers(plan, USUAL_RATE, 2, readers)
    }

    /// The mix of `plan` for a device with `channels` speakers at `rate`, which spares it further
    /// conversion; media are read by `readers`.
    pub(crate) fn with_readers(
        plan: &SoundPlan,
        rate: NonZeroU32,
        channels: usize,
        readers: Arc<Readers>,
    ) -> Self {
        let plan = plan.counted_from_first(|path| readers.timecode_of(path));
        let score = Arc::new(Score::new(&plan, rate));
        let channels = channels.max(1);
        Self {
            score,
            readers,
            format: AudioFormat {
                rate,
                layout: speaker_layout(channels),
            },
            mix: MixFormat { rate, channels },
            next: 0,
            wanted: Some(0),
            sounding: Vec::new(),
            ahead: Vec::new(),
            upcoming: 0,
            unplanned: 0,
        }
    }

    /// What could not be heard so far.
    pub fn notes(&self) -> SoundNotes {
        self.readers.notes().clone()
    }

    /// Goes on at sample `to`.
    fn jump(&mut self, to: i64) {
        let back = self.next.saturating_sub(to);
        let step = i64::from(self.mix.rate.get()) * BACKWARD_STEP_MILLIS / 1_000;
        self.next = to;
        // Readers go back to the pool first, so that they can be used again.
        self.ahead.clear();
        self.sounding.clear();
        for part in self.score.heard_in(to, to.saturating_add(1)) {
            let voice = self.readers.start(&self.score, part, self.mix, to);
            self.sounding.push((part, voice));
        }
        self.upcoming = self.score.first_after(to);
        self.unplanned = self.upcoming;
        if (1..=step).contains(&back) {
            // It plays backwards: what is heard next lies before.
            for part in self.score.heard_in(to.saturating_sub(step / 2), to) {
                if let Some(part) = self.score.part(part) {
                    self.readers.open_ahead(&part.key, self.mix);
                }
            }
        }
    }

    /// Starts what begins before sample `to`.
    fn begin_parts(&mut self, to: i64) {
        while let Some(part) = self.score.part(self.upcoming) {
            if part.heard.0 >= to {
                return;
            }
            let number = self.upcoming;
            self.upcoming += 1;
            let ticket = self.ahead.iter().position(|(ahead, _)| *ahead == number);
            let voice = match ticket {
                Some(place) => self.ahead.swap_remove(place).1.wait(),
                None => self
                    .readers
                    .start(&self.score, number, self.mix, part.heard.0),
            };
            self.sounding.push((number, voice));
        }
    }

    /// Has the parts of the next second started.
    fn look_ahead(&mut self) {
        let to = self.next + i64::from(self.mix.rate.get()) * AHEAD_MILLIS / 1_000;
        self.unplanned = self.unplanned.max(self.upcoming);
        while self.ahead.len() < MAX_AHEAD {
            let Some(part) = self.score.part(self.unplanned) else {
                return;
            };
            if part.heard.0 >= to {
                return;
            }
            let from = part.heard.0;
            let ticket = self
                .readers
                .start_ahead(&self.score, self.unplanned, self.mix, from);
            let Some(ticket) = ticket else { return };
            self.ahead.push((self.unplanned, ticket));
            self.unplanned += 1;
        }
    }
}

impl SampleSource for TimelineSamples {
    fn format(&self) -> AudioFormat {
        self.format.clone()
    }

    fn seek(&mut self, to: MediaTime) -> Result<(), AudioReadError> {
        let to = to.since_zero().samples_nearest(self.mix.rate);
        self.wanted = (self.wanted.is_some() || to != self.next).then_some(to);
        Ok(())
    }

    fn read(&mut self) -> Result<AudioRead, AudioReadError> {
        if let Some(to) = self.wanted.take() {
            self.jump(to);
        }
        let from = self.next;
        let count = self.score.length.saturating_sub(from).min(BLOCK_FRAMES);
        let Ok(frames) = usize::try_from(count) else {
            return Ok(AudioRead::End);
        };
        if frames == 0 {
            return Ok(AudioRead::End);
        }
        let to = from + count;
        self.begin_parts(to);
        let mut interleaved = vec![0.0; frames * self.mix.channels];
        for (number, voice) in &mut self.sounding {
            if let (Some(part), Some(voice)) = (self.score.part(*number), voice) {
                voice.mix_into(part, from, &mut interleaved);
            }
        }
        let score = &self.score;
        self.sounding
            .retain(|(number, _)| score.part(*number).is_some_and(|part| part.heard.1 > to));
        self.next = to;
        self.look_ahead();
        let start = MediaTime::ZERO + MediaSpan::from_samples_nearest(from, self.mix.rate);
        let samples = AudioSamples {
            format: self.format.clone(),
            interleaved,
        };
        Ok(AudioRead::Chunk(AudioChunk { start, samples }))
    }
}
