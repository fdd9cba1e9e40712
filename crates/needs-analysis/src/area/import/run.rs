//! The tree is read, and what was planned is written in chunks: a transaction each.

use chrono::{DateTime, NaiveDate, Utc};
use sanbao_platform::audit;
use sanbao_platform::db::{Conn, Db, DbError, Tx};
use sanbao_platform::http::Ctx;
use sanbao_platform::on;

use super::plan::{COLUMNS, Change, Node, Tree, plan};
use super::view::AreaReport;
use crate::area::id::AreaCode;
use crate::area::model::{Area, Level};
use crate::area::store;
use crate::{local_day, rollup};
use sanbao_platform::table::{FileNotes, TableError, TableFile, TableRow};

/// Rows of a file of areas at most: a district with all its stairs has fewer, and all of them are held at once.
pub const AREA_ROWS_MAX: u64 = 50_000;
/// Changes of one transaction: long enough to be fast, short enough that others get their turn.
const CHUNK_CHANGES: usize = 500;

const TREE: &str = "select a.code, a.level, a.name_zh, a.name_en, p.parent, p.valid_from from area a
    left join area_parent p on p.child = a.code
        and p.valid_from = (select max(q.valid_from) from area_parent q where q.child = a.code)";

/// Why a file of areas was not taken.
#[derive(Debug, thiserror::Error)]
pub enum AreaImportError {
    /// It is no table of areas.
    #[error(transparent)]
    Table(#[from] TableError),
    /// More rows than [`AREA_ROWS_MAX`].
    #[error("more than {AREA_ROWS_MAX} rows: divide the file")]
    TooManyRows,
    /// The database failed; run the import again.
    #[error(transparent)]
    Db(#[from] DbError),
    /// The reading ended before its time.
    #[error("the file was not read to its end: {0}")]
    Read(#[from] tokio::task::JoinError),
}

#[derive(sqlx_macros::FromRow)]
struct TreeRow {
    code: AreaCode,
    level: Level,
    name_zh: String,
    name_en: Option<String>,
    parent: Option<String>,
    valid_from: Option<NaiveDate>,
}

/// The tree as it stands, for a person.
async fn tree(conn: &mut Conn, ctx: &Ctx) -> Result<Tree, DbError> {
    let rows: Vec<TreeRow> = on!(conn, |c| sqlx::query_as(TREE).fetch_all(c).await)?;
    let node = |row: TreeRow| {
        let area = Area { code: row.code, level: row.level, name_zh: row.name_zh, name_en: row.name_en };
        (area.code.to_string(), Node { area, place: row.parent.zip(row.valid_from) })
    };
    Ok(Tree { nodes: rows.into_iter().map(node).collect(), own: ctx.actor.areas.clone(), today: local_day(ctx.now()) })
}

fn read(bytes: Vec<u8>) -> Result<(Vec<TableRow>, FileNotes), AreaImportError> {
    let mut table = TableFile::open(bytes, &COLUMNS)?;
    if table.total > AREA_ROWS_MAX {
        return Err(AreaImportError::TooManyRows);
    }
    let rows = table.rows(usize::try_from(table.total).unwrap_or(usize::MAX));
    Ok((rows, table.notes))
}

/// Imports a file, or says what it would do.
pub async fn run(db: &Db, ctx: &Ctx, bytes: Vec<u8>, dry_run: bool) -> Result<AreaReport, AreaImportError> {
    let mut tree = tree(&mut db.read().await?, ctx).await?;
    // Rows are read and held against the tree away from the threads that answer requests.
    let (changes, mut report) = tokio::task::spawn_blocking(move || {
        let (rows, notes) = read(bytes)?;
        let mut report = AreaReport { dry_run, notes, ..AreaReport::default() };
        let changes = plan(&rows, &mut tree, &mut report);
        Ok::<_, AreaImportError>((changes, report))
    })
    .await??;
    if !dry_run {
        for chunk in changes.chunks(CHUNK_CHANGES) {
            let mut tx = db.begin().await?;
            let there_already = write(&mut tx, ctx.now(), chunk).await?;
            report.created -= there_already;
            report.unchanged += there_already;
            let (actor, id) = (Some(&ctx.actor), &ctx.request_id);
            audit::record_as(&mut tx, ctx.now(), actor, "area.import", "area", None, id, "done").await?;
            tx.commit().await?;
        }
    }
    Ok(report)
}

/// Writes changes; how many of the new areas somebody else has added meanwhile.
async fn write(tx: &mut Tx, now: DateTime<Utc>, changes: &[Change]) -> Result<u64, DbError> {
    let (mut first_move, mut there_already): (Option<NaiveDate>, u64) = (None, 0);
    for change in changes {
        match change {
            Change::Add(area, place) => {
                let place = place.as_ref().map(|(parent, from)| (parent, *from));
                there_already += u64::from(!store::add(tx, now, area, place).await?);
            }
            Change::Update { area, renamed, moved } => {
                if *renamed {
                    store::rename(tx, now, area).await?;
                }
                if let Some((parent, from)) = moved
                    && relocate(tx, now, &area.code, parent, *from).await?
                {
                    first_move = Some(first_move.map_or(*from, |day| day.min(*from)));
                }
            }
        }
    }
    if let Some(from) = first_move {
        rollup::reparented(tx, from).await?;
    }
    Ok(there_already)
}

/// Moves an area, unless somebody else has moved it meanwhile to where no later place can follow.
async fn relocate(
    tx: &mut Tx,
    now: DateTime<Utc>,
    code: &AreaCode,
    parent: &AreaCode,
    from: NaiveDate,
) -> Result<bool, DbError> {
    match store::latest_placement(tx, code).await? {
        None => store::place(tx, now, code, parent, from).await?,
        Some(running) if running.valid_to.is_none() && running.valid_from < from => {
            store::relocate(tx, now, code, &running, parent, from).await?;
        }
        Some(_) => return Ok(false),
    }
    Ok(true)
}
