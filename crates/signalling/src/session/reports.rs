//! The client's reports beside the numbered messages: how good its line is, and what its check found.

use std::time::Duration;

use chrono::{DateTime, Utc};
use sanbao_platform::id::uuid_v7;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::facts::Item;
use crate::id::{ConsultId, PeerId, PersonId};
use crate::precheck::report::{PrecheckError, PrecheckReport, REPORT_INTERVAL_MS_MIN};
use crate::precheck::store::Checked;
use crate::protocol::{Body, ErrorCode};
use crate::quality::store::Segment;
use crate::quality::{Direction, Quality, QualityError, QualityNote, Sample};
use crate::role::Role;
use crate::room::Command;

/// How often the sums of a connection that goes on are written, so that a killed process loses no more.
const WRITE_INTERVAL_MS: u64 = 60_000;

/// A report as it was read.
#[derive(Debug)]
pub(super) enum Report {
    /// `quality`.
    Quality(Result<Vec<Sample>, String>),
    /// `precheck`.
    Precheck(Result<PrecheckReport, String>),
}

#[derive(Deserialize)]
struct Samples {
    samples: Vec<Sample>,
}

impl Report {
    pub(super) fn quality(text: &str) -> Self {
        Self::Quality(serde_json::from_str(text).map(|Samples { samples }| samples).map_err(|e| e.to_string()))
    }

    pub(super) fn precheck(text: &str) -> Self {
        Self::Precheck(serde_json::from_str(text).map_err(|e| e.to_string()))
    }
}

/// The outcome of a report.
#[derive(Debug, Default)]
pub(super) struct ReportOutcome {
    /// Said to the client itself, without a number.
    pub(super) line: Option<Body>,
    /// For the room's log.
    pub(super) command: Option<Command>,
    /// For the record.
    pub(super) item: Option<Item>,
}

/// The reports of one connection.
#[derive(Debug)]
pub(super) struct Reports {
    consult: ConsultId,
    peer: PeerId,
    person: PersonId,
    role: Role,
    segment: Uuid,
    began_at: DateTime<Utc>,
    quality: Quality,
    checked: Option<Duration>,
    written: Duration,
    /// Reports were taken since the sums were written.
    unwritten: bool,
}

#[derive(Serialize)]
struct Refused {
    error: Reason,
}

#[derive(Serialize)]
struct Reason {
    code: ErrorCode,
    message: String,
}

impl Reports {
    pub(super) fn new((consult, peer, person, role): (ConsultId, PeerId, PersonId, Role), at: DateTime<Utc>) -> Self {
        Self {
            consult,
            peer,
            person,
            role,
            segment: uuid_v7(at),
            began_at: at,
            quality: Quality::default(),
            checked: None,
            written: Duration::ZERO,
            unwritten: false,
        }
    }

    /// Takes a report that came `now`, since the relay began, and `at` by the clock.
    pub(super) fn take(&mut self, now: Duration, at: DateTime<Utc>, report: Report) -> ReportOutcome {
        match report {
            Report::Quality(samples) => self.quality(now, samples),
            Report::Precheck(report) => self.precheck(now, at, report),
        }
    }

    fn quality(&mut self, now: Duration, samples: Result<Vec<Sample>, String>) -> ReportOutcome {
        let samples = match samples {
            Ok(samples) => samples,
            Err(error) => return self.refused("quality_line", ErrorCode::BadMessage, error),
        };
        match self.quality.take(now, &samples) {
            Ok(note) => {
                if self.written.is_zero() {
                    self.written = now;
                }
                self.unwritten = true;
                note.map(|note| self.noted(note)).unwrap_or_default()
            }
            Err(error) => {
                let code = match error {
                    QualityError::TooSoon => ErrorCode::TooSoon,
                    QualityError::TooMany(_) | QualityError::OutOfRange { .. } => ErrorCode::BadMessage,
                };
                self.refused("quality_line", code, error.to_string())
            }
        }
    }

