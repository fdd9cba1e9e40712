//! How good everybody's line is. Pure: reports and times in, notes and sums out.
//!
//! A connection keeps one [`Quality`] from its first report on. [`Quality::take`] smooths each line's figures,
//! estimates speech quality (`emodel`), and answers a [`QualityNote`] when there is something new to say. The sums go
//! to the record when the connection ends (`summary`, `store`).
//!
//! A person's line is as good as the best of their lines to the others: a bad one of their own spoils
//! all of them, while a bad one of somebody else's spoils one. Between two people it cannot be told
//! whose it is, and both are told.

mod audio_first;
pub mod emodel;
mod histogram;
mod line;
mod note;
mod sample;
pub(crate) mod store;
pub mod summary;
#[cfg(test)]
mod tests;
mod verdict;

use std::time::Duration;

use audio_first::AudioFirst;
pub use line::Figures;
use line::{Level, SmoothedLine};
pub use note::QualityNote;
pub use sample::{Direction, MediaKind, QualityError, SAMPLES_MAX, Sample, check};
use summary::Totals;
use verdict::Steady;
pub use verdict::{Advice, Cause, Verdict};

/// Reports come at most this often, ms; two may come close together.
pub const REPORT_INTERVAL_MS_MIN: u64 = 2_000;
/// Notes come at most this often, ms; what changed meanwhile is said with the next report after that.
pub const NOTE_INTERVAL_MS_MIN: u64 = 5_000;
/// A line that was not reported for this long is forgotten, and a reporter of nothing is silent, ms.
pub const SILENCE_MS: u64 = 15_000;

/// One direction of a person's line.
#[derive(Clone, Copy, Debug, Default)]
struct DirectionState {
    steady: Steady,
    cause: Option<Cause>,
    figures: Figures,
    totals: Totals,
}

/// The knowledge of one person's line over one connection. Times are since the connection began.
#[derive(Clone, Debug, Default)]
pub struct Quality {
    lines: Vec<SmoothedLine>,
    ways: [DirectionState; 2],
    audio_first: AudioFirst,
    /// When the next report may come, were there no grace.
    due: Duration,
    reported: Option<Duration>,
    /// The last note, and when it was given.
    noted: Option<(Duration, QualityNote)>,
}

impl Quality {
    /// Takes a report; answers what is new to say.
    pub fn take(&mut self, now: Duration, samples: &[Sample]) -> Result<Option<QualityNote>, QualityError> {
        let interval = Duration::from_millis(REPORT_INTERVAL_MS_MIN);
        if self.due > now + interval {
            return Err(QualityError::TooSoon);
        }
        sample::check(samples)?;
        self.due = self.due.max(now) + interval;
        let over = now.saturating_sub(self.reported.unwrap_or(now));
        self.reported = Some(now);
        for sample in samples {
            self.line(sample).take(now, over, sample);
        }
        self.lines.retain(|line| now.saturating_sub(line.seen) < Duration::from_millis(SILENCE_MS));
        self.judge(now, over);
        Ok(self.news(now))
    }

    /// Notices that reports have ceased; answers what is new to say.
    pub fn idle(&mut self, now: Duration) -> Option<QualityNote> {
        let silent = self.reported.is_some_and(|at| now.saturating_sub(at) >= Duration::from_millis(SILENCE_MS));
        if !silent {
            return None;
        }
        self.lines.clear();
        for way in &mut self.ways {
            way.steady.step(Verdict::NoData);
            (way.cause, way.figures) = (None, Figures::default());
        }
        self.news(now)
    }

    /// The sums of one direction; nothing while nothing was reported of it.
    pub fn totals(&self, direction: Direction) -> Option<Totals> {
        let totals = self.ways[direction as usize].totals;
        (totals.reports > 0).then_some(totals)
    }

    fn line(&mut self, sample: &Sample) -> &mut SmoothedLine {
        let place = self.lines.iter().position(|line| line.is_of(sample)).unwrap_or_else(|| {
            if self.lines.len() >= SAMPLES_MAX {
                // More lines than a room has: the one that was silent for the longest gives way.
                let oldest = (0..self.lines.len()).min_by_key(|i| self.lines[*i].seen).unwrap_or(0);
                self.lines.swap_remove(oldest);
            }
            self.lines.push(SmoothedLine::new(sample));
            self.lines.len() - 1
        });
        &mut self.lines[place]
    }

    /// The best line of a kind in a direction.
    fn best(&self, now: Duration, direction: Direction, kind: MediaKind) -> Option<Level> {
        let lines = self.lines.iter().filter(|l| l.seen == now && l.direction == direction && l.kind == kind);
        lines.filter_map(SmoothedLine::level).min_by(|a, b| {
            let mos = |level: &Level| level.figures.mos.unwrap_or(0.0);
            a.verdict.cmp(&b.verdict).then(mos(b).total_cmp(&mos(a)))
        })
    }

    fn judge(&mut self, now: Duration, over: Duration) {
        let (mut starved, mut poor) = (false, false);
        for direction in Direction::ALL.iter().copied() {
            let sound = self.best(now, direction, MediaKind::Audio);
            let picture = self.best(now, direction, MediaKind::Video);
            let has_picture = self.lines.iter().any(|l| l.seen == now && l.direction == direction && l.is_picture());
            let worst = match (sound, picture) {
                (Some(sound), Some(picture)) if picture.verdict > sound.verdict => {
                    Some(Level { figures: sound.figures, ..picture })
                }
                (sound, picture) => sound.or(picture),
            };
            let way = &mut self.ways[direction as usize];
            let Some(mut level) = worst else {
                way.steady.step(Verdict::NoData);
                (way.cause, way.figures) = (None, Figures::default());
                continue;
            };
            let carried = matches!(level.cause, Some(Cause::Loss | Cause::Delay | Cause::Jitter));
            if level.verdict >= Verdict::Poor && carried && has_picture {
                level.cause = Some(Cause::AudioStarved);
                starved = true;
            }
            poor |= sound.is_some_and(|s| s.verdict >= Verdict::Poor);
            let before = way.steady.shown();
            let shown = way.steady.step(level.verdict);
            // The cause goes with the verdict that is shown, not with every report.
            if shown == Verdict::Good {
                way.cause = None;
            } else if shown != before || (level.verdict == shown && level.cause.is_some()) {
                way.cause = level.cause;
            }
            way.figures = level.figures;
            way.totals.take(&level.figures, shown, over);
        }
        self.audio_first.step(now, starved, poor);
    }

    fn news(&mut self, now: Duration) -> Option<QualityNote> {
        let note = self.note();
        let news = match &self.noted {
            None => note.verdict != Verdict::NoData,
            Some((at, noted)) => {
                let pause = Duration::from_millis(NOTE_INTERVAL_MS_MIN);
                !noted.says_what(&note) && now.saturating_sub(*at) >= pause
            }
        };
        news.then(|| {
            self.noted = Some((now, note));
            note
        })
    }

    fn note(&self) -> QualityNote {
        let shown = |d: Direction| self.ways[d as usize].steady.shown();
        let worse = if shown(Direction::In) > shown(Direction::Out) { Direction::In } else { Direction::Out };
        let way = &self.ways[worse as usize];
        let cause = way.cause.map(|cause| (worse, cause));
        QualityNote::new(shown(worse), cause, self.audio_first.on(), &way.figures)
    }
}
