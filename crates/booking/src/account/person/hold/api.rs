//! `/v1/persons/{id}/holds`.

use axum::extract::State as AppState;
use axum::http::StatusCode;
use axum::response::Response;
use sanbao_platform::audit::{self, Subject};
use sanbao_platform::db::{Conn, Tx};
use sanbao_platform::http::{Ctx, Idempotency, Json, Path};
use sanbao_platform::problem::Problem;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::view::HoldView;
use super::{store, told};
use crate::App;
use crate::account::id::PersonId;
use crate::account::input::{Fields, line};
use crate::account::person::store::{find, load};
use crate::account::policy::{self, AccountAction, AccountRelation};
use crate::account::problems::{ALREADY_HELD, HOLD_NOT_SET};

/// Characters of a reason at most.
const REASON_CHARS_MAX: usize = 200;

/// Why a hold is set, or lifted.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"reason": "家属投诉，正在调查"}))]
pub struct HoldBody {
    /// Why, in people's words; up to 200 characters.
    pub reason: String,
}

impl HoldBody {
    fn checked(&self) -> Result<String, Problem> {
        let mut fields = Fields::default();
        let reason = fields.take("/reason", line(&self.reason, REASON_CHARS_MAX));
        fields.finish(reason)
    }
}

/// The legal holds on a record, those of every organisation, lifted ones too; the newest first, at most 100.
#[utoipa::path(get, path = "/v1/persons/{id}/holds", tag = "people", params(("id" = uuid::Uuid, Path)), security(("bearer" = [])),
    description = "Permission: as for reading the person. An administrator whose organisation has a hold there that stands reads its own, whosever the person is now. The words are told to the organisation that wrote them. Audited.",
    responses((status = 200, body = Vec<HoldView>), (status = 404, description = "unknown, or of no concern to the caller")))]
pub async fn list(
    ctx: Ctx,
    AppState(app): AppState<App>,
    Path(id): Path<PersonId>,
) -> Result<Json<Vec<HoldView>>, Problem> {
    Ok(Json(listed(&app, &ctx, id).await?))
}

/// The holds on a record for a caller who may read the person.
pub(in crate::account) async fn listed(app: &App, ctx: &Ctx, id: PersonId) -> Result<Vec<HoldView>, Problem> {
    let mut conn = app.deps.db.read().await?;
    let person = match load(&mut conn, ctx, id, AccountAction::PersonRead).await {
        Ok(person) => person.unseen().id,
        Err(refused) => held_by_own(&mut conn, ctx, id).await?.ok_or(refused)?,
    };
    shown(&mut conn, ctx, person).await
}

/// The record on which a hold of the caller's organisation stands, for its administrators: a hold outlasts what made the record
/// the organisation's business, and nobody else can lift it.
async fn held_by_own(conn: &mut Conn, ctx: &Ctx, id: PersonId) -> Result<Option<PersonId>, Problem> {
    if policy::of(&ctx.actor, AccountAction::PersonHold, AccountRelation::Own).require().is_err() {
        return Ok(None);
    }
    let Some(person) = find(conn, id).await? else { return Ok(None) };
    let person = person.unseen().id;
    Ok(store::stands_of(conn, ctx.actor.organisation, person).await?.then_some(person))
}

/// The holds on a record. Of somebody who is another's now the caller's own alone: that others hold the record is none of the
/// caller's business.
async fn shown(conn: &mut Conn, ctx: &Ctx, person: PersonId) -> Result<Vec<HoldView>, Problem> {
    let of = Subject::new("person", person);
    let read = load(conn, ctx, person, AccountAction::PersonRead).await;
    let all = read.is_ok_and(|read| read.unseen().id == person);
    let rows = store::list(conn, person).await?.into_iter();
    ctx.shows.note(&of);
    let views = rows.map(|row| HoldView::of(row.shown(&ctx.shows, &of), ctx.actor.organisation));
    Ok(views.filter(|hold| all || hold.own).collect())
}

/// Sets a hold of the caller's organisation: until it is lifted nobody erases the person.
#[utoipa::path(post, path = "/v1/persons/{id}/hold", tag = "people", params(("id" = uuid::Uuid, Path)),
    request_body = HoldBody, security(("bearer" = [])),
    description = "Permission: administrators of the person's care home; of the street's office for those of its area; of those who have handed the person over, for the record as they had it. Takes Idempotency-Key. Audited.",
    responses((status = 200, body = Vec<HoldView>, description = "all holds, the new one first"),
        (status = 403, description = "may see the person, not hold the record"),
        (status = 404, description = "unknown, or of no concern to the caller"),
        (status = 409, description = "already-held: by the caller's organisation"), (status = 422, description = "fields to correct")))]
pub async fn set(
    ctx: Ctx,
    AppState(app): AppState<App>,
    Path(id): Path<PersonId>,
    key: Idempotency,
    Json(body): Json<HoldBody>,
) -> Result<Response, Problem> {
    let mut tx = app.deps.db.begin().await?;
    let person = store::load_locked(&mut tx, &ctx, id, AccountAction::PersonHold).await?.id;
    if let Some(answered) = key.begin(&mut tx, &ctx, &format!("person.hold {id}"), &body).await? {
        return Ok(answered);
    }
    let reason = body.checked()?;
    if !store::set(&mut tx, &ctx, person, &reason).await? {
        return Err(Problem::new(&ALREADY_HELD));
    }
    finish(tx, &ctx, key, person, "person.hold").await
}

/// Lifts the hold of the caller's organisation.
#[utoipa::path(post, path = "/v1/persons/{id}/lift-hold", tag = "people", params(("id" = uuid::Uuid, Path)),
    request_body = HoldBody, security(("bearer" = [])),
    description = "Permission: as for setting it; also administrators of the organisation whose hold stands, whosever the person is now. Takes Idempotency-Key. Audited.",
    responses((status = 200, body = Vec<HoldView>), (status = 403, description = "may see the person, not hold the record"),
        (status = 404, description = "unknown, or of no concern to the caller"),
        (status = 409, description = "hold-not-set: none of the caller's organisation stands"), (status = 422, description = "fields to correct")))]
pub async fn lift(
    ctx: Ctx,
    AppState(app): AppState<App>,
    Path(id): Path<PersonId>,
    key: Idempotency,
    Json(body): Json<HoldBody>,
) -> Result<Response, Problem> {
    let mut tx = app.deps.db.begin().await?;
    let person = match held_by_own(&mut tx, &ctx, id).await? {
        Some(person) => person,
        None => load(&mut tx, &ctx, id, AccountAction::PersonHold).await?.unseen().id,
    };
    if let Some(answered) = key.begin(&mut tx, &ctx, &format!("person.lift_hold {id}"), &body).await? {
        return Ok(answered);
    }
    let reason = body.checked()?;
    if !store::lift(&mut tx, &ctx, person, &reason).await? {
        return Err(Problem::new(&HOLD_NOT_SET));
    }
    finish(tx, &ctx, key, person, "person.lift_hold").await
}

/// Writes down what was done, and answers with all holds.
async fn finish(mut tx: Tx, ctx: &Ctx, key: Idempotency, person: PersonId, did: &str) -> Result<Response, Problem> {
    told::tell(&mut tx, person, ctx.now()).await?;
    audit::record(&mut tx, ctx, did, "person", person).await?;
    tx.touch("persons", ctx.actor.organisation);
    let holds = shown(&mut tx, ctx, person).await?;
    let answer = key.finish(&mut tx, ctx, StatusCode::OK, &holds).await?;
    tx.commit().await?;
    Ok(answer)
}
