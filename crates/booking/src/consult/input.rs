//! The bodies that callers send, checked: the five-part invitation (reason, purpose, wanted time, case summary, wanted
//! specialty and title), and what steps ask for.

use chrono::{DateTime, Duration, SubsecRound, Utc};
use sanbao_platform::id::OrganisationId;
use sanbao_platform::invisible::without_invisible;
use sanbao_platform::moment::Moment;
use sanbao_platform::problem::{FieldError, Problem};
use sanbao_platform::text_enum;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::id::ConsultDraftId;
use crate::account::{AccountId, LocationId, PersonId, SharedDeviceId};

/// Characters of a one-paragraph field.
pub const TEXT_CHARS_MAX: usize = 1_000;
/// Characters of the reason for an overbooking.
pub const OVERBOOK_REASON_CHARS_MAX: usize = 200;
/// Characters of a case summary or of a part of an opinion.
pub const LONG_TEXT_CHARS_MAX: usize = 10_000;
/// Characters of a name.
pub const NAME_CHARS_MAX: usize = 60;
/// How far ahead a consult may be wanted, in days.
pub const AHEAD_DAYS_MAX: i64 = 90;
/// Shared devices that are brought to one consult at most.
pub const DEVICES_MAX: usize = 3;
/// The longest delay that can be announced, in minutes.
pub const DELAY_MINUTES_MAX: i32 = 240;

text_enum! {
    /// A doctor's rank (职称), from the lowest.
    pub enum Title {
        /// 住院医师
        Resident = "resident",
        /// 主治医师
        Attending = "attending",
        /// 副主任医师
        AssociateChief = "associate_chief",
        /// 主任医师
        Chief = "chief",
    }
}

text_enum! {
    /// How soon an answer is needed, the soonest first.
    #[schema(as = ConsultUrgency)]
    pub enum Urgency {
        /// 特急
        Stat = "stat",
        /// 急
        Urgent = "urgent",
        /// 普通
        Routine = "routine",
    }
}

impl Urgency {
    /// That of an invitation that says nothing of it.
    pub fn routine() -> Self {
        Self::Routine
    }
}

/// The time that an invitation asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AskedSlot {
    /// A doctor of the invited hospital and the wanted specialty, of the wanted rank at least.
    pub doctor_id: AccountId,
    /// The beginning of a slot that the doctor offers, within the wanted time.
    #[schema(value_type = DateTime<Utc>)]
    pub starts_at: Moment,
    /// A room of the inviting side; absent: any that is free.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub room_id: Option<LocationId>,
}

/// A care home's invitation.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Invitation {
    /// The person whom it is about.
    pub resident_id: PersonId,
    /// The hospital that is invited.
    pub hospital_id: OrganisationId,
    /// Why a consult is needed: state and treatment so far, in a sentence or two.
    pub reason: String,
    /// The question to be decided.
    pub purpose: String,
    /// The wanted time: not before.
    #[schema(value_type = DateTime<Utc>)]
    pub wanted_from: Moment,
    /// The wanted time: not after.
    #[schema(value_type = DateTime<Utc>)]
    pub wanted_until: Moment,
    /// History, findings, diagnosis and treatment.
    pub case_summary: String,
    /// The wanted specialty's code.
    pub wanted_specialty: String,
    /// The wanted rank at least; none when any will do.
    #[serde(default)]
    pub wanted_title: Option<Title>,
    /// How soon an answer is needed.
    #[serde(default = "Urgency::routine")]
    pub urgency: Urgency,
    /// The time that is asked for: held from the moment it is sent until the hospital answers, and booked at once when the
    /// asked doctor takes it on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked: Option<AskedSlot>,
    /// Shared devices of the inviting side that are to be brought, at most 3: they are taken together with the room.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub device_ids: Vec<SharedDeviceId>,
    /// The caller's draft that it is made from, which ends with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub draft_id: Option<ConsultDraftId>,
    /// Send it to the hospital at once; otherwise it stays as it is.
    #[serde(default)]
    pub submit: bool,
}

/// Collects the errors of a form.
#[derive(Debug, Default)]
pub struct Checks(Vec<FieldError>);

impl Checks {
    /// A trimmed text of 1 to `max` characters without control characters.
    pub fn text(&mut self, field: &str, value: &mut String, max: usize) {
        self.optional_text(field, value, max);
        if value.is_empty() {
            self.error(field, "必填", "This field is required");
        }
    }

    /// A trimmed text of at most `max` characters.
    pub fn optional_text(&mut self, field: &str, value: &mut String, max: usize) {
        *value = without_invisible(value).trim().replace("\r\n", "\n");
        let length = value.chars().count();
        if length > max {
            let (zh, en) =
                (format!("最多 {max} 个字，现在 {length} 个"), format!("At most {max} characters, now {length}"));
            self.0.push(FieldError::new(format!("/{field}"), zh, en));
        }
        // PostgreSQL stores no NUL, and no other control character has business in a text.
        if value.chars().any(|c| c.is_control() && c != '\n' && c != '\t') {
            self.error(field, "含有不能使用的字符", "There are characters that cannot be used");
        }
    }

    /// An error at a field.
    pub fn error(&mut self, field: &str, zh: &'static str, en: &'static str) {
        self.0.push(FieldError::new(format!("/{field}"), zh, en));
    }

