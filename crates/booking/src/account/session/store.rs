//! Log-in sessions and their refresh tokens: each token is good once, a used one ends its family. A browser whose answer
//! was lost on the way gets the successor once more within a short grace.

use chrono::{DateTime, Duration, Utc};
use sanbao_platform::audit;
use sanbao_platform::auth::{AccessClaims, Keys, Workplace};
use sanbao_platform::crypto::{FieldKeys, random_token, sha256_hex};
use sanbao_platform::db::{Conn, DbError, Tx};
use sanbao_platform::id::OrganisationId;
use sanbao_platform::on;
use sanbao_platform::problem::Problem;

use super::ending::{end, end_own};
use super::place::{DeviceKind, Place};
use crate::account::area;
use crate::account::config::{AccountConfig, SESSION_HOURS_MAX};
use crate::account::id::{AccountId, SessionId};
use crate::account::member::{self, Account, AccountStatus, Membership};
use crate::account::organisation::{self, Organisation, OrganisationKind, OrganisationState};
use crate::account::problems::{ACCOUNT_DISABLED, ORGANISATION_CLOSED};
use crate::account::second_factor;

const START: &str =
    "insert into login_session (id, account_id, organisation_id, created_at, proved_at, pressed_at, seen_at,
    seen_from, agent, device_id) values ($1, $2, $3, $4, $4, $4, $4, $5, $6, $7)";
// The same person on the same device: the whole time of the log-in and its last proof go on, and so do its wrong ones.
const GO_ON: &str =
    "insert into login_session (id, account_id, organisation_id, created_at, proved_at, pressed_at, seen_at,
    seen_from, agent, device_id, wrong_proof_count)
    select $2, account_id, $3, created_at, proved_at, $4, $4, seen_from, agent, device_id, wrong_proof_count
    from login_session where id = $1";
const ADD_TOKEN: &str =
    "insert into refresh_token (token_hash, session_id, issued_at, expires_at) values ($1, $2, $3, $4)";
const USE_TOKEN: &str = "update refresh_token set used_at = $2
    where token_hash = $1 and used_at is null and expires_at > $2";
const FIND_TOKEN: &str =
    "select t.used_at, s.id, s.account_id, s.organisation_id, s.created_at, s.ended_at, s.proved_at,
    s.pressed_at, s.wrong_proof_count, d.kind as device_kind from refresh_token t
    join login_session s on s.id = t.session_id left join device d on d.id = s.device_id where t.token_hash = $1";
const FIND: &str = "select s.id, s.account_id, s.organisation_id, s.created_at, s.ended_at, s.proved_at, s.pressed_at,
    s.wrong_proof_count, d.kind as device_kind
    from login_session s left join device d on d.id = s.device_id where s.id = $1";
const SEEN: &str = "update login_session set seen_at = $2, seen_from = $3 where id = $1";
const PRESSED: &str = "update login_session set pressed_at = $2 where id = $1 and ended_at is null";
const PROVED: &str = "update login_session set proved_at = $2, pressed_at = $2, wrong_proof_count = 0
    where id = $1 and ended_at is null";
const PROVED_WRONGLY: &str = "update login_session set wrong_proof_count = wrong_proof_count + 1 where id = $1";
const PRUNE: &str = "delete from refresh_token where expires_at < $2
    and session_id in (select id from login_session where account_id = $1)";

/// Other organisations that a token names, and the bytes of their names: it travels in a cookie, which holds 4096.
const OTHERS_MAX: usize = 4;
const NAMES_BYTES_MAX: usize = 600;

/// Renewals within one grace that are followed from a token to the newest of its family.
const SUCCESSORS_MAX: usize = 8;

