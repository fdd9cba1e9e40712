//! Reading transfers.

use axum::extract::State as AppState;
use chrono::{DateTime, Utc};
use sanbao_platform::http::{Ctx, ETag, Json, Page, Paging, Path, Query};
use sanbao_platform::policy::Decision;
use sanbao_platform::problem::Problem;

use crate::App;
use crate::account::id::PersonId;
use crate::account::organisation;
use crate::account::person::transfer::input::{TransferList, TransferQuery};
use crate::account::person::transfer::model::{Transfer, TransferId};
use crate::account::person::transfer::policy::{self, TransferAction};
use crate::account::person::transfer::store::{self, TransferStretch};
use crate::account::person::transfer::view::TransferView;
use crate::account::person::transfer::{side, steps};
use crate::role;

/// Everything that is asked of the caller's organisation, or that it has asked for; the newest first.
#[utoipa::path(get, path = "/v1/transfers", tag = "people", params(TransferQuery), security(("bearer" = [])),
    description = "Permission: care staff and administrators of a care home; an agency's dispatchers; a street's dispatchers and administrators. Audited.",
    responses((status = 200, body = Page<TransferView>), (status = 403, description = "not one of these roles"),
        (status = 422, description = "parameters to correct")))]
pub async fn list(
    ctx: Ctx,
    AppState(app): AppState<App>,
    Query(query): Query<TransferQuery>,
) -> Result<Json<Page<TransferView>>, Problem> {
    let paging = Paging { after: query.after, limit: query.limit };
    Ok(Json(listed(&app, &ctx, query.list, &paging).await?))
}

/// A page of transfers for a caller who has lists of them.
pub(in crate::account) async fn listed(
    app: &App,
    ctx: &Ctx,
    list: TransferList,
    paging: &Paging,
) -> Result<Page<TransferView>, Problem> {
    let mut conn = app.deps.db.read().await?;
    let own = organisation::own(&mut conn, ctx).await?;
    Decision::over(role::held(&ctx.actor), |role| policy::may_list(role, own.kind)).require()?;
    let limit = paging.limit()?;
    let stretch = TransferStretch::of(ctx.now(), paging.after::<(DateTime<Utc>, TransferId)>()?, limit + 1);
    let rows = match list {
        TransferList::AskedBy => store::asked_by(&mut conn, own.id, stretch).await?,
        TransferList::AskedOf => store::asked_of(&mut conn, &own, &side::reach(ctx, &own), stretch).await?,
    };
    let page = Page::of(rows, limit, |transfer: &Transfer| (transfer.asked_at, transfer.id));
    let mut items = Vec::with_capacity(page.items.len());
    for transfer in page.items {
        items.push(TransferView::of(&mut conn, ctx, transfer).await?);
    }
    Ok(Page { items, next: page.next })
}

/// One transfer.
#[utoipa::path(get, path = "/v1/transfers/{id}", tag = "people", params(("id" = uuid::Uuid, Path)), security(("bearer" = [])),
    description = "Permission: both sides; after a week without an answer the street office over both. Audited.",
    responses((status = 200, body = TransferView), (status = 404, description = "unknown, or of no concern to the caller")))]
pub async fn get(
    ctx: Ctx,
    AppState(app): AppState<App>,
    Path(id): Path<TransferId>,
) -> Result<(ETag, Json<TransferView>), Problem> {
    let mut conn = app.deps.db.read().await?;
    let transfer = store::find(&mut conn, id).await?.ok_or_else(Problem::not_found)?;
    let stance = side::of(&mut conn, &ctx, &transfer).await?;
    steps::allowed(&ctx, &stance, TransferAction::Read).require()?;
    let view = TransferView::of(&mut conn, &ctx, transfer).await?;
    Ok((ETag(view.version), Json(view)))
}

/// Refuses an account that has no lists of transfers.
pub(in crate::account) async fn may_list(app: &App, ctx: &Ctx) -> Result<(), Problem> {
    let own = organisation::own(&mut app.deps.db.read().await?, ctx).await?;
    Decision::over(role::held(&ctx.actor), |role| policy::may_list(role, own.kind)).require()
}

/// The transfer by which a record's person is asked for and that nobody has answered.
pub(in crate::account) async fn open_of(app: &App, person: PersonId) -> Result<Option<TransferId>, Problem> {
    let mut conn = app.deps.db.read().await?;
    Ok(store::open_of(&mut conn, person).await?.map(|transfer| transfer.id))
}
