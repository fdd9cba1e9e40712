//! The first administrator: a one-time link makes the street office and its administrator's account.

use chrono::{DateTime, Duration, Utc};
use sanbao_platform::audit;
use sanbao_platform::clock::Clock;
use sanbao_platform::cn;
use sanbao_platform::crypto::{random_token, sha256_hex};
use sanbao_platform::db::{Conn, Db, DbError, Tx};
use sanbao_platform::http::Visitor;
use sanbao_platform::id::OrganisationId;
use sanbao_platform::on;
use sanbao_platform::problem::Problem;

use super::config::AccountConfig;
use super::id::AccountId;
use super::input::{self, Fields, Setup, Wrong, line, typed_twice};
use super::member::{self, Membership, NewAccount};
use super::organisation::{self, ENGLISH_CHARS_MAX, NAME_CHARS_MAX, Organisation, OrganisationKind, OrganisationState};
use super::problems::{LINK_SPENT, LOGIN_TAKEN};
use super::secret;
use crate::App;
use crate::role::ADMINISTRATOR;

const ISSUE: &str = "insert into setup_link (token_hash, created_at, expires_at) values ($1, $2, $3)";
const OPEN: &str = "select count(*) from setup_link where token_hash = $1 and used_at is null and expires_at > $2";
const SPEND: &str = "update setup_link set used_at = $2 where token_hash = $1 and used_at is null and expires_at > $2";
const VOID_OTHERS: &str = "update setup_link set used_at = $1 where used_at is null";
const COUNT_ACCOUNTS: &str = "select count(*) from account";

/// A link's token, good once and for 24 hours; only its hash is stored. Earlier links are void.
pub async fn issue_link(db: &Db, clock: &Clock) -> Result<String, DbError> {
    let (token, now) = (random_token(), clock.now());
    let expires = now + Duration::hours(i64::from(AccountConfig::default().setup_link_hours));
    let mut tx = db.begin().await?;
    on!(tx, |c| sqlx::query(VOID_OTHERS).bind(now).execute(c).await.map(drop))?;
    on!(tx, |c| {
        let row = sqlx::query(ISSUE).bind(sha256_hex(token.as_bytes())).bind(now).bind(expires);
        row.execute(c).await.map(drop)
    })?;
    audit::record_as(&mut tx, now, None, "setup.issue_link", "setup_link", None, "start", "done").await?;
    tx.commit().await?;
    Ok(token)
}

/// Whether nobody can log in yet.
pub async fn is_needed(db: &Db) -> Result<bool, DbError> {
    let mut conn = db.read().await?;
    let count: i64 = on!(conn, |c| sqlx::query_scalar(COUNT_ACCOUNTS).fetch_one(c).await)?;
    Ok(count == 0)
}

/// Whether the link is good still.
pub(super) async fn is_open(conn: &mut Conn, token: &str, now: DateTime<Utc>) -> Result<bool, DbError> {
    let hash = sha256_hex(token.as_bytes());
    let open: i64 = on!(conn, |c| sqlx::query_scalar(OPEN).bind(hash).bind(now).fetch_one(c).await)?;
    Ok(open > 0)
}

/// The national code of a street. An office may begin without one.
fn street(typed: &str) -> Result<String, Wrong> {
    cn::street_code(typed).map_err(|fault| {
        let (zh, en) = fault.words();
        Wrong::new(zh, en)
    })
}

/// Makes the street office and its administrator, and spends the link.
pub(super) async fn create(app: &App, visitor: &Visitor, body: &Setup) -> Result<(), Problem> {
    let now = app.deps.clock.now();
    let attempt = app.guesses.attempt("setup-link", visitor.address, now)?;
    if !is_open(&mut app.deps.db.read().await?, &body.token, now).await? {
        return Err(Problem::new(&LINK_SPENT));
    }
    attempt.right();
    let mut fields = Fields::default();
    let name_zh = fields.take("/name_zh", line(&body.name_zh, NAME_CHARS_MAX));
    let name_en = fields.maybe("/name_en", Some(&body.name_en), |t| line(t, ENGLISH_CHARS_MAX)).unwrap_or_default();
    let area = fields.maybe("/area_code", body.area_code.as_deref(), street);
    let login = fields.take("/login", input::login(&body.login));
    let display_name = fields.take("/display_name", line(&body.display_name, 40));
    let names = [&body.name_zh, &body.name_en, &body.login, &body.display_name].map(String::as_str);
    let password = fields.take("/password", secret::password(&body.password, &names));
    fields.take("/again", typed_twice(&body.password, body.again.as_deref()));
    let values = name_zh.zip(login).zip(display_name).zip(password);
    let (((name_zh, login), display_name), password) = fields.finish(values)?;
    let hash = app.deps.passwords.hash(password).await?;
    let mut tx = app.deps.db.begin().await?;
    spend(&mut tx, &body.token, now).await?;
    let office = Organisation {
        id: OrganisationId::new(now),
        kind: OrganisationKind::StreetOffice,
        name_zh,
        name_en,
        time_zone: "Asia/Shanghai".to_owned(),
        phone: None,
        area_code: area.clone(),
        made_by: None,
        state: OrganisationState::Open,
        version: 1,
        created_at: now,
    };
    organisation::insert(&mut tx, &office).await?;
    let id = AccountId::new(now);
    let account = NewAccount { id, login: &login, display_name: &display_name, password_hash: &hash, pin_hash: None };
    if !member::insert(&mut tx, &account, now).await? {
        return Err(Problem::new(&LOGIN_TAKEN));
    }
    let roles = vec![ADMINISTRATOR.to_owned()];
    let areas = area.into_iter().collect();
    let membership = Membership { organisation: office.id, roles, areas };
    member::add_membership(&mut tx, id, &membership, now).await?;
    let (subject, request) = (Some(id.into()), &visitor.request_id);
    audit::record_as(&mut tx, now, None, "setup.create", "account", subject, request, "done").await?;
    Ok(tx.commit().await?)
}

async fn spend(tx: &mut Tx, token: &str, now: DateTime<Utc>) -> Result<(), Problem> {
    let hash = sha256_hex(token.as_bytes());
    let rows =
        on!(tx, |c| { sqlx::query(SPEND).bind(hash).bind(now).execute(c).await.map(|done| done.rows_affected()) })?;
    if rows == 1 { Ok(()) } else { Err(Problem::new(&LINK_SPENT)) }
}
