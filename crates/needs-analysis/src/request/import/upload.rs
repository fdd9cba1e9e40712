//! A large file comes in parts: each is put by sealed as it comes, so that no file is held whole, and a broken connection goes on with
//! the parts that are missing. Then it is tried or imported as often as wanted, until it is imported in earnest, until its
//! person sends another, or until a day has passed.

use std::collections::BTreeSet;

use axum::extract::{DefaultBodyLimit, State as AppState};
use axum::http::{HeaderMap, StatusCode};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Duration, Utc};
use sanbao_platform::audit;
use sanbao_platform::crypto::{FieldKeys, hex, sha256_hex};
use sanbao_platform::db::{Conn, DbError, Tx};
use sanbao_platform::http::{Ctx, Json, Path};
use sanbao_platform::id::{OrganisationId, SubjectId};
use sanbao_platform::on;
use sanbao_platform::problem::Problem;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouterExt as _};
use utoipa_axum::routes;

use super::api::require;
use super::run::Means;
use super::spool::{self, PART_BYTES};
use super::view::{ImportId, Report};
use crate::App;

/// Bytes of a file that comes in parts.
pub const UPLOAD_BYTES_MAX: u64 = 256 * 1024 * 1024;
/// How long a file is kept that nobody imports, in hours.
const KEPT_HOURS: i64 = 24;
/// The part that says what is to come.
pub(super) const ANNOUNCED: i64 = -2;
/// The part that says what the last rehearsal came to.
const TRIED: i64 = -3;

const ALL: &str = "select import_id from _import_part where part = -2 order by import_id";
const OLD: &str = "select import_id from _import_part where part = -2 and kept_at < $1 order by import_id";
const PARTS: &str = "select part from _import_part where import_id = $1 and part > 0 order by part";
const FORGET: &str = "delete from _import_part where import_id = $1";
const BEGIN: &str = "delete from _import_part where import_id = $1 and part = -2";
const TRY: &str = "delete from _import_part where import_id = $1 and part = -3";

/// A file that is to come in parts.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(example = json!({"bytes": 31_457_280, "file_name": "requests.csv"}))]
pub struct NewUpload {
    /// Its bytes, 268,435,456 at most.
    pub bytes: u64,
    pub file_name: Option<String>,
}

/// How far a file has come.
#[derive(Debug, Serialize, ToSchema)]
pub struct Upload {
    /// The import that it becomes, once it is imported in earnest.
    pub id: ImportId,
    pub bytes: u64,
    /// Bytes of each part but the last.
    pub part_bytes: u64,
    /// Parts in all.
    pub parts: u64,
    /// Parts that have come.
    pub received: u64,
    /// The first part that is missing, the first of all being 1; none when all are there.
    pub next: Option<u64>,
    /// When it is forgotten, unless it is imported before.
    pub expires_at: DateTime<Utc>,
    /// The outcome of the last rehearsal, where its answer did not wait for the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tried: Option<Report>,
}

/// A file that is to come, and by whom.
#[derive(Debug, Serialize, Deserialize)]
struct Announced {
    organisation: OrganisationId,
    subject: SubjectId,
    bytes: u64,
    file_name: Option<String>,
    begun_at: DateTime<Utc>,
}

impl Announced {
    fn parts(&self) -> u64 {
        self.bytes.div_ceil(PART_BYTES as u64)
    }

    /// Bytes of a part; none where there is no such part.
    fn bytes_of(&self, part: u64) -> Option<u64> {
        let before = part.checked_sub(1)? * PART_BYTES as u64;
        let rest = self.bytes.checked_sub(before).filter(|rest| *rest > 0)?;
        Some(rest.min(PART_BYTES as u64))
    }

    fn expires_at(&self) -> DateTime<Utc> {
        self.begun_at + Duration::hours(KEPT_HOURS)
    }

    async fn told(&self, conn: &mut Conn, id: ImportId) -> Result<Upload, DbError> {
        let there: Vec<i64> = on!(conn, |c| sqlx::query_scalar(PARTS).bind(id).fetch_all(c).await)?;
        let there: BTreeSet<u64> = there.into_iter().filter_map(|part| u64::try_from(part).ok()).collect();
        let next = (1..=self.parts()).find(|part| !there.contains(part));
        let (parts, received) = (self.parts(), there.len() as u64);
        let part_bytes = PART_BYTES as u64;
        Ok(Upload {
            id,
            bytes: self.bytes,
            part_bytes,
            parts,
            received,
            next,
            expires_at: self.expires_at(),
            tried: None,
        })
    }
}

