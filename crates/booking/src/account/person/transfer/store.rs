//! Transfers in the database, and who has the record that is asked for.

use chrono::{DateTime, Duration, NaiveDate, Utc};
use sanbao_platform::audit::Personal;
use sanbao_platform::db::{Conn, DbError, Tx};
use sanbao_platform::id::OrganisationId;
use sanbao_platform::lifecycle::State as _;
use sanbao_platform::on;
use uuid::Uuid;

use super::model::{Transfer, TransferId};
use super::state::TransferState;
use crate::account::area::in_areas;
use crate::account::id::PersonId;
use crate::account::organisation::{Organisation, OrganisationKind};
use crate::account::person::model::Person;
use crate::account::person::store::{columns, handed_over};

/// Records with one paper that are looked at, at most: each organisation has one at most.
const HELD_MAX: i64 = 50;

/// The columns that every statement over transfers selects.
macro_rules! transfers {
    ($rest:expr) => {
        concat!(
            "select t.id, t.person_id, t.to_organisation, o.name_zh as to_zh, o.name_en as to_en, f.name_zh as from_zh,
    f.name_en as from_en, t.national_id_index, t.paper_index, t.agreed_by, t.agreed_how, t.agreed_on, t.agreed_name, t.note,
    t.asked_at, t.asked_by, t.state, t.decided_at, t.decided_by_organisation, t.from_organisation, t.held_id, t.reason,
    t.version from person_transfer t left join organisation o on o.id = t.to_organisation
    left join organisation f on f.id = t.from_organisation ",
            $rest
        )
    };
}

/// Whether the record `p` has the paper that the transfer `t` asks for, and is another's.
macro_rules! asked_for {
    () => {
        "p.merged_into is null and p.id <> t.person_id
        and (p.national_id_index = t.national_id_index or p.paper_index = t.paper_index)
        and (p.organisation_id is null or t.to_organisation is null or p.organisation_id <> t.to_organisation)"
    };
}

