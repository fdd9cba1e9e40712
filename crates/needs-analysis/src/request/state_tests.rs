//! The life cycle as a picture, and what must hold of it.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeSet;
use std::fmt::Write as _;

use sanbao_platform::lifecycle::{StepName as _, legal_nowhere};

use super::*;
use crate::request::step::RequestStepName;

fn engagement() -> Engagement {
    Engagement { agency: OrganisationId(Uuid::from_u128(7)), accepted_at: DateTime::UNIX_EPOCH, visit: None }
}

/// Every state; those whose steps depend on what belongs to them more than once.
fn every_state() -> Vec<RequestState> {
    use RequestState as S;
    let (agency, engaged) = (engagement().agency, Involvement::Engaged(engagement()));
    let of = |name: &RequestStateName| match name {
        RequestStateName::Received => vec![S::Received],
        RequestStateName::Triaged => vec![S::Triaged],
        RequestStateName::Dispatched => vec![S::Dispatched { agency }],
        RequestStateName::Accepted => vec![S::Accepted(engagement())],
        RequestStateName::Scheduled => vec![S::Scheduled(engagement())],
        RequestStateName::InService => vec![S::InService(engagement())],
        RequestStateName::Done => vec![S::Done(engaged)],
        RequestStateName::FollowedUp => vec![S::FollowedUp(engaged)],
        RequestStateName::Closed => vec![S::Closed(engaged)],
        RequestStateName::Rejected => vec![S::Rejected { agency }],
        RequestStateName::Cancelled => vec![S::Cancelled(Involvement::Nobody)],
        RequestStateName::NoShow => vec![S::NoShow(engagement())],
        RequestStateName::Escalated => vec![S::Escalated(Involvement::Nobody), S::Escalated(engaged)],
        RequestStateName::Reopened => vec![S::Reopened(Involvement::Asked(agency))],
        RequestStateName::Merged => {
            vec![S::Merged { into: RequestId(Uuid::nil()), involvement: Involvement::Nobody }]
        }
    };
    RequestStateName::ALL.iter().flat_map(of).collect()
}

#[test]
fn the_life_cycle_is_as_reviewed() {
    let mut told = String::new();
    for state in every_state() {
        let with = if state.order().is_some() { " (an agency has taken it)" } else { "" };
        let _ = writeln!(told, "{}{with}", state.name());
        for name in state.legal() {
            let after = state.apply(name.example());
            let to = after.map_or("refused", |after| after.name().as_str());
            let _ = writeln!(told, "    {name} -> {to}");
        }
    }
    insta::assert_snapshot!(told);
    assert_eq!(legal_nowhere(every_state()), []);
}

#[test]
fn an_ended_request_takes_no_step_and_every_other_one_can_end() {
    for state in every_state() {
        // A remark can always be added. One that was merged by mistake is taken out again, one that was closed is opened again.
        let again = matches!(state.name(), RequestStateName::Merged | RequestStateName::Closed);
        let ended = !state.name().is_open() && !again;
        assert_eq!(state.legal() == [RequestStepName::Comment], ended, "{state:?}");
        assert!(every_state().iter().any(|s| s.name() == state.name()));
    }
    let closed = RequestState::Closed(Involvement::Nobody);
    let refused = closed.apply(RequestStepName::Triage.example());
    assert_eq!(refused, Err(IllegalStep { state: "closed", step: "triage" }));
    assert_eq!(closed.apply(RequestStepName::Reopen.example()), Ok(RequestState::Reopened(Involvement::Nobody)));
    let (mut reached, mut found) = (BTreeSet::new(), vec![RequestState::Received]);
    while let Some(state) = found.pop() {
        if reached.insert(state.name()) {
            found.extend(state.legal().into_iter().filter_map(|name| state.apply(name.example()).ok()));
        }
    }
    assert_eq!(reached.len(), RequestStateName::ALL.len(), "{reached:?}");
}

#[test]
fn who_was_engaged_is_released_when_the_order_ends_and_stays_known() {
    let accepted = RequestState::Accepted(engagement());
    let agency = engagement().agency;
    for name in [RequestStepName::Reject, RequestStepName::Cancel, RequestStepName::OrderCancelled] {
        let after = accepted.apply(name.example()).unwrap();
        assert_eq!((after.order(), after.involvement()), (None, Involvement::Asked(agency)), "{name}");
    }
    let pushed = accepted.apply(RequestStepName::Escalate.example()).unwrap();
    assert_eq!(pushed.order(), Some(engagement()), "an agency that has taken it may go on");
    let visit = Some(Uuid::from_u128(9));
    let done = pushed.apply(RequestStep::VisitCompleted(visit)).unwrap();
    assert_eq!(done.involvement(), Involvement::Engaged(Engagement { visit, ..engagement() }));
    assert_eq!(done.order(), None);
    let again = done.apply(RequestStepName::Reopen.example()).unwrap();
    assert_eq!(again.involvement(), Involvement::Asked(agency));
    assert_eq!(again.apply(RequestStepName::Triage.example()).unwrap().involvement(), Involvement::Nobody);
}
