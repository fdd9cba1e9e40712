//! The words and choices with which the form of an invitation begins: those of the one that is changed, of a draft, of one
//! that is asked for again, of the one that a follow-up is about.

use chrono::{DateTime, Utc};
use sanbao_platform::crypto::FieldKeys;
use sanbao_platform::db::Conn;
use sanbao_platform::http::Ctx;
use sanbao_platform::id::OrganisationId;
use sanbao_platform::problem::Problem;
use serde::Deserialize;

use super::TEXTS;
use super::times::Sought;
use crate::account::{AccountId, LocationId, PersonId, SharedDeviceId};
use crate::consult::draft::{self, DraftParts};
use crate::consult::id::{ConsultDraftId, ConsultId};
use crate::consult::input::{Title, Urgency};
use crate::consult::model::{AskedTime, Consult};
use crate::consult::policy::ConsultAction;
use crate::consult::state::{ConsultState, ConsultStateName};
use crate::consult::store;

/// The beginning of a form that is asked for; of several the first counts.
#[derive(Debug, Deserialize)]
pub(super) struct InvitationQuery {
    /// The consult that is changed.
    id: Option<ConsultId>,
    /// The draft that is gone on with.
    draft: Option<ConsultDraftId>,
    /// The consult that is asked for again.
    copy: Option<ConsultId>,
    /// The consult whose opinion is followed up.
    follow_up: Option<ConsultId>,
    /// The resident for whom a new one is.
    resident: Option<PersonId>,
}

/// Where what is typed comes from.
pub(super) enum Origin {
    Blank,
    /// The consult that is changed.
    Old(Box<Consult>),
    /// A draft, of this version.
    Draft(ConsultDraftId, i64, DateTime<Utc>),
    Copy,
    FollowUp,
}

/// All that a form begins with.
#[derive(Clone, Default)]
pub(super) struct Prefill {
    pub(super) resident: Option<PersonId>,
    pub(super) hospital: Option<OrganisationId>,
    pub(super) specialty: String,
    pub(super) title: Option<Title>,
    pub(super) urgency: Option<Urgency>,
    pub(super) reason: String,
    pub(super) purpose: String,
    pub(super) case_summary: String,
    pub(super) wanted: Option<(DateTime<Utc>, DateTime<Utc>)>,
    /// The time that the consult asks for.
    pub(super) asked: Option<AskedTime>,
    /// The room that is asked for with it.
    pub(super) room: Option<LocationId>,
    /// The devices that are to be brought.
    pub(super) devices: Vec<SharedDeviceId>,
    /// The time that is to be asked for: whose, and when it begins.
    pub(super) wish: Option<(AccountId, DateTime<Utc>)>,
    /// Whether the invitation that is changed was returned.
    pub(super) returned: bool,
}

/// Whether somebody may ask for the same again.
pub(super) fn may_copy(state: ConsultStateName) -> bool {
    use ConsultStateName as S;
    may_follow_up(state) || matches!(state, S::Rejected | S::Cancelled | S::NoShow | S::Expired)
}

/// Whether there is an opinion to follow up.
pub(super) fn may_follow_up(state: ConsultStateName) -> bool {
    matches!(state, ConsultStateName::Signed | ConsultStateName::Adopted | ConsultStateName::Archived)
}

/// The words that the form begins with, and where they come from.
pub(super) async fn begin(
    conn: &mut Conn,
    ctx: &Ctx,
    keys: &FieldKeys,
    query: &InvitationQuery,
) -> Result<(Origin, Prefill), Problem> {
    if let Some(id) = query.id {
        let consult = store::load(conn, ctx, id, ConsultAction::Invite).await?;
        let prefill = Prefill::of(&consult, ctx);
        return Ok((Origin::Old(Box::new(consult)), prefill));
    }
    if let Some(id) = query.draft {
        let draft = draft::find(conn, ctx, keys, id).await?;
        let told = draft.told.show(&ctx.shows, &draft);
        return Ok((Origin::Draft(id, draft.version, draft.changed_at), Prefill::of_draft(&told.parts)));
    }
    if let Some(id) = query.copy {
        let consult = over(conn, ctx, (id, "copy"), may_copy).await?;
        return Ok((Origin::Copy, Prefill::copy(&consult, ctx)));
    }
    if let Some(id) = query.follow_up {
        let consult = over(conn, ctx, (id, "follow_up"), may_follow_up).await?;
        return Ok((Origin::FollowUp, Prefill::follow_up(&consult, ctx)));
    }
    Ok((Origin::Blank, Prefill { resident: query.resident, ..Prefill::default() }))
}