/// The tokens that a log-in or a renewal gives.
#[derive(Debug)]
pub(in crate::account) struct IssuedTokens {
    /// Signed, 15 minutes.
    pub access: String,
    /// Opaque, good once.
    pub refresh: String,
    /// The token that a browser sends beside its cookies.
    pub csrf: String,
    /// For which organisation and as what.
    pub membership: Membership,
    /// The kind of that organisation.
    pub kind: OrganisationKind,
    /// The areas that the token says.
    pub areas: Vec<String>,
    /// Whether the account must set up its second factor first.
    pub lacks_factor: bool,
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

/// A log-in as it is stored.
#[derive(Clone, Debug, sqlx_macros::FromRow)]
pub(super) struct StoredLogIn {
    pub(super) id: SessionId,
    account_id: AccountId,
    organisation_id: OrganisationId,
    created_at: DateTime<Utc>,
    ended_at: Option<DateTime<Utc>>,
    proved_at: Option<DateTime<Utc>>,
    pressed_at: Option<DateTime<Utc>>,
    /// Wrong proofs since the last right one.
    pub(super) wrong_proof_count: i32,
    device_kind: Option<DeviceKind>,
}

impl StoredLogIn {
    /// When it ends unless somebody presses something, and why; never later than after its whole time.
    fn end(&self, config: &AccountConfig) -> (DateTime<Utc>, &'static str) {
        let whole = (self.created_at + Duration::hours(SESSION_HOURS_MAX), "too_long");
        let idle = self.pressed_at.filter(|_| self.device_kind == Some(DeviceKind::Shared));
        idle.map(|pressed| (pressed + config.idle(), "idle")).filter(|idle| *idle < whole).unwrap_or(whole)
    }
}

#[derive(sqlx_macros::FromRow)]
struct Found {
    used_at: Option<DateTime<Utc>>,
    #[sqlx(flatten)]
    log_in: StoredLogIn,
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
    pub(super) async fn start(&self, tx: &mut Tx, account: &Account, place: &Place) -> Result<IssuedTokens, Problem> {
        let membership = member::enter(tx, account.id, place.organisation).await?;
        let membership = membership.ok_or_else(|| match place.organisation {
            Some(_) => not_a_member(),
            None => Problem::new(&ACCOUNT_DISABLED),
        })?;
        // What was right or wrong is told at home; another organisation's administrators see who came in.
        if member::home_of(tx, account.id).await? != Some(membership.organisation) {
            let whose = (Some(account.id.into()), Some(membership.organisation));
            audit::record_log_in(tx, self.now, whose, "account.log_in", &place.request_id, "done").await?;
        }
        let session = SessionId::new(self.now);
        on!(tx, |c| sqlx::query(PRUNE).bind(account.id).bind(self.now).execute(c).await.map(drop))?;
        on!(tx, |c| {
            let row = sqlx::query(START).bind(session).bind(account.id).bind(membership.organisation).bind(self.now);
            row.bind(&place.address).bind(&place.agent).bind(place.device).execute(c).await.map(drop)
        })?;
        let log_in = find(tx, session).await?.ok_or_else(|| Problem::internal("a log-in is gone at its beginning"))?;
        self.issue(tx, &log_in, account, membership, random_token()).await
    }

    /// Goes on with a log-in in another organisation: the log-in ends, and what was given to it; another one of the same person
    /// and device takes its place. `None`: it has ended meanwhile, or the account has no role there.
    pub(super) async fn switch(
        &self,
        tx: &mut Tx,
        (session, account): (SessionId, &Account),
        organisation: OrganisationId,
    ) -> Result<Option<IssuedTokens>, Problem> {
        let membership = member::enter(tx, account.id, Some(organisation)).await?;
        let Some(membership) = membership.filter(|m| m.organisation == organisation) else { return Ok(None) };
        if !end_own(tx, session, account.id, self.now, "organisation_switched").await? {
            return Err(Problem::unauthenticated());
        }
        let next = SessionId::new(self.now);
        on!(tx, |c| {
            let row = sqlx::query(GO_ON).bind(session).bind(next).bind(organisation).bind(self.now);
            row.execute(c).await.map(drop)
        })?;
        let log_in = find(tx, next).await?.ok_or_else(|| Problem::internal("a log-in is gone at its beginning"))?;
        Ok(Some(self.issue(tx, &log_in, account, membership, random_token()).await?))
    }

