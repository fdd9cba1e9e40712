//! The work order's life (工单): its states, its steps, and which step leads where.
//!
//! The table is data: [`State::step`] is the only way from one state to another, and everything that
//! shows, documents or tests the life cycle reads the same table.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Where a request stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, sqlx::Type, ToSchema)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum State {
    /// 已受理: taken down.
    Received,
    /// 已分类: its category and urgency are confirmed.
    Triaged,
    /// 已派单: sent to an agency.
    Dispatched,
    /// 已接单: the agency took it.
    Accepted,
    /// 已预约: a visit is planned.
    Scheduled,
    /// 服务中: somebody is there.
    InService,
    /// 已完成: the service is done.
    Done,
    /// 已回访: the elder was asked.
    FollowedUp,
    /// 已办结: the file is closed.
    Closed,
    /// 退单: the agency gave it back.
    Rejected,
    /// 取消: not wanted any more.
    Cancelled,
    /// 爽约: nobody opened the door.
    NoShow,
    /// 督办: the street office pushes it itself.
    Escalated,
    /// 重办: the elder was not content.
    Reopened,
    /// 并单: it goes on in another request.
    Merged,
}

/// What can be done with a request. The last five happen by events of the visit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, sqlx::Type, ToSchema)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum Step {
    /// 分类: confirm category and urgency.
    Triage,
    /// 派单: send to an agency.
    Dispatch,
    /// 接单: take it (the agency).
    Accept,
    /// 退单: give it back with a reason (the agency).
    Reject,
    /// 当场答复: settled on the telephone.
    Resolve,
    /// 取消: not wanted any more, with a reason.
    Cancel,
    /// 督办: push it.
    Escalate,
    /// 并单: go on in another request.
    Merge,
    /// 回访: ask the elder.
    FollowUp,
    /// 办结: close the file.
    Close,
    /// 重办: the elder was not content; with a reason.
    Reopen,
    /// The agency planned a visit.
    VisitScheduled,
    /// The caregiver checked in.
    VisitStarted,
    /// The caregiver checked out.
    VisitCompleted,
    /// The visit was called off; the order stands.
    VisitCancelled,
    /// Nobody opened.
    VisitNoShow,
}

use State::{
    Accepted, Cancelled, Closed, Dispatched, Done, Escalated, FollowedUp, InService, Merged, NoShow, Received,
    Rejected, Reopened, Scheduled, Triaged,
};

/// The whole life cycle: a step, the states it may be taken from, the state it leads to.
pub const TABLE: &[(Step, &[State], State)] = &[
    (Step::Triage, &[Received, Rejected, NoShow, Escalated, Reopened], Triaged),
    (Step::Dispatch, &[Triaged, Rejected, NoShow, Escalated, Reopened], Dispatched),
    (Step::Accept, &[Dispatched], Accepted),
    (Step::Reject, &[Dispatched, Accepted], Rejected),
    (Step::Resolve, &[Received, Triaged, Escalated, Reopened], Done),
    (
        Step::Cancel,
        &[Received, Triaged, Dispatched, Accepted, Scheduled, Rejected, NoShow, Escalated, Reopened],
        Cancelled,
    ),
    (Step::Escalate, &[Received, Triaged, Dispatched, Accepted, Rejected, NoShow, Reopened], Escalated),
    (Step::Merge, &[Received, Triaged, Dispatched, Rejected, Escalated, Reopened], Merged),
    (Step::FollowUp, &[Done], FollowedUp),
    (Step::Close, &[FollowedUp], Closed),
    (Step::Reopen, &[Done, FollowedUp], Reopened),
    (Step::VisitScheduled, &[Accepted, NoShow, Escalated], Scheduled),
    (Step::VisitStarted, &[Accepted, Scheduled, NoShow, Escalated], InService),
    (Step::VisitCompleted, &[Accepted, Scheduled, InService, Escalated], Done),
    (Step::VisitCancelled, &[Scheduled], Accepted),
    (Step::VisitNoShow, &[Accepted, Scheduled, InService, Escalated], NoShow),
];

/// A step that the state does not allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{step:?} is not possible from {state:?}")]
pub struct InvalidStep {
    /// Where the request stands.
    pub state: State,
    /// What was tried.
    pub step: Step,
}

impl State {
    /// All states, in the order of a life.
    pub const ALL: [Self; 15] = [
        Received, Triaged, Dispatched, Accepted, Scheduled, InService, Done, FollowedUp, Closed, Rejected, Cancelled,
        NoShow, Escalated, Reopened, Merged,
    ];

    /// The state after `step`.
    pub fn step(self, step: Step) -> Result<Self, InvalidStep> {
        let row = TABLE.iter().find(|(s, from, _)| *s == step && from.contains(&self));
        row.map(|(_, _, to)| *to).ok_or(InvalidStep { state: self, step })
    }

