//! Doctors and their free times.

use axum::extract::State as AppState;
use sanbao_platform::audit;
use sanbao_platform::db::Conn;
use sanbao_platform::http::{Ctx, IfMatch, Json, Path, Query};
use sanbao_platform::id::OrganisationId;
use sanbao_platform::problem::Problem;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::App;
use crate::account::policy::AccountAction;
use crate::account::{AccountId, organisation};
use crate::consult::input::{Checks, NAME_CHARS_MAX, Title};
use crate::consult::practitioner::store::{self, NewPractitioner, Practitioner, PractitionerPost};
use crate::consult::practitioner::{Rank, specialty};
use crate::role::{self, ADMINISTRATOR, CARE_STAFF, DOCTOR};

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
    /// Exactly this rank (职称).
    pub title: Option<Title>,
    pub hospital: Option<OrganisationId>,
}

/// Everybody who takes part in consults may look at doctors and their free times; a hospital's people at their own.
pub(super) fn hospital_seen(ctx: &Ctx, wanted: Option<OrganisationId>) -> Result<Option<OrganisationId>, Problem> {
    if role::holds(&ctx.actor, CARE_STAFF) {
        Ok(wanted)
    } else if role::holds(&ctx.actor, DOCTOR) || role::holds(&ctx.actor, ADMINISTRATOR) {
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
    let found = store::search(&mut conn, query.specialty.as_deref(), Rank::exactly(query.title), hospital).await?;
    Ok(Json(found.into_iter().map(DoctorView::from).collect()))
}

/// The registration that makes an account a doctor who can be booked.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Registration {
    /// The specialty's code: lower-case letters and `_`.
    pub specialty: String,
    /// The specialty in Chinese; known of a code of the house's list.
    #[serde(default)]
    pub specialty_zh: Option<String>,
    /// The specialty in English; known of a code of the house's list.
    #[serde(default)]
    pub specialty_en: Option<String>,
    /// The rank (职称).
    pub title: Title,
    /// The licence to practise.
    pub licence_no: String,
}

impl Registration {
    /// The doctor that it describes, with the specialty's names; `known` is what is registered already.
    fn checked(
        mut self,
        account_id: AccountId,
        organisation_id: OrganisationId,
        known: Option<&Practitioner>,
    ) -> Result<NewPractitioner, Problem> {
        let mut checks = Checks::default();
        checks.text("specialty", &mut self.specialty, NAME_CHARS_MAX);
        checks.text("licence_no", &mut self.licence_no, NAME_CHARS_MAX);
        if !self.specialty.bytes().all(|b| b.is_ascii_lowercase() || b == b'_') {
            checks.error("specialty", "科室代码只用小写字母和下划线", "Lower-case letters and underscores only");
        }
        let known = known.filter(|known| known.specialty == self.specialty);
        let known = known.map(|known| (known.specialty_zh.clone(), known.specialty_en.clone()));
        let listed = specialty::find(&self.specialty).map(|listed| (listed.zh.to_owned(), listed.en.to_owned()));
        let (known_zh, known_en) = known.or(listed).unzip();
        let mut zh = self.specialty_zh.or(known_zh).unwrap_or_default();
        let mut en = self.specialty_en.or(known_en).unwrap_or_default();
        checks.text("specialty_zh", &mut zh, NAME_CHARS_MAX);
        checks.text("specialty_en", &mut en, NAME_CHARS_MAX);
        checks.done()?;
        Ok(NewPractitioner {
            account_id,
            organisation_id,
            specialty: self.specialty,
            specialty_zh: zh,
            specialty_en: en,
            title: self.title,
            licence_no: self.licence_no,
        })
    }
}

/// The hospital whose doctor an account is, for somebody who runs that hospital's accounts: its administrator, or that of
/// the office that governs it.
pub(in crate::consult) async fn hospital_of(
    conn: &mut Conn,
    ctx: &Ctx,
    id: AccountId,
) -> Result<OrganisationId, Problem> {
    if !role::holds(&ctx.actor, ADMINISTRATOR) {
        return Err(Problem::forbidden());
    }
    let mut employers = store::employers(conn, id).await?;
    // In the order of `hours::own`, so that profile and hours are of one hospital.
    employers.sort_by_key(|employer| (*employer != ctx.actor.organisation, *employer));
    let mut refused = Problem::not_found();
    for employer in employers {
        match organisation::load(conn, ctx, employer, AccountAction::AccountUpdate).await {
            Ok(hospital) => return Ok(hospital.id),
            Err(problem) => refused = problem,
        }
    }
    Err(refused)
}

/// Makes a doctor of the hospital bookable, or corrects what is known (the hospital's administrator; that of the office
/// that governs it).
#[utoipa::path(put, path = "/v1/practitioners/{id}", tag = "consults", params(("id" = AccountId, Path)), request_body = Registration,
    responses((status = 200, body = DoctorView), (status = 403), (status = 404), (status = 412), (status = 422)))]
pub async fn register(
    AppState(app): AppState<App>,
    ctx: Ctx,
    Path(id): Path<AccountId>,
    if_match: IfMatch,
    Json(body): Json<Registration>,
) -> Result<Json<DoctorView>, Problem> {
    let mut tx = app.deps.db.begin().await?;
    let hospital = hospital_of(&mut tx, &ctx, id).await?;
    let post = PractitionerPost { doctor: id, hospital };
    let known = store::find(&mut tx, post).await?;
    if let Some(known) = &known {
        if_match.check(known.version())?;
    }
    let new = body.checked(id, hospital, known.as_ref())?;
    store::register(&mut tx, &new, ctx.now()).await?;
    audit::record(&mut tx, &ctx, "practitioner.register", "practitioner", id).await?;
    let view = store::find(&mut tx, post).await?.ok_or_else(Problem::not_found)?;
    tx.commit().await?;
    Ok(Json(view.into()))
}