const FIND: &str = transfers!("where t.id = $1");
const OPEN_OF: &str = transfers!("where t.person_id = $1 and t.state = 'asked'");
const OTHERS: &str = transfers!(
    "where t.state = 'asked' and t.id <> $1 and (t.national_id_index = $2 or t.paper_index = $3) order by t.id limit 100"
);
const ASKED_BY: &str = transfers!(
    "where t.to_organisation = $1 and (t.asked_at, t.id) < ($2, $3) order by t.asked_at desc, t.id desc limit $4"
);
const ASKED_OF: &str = transfers!(concat!(
    "where (t.decided_by_organisation = $1 or t.from_organisation = $1
        or (t.state = 'asked' and exists (select 1 from person p where ",
    asked_for!(),
    " and (p.organisation_id = $1 or (p.organisation_id is null and p.registered_by = $1)))))
    and (t.asked_at, t.id) < ($2, $3) order by t.asked_at desc, t.id desc limit $4"
));
// An office has what it has registered, elders of its area whom nobody has registered, and after a week what two homes of
// its area have not settled.
const ASKED_OF_AREAS: &str = transfers!(concat!(
    "where (t.decided_by_organisation = $1 or t.from_organisation = $1
        or (t.state = 'asked' and exists (select 1 from person p left join organisation h on h.id = p.organisation_id where ",
    asked_for!(),
    " and ((p.organisation_id is null and (p.registered_by = $1 or (p.registered_by is null and ",
    in_areas!("p.area_code"),
    "))) or (t.asked_at <= $7 and ",
    in_areas!("h.area_code"),
    " and ",
    in_areas!("o.area_code"),
    ")))))
    and (t.asked_at, t.id) < ($4, $5) order by t.asked_at desc, t.id desc limit $6"
));
const HELD: &str = concat!(
    "select ",
    columns!(),
    " from person where merged_into is null and id <> $1 and (national_id_index = $2 or paper_index = $3)
    and (organisation_id is null or organisation_id <> $4) order by id limit $5"
);
const INSERT: &str =
    "insert into person_transfer (id, person_id, to_organisation, national_id_index, paper_index, agreed_by,
    agreed_name, agreed_how, agreed_on, note, asked_at, asked_by, state, version)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) on conflict do nothing";
const UPDATE: &str = "update person_transfer set state = $3, decided_at = $4, decided_by_organisation = $5,
    from_organisation = $6, held_id = $7, reason = $8, version = $9 where id = $1 and version = $2";
// A record that was joined into another before that was handed over leads on to that, for those who had it.
const HAD: &str = concat!(
    "with recursive up (id, height) as (select p.id, 0 from person p where p.id = $1 union all
        select j.survivor_id, up.height + 1 from up join person_join j on j.other_id = up.id
        where j.separated_at is null and j.transfer_id is null)
    select m.id from up join person m on m.id = up.id
    where (m.organisation_id = $2 or (m.organisation_id is null and m.registered_by = $2)) and ",
    handed_over!(),
    " order by up.height desc limit 1"
);
const LEADS_ON: &str = concat!("select count(*) from person m where m.id = $1 and ", handed_over!());

/// One transfer; whether the caller may see it is asked after.
pub(super) async fn find(conn: &mut Conn, id: TransferId) -> Result<Option<Transfer>, DbError> {
    Ok(on!(conn, |c| sqlx::query_as(FIND).bind(id).fetch_optional(c).await)?)
}

/// The transfer by which a record's person is asked for and that nobody has answered.
pub(super) async fn open_of(conn: &mut Conn, person: PersonId) -> Result<Option<Transfer>, DbError> {
    Ok(on!(conn, |c| sqlx::query_as(OPEN_OF).bind(person).fetch_optional(c).await)?)
}

/// Others by whom the same person is asked for.
pub(super) async fn others(conn: &mut Conn, of: &Transfer) -> Result<Vec<Transfer>, DbError> {
    Ok(on!(conn, |c| {
        let rows = sqlx::query_as(OTHERS).bind(of.id).bind(&of.national_id_index).bind(&of.paper_index);
        rows.fetch_all(c).await
    })?)
}

/// The records of others with the paper that is asked for.
pub(super) async fn held(conn: &mut Conn, of: &Transfer) -> Result<Vec<Personal<Person>>, DbError> {
    let asker = of.to_organisation.unwrap_or(OrganisationId(Uuid::nil()));
    Ok(on!(conn, |c| {
        let rows = sqlx::query_as(HELD).bind(of.person_id).bind(&of.national_id_index).bind(&of.paper_index);
        rows.bind(asker).bind(HELD_MAX).fetch_all(c).await
    })?)
}

/// Stores a new one; `false` when the person is asked for already.
pub(super) async fn insert(tx: &mut Tx, t: &Transfer) -> Result<bool, DbError> {
    let words = t.words.unseen();
    let rows = on!(tx, |c| {
        let row = sqlx::query(INSERT).bind(t.id).bind(t.person_id).bind(t.to_organisation);
        let row = row.bind(&t.national_id_index).bind(&t.paper_index).bind(t.agreed_by).bind(&words.agreed_name);
        let row = row.bind(t.agreed_how).bind(t.agreed_on).bind(&words.note).bind(t.asked_at).bind(t.asked_by);
        row.bind(t.state.name()).bind(t.version).execute(c).await.map(|done| done.rows_affected())
    })?;
    Ok(rows == 1)
}

/// Stores what came of it, over the version that was read; `false` when somebody else was faster.
pub(super) async fn update(tx: &mut Tx, read: i64, t: &Transfer) -> Result<bool, DbError> {
    let handover = t.handover();
    let reason = match &t.state {
        TransferState::Declined { reason, .. } => Some(reason.unseen()),
        _ => None,
    };
    let rows = on!(tx, |c| {
        let row = sqlx::query(UPDATE).bind(t.id).bind(read).bind(t.state.name()).bind(t.decided_at);
        let row = row.bind(t.decided_by()).bind(handover.and_then(|h| h.from)).bind(handover.map(|h| h.held));
        row.bind(reason).bind(t.version).execute(c).await.map(|done| done.rows_affected())
    })?;
    Ok(rows == 1)
}

/// The record that an organisation had under an id, if it was handed over: that of the id, or the one that it was joined into
/// before.
pub(in crate::account::person) async fn had(
    conn: &mut Conn,
    by: OrganisationId,
    id: PersonId,
) -> Result<Option<PersonId>, DbError> {
    Ok(on!(conn, |c| sqlx::query_scalar(HAD).bind(id).bind(by).fetch_optional(c).await)?)
}

/// Whether a record leads on because its person was handed over, also by the record that it was joined into before.
pub(in crate::account::person) async fn was_handed_over(conn: &mut Conn, id: PersonId) -> Result<bool, DbError> {
    let records: i64 = on!(conn, |c| sqlx::query_scalar(LEADS_ON).bind(id).fetch_one(c).await)?;
    Ok(records > 0)
}

/// Where a list begins, and how much of it is read.
#[derive(Clone, Copy, Debug)]
pub(super) struct TransferStretch {
    pub(super) before: (DateTime<Utc>, TransferId),
    pub(super) limit: i64,
}

impl TransferStretch {
    /// The rows that follow one, or the first ones.
    pub(super) fn of(now: DateTime<Utc>, after: Option<(DateTime<Utc>, TransferId)>, limit: i64) -> Self {
        Self { before: after.unwrap_or((now + Duration::days(1), TransferId(Uuid::max()))), limit }
    }
}

/// The transfers that an organisation has asked for, the newest first.
pub(super) async fn asked_by(
    conn: &mut Conn,
    own: OrganisationId,
    TransferStretch { before: (at, id), limit }: TransferStretch,
) -> Result<Vec<Transfer>, DbError> {
    Ok(on!(conn, |c| { sqlx::query_as(ASKED_BY).bind(own).bind(at).bind(id).bind(limit).fetch_all(c).await })?)
}

/// The areas of a caller of an office, today, and since when what was asked for is late.
pub(super) struct Reach {
    pub(super) areas: String,
    pub(super) today: NaiveDate,
    pub(super) late: DateTime<Utc>,
}

/// The transfers that an organisation is asked for or has answered, the newest first.
pub(super) async fn asked_of(
    conn: &mut Conn,
    own: &Organisation,
    reach: &Reach,
    TransferStretch { before: (at, id), limit }: TransferStretch,
) -> Result<Vec<Transfer>, DbError> {
    if own.kind != OrganisationKind::StreetOffice {
        return Ok(on!(conn, |c| {
            sqlx::query_as(ASKED_OF).bind(own.id).bind(at).bind(id).bind(limit).fetch_all(c).await
        })?);
    }
    Ok(on!(conn, |c| {
        let rows = sqlx::query_as(ASKED_OF_AREAS).bind(own.id).bind(&reach.areas).bind(reach.today);
        rows.bind(at).bind(id).bind(limit).bind(reach.late).fetch_all(c).await
    })?)
}
