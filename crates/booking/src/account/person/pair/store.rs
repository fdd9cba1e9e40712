//! Pairs in the database: found by the signs that indexes know, within what the caller may see.

use sanbao_platform::audit::Personal;
use sanbao_platform::db::{Conn, DbError, Tx};
use sanbao_platform::http::Ctx;
use sanbao_platform::on;
use sanbao_platform::problem::Problem;
use uuid::Uuid;

use super::similar::similar;
use crate::account::area::in_areas;
use crate::account::id::PersonId;
use crate::account::organisation::{Organisation, OrganisationKind};
use crate::account::person::model::Person;
use crate::account::person::store::{find, handed_over, recent};

/// Pairs with a sign that are looked at for one page at most; similar names are told from others by the code.
const LOOKED_AT_MAX: i64 = 2_000;
/// Records that are named to somebody who registers a person, at most.
const CANDIDATES_MAX: usize = 20;

/// Whether a row is a resident of the caller's care home, `$1`.
macro_rules! resident {
    ($row:literal) => {
        concat!($row, ".merged_into is null and ", $row, ".organisation_id = $1")
    };
}

/// Whether a row is an elder whom the caller's organisation, `$1`, has registered.
macro_rules! registered {
    ($row:literal) => {
        concat!(
            "(",
            $row,
            ".registered_by = $1 or exists (select 1 from person m where m.merged_into = ",
            $row,
            ".id and m.registered_by = $1 and not ",
            handed_over!(),
            "))"
        )
    };
}

/// Whether a row is an elder whom the caller's agency visits or has visited since `$2`, or has registered.
macro_rules! visited {
    ($row:literal) => {
        concat!(
            $row,
            ".merged_into is null and ",
            $row,
            ".organisation_id is null and (",
            registered!($row),
            " or exists (select 1 from visit v where v.agency_id = $1 and v.person_id = ",
            $row,
            ".id and (coalesce(v.checked_out_at, v.closed_at) is null or coalesce(v.checked_out_at, v.closed_at) >= $2)))"
        )
    };
}

/// Whether a row is an elder in the areas of the caller's street office, or registered by it.
macro_rules! in_area {
    ($row:literal) => {
        concat!(
            $row,
            ".merged_into is null and ",
            $row,
            ".organisation_id is null and (",
            in_areas!(concat!($row, ".area_code")),
            " or ",
            registered!($row),
            ")"
        )
    };
}

/// A name without spaces and dots, as far as a statement can say it.
macro_rules! bare {
    ($name:literal) => {
        concat!("replace(replace(replace(", $name, ", ' ', ''), '\u{3000}', ''), '·', '')")
    };
}

/// Whether two names can be similar: of two that are, the first characters are the same, or else those that follow. It
/// leaves few of those who are born on one day, or have one telephone; the code tells the rest.
macro_rules! alike {
    () => {
        concat!(
            "(substr(",
            bare!("a.name"),
            ", 1, 1) = substr(",
            bare!("b.name"),
            ", 1, 1) or substr(",
            bare!("a.name"),
            ", 2, 2) = substr(",
            bare!("b.name"),
            ", 2, 2))"
        )
    };
}

/// The same paper, whatever the names.
macro_rules! same_paper {
    () => {
        "b.national_id_index = a.national_id_index"
    };
    (shared) => {
        "select national_id_index from person where merged_into is null and national_id_index is not null
        group by national_id_index having count(*) > 1"
    };
    (of_a) => {
        "a.national_id_index = s.national_id_index"
    };
}

/// The same paper of another kind, whatever the names.
macro_rules! same_other_paper {
    () => {
        "b.paper_index = a.paper_index"
    };
    (shared) => {
        "select paper_index from person where merged_into is null and paper_index is not null
        group by paper_index having count(*) > 1"
    };
    (of_a) => {
        "a.paper_index = s.paper_index"
    };
}

/// The same telephone and names that can be similar.
macro_rules! same_phone {
    () => {
        concat!("b.phone = a.phone and ", alike!())
    };
    (shared) => {
        "select phone from person where merged_into is null and phone is not null group by phone having count(*) > 1"
    };
    (of_a) => {
        "a.phone = s.phone"
    };
}

