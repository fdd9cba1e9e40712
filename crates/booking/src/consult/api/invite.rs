//! Writing, changing and sending an invitation.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use sanbao_platform::db::{Conn, Tx};
use sanbao_platform::http::{Ctx, Idempotency, IfMatch, Json, Path};
use sanbao_platform::id::OrganisationId;
use sanbao_platform::on;
use sanbao_platform::policy::Decision;
use sanbao_platform::problem::Problem;

use super::{answered, load, seen, view::ConsultView};
use crate::App;
use crate::consult::id::ConsultId;
use crate::consult::invitation::Invitation;
use crate::consult::journal::{self, By};
use crate::consult::model::Consult;
use crate::consult::policy::{self, Action};
use crate::consult::state::Step;
use crate::consult::store;

const RESIDENT_OF: &str = "select count(*) from person where id = $1 and organisation_id = $2 and merged_into is null";
const IS_HOSPITAL: &str = "select count(*) from organisation where id = $1 and kind = 'hospital'";
const HAS_SPECIALTY: &str = "select count(*) from practitioner where organisation_id = $1 and specialty = $2";

/// Refuses ids that name nothing the inviting side may use.
async fn known(conn: &mut Conn, inviting: OrganisationId, i: &Invitation) -> Result<(), Problem> {
    let count: i64 =
        on!(conn, |c| sqlx::query_scalar(RESIDENT_OF).bind(i.resident_id).bind(inviting).fetch_one(c).await)?;
    if count == 0 {
        return Err(Problem::field("/resident_id", "请选择本机构的老人", "Choose one of your residents"));
    }
    let count: i64 = on!(conn, |c| sqlx::query_scalar(IS_HOSPITAL).bind(i.hospital_id).fetch_one(c).await)?;
    if count == 0 {
        return Err(Problem::field("/hospital_id", "请选择医院", "Choose a hospital"));
    }
    let count: i64 = on!(conn, |c| {
        sqlx::query_scalar(HAS_SPECIALTY).bind(i.hospital_id).bind(&i.wanted_specialty).fetch_one(c).await
    })?;
    if count == 0 {
        return Err(Problem::field("/wanted_specialty", "这家医院没有这个科室", "The hospital has no such specialty"));
    }
    Ok(())
}

/// Begins a consult (care staff).
#[utoipa::path(post, path = "/v1/consults", tag = "consults", request_body = Invitation,
    responses((status = 201, body = ConsultView), (status = 403), (status = 422)))]
pub async fn create(
    State(app): State<App>,
    ctx: Ctx,
    key: Idempotency,
    Json(body): Json<Invitation>,
) -> Result<Response, Problem> {
    Decision::over(&ctx.actor.roles, policy::may_invite).require()?;
    let invitation = body.clone().checked(ctx.now())?;
    let mut tx = app.deps.db.begin().await?;
    if let Some(replay) = key.begin(&mut tx, &ctx, "POST /v1/consults", &body).await? {
        return Ok(replay);
    }
    known(&mut tx, ctx.actor.organisation, &invitation).await?;
    let consult = begin(&mut tx, &ctx, &invitation).await?;
    let id = consult.id;
    if body.submit {
        journal::take(&mut tx, By::Person(&ctx), consult, Step::Submit).await?;
    }
    let view = seen(&mut tx, &ctx, id).await?;
    let response = key.finish(&mut tx, &ctx, StatusCode::CREATED, &view).await?;
    tx.commit().await?;
    Ok(response)
}

async fn begin(tx: &mut Tx, ctx: &Ctx, invitation: &Invitation) -> Result<Consult, Problem> {
    let id = ConsultId::new(ctx.now());
    store::insert(tx, id, ctx.actor.organisation, ctx.actor.subject.into(), ctx.now(), invitation).await?;
    let consult = store::find(tx, id).await?.ok_or_else(Problem::not_found)?;
    journal::begun(tx, ctx, &consult).await?;
    Ok(consult)
}

/// Changes a draft or a returned consult (care staff).
#[utoipa::path(put, path = "/v1/consults/{id}", tag = "consults", params(("id" = ConsultId, Path)), request_body = Invitation,
    responses((status = 200, body = ConsultView), (status = 404), (status = 409), (status = 412), (status = 422)))]
pub async fn revise(
    State(app): State<App>,
    ctx: Ctx,
    Path(id): Path<ConsultId>,
    version: IfMatch,
    Json(body): Json<Invitation>,
) -> Result<Response, Problem> {
    let invitation = body.checked(ctx.now())?;
    let mut tx = app.deps.db.begin().await?;
    let consult = load(&mut tx, &ctx, id, Action::Invite).await?;
    version.check(consult.version)?;
    consult.state.clone().apply(Step::Revise)?;
    known(&mut tx, consult.inviting.id, &invitation).await?;
    store::revise(&mut tx, &consult, &invitation).await?;
    let consult = journal::take(&mut tx, By::Person(&ctx), consult, Step::Revise).await?;
    if invitation.submit {
        journal::take(&mut tx, By::Person(&ctx), consult, Step::Submit).await?;
    }
    answered(tx, &ctx, id).await
}

/// Sends it to the hospital (care staff).
#[utoipa::path(post, path = "/v1/consults/{id}/submit", tag = "consults", params(("id" = ConsultId, Path)),
    responses((status = 200, body = ConsultView), (status = 404), (status = 409)))]
pub async fn submit(State(app): State<App>, ctx: Ctx, Path(id): Path<ConsultId>) -> Result<Response, Problem> {
    let mut tx = app.deps.db.begin().await?;
    let consult = load(&mut tx, &ctx, id, Action::Invite).await?;
    if consult.wanted.1 <= ctx.now() {
        return Err(Problem::field(
            "/wanted_until",
            "希望的时间已经过去,请先修改",
            "The wanted time has passed; change it first",
        ));
    }
    journal::take(&mut tx, By::Person(&ctx), consult, Step::Submit).await?;
    answered(tx, &ctx, id).await
}
