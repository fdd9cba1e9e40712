//! The words about somebody's line: to themselves, and through the room's log to those who can help.

use serde::Serialize;

use super::line::Figures;
use super::sample::Direction;
use super::verdict::{Advice, Cause, Verdict, advice};

/// How somebody's line stands. It is said when verdict, cause or `audio_first` change, not with every report.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct QualityNote {
    /// The worse of both directions.
    pub verdict: Verdict,
    /// Why it is not good.
    pub cause: Option<Cause>,
    /// In which direction the cause lies.
    pub direction: Option<Direction>,
    /// The advice, the most helpful first.
    pub advice: &'static [Advice],
    /// Whether the picture is to give way so that talking goes on.
    pub audio_first: bool,
    /// Round-trip time of that direction, whole ms.
    pub rtt_ms: Option<f32>,
    /// Jitter, whole ms.
    pub jitter_ms: Option<f32>,
    /// Share of packets lost, three digits.
    pub loss: Option<f32>,
    /// Mean opinion score of speech (ITU-T G.107), one digit.
    pub mos: Option<f32>,
}

impl QualityNote {
    pub(super) fn new(
        verdict: Verdict,
        cause: Option<(Direction, Cause)>,
        audio_first: bool,
        figures: &Figures,
    ) -> Self {
        let round = |value: Option<f32>, steps: f32| value.map(|v| (v * steps).round() / steps);
        Self {
            verdict,
            cause: cause.map(|(_, cause)| cause),
            direction: cause.map(|(direction, _)| direction),
            advice: advice(verdict, cause.map(|(_, cause)| cause), audio_first),
            audio_first,
            rtt_ms: round(figures.rtt_ms, 1.0),
            jitter_ms: round(figures.jitter_ms, 1.0),
            loss: round(figures.loss, 1000.0),
            mos: round(figures.mos, 10.0),
        }
    }

    /// Whether it says the same, figures apart.
    pub(super) fn says_what(&self, other: &Self) -> bool {
        (self.verdict, self.cause, self.direction, self.audio_first)
            == (other.verdict, other.cause, other.direction, other.audio_first)
    }
}
