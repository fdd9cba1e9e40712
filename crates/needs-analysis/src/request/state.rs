//! The work order's life (工单): where a request stands with what belongs to it there, and which step leads where.

use chrono::{DateTime, Utc};
use sanbao_platform::id::OrganisationId;
use sanbao_platform::lifecycle::{IllegalStep, State, Step as _};
use sanbao_platform::text_enum;
use uuid::Uuid;

use super::id::RequestId;
use super::step::RequestStep;

text_enum! {
    /// Where a request stands.
    #[schema(as = State)]
    pub enum RequestStateName {
        /// 已受理: taken down.
        Received = "received",
        /// 已分类: its category and urgency are confirmed.
        Triaged = "triaged",
        /// 已派单: sent to an agency.
        Dispatched = "dispatched",
        /// 已接单: the agency took it.
        Accepted = "accepted",
        /// 已预约: a visit is planned.
        Scheduled = "scheduled",
        /// 服务中: somebody is there.
        InService = "in_service",
        /// 已完成: the service is done.
        Done = "done",
        /// 已回访: the elder was asked.
        FollowedUp = "followed_up",
        /// 已办结: the file is closed.
        Closed = "closed",
        /// 退单: the agency gave it back.
        Rejected = "rejected",
        /// 取消: not wanted any more.
        Cancelled = "cancelled",
        /// 爽约: nobody opened the door.
        NoShow = "no_show",
        /// 督办: the street office pushes it itself.
        Escalated = "escalated",
        /// 重办: the elder was not content.
        Reopened = "reopened",
        /// 并单: it goes on in another request.
        Merged = "merged",
    }
}

impl RequestStateName {
    /// Whether something can still happen.
    pub fn is_open(self) -> bool {
        match self {
            Self::Closed | Self::Cancelled | Self::Merged => false,
            Self::Received
            | Self::Triaged
            | Self::Dispatched
            | Self::Accepted
            | Self::Scheduled
            | Self::InService
            | Self::Done
            | Self::FollowedUp
            | Self::Rejected
            | Self::NoShow
            | Self::Escalated
            | Self::Reopened => true,
        }
    }

    /// Whether something must happen by a time: a request of which the elder was asked only waits to be closed.
    pub fn has_clock(self) -> bool {
        self.is_open() && self != Self::FollowedUp
    }
}

/// The order that an agency has taken upon itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Engagement {
    pub agency: OrganisationId,
    /// When it took the request.
    pub accepted_at: DateTime<Utc>,
    /// The visit that it has given a time, by booking's id. An order without a time is not known here.
    pub visit: Option<Uuid>,
}

impl Engagement {
    fn with(self, visit: Option<Uuid>) -> Self {
        Self { visit, ..self }
    }
}

/// How far an agency has to do with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Involvement {
    /// None was asked.
    Nobody,
    /// It was asked, or had it once; it may read the request.
    Asked(OrganisationId),
    /// It has taken the request.
    Engaged(Engagement),
}

impl Involvement {
    /// The agency, however far it has to do with the request.
    pub fn agency(self) -> Option<OrganisationId> {
        match self {
            Self::Nobody => None,
            Self::Asked(agency) => Some(agency),
            Self::Engaged(engagement) => Some(engagement.agency),
        }
    }

    /// The order that it has taken upon itself.
    pub fn engagement(self) -> Option<Engagement> {
        match self {
            Self::Engaged(engagement) => Some(engagement),
            Self::Nobody | Self::Asked(_) => None,
        }
    }

    /// The same once nothing is to be done any more.
    fn released(self) -> Self {
        self.agency().map_or(Self::Nobody, Self::Asked)
    }
}

/// A request's state with what belongs to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestState {
    /// Taken down.
    Received,
    /// Category and urgency are confirmed; no agency has to do with it.
    Triaged,
    /// Sent to an agency that has not answered.
    Dispatched { agency: OrganisationId },
    /// The agency took it; no visit has a time.
    Accepted(Engagement),
    /// A visit has a time.
    Scheduled(Engagement),
    /// Somebody is there.
    InService(Engagement),
    /// Nobody opened the door.
    NoShow(Engagement),
    /// The service is done: by an agency, or on the telephone.
    Done(Involvement),
    /// The elder was asked.
    FollowedUp(Involvement),
    /// The file is closed.
    Closed(Involvement),
    /// The agency gave it back, or could not keep it.
    Rejected { agency: OrganisationId },
    /// Not wanted any more.
    Cancelled(Involvement),
    /// The street office pushes it; an agency that has taken it may go on.
    Escalated(Involvement),
    /// The elder was not content.
    Reopened(Involvement),
    /// It goes on in another request.
    Merged {
        into: RequestId,
        /// How far an agency had to do with it.
        involvement: Involvement,
    },
}

