//! Imports by HTTP: a file as the body or as a form's part, how an import goes on, and taking it back.

use std::io::Cursor;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Request, State as AppState};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use sanbao_platform::audit;
use sanbao_platform::http::{Ctx, Json, Path, Query};
use sanbao_platform::problem::Problem;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouterExt as _};
use utoipa_axum::routes;
use uuid::Uuid;

use super::mapping;
use super::options::{ImportError, ImportOptions, Importer};
use super::run::{Means, aside, prepare};
use super::view::{ImportId, Report, RunState};
use super::{input, runs, spool, store, undo, upload};
use crate::App;
use crate::policy::{self, Action, relation};
use sanbao_platform::table::{FILE_BYTES_MAX, FileBytes, TableFile, file, refused_table};

/// The source of a file that names none.
const SOURCE_DEFAULT: &str = "csv";
/// How long an import is waited for before its id alone is answered: proxies cut a request after a minute.
const WAIT_SECONDS: u64 = 45;
/// Imports of a page.
const PAGE_ROWS: usize = 50;

sanbao_platform::problem_kinds! {
    UPLOAD_INCOMPLETE = 409 "upload-incomplete" "文件还没有传完，请继续上传" "The file has not come whole yet; send the parts that are missing";
    IMPORT_UNDER_WAY = 409 "import-under-way" "这次导入还在进行，请等它结束再撤销" "This import is under way; take it back when it has ended";
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
    /// A file that has come in parts, in the place of a body.
    upload: Option<Uuid>,
}

/// Which imports to list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct RunsQuery {
    /// The `next` of the page before.
    pub(super) after: Option<Uuid>,
}

/// The imports of an organisation, the newest first.
#[derive(Debug, Serialize, ToSchema)]
pub struct Runs {
    /// Without their faults and doubts.
    pub items: Vec<Report>,
    /// Where the next page begins, if there is one.
    pub next: Option<ImportId>,
}

/// A heading of a file, and the field that is read under it.
#[derive(Debug, Serialize, ToSchema)]
pub struct Heading {
    pub heading: String,
    /// None where nothing is read.
    pub field: Option<String>,
}

/// The headings of a file, and the fields that they may mean.
#[derive(Debug, Serialize, ToSchema)]
pub struct FileHeader {
    pub headings: Vec<Heading>,
    /// Every field.
    pub fields: Vec<String>,
    /// Those that must be among the columns and are not.
    pub missing: Vec<String>,
}

/// The routes of this part; what takes a file takes larger bodies than others do.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(import).layer(DefaultBodyLimit::max(FILE_BYTES_MAX)))
        .routes(routes!(headings).layer(DefaultBodyLimit::max(FILE_BYTES_MAX)))
        .routes(routes!(runs_of))
        .routes(routes!(show))
        .routes(routes!(take_back))
        .routes(routes!(mapping::list, mapping::remember))
        .merge(upload::routes())
}

/// Refuses all but those who import.
pub(super) fn require(ctx: &Ctx) -> Result<(), Problem> {
    policy::allows(&ctx.actor, Action::Import, relation(!ctx.actor.areas.is_empty())).require()
}

fn source(q: &ImportQuery) -> String {
    q.source.clone().filter(|s| !s.is_empty()).unwrap_or_else(|| SOURCE_DEFAULT.to_owned())
}

/// Whether the caller would rather not wait (RFC 7240 §4.1).
fn wants_id_alone(headers: &HeaderMap) -> bool {
    let prefers = headers.get_all("prefer").iter().filter_map(|value| value.to_str().ok());
    prefers.flat_map(|value| value.split(',')).any(|word| word.trim().eq_ignore_ascii_case("respond-async"))
}