    /// What people may do from here; a visit's events are not among them.
    pub fn legal(self) -> impl Iterator<Item = Step> {
        TABLE.iter().filter(move |(step, from, _)| !step.by_event() && from.contains(&self)).map(|(step, ..)| *step)
    }

    /// Whether nothing follows.
    pub fn is_terminal(self) -> bool {
        matches!(self, Closed | Cancelled | Merged)
    }

    /// Its name in the database and the API.
    pub fn name(self) -> &'static str {
        match self {
            Received => "received",
            Triaged => "triaged",
            Dispatched => "dispatched",
            Accepted => "accepted",
            Scheduled => "scheduled",
            InService => "in_service",
            Done => "done",
            FollowedUp => "followed_up",
            Closed => "closed",
            Rejected => "rejected",
            Cancelled => "cancelled",
            NoShow => "no_show",
            Escalated => "escalated",
            Reopened => "reopened",
            Merged => "merged",
        }
    }

    /// The Chinese word.
    pub fn zh(self) -> &'static str {
        match self {
            Received => "已受理",
            Triaged => "已分类",
            Dispatched => "已派单",
            Accepted => "已接单",
            Scheduled => "已预约",
            InService => "服务中",
            Done => "已完成",
            FollowedUp => "已回访",
            Closed => "已办结",
            Rejected => "退单",
            Cancelled => "已取消",
            NoShow => "爽约",
            Escalated => "督办",
            Reopened => "重办",
            Merged => "已并单",
        }
    }

    /// The English word.
    pub fn en(self) -> &'static str {
        match self {
            Received => "Received",
            Triaged => "Triaged",
            Dispatched => "Dispatched",
            Accepted => "Accepted",
            Scheduled => "Scheduled",
            InService => "In service",
            Done => "Done",
            FollowedUp => "Followed up",
            Closed => "Closed",
            Rejected => "Given back",
            Cancelled => "Cancelled",
            NoShow => "No show",
            Escalated => "Escalated",
            Reopened => "Reopened",
            Merged => "Merged",
        }
    }

    /// The state of a name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|s| s.name() == name)
    }
}

impl Step {
    /// The last part of its route: `POST /v1/requests/{id}/follow-up`.
    pub fn path(self) -> &'static str {
        match self {
            Self::Triage => "triage",
            Self::Dispatch => "dispatch",
            Self::Accept => "accept",
            Self::Reject => "reject",
            Self::Resolve => "resolve",
            Self::Cancel => "cancel",
            Self::Escalate => "escalate",
            Self::Merge => "merge",
            Self::FollowUp => "follow-up",
            Self::Close => "close",
            Self::Reopen => "reopen",
            Self::VisitScheduled => "visit-scheduled",
            Self::VisitStarted => "visit-started",
            Self::VisitCompleted => "visit-completed",
            Self::VisitCancelled => "visit-cancelled",
            Self::VisitNoShow => "visit-no-show",
        }
    }

    /// Whether only an event of a visit takes it.
    pub fn by_event(self) -> bool {
        self >= Self::VisitScheduled
    }

    /// Whether it must say why.
    pub fn needs_reason(self) -> bool {
        matches!(self, Self::Reject | Self::Cancel | Self::Escalate | Self::Reopen)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_step_and_state_has_one_answer_and_terminal_states_have_none() {
        for state in State::ALL {
            let steps: Vec<_> = TABLE.iter().filter(|(_, from, _)| from.contains(&state)).collect();
            assert_eq!(steps.is_empty(), state.is_terminal(), "{state:?}");
            for (step, _, to) in steps {
                assert_eq!(state.step(*step), Ok(*to));
                assert_ne!(state, *to);
            }
            assert_eq!(State::from_name(state.name()), Some(state));
            assert_eq!(serde_json::to_value(state).ok(), Some(state.name().into()));
        }
        assert_eq!(Closed.step(Step::Reopen), Err(InvalidStep { state: Closed, step: Step::Reopen }));
    }

    #[test]
    fn every_state_is_reached_and_every_open_one_can_end() {
        let mut reached = vec![Received];
        while let Some(next) = TABLE
            .iter()
            .find(|(_, from, to)| !reached.contains(to) && from.iter().any(|s| reached.contains(s)))
            .map(|(_, _, to)| *to)
        {
            reached.push(next);
        }
        assert_eq!(reached.len(), State::ALL.len());
        let mut ending: Vec<State> = State::ALL.into_iter().filter(|s| s.is_terminal()).collect();
        while let Some(next) = TABLE
            .iter()
            .filter(|(_, _, to)| ending.contains(to))
            .flat_map(|(_, from, _)| from.iter())
            .find(|s| !ending.contains(s))
        {
            ending.push(*next);
        }
        assert_eq!(ending.len(), State::ALL.len());
    }
}
