//! The consults and visits of a person that are not done, of all organisations.

use chrono::{DateTime, Utc};
use sanbao_platform::db::{Conn, DbError};
use sanbao_platform::id::OrganisationId;
use sanbao_platform::on;
use sanbao_platform::problem::Problem;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::state::PersonStateName;
use crate::account::id::PersonId;
use crate::account::problems::PERSON_ENDED;

/// Open things that an answer lists at most.
const OPEN_MAX: i64 = 100;
/// Past things that a page lists at most.
const PAST_MAX: i64 = 30;

const OPEN: &str = "select 'consult' as kind, c.id, c.inviting_id as organisation_id, c.state as state,
        coalesce(c.starts_at, c.wanted_from) as at
    from consult c where c.resident_id = $1
        and c.state not in ('adopted', 'archived', 'rejected', 'cancelled', 'no_show', 'expired')
    union all
    select 'visit' as kind, v.id, v.agency_id as organisation_id, v.state as state,
        coalesce(v.starts_at, v.wanted_from) as at
    from visit v where v.person_id = $1 and v.state in ('requested', 'scheduled', 'in_service')
    order by at, id limit $2";
const PAST: &str = "select 'consult' as kind, c.id, c.inviting_id as organisation_id, c.state as state,
        coalesce(c.starts_at, c.wanted_from) as at
    from consult c where c.resident_id = $1 and c.inviting_id = $2
        and c.state in ('adopted', 'archived', 'rejected', 'cancelled', 'no_show', 'expired')
    union all
    select 'visit' as kind, v.id, v.agency_id as organisation_id, v.state as state,
        coalesce(v.starts_at, v.wanted_from, v.created_at) as at
    from visit v where v.person_id = $1 and v.agency_id = $2 and v.state in ('completed', 'cancelled', 'no_show')
    order by at desc, id desc limit $3";
const STATE: &str =
    "select state from person where id = coalesce((select m.merged_into from person m where m.id = $1), $1)";

#[derive(sqlx_macros::FromRow)]
struct OpenRow {
    kind: String,
    id: Uuid,
    organisation_id: OrganisationId,
    state: String,
    at: Option<DateTime<Utc>>,
}

/// Something of a person that is not done. Of what is another organisation's the kind and the time are told.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct OpenView {
    /// `consult` or `visit`.
    pub kind: String,
    /// Its id, where it is the caller's organisation's.
    pub id: Option<Uuid>,
    /// Its state, where it is the caller's organisation's.
    pub state: Option<String>,
    /// When it is, or is wanted from.
    pub at: Option<DateTime<Utc>>,
}

/// The open things of a person, as an organisation may see them; at most 100, the soonest first.
pub(in crate::account) async fn of(
    conn: &mut Conn,
    person: PersonId,
    own: OrganisationId,
) -> Result<Vec<OpenView>, DbError> {
    let rows: Vec<OpenRow> = on!(conn, |c| sqlx::query_as(OPEN).bind(person).bind(OPEN_MAX).fetch_all(c).await)?;
    let view = |row: OpenRow| {
        let ours = row.organisation_id == own;
        OpenView { kind: row.kind, id: ours.then_some(row.id), state: ours.then_some(row.state), at: row.at }
    };
    Ok(rows.into_iter().map(view).collect())
}

/// The things of a person that are over, of an organisation's own; the newest first, at most 30.
pub(in crate::account) async fn past(
    conn: &mut Conn,
    person: PersonId,
    own: OrganisationId,
) -> Result<Vec<OpenView>, DbError> {
    let rows: Vec<OpenRow> =
        on!(conn, |c| sqlx::query_as(PAST).bind(person).bind(own).bind(PAST_MAX).fetch_all(c).await)?;
    let view = |row: OpenRow| OpenView { kind: row.kind, id: Some(row.id), state: Some(row.state), at: row.at };
    Ok(rows.into_iter().map(view).collect())
}

/// Whether somebody has died or left: nothing new is begun for them.
pub async fn has_ended(conn: &mut Conn, person: PersonId) -> Result<bool, DbError> {
    let state: Option<PersonStateName> = on!(conn, |c| sqlx::query_scalar(STATE).bind(person).fetch_optional(c).await)?;
    Ok(state.is_some_and(|state| state != PersonStateName::Registered))
}

/// Refuses what would be new for somebody who has died or left.
pub async fn require_here(conn: &mut Conn, person: PersonId) -> Result<(), Problem> {
    if has_ended(conn, person).await? { Err(ended()) } else { Ok(()) }
}

/// The problem of what would be new for somebody who has died or left.
pub fn ended() -> Problem {
    Problem::new(&PERSON_ENDED)
}
