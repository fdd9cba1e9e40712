//! The life of a consult as a pure machine: a step consumes the state and gives the next one, or
//! says what would have been legal. States as in the field (已申请, 已受理, 已排期, …).

use chrono::{DateTime, Utc};
use sanbao_platform::problem::Problem;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::account::{AccountId, LocationId};
use crate::calendar::Interval;

/// Doctor, room and time of a consult.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Appointment {
    /// The doctor who is booked.
    pub doctor: AccountId,
    /// The room on the inviting side.
    pub room: LocationId,
    /// When.
    pub interval: Interval,
    /// How much later it will be, as somebody said.
    pub delay_minutes: i32,
}

/// A meeting that has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Held {
    /// As it was booked.
    pub appointment: Appointment,
    /// When it began in the room; `None` when it was held by telephone.
    pub started_at: Option<DateTime<Utc>>,
    /// When it ended.
    pub finished_at: DateTime<Utc>,
}

/// The state of a consult with what belongs to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// 草稿
    Draft,
    /// 已申请
    Submitted,
    /// 退回补充
    Returned {
        /// What is missing.
        reason: String,
    },
    /// 已拒绝
    Rejected {
        /// Why.
        reason: String,
    },
    /// 已受理
    Accepted {
        /// Who took it on.
        doctor: AccountId,
    },
    /// 已排期
    Scheduled(Appointment),
    /// 会诊中
    InSession {
        /// As it was booked.
        appointment: Appointment,
        /// When both sides were there.
        started_at: DateTime<Utc>,
    },
    /// 意见草拟
    OpinionDraft(Held),
    /// 已签署
    Signed(Held),
    /// 已执行反馈
    Adopted(Held),
    /// 已归档
    Archived(Held),
    /// 已取消
    Cancelled {
        /// Why.
        reason: String,
        /// What was booked, if anything.
        appointment: Option<Appointment>,
    },
    /// 爽约
    NoShow {
        /// Who was missing, in words.
        reason: String,
        /// What was booked.
        appointment: Appointment,
    },
    /// 已过期
    Expired,
}

/// A state by its name alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, sqlx::Type, ToSchema)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
#[expect(missing_docs, reason = "the states of `State`")]
pub enum StateName {
    Draft,
    Submitted,
    Returned,
    Rejected,
    Accepted,
    Scheduled,
    InSession,
    OpinionDraft,
    Signed,
    Adopted,
    Archived,
    Cancelled,
    NoShow,
    Expired,
}

/// Something that is done to a consult.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Change the invitation.
    Revise,
    /// Send it to the hospital.
    Submit,
    /// Send it back for more facts.
    Return(String),
    /// Refuse it.
    Reject(String),
    /// Take it on.
    Accept(AccountId),
    /// Give it doctor, room and time.
    Schedule(Appointment),
    /// Give it others.
    Reschedule(Appointment),
    /// Say that it will be late by so many minutes.
    Delay(i32),
    /// Call it off.
    Cancel(String),
    /// Both sides are in the room.
    Start(DateTime<Utc>),
    /// The meeting is over.
    Finish(DateTime<Utc>),
    /// Somebody did not come.
    NoShow(String),
    /// Write the opinion.
    SaveOpinion,
    /// Sign the opinion.
    Sign,
    /// Say what was done with the opinion.
    Adopt,
    /// Close the file.
    Archive,
    /// Nobody acted in the wanted time.
    Expire,
}

/// A step that the state does not allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{action} is not possible while {from:?}")]
pub struct InvalidTransition {
    /// The state.
    pub from: StateName,
    /// What was tried.
    pub action: &'static str,
}

impl From<InvalidTransition> for Problem {
    fn from(refused: InvalidTransition) -> Self {
        Self::invalid_transition(refused.from, refused.action, refused.from.legal())
    }
}