impl State for RequestState {
    type Name = RequestStateName;
    type Step = RequestStep;

    fn name(&self) -> RequestStateName {
        match self {
            Self::Received => RequestStateName::Received,
            Self::Triaged => RequestStateName::Triaged,
            Self::Dispatched { .. } => RequestStateName::Dispatched,
            Self::Accepted(_) => RequestStateName::Accepted,
            Self::Scheduled(_) => RequestStateName::Scheduled,
            Self::InService(_) => RequestStateName::InService,
            Self::NoShow(_) => RequestStateName::NoShow,
            Self::Done(_) => RequestStateName::Done,
            Self::FollowedUp(_) => RequestStateName::FollowedUp,
            Self::Closed(_) => RequestStateName::Closed,
            Self::Rejected { .. } => RequestStateName::Rejected,
            Self::Cancelled(_) => RequestStateName::Cancelled,
            Self::Escalated(_) => RequestStateName::Escalated,
            Self::Reopened(_) => RequestStateName::Reopened,
            Self::Merged { .. } => RequestStateName::Merged,
        }
    }

    fn apply(self, step: RequestStep) -> Result<Self, IllegalStep> {
        use RequestStep as S;
        match step {
            S::Triage { .. }
            | S::Dispatch { .. }
            | S::Accept { .. }
            | S::Reject(_)
            | S::Resolve(_)
            | S::Cancel(_)
            | S::Escalate(_)
            | S::Merge { .. }
            | S::FollowUp { .. }
            | S::Close(_)
            | S::Reopen(_) => self.handled(step),
            S::VisitScheduled(_)
            | S::VisitStarted(_)
            | S::VisitCompleted(_)
            | S::VisitCancelled(_)
            | S::VisitNoShow(_)
            | S::OrderCancelled(_) => self.visited(step),
            S::Separate { back, .. } => super::merged::separated(self, back),
            S::Comment(_) => Ok(self),
            S::Pause { .. } | S::Resume(_) if !self.name().has_clock() => Err(self.illegal(step.name())),
            S::Append { .. }
            | S::Update { .. }
            | S::Edit { .. }
            | S::Assign { .. }
            | S::Pause { .. }
            | S::Resume(_) => {
                if self.name().is_open() {
                    Ok(self)
                } else {
                    Err(self.illegal(step.name()))
                }
            }
        }
    }
}

impl RequestState {
    /// How far an agency has to do with it.
    pub fn involvement(&self) -> Involvement {
        match *self {
            Self::Received | Self::Triaged => Involvement::Nobody,
            Self::Dispatched { agency } | Self::Rejected { agency } => Involvement::Asked(agency),
            Self::Accepted(engagement)
            | Self::Scheduled(engagement)
            | Self::InService(engagement)
            | Self::NoShow(engagement) => Involvement::Engaged(engagement),
            Self::Done(involvement)
            | Self::FollowedUp(involvement)
            | Self::Closed(involvement)
            | Self::Cancelled(involvement)
            | Self::Escalated(involvement)
            | Self::Reopened(involvement)
            | Self::Merged { involvement, .. } => involvement,
        }
    }

    /// The order that an agency has still to carry out.
    pub fn order(&self) -> Option<Engagement> {
        match *self {
            Self::Accepted(engagement)
            | Self::Scheduled(engagement)
            | Self::InService(engagement)
            | Self::NoShow(engagement)
            | Self::Escalated(Involvement::Engaged(engagement)) => Some(engagement),
            Self::Received
            | Self::Triaged
            | Self::Dispatched { .. }
            | Self::Done(_)
            | Self::FollowedUp(_)
            | Self::Closed(_)
            | Self::Rejected { .. }
            | Self::Cancelled(_)
            | Self::Escalated(Involvement::Nobody | Involvement::Asked(_))
            | Self::Reopened(_)
            | Self::Merged { .. } => None,
        }
    }

