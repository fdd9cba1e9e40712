//! The line in words: how good, why, what to do; and a verdict that does not flap.

use serde::{Deserialize, Serialize};

/// How good a line is, best first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Nothing was reported of late.
    #[default]
    NoData,
    /// Users are satisfied (R from 80, G.109).
    Good,
    /// Some users are dissatisfied (R from 70).
    Fair,
    /// Many or nearly all users are dissatisfied (R from 50).
    Poor,
    /// Not recommended (R below 50).
    Bad,
}

impl Verdict {
    /// Of a rating R, by the categories of Recommendation ITU-T G.109.
    pub fn of_rating(rating: f64) -> Self {
        match rating {
            r if r >= 80.0 => Self::Good,
            r if r >= 70.0 => Self::Fair,
            r if r >= 50.0 => Self::Poor,
            _ => Self::Bad,
        }
    }

    /// The text of the verdict.
    pub fn text_key(self) -> &'static str {
        match self {
            Self::NoData => "quality-no-data",
            Self::Good => "quality-good",
            Self::Fair => "quality-fair",
            Self::Poor => "quality-poor",
            Self::Bad => "quality-bad",
        }
    }

    /// Every verdict.
    pub const ALL: [Self; 5] = [Self::NoData, Self::Good, Self::Fair, Self::Poor, Self::Bad];
}

/// The reason why a line is less than good.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// Packets are lost.
    Loss,
    /// Packets take long.
    Delay,
    /// Packets come unevenly, and evening them out takes long.
    Jitter,
    /// Sound is whole, the picture is not.
    VideoStarved,
    /// The picture takes what the sound needs.
    AudioStarved,
    /// Nothing goes out.
    NoUplink,
    /// Nothing comes in.
    NoDownlink,
}

/// The remedy, for the text beside the picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Advice {
    /// Move closer to the router, or use a cable.
    NearerToRouter,
    /// Turn the picture off and just talk.
    PictureOff,
    /// The picture was turned off so that talking goes on.
    AudioFirst,
    /// Let others finish; there is a delay.
    WaitForAnswer,
    /// Close what else uses the network.
    FreeTheLine,
    /// Check the microphone: it is on, and chosen.
    CheckMicrophone,
    UseTelephone,
}

impl Cause {
    /// The text of the cause.
    pub fn text_key(self) -> &'static str {
        match self {
            Self::Loss => "quality-cause-loss",
            Self::Delay => "quality-cause-delay",
            Self::Jitter => "quality-cause-jitter",
            Self::VideoStarved => "quality-cause-video-starved",
            Self::AudioStarved => "quality-cause-audio-starved",
            Self::NoUplink => "quality-cause-no-uplink",
            Self::NoDownlink => "quality-cause-no-downlink",
        }
    }

    /// Every cause.
    pub const ALL: [Self; 7] = [
        Self::Loss,
        Self::Delay,
        Self::Jitter,
        Self::VideoStarved,
        Self::AudioStarved,
        Self::NoUplink,
        Self::NoDownlink,
    ];
}

impl Advice {
    /// The text of the advice.
    pub fn text_key(self) -> &'static str {
        match self {
            Self::NearerToRouter => "quality-advice-nearer-to-router",
            Self::PictureOff => "quality-advice-picture-off",
            Self::AudioFirst => "quality-advice-audio-first",
            Self::WaitForAnswer => "quality-advice-wait-for-answer",
            Self::FreeTheLine => "quality-advice-free-the-line",
            Self::CheckMicrophone => "quality-advice-check-microphone",
            Self::UseTelephone => "quality-advice-use-telephone",
        }
    }

    /// Every advice.
    pub const ALL: [Self; 7] = [
        Self::NearerToRouter,
        Self::PictureOff,
        Self::AudioFirst,
        Self::WaitForAnswer,
        Self::FreeTheLine,
        Self::CheckMicrophone,
        Self::UseTelephone,
    ];
}

