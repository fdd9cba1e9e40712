//! Reading accounts.

use axum::extract::State as AppState;
use sanbao_platform::http::{Ctx, ETag, Json, Page, Paging, Path, Query};
use sanbao_platform::id::OrganisationId;
use sanbao_platform::problem::Problem;

use crate::App;
use crate::account::id::AccountId;
use crate::account::member::model::Membership;
use crate::account::member::store;
use crate::account::member::view::AccountView;
use crate::account::organisation;
use crate::account::policy::AccountAction;

/// The accounts of an organisation.
#[utoipa::path(get, path = "/v1/organisations/{id}/accounts", tag = "accounts", params(("id" = uuid::Uuid, Path), Paging),
    security(("bearer" = [])), description = "Permission: its administrators; those of the street office that it lies under.",
    responses((status = 200, body = Page<AccountView>), (status = 403, description = "not an administrator"),
        (status = 404, description = "unknown, or of no concern to the caller")))]
pub async fn list(
    ctx: Ctx,
    AppState(app): AppState<App>,
    Path(id): Path<OrganisationId>,
    Query(paging): Query<Paging>,
) -> Result<Json<Page<AccountView>>, Problem> {
    let mut conn = app.deps.db.read().await?;
    let organisation = organisation::load(&mut conn, &ctx, id, AccountAction::AccountRead).await?.id;
    let limit = paging.limit()?;
    let rows = store::list(&mut conn, organisation, paging.after()?, limit + 1).await?;
    let (mut roles, mut areas) =
        (store::roles_by_account(&mut conn, id).await?, store::areas_by_account(&mut conn, id).await?);
    let page = Page::of(rows, limit, |a| (a.display_name.clone(), a.id));
    Ok(Json(page.map(|account| {
        let (roles, areas) = (roles.remove(&account.id), areas.remove(&account.id));
        let membership =
            Membership { organisation, roles: roles.unwrap_or_default(), areas: areas.unwrap_or_default() };
        AccountView::of(account, membership)
    })))
}

/// One account.
#[utoipa::path(get, path = "/v1/accounts/{id}", tag = "accounts", params(("id" = uuid::Uuid, Path)), security(("bearer" = [])),
    description = "Permission: administrators of its organisation; those of the street office that it lies under.",
    responses((status = 200, body = AccountView), (status = 403, description = "not an administrator"),
        (status = 404, description = "unknown, or of no concern to the caller")))]
pub async fn get(
    ctx: Ctx,
    AppState(app): AppState<App>,
    Path(id): Path<AccountId>,
) -> Result<(ETag, Json<AccountView>), Problem> {
    let mut conn = app.deps.db.read().await?;
    let (account, membership) = store::load(&mut conn, &ctx, id, AccountAction::AccountRead).await?;
    Ok((ETag(account.version), Json(AccountView::of(account, membership))))
}