    /// The next state by a step of the street office or the agency.
    fn handled(self, step: RequestStep) -> Result<Self, IllegalStep> {
        use RequestStep as S;
        let involvement = self.involvement();
        Ok(match (self, step) {
            (
                Self::Received | Self::Rejected { .. } | Self::NoShow(_) | Self::Escalated(_) | Self::Reopened(_),
                S::Triage { .. },
            ) => Self::Triaged,
            (
                Self::Triaged | Self::Rejected { .. } | Self::NoShow(_) | Self::Escalated(_) | Self::Reopened(_),
                S::Dispatch { agency, .. },
            ) => Self::Dispatched { agency },
            (Self::Dispatched { agency }, S::Accept { at, .. }) => {
                Self::Accepted(Engagement { agency, accepted_at: at, visit: None })
            }
            (Self::Dispatched { agency } | Self::Accepted(Engagement { agency, .. }), S::Reject(_)) => {
                Self::Rejected { agency }
            }
            (Self::Received | Self::Triaged | Self::Escalated(_) | Self::Reopened(_), S::Resolve(_)) => {
                Self::Done(involvement.released())
            }
            (
                Self::Received
                | Self::Triaged
                | Self::Dispatched { .. }
                | Self::Accepted(_)
                | Self::Scheduled(_)
                | Self::Rejected { .. }
                | Self::NoShow(_)
                | Self::Escalated(_)
                | Self::Reopened(_),
                S::Cancel(_),
            ) => Self::Cancelled(involvement.released()),
            (
                Self::Received
                | Self::Triaged
                | Self::Dispatched { .. }
                | Self::Accepted(_)
                | Self::Rejected { .. }
                | Self::NoShow(_)
                | Self::Reopened(_),
                S::Escalate(_),
            ) => Self::Escalated(involvement),
            (
                Self::Received
                | Self::Triaged
                | Self::Dispatched { .. }
                | Self::Rejected { .. }
                | Self::Escalated(_)
                | Self::Reopened(_),
                S::Merge { into, .. },
            ) => Self::Merged { into, involvement: involvement.released() },
            (Self::Done(_), S::FollowUp { .. }) => Self::FollowedUp(involvement),
            (Self::FollowedUp(_), S::Close(_)) => Self::Closed(involvement),
            (Self::Done(_) | Self::FollowedUp(_) | Self::Closed(_), S::Reopen(_)) => {
                Self::Reopened(involvement.released())
            }
            (other, step) => return Err(other.illegal(step.name())),
        })
    }

    /// The next state by a visit's step.
    fn visited(self, step: RequestStep) -> Result<Self, IllegalStep> {
        use Involvement::Engaged;
        use RequestStep as S;
        Ok(match (self, step) {
            (Self::Accepted(e) | Self::NoShow(e) | Self::Escalated(Engaged(e)), S::VisitScheduled(visit)) => {
                Self::Scheduled(e.with(visit))
            }
            (
                Self::Accepted(e) | Self::Scheduled(e) | Self::NoShow(e) | Self::Escalated(Engaged(e)),
                S::VisitStarted(visit),
            ) => Self::InService(e.with(visit)),
            (
                Self::Accepted(e) | Self::Scheduled(e) | Self::InService(e) | Self::Escalated(Engaged(e)),
                S::VisitCompleted(visit),
            ) => Self::Done(Engaged(e.with(visit))),
            (
                Self::Accepted(e) | Self::Scheduled(e) | Self::InService(e) | Self::Escalated(Engaged(e)),
                S::VisitNoShow(visit),
            ) => Self::NoShow(e.with(visit)),
            (Self::Scheduled(e), S::VisitCancelled(_)) => Self::Accepted(e.with(None)),
            (Self::Accepted(e) | Self::Escalated(Engaged(e)), S::OrderCancelled(_)) => {
                Self::Rejected { agency: e.agency }
            }
            (other, step) => return Err(other.illegal(step.name())),
        })
    }
}

#[cfg(test)]
#[path = "state_tests.rs"]
mod tests;