/// Imports a file, CSV or XLSX: the body itself, or the part `file` of a form.
///
/// The answer has the whole report if the import ends within 45 s. Else, and with `Prefer: respond-async` at once, it is 202 with
/// the import's id, under which its progress is read; it goes on by itself, also after the program was stopped.
#[utoipa::path(post, path = "/v1/imports", tag = "imports", params(ImportQuery),
    request_body(content = String, content_type = "text/csv", description = "CSV in UTF-8, UTF-16 with its mark or GB 18030, or an XLSX file; header in zh or en",
        example = "external_id,received_at,area_code,category,elder_name\nA-1,2026-11-23 09:00,330211001001,meal,林某某\n"),
    responses((status = 200, body = Report), (status = 202, body = Report, description = "under way; `Location` is where its progress is read"),
    (status = 400), (status = 401), (status = 403), (status = 404),
    (status = 408), (status = 409), (status = 413), (status = 415), (status = 422)))]
async fn import(
    AppState(app): AppState<App>,
    ctx: Ctx,
    Query(q): Query<ImportQuery>,
    request: Request,
) -> Result<Response, Problem> {
    require(&ctx)?;
    // Before the body: it is the file that takes room.
    let permit = app.imports.try_begin()?;
    let sent = match (sent(&app, &ctx, q.upload, request).await?, q.upload) {
        (Some(sent), _) => sent,
        // Its import has begun, and the answer was lost.
        (None, id) => return begun_before(&app, &ctx, ImportId(id.unwrap_or_default())).await,
    };
    let options = ImportOptions {
        dry_run: q.dry_run.unwrap_or(true),
        source: source(&q),
        file_name: sent.file_name.clone(),
        importer: Importer::Person(ctx.actor.clone()),
        request_id: ctx.request_id.clone(),
        dialling_code: app.deps.dialling_code.clone(),
        lang: ctx.lang,
    };
    let (means, dry_run) = (Means::from(&app), options.dry_run);
    let (import, reading) = prepare(&means, sent.open(&means).await?, options, sent.upload).await.map_err(problem)?;
    if !dry_run && !import.open(sent.bytes.as_deref()).await? {
        return begun_before(&app, &ctx, ImportId(q.upload.unwrap_or_default())).await;
    }
    let mut begun = import.report.clone();
    let (told, wait) = match sent.upload.filter(|_| dry_run) {
        Some(id) => {
            upload::try_again(&app, id).await?;
            (runs::tried_beside(means, import, reading, permit, (id, ctx.lang)), sent.wait)
        }
        None if dry_run => {
            let report = import.work(reading, |_, _| {}).await.map_err(problem)?;
            return Ok(Json(report.in_language(ctx.lang)).into_response());
        }
        None => (runs::beside(means, import, reading, permit), sent.wait),
    };
    drop(sent);
    match tokio::time::timeout(wait, told).await {
        Ok(Ok(done)) => Ok(Json(done.map_err(problem)?.in_language(ctx.lang)).into_response()),
        Ok(Err(gone)) => Err(Problem::internal(gone)),
        Err(_) => {
            let mut conn = app.deps.db.read().await?;
            if let Some(id) = begun.id {
                begun = store::find(&mut conn, id, ctx.actor.organisation).await?.unwrap_or(begun);
            }
            begun.state = if begun.id.is_none() { RunState::Running } else { begun.state };
            let place = match (begun.id, q.upload) {
                (None, Some(upload)) => format!("/v1/imports/uploads/{upload}"),
                (id, _) => format!("/v1/imports/{}", id.map_or(Uuid::nil(), |id| id.0)),
            };
            let place = [(header::LOCATION, place)];
            Ok((StatusCode::ACCEPTED, place, Json(begun.in_language(ctx.lang))).into_response())
        }
    }
}

/// A file as it was sent: in the body, or in parts before.
struct Sent {
    file_name: Option<String>,
    bytes: Option<Bytes>,
    upload: Option<ImportId>,
    /// How long the import is waited for.
    wait: Duration,
}

impl Sent {
    async fn open(&self, means: &Means) -> Result<Box<dyn FileBytes>, Problem> {
        Ok(match (&self.bytes, self.upload) {
            (None, Some(id)) => Box::new(spool::SpoolFile::open(means, id).await?),
            (bytes, _) => Box::new(Cursor::new(bytes.clone().unwrap_or_default())),
        })
    }
}

