//! The statements of matters.

use chrono::{DateTime, NaiveDate, Utc};
use sanbao_platform::db::{Conn, DbError, Tx};
use sanbao_platform::lifecycle::State as _;
use sanbao_platform::on;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::clock;
use super::id::MatterId;
use super::model::{Matter, MatterRow};
use crate::area::{AreaCode, Level};

macro_rules! matter_columns {
    () => {
        "m.id, m.organisation_id, m.area_code, m.kind, m.title, m.said, m.door_id, m.request_id, m.person_id, m.raised_by,
        m.raised_name, m.raised_level, m.raised_at, m.state, m.level, m.state_since, m.due_at, m.sent, m.reopened, m.stay,
        m.version, a.name_zh as area_name"
    };
}
// The areas of `$1`, a list of codes with commas, and all below them on the day `$2`: each with the rank of the one of `$1` and of the
// area directly below it on the way, 0 for itself. What has a level above that of the one below lies with the one of `$1`.
macro_rules! matters_down {
    () => {
        "ranks (level, n) as (
            values ('building', 1), ('grid', 2), ('compound', 3), ('community', 4), ('street', 5)),
        down (top, code, below, depth) as (
            select r.n, a.code, 0, 0 from area a join ranks r on r.level = a.level
            where replace(',' || $1 || ',', ',' || a.code || ',', '') <> ',' || $1 || ','
            union all
            select down.top, p.child, case when down.depth = 0 then r.n else down.below end, down.depth + 1
            from down join area_parent p on p.parent = down.code join area c on c.code = p.child
            join ranks r on r.level = c.level
            where p.valid_from <= $2 and (p.valid_to is null or p.valid_to > $2) and down.depth < 5),
        inside (code, depth) as (
            select a.code, 0 from area a where a.code = $5
            union all
            select p.child, inside.depth + 1 from inside join area_parent p on p.parent = inside.code
            where p.valid_from <= $2 and (p.valid_to is null or p.valid_to > $2) and inside.depth < 5)
        select "
    };
}
// Only what was raised at the level of the one of `$1` or below it. From area to area over the index of each, which SQLite keeps to where
// it is told so.
macro_rules! matters_there {
    () => {
        " from down cross join matter m cross join ranks lies cross join ranks raised cross join area a
        where m.area_code = down.code and lies.level = m.level and raised.level = m.raised_level
        and a.code = m.area_code and raised.n <= down.top and ($4 is null or m.level = $4)
        and ($5 is null or m.area_code in (select code from inside)) "
    };
}

const FIND: &str =
    concat!("select ", matter_columns!(), " from matter m join area a on a.code = m.area_code where m.id = $1");
// Over the index of what is open in each area: as much is read as somebody has to do in all.
const OPEN: &str = concat!(
    "with recursive ",
    matters_down!(),
    matter_columns!(),
    matters_there!(),
    "and m.due_at is not null and (($3 = 'mine' and lies.n > down.below and lies.n <= down.top)
        or ($3 = 'sent' and lies.n > down.top) or ($3 = 'below' and lies.n <= down.below))
    and (m.due_at, m.id) > ($6, $7) order by m.due_at, m.id limit $8"
);
// Over the index of what has ended in a month.
const ENDED: &str = concat!(
    "with recursive ",
    matters_down!(),
    matter_columns!(),
    matters_there!(),
    "and m.ended_in = $3 and (m.state_since, m.id) < ($6, $7) order by m.state_since desc, m.id desc limit $8"
);
const INSERT: &str = "insert into matter (id, version, state, level, state_since, due_at, ended_in, said, sent, reopened, stay,
    organisation_id, area_code, kind, title, raised_by, raised_name, raised_level, raised_at, door_id, request_id, person_id)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22)
    on conflict do nothing";
const UPDATE: &str =
    "update matter set version = $2, state = $3, level = $4, state_since = $5, due_at = $6, ended_in = $7,
    said = $8, sent = $9, reopened = $10, stay = $11 where id = $1 and version = $12";
const ANY: &str = "select count(*) from (select 1 from matter limit 1) x";

/// A matter with its place's name.
#[derive(Clone, Debug)]
pub struct ListedMatter {
    pub matter: Matter,
    /// The area's Chinese name.
    pub area_name: String,
}

/// The sort key of a matter in a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MatterKey(pub DateTime<Utc>, pub Uuid);

/// Which matters of some areas to list.
#[derive(Clone, Debug)]
pub struct MatterFilter {
    pub which: MattersOf,
    /// Only those that lie with this level, or did at their end.
    pub level: Option<Level>,
    /// Only those within this area.
    pub area: Option<AreaCode>,
    pub after: Option<MatterKey>,
    pub limit: i64,
}

