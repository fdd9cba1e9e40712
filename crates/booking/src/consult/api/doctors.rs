//! Doctors and their free times.

use axum::extract::State as AppState;
use chrono::{DateTime, Duration, Utc};
use sanbao_platform::audit;
use sanbao_platform::http::{Ctx, Json, Path, Query};
use sanbao_platform::id::OrganisationId;
use sanbao_platform::moment::Moment;
use sanbao_platform::problem::Problem;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::App;
use crate::account::AccountId;
use crate::consult::input::{Checks, NAME_CHARS_MAX, Title};
use crate::consult::practitioner::store::{self, NewPractitioner, Practitioner};
use crate::consult::practitioner::{AvailabilitySearch, FreeSlot, search};
use crate::role::{ADMINISTRATOR, CARE_STAFF, DOCTOR};

/// A doctor who can be invited.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct DoctorView {
    pub id: AccountId,
    pub name: String,
    /// The hospital that the doctor works for.
    pub organisation_id: OrganisationId,
    /// The hospital's name in Chinese.
    pub hospital_zh: String,
    /// The hospital's name in English.
    pub hospital_en: String,
    /// The specialty's code.
    pub specialty: String,
    /// The specialty in Chinese.
    pub specialty_zh: String,
    /// The specialty in English.
    pub specialty_en: String,
    /// The rank (职称).
    pub title: Title,
}

impl From<Practitioner> for DoctorView {
    fn from(p: Practitioner) -> Self {
        Self {
            id: p.account_id,
            name: p.name,
            organisation_id: p.organisation_id,
            hospital_zh: p.hospital_zh,
            hospital_en: p.hospital_en,
            specialty: p.specialty,
            specialty_zh: p.specialty_zh,
            specialty_en: p.specialty_en,
            title: p.title,
        }
    }
}

/// The filter of the doctors' list.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct DoctorQuery {
    /// The specialty's code.
    pub specialty: Option<String>,
    /// The rank (职称).
    pub title: Option<Title>,
    pub hospital: Option<OrganisationId>,
}

/// Everybody who takes part in consults may look at doctors and their free times; a hospital's people at their own.
fn hospital_seen(ctx: &Ctx, wanted: Option<OrganisationId>) -> Result<Option<OrganisationId>, Problem> {
    if ctx.actor.has(CARE_STAFF) {
        Ok(wanted)
    } else if ctx.actor.has(DOCTOR) || ctx.actor.has(ADMINISTRATOR) {
        Ok(Some(ctx.actor.organisation))
    } else {
        Err(Problem::forbidden())
    }
}

/// Doctors who can be invited (care staff; a hospital's doctors and administrator see their own hospital's).
#[utoipa::path(get, path = "/v1/practitioners", tag = "consults", params(DoctorQuery),
    responses((status = 200, body = Vec<DoctorView>), (status = 403), (status = 422)))]
pub async fn list(
    AppState(app): AppState<App>,
    ctx: Ctx,
    Query(query): Query<DoctorQuery>,
) -> Result<Json<Vec<DoctorView>>, Problem> {
    let hospital = hospital_seen(&ctx, query.hospital)?;
    let mut conn = app.deps.db.read().await?;
    let found = store::search(&mut conn, query.specialty.as_deref(), query.title, hospital).await?;
    Ok(Json(found.into_iter().map(DoctorView::from).collect()))
}

/// The registration that makes an account a doctor who can be booked.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Registration {
    /// The specialty's code: lower-case letters and `_`.
    pub specialty: String,
    /// The specialty in Chinese.
    pub specialty_zh: String,
    /// The specialty in English.
    pub specialty_en: String,
    /// The rank (职称).
    pub title: Title,
    /// The licence to practise.
    pub licence_no: String,
}

/// Makes a doctor of the hospital bookable, or corrects what is known (the hospital's administrator).
#[utoipa::path(put, path = "/v1/practitioners/{id}", tag = "consults", params(("id" = AccountId, Path)), request_body = Registration,
    responses((status = 200, body = DoctorView), (status = 403), (status = 404), (status = 422)))]