/// The file of a request; none where it was to have come in parts, and there is none of that id.
async fn sent(app: &App, ctx: &Ctx, upload: Option<Uuid>, request: Request) -> Result<Option<Sent>, Problem> {
    let wait = Duration::from_secs(if wants_id_alone(request.headers()) { 0 } else { WAIT_SECONDS });
    let Some(id) = upload.map(ImportId) else {
        let (file_name, bytes) = file(request).await?;
        return Ok(Some(Sent { file_name, bytes: Some(bytes), upload: None, wait }));
    };
    match upload::come(app, ctx, id).await? {
        Some((file_name, true)) => Ok(Some(Sent { file_name, bytes: None, upload: Some(id), wait })),
        Some((_, false)) => Err(Problem::new(&UPLOAD_INCOMPLETE)),
        None => Ok(None),
    }
}

async fn begun_before(app: &App, ctx: &Ctx, id: ImportId) -> Result<Response, Problem> {
    let report = found(app, ctx, id).await?;
    let status = if report.state == RunState::Running { StatusCode::ACCEPTED } else { StatusCode::OK };
    Ok((status, [(header::LOCATION, format!("/v1/imports/{id}"))], Json(report)).into_response())
}

pub(super) fn problem(error: ImportError) -> Problem {
    match error {
        ImportError::Db(e) => e.into(),
        ImportError::Read(e) => Problem::internal(e),
        ImportError::Source => {
            Problem::field("?source", "来源名称为 1 到 100 字", "A source's name has 1 to 100 characters")
        }
        ImportError::Table(e) => refused_table(e),
    }
}

/// The headings of a file with the fields that are read under them, so that the others can be told what they mean.
#[utoipa::path(post, path = "/v1/imports/headings", tag = "imports", params(ImportQuery),
    description = "Permission: those who import. Nothing is written, and `dry_run` is not read.",
    request_body(content = String, content_type = "text/csv", description = "a file as an import takes it",
        example = "external_id,received_at,area_code,category,elder_name\n"),
    responses((status = 200, body = FileHeader), (status = 400), (status = 401), (status = 403), (status = 404),
    (status = 408), (status = 409), (status = 413), (status = 415), (status = 422)))]
async fn headings(
    AppState(app): AppState<App>,
    ctx: Ctx,
    Query(q): Query<ImportQuery>,
    request: Request,
) -> Result<Json<FileHeader>, Problem> {
    require(&ctx)?;
    let _only = app.imports.try_begin()?;
    let Some(sent) = sent(&app, &ctx, q.upload, request).await? else { return Err(Problem::not_found()) };
    let bytes = sent.open(&Means::from(&app)).await?;
    let said = mapping::of_source(&mut app.deps.db.read().await?, ctx.actor.organisation, &source(&q)).await?;
    let said = super::meaning::headings(&said);
    let told = aside(move || TableFile::headings_of(bytes, &input::TABLE, &said)).await.map_err(problem)?;
    let told = told.map_err(refused_table)?;
    let has = |name: &&&str| told.iter().any(|(_, field)| *field == Some(**name));
    let missing = input::TABLE.needed.iter().filter(|name| !has(name)).map(|name| (*name).to_owned()).collect();
    let heading = |(heading, field): (String, Option<&str>)| Heading { heading, field: field.map(str::to_owned) };
    let fields = input::COLUMNS.map(str::to_owned).to_vec();
    Ok(Json(FileHeader { missing, fields, headings: told.into_iter().map(heading).collect() }))
}

/// The imports of the caller's organisation, the newest first.
#[utoipa::path(get, path = "/v1/imports", tag = "imports", params(RunsQuery), responses(
    (status = 200, body = Runs), (status = 400), (status = 401), (status = 403), (status = 404)))]
