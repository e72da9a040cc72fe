//! Channel layouts to the device's speakers.

use crate::media::{ChannelLayout, ChannelRole};

/// -3 dB, the weight of centre and surround channels in ITU-R BS.775-4, Annex 4, table 2.
const MINUS_3_DB: f32 = std::f32::consts::FRAC_1_SQRT_2;

/// Weights that turn a stream's channels into a device's.
///
/// Downmixing follows ITU-R BS.775-4, Annex 4: centre and surrounds join left and right at -3 dB, a
/// single back channel at -6 dB, the LFE channel is left out. Mono goes to left and right at full
/// level. Channels without a known role are taken as pairs: even ones left, odd ones right, a last
/// single one to both. A channel whose speaker exists goes there unchanged.
///
/// All weights are then scaled by the same factor where needed, so that no output's weights sum to more
/// than one: what does not clip before does not clip after. 5.1 becomes 7.7 dB quieter by that.
#[derive(Debug, Clone, PartialEq)]
pub struct ChannelMix {
    inputs: usize,
    outputs: usize,
    /// `outputs` rows of `inputs` weights.
    weights: Vec<f32>,
    /// Whether the mix copies its input.
    identity: bool,
}

/// The speakers of a device with `channels` channels, in the order of PulseAudio and WAVE.
fn speakers(channels: usize) -> Vec<ChannelRole> {
    use ChannelRole::{
        BackCenter, FrontCenter, FrontLeft, FrontRight, Lfe, Other, SurroundLeft, SurroundRight,
    };
    let known: &[ChannelRole] = match channels {
        1 => &[FrontCenter],
        2 => &[FrontLeft, FrontRight],
        3 => &[FrontLeft, FrontRight, FrontCenter],
        4 => &[FrontLeft, FrontRight, SurroundLeft, SurroundRight],
        5 => &[
            FrontLeft,
            FrontRight,
            FrontCenter,
            SurroundLeft,
            SurroundRight,
        ],
        6 => &[
            FrontLeft,
            FrontRight,
            FrontCenter,
            Lfe,
            SurroundLeft,
            SurroundRight,
        ],
        7 => &[
            FrontLeft,
            FrontRight,
            FrontCenter,
            Lfe,
            SurroundLeft,
            SurroundRight,
            BackCenter,
        ],
        _ => &[
            FrontLeft,
            FrontRight,
            FrontCenter,
            Lfe,
            SurroundLeft,
            SurroundRight,
            SurroundLeft,
            SurroundRight,
        ],
    };
    known
        .iter()
        .copied()
        .chain(std::iter::repeat(Other))
        .take(channels)
        .collect()
}

/// The layout of a device with `channels` channels, 1 at least: samples of it reach such a device as
/// they are.
pub(crate) fn speaker_layout(channels: usize) -> ChannelLayout {
    ChannelLayout::new(speakers(channels)).unwrap_or_else(ChannelLayout::stereo)
}

impl ChannelMix {
    /// The mix from `layout` to a device with `outputs` channels.
    pub fn new(layout: &ChannelLayout, outputs: usize) -> Self {
        let outputs = outputs.max(1);
        let speakers = speakers(outputs);
        let inputs = layout.count();
        let mut mix = Self {
            inputs,
            outputs,
            weights: vec![0.0; inputs * outputs],
            identity: false,
        };
        for (input, role) in layout.roles().iter().enumerate() {
            let earlier = &layout.roles()[..input];
            let nth = earlier.iter().filter(|other| *other == role).count();
            mix.place(layout, &speakers, (input, *role, nth));
        }
        mix.normalise();
        mix.identity = inputs == outputs
            && (0..inputs * outputs).all(|n| {
                mix.weights[n].to_bits() == f32::from(u8::from(n % (inputs + 1) == 0)).to_bits()
            });
        mix
    }