/// A consult of the caller's own side that is over.
async fn over(
    conn: &mut Conn,
    ctx: &Ctx,
    (id, way): (ConsultId, &str),
    may: fn(ConsultStateName) -> bool,
) -> Result<Consult, Problem> {
    let consult = store::load(conn, ctx, id, ConsultAction::Invite).await?;
    let state = sanbao_platform::lifecycle::State::name(&consult.state);
    if may(state) { Ok(consult) } else { Err(Problem::invalid_transition(state, way, &[])) }
}

impl Prefill {
    /// All of a consult as it is.
    fn of(consult: &Consult, ctx: &Ctx) -> Self {
        let room = consult.asked.and_then(|asked| asked.room);
        let returned = matches!(consult.state, ConsultState::Returned { .. });
        Self { wanted: Some(consult.wanted), asked: consult.asked, room, returned, ..Self::copy(consult, ctx) }
    }

    /// The person and the words of a consult, without its times.
    fn copy(consult: &Consult, ctx: &Ctx) -> Self {
        let about = consult.about(&ctx.shows);
        Self {
            resident: Some(consult.resident_id),
            hospital: Some(consult.invited.id),
            specialty: consult.wanted_specialty.clone(),
            title: consult.wanted_title,
            urgency: Some(consult.urgency),
            reason: about.reason.clone(),
            purpose: about.purpose.clone(),
            case_summary: about.case_summary.clone(),
            devices: consult.devices.iter().map(|device| device.id).collect(),
            ..Self::default()
        }
    }

    /// The person and the doctor's specialty, with a word of the opinion that is followed up.
    fn follow_up(consult: &Consult, ctx: &Ctx) -> Self {
        let day = met(&consult.state).unwrap_or(consult.state_since).with_timezone(&consult.zone_of(&ctx.actor));
        let args = [
            ("day", &*day.format("%Y-%m-%d").to_string()),
            ("hospital", consult.invited.name(ctx.lang)),
            ("doctor", consult.doctor_name.as_deref().unwrap_or_default()),
        ];
        Self {
            resident: Some(consult.resident_id),
            hospital: Some(consult.invited.id),
            specialty: consult.wanted_specialty.clone(),
            case_summary: format!("{}\n", TEXTS.with(ctx.lang, "follow-up-reference", &args)),
            // That somebody is told of is noted.
            reason: TEXTS.with(ctx.lang, "follow-up-reason", &[("reason", &consult.about(&ctx.shows).reason)]),
            ..Self::default()
        }
    }

    /// The times that may be asked for, once it is said for whom and of whom.
    pub(super) fn sought(&self) -> Option<Sought<'_>> {
        let (resident, hospital) = self.resident.zip(self.hospital)?;
        let (title, chosen, wish) = (self.title, self.asked, self.wish);
        let specialty = Some(&*self.specialty).filter(|specialty| !specialty.is_empty())?;
        let (returned, devices, is_stat) = (self.returned, &self.devices[..], self.urgency == Some(Urgency::Stat));
        Some(Sought { resident, hospital, specialty, title, chosen, wish, returned, devices, is_stat })
    }

    fn of_draft(parts: &DraftParts) -> Self {
        let parts = parts.clone();
        Self {
            resident: parts.resident_id,
            hospital: parts.hospital_id,
            specialty: parts.wanted_specialty,
            title: parts.wanted_title,
            urgency: parts.urgency,
            reason: parts.reason,
            purpose: parts.purpose,
            case_summary: parts.case_summary,
            wanted: parts.wanted_from.zip(parts.wanted_until).map(|(from, until)| (*from, *until)),
            asked: None,
            room: parts.asked.and_then(|asked| asked.room_id),
            devices: parts.device_ids,
            wish: parts.asked.map(|asked| (asked.doctor_id, *asked.starts_at)),
            returned: false,
        }
    }
}

/// When a consult was held.
fn met(state: &ConsultState) -> Option<DateTime<Utc>> {
    let (began, ended) = state.meeting();
    began.or(ended)
}
