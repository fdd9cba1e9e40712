//! An account begins without a password that anybody knows, and with a link for its owner.

use sanbao_platform::crypto::random_token;
use sanbao_platform::db::Tx;
use sanbao_platform::http::Ctx;
use sanbao_platform::problem::Problem;

use super::link::{self, AccountLink};
use super::model::{Account, Membership, NewAccount};
use super::store;
use crate::App;
use crate::account::id::AccountId;
use crate::account::problems::LOGIN_TAKEN;

/// The name and log-in of a new account.
#[derive(Clone, Copy, Debug)]
pub(in crate::account) struct Newcomer<'a> {
    /// The name that its owner types, lower-case.
    pub(in crate::account) login: &'a str,
    /// The name that others see.
    pub(in crate::account) name: &'a str,
}

/// The hash of a password that nobody knows. To check one against it takes as long as against any other.
pub(in crate::account) async fn unknown_password(app: &App) -> Result<String, Problem> {
    Ok(app.deps.passwords.hash(random_token()).await?)
}

/// Stores a new account with its membership, and makes the link for its owner. `hash` is of
/// [`unknown_password`].
pub(in crate::account) async fn begin(
    tx: &mut Tx,
    ctx: &Ctx,
    who: Newcomer<'_>,
    membership: &Membership,
    hash: &str,
) -> Result<(Account, AccountLink), Problem> {
    let id = AccountId::new(ctx.now());
    let new = NewAccount { id, login: who.login, display_name: who.name, password_hash: hash, pin_hash: None };
    if !store::insert(tx, &new, ctx.now()).await? {
        return Err(Problem::new(&LOGIN_TAKEN));
    }
    store::add_membership(tx, id, membership, ctx.now()).await?;
    let account = store::find(tx, id).await?.ok_or_else(Problem::not_found)?;
    let link = link::issue(tx, ctx.actor.subject, id, ctx.now()).await?;
    Ok((account, link))
}
