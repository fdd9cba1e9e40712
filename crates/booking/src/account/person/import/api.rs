//! Imports of people by HTTP: a file as the body or as a form's part.

use axum::extract::{DefaultBodyLimit, Request, State as AppState};
use sanbao_platform::audit;
use sanbao_platform::http::{Ctx, Json, Query};
use sanbao_platform::problem::Problem;
use sanbao_platform::table::{FILE_BYTES_MAX, file};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouterExt as _};
use utoipa_axum::routes;

use super::run::{Options, run};
use super::view::PersonReport;
use crate::App;
use crate::account::organisation;
use crate::account::person::may_register;

/// The source of a file that names none.
const SOURCE_DEFAULT: &str = "file";
/// Characters of a source's name at most.
const SOURCE_CHARS_MAX: usize = 100;

/// How to import people.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(in crate::account) struct PersonImportQuery {
    /// Do all but write. True when absent, so that nothing is written by mistake.
    dry_run: Option<bool>,
    /// The system of the caller's organisation that the file comes from; `file` when absent. With a row's external id it
    /// names a person of that organisation.
    source: Option<String>,
}

/// The routes of this part; the import takes larger bodies than others do.
pub(in crate::account) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(import).layer(DefaultBodyLimit::max(FILE_BYTES_MAX)))
}

/// Imports a file of residents or elders, CSV or XLSX: the body itself, or the part `file` of a form. The name alone must be
/// there. The same file again changes nothing.
#[utoipa::path(post, path = "/v1/person-imports", tag = "people", params(PersonImportQuery), security(("bearer" = [])),
    description = "Permission: as for registering a person. Audited, each person by a row.",
    request_body(content = String, content_type = "text/csv",
        description = "CSV in UTF-8, UTF-16 with its mark or GB 18030, or an XLSX file; header in zh or en",
        example = "external_id,sex,birth_date,phone,name\nA-1,female,1940-05-01,13800000000,张某某\n"),
    responses((status = 200, body = PersonReport), (status = 400, description = "not a file"),
        (status = 403, description = "not one of these roles"), (status = 408, description = "the body did not come in time"),
        (status = 409, description = "import-running; national-id-unreadable"), (status = 413, description = "too large"),
        (status = 415, description = "not a file that is read"), (status = 422, description = "what is wrong with the file")))]
async fn import(
    AppState(app): AppState<App>,
    ctx: Ctx,
    Query(q): Query<PersonImportQuery>,
    request: Request,
) -> Result<Json<PersonReport>, Problem> {
    let own = organisation::own(&mut app.deps.db.read().await?, &ctx).await?;
    may_register(&ctx, &own)?;
    let source = q.source.filter(|s| !s.trim().is_empty()).unwrap_or_else(|| SOURCE_DEFAULT.to_owned());
    if source.chars().count() > SOURCE_CHARS_MAX || source.chars().any(char::is_control) {
        return Err(Problem::field("?source", "来源名称为 1 到 100 字", "A source's name has 1 to 100 characters"));
    }
    // Before the body: it is the file that takes room.
    let _only = app.imports.try_begin()?;
    let (_, bytes) = file(request).await?;
    let options = Options { own, source, dry_run: q.dry_run.unwrap_or(true) };
    let mut report = run(&app, &ctx, bytes.to_vec(), &options).await?;
    if !options.dry_run {
        let mut tx = app.deps.db.begin().await?;
        audit::record(&mut tx, &ctx, "person.import", "organisation", options.own.id).await?;
        tx.commit().await?;
    }
    report.table = report.table.in_language(ctx.lang);
    Ok(Json(report))
}
