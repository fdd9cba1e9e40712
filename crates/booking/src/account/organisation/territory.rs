//! Which area an organisation may be given, and by whom: an area says who governs, so that nobody takes one of others.

use chrono::NaiveDate;
use sanbao_platform::db::{Conn, DbError, Engine, Tx};
use sanbao_platform::http::Ctx;
use sanbao_platform::id::OrganisationId;
use sanbao_platform::on;
use sanbao_platform::problem::Problem;

use super::model::{Organisation, OrganisationKind};
use crate::account::area;
use crate::account::problems::AREA_WITHOUT_OFFICE;

/// The areas of the offices beside one, and those of organisations that neither it nor its maker has made.
const TAKEN: &str = "select area_code from organisation where id <> $1 and area_code is not null
    and (kind = 'street_office' or made_by is null or made_by <> $2) order by area_code";

/// The areas of the offices that are open.
const OFFICES: &str = "select area_code from organisation
    where kind = 'street_office' and state = 'open' and area_code is not null order by area_code";

/// Refuses an area in which no street office looks after people: a record there that is nobody's own would reach nobody.
pub(in crate::account) async fn require_office(conn: &mut Conn, code: &str, day: NaiveDate) -> Result<(), Problem> {
    let offices: Vec<String> = on!(conn, |c| sqlx::query_scalar(OFFICES).fetch_all(c).await).map_err(DbError::from)?;
    for top in offices {
        if area::lies_in(conn, code, &top, day).await? {
            return Ok(());
        }
    }
    Err(Problem::new(&AREA_WITHOUT_OFFICE))
}

// Two who ask for one area at the same moment must not both find it free. It is taken in a statement of its own, because the next
// must see what its last holder committed.
const LOCK_POSTGRES: &str = "select pg_advisory_xact_lock(727005, hashtext(current_schema()))";

/// Keeps others from giving an area until the transaction ends; on `SQLite` there is one writer anyway.
async fn lock(tx: &mut Tx) -> Result<(), DbError> {
    if let Engine::Postgres(c) = tx.engine() {
        sqlx::query(LOCK_POSTGRES).execute(c).await?;
    }
    Ok(())
}

/// Refuses an area in which the caller's office may not make this organisation.
pub(super) async fn of_new(conn: &mut Tx, ctx: &Ctx, own: &Organisation, new: &Organisation) -> Result<(), Problem> {
    lock(conn).await?;
    match (new.kind, new.area_code.as_deref()) {
        (OrganisationKind::StreetOffice, Some(code)) => of_office(conn, ctx, own, new.id, code).await,
        (OrganisationKind::Community, code) => of_community(conn, ctx, own, code).await,
        _ => Ok(()),
    }
}

/// Refuses an area that the caller may not give to this organisation in place of the one it has. The caller runs or
/// governs it.
pub(super) async fn of_edited(
    conn: &mut Tx,
    ctx: &Ctx,
    own: &Organisation,
    before: &Organisation,
    code: Option<&str>,
) -> Result<(), Problem> {
    use OrganisationKind::{Community, StreetOffice};
    let (itself, Some(code)) = (own.id == before.id, code) else {
        return Err(Problem::field("/area_code", "所在区域不能清空", "An organisation keeps an area"));
    };
    lock(conn).await?;
    match before.kind {
        StreetOffice => of_office(conn, ctx, own, before.id, code).await,
        Community if !itself => of_community(conn, ctx, own, Some(code)).await,
        // Its own administrator says once where it lies; what it lies under from then on is the office's to change.
        Community => Err(not_own()),
        _ if itself && before.area_code.is_some() => Err(not_own()),
        _ if itself || before.made_by == Some(own.id) => Ok(()),
        _ => within(conn, ctx, own, code).await,
    }
}

/// An office has an area of the office that gives it, or one in which nobody else has any part.
async fn of_office(
    conn: &mut Conn,
    ctx: &Ctx,
    own: &Organisation,
    office: OrganisationId,
    code: &str,
) -> Result<(), Problem> {
    if lies_within(conn, ctx, own, code).await? {
        return Ok(());
    }
    let day = own.day(ctx.now());
    let taken: Vec<String> = on!(conn, |c| sqlx::query_scalar(TAKEN).bind(office).bind(own.id).fetch_all(c).await)?;
    for taken in taken {
        if overlaps(conn, code, &taken, day).await? {
            let (zh, en) = ("这个区域属于别的街道", "Another office has a part in this area");
            return Err(Problem::field("/area_code", zh, en));
        }
    }
    Ok(())
}

/// A community lies in the office that makes it: areas in the tokens of its people open what lies in them.
async fn of_community(conn: &mut Conn, ctx: &Ctx, own: &Organisation, code: Option<&str>) -> Result<(), Problem> {
    let Some(code) = code else {
        return Err(Problem::field("/area_code", "请选择社区所在的区域", "Choose the area of the community"));
    };
    within(conn, ctx, own, code).await
}

async fn within(conn: &mut Conn, ctx: &Ctx, own: &Organisation, code: &str) -> Result<(), Problem> {
    if lies_within(conn, ctx, own, code).await? {
        return Ok(());
    }
    Err(Problem::field("/area_code", "不在您的街道的区域内", "Not within the area of your office"))
}

async fn lies_within(conn: &mut Conn, ctx: &Ctx, own: &Organisation, code: &str) -> Result<bool, DbError> {
    match &own.area_code {
        Some(top) => area::lies_in(conn, code, top, own.day(ctx.now())).await,
        None => Ok(false),
    }
}

fn not_own() -> Problem {
    Problem::forbidden().detail(
        "所在区域由街道办事处修改，请联系街道的管理员",
        "The street office changes the area; ask its administrator",
    )
}

/// Whether two areas have a part in common: by the tree, and by their codes where the tree does not know them yet.
async fn overlaps(conn: &mut Conn, one: &str, other: &str, day: NaiveDate) -> Result<bool, DbError> {
    let (short, long) = (stem(one), stem(other));
    Ok(short.starts_with(long)
        || long.starts_with(short)
        || area::lies_in(conn, one, other, day).await?
        || area::lies_in(conn, other, one, day).await?)
}

/// A code without the zeros that only fill it up: `330200` and `330211000000` are a city's and a district's. Statistical
/// codes name what they lie in by their beginning.
fn stem(code: &str) -> &str {
    let mut stem = code;
    for (digits, zeros) in [(12, "000"), (9, "000"), (6, "00"), (4, "00")] {
        if stem.len() == digits && stem.bytes().all(|b| b.is_ascii_digit()) {
            stem = stem.strip_suffix(zeros).unwrap_or(stem);
        }
    }
    stem
}

#[cfg(test)]
mod tests {
    use super::stem;

    #[test]
    fn a_code_is_told_by_its_beginning() {
        for (code, expected) in [
            ("330000", "33"),
            ("330200000000", "3302"),
            ("330211000", "330211"),
            ("330110", "330110"),
            ("330211001000", "330211001"),
            ("330211001001", "330211001001"),
            ("330211001001-C1", "330211001001-C1"),
        ] {
            assert_eq!(stem(code), expected, "{code}");
        }
    }
}
