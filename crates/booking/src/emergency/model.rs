//! An opening as it is stored.

use chrono::{DateTime, Utc};
use sanbao_platform::audit::{Personal, Subject, Subjects};
use sanbao_platform::auth::Actor;
use sanbao_platform::http::Ctx;
use sanbao_platform::id::OrganisationId;
use sanbao_platform::policy::Decision;
use sanbao_platform::text_enum;

use super::id::EmergencyAccessId;
use super::policy::{self, EmergencyAction, EmergencyRelation};
use crate::account::{AccountId, PersonId};
use crate::role;

text_enum! {
    /// The kind of number that was typed. The number itself is not kept.
    pub enum Sign {
        /// 身份证号
        NationalId = "national_id",
        /// 电话
        Phone = "phone",
    }
}

text_enum! {
    /// The outcome of a try.
    pub enum EmergencyOutcome {
        /// A record was opened.
        Opened = "opened",
        /// Nobody has this number.
        Nobody = "nobody",
        /// Several people have this telephone number, so none was opened.
        Several = "several",
    }
}

/// The words that are written of the person.
#[derive(Clone, Default, sqlx_macros::FromRow)]
pub(super) struct EmergencyWords {
    /// The name of the person whose record it is.
    pub(super) person_name: Option<String>,
    /// Why it was opened.
    pub(super) reason: String,
    /// The reviewer's remark.
    pub(super) remark: Option<String>,
}

/// A record that was opened, or a try that opened none.
#[derive(Clone, Debug, sqlx_macros::FromRow)]
pub(super) struct EmergencyAccess {
    pub(super) id: EmergencyAccessId,
    /// The account that opened it, and for which organisation.
    pub(super) account_id: AccountId,
    pub(super) account_name: String,
    pub(super) organisation_id: OrganisationId,
    pub(super) organisation_zh: String,
    pub(super) organisation_en: String,
    /// The office that is told of it and reviews it.
    pub(super) office_id: OrganisationId,
    pub(super) sign: Sign,
    pub(super) outcome: EmergencyOutcome,
    pub(super) person_id: Option<PersonId>,
    #[sqlx(flatten)]
    pub(super) words: Personal<EmergencyWords>,
    pub(super) opened_at: DateTime<Utc>,
    /// From when on it opens nothing; none where nothing was opened.
    pub(super) ends_at: Option<DateTime<Utc>>,
    pub(super) reviewed_by_name: Option<String>,
    pub(super) reviewed_at: Option<DateTime<Utc>>,
    /// Counts its changes; the `ETag`.
    pub(super) version: i64,
}

impl Subjects for EmergencyAccess {
    fn subjects(&self) -> Vec<Subject> {
        let person = self.person_id.map(|person| Subject::new("person", person));
        [Subject::new("emergency_access", self.id)].into_iter().chain(person).collect()
    }
}

impl EmergencyAccess {
    /// Whether it opens its record at `now`.
    pub(super) fn is_running(&self, now: DateTime<Utc>) -> bool {
        self.ends_at.is_some_and(|ends_at| now < ends_at)
    }

    /// How the actor stands to it. The account that opened it is never among those who watch, whatever it became since.
    pub(super) fn relation(&self, actor: &Actor, now: DateTime<Utc>) -> EmergencyRelation {
        let here = actor.organisation == self.organisation_id;
        if self.account_id == AccountId::from(actor.subject) {
            if here && self.is_running(now) { EmergencyRelation::Running } else { EmergencyRelation::Over }
        } else if actor.organisation == self.office_id {
            EmergencyRelation::Watching
        } else {
            EmergencyRelation::Foreign
        }
    }

    /// The policy's answer for the caller, now.
    pub(super) fn decide(&self, ctx: &Ctx, action: EmergencyAction) -> Decision {
        let relation = self.relation(&ctx.actor, ctx.now());
        Decision::over(role::held(&ctx.actor), |role| policy::decide(role, action, relation))
    }
}
