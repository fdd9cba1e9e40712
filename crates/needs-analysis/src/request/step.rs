//! The steps of a request, by name and with what belongs to it.

use chrono::{DateTime, Utc};
use sanbao_platform::id::OrganisationId;
use sanbao_platform::lifecycle::{Step, StepName};
use sanbao_platform::text_enum;
use uuid::Uuid;

use super::category::{Category, Urgency};
use super::details::Details;
use super::id::RequestId;
use super::model::Assignee;
use super::state::RequestStateName;

/// The words that came with a step.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Said {
    /// Why; steps that need a reason are given one.
    pub reason: Option<String>,
    /// A remark to remember.
    pub note: Option<String>,
}

text_enum! {
    /// Whether the elder was content with what was done.
    pub enum Satisfaction {
        /// 满意
        Satisfied = "satisfied",
        /// 不满意
        Unsatisfied = "unsatisfied",
    }
}

/// Something that is done to a request.
#[derive(Clone, Debug)]
pub enum RequestStep {
    /// Confirms category and urgency, or puts them right.
    Triage {
        /// The right category, if it was another.
        category: Option<Category>,
        /// The right urgency, if it was another.
        urgency: Option<Urgency>,
        /// The words that were said.
        said: Said,
    },
    /// Sends it to an agency.
    Dispatch {
        agency: OrganisationId,
        /// The words that were said.
        said: Said,
    },
    /// Takes it, as the agency.
    Accept {
        /// The moment of that.
        at: DateTime<Utc>,
        /// The words that were said.
        said: Said,
    },
    /// Gives it back, as the agency.
    Reject(Said),
    /// Settles it on the telephone.
    Resolve(Said),
    /// It is not wanted any more.
    Cancel(Said),
    /// Pushes it.
    Escalate(Said),
    /// It goes on in another request.
    Merge {
        into: RequestId,
        /// The words that were said.
        said: Said,
    },
    /// The elder was asked.
    FollowUp {
        /// Whether they were content; of the reason is told why not.
        satisfaction: Option<Satisfaction>,
        /// The words that were said.
        said: Said,
    },
    /// Closes the file.
    Close(Said),
    /// The elder was not content.
    Reopen(Said),
    /// Somebody has called about it again: what was said is joined to it.
    Append {
        /// As urgent as the later call.
        urgency: Urgency,
        /// The words that were said.
        said: Said,
    },
    /// It is a request of its own again.
    Separate {
        /// The state that it was merged from.
        back: RequestStateName,
        /// The words that were said.
        said: Said,
    },
    /// A person puts right what it says.
    Edit {
        details: Box<Details>,
        /// The words that were said.
        said: Said,
    },
    /// A remark of somebody who has to do with it.
    Comment(Said),
    /// Somebody of the office takes it in hand, or nobody has it any more.
    Assign {
        to: Option<Assignee>,
        /// The words that were said.
        said: Said,
    },
    /// The elder is waited for: its clock stands still.
    Pause {
        /// It goes on then by itself.
        until: DateTime<Utc>,
        /// The words that were said.
        said: Said,
    },
    /// The clock goes on.
    Resume(Said),
    /// The row that it came from has changed.
    Update {
        /// The row's details as they are now.
        details: Box<Details>,
        /// The import.
        said: Said,
    },
    /// The agency gave a visit a time.
    VisitScheduled(Option<Uuid>),
    /// The caregiver checked in.
    VisitStarted(Option<Uuid>),
    /// The caregiver checked out.
    VisitCompleted(Option<Uuid>),
    /// The visit was called off; the order stands and can be repeated.
    VisitCancelled(Said),
    /// Nobody opened.
    VisitNoShow(Option<Uuid>),
    /// The agency called off the order before it had a time.
    OrderCancelled(Said),
}

text_enum! {
    /// A step by its name, as the API's paths, the history and audit rows have it.
    pub enum RequestStepName {
        /// 分类: confirm category and urgency.
        Triage = "triage",
        /// 派单: send to an agency.
        Dispatch = "dispatch",
        /// 接单: take it (the agency).
        Accept = "accept",
        /// 退单: give it back with a reason (the agency).
        Reject = "reject",
        /// 当场答复: settled on the telephone.
        Resolve = "resolve",
        /// 取消: not wanted any more, with a reason.
        Cancel = "cancel",
        /// 督办: push it.
        Escalate = "escalate",
        /// 并单: go on in another request.
        Merge = "merge",
        /// 回访: ask the elder.
        FollowUp = "follow-up",
        /// 办结: close the file.
        Close = "close",
        /// 重办: the elder was not content; with a reason.
        Reopen = "reopen",
        /// 又有来电: another call about it was joined to it.
        Append = "append",
        /// 撤销并单: a request of its own again.
        Separate = "separate",
        /// 修改: put right what it says.
        Edit = "edit",
        /// 备注: a remark.
        Comment = "comment",
        /// 指派: somebody of the office takes it in hand.
        Assign = "assign",
        /// 等老人: the elder is waited for, its clock stands still; with a reason.
        Pause = "pause",
        /// 继续计时: the clock goes on.
        Resume = "resume",
        /// 导入更新: an import brought it up to date.
        Update = "update",
        /// The agency gave a visit a time.
        VisitScheduled = "visit-scheduled",
        /// The caregiver checked in.
        VisitStarted = "visit-started",
        /// The caregiver checked out.
        VisitCompleted = "visit-completed",
        /// The visit was called off; the order stands.
        VisitCancelled = "visit-cancelled",
        /// Nobody opened.
        VisitNoShow = "visit-no-show",
        /// The agency called off the order before it had a time.
        OrderCancelled = "order-cancelled",
    }
}

