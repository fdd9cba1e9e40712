//! Consents in the database.

use sanbao_platform::db::{Conn, DbError, Tx};
use sanbao_platform::lifecycle::State as _;
use sanbao_platform::on;
use sanbao_platform::problem::Problem;

use super::model::{SharingConsent, SharingConsentId, SharingScope};
use super::state::SharingStateName;
use crate::account::id::PersonId;
use crate::account::problems::SHARING_WITHDRAWN;

/// The columns that every statement over consents selects.
macro_rules! consents {
    ($rest:expr) => {
        concat!(
            "select c.id, c.person_id, c.scope, c.shared_with, c.given_by, c.given_name, c.told, c.given_on, c.recorded_at,
    c.recorded_by, a.display_name as recorded_by_name, c.state, c.withdrawn_at, c.version
    from person_sharing_consent c join account a on a.id = c.recorded_by ",
            $rest
        )
    };
}

/// The beginning of a statement over the consents of the record `$1`: `own` holds it and the records that were joined into it,
/// also after it was handed over itself. Those of a record that was handed over to it stay with those who had that one.
macro_rules! own_records {
    () => {
        "with recursive own (id) as (select p.id from person p where p.id = $1 union all
            select j.other_id from own join person_join j on j.survivor_id = own.id
            where j.separated_at is null and j.transfer_id is null) "
    };
}

const FIND: &str = consents!("where c.id = $1");
const LIST: &str = concat!(
    own_records!(),
    consents!("where c.person_id in (select id from own) order by c.recorded_at desc, c.id desc limit 100")
);
// The last act about a scope counts, also one that took an older entry back.
const NEWEST: &str = concat!(
    own_records!(),
    "select c.state from person_sharing_consent c where c.person_id in (select id from own)
    and c.scope = $2 order by coalesce(c.withdrawn_at, c.recorded_at) desc, c.id desc limit 1"
);
const INSERT: &str =
    "insert into person_sharing_consent (id, person_id, scope, shared_with, given_by, given_name, told,
    given_on, recorded_at, recorded_by, state, version) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)";
const UPDATE: &str = "update person_sharing_consent set state = $3, withdrawn_at = $4, version = $5
    where id = $1 and version = $2";

/// One consent; whether the caller may see it is asked after.
pub(super) async fn find(conn: &mut Conn, id: SharingConsentId) -> Result<Option<SharingConsent>, DbError> {
    Ok(on!(conn, |c| sqlx::query_as(FIND).bind(id).fetch_optional(c).await)?)
}

/// The consents of a record, the newest first; at most 100.
pub(super) async fn list(conn: &mut Conn, person: PersonId) -> Result<Vec<SharingConsent>, DbError> {
    Ok(on!(conn, |c| sqlx::query_as(LIST).bind(person).fetch_all(c).await)?)
}

/// Stores a new one.
pub(super) async fn insert(tx: &mut Tx, consent: &SharingConsent) -> Result<bool, DbError> {
    let words = consent.words.unseen();
    let rows = on!(tx, |c| {
        let row = sqlx::query(INSERT).bind(consent.id).bind(consent.person_id).bind(consent.scope);
        let row = row.bind(&words.shared_with).bind(consent.given_by).bind(&words.given_name).bind(consent.told);
        let row = row.bind(consent.given_on).bind(consent.recorded_at).bind(consent.recorded_by);
        row.bind(consent.state.name()).bind(consent.version).execute(c).await.map(|done| done.rows_affected())
    })?;
    Ok(rows == 1)
}

/// Stores whether it stands, over the version that was read; `false` when somebody else was faster.
pub(super) async fn update(tx: &mut Tx, read: i64, consent: &SharingConsent) -> Result<bool, DbError> {
    let rows = on!(tx, |c| {
        let row = sqlx::query(UPDATE).bind(consent.id).bind(read).bind(consent.state.name());
        row.bind(consent.state.withdrawn_at()).bind(consent.version).execute(c).await.map(|done| done.rows_affected())
    })?;
    Ok(rows == 1)
}

/// Refuses what somebody has withdrawn their consent to.
pub(in crate::account::person) async fn require_not_withdrawn(
    conn: &mut Conn,
    person: PersonId,
    scope: SharingScope,
) -> Result<(), Problem> {
    if is_withdrawn(conn, person, scope).await? { Err(Problem::new(&SHARING_WITHDRAWN)) } else { Ok(()) }
}

/// Whether the consent of a scope was withdrawn and not given again since.
pub(in crate::account::person) async fn is_withdrawn(
    conn: &mut Conn,
    person: PersonId,
    scope: SharingScope,
) -> Result<bool, DbError> {
    let newest: Option<SharingStateName> =
        on!(conn, |c| sqlx::query_scalar(NEWEST).bind(person).bind(scope).fetch_optional(c).await)?;
    Ok(newest == Some(SharingStateName::Withdrawn))
}
