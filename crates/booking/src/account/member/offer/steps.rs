//! Answering an offer: it is taken once, also by two tabs at one moment.

use sanbao_platform::audit;
use sanbao_platform::db::{Conn, Tx};
use sanbao_platform::http::Ctx;
use sanbao_platform::id::OrganisationId;
use sanbao_platform::problem::{CONFLICT, Problem};

use super::input::{NewOffer, Offered};
use super::store;
use super::view::{OfferMade, OfferView, StoredOffer};
use crate::account::id::AccountId;
use crate::account::member::input::areas;
use crate::account::member::model::Membership;
use crate::account::member::store as members;
use crate::account::member::{dual, link};
use crate::account::organisation::{self, Organisation, OrganisationState};
use crate::account::problems::{ALREADY_MEMBER, OFFER_SPENT, ORGANISATION_CLOSED};

/// The offer of a link, for somebody logged in. Its secret has 256 bits: there is nothing to guess.
pub(in crate::account) async fn open(conn: &mut Conn, ctx: &Ctx, token: &str) -> Result<StoredOffer, Problem> {
    store::find(conn, token, ctx.now()).await?.ok_or_else(|| Problem::new(&OFFER_SPENT))
}

/// Makes an offer, in one step with its check.
pub(in crate::account::member) async fn make(
    tx: &mut Tx,
    ctx: &Ctx,
    own: &Organisation,
    body: &NewOffer,
) -> Result<OfferMade, Problem> {
    let offered = body.checked(tx, ctx, own).await?;
    write(tx, ctx, own.id, &offered).await
}

/// Stores an offer; the answer has its link.
pub(super) async fn write(tx: &mut Tx, ctx: &Ctx, id: OrganisationId, offered: &Offered) -> Result<OfferMade, Problem> {
    let (token, link) = store::insert(tx, ctx, id, offered).await?;
    let offer = store::find(tx, &token, ctx.now()).await?;
    let offer = offer.ok_or_else(|| Problem::internal("an offer is gone at its beginning"))?;
    audit::record(tx, ctx, "membership.offer", "organisation", id).await?;
    Ok(OfferMade { offer: OfferView::of(offer), link })
}

/// Takes the caller into the offer's organisation.
pub(super) async fn accept(tx: &mut Tx, ctx: &Ctx, offer: &StoredOffer) -> Result<(), Problem> {
    if offer.state == OrganisationState::Closed {
        return Err(Problem::new(&ORGANISATION_CLOSED));
    }
    let id = AccountId::from(ctx.actor.subject);
    if !members::hold(tx, id).await? {
        return Err(Problem::unauthenticated());
    }
    end(tx, ctx, offer, "accepted").await?;
    if members::membership_in(tx, id, offer.organisation_id).await?.is_some() {
        return Err(Problem::new(&ALREADY_MEMBER));
    }
    let own = organisation::find(tx, offer.organisation_id).await?.ok_or_else(Problem::not_found)?;
    // What the organisation has lost since the offer, nobody gets.
    let mut held = Vec::new();
    for area in offer.areas() {
        held.extend(areas(tx, &own, own.day(ctx.now()), &[area]).await?.unwrap_or_default());
    }
    let membership = Membership { organisation: own.id, roles: offer.roles(), areas: held };
    if dual::is_administrator(&membership.roles) {
        // A link that an administrator of the other organisation has kept is no way into this one.
        link::void(tx, id, ctx.now()).await?;
    }
    members::add_membership(tx, id, &membership, ctx.now()).await?;
    both(tx, ctx, offer, "membership.accept").await
}

/// Ends the offer without it.
pub(super) async fn decline(tx: &mut Tx, ctx: &Ctx, offer: &StoredOffer) -> Result<(), Problem> {
    end(tx, ctx, offer, "declined").await?;
    both(tx, ctx, offer, "membership.decline").await
}

async fn end(tx: &mut Tx, ctx: &Ctx, offer: &StoredOffer, outcome: &'static str) -> Result<(), Problem> {
    let (which, by) = ((offer.organisation_id, offer.id), AccountId::from(ctx.actor.subject));
    if by == offer.created_by {
        let (zh, en) = ("不能接受自己发出的邀请", "Nobody answers an offer of their own");
        return Err(Problem::new(&CONFLICT).detail(zh, en));
    }
    let ended = store::end(tx, which, by, ctx.now(), outcome).await?;
    if ended { Ok(()) } else { Err(Problem::new(&OFFER_SPENT)) }
}

/// Writes an answer down on every side: where the person acts now, where the account began, and where they were asked to.
async fn both(tx: &mut Tx, ctx: &Ctx, offer: &StoredOffer, action: &str) -> Result<(), Problem> {
    let home = members::home_of(tx, AccountId::from(ctx.actor.subject)).await?;
    let logs = home.into_iter().chain([offer.organisation_id]);
    Ok(audit::record_with(tx, ctx, logs, action, "account", ctx.actor.subject).await?)
}
