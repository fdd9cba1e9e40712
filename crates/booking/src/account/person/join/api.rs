//! Joining two records, separating them, and the joins that stand.

use axum::extract::State as AppState;
use axum::http::StatusCode;
use axum::response::Response;
use sanbao_platform::audit::Subject;
use sanbao_platform::http::{Ctx, ETag, Idempotency, IfMatch, Json, Path};
use sanbao_platform::problem::Problem;

use super::input::{JoinBody, UnjoinBody};
use super::steps::{self, Both};
use super::store;
use super::view::{JoinedView, JoinsView, SeparatedView};
use crate::App;
use crate::account::id::PersonId;
use crate::account::person::PersonView;
use crate::account::person::store::{find_as_stored, load};
use crate::account::policy::AccountAction;

/// The joins into a person's record that stand, and the conflicts of times that they have brought.
#[utoipa::path(get, path = "/v1/persons/{id}/joins", tag = "people", params(("id" = uuid::Uuid, Path)), security(("bearer" = [])),
    description = "Permission: as for correcting the person. Audited.",
    responses((status = 200, body = JoinsView), (status = 403, description = "may see the person, not change it"),
        (status = 404, description = "unknown, or of no concern to the caller")))]
pub async fn joins(
    ctx: Ctx,
    AppState(app): AppState<App>,
    Path(id): Path<PersonId>,
) -> Result<Json<JoinsView>, Problem> {
    let mut conn = app.deps.db.read().await?;
    let person = load(&mut conn, &ctx, id, AccountAction::PersonJoin).await?.unseen().id;
    ctx.shows.note(&Subject::new("person", person));
    Ok(Json(JoinsView::of(&mut conn, &ctx, person).await?))
}

/// Joins another record into this one: consults, visits and the calendar move here, and the other's id leads on.
#[utoipa::path(post, path = "/v1/persons/{id}/join", tag = "people", params(("id" = uuid::Uuid, Path)),
    request_body = JoinBody, security(("bearer" = [])),
    description = "Permission: as for correcting both. Bookings of the two that overlap both stand, and are listed as conflicts. It can be undone for 30 days. Takes Idempotency-Key and If-Match. Audited.",
    responses((status = 200, body = JoinedView), (status = 403, description = "may see both, not change them"),
        (status = 404, description = "one of them is unknown, or of no concern to the caller"),
        (status = 409, description = "already-joined, papers-differ, national-id-unreadable, or changed at the same moment"),
        (status = 412, description = "changed by somebody else"), (status = 422, description = "fields to correct")))]
pub async fn join(
    ctx: Ctx,
    AppState(app): AppState<App>,
    Path(id): Path<PersonId>,
    (key, read): (Idempotency, IfMatch),
    Json(body): Json<JoinBody>,
) -> Result<Response, Problem> {
    let mut tx = app.deps.db.begin().await?;
    let survivor = load(&mut tx, &ctx, id, AccountAction::PersonJoin).await?.into_unseen();
    let other = load(&mut tx, &ctx, body.other, AccountAction::PersonJoin).await?.into_unseen();
    if let Some(answered) = key.begin(&mut tx, &ctx, &format!("person.join {id}"), &body).await? {
        return Ok(answered);
    }
    read.check(survivor.version)?;
    let keys = &app.deps.fields;
    let Both { survivor, .. } = steps::join(&mut tx, &ctx, keys, Both { survivor, other }, &body).await?;
    let (id, tag) = (survivor.id, ETag(survivor.version));
    let person = PersonView::of(survivor.into(), &ctx.shows, keys);
    let view = JoinedView { person, joined: JoinsView::of(&mut tx, &ctx, id).await? };
    let answer = key.finish_tagged(&mut tx, &ctx, StatusCode::OK, tag, &view).await?;
    tx.commit().await?;
    Ok(answer)
}

/// Undoes a join: what it has moved goes back, and the other record is one of its own again.
#[utoipa::path(post, path = "/v1/persons/{id}/unjoin", tag = "people", params(("id" = uuid::Uuid, Path)),
    request_body = UnjoinBody, security(("bearer" = [])),
    description = "Permission: as for correcting the person. What others have changed since the join stays as they left it. Takes Idempotency-Key and If-Match. Audited.",
    responses((status = 200, body = SeparatedView), (status = 403, description = "may see the person, not change it"),
        (status = 404, description = "unknown, of no concern to the caller, or not joined into this record"),
        (status = 409, description = "join-final: after 30 days; national-id-taken: a third record has the paper meanwhile"),
        (status = 412, description = "changed by somebody else"), (status = 422, description = "fields to correct")))]
pub async fn unjoin(
    ctx: Ctx,
    AppState(app): AppState<App>,
    Path(id): Path<PersonId>,
    (key, read): (Idempotency, IfMatch),
    Json(body): Json<UnjoinBody>,
) -> Result<Response, Problem> {
    let mut tx = app.deps.db.begin().await?;
    let survivor = load(&mut tx, &ctx, id, AccountAction::PersonJoin).await?.into_unseen();
    if let Some(answered) = key.begin(&mut tx, &ctx, &format!("person.unjoin {id}"), &body).await? {
        return Ok(answered);
    }
    let join = store::standing(&mut tx, body.other).await?.filter(|join| join.survivor_id == survivor.id);
    let join = join.ok_or_else(Problem::lacking)?;
    read.check(survivor.version)?;
    let other = find_as_stored(&mut tx, body.other).await?.ok_or_else(Problem::lacking)?.into_unseen();
    let Both { survivor, other } = steps::separate(&mut tx, &ctx, &join, Both { survivor, other }).await?;
    let tag = ETag(survivor.version);
    let [person, other] = [survivor, other].map(|p| PersonView::of(p.into(), &ctx.shows, &app.deps.fields));
    let answer = key.finish_tagged(&mut tx, &ctx, StatusCode::OK, tag, &SeparatedView { person, other }).await?;
    tx.commit().await?;
    Ok(answer)
}
