//! The life of a consult as a pure machine: a step consumes the state and gives the next one, or
//! is refused. States as in the field (已申请, 已受理, 已排期, …).

use chrono::{DateTime, Utc};
use sanbao_platform::lifecycle::{IllegalStep, State, Step, StepName};
use sanbao_platform::text_enum;
use uuid::Uuid;

pub use super::appointment::Appointment;
pub use super::carried::{Booked, Delayed, Exchanged, Revision, TakenOn};
use super::id::ConsultId;
use super::input::Invitation;
use crate::account::{AccountId, LocationId};
use crate::calendar::Interval;

/// A meeting that has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Held {
    /// As it was booked.
    pub appointment: Appointment,
    /// When it began in the room; `None` when it was held by telephone.
    pub started_at: Option<DateTime<Utc>>,
    pub finished_at: DateTime<Utc>,
}

/// The state of a consult with what belongs to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConsultState {
    /// 草稿
    Draft,
    /// 已申请
    Submitted,
    /// 退回补充
    Returned {
        /// The thing that is missing.
        reason: String,
    },
    /// 已拒绝
    Rejected { reason: String },
    /// 已受理
    Accepted {
        /// The doctor who took it on.
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
        reason: String,
        /// The booked appointment, if any.
        appointment: Option<Appointment>,
    },
    /// 爽约
    NoShow {
        /// The side that was missing, in words.
        reason: String,
        /// The booked appointment.
        appointment: Appointment,
    },
    /// 已过期
    Expired,
}

text_enum! {
    /// A state by its name alone, in the order of a consult's life.
    #[schema(as = StateName)]
    pub enum ConsultStateName {
        /// 草稿
        Draft = "draft",
        /// 已申请
        Submitted = "submitted",
        /// 退回补充
        Returned = "returned",
        /// 已拒绝
        Rejected = "rejected",
        /// 已受理
        Accepted = "accepted",
        /// 已排期
        Scheduled = "scheduled",
        /// 会诊中
        InSession = "in_session",
        /// 意见草拟
        OpinionDraft = "opinion_draft",
        /// 已签署
        Signed = "signed",
        /// 已执行反馈
        Adopted = "adopted",
        /// 已归档
        Archived = "archived",
        /// 已取消
        Cancelled = "cancelled",
        /// 爽约
        NoShow = "no_show",
        /// 已过期
        Expired = "expired",
    }
}

/// Something that is done to a consult.
#[derive(Clone, Debug)]
pub enum ConsultStep {
    /// Change the invitation.
    Revise(Box<Revision>),
    /// Send it to the hospital.
    Submit,
    /// Take it on.
    Accept(TakenOn),
    /// Send it back for more facts.
    Return(String),
    /// Refuse it.
    Reject(String),
    /// Give it doctor, room and time.
    Schedule(Booked),
    /// Give it the time that it asks for as soon as it is sent, where the agreement of the two sides says so.
    Book(Booked),
    /// Give it others.
    Reschedule(Booked),
    /// Give it the time of another one, which takes its own.
    Exchange(Exchanged),
    /// Say that it will be late.
    Delay(Delayed),
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

text_enum! {
    /// A step by its name, as `actions`, the history and audit rows have it.
    pub enum ConsultStepName {
        /// Change the invitation.
        Revise = "revise",
        /// Send it to the hospital.
        Submit = "submit",
        /// Take it on.
        Accept = "accept",
        /// Send it back for more facts.
        Return = "return",
        /// Refuse it.
        Reject = "reject",
        /// Give it doctor, room and time.
        Schedule = "schedule",
        /// Give it the time that it asks for as soon as it is sent, where the agreement of the two sides says so.
        Book = "book",
        /// Give it others.
        Reschedule = "reschedule",
        /// Give it the time of another one, which takes its own.
        Exchange = "exchange",
        /// Say that it will be late.
        Delay = "delay",
        /// Call it off.
        Cancel = "cancel",
        /// Both sides are in the room.
        Start = "start",
        /// The meeting is over.
        Finish = "finish",
        /// Somebody did not come.
        NoShow = "no_show",
        /// Write the opinion.
        SaveOpinion = "save_opinion",
        /// Sign the opinion.
        Sign = "sign",
        /// Say what was done with the opinion.
        Adopt = "adopt",
        /// Close the file.
        Archive = "archive",
        /// Nobody acted in the wanted time.
        Expire = "expire",
    }
}

impl StepName for ConsultStepName {
    type Step = ConsultStep;

