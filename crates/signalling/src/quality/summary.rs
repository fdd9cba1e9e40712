//! The record of a visit's lines: for each person, connection and direction, sums that merge.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::histogram::{Histogram, JITTER_MS, LOSS, MOS, RTT_MS};
use super::line::Figures;
use super::verdict::Verdict;

/// A gap between reports counts for this long at most; the rest of it is silence.
const GAP_MAX: Duration = Duration::from_secs(10);

/// How long each verdict held, ms.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    pub good: u64,
    pub fair: u64,
    pub poor: u64,
    pub bad: u64,
}

/// One direction of one person's line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Totals {
    /// Reports taken.
    pub reports: u64,
    /// How long each verdict held, ms.
    pub held_ms: Held,
    /// The worst mean opinion score.
    pub mos_worst: Option<f32>,
    /// Mean opinion scores.
    pub mos: Histogram,
    /// Round-trip times.
    pub rtt: Histogram,
    pub jitter: Histogram,
    pub loss: Histogram,
}

/// The summary's words about one direction.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Spoken {
    /// Median round-trip time, ms.
    pub rtt_ms: Option<f32>,
    /// Median jitter, ms.
    pub jitter_ms: Option<f32>,
    /// Median share of packets lost.
    pub loss: Option<f32>,
    /// Median mean opinion score (ITU-T G.107).
    pub mos: Option<f32>,
    /// The worst mean opinion score.
    pub mos_worst: Option<f32>,
    /// Seconds of each verdict.
    pub seconds: Held,
}

impl Totals {
    /// Takes one report: its figures, and the verdict that held over the last `over`.
    pub fn take(&mut self, figures: &Figures, verdict: Verdict, over: Duration) {
        self.reports += 1;
        for (histogram, limits, value) in [
            (&mut self.rtt, &RTT_MS, figures.rtt_ms),
            (&mut self.jitter, &JITTER_MS, figures.jitter_ms),
            (&mut self.loss, &LOSS, figures.loss),
            (&mut self.mos, &MOS, figures.mos),
        ] {
            if let Some(value) = value {
                histogram.count(limits, value);
            }
        }
        self.mos_worst = self.mos_worst.into_iter().chain(figures.mos).reduce(f32::min);
        let ms = u64::try_from(over.min(GAP_MAX).as_millis()).unwrap_or(0);
        match verdict {
            Verdict::NoData => {}
            Verdict::Good => self.held_ms.good += ms,
            Verdict::Fair => self.held_ms.fair += ms,
            Verdict::Poor => self.held_ms.poor += ms,
            Verdict::Bad => self.held_ms.bad += ms,
        }
    }

    /// Adds another connection of the same person.
    pub fn add(&mut self, other: &Self) {
        self.reports += other.reports;
        self.held_ms.good += other.held_ms.good;
        self.held_ms.fair += other.held_ms.fair;
        self.held_ms.poor += other.held_ms.poor;
        self.held_ms.bad += other.held_ms.bad;
        self.mos_worst = self.mos_worst.into_iter().chain(other.mos_worst).reduce(f32::min);
        self.mos.add(&other.mos);
        self.rtt.add(&other.rtt);
        self.jitter.add(&other.jitter);
        self.loss.add(&other.loss);
    }

    /// The level.
    pub fn spoken(&self) -> Spoken {
        let held = self.held_ms;
        Spoken {
            rtt_ms: self.rtt.median(&RTT_MS),
            jitter_ms: self.jitter.median(&JITTER_MS),
            loss: self.loss.median(&LOSS),
            mos: self.mos.median(&MOS),
            mos_worst: self.mos_worst,
            seconds: Held {
                good: held.good / 1000,
                fair: held.fair / 1000,
                poor: held.poor / 1000,
                bad: held.bad / 1000,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figures(rtt_ms: f32, mos: f32) -> Figures {
        Figures { rtt_ms: Some(rtt_ms), jitter_ms: Some(3.0), loss: Some(0.0), mos: Some(mos) }
    }

    #[test]
    fn two_connections_of_one_person_add_up_to_one_visit() {
        let (mut whole, mut first, mut second) = (Totals::default(), Totals::default(), Totals::default());
        for (n, part) in [(0_u8, 0), (1, 0), (2, 1), (3, 1), (4, 1)] {
            let report = figures(f32::from(n) * 40.0, 4.4 - f32::from(n) * 0.3);
            let verdict = if n < 3 { Verdict::Good } else { Verdict::Poor };
            whole.take(&report, verdict, Duration::from_secs(2));
            let half = if part == 0 { &mut first } else { &mut second };
            half.take(&report, verdict, Duration::from_secs(2));
        }
        first.add(&second);
        assert_eq!(first, whole);
        let spoken = whole.spoken();
        assert_eq!((spoken.rtt_ms, spoken.seconds.good, spoken.seconds.poor), (Some(100.0), 6, 4));
        assert!((spoken.mos_worst.unwrap_or(0.0) - 3.2).abs() < 1e-5);
    }

    #[test]
    fn a_long_gap_between_reports_is_not_counted_as_good() {
        let mut totals = Totals::default();
        totals.take(&figures(10.0, 4.4), Verdict::Good, Duration::from_hours(1));
        assert_eq!(totals.held_ms.good, 10_000);
    }

    #[test]
    fn nothing_reported_says_nothing() {
        let spoken = Totals::default().spoken();
        assert_eq!((spoken.rtt_ms, spoken.mos, spoken.mos_worst), (None, None, None));
    }
}
