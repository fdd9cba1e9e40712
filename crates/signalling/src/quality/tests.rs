//! A connection's reports over time, and what is said of them.

#![expect(clippy::unwrap_used, reason = "tests")]
use uuid::Uuid;

use super::*;
use crate::id::PeerId;

fn who(n: u128) -> PeerId {
    PeerId(Uuid::from_u128(n))
}

fn audio(peer: u128, direction: Direction, rtt_ms: f32, loss: f32) -> Sample {
    Sample {
        peer: who(peer),
        direction,
        kind: MediaKind::Audio,
        rtt_ms: Some(rtt_ms),
        jitter_ms: Some(4.0),
        loss: Some(loss),
        bitrate_bps: Some(32_000.0),
        frames_per_s: None,
        freeze_ms: None,
        buffer_ms: None,
        concealed: None,
    }
}

fn video(peer: u128, direction: Direction, frames_per_s: f32) -> Sample {
    Sample {
        kind: MediaKind::Video,
        bitrate_bps: Some(800_000.0),
        frames_per_s: Some(frames_per_s),
        ..audio(peer, direction, 40.0, 0.0)
    }
}

/// Reports every two seconds; gathers what is said, with its second.
#[derive(Default)]
struct Reporter {
    quality: Quality,
    at: Duration,
    notes: Vec<(u64, QualityNote)>,
}

impl Reporter {
    fn say(&mut self, times: usize, samples: &[Sample]) {
        for _ in 0..times {
            self.at += Duration::from_secs(2);
            let note = self.quality.take(self.at, samples).unwrap();
            self.notes.extend(note.map(|note| (self.at.as_secs(), note)));
        }
    }

    fn verdicts(&self) -> Vec<(u64, Verdict, Option<Cause>)> {
        self.notes.iter().map(|(at, note)| (*at, note.verdict, note.cause)).collect()
    }
}

#[test]
fn a_short_freeze_in_the_first_report_does_not_stand_for_all_of_it() {
    let mut reporter = Reporter::default();
    let froze = Sample { freeze_ms: Some(40.0), ..video(1, Direction::In, 24.0) };
    reporter.say(1, &[audio(1, Direction::In, 30.0, 0.0), froze]);
    assert_eq!(reporter.verdicts(), [(2, Verdict::Good, None)]);
}

#[test]
fn a_good_line_is_said_once() {
    let mut reporter = Reporter::default();
    reporter.say(500, &[audio(1, Direction::In, 30.0, 0.0), audio(1, Direction::Out, 30.0, 0.0)]);
    assert_eq!(reporter.verdicts(), [(2, Verdict::Good, None)]);
    assert_eq!(reporter.notes[0].1.advice, []);
    assert_eq!(reporter.quality.totals(Direction::In).unwrap().reports, 500);
}

#[test]
fn loss_is_named_with_its_direction_and_what_to_do() {
    let mut reporter = Reporter::default();
    reporter.say(5, &[audio(1, Direction::In, 30.0, 0.0), audio(1, Direction::Out, 30.0, 0.0)]);
    reporter.say(8, &[audio(1, Direction::In, 30.0, 0.0), audio(1, Direction::Out, 30.0, 0.15)]);
    let (_, last) = *reporter.notes.last().unwrap();
    assert_eq!((last.verdict, last.cause, last.direction), (Verdict::Poor, Some(Cause::Loss), Some(Direction::Out)));
    assert_eq!(last.advice, [Advice::NearerToRouter, Advice::FreeTheLine]);
    assert!(last.mos.unwrap() < 3.6, "{last:?}");
}

#[test]
fn delay_and_jitter_are_told_apart() {
    let mut far = Reporter::default();
    far.say(3, &[audio(1, Direction::In, 700.0, 0.0)]);
    assert_eq!(far.verdicts(), [(2, Verdict::Poor, Some(Cause::Delay))]);
    let mut uneven = Reporter::default();
    uneven.say(3, &[Sample { jitter_ms: Some(150.0), ..audio(1, Direction::In, 60.0, 0.0) }]);
    assert_eq!(uneven.verdicts(), [(2, Verdict::Poor, Some(Cause::Jitter))]);
}

#[test]
fn a_picture_that_stutters_beside_whole_sound_is_only_that() {
    let mut reporter = Reporter::default();
    reporter.say(4, &[audio(1, Direction::In, 40.0, 0.0), video(1, Direction::In, 3.0)]);
    assert_eq!(reporter.verdicts(), [(2, Verdict::Poor, Some(Cause::VideoStarved))]);
    let note = reporter.notes[0].1;
    assert_eq!(note.advice, [Advice::NearerToRouter, Advice::PictureOff]);
    assert!(!note.audio_first && note.mos.unwrap() > 4.0);
}

