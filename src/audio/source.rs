//! Where samples come from.

use crate::decode::{AudioRead, AudioReadError, AudioReader};
use crate::media::AudioFormat;
use crate::time::MediaTime;

/// A medium's sound, readable from any position. [`AudioReader`] in the player, generated tones in
/// tests.
///
/// After a seek to `t` the first chunk starts at the sample nearest to `t`, and each further chunk where
/// the one before ended: gaps are filled with silence by the source.
pub trait SampleSource: Send {
    /// Rate and channels of the samples that come next.
    fn format(&self) -> AudioFormat;
    /// Makes the next read start at `to`, which may lie outside the medium.
    fn seek(&mut self, to: MediaTime) -> Result<(), AudioReadError>;
    /// The next samples. After the end or an error, a seek makes it readable again.
    fn read(&mut self) -> Result<AudioRead, AudioReadError>;
}

impl SampleSource for AudioReader {
    fn format(&self) -> AudioFormat {
        AudioReader::format(self).clone()
    }

    fn seek(&mut self, to: MediaTime) -> Result<(), AudioReadError> {
        AudioReader::seek(self, to)
    }

    fn read(&mut self) -> Result<AudioRead, AudioReadError> {
        AudioReader::read(self)
    }
}