    fn example(self) -> ConsultStep {
        let (at, doctor) = (DateTime::UNIX_EPOCH, AccountId(Uuid::nil()));
        let interval = Interval::example();
        let appointment = Appointment {
            doctor,
            room: LocationId(Uuid::nil()),
            interval,
            delay_minutes: 0,
            overbooked: false,
            at_once: false,
        };
        match self {
            Self::Revise => {
                let invitation = Invitation::example();
                ConsultStep::Revise(Box::new(Revision { invitation, asked: None, other_person: false }))
            }
            Self::Submit => ConsultStep::Submit,
            Self::Accept => ConsultStep::Accept(doctor.into()),
            Self::Return => ConsultStep::Return(String::new()),
            Self::Reject => ConsultStep::Reject(String::new()),
            Self::Schedule => ConsultStep::Schedule(appointment.into()),
            Self::Book => ConsultStep::Book(appointment.into()),
            Self::Reschedule => ConsultStep::Reschedule(appointment.into()),
            Self::Exchange => ConsultStep::Exchange(Exchanged::with(ConsultId(Uuid::nil()), appointment)),
            Self::Delay => ConsultStep::Delay(Delayed::by(0, false)),
            Self::Cancel => ConsultStep::Cancel(String::new()),
            Self::Start => ConsultStep::Start(at),
            Self::Finish => ConsultStep::Finish(at),
            Self::NoShow => ConsultStep::NoShow(String::new()),
            Self::SaveOpinion => ConsultStep::SaveOpinion,
            Self::Sign => ConsultStep::Sign,
            Self::Adopt => ConsultStep::Adopt,
            Self::Archive => ConsultStep::Archive,
            Self::Expire => ConsultStep::Expire,
        }
    }

    fn by_person(self) -> bool {
        !matches!(self, Self::Book | Self::Start | Self::Expire)
    }
}

impl Step for ConsultStep {
    type Name = ConsultStepName;

    fn name(&self) -> ConsultStepName {
        match self {
            Self::Revise(_) => ConsultStepName::Revise,
            Self::Submit => ConsultStepName::Submit,
            Self::Accept(_) => ConsultStepName::Accept,
            Self::Return(_) => ConsultStepName::Return,
            Self::Reject(_) => ConsultStepName::Reject,
            Self::Schedule(_) => ConsultStepName::Schedule,
            Self::Book(_) => ConsultStepName::Book,
            Self::Reschedule(_) => ConsultStepName::Reschedule,
            Self::Exchange(_) => ConsultStepName::Exchange,
            Self::Delay(_) => ConsultStepName::Delay,
            Self::Cancel(_) => ConsultStepName::Cancel,
            Self::Start(_) => ConsultStepName::Start,
            Self::Finish(_) => ConsultStepName::Finish,
            Self::NoShow(_) => ConsultStepName::NoShow,
            Self::SaveOpinion => ConsultStepName::SaveOpinion,
            Self::Sign => ConsultStepName::Sign,
            Self::Adopt => ConsultStepName::Adopt,
            Self::Archive => ConsultStepName::Archive,
            Self::Expire => ConsultStepName::Expire,
        }
    }

    fn reason(&self) -> Option<&str> {
        match self {
            Self::Return(reason) | Self::Reject(reason) | Self::Cancel(reason) | Self::NoShow(reason) => Some(reason),
            Self::Schedule(booked) | Self::Reschedule(booked) => booked.overbook_reason.as_deref(),
            _ => None,
        }
    }

    fn note(&self) -> Option<&str> {
        match self {
            Self::Delay(delay) => Some(&delay.words),
            Self::Schedule(booked) | Self::Book(booked) | Self::Reschedule(booked) => booked.note(),
            Self::Exchange(exchanged) => Some(&exchanged.words),
            Self::Accept(to) => to.unbooked.as_ref().map(|unbooked| unbooked.words.as_str()),
            Self::Revise(revision) => revision.note(),
            _ => None,
        }
    }

    fn of_part(&self) -> bool {
        // The opinion's draft counts its own versions: a doctor saves it every few seconds.
        matches!(self, Self::SaveOpinion)
    }
}

impl State for ConsultState {
    type Name = ConsultStateName;
    type Step = ConsultStep;

    fn name(&self) -> ConsultStateName {
        self.name()
    }

