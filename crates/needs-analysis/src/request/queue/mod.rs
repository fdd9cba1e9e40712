//! The queues of the desk: what is waited for, by when, and who has it in hand.
//!
//! - [`Waiting`]: the one step that an open request waits for
//! - [`Queue`]: the requests that a tab shows, sorted by when they are due
//! - `store`: their statements and counts; `place`: requests that have no place yet, and clocks by other rules
//! - [`people`]: those to whom a request can be given

mod emergency;
pub mod people;
mod place;
mod store;

use sanbao_platform::text_enum;

use super::state::RequestStateName;

pub use emergency::{Emergency, emergencies};
pub use place::{place_all, task};
pub use store::{COUNT_MAX, QueueCounts, counts, due};

text_enum! {
    /// The step that an open request waits for.
    pub enum Waiting {
        /// 待派: somebody of the office has to decide.
        Dispatch = "dispatch",
        /// 待接: an agency has to answer.
        Answer = "answer",
        /// 服务中: an agency has it.
        Service = "service",
        /// 待回访: the elder has to be asked, or the file to be closed.
        FollowUp = "follow_up",
    }
}

impl Waiting {
    /// The step that a request in a state waits for; `None` once it has ended.
    pub fn of(state: RequestStateName) -> Option<Self> {
        use RequestStateName as S;
        match state {
            S::Received | S::Triaged | S::Rejected | S::NoShow | S::Escalated | S::Reopened => Some(Self::Dispatch),
            S::Dispatched => Some(Self::Answer),
            S::Accepted | S::Scheduled | S::InService => Some(Self::Service),
            S::Done | S::FollowedUp => Some(Self::FollowUp),
            S::Closed | S::Cancelled | S::Merged => None,
        }
    }
}

text_enum! {
    /// A queue of the desk.
    pub enum Queue {
        /// 全部在办: all that have not ended.
        Open = "open",
        /// 紧急: urgent ones that are not done.
        Urgent = "urgent",
        /// 快到期: little time is left.
        Soon = "soon",
        /// 已超时: too late.
        Overdue = "overdue",
        /// 待派: to be sent to an agency.
        Dispatch = "dispatch",
        /// 待接: to be answered by an agency.
        Answer = "answer",
        /// 服务中: an agency has it.
        Service = "service",
        /// 待回访: the elder is to be asked.
        FollowUp = "follow_up",
        /// 等老人: the clock stands still.
        Paused = "paused",
        /// 我的: in the caller's own hand.
        Mine = "mine",
    }
}

impl Queue {
    /// The one step that its requests wait for, where that makes the queue.
    pub fn waits_for(self) -> Option<Waiting> {
        match self {
            Self::Dispatch => Some(Waiting::Dispatch),
            Self::Answer => Some(Waiting::Answer),
            Self::Service => Some(Waiting::Service),
            Self::FollowUp => Some(Waiting::FollowUp),
            Self::Open | Self::Urgent | Self::Soon | Self::Overdue | Self::Paused | Self::Mine => None,
        }
    }
}
