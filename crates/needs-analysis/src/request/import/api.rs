//! Imports by HTTP: a file as the body or as a form's part, and how an import went.

use std::io::Cursor;

use axum::extract::{DefaultBodyLimit, Request, State as AppState};
use sanbao_platform::http::{Ctx, Json, Path, Query};
use sanbao_platform::problem::Problem;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouterExt as _};
use utoipa_axum::routes;

use super::run::{ImportError, ImportOptions, Importer, run};
use super::store;
use super::view::{ImportId, Report};
use crate::App;
use crate::policy::{self, Action, relation};
use sanbao_platform::table::{FILE_BYTES_MAX, file, refused_table};

/// The source of a file that names none.
const SOURCE_DEFAULT: &str = "csv";

/// How to import.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ImportQuery {
    /// Do all but write. True when absent, so that nothing is written by mistake.
    dry_run: Option<bool>,
    /// The system of the caller's organisation that the file comes from; `csv` when absent. With a row's external id it
    /// names a request of that organisation.
    source: Option<String>,
}

/// The routes of this part; the import takes larger bodies than others do.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(import).layer(DefaultBodyLimit::max(FILE_BYTES_MAX))).routes(routes!(show))
}

/// Imports a file, CSV or XLSX: the body itself, or the part `file` of a form.
#[utoipa::path(post, path = "/v1/imports", tag = "imports", params(ImportQuery),
    request_body(content = String, content_type = "text/csv", description = "CSV in UTF-8, UTF-16 with its mark or GB 18030, or an XLSX file; header in zh or en",
        example = "external_id,received_at,area_code,category,elder_name\nA-1,2026-11-23 09:00,330211001001,meal,林某某\n"),
    responses((status = 200, body = Report), (status = 400), (status = 401), (status = 403), (status = 404),
    (status = 408), (status = 409), (status = 413), (status = 415), (status = 422)))]
async fn import(
    AppState(app): AppState<App>,
    ctx: Ctx,
    Query(q): Query<ImportQuery>,
    request: Request,
) -> Result<Json<Report>, Problem> {
    policy::allows(&ctx.actor, Action::Import, relation(!ctx.actor.areas.is_empty())).require()?;
    // Before the body: it is the file that takes room.
    let _only = app.imports.try_begin()?;
    let (file_name, bytes) = file(request).await?;
    let options = ImportOptions {
        source: q.source.filter(|s| !s.is_empty()).unwrap_or_else(|| SOURCE_DEFAULT.to_owned()),
        file_name,
        dry_run: q.dry_run.unwrap_or(true),
        importer: Importer::Person(ctx.actor.clone()),
        request_id: ctx.request_id.clone(),
        dialling_code: app.deps.dialling_code.clone(),
        lang: ctx.lang,
    };
    let deps = &app.deps;
    let report = run(&deps.db, &deps.clock, &deps.fields, Cursor::new(bytes), &options, |_, _| {}).await;
    report.map(|r| Json(r.in_language(ctx.lang))).map_err(problem)
}

fn problem(error: ImportError) -> Problem {
    match error {
        ImportError::Db(e) => e.into(),
        ImportError::Read(e) => Problem::internal(e),
        ImportError::Source => {
            Problem::field("?source", "来源名称为 1 到 100 字", "A source's name has 1 to 100 characters")
        }
        ImportError::Table(e) => refused_table(e),
    }
}

/// How an import of the caller's organisation went, or how far it is.
#[utoipa::path(get, path = "/v1/imports/{id}", tag = "imports", params(("id" = uuid::Uuid, Path)), responses(
    (status = 200, body = Report), (status = 401), (status = 403), (status = 404)))]
async fn show(AppState(app): AppState<App>, ctx: Ctx, Path(id): Path<ImportId>) -> Result<Json<Report>, Problem> {
    policy::allows(&ctx.actor, Action::Import, relation(!ctx.actor.areas.is_empty())).require()?;
    let mut conn = app.deps.db.read().await?;
    store::find(&mut conn, id, ctx.actor.organisation).await?.map(Json).ok_or_else(Problem::not_found)
}