    fn noted(&self, note: QualityNote) -> ReportOutcome {
        let note = Body::render(&note);
        let line = Some(Body::note("quality_line", self.peer, &note));
        ReportOutcome { line, command: Some(Command::Quality { peer: self.peer, note }), item: None }
    }

    fn precheck(&mut self, now: Duration, at: DateTime<Utc>, report: Result<PrecheckReport, String>) -> ReportOutcome {
        let interval = Duration::from_millis(REPORT_INTERVAL_MS_MIN);
        let report = match report {
            Ok(report) => report,
            Err(error) => return self.refused("precheck_line", ErrorCode::BadMessage, error),
        };
        if self.checked.is_some_and(|checked| now.saturating_sub(checked) < interval) {
            return self.refused("precheck_line", ErrorCode::TooSoon, PrecheckError::TooSoon.to_string());
        }
        if let Err(error) = report.check() {
            return self.refused("precheck_line", ErrorCode::BadMessage, error.to_string());
        }
        self.checked = Some(now);
        let note = report.judge();
        let body = Body::render(&note);
        let checked = Checked { consult: self.consult, person: self.person, role: self.role, at, note };
        ReportOutcome {
            line: Some(Body::note("precheck_line", self.peer, &body)),
            command: Some(Command::Precheck { peer: self.peer, note: body }),
            item: Some(Item::Precheck(Box::new(checked))),
        }
    }

    fn refused(&self, kind: &str, code: ErrorCode, message: String) -> ReportOutcome {
        let error = Body::render(&Refused { error: Reason { code, message } });
        ReportOutcome { line: Some(Body::note(kind, self.peer, &error)), ..ReportOutcome::default() }
    }

    /// Notices silence, and has the sums written from time to time.
    pub(super) fn keep_time(&mut self, now: Duration, at: DateTime<Utc>) -> Option<ReportOutcome> {
        let silence = self.quality.idle(now).map(|note| self.noted(note));
        let due = self.unwritten && now.saturating_sub(self.written) >= Duration::from_millis(WRITE_INTERVAL_MS);
        if !due {
            return silence;
        }
        (self.written, self.unwritten) = (now, false);
        Some(ReportOutcome { item: self.sums(at, false), ..silence.unwrap_or_default() })
    }

    /// The connection is over: its sums.
    pub(super) fn over(self: Box<Self>, at: DateTime<Utc>) -> Option<Item> {
        self.sums(at, true)
    }

