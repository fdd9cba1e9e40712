//! Log-in sessions and their refresh tokens: each token is good once, a used one ends its family. A browser whose answer
//! was lost on the way gets the successor once more within a short grace.

use chrono::{DateTime, Duration, Utc};
use sanbao_platform::auth::{AccessClaims, Keys};
use sanbao_platform::crypto::{FieldKeys, random_token, sha256_hex};
use sanbao_platform::db::{Conn, DbError, Tx};
use sanbao_platform::id::OrganisationId;
use sanbao_platform::on;
use sanbao_platform::problem::Problem;

use super::ending::end;
use crate::account::config::{AccountConfig, SESSION_HOURS_MAX};
use crate::account::id::{AccountId, SessionId};
use crate::account::member::{self, Account, AccountStatus, Membership};
use crate::account::organisation::{self, OrganisationKind};
use crate::account::problems::ACCOUNT_DISABLED;

const START: &str = "insert into login_session (id, account_id, organisation_id, created_at) values ($1, $2, $3, $4)";
const ADD_TOKEN: &str =
    "insert into refresh_token (token_hash, session_id, issued_at, expires_at) values ($1, $2, $3, $4)";
const USE_TOKEN: &str = "update refresh_token set used_at = $2
    where token_hash = $1 and used_at is null and expires_at > $2";
const FIND_TOKEN: &str = "select t.session_id, t.used_at, s.account_id, s.organisation_id, s.created_at, s.ended_at
    from refresh_token t join login_session s on s.id = t.session_id where t.token_hash = $1";
const PRUNE: &str = "delete from refresh_token where expires_at < $2
    and session_id in (select id from login_session where account_id = $1)";

/// Renewals within one grace that are followed from a token to the newest of its family.
const SUCCESSORS_MAX: usize = 8;

/// The tokens that a log-in or a renewal gives.
#[derive(Debug)]
pub(in crate::account) struct IssuedTokens {
    /// Signed, 15 minutes.
    pub access: String,
    /// Opaque, good once.
    pub refresh: String,
    /// For which organisation and as what.
    pub membership: Membership,
    /// The kind of that organisation.
    pub kind: OrganisationKind,
}

/// How a renewal ended.
#[derive(Debug)]
pub(super) enum Rotation {
    /// New tokens.
    Issued(Box<IssuedTokens>),
    /// No such token, too old, or its log-in has ended.
    Refused,
    /// The token had been used: its family has been ended now.
    Reused,
}

#[derive(sqlx::FromRow)]
struct Found {
    session_id: SessionId,
    used_at: Option<DateTime<Utc>>,
    account_id: AccountId,
    organisation_id: OrganisationId,
    created_at: DateTime<Utc>,
    ended_at: Option<DateTime<Utc>>,
}

/// The parts that make tokens.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mint<'a> {
    pub(super) keys: &'a Keys,
    pub(super) fields: &'a FieldKeys,
    pub(super) config: &'a AccountConfig,
    pub(super) now: DateTime<Utc>,
}

