//! A transfer as each side of it sees it.

use chrono::{DateTime, NaiveDate, Utc};
use sanbao_platform::audit::Subject;
use sanbao_platform::db::Conn;
use sanbao_platform::http::Ctx;
use sanbao_platform::id::OrganisationId;
use sanbao_platform::lifecycle::{self, State as _};
use sanbao_platform::problem::Problem;
use sanbao_platform::text_enum;
use serde::Serialize;
use utoipa::ToSchema;

use super::input::{AgreementBy, AgreementHow};
use super::model::{Transfer, TransferId};
use super::policy::TransferRelation;
use super::side::{self, TransferStance};
use super::state::{TransferState, TransferStateName, TransferStepName};
use crate::account::id::PersonId;
use crate::account::person::open::{self, OpenView};
use crate::account::person::store as persons;
use crate::consult::OrganisationName;

text_enum! {
    /// The side of a transfer on which the caller's organisation stands.
    pub enum TransferSide {
        /// It has asked.
        Asker = "asker",
        /// It has the record, or had it, or has answered.
        Holder = "holder",
        /// A street office over both, where no answer came for a week.
        Over = "over",
    }
}

/// The agreement that a move rests on.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct AgreementView {
    pub by: AgreementBy,
    /// The name of the one who has agreed.
    pub name: String,
    pub how: AgreementHow,
    /// The day on which it was told.
    pub on: NaiveDate,
}

/// That a person be handed over, and what came of it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct TransferView {
    pub id: TransferId,
    /// The side on which the caller's organisation stands.
    pub side: TransferSide,
    pub state: TransferStateName,
    /// The record of the caller's side; none where it is nobody's whom the caller may know.
    pub person_id: Option<PersonId>,
    /// The name in that record.
    pub person_name: Option<String>,
    /// The care home that has asked; none of somebody who goes home.
    pub to: Option<OrganisationName>,
    /// The organisation that had the record, once it was handed over.
    pub from: Option<OrganisationName>,
    pub agreement: AgreementView,
    /// A remark of the side that has asked.
    pub note: Option<String>,
    pub asked_at: DateTime<Utc>,
    /// When it was answered or taken back.
    pub decided_at: Option<DateTime<Utc>>,
    /// Why it was declined.
    pub reason: Option<String>,
    /// Consults and visits of the person that are not done: they stand, and go on under the new record.
    pub open: Vec<OpenView>,
    /// The steps that the caller may take now.
    pub actions: Vec<TransferStepName>,
    /// Counts its changes; the `ETag`.
    pub version: i64,
}

/// An organisation by its name.
fn name(id: Option<OrganisationId>, zh: Option<String>, en: Option<String>) -> Option<OrganisationName> {
    Some(OrganisationName { id: id?, name_zh: zh?, name_en: en? })
}

impl TransferView {
    /// The transfer as the caller sees it.
    pub(super) async fn of(conn: &mut Conn, ctx: &Ctx, transfer: Transfer) -> Result<Self, Problem> {
        let stance = side::of(conn, ctx, &transfer).await?;
        let actions = lifecycle::actions(&transfer, ctx, &stance);
        let TransferStance { relation, person } = stance;
        let side = match relation {
            TransferRelation::Asker => TransferSide::Asker,
            TransferRelation::Home | TransferRelation::AtHome => TransferSide::Holder,
            TransferRelation::Over => TransferSide::Over,
            TransferRelation::Foreign => return Err(Problem::not_found()),
        };
        let words = transfer.words.show(&ctx.shows, &transfer).clone();
        let person = person.map(|person| {
            let of = Subject::new("person", person.unseen().id);
            person.shown(&ctx.shows, &of)
        });
        let open = match &person {
            Some(person) => Self::open(conn, ctx, person.id, side).await?,
            None => Vec::new(),
        };
        let reason = match &transfer.state {
            TransferState::Declined { reason, .. } => Some(reason.show(&ctx.shows, &transfer).clone()),
            _ => None,
        };
        let from = transfer.handover().and_then(|handover| handover.from);
        let agreement = AgreementView {
            by: transfer.agreed_by,
            name: words.agreed_name,
            how: transfer.agreed_how,
            on: transfer.agreed_on,
        };
        Ok(Self {
            id: transfer.id,
            side,
            state: transfer.state.name(),
            person_id: person.as_ref().map(|person| person.id),
            person_name: person.map(|person| person.name),
            to: name(transfer.to_organisation, transfer.to_zh, transfer.to_en),
            from: name(from, transfer.from_zh, transfer.from_en),
            agreement,
            note: words.note,
            asked_at: transfer.asked_at,
            decided_at: transfer.decided_at,
            reason,
            open,
            actions,
            version: transfer.version,
        })
    }

    /// The things that are not done, under the record as it leads on now. Of a person who is another's the own things alone are told.
    async fn open(conn: &mut Conn, ctx: &Ctx, person: PersonId, side: TransferSide) -> Result<Vec<OpenView>, Problem> {
        let own = ctx.actor.organisation;
        let Some(now) = persons::find(conn, person).await? else { return Ok(Vec::new()) };
        let (now, home) = (now.unseen().id, now.unseen().organisation_id);
        let mut open = open::of(conn, now, own).await?;
        if side != TransferSide::Asker && home != Some(own) {
            open.retain(|item| item.id.is_some() || now == person);
        }
        Ok(open)
    }
}
