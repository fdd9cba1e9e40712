//! Imports by HTTP: a file as the body or as a form's part, and how an import went.

use std::io::Cursor;
use std::sync::Arc;

use axum::extract::{DefaultBodyLimit, FromRequest as _, Multipart, Request, State as AppState};
use axum::http::header;
use sanbao_platform::http::{Ctx, Json, Path, Query, body_refused};
use sanbao_platform::problem::{Problem, TOO_LARGE, UNSUPPORTED_MEDIA};
use serde::Deserialize;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use utoipa::IntoParams;
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouterExt as _};
use utoipa_axum::routes;

use super::input::{COLUMNS_MAX, ROW_BYTES_MAX, ROWS_MAX, TableError};
use super::run::{ImportError, ImportOptions, Importer, run};
use super::store;
use super::view::{ImportId, Report};
use crate::App;
use crate::policy::{self, Action, relation};

/// The largest file, in bytes.
pub const FILE_BYTES_MAX: usize = 32 * 1024 * 1024;
/// When to try again while another import runs: a large one takes about this long.
const RETRY_SECONDS: u64 = 30;
/// The source of a file that names none.
const SOURCE_DEFAULT: &str = "csv";

sanbao_platform::problem_kinds! {
    IMPORT_RUNNING = 409 "import-running" "另一个导入正在进行，请等它结束再试" "Another import is running; try again when it has ended";
}

/// The one import that may run at a time in this process.
#[derive(Clone, Debug)]
pub struct Imports(Arc<Semaphore>);

impl Default for Imports {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(1)))
    }
}

impl Imports {
    /// Begins an import, unless another is running; it ends when what this returns is dropped.
    fn try_begin(&self) -> Result<OwnedSemaphorePermit, Problem> {
        let begun = Arc::clone(&self.0).try_acquire_owned();
        begun.map_err(|_| Problem::new(&IMPORT_RUNNING).retry_after(RETRY_SECONDS))
    }
}

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

/// Imports a CSV file: the body itself (`text/csv`), or the part `file` of a form.
#[utoipa::path(post, path = "/v1/imports", tag = "imports", params(ImportQuery),
    request_body(content = String, content_type = "text/csv", description = "UTF-8 or GB 18030, header in zh or en",
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
    };
    let deps = &app.deps;
    let report = run(&deps.db, &deps.clock, &deps.fields, Cursor::new(bytes), &options, |_, _| {}).await;
    report.map(|r| Json(r.in_language(ctx.lang))).map_err(problem)
}

/// The file out of a body: its name, if it has one, and its bytes.
async fn file(request: Request) -> Result<(Option<String>, axum::body::Bytes), Problem> {
    let kind = request.headers().get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    match kind.as_str() {
        "text/csv" | "application/csv" | "application/octet-stream" => {
            let bytes = axum::body::Bytes::from_request(request, &()).await;
            Ok((None, bytes.map_err(|e| refused(e.status().as_u16(), e))?))
        }
        "multipart/form-data" => {
            let form = Multipart::from_request(request, &()).await;
            let mut form = form.map_err(|e| refused(e.status().as_u16(), e))?;
            while let Some(field) = form.next_field().await.map_err(|e| refused(e.status().as_u16(), e))? {
                if field.name() == Some("file") {
                    let name = field.file_name().map(|n| n.chars().filter(|c| !c.is_control()).take(100).collect());
                    return Ok((name, field.bytes().await.map_err(|e| refused(e.status().as_u16(), e))?));
                }
            }
            Err(Problem::field("/file", "请选择文件", "Choose a file"))
        }
        _ => {
            Err(Problem::new(&UNSUPPORTED_MEDIA).detail("请发送 text/csv 或表单文件", "Send text/csv or a form's file"))
        }
    }
}

fn refused(status: u16, cause: impl std::error::Error + 'static) -> Problem {
    if status == 413 {
        return Problem::new(&TOO_LARGE).detail("文件不能超过 32 MB", "A file has at most 32 MB");
    }
    body_refused(&cause)
}

fn problem(error: ImportError) -> Problem {
    match error {
        ImportError::Db(e) => e.into(),
        ImportError::Read(e) => Problem::internal(e),
        ImportError::Source => {
            Problem::field("?source", "来源名称为 1 到 100 字", "A source's name has 1 to 100 characters")
        }
        ImportError::Table(e) => {
            let zh = match &e {
                TableError::Encoding => "文件编码既不是 UTF-8 也不是 GB18030".to_owned(),
                TableError::Empty => "文件是空的".to_owned(),
                TableError::MissingColumns(names) => format!("表头缺少这些列：{names}"),
                TableError::TwiceColumn(name) => format!("表头中有重复的列：{name}"),
                TableError::TooManyRows => format!("超过 {ROWS_MAX} 行，请分成几个文件"),
                TableError::TooManyColumns(line) => format!("第 {line} 行起的记录超过 {COLUMNS_MAX} 列"),
                TableError::RowTooLong(line) => {
                    format!("第 {line} 行起的记录超过 {ROW_BYTES_MAX} 字节，可能有引号没有成对")
                }
            };
            Problem::field("/file", zh, e.to_string())
        }
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