impl StateName {
    /// All of them, in the order of a consult's life.
    pub const ALL: [Self; 14] = [
        Self::Draft,
        Self::Submitted,
        Self::Returned,
        Self::Rejected,
        Self::Accepted,
        Self::Scheduled,
        Self::InSession,
        Self::OpinionDraft,
        Self::Signed,
        Self::Adopted,
        Self::Archived,
        Self::Cancelled,
        Self::NoShow,
        Self::Expired,
    ];

    /// The name as stored, sent and published.
    pub fn name(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Submitted => "submitted",
            Self::Returned => "returned",
            Self::Rejected => "rejected",
            Self::Accepted => "accepted",
            Self::Scheduled => "scheduled",
            Self::InSession => "in_session",
            Self::OpinionDraft => "opinion_draft",
            Self::Signed => "signed",
            Self::Adopted => "adopted",
            Self::Archived => "archived",
            Self::Cancelled => "cancelled",
            Self::NoShow => "no_show",
            Self::Expired => "expired",
        }
    }

    /// The steps that are possible from here, by their names in the API.
    pub fn legal(self) -> &'static [&'static str] {
        match self {
            Self::Draft => &["revise", "submit", "cancel"],
            Self::Submitted => &["accept", "return", "reject", "cancel", "expire"],
            Self::Returned => &["revise", "submit", "cancel", "expire"],
            Self::Accepted => &["schedule", "cancel", "expire"],
            Self::Scheduled => &["reschedule", "delay", "cancel", "start", "finish", "no_show"],
            Self::InSession => &["finish", "save_opinion"],
            Self::OpinionDraft => &["save_opinion", "sign"],
            Self::Signed => &["adopt"],
            Self::Adopted => &["archive"],
            Self::Rejected | Self::Archived | Self::Cancelled | Self::NoShow | Self::Expired => &[],
        }
    }

    /// Whether nothing can follow.
    pub fn is_final(self) -> bool {
        self.legal().is_empty()
    }
}

impl Step {
    /// The step's name in the API, in the history and in audit rows.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Revise => "revise",
            Self::Submit => "submit",
            Self::Return(_) => "return",
            Self::Reject(_) => "reject",
            Self::Accept(_) => "accept",
            Self::Schedule(_) => "schedule",
            Self::Reschedule(_) => "reschedule",
            Self::Delay(_) => "delay",
            Self::Cancel(_) => "cancel",
            Self::Start(_) => "start",
            Self::Finish(_) => "finish",
            Self::NoShow(_) => "no_show",
            Self::SaveOpinion => "save_opinion",
            Self::Sign => "sign",
            Self::Adopt => "adopt",
            Self::Archive => "archive",
            Self::Expire => "expire",
        }
    }

    /// What was said with it.
    pub fn note(&self) -> Option<&str> {
        match self {
            Self::Return(reason) | Self::Reject(reason) | Self::Cancel(reason) | Self::NoShow(reason) => Some(reason),
            _ => None,
        }
    }
}