impl RequestStepName {
    /// Whether it must say why.
    pub fn needs_reason(self) -> bool {
        matches!(self, Self::Reject | Self::Cancel | Self::Escalate | Self::Reopen | Self::Pause)
    }
}

impl StepName for RequestStepName {
    type Step = RequestStep;

    fn example(self) -> RequestStep {
        let said = Said::default();
        match self {
            Self::Triage => RequestStep::Triage { category: None, urgency: None, said },
            Self::Dispatch => RequestStep::Dispatch { agency: OrganisationId(Uuid::nil()), said },
            Self::Accept => RequestStep::Accept { at: DateTime::UNIX_EPOCH, said },
            Self::Reject => RequestStep::Reject(said),
            Self::Resolve => RequestStep::Resolve(said),
            Self::Cancel => RequestStep::Cancel(said),
            Self::Escalate => RequestStep::Escalate(said),
            Self::Merge => RequestStep::Merge { into: RequestId(Uuid::nil()), said },
            Self::FollowUp => RequestStep::FollowUp { satisfaction: None, said },
            Self::Close => RequestStep::Close(said),
            Self::Reopen => RequestStep::Reopen(said),
            Self::Append => RequestStep::Append { urgency: Urgency::Normal, said },
            Self::Separate => RequestStep::Separate { back: RequestStateName::Received, said },
            Self::Edit => RequestStep::Edit { details: Box::new(Details::blank()), said },
            Self::Comment => RequestStep::Comment(said),
            Self::Assign => RequestStep::Assign { to: None, said },
            Self::Pause => RequestStep::Pause { until: DateTime::UNIX_EPOCH, said },
            Self::Resume => RequestStep::Resume(said),
            Self::Update => RequestStep::Update { details: Box::new(Details::blank()), said },
            Self::VisitScheduled => RequestStep::VisitScheduled(None),
            Self::VisitStarted => RequestStep::VisitStarted(None),
            Self::VisitCompleted => RequestStep::VisitCompleted(None),
            Self::VisitCancelled => RequestStep::VisitCancelled(said),
            Self::VisitNoShow => RequestStep::VisitNoShow(None),
            Self::OrderCancelled => RequestStep::OrderCancelled(said),
        }
    }

    fn by_person(self) -> bool {
        match self {
            Self::Triage
            | Self::Dispatch
            | Self::Accept
            | Self::Reject
            | Self::Resolve
            | Self::Cancel
            | Self::Escalate
            | Self::Merge
            | Self::FollowUp
            | Self::Close
            | Self::Reopen
            | Self::Separate
            | Self::Edit
            | Self::Comment
            | Self::Assign
            | Self::Pause
            | Self::Resume => true,
            Self::Append
            | Self::Update
            | Self::VisitScheduled
            | Self::VisitStarted
            | Self::VisitCompleted
            | Self::VisitCancelled
            | Self::VisitNoShow
            | Self::OrderCancelled => false,
        }
    }
}

impl RequestStep {
    fn said(&self) -> Option<&Said> {
        match self {
            Self::Triage { said, .. }
            | Self::Dispatch { said, .. }
            | Self::Accept { said, .. }
            | Self::Reject(said)
            | Self::Resolve(said)
            | Self::Cancel(said)
            | Self::Escalate(said)
            | Self::Merge { said, .. }
            | Self::FollowUp { said, .. }
            | Self::Close(said)
            | Self::Reopen(said)
            | Self::Append { said, .. }
            | Self::Separate { said, .. }
            | Self::Edit { said, .. }
            | Self::Comment(said)
            | Self::Assign { said, .. }
            | Self::Pause { said, .. }
            | Self::Resume(said)
            | Self::Update { said, .. }
            | Self::VisitCancelled(said)
            | Self::OrderCancelled(said) => Some(said),
            Self::VisitScheduled(_) | Self::VisitStarted(_) | Self::VisitCompleted(_) | Self::VisitNoShow(_) => None,
        }
    }
}

impl Step for RequestStep {
    type Name = RequestStepName;

    fn name(&self) -> RequestStepName {
        match self {
            Self::Triage { .. } => RequestStepName::Triage,
            Self::Dispatch { .. } => RequestStepName::Dispatch,
            Self::Accept { .. } => RequestStepName::Accept,
            Self::Reject(_) => RequestStepName::Reject,
            Self::Resolve(_) => RequestStepName::Resolve,
            Self::Cancel(_) => RequestStepName::Cancel,
            Self::Escalate(_) => RequestStepName::Escalate,
            Self::Merge { .. } => RequestStepName::Merge,
            Self::FollowUp { .. } => RequestStepName::FollowUp,
            Self::Close(_) => RequestStepName::Close,
            Self::Reopen(_) => RequestStepName::Reopen,
            Self::Append { .. } => RequestStepName::Append,
            Self::Separate { .. } => RequestStepName::Separate,
            Self::Edit { .. } => RequestStepName::Edit,
            Self::Comment(_) => RequestStepName::Comment,
            Self::Assign { .. } => RequestStepName::Assign,
            Self::Pause { .. } => RequestStepName::Pause,
            Self::Resume(_) => RequestStepName::Resume,
            Self::Update { .. } => RequestStepName::Update,
            Self::VisitScheduled(_) => RequestStepName::VisitScheduled,
            Self::VisitStarted(_) => RequestStepName::VisitStarted,
            Self::VisitCompleted(_) => RequestStepName::VisitCompleted,
            Self::VisitCancelled(_) => RequestStepName::VisitCancelled,
            Self::VisitNoShow(_) => RequestStepName::VisitNoShow,
            Self::OrderCancelled(_) => RequestStepName::OrderCancelled,
        }
    }

    fn reason(&self) -> Option<&str> {
        self.said()?.reason.as_deref()
    }

    fn note(&self) -> Option<&str> {
        self.said()?.note.as_deref()
    }
}
