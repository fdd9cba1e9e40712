//! Counts in fixed classes: they merge by adding, and give a median of any length of visit in 64 bytes.

use serde::{Deserialize, Serialize};

/// Classes of a histogram.
pub const CLASSES: usize = 16;

/// The upper limits of all classes but the last, which has none.
pub type ClassLimits = [f32; CLASSES - 1];

/// Round-trip time, ms.
pub const RTT_MS: ClassLimits =
    [5.0, 10.0, 20.0, 35.0, 50.0, 75.0, 100.0, 150.0, 200.0, 300.0, 400.0, 600.0, 800.0, 1200.0, 2000.0];
/// Jitter, ms.
pub const JITTER_MS: ClassLimits =
    [1.0, 2.0, 5.0, 8.0, 12.0, 20.0, 30.0, 40.0, 60.0, 80.0, 120.0, 200.0, 300.0, 500.0, 1000.0];
/// Loss, share.
pub const LOSS: ClassLimits = [0.0, 0.001, 0.002, 0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.5, 0.75];
/// Mean opinion score.
pub const MOS: ClassLimits = [1.5, 2.0, 2.3, 2.6, 2.8, 3.0, 3.2, 3.4, 3.6, 3.8, 3.9, 4.0, 4.1, 4.2, 4.3];

/// How often values fell into each class.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Histogram([u32; CLASSES]);

impl Histogram {
    /// Counts one value.
    pub fn count(&mut self, limits: &ClassLimits, value: f32) {
        let class = limits.iter().position(|limit| value <= *limit).unwrap_or(CLASSES - 1);
        self.0[class] = self.0[class].saturating_add(1);
    }

    /// Adds what another counted.
    pub fn add(&mut self, other: &Self) {
        for (mine, theirs) in self.0.iter_mut().zip(other.0) {
            *mine = mine.saturating_add(theirs);
        }
    }

    /// The upper limit of the class that holds the median; the last limit when it is above all of them.
    pub fn median(&self, limits: &ClassLimits) -> Option<f32> {
        let all: u64 = self.0.iter().map(|n| u64::from(*n)).sum();
        if all == 0 {
            return None;
        }
        let mut seen = 0;
        let class = self.0.iter().position(|n| {
            seen += u64::from(*n);
            seen * 2 >= all
        });
        limits.get(class.unwrap_or(CLASSES - 1)).or(limits.last()).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(values: &[f32]) -> Histogram {
        let mut histogram = Histogram::default();
        for value in values {
            histogram.count(&RTT_MS, *value);
        }
        histogram
    }

    #[test]
    fn the_median_is_the_limit_of_its_class() {
        assert_eq!(of(&[]).median(&RTT_MS), None);
        assert_eq!(of(&[42.0]).median(&RTT_MS), Some(50.0));
        assert_eq!(of(&[1.0, 42.0, 42.0, 900.0, 900.0]).median(&RTT_MS), Some(50.0));
        assert_eq!(of(&[9e9]).median(&RTT_MS), Some(2000.0));
        let mut none = Histogram::default();
        none.count(&LOSS, 0.0);
        assert_eq!(none.median(&LOSS), Some(0.0), "no loss is said to be none");
    }

    #[test]
    fn adding_gives_what_counting_all_would() {
        let mut sum = of(&[1.0, 60.0, 700.0]);
        sum.add(&of(&[60.0, 5000.0]));
        assert_eq!(sum, of(&[1.0, 60.0, 60.0, 700.0, 5000.0]));
    }

    #[test]
    fn limits_rise() {
        for limits in [RTT_MS, JITTER_MS, LOSS, MOS] {
            assert!(limits.windows(2).all(|w| w[0] < w[1]));
        }
    }
}
