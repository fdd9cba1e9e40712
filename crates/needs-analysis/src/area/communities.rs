//! A street's communities, taken over from the code list in one step.

use axum::extract::State as AppState;
use axum::http::StatusCode;
use axum::response::Response;
use chrono::{DateTime, Utc};
use sanbao_platform::db::{DbError, Tx};
use sanbao_platform::http::{Ctx, Idempotency, Path};
use sanbao_platform::problem::{CONFLICT, Problem};
use serde::Serialize;
use utoipa::ToSchema;

use super::api::audited;
use super::id::AreaCode;
use super::known::{self, ListedArea};
use super::model::{Area, Level};
use super::seed::SINCE;
use super::store;
use super::view::AreaView;
use crate::policy::{self, Action, relation};
use crate::{App, local_day};

/// The areas that were taken over from the code list.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct TakenOver {
    /// The areas that are in the tree since: the street itself if it was not, and its communities.
    pub added: Vec<AreaView>,
}

/// Adds a street of the code list and those of its communities that are not in the tree yet. What is there stays as it is.
#[utoipa::path(post, path = "/v1/areas/{code}/communities", tag = "areas", params(("code" = String, Path)),
    description = "Permission: administrators of a street office, within their areas. Takes Idempotency-Key.",
    responses((status = 201, body = TakenOver), (status = 401), (status = 403), (status = 404),
    (status = 409, description = "the list that comes with the program does not have this street")))]
pub(super) async fn take_over(
    AppState(app): AppState<App>,
    ctx: Ctx,
    Path(code): Path<AreaCode>,
    key: Idempotency,
) -> Result<Response, Problem> {
    let mut tx = app.deps.db.begin().await?;
    let there = store::find(&mut tx, &code).await?;
    let inside = store::scope(&mut tx, &ctx.actor, &code, local_day(ctx.now())).await?;
    if there.is_none() && !inside {
        return Err(Problem::not_found());
    }
    policy::allows(&ctx.actor, Action::AreaEdit, relation(inside)).require()?;
    if let Some(answer) = key.begin(&mut tx, &ctx, "area.communities", &code).await? {
        return Ok(answer);
    }
    let Some(street) = known::street(code.as_str()) else {
        return Err(Problem::new(&CONFLICT).detail(
            "名录里没有这个街道，请用文件导入社区",
            "The list does not have this street; import its communities from a file",
        ));
    };
    let added = take(&mut tx, ctx.now(), street).await?;
    audited(&mut tx, &ctx, "area.communities", &code).await?;
    let answer = key.finish(&mut tx, &ctx, StatusCode::CREATED, &TakenOver { added }).await?;
    tx.commit().await?;
    Ok(answer)
}

async fn take(tx: &mut Tx, now: DateTime<Utc>, street: ListedArea) -> Result<Vec<AreaView>, DbError> {
    let mut added = Vec::new();
    let top = area(street, Level::Street)?;
    if store::add(tx, now, &top, None).await? {
        added.push(top.clone().into());
    }
    for community in known::communities(street.code) {
        let area = area(community, Level::Community)?;
        // A community has always lain in its street, so that what is imported of earlier days counts there.
        if store::add(tx, now, &area, Some((&top.code, SINCE))).await? {
            added.push(area.into());
        }
    }
    Ok(added)
}

fn area(known: ListedArea, level: Level) -> Result<Area, DbError> {
    let code = super::seed::parsed(known.code)?;
    Ok(Area { code, level, name_zh: known.name.to_owned(), name_en: known.english().map(str::to_owned) })
}
