//! Imports of accounts by HTTP: a file as the body or as a form's part.

use axum::extract::{DefaultBodyLimit, Request, State as AppState};
use sanbao_platform::audit;
use sanbao_platform::http::{Ctx, Json, Path, Query};
use sanbao_platform::id::OrganisationId;
use sanbao_platform::problem::Problem;
use sanbao_platform::table::{FILE_BYTES_MAX, file};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouterExt as _};
use utoipa_axum::routes;

use super::run::run;
use super::view::AccountReport;
use crate::App;
use crate::account::organisation;
use crate::account::policy::AccountAction;

/// How to import accounts.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(in crate::account) struct AccountImportQuery {
    /// Do all but write. True when absent, so that nothing is written by mistake.
    dry_run: Option<bool>,
}

/// The routes of this part; the import takes larger bodies than others do.
pub(in crate::account) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(import).layer(DefaultBodyLimit::max(FILE_BYTES_MAX)))
}

/// Imports a file of accounts, CSV or XLSX: the body itself, or the part `file` of a form. Accounts that are there already
/// are left as they are. The answer has the links by which their owners choose passwords; it is the only one that has them.
#[utoipa::path(post, path = "/v1/organisations/{id}/account-imports", tag = "accounts",
    params(("id" = uuid::Uuid, Path), AccountImportQuery), security(("bearer" = [])),
    description = "Permission: as for adding an account: its administrators; those of the street office that it lies under.",
    request_body(content = String, content_type = "text/csv",
        description = "CSV in UTF-8, UTF-16 with its mark or GB 18030, or an XLSX file; header in zh or en",
        example = "login,roles,display_name\nadmin.wang,administrator,王某\n"),
    responses((status = 200, body = AccountReport), (status = 400, description = "not a file"),
        (status = 403, description = "not an administrator"), (status = 404, description = "unknown, or of no concern to the caller"),
        (status = 408, description = "the body did not come in time"),
        (status = 409, description = "import-running; login-taken: by somebody else at the same moment"),
        (status = 413, description = "too large"), (status = 415, description = "not a file that is read"),
        (status = 422, description = "what is wrong with the file")))]
async fn import(
    AppState(app): AppState<App>,
    ctx: Ctx,
    Path(id): Path<OrganisationId>,
    Query(q): Query<AccountImportQuery>,
    request: Request,
) -> Result<Json<AccountReport>, Problem> {
    let own = organisation::load(&mut app.deps.db.read().await?, &ctx, id, AccountAction::AccountCreate).await?;
    // Before the body: it is the file that takes room.
    let _only = app.imports.try_begin()?;
    let (_, bytes) = file(request).await?;
    let dry_run = q.dry_run.unwrap_or(true);
    let mut report = run(&app, &ctx, &own, bytes.to_vec(), dry_run).await?;
    if !dry_run {
        let mut tx = app.deps.db.begin().await?;
        audit::record(&mut tx, &ctx, "account.import", "organisation", id).await?;
        tx.commit().await?;
    }
    report.table = report.table.in_language(ctx.lang);
    Ok(Json(report))
}
