//! The figures of a month: as JSON and as a file.

use axum::extract::State as AppState;
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use sanbao_platform::audit;
use sanbao_platform::http::{Ctx, Json, Query};
use sanbao_platform::lang::Lang;
use sanbao_platform::problem::Problem;
use sanbao_platform::table::spreadsheet;

use crate::area::{self, AreaCode};
use crate::matter::figures::{self, MatterFigures};
use crate::matter::input::FiguresQuery;
use crate::policy::{self, Action, relation};
use crate::texts::{self, TEXTS};
use crate::{App, local_day};

/// The closing rate (办结率), the times and the share sent up of a month: of an area and of each area directly in it, at each level and at
/// all together. They count matters; rates and times of fewer than five are left out.
#[utoipa::path(get, path = "/v1/matters/figures", tag = "matters", params(FiguresQuery),
    description = "Permission: stair and grid leaders, dispatchers, analysts and administrators of a street or a community, within their areas.\n\n`due`: stays with a level whose last day lay in the month and is over, without those that were sent up or taken back before. `in_time`: of those, the ones that were settled or answered by then. `closing_rate_percent`: in time of due. `settled`: of a level, stays that it ended by settling or answering; of all, matters settled. `sent_up_percent`: of a level, sent up of settled and sent up; of all, matters that had gone up of those settled.",
    responses((status = 200, body = MatterFigures), (status = 401), (status = 404), (status = 422)))]
pub async fn figures(
    AppState(app): AppState<App>,
    ctx: Ctx,
    Query(q): Query<FiguresQuery>,
) -> Result<Json<MatterFigures>, Problem> {
    Ok(Json(counted(&app, &ctx, &q).await?))
}

/// The figures that the caller asked for; also what the HTML page shows.
pub async fn counted(app: &App, ctx: &Ctx, q: &FiguresQuery) -> Result<MatterFigures, Problem> {
    policy::allows(&ctx.actor, Action::MatterFigures, relation(!ctx.actor.areas.is_empty())).require()?;
    let today = local_day(ctx.now());
    let (month, named) = q.checked(today)?;
    let mut conn = app.deps.db.read().await?;
    let first = || ctx.actor.areas.iter().find_map(|text| AreaCode::parse(text).ok());
    let code = named.or_else(first).ok_or_else(Problem::not_found)?;
    let area = area::find(&mut conn, &code).await?.ok_or_else(Problem::not_found)?;
    let inside = area::scope(&mut conn, &ctx.actor, &code, today).await?;
    policy::allows(&ctx.actor, Action::MatterFigures, relation(inside)).require()?;
    Ok(figures::of(&mut conn, &area, month, (ctx.now(), today)).await?)
}

/// The same as a file for a spreadsheet: UTF-8 with a byte order mark, a row per area and level. The export is audited.
#[utoipa::path(get, path = "/v1/matters/figures.csv", tag = "matters", params(FiguresQuery), responses(
    (status = 200, body = String, content_type = "text/csv"), (status = 401), (status = 404), (status = 422)))]
pub async fn figures_csv(
    AppState(app): AppState<App>,
    ctx: Ctx,
    Query(q): Query<FiguresQuery>,
) -> Result<Response, Problem> {
    let figures = counted(&app, &ctx, &q).await?;
    let file = spreadsheet(rows(&figures, ctx.lang)).map_err(Problem::internal)?;
    let mut tx = app.deps.db.begin().await?;
    let kind = format!("matter figures {}", figures.area_code);
    audit::record_as(&mut tx, ctx.now(), Some(&ctx.actor), "needs.export", &kind, None, &ctx.request_id, "done")
        .await?;
    tx.commit().await?;
    let name = format!("attachment; filename=\"sanbao-matters-{}-{}.csv\"", figures.area_code, figures.month);
    let kind = "text/csv; charset=utf-8".to_owned();
    Ok(([(header::CONTENT_TYPE, kind), (header::CONTENT_DISPOSITION, name)], file).into_response())
}

/// The heads of the columns, and a row for each area and level.
fn rows(figures: &MatterFigures, lang: Lang) -> impl Iterator<Item = Vec<String>> {
    let number = |n: Option<i64>| n.map(|n| n.to_string()).unwrap_or_default();
    let row = move |of: &figures::MatterFigure| {
        let n = of.numbers;
        let level = of.level.map_or_else(|| TEXTS.get(lang, "matter-levels-all"), |level| texts::level(lang, level));
        let counts = [n.raised, n.settled, n.sent_up, n.due, n.in_time].map(|n| n.to_string());
        let rates = [n.closing_rate_percent, n.sent_up_percent, n.median_minutes, n.p90_minutes].map(number);
        let mut cells = vec![of.area_code.clone(), of.area_name.clone(), figures.month.clone(), level];
        cells.extend(counts);
        cells.extend(rates);
        cells
    };
    let heads = texts::matter_heads(lang).to_vec();
    let rows: Vec<Vec<String>> = figures.items.iter().map(row).collect();
    std::iter::once(heads).chain(rows)
}
