//! Imports of areas by HTTP: a file as the body or as a form's part.

use axum::extract::{DefaultBodyLimit, Request, State as AppState};
use sanbao_platform::http::{Ctx, Json, Query};
use sanbao_platform::problem::Problem;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouterExt as _};
use utoipa_axum::routes;

use super::run::{AREA_ROWS_MAX, AreaImportError, run};
use super::view::AreaReport;
use crate::App;
use crate::policy::{self, Action, relation};
use sanbao_platform::table::{FILE_BYTES_MAX, file, refused_table};

/// How to import areas.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct AreaImportQuery {
    /// Do all but write. True when absent, so that nothing is written by mistake.
    dry_run: Option<bool>,
}

/// The routes of this part; the import takes larger bodies than others do.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(import).layer(DefaultBodyLimit::max(FILE_BYTES_MAX)))
}

/// Imports a file of areas, CSV or XLSX: the body itself, or the part `file` of a form.
#[utoipa::path(post, path = "/v1/imports/areas", tag = "areas", params(AreaImportQuery),
    description = "Permission: administrators of a street office, within their areas. The same file again changes nothing.",
    request_body(content = String, content_type = "text/csv", description = "CSV in UTF-8, UTF-16 with its mark or GB 18030, or an XLSX file; header in zh or en",
        example = "code,level,name,english_name,parent,from\n330211001001-C9,compound,城东南苑,,330211001001,\n"),
    responses((status = 200, body = AreaReport), (status = 400), (status = 401), (status = 403),
    (status = 408), (status = 409), (status = 413), (status = 415), (status = 422)))]
async fn import(
    AppState(app): AppState<App>,
    ctx: Ctx,
    Query(q): Query<AreaImportQuery>,
    request: Request,
) -> Result<Json<AreaReport>, Problem> {
    policy::allows(&ctx.actor, Action::AreaEdit, relation(!ctx.actor.areas.is_empty())).require()?;
    // Before the body: it is the file that takes room.
    let _only = app.imports.try_begin()?;
    let (_, bytes) = file(request).await?;
    let report = run(&app.deps.db, &ctx, bytes.to_vec(), q.dry_run.unwrap_or(true)).await.map_err(problem)?;
    Ok(Json(report.in_language(ctx.lang)))
}

fn problem(error: AreaImportError) -> Problem {
    match error {
        AreaImportError::Db(e) => e.into(),
        AreaImportError::Read(e) => Problem::internal(e),
        AreaImportError::Table(e) => refused_table(e),
        AreaImportError::TooManyRows => {
            let zh = format!("超过 {AREA_ROWS_MAX} 行，请分成几个文件");
            Problem::field("/file", zh, error.to_string())
        }
    }
}