impl Mint<'_> {
    /// Starts a log-in of an account that has shown who it is.
    pub(super) async fn start(&self, tx: &mut Tx, account: &Account) -> Result<IssuedTokens, Problem> {
        let membership = member::membership(tx, account.id).await?.ok_or_else(|| Problem::new(&ACCOUNT_DISABLED))?;
        let session = SessionId::new(self.now);
        on!(tx, |c| sqlx::query(PRUNE).bind(account.id).bind(self.now).execute(c).await.map(drop))?;
        on!(tx, |c| {
            let row = sqlx::query(START).bind(session).bind(account.id).bind(membership.organisation).bind(self.now);
            row.execute(c).await.map(drop)
        })?;
        self.issue(tx, session, account, membership, random_token()).await
    }

    async fn issue(
        &self,
        tx: &mut Tx,
        session: SessionId,
        account: &Account,
        membership: Membership,
        refresh: String,
    ) -> Result<IssuedTokens, Problem> {
        on!(tx, |c| {
            let row = sqlx::query(ADD_TOKEN).bind(sha256_hex(refresh.as_bytes())).bind(session).bind(self.now);
            row.bind(self.now + self.config.refresh()).execute(c).await.map(drop)
        })?;
        self.issued(tx, session, account, membership, refresh).await
    }

    async fn issued(
        &self,
        conn: &mut Conn,
        session: SessionId,
        account: &Account,
        membership: Membership,
        refresh: String,
    ) -> Result<IssuedTokens, Problem> {
        let organisation = organisation::find(conn, membership.organisation).await?;
        let organisation = organisation.ok_or_else(|| Problem::new(&ACCOUNT_DISABLED))?;
        let claims = AccessClaims {
            sub: account.id.into(),
            org: membership.organisation,
            kind: organisation.kind.as_str().to_owned(),
            roles: membership.roles.clone(),
            areas: membership.areas.clone(),
            name: account.display_name.clone(),
            sid: session.0,
            ver: account.version,
        };
        let access = self.keys.sign_access(self.now, &claims).map_err(Problem::internal)?;
        Ok(IssuedTokens { access, refresh, membership, kind: organisation.kind })
    }

    /// The token that follows `token`: nobody can tell it without the network's secret, and it need not be stored to be
    /// given once more.
    fn successor(&self, token: &str) -> String {
        self.fields.blind_index("refresh_token", token)
    }

    /// Exchanges a refresh token. The caller commits whatever comes out: a reuse has ended the family.
    /// Within `grace` after its use a token gives the same successor again: its answer may have been lost on the way, or
    /// two tabs of a browser renewed at one moment.
    pub(super) async fn rotate(&self, tx: &mut Tx, token: &str, grace: Duration) -> Result<Rotation, Problem> {
        let hash = sha256_hex(token.as_bytes());
        let used = on!(tx, |c| {
            sqlx::query(USE_TOKEN).bind(&hash).bind(self.now).execute(c).await.map(|done| done.rows_affected())
        })?;
        let Some(found) = find(tx, token).await?.filter(|f| f.ended_at.is_none()) else {
            return Ok(Rotation::Refused);
        };
        if self.now - found.created_at >= Duration::hours(SESSION_HOURS_MAX) {
            end(tx, found.session_id, self.now, "too_long").await?;
            return Ok(Rotation::Refused);
        }
        let next = if used == 1 {
            self.successor(token)
        } else {
            let Some(used_at) = found.used_at else { return Ok(Rotation::Refused) };
            if self.now - used_at >= grace {
                end(tx, found.session_id, self.now, "reuse").await?;
                return Ok(Rotation::Reused);
            }
            match self.newest(tx, token).await? {
                Some(newest) => newest,
                None => return Ok(Rotation::Refused),
            }
        };
        let account = member::find(tx, found.account_id).await?.filter(|a| a.status == AccountStatus::Active);
        let membership = member::membership(tx, found.account_id).await?;
        let membership = membership.filter(|m| m.organisation == found.organisation_id);
        let (Some(account), Some(membership)) = (account, membership) else {
            end(tx, found.session_id, self.now, "disabled").await?;
            return Ok(Rotation::Refused);
        };
        let issued = if used == 1 {
            self.issue(tx, found.session_id, &account, membership, next).await?
        } else {
            self.issued(tx, found.session_id, &account, membership, next).await?
        };
        Ok(Rotation::Issued(Box::new(issued)))
    }

    /// The one token behind a used one that is still good.
    async fn newest(&self, tx: &mut Tx, token: &str) -> Result<Option<String>, DbError> {
        let mut token = self.successor(token);
        for _ in 0..SUCCESSORS_MAX {
            match find(tx, &token).await? {
                Some(found) if found.used_at.is_none() => return Ok(Some(token)),
                Some(_) => token = self.successor(&token),
                None => break,
            }
        }
        Ok(None)
    }
}

async fn find(conn: &mut Conn, token: &str) -> Result<Option<Found>, DbError> {
    let hash = sha256_hex(token.as_bytes());
    Ok(on!(conn, |c| sqlx::query_as(FIND_TOKEN).bind(&hash).fetch_optional(c).await)?)
}

/// The log-in that a refresh token belongs to.
pub(super) async fn session_of(conn: &mut Conn, token: &str) -> Result<Option<SessionId>, DbError> {
    Ok(find(conn, token).await?.map(|f| f.session_id))
}