    async fn issue(
        &self,
        tx: &mut Tx,
        log_in: &StoredLogIn,
        account: &Account,
        membership: Membership,
        refresh: String,
    ) -> Result<IssuedTokens, Problem> {
        on!(tx, |c| {
            let row = sqlx::query(ADD_TOKEN).bind(sha256_hex(refresh.as_bytes())).bind(log_in.id).bind(self.now);
            row.bind(self.now + self.config.refresh()).execute(c).await.map(drop)
        })?;
        self.issued(tx, log_in, account, membership, refresh).await
    }

    async fn issued(
        &self,
        conn: &mut Conn,
        log_in: &StoredLogIn,
        account: &Account,
        membership: Membership,
        refresh: String,
    ) -> Result<IssuedTokens, Problem> {
        let organisation = organisation::find(conn, membership.organisation).await?;
        let organisation = organisation.ok_or_else(|| Problem::new(&ACCOUNT_DISABLED))?;
        if organisation.state == OrganisationState::Closed {
            return Err(Problem::new(&ORGANISATION_CLOSED));
        }
        let (top, day) = (organisation.area_code.as_deref(), organisation.day(self.now));
        let areas = area::still_held(conn, &membership.areas, top, day).await?;
        let lacks_factor = second_factor::is_lacking(conn, self.config.second_factor, account.id, &membership).await?;
        let claims = AccessClaims {
            sub: account.id.into(),
            org: membership.organisation,
            kind: organisation.kind.as_str().to_owned(),
            roles: membership.roles.clone(),
            areas: areas.clone(),
            name: account.display_name.clone(),
            sid: log_in.id.0,
            ver: account.version,
            auth_time: log_in.proved_at.unwrap_or(log_in.created_at).timestamp(),
            lacks_factor,
            workplaces: workplaces(conn, account.id, &organisation).await?,
        };
        let (end, _) = log_in.end(self.config);
        let access = self.keys.sign_access_until(end, self.now, &claims).map_err(Problem::internal)?;
        let csrf = self.keys.csrf(log_in.id.0);
        Ok(IssuedTokens { access, refresh, csrf, membership, kind: organisation.kind, areas, lacks_factor })
    }

    /// Another access token of a log-in that goes on: something that tokens say has changed.
    pub(super) async fn again(&self, conn: &mut Conn, session: SessionId) -> Result<String, Problem> {
        let log_in = find(conn, session).await?.filter(|l| l.ended_at.is_none());
        let log_in = log_in.ok_or_else(Problem::unauthenticated)?;
        let account = member::find(conn, log_in.account_id).await?.filter(|a| a.status == AccountStatus::Active);
        let membership = member::membership_in(conn, log_in.account_id, log_in.organisation_id).await?;
        let (account, membership) = account.zip(membership).ok_or_else(Problem::unauthenticated)?;
        Ok(self.issued(conn, &log_in, &account, membership, String::new()).await?.access)
    }

    /// The token that follows `token`: nobody can tell it without the network's secret, and it need not be stored to be
    /// given once more.
    fn successor(&self, token: &str) -> String {
        self.fields.blind_index("refresh_token", token)
    }

    /// Exchanges a refresh token. The caller commits whatever comes out: a reuse has ended the family.
    /// Within `grace` after its use a token gives the same successor again: its answer may have been lost on the way, or
    /// two tabs of a browser renewed at one moment. A renewal is no press: a shared device's log-in ends all the same.
    pub(super) async fn rotate(
        &self,
        tx: &mut Tx,
        token: &str,
        grace: Duration,
        place: &Place,
    ) -> Result<Rotation, Problem> {
        let hash = sha256_hex(token.as_bytes());
        let used = on!(tx, |c| {
            sqlx::query(USE_TOKEN).bind(&hash).bind(self.now).execute(c).await.map(|done| done.rows_affected())
        })?;
        let found = find_token(tx, token).await?.filter(|f| f.log_in.ended_at.is_none());
        let Some(Found { used_at, log_in }) = found else { return Ok(Rotation::Refused) };
        let (ends_at, cause) = log_in.end(self.config);
        if self.now >= ends_at {
            end(tx, log_in.id, self.now, cause).await?;
            return Ok(Rotation::Refused);
        }
        on!(tx, |c| {
            sqlx::query(SEEN).bind(log_in.id).bind(self.now).bind(&place.address).execute(c).await.map(drop)
        })?;
        let next = if used == 1 {
            self.successor(token)
        } else {
            let Some(used_at) = used_at else { return Ok(Rotation::Refused) };
            if self.now - used_at >= grace {
                end(tx, log_in.id, self.now, "reuse").await?;
                return Ok(Rotation::Reused);
            }
            match self.newest(tx, token).await? {
                Some(newest) => newest,
                None => return Ok(Rotation::Refused),
            }
        };
        let account = member::find(tx, log_in.account_id).await?.filter(|a| a.status == AccountStatus::Active);
        let membership = member::membership_in(tx, log_in.account_id, log_in.organisation_id).await?;
        let (Some(account), Some(membership)) = (account, membership) else {
            end(tx, log_in.id, self.now, "disabled").await?;
            return Ok(Rotation::Refused);
        };
        let issued = if used == 1 {
            self.issue(tx, &log_in, &account, membership, next).await?
        } else {
            self.issued(tx, &log_in, &account, membership, next).await?
        };
        Ok(Rotation::Issued(Box::new(issued)))
    }

