//! The second yes: the order is carried out as the administrator's who confirms it.

use sanbao_platform::audit;
use sanbao_platform::db::{Conn, Tx};
use sanbao_platform::http::Ctx;
use sanbao_platform::problem::{CONFLICT, Problem};

use super::order::DualOrder;
use super::rule;
use super::store::{self, StandingOrder};
use super::view::OrderDone;
use crate::account::member::api::{create, members, steps};
use crate::account::member::input::{AccountChange, MemberChange};
use crate::account::member::link::{self, AccountLink};
use crate::account::member::model::{AccountStatus, Membership};
use crate::account::member::offer;
use crate::account::member::store as accounts;
use crate::account::member::view::AccountWithLink;
use crate::account::organisation::Organisation;
use crate::account::policy::AccountAction;
use crate::account::second_factor;
use crate::role::ADMINISTRATOR;

/// Refuses two of an office above that makes its own administrators by one alone: they may be one person.
async fn of_two_minds(conn: &mut Conn, ctx: &Ctx, order: &StandingOrder) -> Result<(), Problem> {
    let (own, given, caller) = (order.organisation_id, order.given_in, ctx.actor.organisation);
    if own == given || own == caller || rule::is_on(conn, given).await? {
        return Ok(());
    }
    let (zh, en) = (
        "提出和确认的人都不是本机构的管理员，而他们的机构没有实行双人复核。请由本机构的管理员确认",
        "Neither of you is of this organisation, and yours has no dual control: an administrator of this one confirms it",
    );
    Err(Problem::new(&CONFLICT).detail(zh, en))
}

/// Refuses the yes of the administrator who gave the order, and of the one it is about.
fn another(ctx: &Ctx, order: &StandingOrder) -> Result<(), Problem> {
    let caller = ctx.actor.subject;
    if order.given_by == caller.into() || order.is_about(caller) {
        let (zh, en) = (
            "这一步要由另一位管理员确认，不能是提出的人或本人",
            "Another administrator confirms this: neither who asked for it, nor the one it is about",
        );
        return Err(Problem::new(&CONFLICT).detail(zh, en));
    }
    Ok(())
}

/// Carries an order out. `hash` is of a password that nobody knows.
pub(super) async fn confirm(
    tx: &mut Tx,
    ctx: &Ctx,
    own: &Organisation,
    order: &StandingOrder,
    hash: &str,
) -> Result<OrderDone, Problem> {
    another(ctx, order)?;
    of_two_minds(tx, ctx, order).await?;
    if !store::end(tx, (own.id, order.id), ctx, "confirmed").await? {
        return Err(Problem::lacking());
    }
    audit::record_with(tx, ctx, [own.id], "dual_control.confirm_second", "dual_control_order", order.id).await?;
    carry_out(tx, ctx, own, order.wish()?, hash).await
}

async fn carry_out(
    tx: &mut Tx,
    ctx: &Ctx,
    own: &Organisation,
    wish: DualOrder,
    hash: &str,
) -> Result<OrderDone, Problem> {
    match wish {
        DualOrder::Create(body) => {
            let new = create::checked(tx, ctx, own, &body).await?;
            Ok(told(create::write(tx, ctx, new, hash).await?))
        }
        DualOrder::Edit(id) => {
            let (_, held) = accounts::load(tx, ctx, id, AccountAction::AccountUpdate).await?;
            let change = AccountChange { roles: Some(with_administrator(held)), ..AccountChange::default() };
            let edited = steps::edited(tx, ctx, id, &change).await?;
            // A link of before is in the hands of one alone.
            link::void(tx, id, ctx.now()).await?;
            steps::write(tx, ctx, edited).await.map(|_| OrderDone::default())
        }
        DualOrder::Member(id) => {
            let which = (own.id, id);
            let (.., held) = accounts::load_in(tx, ctx, which, AccountAction::AccountUpdate).await?;
            let change = MemberChange { roles: Some(with_administrator(held)), ..MemberChange::default() };
            let edited = members::edited(tx, ctx, which, &change).await?;
            link::void(tx, id, ctx.now()).await?;
            members::write(tx, ctx, edited).await.map(|_| OrderDone::default())
        }
        DualOrder::Offer(body) => {
            let made = offer::make(tx, ctx, own, &body).await?;
            Ok(OrderDone {
                display_name: made.offer.note,
                link: Some(AccountLink { path: made.link.path, expires_at: made.link.expires_at }),
                by: Some(made.offer.by),
                ..OrderDone::default()
            })
        }
        DualOrder::Link(id) => {
            let (account, _) = accounts::load(tx, ctx, id, AccountAction::AccountUpdate).await?;
            Ok(told(steps::take_back(tx, ctx, &account, hash).await?.1))
        }
        DualOrder::Factor(id) => {
            accounts::load(tx, ctx, id, AccountAction::AccountUpdate).await?;
            second_factor::take_away(tx, ctx, id).await.map(|()| OrderDone::default())
        }
        DualOrder::Enable(id) => {
            let (account, _) = accounts::load(tx, ctx, id, AccountAction::AccountUpdate).await?;
            steps::write_status(tx, ctx, &account, AccountStatus::Active).await.map(|_| OrderDone::default())
        }
        DualOrder::Off => {
            rule::end(tx, own.id, ctx.actor.subject.into(), ctx.now()).await?;
            audit::record_with(tx, ctx, [own.id], "dual_control.switch_off", "organisation", own.id).await?;
            Ok(OrderDone::default())
        }
    }
}

/// The roles that somebody has by now, and that of an administrator.
fn with_administrator(held: Membership) -> Vec<String> {
    held.roles.into_iter().chain([ADMINISTRATOR.to_owned()]).collect()
}

/// An account with its link, as the page shows it once.
fn told(made: AccountWithLink) -> OrderDone {
    let AccountWithLink { account, link } = made;
    OrderDone { display_name: Some(account.display_name), login: Some(account.login), link: Some(link), by: None }
}