    fn sums(&self, at: DateTime<Utc>, over: bool) -> Option<Item> {
        let totals = [Direction::In, Direction::Out].map(|direction| self.quality.totals(direction));
        totals.iter().any(Option::is_some).then(|| {
            Item::Quality(Box::new(Segment {
                consult: self.consult,
                id: self.segment,
                session: self.peer,
                person: self.person,
                began_at: self.began_at,
                until: at,
                totals,
                over,
            }))
        })
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use chrono::TimeDelta;
    use serde_json::{Value, json};

    use super::*;

    fn reports() -> Reports {
        let id = Uuid::from_u128(7);
        Reports::new((ConsultId(id), PeerId(id), PersonId(id), Role::Host), DateTime::UNIX_EPOCH)
    }

    fn s(seconds: u64) -> (Duration, DateTime<Utc>) {
        let now = Duration::from_secs(seconds);
        (now, DateTime::UNIX_EPOCH + TimeDelta::from_std(now).unwrap())
    }

    fn say(reports: &mut Reports, seconds: u64, report: Report) -> ReportOutcome {
        let (now, at) = s(seconds);
        reports.take(now, at, report)
    }

    fn line(outcome: &ReportOutcome) -> Value {
        serde_json::from_str(outcome.line.as_ref().unwrap().as_str()).unwrap()
    }

    fn quality(loss: f32) -> Report {
        let peer = Uuid::from_u128(9);
        let sample = json!({"peer": peer, "direction": "in", "kind": "audio", "rtt_ms": 40, "loss": loss});
        Report::quality(&json!({"type": "quality", "samples": [sample]}).to_string())
    }

    #[test]
    fn a_new_verdict_goes_to_the_client_and_to_the_log_and_an_old_one_nowhere() {
        let mut reports = reports();
        let outcome = say(&mut reports, 2, quality(0.0));
        let said = line(&outcome);
        assert_eq!(
            (&said["type"], &said["verdict"], &said["advice"]),
            (&json!("quality_line"), &json!("good"), &json!([]))
        );
        let Some(Command::Quality { note, .. }) = outcome.command else { panic!("{outcome:?}") };
        assert!(note.as_str().starts_with(r#"{"verdict":"good""#));
        let outcome = say(&mut reports, 4, quality(0.0));
        assert!(outcome.line.is_none() && outcome.command.is_none() && outcome.item.is_none());
    }

    #[test]
    fn what_cannot_be_taken_is_said_by_code_and_changes_nothing() {
        let mut reports = reports();
        let outcome = say(&mut reports, 2, Report::quality(r#"{"type":"quality","samples":7}"#));
        assert_eq!(line(&outcome)["error"]["code"], "bad-message");
        assert!(outcome.command.is_none());
        say(&mut reports, 2, quality(0.0));
        say(&mut reports, 2, quality(0.0));
        assert_eq!(line(&say(&mut reports, 2, quality(0.0)))["error"]["code"], "too-soon");
        assert_eq!(line(&say(&mut reports, 9, quality(2.0)))["error"]["code"], "bad-message");
    }

    #[test]
    fn a_check_goes_to_the_client_the_log_and_the_record() {
        let mut reports = reports();
        let text = r#"{"type":"precheck","camera":"ok","microphone":"denied","paths":{"udp":{"ok":true,"rtt_ms":20}}}"#;
        let outcome = say(&mut reports, 1, Report::precheck(text));
        assert_eq!(
            (&line(&outcome)["type"], &line(&outcome)["findings"]),
            (&json!("precheck_line"), &json!(["no_microphone"]))
        );
        assert!(matches!(outcome.command, Some(Command::Precheck { .. })));
        assert!(matches!(outcome.item, Some(Item::Precheck(checked)) if checked.role == Role::Host));
        assert_eq!(line(&say(&mut reports, 2, Report::precheck(text)))["error"]["code"], "too-soon");
        let odd = text.replace("20", "-20");
        assert_eq!(line(&say(&mut reports, 5, Report::precheck(&odd)))["error"]["code"], "bad-message");
        assert_eq!(line(&say(&mut reports, 5, Report::precheck("{}")))["error"]["code"], "bad-message");
    }

    #[test]
    fn sums_are_written_every_minute_and_at_the_end() {
        let mut reports = reports();
        let mut written = Vec::new();
        for seconds in (2..200).step_by(2) {
            say(&mut reports, seconds, quality(0.0));
            let (now, at) = s(seconds);
            if let Some(ReportOutcome { item: Some(Item::Quality(segment)), .. }) = reports.keep_time(now, at) {
                written.push((seconds, segment.totals[0].unwrap().reports, segment.over));
            }
        }
        assert_eq!(written, [(62, 31, false), (122, 61, false), (182, 91, false)]);
        let Some(Item::Quality(segment)) = Box::new(reports).over(s(200).1) else { panic!("sums") };
        assert_eq!((segment.totals[0].unwrap().reports, segment.totals[1], segment.over), (99, None, true));
    }

    #[test]
    fn who_reported_nothing_leaves_nothing() {
        let mut reports = reports();
        let (now, at) = s(500);
        assert!(reports.keep_time(now, at).is_none());
        assert!(Box::new(reports).over(at).is_none());
    }
}
