//! A hand-over as it is loaded, and the facts of a consult on it.

use chrono::{DateTime, Utc};
use sanbao_platform::audit::{Personal, Subject, Subjects};
use sanbao_platform::auth::Actor;
use sanbao_platform::crypto::sha256_hex;
use sanbao_platform::http::Ctx;
use sanbao_platform::id::OrganisationId;
use sanbao_platform::policy::Decision;
use sanbao_platform::text_enum;
use serde::{Deserialize, Serialize};
use sqlx::types::Json;
use utoipa::ToSchema;

use super::policy::{self, HandoverAction, HandoverRelation};
use super::side_of;
use crate::account::{AccountId, PersonId};
use crate::calendar::week::version_of;
use crate::consult::id::{ConsultId, ShiftHandoverId};
use crate::consult::input::Urgency;
use crate::consult::state::ConsultStateName;
use crate::role;

text_enum! {
    /// Whose list of consults a hand-over is of.
    pub enum HandoverSide {
        /// The house that invites.
        Inviting = "inviting",
        /// The desk of the hospital that is invited.
        Hospital = "hospital",
    }
}

/// A consult as it stood when a shift was handed over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HandoverFacts {
    /// Its place on the list: `in_session`, `waiting`, `doctor_gone`, `today`, `missed`, `tomorrow`, `mine` (it waits for the own
    /// side) or `theirs` (it waits for the other one).
    pub place: String,
    pub state: ConsultStateName,
    /// Since when it waits in this state.
    pub state_since: DateTime<Utc>,
    pub urgency: Urgency,
    pub resident_name: String,
    /// The other side, in Chinese and in English.
    pub other_zh: String,
    pub other_en: String,
    /// The other side's telephone number.
    pub other_phone: Option<String>,
    pub doctor_name: Option<String>,
    pub room_name: Option<String>,
    /// The booked time.
    pub starts_at: Option<DateTime<Utc>>,
    /// Up to, and without.
    pub ends_at: Option<DateTime<Utc>>,
    /// The delay that the other side was told of.
    pub delay_minutes: i32,
    /// The time that is held until the hospital answers: the doctor, and when.
    pub asked_doctor_name: Option<String>,
    pub asked_at: Option<DateTime<Utc>>,
    /// Until when it is wanted.
    pub wanted_until: DateTime<Utc>,
    /// Whether a consent stands.
    pub has_consent: bool,
    /// The member of the house's staff who fetches the person.
    pub fetcher_name: Option<String>,
    /// Since when somebody of the other side is in the room.
    pub waiting_since: Option<DateTime<Utc>>,
}

/// The state of things that would be handed over now.
#[derive(Debug)]
pub struct OpenNow {
    pub side: HandoverSide,
    /// In the order of the list.
    pub items: Vec<(ConsultId, HandoverFacts)>,
    /// How many are booked for later days.
    pub later_count: i32,
    /// Whether more is open than stands in `items`.
    pub is_cut: bool,
}

impl OpenNow {
    /// The version of what is open: it is another as soon as any of it is.
    pub fn version(&self) -> i64 {
        version_of(&format!("{:?}", (&self.items, self.later_count, self.is_cut)))
    }
}

/// The hash of all that is signed: whose it is, when, the words and the facts.
pub(super) fn hash_of(
    (id, by, at): (ShiftHandoverId, AccountId, DateTime<Utc>),
    words: &str,
    (later_count, is_cut): (i32, bool),
    items: &[(ConsultId, &HandoverFacts)],
) -> String {
    let signed = serde_json::json!([id, by, at.timestamp_micros(), words, later_count, is_cut, items]);
    sha256_hex(signed.to_string().as_bytes())
}

/// A hand-over without the consults on it.
#[derive(Clone, Debug, sqlx_macros::FromRow)]
pub struct ShiftHandover {
    pub id: ShiftHandoverId,
    pub organisation_id: OrganisationId,
    pub side: HandoverSide,
    pub written_by: AccountId,
    pub written_by_name: String,
    pub signed_at: DateTime<Utc>,
    /// The words of the one who goes.
    pub words: String,
    pub item_count: i32,
    pub later_count: i32,
    pub is_cut: bool,
    pub content_hash: String,
    pub taken_by_name: Option<String>,
    pub taken_at: Option<DateTime<Utc>>,
}

/// A consult on a hand-over.
#[derive(Clone, Debug, sqlx_macros::FromRow)]
pub struct HandoverItemRow {
    pub consult_id: ConsultId,
    pub resident_id: PersonId,
    #[sqlx(flatten)]
    pub kept: Personal<KeptFacts>,
}

/// The facts as they lie there.
#[derive(Clone, sqlx_macros::FromRow)]
pub struct KeptFacts {
    pub facts: Json<HandoverFacts>,
}

impl Subjects for HandoverItemRow {
    fn subjects(&self) -> Vec<Subject> {
        vec![Subject::new("consult", self.consult_id), Subject::new("person", self.resident_id)]
    }
}

impl ShiftHandover {
    /// How the actor stands to it.
    pub fn relation(&self, actor: &Actor) -> HandoverRelation {
        let own = actor.organisation == self.organisation_id && side_of(actor).is_ok_and(|side| side == self.side);
        match own {
            false => HandoverRelation::Other,
            true if self.written_by == AccountId::from(actor.subject) => HandoverRelation::Author,
            true => HandoverRelation::Colleague,
        }
    }

    /// The policy's answer for the caller.
    pub fn decide(&self, ctx: &Ctx, action: HandoverAction) -> Decision {
        let relation = self.relation(&ctx.actor);
        Decision::over(role::held(&ctx.actor), |role| policy::decide(role, action, relation))
    }

    /// It has two versions: signed, and taken over.
    pub fn version(&self) -> i64 {
        if self.taken_at.is_some() { 2 } else { 1 }
    }
}
