//! Whether each channel of a proxy sounds like the source's.

use super::refusal::Refusal;
use crate::decode::{AudioRead, AudioReadError, AudioReader};
use crate::time::{MediaSpan, MediaTime};

/// How much is compared at each place.
const WINDOW: MediaSpan = MediaSpan::from_millis(1_000);

/// Places that are compared.
const WINDOWS: i64 = 3;

/// Channels whose correlation is at least this are the same.
const ALIKE: f64 = 0.9;

/// Mean squares below this are silence: 80 dB below full scale.
const SILENCE: f64 = 1e-8;

/// Sound may be moved by this much: so far may a time stamp be off and still mean what follows the sample before, and what
/// is read on from the beginning counts samples where a seek heeds the stamp.
const SLACK: MediaSpan = MediaSpan::from_millis(2);

/// Compares two streams over `length` of the source. The inner error is a difference.
pub(super) fn compare(
    source: &mut AudioReader,
    proxy: &mut AudioReader,
    shift: MediaSpan,
    length: MediaSpan,
) -> Result<Result<(), Refusal>, AudioReadError> {
    let begin = source.start();
    for window in 0..WINDOWS {
        let room = (length - WINDOW).flicks().max(0);
        let at = begin + MediaSpan::from_flicks(room / (WINDOWS - 1) * window);
        let ours = read(source, at)?;
        let theirs = read(proxy, at + shift)?;
        let slack = SLACK.samples_nearest(source.format().rate);
        let slack = usize::try_from(slack).unwrap_or(0);
        if let Err(refusal) = compare_window(&ours, &theirs, slack) {
            return Ok(Err(refusal));
        }
    }
    Ok(Ok(()))
}

/// A second of sound from `at` on, by channel. Shorter where the stream ends.
fn read(reader: &mut AudioReader, at: MediaTime) -> Result<Vec<Vec<f32>>, AudioReadError> {
    reader.seek(at)?;
    let mut channels = vec![Vec::new(); reader.format().layout.count()];
    let wanted = WINDOW.samples_nearest(reader.format().rate);
    let wanted = usize::try_from(wanted).unwrap_or(0);
    while channels.first().is_some_and(|first| first.len() < wanted) {
        let AudioRead::Chunk(chunk) = reader.read()? else {
            break;
        };
        let count = chunk.samples.format.layout.count();
        if count != channels.len() {
            break;
        }
        for frame in chunk.samples.interleaved.chunks_exact(count) {
            for (channel, &value) in channels.iter_mut().zip(frame) {
                channel.push(value);
            }
        }
    }
    for channel in &mut channels {
        channel.truncate(wanted);
    }
    Ok(channels)
}

/// Compares what should be the same, moved by up to `slack` samples either way, all channels together.
fn compare_window(source: &[Vec<f32>], proxy: &[Vec<f32>], slack: usize) -> Result<(), Refusal> {
    let Err(refusal) = compare_in_place(source, proxy) else {
        return Ok(());
    };
    let is_alike_from = |(ours, theirs): (usize, usize)| {
        let channels = source.iter().zip(proxy);
        let mut moved = channels.map(|(a, b)| (a.get(ours..), b.get(theirs..)));
        moved.all(|(a, b)| a.zip(b).is_some_and(|(a, b)| is_alike(a, b)))
    };
    let mut moves = (1..=slack).flat_map(|by| [(by, 0), (0, by)]);
    if moves.any(is_alike_from) {
        Ok(())
    } else {
        Err(refusal)
    }
}

fn compare_in_place(source: &[Vec<f32>], proxy: &[Vec<f32>]) -> Result<(), Refusal> {
    for (number, ours) in source.iter().enumerate() {
        let Some(theirs) = proxy.get(number) else {
            break;
        };
        if is_alike(ours, theirs) {
            continue;
        }
        let swapped = proxy
            .iter()
            .position(|other| power(other) > SILENCE && is_alike(ours, other));
        return Err(match swapped {
            Some(other) if power(ours) > SILENCE => Refusal::ChannelsSwapped {
                channel: number + 1,
                proxy: other + 1,
            },
            _ => Refusal::Sound(number + 1),
        });
    }
    Ok(())
}

fn power(values: &[f32]) -> f64 {
    let sum: f64 = values.iter().map(|&value| f64::from(value).powi(2)).sum();
    sum / values.len().max(1) as f64
}

/// Whether two channels are both silent, or go together.
fn is_alike(a: &[f32], b: &[f32]) -> bool {
    let common = a.len().min(b.len());
    // The last packet may be cut otherwise.
    if a.len().abs_diff(b.len()) > a.len() / 4 {
        return false;
    }
    let (a, b) = (&a[..common], &b[..common]);
    let (power_a, power_b) = (power(a), power(b));
    if power_a <= SILENCE || power_b <= SILENCE {
        return power_a <= 4.0 * SILENCE && power_b <= 4.0 * SILENCE;
    }
    let product: f64 = a
        .iter()
        .zip(b)
        .map(|(&a, &b)| f64::from(a) * f64::from(b))
        .sum();
    let correlation = product / common.max(1) as f64 / (power_a * power_b).sqrt();
    let ratio = power_a / power_b;
    correlation >= ALIKE && (0.5..2.0).contains(&ratio)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tone(period: f32, level: f32) -> Vec<f32> {
        (0..4_800_u16)
            .map(|n| (f32::from(n) / period).sin() * level)
            .collect()
    }

    #[test]
    fn channels_are_told_apart() {
        let (left, right, silent) = (tone(11.0, 0.5), tone(17.0, 0.5), tone(3.0, 0.0));
        let both = [left.clone(), right.clone()];
        let compare_window =
            |source: &[Vec<f32>], proxy: &[Vec<f32>]| compare_window(source, proxy, 20);
        assert_eq!(compare_window(&both, &both), Ok(()));
        let swapped = [right.clone(), left.clone()];
        let expected = Refusal::ChannelsSwapped {
            channel: 1,
            proxy: 2,
        };
        assert_eq!(compare_window(&both, &swapped), Err(expected));
        let half = [left.clone(), silent.clone()];
        assert_eq!(compare_window(&both, &half), Err(Refusal::Sound(2)));
        let moved = [silent.clone(), left.clone()];
        assert!(matches!(
            compare_window(&half, &moved),
            Err(Refusal::ChannelsSwapped {
                channel: 1,
                proxy: 2
            })
        ));
        assert_eq!(
            compare_window(std::slice::from_ref(&silent), std::slice::from_ref(&silent)),
            Ok(())
        );
        let quiet: Vec<f32> = left.iter().map(|value| value / 4.0).collect();
        assert_eq!(compare_window(&[left], &[quiet]), Err(Refusal::Sound(1)));
    }

    #[test]
    fn sound_may_be_moved_by_as_much_as_a_time_stamp_may_be_off() {
        // A chirp is like itself at one place alone.
        let chirp = |from: u16| -> Vec<f32> {
            let at = |n: u16| f32::from(n + from) / 48_000.0;
            let value = |n| (std::f32::consts::TAU * (800.0 + 3_000.0 * at(n)) * at(n)).sin() / 2.0;
            (0..4_800).map(value).collect()
        };
        let window = |from| [chirp(from)];
        for (from, is_it) in [
            (100, true),
            (109, true),
            (80, true),
            (140, false),
            (60, false),
        ] {
            let found = compare_window(&window(100), &window(from), 20);
            assert_eq!(found.is_ok(), is_it, "from {from}");
        }
    }
}