    /// Sets the weights of one channel, the `nth` of its role.
    fn place(
        &mut self,
        layout: &ChannelLayout,
        speakers: &[ChannelRole],
        (input, role, nth): (usize, ChannelRole, usize),
    ) {
        use ChannelRole::{BackCenter, FrontCenter, FrontLeft, FrontRight, Lfe, Other};
        use ChannelRole::{SurroundLeft, SurroundRight};
        let places = |wanted: ChannelRole| -> Vec<usize> {
            (0..speakers.len())
                .filter(|place| speakers[*place] == wanted)
                .collect()
        };
        let left = places(FrontLeft).first().copied().unwrap_or(0);
        let right = places(FrontRight).first().copied().unwrap_or(0);
        let same = places(role);
        let (to_left, to_right) = match role {
            FrontCenter if self.inputs == 1 => (1.0, 1.0),
            Other => {
                let others = layout.roles().iter().filter(|role| **role == Other).count();
                let single = nth + 1 == others && others % 2 == 1;
                match (single, nth % 2) {
                    (true, _) => (MINUS_3_DB, MINUS_3_DB),
                    (false, 0) => (1.0, 0.0),
                    (false, _) => (0.0, 1.0),
                }
            }
            _ if !same.is_empty() => {
                // Two surround pairs into one are added at -3 dB each.
                let sources = layout
                    .roles()
                    .iter()
                    .filter(|other| **other == role)
                    .count();
                let weight = if sources > same.len() {
                    MINUS_3_DB
                } else {
                    1.0
                };
                self.add(same[nth.min(same.len() - 1)], input, weight);
                return;
            }
            BackCenter if !places(SurroundLeft).is_empty() => {
                self.add(places(SurroundLeft)[0], input, MINUS_3_DB);
                self.add(places(SurroundRight)[0], input, MINUS_3_DB);
                return;
            }
            FrontLeft => (1.0, 0.0),
            FrontRight => (0.0, 1.0),
            FrontCenter => (MINUS_3_DB, MINUS_3_DB),
            SurroundLeft => (MINUS_3_DB, 0.0),
            SurroundRight => (0.0, MINUS_3_DB),
            BackCenter => (0.5, 0.5),
            Lfe => (0.0, 0.0),
        };
        if left == right {
            // One speaker hears both sides of what stereo would be, at half level each.
            self.add(left, input, f32::midpoint(to_left, to_right));
        } else {
            self.add(left, input, to_left);
            self.add(right, input, to_right);
        }
    }

    fn add(&mut self, output: usize, input: usize, weight: f32) {
        self.weights[output * self.inputs + input] += weight;
    }

    fn normalise(&mut self) {
        let loudest = self
            .weights
            .chunks(self.inputs)
            .map(|row| row.iter().map(|weight| weight.abs()).sum::<f32>())
            .fold(1.0, f32::max);
        for weight in &mut self.weights {
            *weight /= loudest;
        }
    }

    /// Channels that it makes.
    pub fn outputs(&self) -> usize {
        self.outputs
    }