/// Matters by how they lie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MattersOf {
    /// Open, and with one of the areas.
    Mine,
    /// Open, and with a level above them.
    Sent,
    /// Open, and with a level below them.
    Below,
    /// Ended in a month: 2026-11.
    Ended(String),
}

#[derive(sqlx_macros::FromRow)]
struct ListedMatterRow {
    #[sqlx(flatten)]
    matter: MatterRow,
    area_name: String,
}

impl From<ListedMatterRow> for ListedMatter {
    fn from(row: ListedMatterRow) -> Self {
        Self { matter: row.matter.into(), area_name: row.area_name }
    }
}

impl ListedMatter {
    /// Where it stands in the list of these.
    pub fn key(&self, which: &MattersOf) -> MatterKey {
        let at = match which {
            MattersOf::Ended(_) => self.matter.state_since,
            MattersOf::Mine | MattersOf::Sent | MattersOf::Below => {
                self.matter.due_at.unwrap_or(self.matter.state_since)
            }
        };
        MatterKey(at, self.matter.id.0)
    }
}

/// The matter of an id, with its place's name; nobody's permission is asked here.
pub async fn find(conn: &mut Conn, id: MatterId) -> Result<Option<ListedMatter>, DbError> {
    let row: Option<ListedMatterRow> = on!(conn, |c| sqlx::query_as(FIND).bind(id).fetch_optional(c).await)?;
    Ok(row.map(Into::into))
}

/// Up to `limit + 1` matters of some areas: open ones by the moment at which they are due, ended ones the latest first.
pub async fn list(
    conn: &mut Conn,
    areas: &str,
    today: NaiveDate,
    filter: &MatterFilter,
) -> Result<Vec<ListedMatter>, DbError> {
    let (statement, which, first) = match &filter.which {
        MattersOf::Mine => (OPEN, "mine", DateTime::UNIX_EPOCH),
        MattersOf::Sent => (OPEN, "sent", DateTime::UNIX_EPOCH),
        MattersOf::Below => (OPEN, "below", DateTime::UNIX_EPOCH),
        MattersOf::Ended(month) => (ENDED, month.as_str(), last_moment()),
    };
    let MatterKey(at, id) = filter.after.unwrap_or(MatterKey(first, Uuid::nil()));
    let rows: Vec<ListedMatterRow> = on!(conn, |c| {
        let q = sqlx::query_as(statement).bind(areas).bind(today).bind(which).bind(filter.level).bind(&filter.area);
        q.bind(at).bind(id).bind(filter.limit + 1).fetch_all(c).await
    })?;
    Ok(rows.into_iter().map(Into::into).collect())
}

/// A moment after all that are stored.
fn last_moment() -> DateTime<Utc> {
    NaiveDate::from_ymd_opt(2200, 1, 1)
        .map_or(DateTime::UNIX_EPOCH, |day| day.and_time(chrono::NaiveTime::MIN).and_utc())
}

/// Whether there is any matter.
pub async fn is_any(conn: &mut Conn) -> Result<bool, DbError> {
    let n: i64 = on!(conn, |c| sqlx::query_scalar(ANY).fetch_one(c).await)?;
    Ok(n > 0)
}

/// Writes a new matter, or one over the version of `before`.
pub async fn write(tx: &mut Tx, before: Option<&Matter>, after: &Matter) -> Result<bool, DbError> {
    let levels = after.state.levels();
    let ended_in = (!after.state.is_open()).then(|| clock::month(after.state_since));
    let rows = on!(tx, |c| {
        let row = sqlx::query(if before.is_some() { UPDATE } else { INSERT }).bind(after.id).bind(after.version);
        let row =
            row.bind(after.state.name()).bind(levels.at).bind(after.state_since).bind(after.due_at).bind(&ended_in);
        let row = row.bind(&after.said.unseen().said).bind(after.sent).bind(after.reopened).bind(after.stay);
        let row = match before {
            Some(before) => row.bind(before.version),
            None => row
                .bind(after.organisation)
                .bind(&after.area_code)
                .bind(after.kind)
                .bind(&after.title.unseen().title)
                .bind(after.raiser.account)
                .bind(&after.raiser.name)
                .bind(levels.raised)
                .bind(after.raised_at)
                .bind(after.links.door)
                .bind(after.links.request)
                .bind(after.links.person),
        };
        row.execute(c).await.map(|done| done.rows_affected())
    })?;
    Ok(rows == 1)
}
