//! One-time links by which people come into their accounts: they choose the password themselves, nobody else ever knows
//! it.

use chrono::{DateTime, Duration, Utc};
use sanbao_platform::audit;
use sanbao_platform::crypto::{random_token, sha256_hex};
use sanbao_platform::db::{Conn, DbError, Tx};
use sanbao_platform::http::Visitor;
use sanbao_platform::id::SubjectId;
use sanbao_platform::on;
use sanbao_platform::problem::Problem;
use serde::Serialize;
use utoipa::ToSchema;

use super::model::Account;
use super::store;
use crate::App;
use crate::account::id::AccountId;
use crate::account::input::{AccountStart, Fields, typed_twice};
use crate::account::problems::LINK_SPENT;
use crate::account::secret;
use crate::account::session;

/// How long a link lives, in days.
const LINK_DAYS: i64 = 7;

const VOID: &str = "update account_link set used_at = $2 where account_id = $1 and used_at is null";
const ISSUE: &str = "insert into account_link (token_hash, account_id, created_by, created_at, expires_at)
    values ($1, $2, $3, $4, $5)";
const OPEN: &str = "select l.account_id from account_link l join account a on a.id = l.account_id
    where l.token_hash = $1 and l.used_at is null and l.expires_at > $2 and a.status = 'active'";
const SPEND: &str = "update account_link set used_at = $2
    where token_hash = $1 and used_at is null and expires_at > $2";

/// A link for the person whose account it is: told once, good once.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct AccountLink {
    /// Where on this site the person chooses a password. The secret stands behind `#`, so that no server logs it.
    pub path: String,
    /// Until when.
    pub expires_at: DateTime<Utc>,
}

/// Makes a link; earlier ones of the account are void. Only its hash is stored.
pub(in crate::account) async fn issue(
    tx: &mut Tx,
    by: SubjectId,
    account: AccountId,
    now: DateTime<Utc>,
) -> Result<AccountLink, DbError> {
    let token = random_token();
    let expires_at = now + Duration::days(LINK_DAYS);
    void(tx, account, now).await?;
    on!(tx, |c| {
        let row = sqlx::query(ISSUE).bind(sha256_hex(token.as_bytes())).bind(account).bind(by);
        row.bind(now).bind(expires_at).execute(c).await.map(drop)
    })?;
    Ok(AccountLink { path: format!("/setup/account#{token}"), expires_at })
}

/// Makes every link of an account void that has not been used.
pub(super) async fn void(tx: &mut Tx, account: AccountId, now: DateTime<Utc>) -> Result<(), DbError> {
    Ok(on!(tx, |c| sqlx::query(VOID).bind(account).bind(now).execute(c).await.map(drop))?)
}

/// The account that a link leads to, while it is good.
pub(in crate::account) async fn open(
    conn: &mut Conn,
    token: &str,
    now: DateTime<Utc>,
) -> Result<Option<Account>, DbError> {
    let hash = sha256_hex(token.as_bytes());
    let id: Option<AccountId> = on!(conn, |c| sqlx::query_scalar(OPEN).bind(hash).bind(now).fetch_optional(c).await)?;
    match id {
        Some(id) => store::find(conn, id).await,
        None => Ok(None),
    }
}

/// Gives the account of a link the password that its owner chose, and spends the link.
pub(in crate::account) async fn take(app: &App, visitor: &Visitor, body: &AccountStart) -> Result<(), Problem> {
    let now = app.deps.clock.now();
    let attempt = app.guesses.attempt("account-link", visitor.address, now)?;
    let mut conn = app.deps.db.read().await?;
    let known = open(&mut conn, &body.token, now).await?.ok_or_else(|| Problem::new(&LINK_SPENT))?;
    attempt.right();
    let names = store::names(&mut conn, &known).await?;
    drop(conn);
    let mut fields = Fields::default();
    let password = fields.take("/password", secret::password(&body.password, &names));
    let same = fields.take("/again", typed_twice(&body.password, body.again.as_deref()));
    let (password, ()) = fields.finish(password.zip(same))?;
    let hash = app.deps.passwords.hash(password).await?;
    let mut tx = app.deps.db.begin().await?;
    let account = open(&mut tx, &body.token, now).await?.ok_or_else(|| Problem::new(&LINK_SPENT))?;
    let token = sha256_hex(body.token.as_bytes());
    let spent =
        on!(tx, |c| { sqlx::query(SPEND).bind(token).bind(now).execute(c).await.map(|done| done.rows_affected()) })?;
    if spent == 0 || !store::set_password(&mut tx, account.id, account.version, &hash).await? {
        return Err(Problem::new(&LINK_SPENT));
    }
    session::end_all(&mut tx, account.id, now, "password_chosen").await?;
    let (subject, request) = (Some(account.id.into()), &visitor.request_id);
    audit::record_as(&mut tx, now, None, "account.choose_password", "account", subject, request, "done").await?;
    Ok(tx.commit().await?)
}