    /// At most three devices, each once.
    pub(super) fn devices(&mut self, ids: &[SharedDeviceId]) {
        if ids.len() > DEVICES_MAX {
            self.error("device_ids", "最多选 3 种设备", "Three devices at most");
        } else if ids.iter().enumerate().any(|(n, id)| ids[..n].contains(id)) {
            self.error("device_ids", "同一种设备只选一次", "Each device once");
        }
    }

    /// The faults of another check, where they are all that is wrong; another problem is given back.
    pub(super) fn take(&mut self, problem: Problem) -> Result<(), Problem> {
        if problem.faults().is_empty() {
            return Err(problem);
        }
        self.0.extend_from_slice(problem.faults());
        Ok(())
    }

    /// Nothing, or all errors at once.
    pub fn done(self) -> Result<(), Problem> {
        if self.0.is_empty() { Ok(()) } else { Err(Problem::invalid(self.0)) }
    }
}

impl Invitation {
    /// An invitation with nothing in it: what a step holds that is only asked whether it would be legal.
    pub(super) fn example() -> Self {
        Self {
            resident_id: PersonId(Uuid::nil()),
            hospital_id: OrganisationId(Uuid::nil()),
            reason: String::new(),
            purpose: String::new(),
            wanted_from: Moment::known(DateTime::UNIX_EPOCH),
            wanted_until: Moment::known(DateTime::UNIX_EPOCH),
            case_summary: String::new(),
            wanted_specialty: String::new(),
            wanted_title: None,
            urgency: Urgency::Routine,
            asked: None,
            device_ids: Vec::new(),
            draft_id: None,
            submit: false,
        }
    }

    /// The invitation with trimmed texts, and every error in it that can be seen without asking.
    pub(super) fn looked_at(mut self, now: DateTime<Utc>) -> (Self, Checks) {
        let mut checks = Checks::default();
        checks.text("reason", &mut self.reason, TEXT_CHARS_MAX);
        checks.text("purpose", &mut self.purpose, TEXT_CHARS_MAX);
        checks.text("case_summary", &mut self.case_summary, LONG_TEXT_CHARS_MAX);
        checks.text("wanted_specialty", &mut self.wanted_specialty, NAME_CHARS_MAX);
        let whole = |at: Moment| Moment::known(at.trunc_subsecs(6));
        (self.wanted_from, self.wanted_until) = (whole(self.wanted_from), whole(self.wanted_until));
        if self.wanted_until <= self.wanted_from {
            checks.error("wanted_until", "结束时间要晚于开始时间", "The end must be after the start");
        } else if *self.wanted_until <= now {
            checks.error("wanted_until", "希望的时间已经过去", "The wanted time has passed");
        } else if *self.wanted_until > now + Duration::days(AHEAD_DAYS_MAX) {
            checks.error("wanted_until", "最多提前 90 天申请", "At most 90 days ahead");
        }
        if *self.wanted_from < now - Duration::days(AHEAD_DAYS_MAX) {
            checks.error("wanted_from", "开始时间太早", "The start is too early");
        }
        checks.devices(&self.device_ids);
        if self.asked.is_some_and(|asked| asked.starts_at < self.wanted_from || asked.starts_at >= self.wanted_until) {
            let (zh, en) = ("所选时间不在希望的时间之内", "The time that is asked for is not within the wanted time");
            checks.error("asked/starts_at", zh, en);
        }
        (self, checks)
    }
}

/// A step that needs a reason.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Reason {
    /// In words, 1 to 1000 characters.
    pub reason: String,
}

impl Reason {
    /// The trimmed reason.
    pub fn checked(&self) -> Result<String, Problem> {
        let (mut checks, mut reason) = (Checks::default(), self.reason.clone());
        checks.text("reason", &mut reason, TEXT_CHARS_MAX);
        checks.done()?;
        Ok(reason)
    }
}

/// The wanted time.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Wanted {
    /// The doctor; absent: the one who took it on.
    #[serde(default)]
    pub doctor_id: Option<AccountId>,
    /// A room of the inviting side; absent: any that is free.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub room_id: Option<LocationId>,
    /// The beginning of a slot that the doctor offers.
    #[schema(value_type = DateTime<Utc>)]
    pub starts_at: Moment,
    /// The inviting side's word that a doctor below the wanted rank will do; of others it is not heeded.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub below_rank: bool,
    /// The word of the doctor, or of the hospital's administrator, that the doctor is to be taken beside another one, or beyond the
    /// rules of the doctor's calendar (加号). It is of no effect where the time is free and the rules are kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub overbook: Option<Overbook>,
}

/// The reason for one more than there is time for.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Overbook {
    /// In words, 1 to 200 characters; both sides read it in the history.
    pub reason: String,
}

impl Overbook {
    /// The trimmed reason.
    pub fn checked(&self) -> Result<String, Problem> {
        let (mut checks, mut reason) = (Checks::default(), self.reason.clone());
        checks.text("overbook/reason", &mut reason, OVERBOOK_REASON_CHARS_MAX);
        checks.done()?;
        Ok(reason)
    }
}

/// How late it will be.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Delay {
    /// Minutes after the booked start, 0 to 240; 0 takes it back.
    pub minutes: i32,
    /// The word that the other side agrees to a shorter delay than it has announced.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub agreed: bool,
}

impl Delay {
    /// The minutes, within their bounds.
    pub fn checked(self) -> Result<i32, Problem> {
        if (0..=DELAY_MINUTES_MAX).contains(&self.minutes) {
            Ok(self.minutes)
        } else {
            Err(Problem::field("/minutes", "请填写 0 到 240 分钟", "0 to 240 minutes"))
        }
    }
}
