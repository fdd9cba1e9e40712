//! Joining two records, separating them, and the joins that stand.

use axum::extract::State as AppState;
use axum::http::StatusCode;
use axum::response::Response;
use chrono::Duration;
use sanbao_platform::audit::Subject;
use sanbao_platform::http::{Ctx, ETag, Idempotency, IfMatch, Json, Path};
use sanbao_platform::problem::Problem;

use super::input::{JoinBody, UnjoinBody};
use super::model::{UNDO_DAYS, chooseable};
use super::steps::{self, Both};
use super::store;
use super::view::{JoinedView, JoinsView, SeparatedView};
use crate::App;
use crate::account::id::PersonId;
use crate::account::person::PersonView;
use crate::account::person::field::PersonField;
use crate::account::person::pair::PairView;
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

/// A person with the joins that stand, for a page.
pub(in crate::account) async fn joined(app: &App, ctx: &Ctx, id: PersonId) -> Result<(PersonView, JoinsView), Problem> {
    let mut conn = app.deps.db.read().await?;
    let person = load(&mut conn, ctx, id, AccountAction::PersonJoin).await?;
    let person = PersonView::of(person, &ctx.shows, &app.deps.fields);
    let joins = JoinsView::of(&mut conn, ctx, person.id).await?;
    Ok((person, joins))
}

/// The people whose records the caller's organisation has joined and may still separate; at most 50.
pub(in crate::account) async fn lately(app: &App, ctx: &Ctx) -> Result<Vec<PersonView>, Problem> {
    let mut conn = app.deps.db.read().await?;
    let since = ctx.now() - Duration::days(UNDO_DAYS);
    let mut people = Vec::new();
    for id in store::survivors(&mut conn, ctx.actor.organisation, since).await? {
        if let Ok(person) = load(&mut conn, ctx, id, AccountAction::PersonJoin).await {
            people.push(PersonView::of(person, &ctx.shows, &app.deps.fields));
        }
    }
    Ok(people)
}

/// Two records before they are joined.
pub(in crate::account) struct Proposal {
    pub(in crate::account) pair: PairView,
    /// The fields in which either may be chosen.
    pub(in crate::account) chooseable: Vec<PersonField>,
}

/// Two records side by side, for those who may join them.
pub(in crate::account) async fn proposal(
    app: &App,
    ctx: &Ctx,
    id: PersonId,
    other: PersonId,
) -> Result<Proposal, Problem> {
    let mut conn = app.deps.db.read().await?;
    let person = load(&mut conn, ctx, id, AccountAction::PersonJoin).await?;
    let other = load(&mut conn, ctx, other, AccountAction::PersonJoin).await?;
    if person.unseen().id == other.unseen().id {
        return Err(Problem::lacking());
    }
    let chooseable = chooseable(person.unseen(), other.unseen());
    Ok(Proposal { pair: PairView::of(person, other, &ctx.shows, &app.deps.fields), chooseable })
}

/// Joins another record into this one: consults, visits and the calendar move here, and the other's id leads on.
#[utoipa::path(post, path = "/v1/persons/{id}/join", tag = "people", params(("id" = uuid::Uuid, Path)),
    request_body = JoinBody, security(("bearer" = [])),
    description = "Permission: as for correcting both. Bookings of the two that overlap both stand, and are listed as conflicts. It can be undone for 30 days. Takes Idempotency-Key and If-Match. Audited.",
    responses((status = 200, body = JoinedView), (status = 403, description = "may see both, not change them"),
        (status = 404, description = "one of them is unknown, or of no concern to the caller"),
        (status = 409, description = "already-joined, papers-differ, national-id-unreadable, care-unreadable, or changed at the same moment"),
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
        (status = 409, description = "join-final: after 30 days; person-held; national-id-taken: a third record has the paper meanwhile"),
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
