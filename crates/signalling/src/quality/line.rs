//! One direction of one kind to one other person: smoothed figures, and what they amount to.

use std::time::Duration;

use super::emodel::{Codec, Impairments, mos};
use super::sample::{Direction, MediaKind, Sample};
use super::verdict::{Cause, Verdict};
use crate::id::PeerId;

/// How much a new figure counts against the ones before it.
const WEIGHT: f32 = 0.4;
/// The time that Opus adds to the way: a frame of 20 ms and 6.5 ms of look-ahead (RFC 6716 §2).
const CODEC_MS: f32 = 26.5;
/// The least that a jitter buffer holds: one packet, ms.
const BUFFER_MS_MIN: f32 = 20.0;
/// Jitter from which it is named as the cause, ms.
const JITTER_MS: f32 = 30.0;
/// Fewer frames a second than this are a slide show, and than the other a stutter.
const FRAMES_POOR: f32 = 5.0;
const FRAMES_FAIR: f32 = 10.0;
/// Shares of time that a picture stands still.
const FROZEN_POOR: f32 = 0.3;
const FROZEN_FAIR: f32 = 0.1;
/// Bits a second from which a picture takes something from the sound.
const PICTURE_BPS_MIN: f32 = 30_000.0;

/// An exponentially weighted mean.
#[derive(Clone, Copy, Debug, Default)]
struct Smooth(Option<f32>);

impl Smooth {
    fn take(&mut self, value: Option<f32>) {
        if let Some(value) = value {
            self.0 = Some(self.0.map_or(value, |mean| mean + WEIGHT * (value - mean)));
        }
    }
}

/// The smoothed figures of one line.
#[derive(Clone, Debug)]
pub(super) struct SmoothedLine {
    pub(super) peer: PeerId,
    pub(super) direction: Direction,
    pub(super) kind: MediaKind,
    /// When it was last reported.
    pub(super) seen: Duration,
    rtt_ms: Smooth,
    jitter_ms: Smooth,
    loss: Smooth,
    buffer_ms: Smooth,
    frames_per_s: Smooth,
    frozen: Smooth,
    bitrate_bps: Option<f32>,
    /// How often it was reported; a line that is only starting carries nothing yet.
    reports: u8,
}

/// The level of one line's sound or picture.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Level {
    pub(super) verdict: Verdict,
    pub(super) cause: Option<Cause>,
    pub(super) figures: Figures,
}

/// The figures of one direction, for the log and the page.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Figures {
    /// Median round-trip time, ms.
    pub rtt_ms: Option<f32>,
    pub jitter_ms: Option<f32>,
    /// Share of packets lost.
    pub loss: Option<f32>,
    /// Mean opinion score of speech, 1.0 to 4.5.
    pub mos: Option<f32>,
}

impl SmoothedLine {
    pub(super) fn new(sample: &Sample) -> Self {
        Self {
            peer: sample.peer,
            direction: sample.direction,
            kind: sample.kind,
            seen: Duration::ZERO,
            rtt_ms: Smooth::default(),
            jitter_ms: Smooth::default(),
            loss: Smooth::default(),
            buffer_ms: Smooth::default(),
            frames_per_s: Smooth::default(),
            frozen: Smooth::default(),
            bitrate_bps: None,
            reports: 0,
        }
    }

    pub(super) fn is_of(&self, sample: &Sample) -> bool {
        (self.peer, self.direction, self.kind) == (sample.peer, sample.direction, sample.kind)
    }

    /// Takes what was measured over the last `over`.
    pub(super) fn take(&mut self, now: Duration, over: Duration, sample: &Sample) {
        self.reports = self.reports.saturating_add(1);
        self.seen = now;
        self.rtt_ms.take(sample.rtt_ms);
        self.jitter_ms.take(sample.jitter_ms);
        // Sound that came too late is as lost as what never came.
        let lost = sample.loss.into_iter().chain(sample.concealed).reduce(f32::max);
        self.loss.take(lost);
        self.buffer_ms.take(sample.buffer_ms);
        self.frames_per_s.take(sample.frames_per_s);
        // The first report stands for a time that is not known.
        if !over.is_zero() {
            let over_ms = over.as_secs_f32() * 1000.0;
            self.frozen.take(sample.freeze_ms.map(|ms| (ms / over_ms).min(1.0)));
        }
        self.bitrate_bps = sample.bitrate_bps.or(self.bitrate_bps);
    }

    /// Whether there is a picture big enough to take something from the sound.
    pub(super) fn is_picture(&self) -> bool {
        self.kind != MediaKind::Audio && self.bitrate_bps.is_some_and(|bps| bps >= PICTURE_BPS_MIN)
    }

    /// The level; nothing while there are no figures.
    pub(super) fn level(&self) -> Option<Level> {
        match self.kind {
            MediaKind::Audio => self.sound(),
            MediaKind::Video => self.picture(),
            MediaKind::Screen => None,
        }
    }

    fn sound(&self) -> Option<Level> {
        let mut figures = Figures { rtt_ms: self.rtt_ms.0, jitter_ms: self.jitter_ms.0, loss: self.loss.0, mos: None };
        if self.reports > 1 && self.bitrate_bps == Some(0.0) {
            let cause = if self.direction == Direction::Out { Cause::NoUplink } else { Cause::NoDownlink };
            return Some(Level { verdict: Verdict::Bad, cause: Some(cause), figures });
        }
        if figures.rtt_ms.is_none() && figures.jitter_ms.is_none() && figures.loss.is_none() {
            return None;
        }
        let jitter_ms = figures.jitter_ms.unwrap_or(0.0);
        let buffer_ms = self.buffer_ms.0.unwrap_or(2.0 * jitter_ms).max(BUFFER_MS_MIN);
        let way_ms = figures.rtt_ms.unwrap_or(0.0) / 2.0;
        let loss = f64::from(figures.loss.unwrap_or(0.0));
        let impairments = Impairments::of(f64::from(way_ms + buffer_ms + CODEC_MS), loss, Codec::OPUS);
        let rating = impairments.rating();
        #[expect(clippy::cast_possible_truncation, reason = "a score of 1.0 to 4.5")]
        let score = mos(rating) as f32;
        figures.mos = Some(score);
        let verdict = Verdict::of_rating(rating);
        let cause = match verdict {
            Verdict::NoData | Verdict::Good => None,
            _ if impairments.loss >= impairments.delay => Some(Cause::Loss),
            _ if jitter_ms >= JITTER_MS && buffer_ms >= way_ms => Some(Cause::Jitter),
            _ => Some(Cause::Delay),
        };
        Some(Level { verdict, cause, figures })
    }

    fn picture(&self) -> Option<Level> {
        let figures = Figures { rtt_ms: self.rtt_ms.0, jitter_ms: self.jitter_ms.0, loss: self.loss.0, mos: None };
        if self.frames_per_s.0.is_none() && self.frozen.0.is_none() {
            return None;
        }
        let (frames, frozen) = (self.frames_per_s.0.unwrap_or(FRAMES_FAIR), self.frozen.0.unwrap_or(0.0));
        let verdict = if frames < FRAMES_POOR || frozen >= FROZEN_POOR {
            Verdict::Poor
        } else if frames < FRAMES_FAIR || frozen >= FROZEN_FAIR {
            Verdict::Fair
        } else {
            Verdict::Good
        };
        let cause = (verdict > Verdict::Good).then_some(Cause::VideoStarved);
        Some(Level { verdict, cause, figures })
    }
}
