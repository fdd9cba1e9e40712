//! Links for the family: one secret per link, kept only as its hash, revocable, replaceable.
//!
//! A link that is sent again is another link of the same person: a person whom the relay has sent away stays away,
//! and one who was there is counted once. One link of a person stands at a time, and it ends when the consult ends,
//! also when that is moved.

use chrono::{DateTime, Duration, Utc};
use sanbao_platform::audit::Personal;
use sanbao_platform::crypto::{random_token, sha256_hex};
use sanbao_platform::db::{Conn, DbError, Tx, expect_rows};
use sanbao_platform::problem::Problem;
use sanbao_platform::{on, text_enum};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::id::{ConsultId, GuestId};
use super::input::{Checks, NAME_CHARS_MAX};
use super::model::Consult;
use super::ticket::{RoomRole, issued};
use crate::account::AccountId;

/// How long a link lives beyond the booked end, or beyond the wanted time of what is not booked, in hours.
pub const LINK_HOURS: i64 = 24;
/// A secret is 43 characters; nothing much longer is looked up.
pub const TOKEN_BYTES_MAX: usize = 128;
/// Standing links of one consult at most.
pub const LINKS_MAX: i64 = 20;

const LIST: &str = "select id, coalesce(first_id, id) as person, name, relation, role, created_at, expires_at, revoked_at from consult_guest
    where consult_id = $1 order by created_at, id limit 200";
const COUNT: &str = "select count(*) from consult_guest where consult_id = $1 and revoked_at is null";
const FIND: &str = "select id, coalesce(first_id, id) as person, name, relation, role, created_at, expires_at, revoked_at from consult_guest
    where id = $1 and consult_id = $2";
const FIND_BY_TOKEN: &str =
    "select coalesce(first_id, id) as person, consult_id, name, relation, role, expires_at from consult_guest
    where token_hash = $1 and revoked_at is null and expires_at > $2";
const INSERT: &str = "insert into consult_guest
    (id, consult_id, name, relation, role, token_hash, created_by, created_at, expires_at, first_id)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
const REVOKE: &str = "update consult_guest set revoked_at = $3, revoked_by = $4
    where consult_id = $1 and coalesce(first_id, id) = $2 and revoked_at is null";
const REVOKE_ALL: &str = "update consult_guest set revoked_at = $2, revoked_by = $3
    where consult_id = $1 and revoked_at is null";
const FOLLOW: &str = "update consult_guest set expires_at = $2 where consult_id = $1 and revoked_at is null";

/// The person whom a link is for.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewGuest {
    /// Name, as the others in the room see it.
    pub name: String,
    /// Relation to the resident.
    pub relation: String,
    /// As what they enter: family, unless said otherwise.
    #[serde(default)]
    pub role: GuestRole,
}

text_enum! {
    /// As what the holder of a link enters.
    #[derive(Default)]
    pub enum GuestRole {
        /// Family.
        #[default]
        Guest = "guest",
        /// Interprets between dialects or languages.
        Interpreter = "interpreter",
        /// Only watches and listens.
        Observer = "observer",
    }
}

impl From<GuestRole> for RoomRole {
    fn from(role: GuestRole) -> Self {
        match role {
            GuestRole::Guest => Self::Guest,
            GuestRole::Interpreter => Self::Interpreter,
            GuestRole::Observer => Self::Observer,
        }
    }
}

/// A link as it is listed: without its secret.
#[derive(Clone, Debug, Serialize, sqlx_macros::FromRow, ToSchema)]
pub struct GuestView {
    pub id: GuestId,
    /// Their id in the room: the id of the first link that was made for them.
    pub person: GuestId,
    pub name: String,
    /// Relation to the resident.
    pub relation: String,
    /// As what they enter.
    pub role: GuestRole,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// The first moment at which it opens nothing.
    pub expires_at: DateTime<Utc>,
    /// When it was revoked or replaced.
    pub revoked_at: Option<DateTime<Utc>>,
}

/// A link that was just made: the only time its secret is told.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct GuestLink {
    pub id: GuestId,
    /// To be sent to the family: the page that explains and leads to the room. The secret stands
    /// after `#`, which browsers do not send.
    pub path: String,
    /// The secret, for `POST /v1/guest-tickets`.
    pub token: String,
    /// The first moment at which it opens nothing.
    pub expires_at: DateTime<Utc>,
}

/// The person behind a secret.
#[derive(Clone, Debug, sqlx_macros::FromRow)]
pub struct Guest {
    /// Their id in the room, by whichever link.
    pub person: GuestId,
    pub consult_id: ConsultId,
    pub name: String,
    /// Relation to the resident.
    pub relation: String,
    /// As what they enter.
    pub role: GuestRole,
    /// The first moment at which it opens nothing.
    pub expires_at: DateTime<Utc>,
}