impl State {
    /// The next state, or what would have been legal.
    pub fn apply(self, step: Step) -> Result<Self, InvalidTransition> {
        let refused = InvalidTransition { from: self.name(), action: step.name() };
        match (self, step) {
            (same @ (Self::Draft | Self::Returned { .. }), Step::Revise)
            | (same @ (Self::InSession { .. } | Self::OpinionDraft(_)), Step::SaveOpinion) => Ok(same),
            (Self::Draft | Self::Returned { .. }, Step::Submit) => Ok(Self::Submitted),
            (Self::Submitted, Step::Return(reason)) => Ok(Self::Returned { reason }),
            (Self::Submitted, Step::Reject(reason)) => Ok(Self::Rejected { reason }),
            (Self::Submitted, Step::Accept(doctor)) => Ok(Self::Accepted { doctor }),
            (Self::Accepted { .. }, Step::Schedule(to)) | (Self::Scheduled(_), Step::Reschedule(to)) => {
                Ok(Self::Scheduled(to))
            }
            (Self::Scheduled(a), Step::Delay(delay_minutes)) => Ok(Self::Scheduled(Appointment { delay_minutes, ..a })),
            (Self::Draft | Self::Submitted | Self::Returned { .. } | Self::Accepted { .. }, Step::Cancel(reason)) => {
                Ok(Self::Cancelled { reason, appointment: None })
            }
            (Self::Scheduled(a), Step::Cancel(reason)) => Ok(Self::Cancelled { reason, appointment: Some(a) }),
            (Self::Scheduled(appointment), Step::Start(started_at)) => Ok(Self::InSession { appointment, started_at }),
            (Self::InSession { appointment, started_at }, Step::Finish(finished_at)) => {
                Ok(Self::OpinionDraft(Held { appointment, started_at: Some(started_at), finished_at }))
            }
            // By telephone, when no line would carry pictures.
            (Self::Scheduled(appointment), Step::Finish(finished_at)) => {
                Ok(Self::OpinionDraft(Held { appointment, started_at: None, finished_at }))
            }
            (Self::Scheduled(appointment), Step::NoShow(reason)) => Ok(Self::NoShow { reason, appointment }),
            (Self::OpinionDraft(held), Step::Sign) => Ok(Self::Signed(held)),
            (Self::Signed(held), Step::Adopt) => Ok(Self::Adopted(held)),
            (Self::Adopted(held), Step::Archive) => Ok(Self::Archived(held)),
            (Self::Submitted | Self::Returned { .. } | Self::Accepted { .. }, Step::Expire) => Ok(Self::Expired),
            _ => Err(refused),
        }
    }

    /// The state's name.
    pub fn name(&self) -> StateName {
        match self {
            Self::Draft => StateName::Draft,
            Self::Submitted => StateName::Submitted,
            Self::Returned { .. } => StateName::Returned,
            Self::Rejected { .. } => StateName::Rejected,
            Self::Accepted { .. } => StateName::Accepted,
            Self::Scheduled(_) => StateName::Scheduled,
            Self::InSession { .. } => StateName::InSession,
            Self::OpinionDraft(_) => StateName::OpinionDraft,
            Self::Signed(_) => StateName::Signed,
            Self::Adopted(_) => StateName::Adopted,
            Self::Archived(_) => StateName::Archived,
            Self::Cancelled { .. } => StateName::Cancelled,
            Self::NoShow { .. } => StateName::NoShow,
            Self::Expired => StateName::Expired,
        }
    }

    /// Doctor, room and time, once booked.
    pub fn appointment(&self) -> Option<&Appointment> {
        match self {
            Self::Scheduled(a) | Self::InSession { appointment: a, .. } | Self::NoShow { appointment: a, .. } => {
                Some(a)
            }
            Self::OpinionDraft(held) | Self::Signed(held) | Self::Adopted(held) | Self::Archived(held) => {
                Some(&held.appointment)
            }
            Self::Cancelled { appointment, .. } => appointment.as_ref(),
            _ => None,
        }
    }

    /// The doctor who answers for it, from acceptance on.
    pub fn doctor(&self) -> Option<AccountId> {
        match self {
            Self::Accepted { doctor } => Some(*doctor),
            other => other.appointment().map(|a| a.doctor),
        }
    }

    /// What was said when it came into this state.
    pub fn note(&self) -> Option<&str> {
        match self {
            Self::Returned { reason }
            | Self::Rejected { reason }
            | Self::Cancelled { reason, .. }
            | Self::NoShow { reason, .. } => Some(reason),
            _ => None,
        }
    }

    /// When the meeting began and ended.
    pub fn meeting(&self) -> (Option<DateTime<Utc>>, Option<DateTime<Utc>>) {
        match self {
            Self::InSession { started_at, .. } => (Some(*started_at), None),
            Self::OpinionDraft(h) | Self::Signed(h) | Self::Adopted(h) | Self::Archived(h) => {
                (h.started_at, Some(h.finished_at))
            }
            _ => (None, None),
        }
    }
}

#[cfg(test)]
#[path = "state_tests.rs"]
mod tests;