pub async fn register(
    AppState(app): AppState<App>,
    ctx: Ctx,
    Path(id): Path<AccountId>,
    Json(mut body): Json<Registration>,
) -> Result<Json<DoctorView>, Problem> {
    if !ctx.actor.has(ADMINISTRATOR) {
        return Err(Problem::forbidden());
    }
    let mut checks = Checks::default();
    checks.text("specialty", &mut body.specialty, NAME_CHARS_MAX);
    checks.text("specialty_zh", &mut body.specialty_zh, NAME_CHARS_MAX);
    checks.text("specialty_en", &mut body.specialty_en, NAME_CHARS_MAX);
    checks.text("licence_no", &mut body.licence_no, NAME_CHARS_MAX);
    if !body.specialty.bytes().all(|b| b.is_ascii_lowercase() || b == b'_') {
        checks.error("specialty", "科室代码只用小写字母和下划线", "Lower-case letters and underscores only");
    }
    checks.done()?;
    let mut tx = app.deps.db.begin().await?;
    if !store::is_doctor(&mut tx, id, ctx.actor.organisation).await? {
        return Err(Problem::not_found());
    }
    let new = NewPractitioner {
        account_id: id,
        organisation_id: ctx.actor.organisation,
        specialty: body.specialty,
        specialty_zh: body.specialty_zh,
        specialty_en: body.specialty_en,
        title: body.title,
        licence_no: body.licence_no,
    };
    if store::register(&mut tx, &new, ctx.now()).await? == 0 {
        return Err(Problem::not_found());
    }
    audit::record(&mut tx, &ctx, "practitioner.register", "practitioner", id).await?;
    let view = store::find(&mut tx, id).await?.ok_or_else(Problem::not_found)?;
    tx.commit().await?;
    Ok(Json(view.into()))
}

/// A search for free times.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct SlotSearch {
    /// The specialty's code.
    pub specialty: Option<String>,
    /// The rank (职称).
    pub title: Option<Title>,
    /// Slots that begin not before.
    #[param(value_type = DateTime<Utc>)]
    pub from: Moment,
    /// And before; at most 31 days later.
    #[param(value_type = DateTime<Utc>)]
    pub to: Moment,
    pub doctor: Option<AccountId>,
    pub hospital: Option<OrganisationId>,
}

/// Refuses a range that is empty or longer than a search may be.
pub fn range(from: DateTime<Utc>, to: DateTime<Utc>) -> Result<(), Problem> {
    if to <= from {
        return Err(Problem::field("?to", "结束要晚于开始", "The end must be after the start"));
    }
    if to - from > Duration::days(search::RANGE_DAYS_MAX) {
        return Err(Problem::field("?to", "一次最多查询 31 天", "At most 31 days at once"));
    }
    Ok(())
}

/// Free times of doctors: hours, without exceptions, without what is taken (care staff; a hospital's
/// doctors and administrator for their own). At most 500, by time.
#[utoipa::path(get, path = "/v1/slots", tag = "consults", params(SlotSearch),
    responses((status = 200, body = Vec<FreeSlot>), (status = 403), (status = 422)))]
pub async fn slots(
    AppState(app): AppState<App>,
    ctx: Ctx,
    Query(query): Query<SlotSearch>,
) -> Result<Json<Vec<FreeSlot>>, Problem> {
    let hospital = hospital_seen(&ctx, query.hospital)?;
    range(*query.from, *query.to)?;
    let mut conn = app.deps.db.read().await?;
    let mut doctors = store::search(&mut conn, query.specialty.as_deref(), query.title, hospital).await?;
    if let Some(wanted) = query.doctor {
        doctors.retain(|d| d.account_id == wanted);
    }
    let search = AvailabilitySearch { doctors: &doctors, others: &[], from: *query.from, to: *query.to };
    let mut slots = search::free(&mut conn, ctx.now(), search).await?;
    slots.truncate(search::SLOTS_MAX);
    Ok(Json(slots))
}