/// The routes of this part.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(begin))
        .routes(routes!(show))
        .routes(routes!(receive).layer(DefaultBodyLimit::max(PART_BYTES)))
}

async fn announced(conn: &mut Conn, fields: &FieldKeys, id: ImportId) -> Result<Option<Announced>, DbError> {
    let read = spool::get(conn, fields, id, ANNOUNCED).await?;
    Ok(read.and_then(|bytes| serde_json::from_slice(&bytes).ok()))
}

/// The file that the caller has announced under an id.
async fn own(conn: &mut Conn, fields: &FieldKeys, ctx: &Ctx, id: ImportId) -> Result<Option<Announced>, Problem> {
    let is_theirs = |a: &Announced| {
        (a.organisation, a.subject) == (ctx.actor.organisation, ctx.actor.subject) && ctx.now() < a.expires_at()
    };
    Ok(announced(conn, fields, id).await?.filter(is_theirs))
}

/// Announces a file that comes in parts. One that the caller had announced before and not imported is forgotten.
#[utoipa::path(post, path = "/v1/imports/uploads", tag = "imports", request_body = NewUpload,
    description = "Permission: those who import. What has come is kept for a day.",
    responses((status = 201, body = Upload), (status = 400), (status = 401), (status = 403), (status = 404), (status = 408),
    (status = 413), (status = 415), (status = 422)))]
async fn begin(
    AppState(app): AppState<App>,
    ctx: Ctx,
    Json(new): Json<NewUpload>,
) -> Result<(StatusCode, Json<Upload>), Problem> {
    require(&ctx)?;
    if new.bytes == 0 || new.bytes > UPLOAD_BYTES_MAX {
        return Err(Problem::field("/bytes", "文件为 1 字节到 256 MB", "A file has 1 byte to 256 MB"));
    }
    let (id, fields) = (ImportId::new(ctx.now()), &app.deps.fields);
    let file_name = new.file_name.map(|name| name.chars().filter(|c| !c.is_control()).take(100).collect());
    let (organisation, subject) = (ctx.actor.organisation, ctx.actor.subject);
    let coming = Announced { organisation, subject, bytes: new.bytes, file_name, begun_at: ctx.now() };
    let mut tx = app.deps.db.begin().await?;
    let all: Vec<ImportId> = on!(tx, |c| sqlx::query_scalar(ALL).fetch_all(c).await)?;
    for former in all {
        if announced(&mut tx, fields, former).await?.is_some_and(|former| former.subject == subject) {
            forget(&mut tx, former).await?;
        }
    }
    let said = serde_json::to_vec(&coming).unwrap_or_default();
    spool::put(&mut tx, fields, (id, ANNOUNCED), &said, ctx.now()).await?;
    audit::record(&mut tx, &ctx, "import.upload", "import", id.0).await?;
    let told = coming.told(&mut tx, id).await?;
    tx.commit().await?;
    Ok((StatusCode::CREATED, Json(told)))
}

/// How far a file of the caller's has come.
#[utoipa::path(get, path = "/v1/imports/uploads/{id}", tag = "imports", params(("id" = uuid::Uuid, Path)),
    description = "Permission: the person who announced it.",
    responses((status = 200, body = Upload), (status = 401), (status = 403), (status = 404)))]
async fn show(AppState(app): AppState<App>, ctx: Ctx, Path(id): Path<ImportId>) -> Result<Json<Upload>, Problem> {
    require(&ctx)?;
    let mut conn = app.deps.db.read().await?;
    let coming = own(&mut conn, &app.deps.fields, &ctx, id).await?.ok_or_else(Problem::not_found)?;
    let tried = spool::get(&mut conn, &app.deps.fields, id, TRIED).await?;
    let tried = tried.and_then(|report| serde_json::from_slice::<Report>(&report).ok());
    let told = coming.told(&mut conn, id).await?;
    Ok(Json(Upload { tried: tried.map(|report| report.in_language(ctx.lang)), ..told }))
}

/// Takes a part, in whatever order and as often as it comes: 1,048,576 bytes, but for the last.
///
/// With `Content-Digest: sha-256=…` (RFC 9530) a part that was damaged on the way is refused.
#[utoipa::path(put, path = "/v1/imports/uploads/{id}/parts/{part}", tag = "imports",
    params(("id" = uuid::Uuid, Path), ("part" = u64, Path)),
    request_body(content = String, content_type = "application/octet-stream", description = "the bytes of the part"),
    description = "Permission: the person who announced the file.",
    responses((status = 200, body = Upload), (status = 400), (status = 401), (status = 403), (status = 404), (status = 408),
    (status = 413), (status = 415), (status = 422)))]