    /// Appends the mix of `interleaved` (`frames * inputs` values) to `out`.
    pub fn mix_into(&self, interleaved: &[f32], out: &mut Vec<f32>) {
        if self.identity {
            out.extend_from_slice(interleaved);
            return;
        }
        for frame in interleaved.chunks_exact(self.inputs) {
            for row in self.weights.chunks_exact(self.inputs) {
                out.push(
                    frame
                        .iter()
                        .zip(row)
                        .map(|(value, weight)| value * weight)
                        .sum(),
                );
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    use ChannelRole::{
        BackCenter, FrontCenter, FrontLeft, FrontRight, Lfe, Other, SurroundLeft, SurroundRight,
    };

    fn mixed(roles: &[ChannelRole], outputs: usize, frame: &[f32]) -> Vec<f32> {
        let layout = ChannelLayout::new(roles.to_vec()).unwrap();
        let mut out = Vec::new();
        ChannelMix::new(&layout, outputs).mix_into(frame, &mut out);
        out
    }

    fn assert_close(actual: &[f32], expected: &[f32]) {
        assert_eq!(actual.len(), expected.len());
        for (a, e) in actual.iter().zip(expected) {
            assert!((a - e).abs() < 1e-6, "{actual:?} is not {expected:?}");
        }
    }

    #[test]
    fn equal_layouts_are_copied_bit_for_bit() {
        let frames = [0.1, -0.7, 1.5, f32::MIN_POSITIVE];
        assert_eq!(mixed(&[FrontLeft, FrontRight], 2, &frames), frames);
        assert_eq!(mixed(&[FrontCenter], 1, &frames), frames);
        assert!(ChannelMix::new(&ChannelLayout::stereo(), 2).identity);
        assert!(!ChannelMix::new(&ChannelLayout::stereo(), 1).identity);
        for channels in 1..=8 {
            let mix = ChannelMix::new(&speaker_layout(channels), channels);
            assert!(mix.identity, "{channels} channels");
        }
    }

    #[test]
    fn surround_is_folded_down_as_bs775_says() {
        let five_one = [
            FrontLeft,
            FrontRight,
            FrontCenter,
            Lfe,
            SurroundLeft,
            SurroundRight,
        ];
        let scale = 1.0 / (1.0 + 2.0 * MINUS_3_DB);
        let c = MINUS_3_DB * scale;
        assert_close(
            &mixed(&five_one, 2, &[1.0, 0.0, 0.0, 0.0, 0.0, 0.0]),
            &[scale, 0.0],
        );
        assert_close(
            &mixed(&five_one, 2, &[0.0, 0.0, 1.0, 0.0, 0.0, 0.0]),
            &[c, c],
        );
        assert_close(
            &mixed(&five_one, 2, &[0.0, 0.0, 0.0, 1.0, 0.0, 0.0]),
            &[0.0, 0.0],
        );
        assert_close(
            &mixed(&five_one, 2, &[0.0, 0.0, 0.0, 0.0, 0.0, 1.0]),
            &[0.0, c],
        );
        let four = [FrontLeft, FrontRight, FrontCenter, BackCenter];
        let scale = 1.0 / (1.5 + MINUS_3_DB);
        assert_close(
            &mixed(&four, 2, &[0.0, 0.0, 0.0, 1.0]),
            &[0.5 * scale, 0.5 * scale],
        );
    }

    #[test]
    fn mono_goes_to_both_sides_and_stereo_to_one() {
        assert_close(&mixed(&[FrontCenter], 2, &[0.5]), &[0.5, 0.5]);
        assert_close(
            &mixed(&[FrontCenter], 6, &[0.5]),
            &[0.5, 0.5, 0.0, 0.0, 0.0, 0.0],
        );
        assert_close(&mixed(&[FrontLeft, FrontRight], 1, &[0.5, -0.1]), &[0.2]);
        assert_close(
            &mixed(&[FrontLeft, FrontRight], 6, &[0.5, -0.1]),
            &[0.5, -0.1, 0.0, 0.0, 0.0, 0.0],
        );
    }

    #[test]
    fn unknown_channels_are_pairs() {
        assert_close(&mixed(&[Other; 4], 2, &[1.0, 0.0, 0.0, 0.0]), &[0.5, 0.0]);
        assert_close(&mixed(&[Other; 4], 2, &[0.0, 0.0, 0.0, 1.0]), &[0.0, 0.5]);
        let scale = 1.0 / (1.0 + MINUS_3_DB);
        let both = MINUS_3_DB * scale;
        assert_close(&mixed(&[Other; 3], 2, &[0.0, 0.0, 1.0]), &[both, both]);
    }

    #[test]
    fn seven_one_reaches_every_speaker_of_five_one() {
        let roles = [
            FrontLeft,
            FrontRight,
            FrontCenter,
            Lfe,
            SurroundLeft,
            SurroundRight,
            SurroundLeft,
            SurroundRight,
        ];
        let out = mixed(&roles, 6, &[0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 1.0, 0.0]);
        assert_close(&out, &[0.0, 0.0, 0.0, 0.0, 1.0, 0.0]);
        assert_eq!(
            mixed(&roles, 8, &[0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7])[6..],
            [0.6, 0.7]
        );
    }

    fn any_role() -> impl Strategy<Value = ChannelRole> {
        proptest::sample::select(vec![
            FrontLeft,
            FrontRight,
            FrontCenter,
            Lfe,
            SurroundLeft,
            SurroundRight,
            BackCenter,
            Other,
        ])
    }

    proptest! {
        #[test]
        fn no_mix_clips_and_none_but_lfe_is_lost(
            roles in proptest::collection::vec(any_role(), 1..17),
            outputs in 1_usize..9,
            signs in any::<u32>(),
        ) {
            let frame: Vec<f32> =
                (0..roles.len()).map(|n| if signs >> n & 1 == 1 { 1.0 } else { -1.0 }).collect();
            for value in mixed(&roles, outputs, &frame) {
                prop_assert!(value.abs() <= 1.0 + 1e-5);
            }
            for (n, role) in roles.iter().enumerate() {
                let mut frame = vec![0.0; roles.len()];
                frame[n] = 1.0;
                let energy: f32 = mixed(&roles, outputs, &frame).iter().map(|v| v * v).sum();
                prop_assert!(*role == Lfe || energy > 1e-4, "{role:?} is lost");
            }
        }
    }
}
