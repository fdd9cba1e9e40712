//! Whether what is kept no longer goes: how each class of records stands, and the last run of each service.

use chrono::{DateTime, TimeDelta, Utc};
use sanbao_platform::clock::Clock;
use sanbao_platform::db::{Db, DbError};
use sanbao_platform::retention::{Disposer, Kept, Outcome, Periods, Refusal};

use super::{Finding, Sentence, Standing};
use crate::retention::disposers;
use crate::role::Role;

/// A run that has taken everything is made each day.
const DAYS_LOW: TimeDelta = TimeDelta::days(2);

/// A class of one service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptHere {
    pub service: &'static str,
    pub kept: Kept,
}

/// How the classes stand in these databases, and a finding for each service that has some.
pub(crate) async fn look(periods: Periods, databases: &[(Role, Db)], clock: &Clock) -> (Vec<KeptHere>, Vec<Finding>) {
    let (mut all, mut findings) = (Vec::new(), Vec::new());
    for disposer in disposers(databases, clock, periods) {
        let service = disposer.service;
        let what = Sentence::with("state-retention", [("name", service.to_owned())]);
        match classes(&disposer).await {
            Ok((classes, refusal)) => {
                findings.push(judged(what, &classes, refusal, clock.now()));
                all.extend(classes.into_iter().map(|kept| KeptHere { service, kept }));
            }
            Err(error) => {
                findings.push(Finding::wanting(what, Standing::Unknown, Sentence::cause(&error), "state-do-databases"));
            }
        }
    }
    (all, findings)
}

/// The classes of a service, how its audit rows stand, and why nothing goes.
async fn classes(disposer: &Disposer) -> Result<(Vec<Kept>, Option<Refusal>), DbError> {
    let mut classes = disposer.kept().await?;
    classes.push(disposer.audit_kept().await?);
    Ok((classes, disposer.refusal().await?))
}

fn judged(what: Sentence, classes: &[Kept], refusal: Option<Refusal>, now: DateTime<Utc>) -> Finding {
    let own: Vec<&Kept> = classes.iter().filter(|kept| kept.has_runs()).collect();
    // Where nothing is to go yet, nothing is amiss.
    let refusal = refusal.filter(|_| own.iter().any(|kept| kept.is_overdue || kept.last.is_some()));
    match refusal {
        Some(Refusal::HoldsUnknown) => {
            let said = "state-said-retention-holds";
            return Finding::wanting(what, Standing::Soon, said, "state-do-retention-holds");
        }
        Some(Refusal::ClockAhead(at)) => {
            let at = at.format("%Y-%m-%d %H:%M UTC").to_string();
            let said = Sentence::with("state-said-retention-clock", [("at", at)]);
            return Finding::wanting(what, Standing::Bad, said, "state-do-retention-clock");
        }
        None => {}
    }
    let last = own.iter().filter_map(|kept| kept.last.as_ref()).max_by_key(|run| run.started_at);
    let Some(last) = last else {
        let is_late = own.iter().any(|kept| kept.is_overdue);
        let standing = if is_late { Standing::Soon } else { Standing::Good };
        return Finding::judged(what, standing, "state-said-no-retention".into(), "state-do-retention");
    };
    let at = ("at", last.started_at.format("%Y-%m-%d %H:%M UTC").to_string());
    let removed: i64 = own.iter().filter_map(|kept| kept.last.as_ref()).map(|run| run.removed).sum();
    let said = Sentence::with("state-said-retention", [at.clone(), ("count", removed.to_string())]);
    if own.iter().filter_map(|kept| kept.last.as_ref()).any(|run| run.outcome == Outcome::Failed) {
        let said = Sentence::with("state-said-retention-failed", [at]);
        return Finding::wanting(what, Standing::Bad, said, "state-do-retention");
    }
    let is_old = |kept: &&Kept| kept.last_done.is_none_or(|done| now - done > DAYS_LOW);
    let standing = match (own.iter().any(is_old), own.iter().any(|kept| kept.is_overdue)) {
        (true, true) => Standing::Bad,
        (true, false) => Standing::Soon,
        (false, _) => Standing::Good,
    };
    Finding::judged(what, standing, said, "state-do-retention")
}