async fn runs_of(AppState(app): AppState<App>, ctx: Ctx, Query(q): Query<RunsQuery>) -> Result<Json<Runs>, Problem> {
    Ok(Json(listed(&app, &ctx, q.after).await?))
}

/// A page of the imports of the caller's organisation.
pub(super) async fn listed(app: &App, ctx: &Ctx, after: Option<Uuid>) -> Result<Runs, Problem> {
    require(ctx)?;
    let before = ImportId(after.unwrap_or(Uuid::max()));
    let mut conn = app.deps.db.read().await?;
    let most = i64::try_from(PAGE_ROWS + 1).unwrap_or(0);
    let mut items = store::list(&mut conn, ctx.actor.organisation, before, most).await?;
    let more = items.len() > PAGE_ROWS;
    items.truncate(PAGE_ROWS);
    let next = items.last().filter(|_| more).and_then(|last| last.id);
    let bare = |report: Report| Report { errors: Vec::new(), warnings: Vec::new(), ..report.in_language(ctx.lang) };
    Ok(Runs { items: items.into_iter().map(bare).collect(), next })
}

/// How an import of the caller's organisation went, or how far it is.
#[utoipa::path(get, path = "/v1/imports/{id}", tag = "imports", params(("id" = uuid::Uuid, Path)), responses(
    (status = 200, body = Report), (status = 401), (status = 403), (status = 404)))]
async fn show(AppState(app): AppState<App>, ctx: Ctx, Path(id): Path<ImportId>) -> Result<Json<Report>, Problem> {
    Ok(Json(found(&app, &ctx, id).await?))
}

/// An import of the caller's organisation, with the rows to mend while they are kept.
pub(super) async fn found(app: &App, ctx: &Ctx, id: ImportId) -> Result<Report, Problem> {
    require(ctx)?;
    let mut conn = app.deps.db.read().await?;
    let mut report = store::find(&mut conn, id, ctx.actor.organisation).await?.ok_or_else(Problem::not_found)?;
    report.mend = spool::mend(&mut conn, &app.deps.fields, id, ctx.now() - runs::mend_kept()).await?;
    Ok(report.in_language(ctx.lang))
}

/// Takes an import back: the requests that it made and nobody has worked on since are gone, the others are listed.
///
/// Requests that the import brought up to date stay as they are now. Again it answers the same. A long one is answered by 202,
/// and goes on by itself.
#[utoipa::path(post, path = "/v1/imports/{id}/undo", tag = "imports", params(("id" = uuid::Uuid, Path)),
    description = "Permission: those who import, of their own organisation. 409 while the import is under way.",
    responses((status = 200, body = Report), (status = 202, body = Report, description = "under way"), (status = 401),
    (status = 403), (status = 404), (status = 409)))]
async fn take_back(AppState(app): AppState<App>, ctx: Ctx, Path(id): Path<ImportId>) -> Result<Response, Problem> {
    let report = found(&app, &ctx, id).await?;
    ctx.proved_lately()?;
    let owner = ctx.actor.organisation;
    if report.undo.is_none() {
        let permit = app.imports.try_begin()?;
        let mut tx = app.deps.db.begin().await?;
        if !undo::start(&mut tx, id, &ctx.actor, ctx.now()).await? {
            return Err(Problem::new(&IMPORT_UNDER_WAY));
        }
        audit::record(&mut tx, &ctx, "import.remove", "import", id.0).await?;
        tx.commit().await?;
        let means = Means::from(&app);
        let work = tokio::spawn(audit::carried(async move {
            let done = undo::work(&means, id, owner).await;
            drop(permit);
            done
        }));
        if let Ok(done) = tokio::time::timeout(Duration::from_secs(WAIT_SECONDS), work).await {
            done.map_err(Problem::internal)??;
        }
    }
    let report = found(&app, &ctx, id).await?;
    let ended = report.undo.as_ref().is_some_and(|undo| undo.finished_at.is_some());
    let status = if ended { StatusCode::OK } else { StatusCode::ACCEPTED };
    Ok((status, Json(report)).into_response())
}
