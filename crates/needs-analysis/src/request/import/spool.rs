//! The file of an import that is under way, kept sealed in the database: so that it goes on after the program was stopped, by
//! whichever process. What is kept goes when the import ends.

use std::io::{self, Read, Seek, SeekFrom};

use chrono::{DateTime, Utc};
use sanbao_platform::auth::Actor;
use sanbao_platform::crypto::FieldKeys;
use sanbao_platform::db::{Conn, Db, DbError, Tx};
use sanbao_platform::id::{OrganisationId, SubjectId};
use sanbao_platform::lang::Lang;
use sanbao_platform::on;
use serde::{Deserialize, Serialize};
use tokio::runtime::Handle;
use uuid::Uuid;

use super::options::{ImportError, ImportOptions, Importer};
use super::run::Means;
use super::upload::ANNOUNCED;
use super::view::ImportId;
use crate::area::AreaCode;

/// Bytes of a part, but for the last of a file.
pub(super) const PART_BYTES: usize = 1024 * 1024;
/// The part that says how to go on.
const JOB: i64 = 0;
/// The part that holds the rows to mend.
const MEND: i64 = -1;

const KEEP: &str = "insert into _import_part (import_id, part, sealed, kept_at) values ($1, $2, $3, $4)
    on conflict (import_id, part) do update set sealed = excluded.sealed, kept_at = excluded.kept_at";
const LAST: &str = "select coalesce(max(part), 0) from _import_part where import_id = $1";
const PART: &str = "select sealed from _import_part where import_id = $1 and part = $2";
const FRESH: &str = "select count(*) from _import_part where import_id = $1 and part = -1 and kept_at >= $2";
const FORGET: &str = "delete from _import_part where import_id = $1 and part >= 0";
const FORGET_OLD: &str = "delete from _import_part where part = -1 and kept_at < $1";

/// For whom an import goes on.
#[derive(Debug, Serialize, Deserialize)]
enum Whose {
    /// A person, within the areas that they had when they began it.
    Person { subject: SubjectId, kind: String, roles: Vec<String>, areas: Vec<String>, name: String },
    /// An operator, within the area of an office.
    Operator { area: String },
}

/// How to go on with an import: for whom, and what of it stands in no column.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Job {
    source: String,
    file_name: Option<String>,
    organisation: OrganisationId,
    whose: Whose,
    request_id: String,
    is_english: bool,
}

impl Job {
    /// How to go on with what these say.
    pub(super) fn of(options: &ImportOptions) -> Self {
        let whose = match &options.importer {
            Importer::Person(actor) => Whose::Person {
                subject: actor.subject,
                kind: actor.kind.clone(),
                roles: actor.roles.clone(),
                areas: actor.areas.clone(),
                name: actor.name.clone(),
            },
            Importer::Operator { area, .. } => Whose::Operator { area: area.to_string() },
        };
        Self {
            source: options.source.clone(),
            file_name: options.file_name.clone(),
            organisation: options.importer.organisation(),
            whose,
            request_id: options.request_id.clone(),
            is_english: options.lang == Lang::En,
        }
    }

    /// The same as it was said, but for the area code of the network; none where it cannot be.
    fn options(self) -> Option<ImportOptions> {
        let organisation = self.organisation;
        let importer = match self.whose {
            Whose::Operator { area } => Importer::Operator { office: organisation, area: AreaCode::parse(&area).ok()? },
            Whose::Person { subject, kind, roles, areas, name } => Importer::Person(Actor {
                subject,
                organisation,
                kind,
                roles,
                areas,
                name,
                session: Uuid::nil(),
                version: 0,
                proved_at: DateTime::UNIX_EPOCH,
                lacks_factor: false,
                workplaces: Vec::new(),
            }),
        };
        Some(ImportOptions {
            source: self.source,
            file_name: self.file_name,
            dry_run: false,
            importer,
            request_id: self.request_id,
            dialling_code: None,
            lang: if self.is_english { Lang::En } else { Lang::Zh },
        })
    }
}

fn place(id: ImportId, part: i64) -> String {
    format!("_import_part.sealed:{id}:{part}")
}

pub(super) async fn put(
    tx: &mut Tx,
    fields: &FieldKeys,
    (id, part): (ImportId, i64),
    bytes: &[u8],
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    let sealed = fields.seal_bytes(&place(id, part), bytes);
    on!(tx, |c| sqlx::query(KEEP).bind(id).bind(part).bind(sealed).bind(now).execute(c).await.map(drop))?;
    Ok(())
}

pub(super) async fn get(
    conn: &mut Conn,
    fields: &FieldKeys,
    id: ImportId,
    part: i64,
) -> Result<Option<Vec<u8>>, DbError> {
    let sealed: Option<Vec<u8>> = on!(conn, |c| sqlx::query_scalar(PART).bind(id).bind(part).fetch_optional(c).await)?;
    let bad = |cause: String| DbError::BadRow { table: "_import_part", column: "sealed", row: id.to_string(), cause };
    sealed.map(|sealed| fields.open_bytes(&place(id, part), &sealed).map_err(|e| bad(e.to_string()))).transpose()
}

/// Keeps how to go on with a file, and the file unless it was put by before.
pub(super) async fn keep(
    tx: &mut Tx,
    fields: &FieldKeys,
    id: ImportId,
    job: &Job,
    file: Option<&[u8]>,
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    put(tx, fields, (id, JOB), &serde_json::to_vec(job).unwrap_or_default(), now).await?;
    for (part, bytes) in (JOB + 1..).zip(file.unwrap_or_default().chunks(PART_BYTES)) {
        put(tx, fields, (id, part), bytes, now).await?;
    }
    Ok(())
}

