//! When the picture must give way so that talking goes on, and for how long.

use std::time::Duration;

/// Reports in a row that must say so.
const AFTER: u8 = 2;
/// How long the picture stays away at first.
pub const HOLD_MIN: Duration = Duration::from_secs(15);
/// How long it stays away at most; each time that it comes back too early doubles the time.
pub const HOLD_MAX: Duration = Duration::from_mins(4);

/// Whether the picture is to give way.
#[derive(Clone, Copy, Debug)]
pub(super) struct AudioFirst {
    on: bool,
    in_a_row: u8,
    hold: Duration,
    until: Duration,
}

impl Default for AudioFirst {
    fn default() -> Self {
        Self { on: false, in_a_row: 0, hold: HOLD_MIN, until: Duration::ZERO }
    }
}

impl AudioFirst {
    pub(super) fn on(self) -> bool {
        self.on
    }

    /// Takes whether the picture takes from the sound, and whether the sound is poor at all.
    pub(super) fn step(&mut self, now: Duration, starved: bool, poor: bool) -> bool {
        if self.on {
            if now >= self.until && !poor {
                self.on = false;
                self.in_a_row = 0;
            }
            return self.on;
        }
        self.in_a_row = if starved { self.in_a_row + 1 } else { 0 };
        if self.in_a_row >= AFTER {
            // A line that was well for long has earned the short time again.
            let well_for_long = now.saturating_sub(self.until) >= HOLD_MAX;
            self.hold = if self.until.is_zero() || well_for_long { HOLD_MIN } else { (self.hold * 2).min(HOLD_MAX) };
            self.on = true;
            self.until = now + self.hold;
        }
        self.on
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn one_bad_report_does_not_take_the_picture_and_two_do() {
        let mut first = AudioFirst::default();
        assert!(!first.step(s(2), true, true));
        assert!(!first.step(s(4), false, false));
        assert!(!first.step(s(6), true, true));
        assert!(first.step(s(8), true, true));
    }

    #[test]
    fn the_picture_stays_away_for_a_while_and_as_long_as_the_sound_is_poor() {
        let mut first = AudioFirst::default();
        first.step(s(2), true, true);
        assert!(first.step(s(4), true, true));
        assert!(first.step(s(10), false, false), "the line is well because the picture is away");
        assert!(first.step(s(20), false, true));
        assert!(!first.step(s(22), false, false));
    }

    #[test]
    fn a_picture_that_comes_back_too_early_stays_away_longer_each_time() {
        let (mut first, mut holds, mut now) = (AudioFirst::default(), Vec::new(), 2);
        for _ in 0..6 {
            first.step(s(now), true, true);
            now += 2;
            assert!(first.step(s(now), true, true));
            let began = now;
            while first.step(s(now), false, false) {
                now += 1;
            }
            holds.push(now - began);
        }
        assert_eq!(holds, [15, 30, 60, 120, 240, 240]);
        now += 600;
        first.step(s(now), true, true);
        assert!(first.step(s(now + 2), true, true));
        assert!(!first.step(s(now + 17), false, false), "after ten good minutes it begins anew");
    }
}
