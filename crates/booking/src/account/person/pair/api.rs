//! The list of pairs, and saying that two records are of two people.

use axum::extract::State as AppState;
use axum::http::StatusCode;
use sanbao_platform::audit;
use sanbao_platform::http::{Ctx, Json, Page, PageMarker, Paging, Path, Query};
use sanbao_platform::problem::Problem;

use super::store;
use super::view::PairView;
use crate::App;
use crate::account::id::PersonId;
use crate::account::organisation;
use crate::account::person::model::register;
use crate::account::person::store::load;
use crate::account::policy::{self, AccountAction};

/// Pairs of records that may be of one person, of those whom the caller may see.
#[utoipa::path(get, path = "/v1/persons/pairs", tag = "people", params(Paging), security(("bearer" = [])),
    description = "Permission: care staff and administrators of a care home, of its residents; an agency's dispatchers, of those whom it visits or visited in 90 days or has registered; a street's dispatchers and administrators, of its area. A page may hold fewer pairs than asked for; as long as there is a `next`, there may be more. Audited.",
    responses((status = 200, body = Page<PairView>), (status = 403, description = "not one of these roles"),
        (status = 422, description = "a wrong limit or page marker")))]
pub async fn list(
    ctx: Ctx,
    AppState(app): AppState<App>,
    Query(paging): Query<Paging>,
) -> Result<Json<Page<PairView>>, Problem> {
    Ok(Json(listed(&app, &ctx, &paging).await?))
}

/// A page of pairs, as the caller may see them.
pub(in crate::account) async fn listed(app: &App, ctx: &Ctx, paging: &Paging) -> Result<Page<PairView>, Problem> {
    let mut conn = app.deps.db.read().await?;
    let own = organisation::own(&mut conn, ctx).await?;
    policy::of(&ctx.actor, AccountAction::PersonPairs, register(&own).0).require()?;
    let limit = usize::try_from(paging.limit()?).unwrap_or_default();
    let found = store::list(&mut conn, ctx, &own, paging.after()?, limit).await?;
    let view = |(one, other)| PairView::of(one, other, &ctx.shows, &app.deps.fields);
    let items = found.items.into_iter().map(view).collect();
    Ok(Page { items, next: found.next.map(|key| PageMarker::encode(&key)) })
}

/// Says that two records are of two people: they are proposed no more.
#[utoipa::path(post, path = "/v1/persons/{id}/pairs/{other}/decline", tag = "people", security(("bearer" = [])),
    params(("id" = uuid::Uuid, Path), ("other" = uuid::Uuid, Path)),
    description = "Permission: as for correcting both. Said twice, it changes nothing. Audited.",
    responses((status = 204), (status = 403, description = "may see both, not change them"),
        (status = 404, description = "one of them is unknown, or of no concern to the caller, or the two are one")))]
pub async fn decline(
    ctx: Ctx,
    AppState(app): AppState<App>,
    Path((id, other)): Path<(PersonId, PersonId)>,
) -> Result<StatusCode, Problem> {
    let mut tx = app.deps.db.begin().await?;
    let one = load(&mut tx, &ctx, id, AccountAction::PersonJoin).await?.unseen().id;
    let other = load(&mut tx, &ctx, other, AccountAction::PersonJoin).await?.unseen().id;
    if one == other {
        return Err(Problem::lacking());
    }
    store::decline(&mut tx, &ctx, one, other).await?;
    for id in [one, other] {
        audit::record(&mut tx, &ctx, "person.pair_decline", "person", id).await?;
    }
    tx.touch("persons", ctx.actor.organisation);
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