    fn apply(self, step: ConsultStep) -> Result<Self, IllegalStep> {
        let refused = self.illegal(step.name());
        match (self, step) {
            (same @ (Self::Draft | Self::Returned { .. }), ConsultStep::Revise(_))
            | (same @ (Self::InSession { .. } | Self::OpinionDraft(_)), ConsultStep::SaveOpinion) => Ok(same),
            (Self::Draft | Self::Returned { .. }, ConsultStep::Submit) => Ok(Self::Submitted),
            (Self::Submitted, ConsultStep::Return(reason)) => Ok(Self::Returned { reason }),
            (Self::Submitted, ConsultStep::Reject(reason)) => Ok(Self::Rejected { reason }),
            (Self::Submitted, ConsultStep::Accept(to)) => Ok(Self::Accepted { doctor: to.doctor }),
            // No doctor has answered: until it begins, the hospital still may.
            (Self::Scheduled(Appointment { at_once: true, .. }), ConsultStep::Return(reason)) => {
                Ok(Self::Returned { reason })
            }
            (Self::Accepted { .. }, ConsultStep::Schedule(to)) | (Self::Scheduled(_), ConsultStep::Reschedule(to)) => {
                Ok(Self::Scheduled(to.appointment))
            }
            (Self::Submitted, ConsultStep::Book(to)) => {
                Ok(Self::Scheduled(Appointment { at_once: true, ..to.appointment }))
            }
            (Self::Scheduled(_), ConsultStep::Exchange(to)) => Ok(Self::Scheduled(to.appointment)),
            (Self::Scheduled(a), ConsultStep::Delay(Delayed { minutes, .. })) => {
                Ok(Self::Scheduled(Appointment { delay_minutes: minutes, ..a }))
            }
            (
                Self::Draft | Self::Submitted | Self::Returned { .. } | Self::Accepted { .. },
                ConsultStep::Cancel(reason),
            ) => Ok(Self::Cancelled { reason, appointment: None }),
            (Self::Scheduled(a), ConsultStep::Cancel(reason)) => Ok(Self::Cancelled { reason, appointment: Some(a) }),
            (Self::Scheduled(appointment), ConsultStep::Start(started_at)) => {
                Ok(Self::InSession { appointment, started_at })
            }
            (Self::InSession { appointment, started_at }, ConsultStep::Finish(finished_at)) => {
                Ok(Self::OpinionDraft(Held { appointment, started_at: Some(started_at), finished_at }))
            }
            // By telephone, when no line would carry pictures.
            (Self::Scheduled(appointment), ConsultStep::Finish(finished_at)) => {
                Ok(Self::OpinionDraft(Held { appointment, started_at: None, finished_at }))
            }
            (Self::Scheduled(appointment), ConsultStep::NoShow(reason)) => Ok(Self::NoShow { reason, appointment }),
            (Self::OpinionDraft(held), ConsultStep::Sign) => Ok(Self::Signed(held)),
            (Self::Signed(held), ConsultStep::Adopt) => Ok(Self::Adopted(held)),
            (Self::Adopted(held), ConsultStep::Archive) => Ok(Self::Archived(held)),
            (Self::Submitted | Self::Returned { .. } | Self::Accepted { .. }, ConsultStep::Expire) => Ok(Self::Expired),
            _ => Err(refused),
        }
    }
}

impl ConsultState {
    /// Whether nothing can follow.
    pub fn is_final(&self) -> bool {
        self.legal().is_empty()
    }

    /// The state's name.
    pub fn name(&self) -> ConsultStateName {
        match self {
            Self::Draft => ConsultStateName::Draft,
            Self::Submitted => ConsultStateName::Submitted,
            Self::Returned { .. } => ConsultStateName::Returned,
            Self::Rejected { .. } => ConsultStateName::Rejected,
            Self::Accepted { .. } => ConsultStateName::Accepted,
            Self::Scheduled(_) => ConsultStateName::Scheduled,
            Self::InSession { .. } => ConsultStateName::InSession,
            Self::OpinionDraft(_) => ConsultStateName::OpinionDraft,
            Self::Signed(_) => ConsultStateName::Signed,
            Self::Adopted(_) => ConsultStateName::Adopted,
            Self::Archived(_) => ConsultStateName::Archived,
            Self::Cancelled { .. } => ConsultStateName::Cancelled,
            Self::NoShow { .. } => ConsultStateName::NoShow,
            Self::Expired => ConsultStateName::Expired,
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

    /// The words that were said when it came into this state.
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
pub(super) mod tests;