/// The same birth date and area, and names that can be similar.
macro_rules! same_birth_date {
    () => {
        concat!("b.birth_date = a.birth_date and b.area_code = a.area_code and ", alike!())
    };
    (shared) => {
        "select birth_date, area_code from person
        where merged_into is null and birth_date is not null and area_code is not null
        group by birth_date, area_code having count(*) > 1"
    };
    (of_a) => {
        "a.birth_date = s.birth_date and a.area_code = s.area_code"
    };
}

/// The pairs by one sign, of which the caller may see both, after the one with the ids `$low` and `$high`. The values that
/// more than one record has are read from the sign's index first, so that only their records are looked at.
macro_rules! by_sign {
    ($scope:ident, $sign:ident, $low:literal, $high:literal) => {
        concat!(
            "select a.id as low, b.id as high, a.name as low_name, b.name as high_name,
            case when a.national_id_index = b.national_id_index or a.paper_index = b.paper_index then 1 else 0 end as paper
            from (",
            $sign!(shared),
            ") s cross join person a join person b on ",
            $sign!(),
            " where ",
            $sign!(of_a),
            " and b.id > a.id and (a.id, b.id) > (",
            $low,
            ", ",
            $high,
            ") and ",
            $scope!("a"),
            " and ",
            $scope!("b"),
            " and not exists (select 1 from person_distinct d where d.low_id = a.id and d.high_id = b.id)"
        )
    };
}

/// The pairs by every sign, in order.
macro_rules! pairs {
    ($scope:ident, $low:literal, $high:literal, $limit:literal) => {
        concat!(
            by_sign!($scope, same_paper, $low, $high),
            " union ",
            by_sign!($scope, same_other_paper, $low, $high),
            " union ",
            by_sign!($scope, same_phone, $low, $high),
            " union ",
            by_sign!($scope, same_birth_date, $low, $high),
            " order by low, high limit ",
            $limit
        )
    };
}

/// The other records with one sign of the person `$of`, of those whom the caller may see.
macro_rules! others_by_sign {
    ($scope:ident, $sign:ident, $of:literal) => {
        concat!(
            "select b.id as other, a.name as name, b.name as other_name,
            case when a.national_id_index = b.national_id_index or a.paper_index = b.paper_index then 1 else 0 end as paper
            from person a join person b on ",
            $sign!(),
            " where a.id = ",
            $of,
            " and b.id <> a.id and ",
            $scope!("b"),
            " and not exists (select 1 from person_distinct d
                where (d.low_id = a.id and d.high_id = b.id) or (d.low_id = b.id and d.high_id = a.id))"
        )
    };
}

/// The other records by every sign.
macro_rules! others {
    ($scope:ident, $of:literal, $limit:literal) => {
        concat!(
            others_by_sign!($scope, same_paper, $of),
            " union ",
            others_by_sign!($scope, same_other_paper, $of),
            " union ",
            others_by_sign!($scope, same_phone, $of),
            " union ",
            others_by_sign!($scope, same_birth_date, $of),
            " order by other limit ",
            $limit
        )
    };
}

const OF_HOME: &str = pairs!(resident, "$2", "$3", "$4");
const OF_AGENCY: &str = pairs!(visited, "$3", "$4", "$5");
const OF_AREAS: &str = pairs!(in_area, "$4", "$5", "$6");
const OTHERS_OF_HOME: &str = others!(resident, "$2", "$3");
const OTHERS_OF_AGENCY: &str = others!(visited, "$3", "$4");
const OTHERS_OF_AREAS: &str = others!(in_area, "$4", "$5");
const DECLINE: &str = "insert into person_distinct (low_id, high_id, declined_at, declined_by, organisation_id)
    values ($1, $2, $3, $4, $5) on conflict do nothing";

/// The ids of a pair, the lesser first: its place in the list.
pub(super) type PairKey = (PersonId, PersonId);
/// A pair with a sign: its ids, the two names, and whether the paper is the same.
type PairRow = (PersonId, PersonId, String, String, i32);
/// A record with a sign of another: its id, the other's name, its own, and whether the paper is the same.
type OtherRow = (PersonId, String, String, i32);

/// A page of pairs.
pub(super) struct Pairs {
    pub(super) items: Vec<(Personal<Person>, Personal<Person>)>,
    /// The last pair that was looked at, where there may be more.
    pub(super) next: Option<PairKey>,
}

