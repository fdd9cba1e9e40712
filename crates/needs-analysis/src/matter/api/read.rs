//! Reading matters.

use axum::extract::State as AppState;
use axum::response::{IntoResponse as _, Response};
use sanbao_platform::history;
use sanbao_platform::http::{Ctx, ETag, Json, Page, Paging, Path, Query, live_of};
use sanbao_platform::lifecycle::Lifecycle;
use sanbao_platform::problem::Problem;
use uuid::Uuid;

use crate::area::{self, AreaCode};
use crate::door::store::tops;
use crate::matter::id::MatterId;
use crate::matter::input::MatterQuery;
use crate::matter::model::Matter;
use crate::matter::store::{self, MatterFilter, MattersOf};
use crate::matter::view::{self, MatterDetail, MatterView};
use crate::matter::way::{self, Ways};
use crate::matter::{clock, stays};
use crate::policy::{self, Action, relation};
use crate::{App, local_day};

/// The matters of the caller's own areas: those that lie with them, that went up from them, or that lie below, each by the moment at
/// which it is due; or those that have ended, the latest first.
#[utoipa::path(get, path = "/v1/matters", tag = "matters", params(MatterQuery),
    description = "Permission: stair and grid leaders and dispatchers of a street or a community, within their areas; of what was raised at their level or below. Audited.",
    responses((status = 200, body = Page<MatterView>), (status = 401), (status = 404), (status = 422)))]
pub async fn list(
    AppState(app): AppState<App>,
    ctx: Ctx,
    Query(q): Query<MatterQuery>,
) -> Result<Json<Page<MatterView>>, Problem> {
    Ok(Json(listed(&app, &ctx, &q).await?))
}

/// A page of the list; also what the HTML page shows.
pub async fn listed(app: &App, ctx: &Ctx, q: &MatterQuery) -> Result<Page<MatterView>, Problem> {
    policy::allows(&ctx.actor, Action::MatterRead, relation(!ctx.actor.areas.is_empty())).require()?;
    let today = local_day(ctx.now());
    let paging = Paging { after: q.after.clone().filter(|after| !after.is_empty()), limit: q.limit };
    let ((which, level, area), limit) = (q.checked(today)?, paging.limit()?);
    let filter = MatterFilter { which, level, area, after: paging.after()?, limit };
    way::seen(&app.deps.db, &ctx.actor, today).await?;
    let mut conn = app.deps.db.read().await?;
    // What lies with one of the caller's areas lies with no other; of the rest each is told once.
    let areas = match filter.which {
        MattersOf::Mine => own(ctx),
        MattersOf::Sent | MattersOf::Below | MattersOf::Ended(_) => tops(&mut conn, &ctx.actor, today).await?,
    };
    let rows = store::list(&mut conn, &areas, today, &filter).await?;
    let Page { items, next } = Page::of(rows, limit, |row| row.key(&filter.which));
    let (mut ways, mut views) = (Ways::new(today), Vec::with_capacity(items.len()));
    for row in items {
        views.push(view::matter(&mut conn, ctx, row, &mut ways).await?);
    }
    Ok(Page { items: views, next })
}

/// The caller's own areas as the statements take them.
fn own(ctx: &Ctx) -> String {
    let codes = ctx.actor.areas.iter().filter(|text| AreaCode::parse(text).is_ok());
    codes.map(|code| code.trim()).collect::<Vec<_>>().join(",")
}

/// A matter with its history.
#[utoipa::path(get, path = "/v1/matters/{id}", tag = "matters", params(("id" = uuid::Uuid, Path)),
    responses((status = 200, body = MatterDetail), (status = 401), (status = 404)))]
pub async fn show(
    AppState(app): AppState<App>,
    ctx: Ctx,
    Path(id): Path<MatterId>,
) -> Result<(ETag, Json<MatterDetail>), Problem> {
    let detail = detail(&app, &ctx, id).await?;
    Ok((ETag(detail.matter.version), Json(detail)))
}

/// One matter for everybody who has to do with it, on the HTML page too.
pub async fn detail(app: &App, ctx: &Ctx, id: MatterId) -> Result<MatterDetail, Problem> {
    let mut conn = app.deps.db.read().await?;
    let listed = store::find(&mut conn, id).await?.ok_or_else(Problem::not_found)?;
    let stance = listed.matter.stance(app, &mut conn, ctx).await?;
    Matter::sees(ctx, &stance).require()?;
    let due_guessed = listed.matter.due_at.is_some_and(|due| clock::is_guessed(listed.matter.state_since, due));
    let lines = history::of(&mut conn, Matter::NAME, id).await?.shown(&ctx.shows, &listed.matter);
    let history = view::history(lines, stays::of(&mut conn, id).await?);
    let matter = view::matter(&mut conn, ctx, listed, &mut Ways::new(local_day(ctx.now()))).await?;
    Ok(MatterDetail { matter, history, due_guessed })
}

/// Tells when matters of the caller's areas have changed, and of no other, as server-sent events.
#[utoipa::path(get, path = "/v1/matters/events", operation_id = "events", tag = "matters", responses(
    (status = 200, description = "`change` events without data", content_type = "text/event-stream"),
    (status = 401), (status = 404), (status = 429)))]
pub async fn changes(AppState(app): AppState<App>, ctx: Ctx) -> Result<Response, Problem> {
    policy::allows(&ctx.actor, Action::MatterRead, relation(!ctx.actor.areas.is_empty())).require()?;
    let mut conn = app.deps.db.read().await?;
    let scope = area::scope_codes(&mut conn, &ctx.actor, local_day(ctx.now())).await?;
    drop(conn);
    let keys: Vec<Uuid> = scope.iter().map(AreaCode::live_key).collect();
    Ok(live_of(&app.deps.db, Matter::TOPIC, keys, &ctx)?.into_response())
}