impl NewGuest {
    /// The guest with trimmed texts, or every error in it.
    pub fn checked(mut self) -> Result<Self, Problem> {
        let mut checks = Checks::default();
        checks.text("name", &mut self.name, NAME_CHARS_MAX);
        checks.text("relation", &mut self.relation, NAME_CHARS_MAX);
        checks.done()?;
        Ok(self)
    }
}

/// All links of a consult.
pub async fn list(conn: &mut Conn, consult: ConsultId) -> Result<Personal<Vec<GuestView>>, DbError> {
    let all: Vec<GuestView> = on!(conn, |c| sqlx::query_as(LIST).bind(consult).fetch_all(c).await)?;
    Ok(all.into())
}

/// How many links stand.
pub async fn count(conn: &mut Conn, consult: ConsultId) -> Result<i64, DbError> {
    Ok(on!(conn, |c| sqlx::query_scalar(COUNT).bind(consult).fetch_one(c).await)?)
}

/// One link.
pub async fn find(conn: &mut Conn, consult: ConsultId, id: GuestId) -> Result<Option<Personal<GuestView>>, DbError> {
    Ok(on!(conn, |c| sqlx::query_as(FIND).bind(id).bind(consult).fetch_optional(c).await)?)
}

/// The guest of a secret, while the link stands.
pub async fn by_token(conn: &mut Conn, now: DateTime<Utc>, token: &str) -> Result<Option<Guest>, DbError> {
    let hash = sha256_hex(token.as_bytes());
    Ok(on!(conn, |c| sqlx::query_as(FIND_BY_TOKEN).bind(&hash).bind(now).fetch_optional(c).await)?)
}

/// When links end.
fn ends_at(end: DateTime<Utc>, now: DateTime<Utc>) -> DateTime<Utc> {
    end.max(now) + Duration::hours(LINK_HOURS)
}

/// Makes a link; `again` is the person of an earlier link that it replaces.
pub async fn insert(
    tx: &mut Tx,
    consult: &Consult,
    by: AccountId,
    now: DateTime<Utc>,
    guest: &NewGuest,
    again: Option<GuestId>,
) -> Result<GuestLink, DbError> {
    let (id, token) = (GuestId::new(now), random_token());
    let end = consult.state.appointment().map_or(consult.wanted.1, |a| a.interval.ends_at());
    let expires_at = ends_at(end, now);
    let rows = on!(tx, |c| {
        let row = sqlx::query(INSERT).bind(id).bind(consult.id).bind(&guest.name).bind(&guest.relation);
        let row = row.bind(guest.role).bind(sha256_hex(token.as_bytes())).bind(by).bind(now).bind(expires_at);
        let row = row.bind(again);
        row.execute(c).await.map(|r| r.rows_affected())
    })?;
    expect_rows("make guest link", 1, rows)?;
    Ok(GuestLink { id, path: format!("/guest#{token}"), token, expires_at })
}

/// Lets the links that stand end with a consult that now ends at `end`.
pub async fn follow(tx: &mut Tx, consult: ConsultId, end: DateTime<Utc>, now: DateTime<Utc>) -> Result<(), DbError> {
    let expires_at = ends_at(end, now);
    on!(tx, |c| sqlx::query(FOLLOW).bind(consult).bind(expires_at).execute(c).await.map(drop))?;
    Ok(())
}

/// Revokes the link of a person, and the ticket that it gave: that one alone, for the next link's is good.
pub async fn revoke(
    tx: &mut Tx,
    consult: ConsultId,
    person: GuestId,
    (by, now): (AccountId, DateTime<Utc>),
) -> Result<u64, DbError> {
    let ended = on!(tx, |c| {
        let query = sqlx::query(REVOKE).bind(consult).bind(person).bind(now).bind(by);
        query.execute(c).await.map(|r| r.rows_affected())
    })?;
    issued::revoke_each(tx, consult, person.0, now).await?;
    Ok(ended)
}

/// Revokes every link that stands; how many did. The tickets that they gave are the caller's to take back.
pub async fn revoke_all(tx: &mut Tx, consult: ConsultId, by: AccountId, now: DateTime<Utc>) -> Result<u64, DbError> {
    Ok(on!(tx, |c| {
        sqlx::query(REVOKE_ALL).bind(consult).bind(now).bind(by).execute(c).await.map(|r| r.rows_affected())
    })?)
}