    /// The one token behind a used one that is still good.
    async fn newest(&self, tx: &mut Tx, token: &str) -> Result<Option<String>, DbError> {
        let mut token = self.successor(token);
        for _ in 0..SUCCESSORS_MAX {
            match find_token(tx, &token).await? {
                Some(found) if found.used_at.is_none() => return Ok(Some(token)),
                Some(_) => token = self.successor(&token),
                None => break,
            }
        }
        Ok(None)
    }
}

/// The organisation of a token and the others of its account that are open, for the page's head.
async fn workplaces(conn: &mut Conn, account: AccountId, own: &Organisation) -> Result<Vec<Workplace>, DbError> {
    let first = Workplace { id: own.id, name_zh: own.name_zh.clone(), name_en: own.name_en.clone() };
    let others = member::places(conn, account).await?.into_iter();
    let others = others.filter(|place| place.id != own.id && place.state == OrganisationState::Open);
    let others = others.map(|place| Workplace { id: place.id, name_zh: place.name_zh, name_en: place.name_en });
    let mut all = vec![first];
    let mut bytes = all[0].name_bytes();
    for other in others.take(OTHERS_MAX) {
        bytes += other.name_bytes();
        if bytes > NAMES_BYTES_MAX {
            break;
        }
        all.push(other);
    }
    Ok(all)
}

/// A log-in that names an organisation in which the account has no role.
fn not_a_member() -> Problem {
    Problem::field("/organisation_id", "您不在这个机构", "You are not of this organisation")
}

async fn find_token(conn: &mut Conn, token: &str) -> Result<Option<Found>, DbError> {
    let hash = sha256_hex(token.as_bytes());
    Ok(on!(conn, |c| sqlx::query_as(FIND_TOKEN).bind(&hash).fetch_optional(c).await)?)
}

/// A log-in.
pub(super) async fn find(conn: &mut Conn, session: SessionId) -> Result<Option<StoredLogIn>, DbError> {
    Ok(on!(conn, |c| sqlx::query_as(FIND).bind(session).fetch_optional(c).await)?)
}

/// The log-in that a refresh token belongs to.
pub(super) async fn session_of(conn: &mut Conn, token: &str) -> Result<Option<SessionId>, DbError> {
    Ok(find_token(conn, token).await?.map(|f| f.log_in.id))
}

/// Notes that somebody pressed something.
pub(super) async fn pressed(tx: &mut Tx, session: SessionId, now: DateTime<Utc>) -> Result<(), DbError> {
    Ok(on!(tx, |c| sqlx::query(PRESSED).bind(session).bind(now).execute(c).await.map(drop))?)
}

/// Notes that the person of a log-in proved who they are, or could not.
pub(super) async fn proved(tx: &mut Tx, session: SessionId, right: bool, now: DateTime<Utc>) -> Result<(), DbError> {
    if right {
        on!(tx, |c| sqlx::query(PROVED).bind(session).bind(now).execute(c).await.map(drop))?;
    } else {
        on!(tx, |c| sqlx::query(PROVED_WRONGLY).bind(session).execute(c).await.map(drop))?;
    }
    Ok(())
}