/// Puts a file by, part by part, so that no more than a part of it is held.
pub(super) async fn receive(
    db: &Db,
    fields: &FieldKeys,
    id: ImportId,
    mut reader: impl Read,
    now: DateTime<Utc>,
) -> Result<(), ImportError> {
    // What stays behind where this process is killed goes as other files do that nobody imports.
    let mut tx = db.begin().await?;
    put(&mut tx, fields, (id, ANNOUNCED), b"{}", now).await?;
    tx.commit().await?;
    let mut piece = Vec::with_capacity(PART_BYTES);
    for part in JOB + 1.. {
        piece.clear();
        reader.by_ref().take(PART_BYTES as u64).read_to_end(&mut piece)?;
        if piece.is_empty() {
            break;
        }
        let mut tx = db.begin().await?;
        put(&mut tx, fields, (id, part), &piece, now).await?;
        tx.commit().await?;
    }
    Ok(())
}

/// How to go on with an import whose file is kept; none where there is none.
pub(super) async fn kept(conn: &mut Conn, fields: &FieldKeys, id: ImportId) -> Result<Option<ImportOptions>, DbError> {
    let Some(job) = get(conn, fields, id, JOB).await? else { return Ok(None) };
    let bad = |e: serde_json::Error| DbError::BadRow {
        table: "_import_part",
        column: "sealed",
        row: id.to_string(),
        cause: e.to_string(),
    };
    let job: Job = serde_json::from_slice(&job).map_err(bad)?;
    Ok(job.options())
}

/// The bytes of a kept file. They are read by threads that may wait, and one part of them is held.
pub(super) struct SpoolFile {
    db: Db,
    fields: FieldKeys,
    id: ImportId,
    runtime: Handle,
    bytes: u64,
    at: u64,
    /// The part that was read last.
    held: Option<(i64, Vec<u8>)>,
}

impl SpoolFile {
    /// The file of an import or of one to come.
    pub(super) async fn open(means: &Means, id: ImportId) -> Result<Self, DbError> {
        let mut conn = means.db.read().await?;
        let last: i64 = on!(conn, |c| sqlx::query_scalar(LAST).bind(id).fetch_one(c).await)?;
        let rest =
            if last > JOB { get(&mut conn, &means.fields, id, last).await?.unwrap_or_default() } else { Vec::new() };
        let bytes = (u64::try_from(last).unwrap_or(0).saturating_sub(1)) * PART_BYTES as u64 + rest.len() as u64;
        let (db, fields, runtime) = (means.db.clone(), means.fields.clone(), Handle::current());
        Ok(Self { db, fields, id, runtime, bytes, at: 0, held: None })
    }

    /// The part of a number.
    fn part(&mut self, part: i64) -> io::Result<&[u8]> {
        if self.held.as_ref().is_none_or(|(held, _)| *held != part) {
            let read = async {
                let mut conn = self.db.read().await?;
                get(&mut conn, &self.fields, self.id, part).await
            };
            let bytes = self.runtime.block_on(read).map_err(io::Error::other)?;
            self.held = Some((part, bytes.ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))?));
        }
        Ok(self.held.as_ref().map(|(_, bytes)| bytes.as_slice()).unwrap_or_default())
    }
}

impl Read for SpoolFile {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.at >= self.bytes {
            return Ok(0);
        }
        let size = PART_BYTES as u64;
        let within = usize::try_from(self.at % size).unwrap_or(0);
        let part = self.part(JOB + 1 + i64::try_from(self.at / size).unwrap_or(0))?;
        // Every part but the last is whole, or the place of a byte would not be known.
        let rest = part.get(within..).filter(|rest| !rest.is_empty()).ok_or(io::ErrorKind::UnexpectedEof)?;
        let count = rest.len().min(into.len());
        into[..count].copy_from_slice(&rest[..count]);
        self.at += count as u64;
        Ok(count)
    }
}

impl Seek for SpoolFile {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let at = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
            SeekFrom::End(by) => self.bytes.checked_add_signed(by),
        };
        self.at = at.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.at)
    }
}

/// Keeps a file no longer.
pub(super) async fn forget(tx: &mut Tx, id: ImportId) -> Result<(), DbError> {
    on!(tx, |c| sqlx::query(FORGET).bind(id).execute(c).await.map(drop))?;
    Ok(())
}

/// Keeps the rows to mend for somebody who did not wait for the end.
pub(super) async fn keep_mend(
    tx: &mut Tx,
    fields: &FieldKeys,
    id: ImportId,
    mend: &str,
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    put(tx, fields, (id, MEND), mend.as_bytes(), now).await
}

/// The rows to mend, if they were kept since a moment.
pub(super) async fn mend(
    conn: &mut Conn,
    fields: &FieldKeys,
    id: ImportId,
    since: DateTime<Utc>,
) -> Result<Option<String>, DbError> {
    let fresh: i64 = on!(conn, |c| sqlx::query_scalar(FRESH).bind(id).bind(since).fetch_one(c).await)?;
    if fresh == 0 {
        return Ok(None);
    }
    Ok(get(conn, fields, id, MEND).await?.and_then(|bytes| String::from_utf8(bytes).ok()))
}

/// Takes away rows to mend that were kept before a moment.
pub(super) async fn forget_old(tx: &mut Tx, before: DateTime<Utc>) -> Result<(), DbError> {
    on!(tx, |c| sqlx::query(FORGET_OLD).bind(before).execute(c).await.map(drop))?;
    Ok(())
}
