//! A client's measurements of its line, as it stands in `quality{samples}`, and its bounds.

use sanbao_platform::text_enum;
use serde::Deserialize;

use crate::id::PeerId;

/// Samples in one message: five others, two directions, sound, picture and a shared screen, and two to spare.
pub const SAMPLES_MAX: usize = 32;

text_enum! {
    /// The way of the media, seen from the person who reports.
    pub enum Direction {
        /// From the other to the person who reports.
        In = "in",
        /// From the person who reports to the other, as the other's receiver reports say (RFC 3550 §6.4).
        Out = "out",
    }
}

text_enum! {
    /// The kind of media.
    pub enum MediaKind {
        /// Sound.
        Audio = "audio",
        /// The camera's picture.
        Video = "video",
        /// A shared screen: few frames are no fault there.
        Screen = "screen",
    }
}

/// One direction of one kind between the reporter and one other person, since the report before.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
pub struct Sample {
    /// The other peer's session.
    pub peer: PeerId,
    pub direction: Direction,
    pub kind: MediaKind,
    /// Median round-trip time, ms.
    #[serde(default)]
    pub rtt_ms: Option<f32>,
    /// Interarrival jitter (RFC 3550 §6.4.1), ms.
    #[serde(default)]
    pub jitter_ms: Option<f32>,
    /// Share of packets lost, 0 to 1.
    #[serde(default)]
    pub loss: Option<f32>,
    /// Payload, bit/s; 0 says that nothing flows although it should.
    #[serde(default)]
    pub bitrate_bps: Option<f32>,
    /// Frames shown or sent a second.
    #[serde(default)]
    pub frames_per_s: Option<f32>,
    /// How long the picture stood still, ms.
    #[serde(default)]
    pub freeze_ms: Option<f32>,
    /// How long sound waits in the jitter buffer, ms.
    #[serde(default)]
    pub buffer_ms: Option<f32>,
    /// Share of sound that was made up for what did not come, 0 to 1.
    #[serde(default)]
    pub concealed: Option<f32>,
}

/// Why a report is not taken. Nothing of it takes effect.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum QualityError {
    /// More samples than [`SAMPLES_MAX`].
    #[error("{0} samples; at most {SAMPLES_MAX} are taken")]
    TooMany(usize),
    /// Sooner after the report before than [`super::REPORT_INTERVAL_MS_MIN`].
    #[error("reports come at most every {} ms", super::REPORT_INTERVAL_MS_MIN)]
    TooSoon,
    /// A figure that no line has.
    #[error("sample {index}: `{field}` is not within 0 to {most}")]
    OutOfRange {
        /// The sample's place, from 0.
        index: usize,
        field: &'static str,
        /// The greatest value it may have.
        most: f32,
    },
}

impl Sample {
    fn figures(&self) -> [(&'static str, Option<f32>, f32); 8] {
        [
            ("rtt_ms", self.rtt_ms, 60_000.0),
            ("jitter_ms", self.jitter_ms, 10_000.0),
            ("loss", self.loss, 1.0),
            ("bitrate_bps", self.bitrate_bps, 1e9),
            ("frames_per_s", self.frames_per_s, 240.0),
            ("freeze_ms", self.freeze_ms, 60_000.0),
            ("buffer_ms", self.buffer_ms, 10_000.0),
            ("concealed", self.concealed, 1.0),
        ]
    }
}

/// Whether every figure of every sample is one that a line can have.
pub fn check(samples: &[Sample]) -> Result<(), QualityError> {
    if samples.len() > SAMPLES_MAX {
        return Err(QualityError::TooMany(samples.len()));
    }
    for (index, sample) in samples.iter().enumerate() {
        for (field, value, most) in sample.figures() {
            if value.is_some_and(|v| !(0.0..=most).contains(&v)) {
                return Err(QualityError::OutOfRange { index, field, most });
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    const WHO: &str = "0197d3f0-0000-7000-8000-000000000001";

    fn read(fields: &str) -> Result<Sample, serde_json::Error> {
        serde_json::from_str(&format!(r#"{{"peer":"{WHO}","direction":"in","kind":"audio"{fields}}}"#))
    }

    #[test]
    fn figures_may_be_missing_or_null_and_unknown_ones_are_passed_over() {
        let sample = read(r#","rtt_ms":42.5,"loss":null,"later":{"a":1}"#).unwrap();
        assert_eq!((sample.rtt_ms, sample.loss, sample.jitter_ms), (Some(42.5), None, None));
        assert_eq!(check(&[sample]), Ok(()));
    }

    #[test]
    fn what_cannot_be_read_is_an_error() {
        for fields in [r#","rtt_ms":"fast""#, r#","loss":[0]"#, r#","direction":"up""#] {
            assert!(read(fields).is_err(), "{fields}");
        }
    }

    #[test]
    fn figures_that_no_line_has_are_refused_by_name() {
        for (fields, field) in [
            (r#","rtt_ms":-1"#, "rtt_ms"),
            (r#","rtt_ms":60001"#, "rtt_ms"),
            (r#","jitter_ms":1e5"#, "jitter_ms"),
            (r#","loss":1.01"#, "loss"),
            (r#","bitrate_bps":1e10"#, "bitrate_bps"),
            (r#","frames_per_s":241"#, "frames_per_s"),
            (r#","freeze_ms":60001"#, "freeze_ms"),
            (r#","buffer_ms":-0.1"#, "buffer_ms"),
            (r#","concealed":2"#, "concealed"),
            (r#","bitrate_bps":1e39"#, "bitrate_bps"),
        ] {
            let good = read("").unwrap();
            let got = check(&[good, read(fields).unwrap()]);
            assert!(
                matches!(got, Err(QualityError::OutOfRange { index: 1, field: f, .. }) if f == field),
                "{fields}: {got:?}"
            );
        }
    }

    #[test]
    fn as_many_samples_as_the_bound_pass_and_one_more_does_not() {
        let one = read("").unwrap();
        assert_eq!(check(&[one; SAMPLES_MAX]), Ok(()));
        assert_eq!(check(&[one; SAMPLES_MAX + 1]), Err(QualityError::TooMany(SAMPLES_MAX + 1)));
    }
}