async fn receive(
    AppState(app): AppState<App>,
    ctx: Ctx,
    Path((id, part)): Path<(ImportId, u64)>,
    headers: HeaderMap,
    request: axum::extract::Request,
) -> Result<Json<Upload>, Problem> {
    require(&ctx)?;
    let fields = &app.deps.fields;
    let coming = own(&mut app.deps.db.read().await?, fields, &ctx, id).await?.ok_or_else(Problem::not_found)?;
    let wanted = coming.bytes_of(part).ok_or_else(Problem::not_found)?;
    let bytes = sanbao_platform::table::part(request).await?;
    if bytes.len() as u64 != wanted {
        let (zh, en) = (format!("这一部分应为 {wanted} 字节"), format!("This part has {wanted} bytes"));
        return Err(Problem::field("/", zh, en));
    }
    if !is_whole(&headers, &bytes) {
        return Err(Problem::field(
            "/",
            "这一部分在传输中损坏，请重新发送",
            "This part was damaged on the way; send it again",
        ));
    }
    let mut tx = app.deps.db.begin().await?;
    // It may have been forgotten, or its import have begun, while the bytes came.
    let coming = own(&mut tx, fields, &ctx, id).await?.ok_or_else(Problem::not_found)?;
    spool::put(&mut tx, fields, (id, i64::try_from(part).unwrap_or(i64::MAX)), &bytes, ctx.now()).await?;
    let told = coming.told(&mut tx, id).await?;
    tx.commit().await?;
    Ok(Json(told))
}

/// Whether bytes are those that their sender has seen, where the sender says so.
fn is_whole(headers: &HeaderMap, bytes: &[u8]) -> bool {
    let said = headers.get("content-digest").and_then(|value| value.to_str().ok()).unwrap_or_default();
    let said = said.split(',').find_map(|one| one.trim().strip_prefix("sha-256=:")?.strip_suffix(':'));
    said.is_none_or(|said| STANDARD.decode(said).is_ok_and(|said| hex(&said) == sha256_hex(bytes)))
}

/// The name of a file of the caller's that has come whole; none where there is none of that id.
pub(super) async fn come(app: &App, ctx: &Ctx, id: ImportId) -> Result<Option<(Option<String>, bool)>, Problem> {
    let mut conn = app.deps.db.read().await?;
    let Some(coming) = own(&mut conn, &app.deps.fields, ctx, id).await? else { return Ok(None) };
    let is_whole = coming.told(&mut conn, id).await?.next.is_none();
    Ok(Some((coming.file_name, is_whole)))
}

/// Forgets what a rehearsal came to: another begins.
pub(super) async fn try_again(app: &App, id: ImportId) -> Result<(), DbError> {
    let mut tx = app.deps.db.begin().await?;
    on!(tx, |c| sqlx::query(TRY).bind(id).execute(c).await.map(drop))?;
    tx.commit().await
}

/// Keeps what a rehearsal came to for somebody who did not wait for the end.
pub(super) async fn keep_tried(means: &Means, id: ImportId, report: &Report) -> Result<(), DbError> {
    let mut tx = means.db.begin().await?;
    if announced(&mut tx, &means.fields, id).await?.is_some() {
        let said = serde_json::to_vec(report).unwrap_or_default();
        spool::put(&mut tx, &means.fields, (id, TRIED), &said, means.clock.now()).await?;
    }
    tx.commit().await
}

/// Takes what was announced for the import that it becomes; `false` where another has.
pub(super) async fn taken(tx: &mut Tx, id: ImportId) -> Result<bool, DbError> {
    let rows = on!(tx, |c| sqlx::query(BEGIN).bind(id).execute(c).await.map(|done| done.rows_affected()))?;
    Ok(rows == 1)
}

async fn forget(tx: &mut Tx, id: ImportId) -> Result<(), DbError> {
    on!(tx, |c| sqlx::query(FORGET).bind(id).execute(c).await.map(drop))?;
    Ok(())
}

/// Takes away files that nobody has imported within a day.
pub(super) async fn forget_old(tx: &mut Tx, now: DateTime<Utc>) -> Result<(), DbError> {
    let before = now - Duration::hours(KEPT_HOURS);
    let old: Vec<ImportId> = on!(tx, |c| sqlx::query_scalar(OLD).bind(before).fetch_all(c).await)?;
    for id in old {
        forget(tx, id).await?;
    }
    Ok(())
}