#[test]
fn sound_that_suffers_beside_a_picture_takes_the_picture_away_and_gives_it_back() {
    let mut reporter = Reporter::default();
    let suffering = [audio(1, Direction::Out, 200.0, 0.2), video(1, Direction::Out, 20.0)];
    reporter.say(5, &suffering);
    let (_, note) = *reporter.notes.last().unwrap();
    assert!(note.audio_first && note.cause == Some(Cause::AudioStarved), "{note:?}");
    assert_eq!(note.advice[0], Advice::AudioFirst);
    reporter.say(20, &[audio(1, Direction::Out, 40.0, 0.0)]);
    let (_, note) = *reporter.notes.last().unwrap();
    assert_eq!((note.verdict, note.audio_first), (Verdict::Good, false));
}

#[test]
fn sound_that_does_not_flow_is_bad_but_not_while_it_starts() {
    let mut reporter = Reporter::default();
    let silent = |direction| Sample { bitrate_bps: Some(0.0), ..audio(1, direction, 30.0, 0.0) };
    reporter.say(1, &[silent(Direction::Out)]);
    assert_eq!(reporter.verdicts(), [(2, Verdict::Good, None)]);
    reporter.say(4, &[silent(Direction::Out)]);
    assert_eq!(reporter.verdicts()[1..], [(8, Verdict::Bad, Some(Cause::NoUplink))]);
    assert_eq!(reporter.notes[1].1.advice, [Advice::CheckMicrophone, Advice::UseTelephone]);
    let mut other = Reporter::default();
    other.say(5, &[silent(Direction::In)]);
    assert_eq!(other.verdicts().last().unwrap().2, Some(Cause::NoDownlink));
}

#[test]
fn one_bad_line_among_several_is_the_other_ones() {
    let mut reporter = Reporter::default();
    reporter.say(4, &[audio(1, Direction::In, 30.0, 0.4), audio(2, Direction::In, 30.0, 0.0)]);
    assert_eq!(reporter.verdicts(), [(2, Verdict::Good, None)]);
    let mut own = Reporter::default();
    own.say(4, &[audio(1, Direction::In, 30.0, 0.4), audio(2, Direction::In, 30.0, 0.4)]);
    assert_eq!(own.verdicts(), [(2, Verdict::Bad, Some(Cause::Loss))]);
}

#[test]
fn a_line_that_flaps_is_said_seldom() {
    let mut reporter = Reporter::default();
    for _ in 0..100 {
        reporter.say(3, &[audio(1, Direction::In, 30.0, 0.3)]);
        reporter.say(3, &[audio(1, Direction::In, 30.0, 0.0)]);
    }
    let gaps: Vec<u64> = reporter.notes.windows(2).map(|w| w[1].0 - w[0].0).collect();
    assert!(gaps.iter().all(|gap| *gap >= NOTE_INTERVAL_MS_MIN / 1000), "{gaps:?}");
}

#[test]
fn silence_is_said_and_ends_the_verdict() {
    let mut reporter = Reporter::default();
    reporter.say(3, &[audio(1, Direction::In, 30.0, 0.0)]);
    assert_eq!(reporter.quality.idle(reporter.at + Duration::from_secs(14)), None);
    let note = reporter.quality.idle(reporter.at + Duration::from_secs(15)).unwrap();
    assert_eq!((note.verdict, note.mos, note.advice), (Verdict::NoData, None, &[][..]));
    assert_eq!(reporter.quality.idle(reporter.at + Duration::from_mins(1)), None, "once");
    assert_eq!(Quality::default().idle(Duration::from_hours(1)), None, "a line that never reported is not silent");
}

#[test]
fn reports_that_come_too_fast_are_refused_and_change_nothing() {
    let mut quality = Quality::default();
    let sample = [audio(1, Direction::In, 30.0, 0.0)];
    let at = Duration::from_secs(100);
    assert!(quality.take(at, &sample).is_ok());
    assert!(quality.take(at + Duration::from_millis(1), &sample).is_ok(), "two may come close together");
    assert_eq!(quality.take(at + Duration::from_millis(2), &sample), Err(QualityError::TooSoon));
    assert_eq!(quality.totals(Direction::In).unwrap().reports, 2);
    assert!(quality.take(at + Duration::from_secs(2), &sample).is_ok());
    assert_eq!(quality.take(at + Duration::from_millis(3_999), &sample).map(drop), Err(QualityError::TooSoon));
}

#[test]
fn a_report_with_one_wrong_figure_changes_nothing() {
    let mut quality = Quality::default();
    let samples = [audio(1, Direction::In, 30.0, 0.0), audio(2, Direction::In, -1.0, 0.0)];
    assert!(matches!(quality.take(Duration::from_secs(2), &samples), Err(QualityError::OutOfRange { index: 1, .. })));
    assert_eq!(quality.totals(Direction::In), None);
}

#[test]
fn lines_to_ever_new_peers_take_no_more_memory() {
    let mut reporter = Reporter::default();
    for round in 0..50 {
        let samples: Vec<_> = (0..32).map(|n| audio(round * 100 + n, Direction::In, 30.0, 0.0)).collect();
        reporter.say(1, &samples);
        assert!(reporter.quality.lines.len() <= SAMPLES_MAX);
    }
}