/// The remedies for a verdict, the most helpful first.
pub fn advice(verdict: Verdict, cause: Option<Cause>, audio_first: bool) -> &'static [Advice] {
    use Advice::{AudioFirst, CheckMicrophone, FreeTheLine, NearerToRouter, PictureOff, UseTelephone, WaitForAnswer};
    match (verdict, cause) {
        (Verdict::NoData | Verdict::Good, _) if audio_first => &[AudioFirst],
        (Verdict::NoData | Verdict::Good, _) | (_, None) => &[],
        (_, Some(Cause::NoUplink)) => &[CheckMicrophone, UseTelephone],
        (_, Some(Cause::NoDownlink)) => &[NearerToRouter, UseTelephone],
        (Verdict::Bad, Some(_)) if audio_first => &[AudioFirst, NearerToRouter, UseTelephone],
        (_, Some(_)) if audio_first => &[AudioFirst, NearerToRouter],
        (Verdict::Bad, Some(Cause::Delay)) => &[WaitForAnswer, UseTelephone],
        (_, Some(Cause::Delay)) => &[WaitForAnswer],
        (Verdict::Bad, Some(_)) => &[NearerToRouter, PictureOff, UseTelephone],
        (_, Some(Cause::VideoStarved | Cause::AudioStarved)) => &[NearerToRouter, PictureOff],
        (_, Some(Cause::Loss | Cause::Jitter)) => &[NearerToRouter, FreeTheLine],
    }
}

/// Reports in a row before a worse verdict is believed.
pub const WORSE_AFTER: u8 = 2;
/// Reports in a row before a better verdict is believed.
pub const BETTER_AFTER: u8 = 3;

/// A verdict that changes only when several reports in a row agree.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Steady {
    shown: Verdict,
    worse: u8,
    better: u8,
}

impl Steady {
    /// The verdict that is shown.
    pub fn shown(self) -> Verdict {
        self.shown
    }

    /// Takes what one report says; answers what is shown now.
    pub fn step(&mut self, now: Verdict) -> Verdict {
        if self.shown == Verdict::NoData || now == Verdict::NoData {
            *self = Self { shown: now, worse: 0, better: 0 };
            return now;
        }
        self.worse = if now > self.shown { self.worse + 1 } else { 0 };
        self.better = if now < self.shown { self.better + 1 } else { 0 };
        if self.worse >= WORSE_AFTER || self.better >= BETTER_AFTER {
            *self = Self { shown: now, worse: 0, better: 0 };
        }
        self.shown
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(steps: &[Verdict]) -> Vec<Verdict> {
        let mut steady = Steady::default();
        steps.iter().map(|s| steady.step(*s)).collect()
    }

    #[test]
    fn the_first_report_shows_at_once_and_one_odd_report_does_not() {
        use Verdict::{Bad, Good};
        assert_eq!(shown(&[Good, Bad, Good, Bad, Good]), [Good; 5]);
    }

    #[test]
    fn worse_shows_after_two_and_better_after_three() {
        use Verdict::{Bad, Good, Poor};
        assert_eq!(
            shown(&[Good, Poor, Bad, Good, Good, Poor, Good, Good, Good]),
            [Good, Good, Bad, Bad, Bad, Poor, Poor, Poor, Good]
        );
    }

    #[test]
    fn silence_shows_at_once() {
        assert_eq!(
            shown(&[Verdict::Bad, Verdict::NoData, Verdict::Good]),
            [Verdict::Bad, Verdict::NoData, Verdict::Good]
        );
    }

    #[test]
    fn a_line_that_alternates_shows_one_verdict() {
        let steps: Vec<_> = (0..100).map(|i| if i % 2 == 0 { Verdict::Fair } else { Verdict::Poor }).collect();
        let mut seen = shown(&steps);
        seen.dedup();
        assert_eq!(seen, [Verdict::Fair]);
    }

    #[test]
    fn every_verdict_cause_and_advice_has_its_words_in_both_languages() {
        let keys = Verdict::ALL.map(Verdict::text_key).into_iter();
        let keys = keys.chain(Cause::ALL.map(Cause::text_key)).chain(Advice::ALL.map(Advice::text_key));
        for key in keys {
            for texts in [include_str!("../../texts/zh-CN.ftl"), include_str!("../../texts/en.ftl")] {
                assert!(texts.lines().any(|l| l.split(" =").next() == Some(key)), "{key}");
            }
        }
    }

    #[test]
    fn whatever_is_not_good_comes_with_something_to_do() {
        for verdict in [Verdict::Fair, Verdict::Poor, Verdict::Bad] {
            for cause in Cause::ALL {
                assert!(!advice(verdict, Some(cause), false).is_empty(), "{verdict:?} {cause:?}");
            }
        }
        assert_eq!(advice(Verdict::Good, None, false), []);
        assert_eq!(
            advice(Verdict::Poor, Some(Cause::VideoStarved), false),
            [Advice::NearerToRouter, Advice::PictureOff]
        );
    }
}