/// Up to `limit` pairs of which the caller may see both, after `after`.
pub(super) async fn list(
    conn: &mut Conn,
    ctx: &Ctx,
    own: &Organisation,
    after: Option<PairKey>,
    limit: usize,
) -> Result<Pairs, DbError> {
    let after = after.unwrap_or((PersonId(Uuid::nil()), PersonId(Uuid::nil())));
    let rows = looked_at(conn, ctx, own, after).await?;
    let cut = i64::try_from(rows.len()).is_ok_and(|n| n == LOOKED_AT_MAX);
    let (mut items, mut last, mut left) = (Vec::new(), None, rows.len());
    for (low, high, low_name, high_name, paper) in rows {
        if items.len() == limit {
            break;
        }
        (last, left) = (Some((low, high)), left - 1);
        if paper == 1 || similar(&low_name, &high_name) {
            let (one, other) = (find(conn, low).await?, find(conn, high).await?);
            items.extend(one.zip(other));
        }
    }
    Ok(Pairs { items, next: last.filter(|_| cut || left > 0) })
}

async fn looked_at(conn: &mut Conn, ctx: &Ctx, own: &Organisation, after: PairKey) -> Result<Vec<PairRow>, DbError> {
    Ok(match own.kind {
        OrganisationKind::StreetOffice => {
            let (areas, today) = (ctx.actor.areas.join(","), own.day(ctx.now()));
            on!(conn, |c| {
                let rows = sqlx::query_as(OF_AREAS).bind(own.id).bind(&areas).bind(today);
                rows.bind(after.0).bind(after.1).bind(LOOKED_AT_MAX).fetch_all(c).await
            })?
        }
        OrganisationKind::HomeCareAgency => on!(conn, |c| {
            let rows = sqlx::query_as(OF_AGENCY).bind(own.id).bind(recent(ctx));
            rows.bind(after.0).bind(after.1).bind(LOOKED_AT_MAX).fetch_all(c).await
        })?,
        OrganisationKind::CareHome => on!(conn, |c| {
            let rows = sqlx::query_as(OF_HOME).bind(own.id).bind(after.0).bind(after.1);
            rows.bind(LOOKED_AT_MAX).fetch_all(c).await
        })?,
        OrganisationKind::Hospital | OrganisationKind::HealthCentre | OrganisationKind::Community => Vec::new(),
    })
}

/// The records that may be of the same person as `id`, of those whom the caller may see.
pub async fn candidates(
    conn: &mut Conn,
    ctx: &Ctx,
    own: &Organisation,
    id: PersonId,
) -> Result<Vec<PersonId>, DbError> {
    let rows: Vec<OtherRow> = match own.kind {
        OrganisationKind::StreetOffice => {
            let (areas, today) = (ctx.actor.areas.join(","), own.day(ctx.now()));
            on!(conn, |c| {
                let rows = sqlx::query_as(OTHERS_OF_AREAS).bind(own.id).bind(&areas).bind(today);
                rows.bind(id).bind(LOOKED_AT_MAX).fetch_all(c).await
            })?
        }
        OrganisationKind::HomeCareAgency => on!(conn, |c| {
            let rows = sqlx::query_as(OTHERS_OF_AGENCY).bind(own.id).bind(recent(ctx));
            rows.bind(id).bind(LOOKED_AT_MAX).fetch_all(c).await
        })?,
        OrganisationKind::CareHome => on!(conn, |c| {
            let rows = sqlx::query_as(OTHERS_OF_HOME).bind(own.id).bind(id);
            rows.bind(LOOKED_AT_MAX).fetch_all(c).await
        })?,
        OrganisationKind::Hospital | OrganisationKind::HealthCentre | OrganisationKind::Community => Vec::new(),
    };
    let same = rows.into_iter().filter(|(_, name, other, paper)| *paper == 1 || similar(name, other));
    Ok(same.map(|(id, ..)| id).take(CANDIDATES_MAX).collect())
}

/// Remembers that two records are of two people.
pub(super) async fn decline(tx: &mut Tx, ctx: &Ctx, one: PersonId, other: PersonId) -> Result<(), Problem> {
    let (low, high) = if one.0 < other.0 { (one, other) } else { (other, one) };
    on!(tx, |c| {
        let row = sqlx::query(DECLINE).bind(low).bind(high).bind(ctx.now());
        row.bind(ctx.actor.subject).bind(ctx.actor.organisation).execute(c).await.map(drop)
    })
    .map_err(sanbao_platform::db::DbError::from)?;
    Ok(())
}
