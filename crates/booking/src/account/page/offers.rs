//! The page behind the one-time link of an offer: the organisation, the roles, who asks; to accept or to decline. The secret waits
//! in a cookie of a few minutes while the person logs in.

use axum::extract::State as AppState;
use axum::response::{IntoResponse, Redirect, Response};
use axum_extra::extract::cookie::{Cookie, CookieJar, SameSite};
use maud::{Markup, html};
use sanbao_platform::http::{Ctx, PageCtx, Visitor};
use sanbao_platform::lang::Lang;
use sanbao_platform::page::{Send, Words, form};
use sanbao_platform::problem::Problem;

use super::TEXTS;
use super::link_code::LinkForm;
use crate::App;
use crate::account::member::offer::{self, StoredOffer};
use crate::account::organisation;

/// The secret of the offer that somebody has opened; sent to `/offers` only.
const OFFER_COOKIE: &str = "sanbao_offer";
/// How long there is to log in.
const COOKIE_MINUTES: i64 = 15;
/// Where the person sees the organisations of the own account.
const OWN_ORGANISATIONS: &str = "/me/organisations";

/// The link by which somebody answers an offer.
pub(super) struct OfferLinkForm;

impl LinkForm for OfferLinkForm {
    const OPEN: &str = "/offers/open";

    async fn opened(app: &App, _: &Visitor, code: &str) -> Result<Response, Problem> {
        let cookie = Cookie::build((OFFER_COOKIE, code.to_owned())).path("/offers").http_only(true);
        let cookie = cookie.secure(app.deps.secure).same_site(SameSite::Lax);
        let cookie = cookie.max_age(time::Duration::minutes(COOKIE_MINUTES)).build();
        Ok((CookieJar::new().add(cookie), Redirect::to(Self::OPEN)).into_response())
    }
}

/// The offer, for somebody logged in.
pub(super) async fn show(PageCtx(ctx): PageCtx, AppState(app): AppState<App>, jar: CookieJar) -> Response {
    let Some(code) = jar.get(OFFER_COOKIE) else { return Redirect::to("/offers").into_response() };
    match draw(&app, &ctx, code.value()).await {
        Ok(page) => page.into_response(),
        Err(problem) => (jar.remove(Cookie::build((OFFER_COOKIE, "")).path("/offers")), problem).into_response(),
    }
}

async fn draw(app: &App, ctx: &Ctx, code: &str) -> Result<Markup, Problem> {
    let mut conn = app.deps.db.read().await?;
    let offer = offer::open(&mut conn, ctx, code).await?;
    let zone = organisation::own(&mut conn, ctx).await?.zone();
    let words = Words::new(&TEXTS, ctx.lang, zone);
    let name = ctx.lang.pick(&offer.name_zh, &offer.name_en);
    let title = words.with("offer-title", &[("organisation", name)]);
    let body = html! {
        div.narrow { div.card {
            h1 { (title) }
            p { (words.t(&format!("kind-{}", offer.kind))) " · " (words.with("offer-by", &[("name", &offer.by)])) }
            p { (words.t("offer-roles")) " " strong { (role_names(ctx.lang, &offer)) } }
            p.help { (words.t("offer-what")) }
            p.faint { (words.t("offer-until")) " " (words.near(offer.expires_at, ctx.now())) }
            (answer(ctx.lang, "POST /v1/offers/accept", "offer-accept", "button primary", code))
            (answer(ctx.lang, "POST /v1/offers/decline", "offer-decline", "button", code))
        } }
    };
    Ok(app.deps.frame.page(ctx.lang, &title, Some(&ctx.actor), "/offers", &["/static/send.js"], &body))
}

/// The names of the roles that are offered.
pub(super) fn role_names(lang: Lang, offer: &StoredOffer) -> String {
    let names: Vec<_> = offer.roles().iter().map(|role| TEXTS.get(lang, &format!("role-{role}"))).collect();
    names.join(&TEXTS.get(lang, "list-join"))
}

/// The button of an answer, with the secret that it spends.
fn answer(lang: Lang, call: &str, key: &str, class: &str, code: &str) -> Markup {
    let ask = TEXTS.get(lang, &format!("{key}-ask"));
    let send = Send { confirm: Some(&ask), then: Some(OWN_ORGANISATIONS), ..Send::to(call) };
    let fields = html! {
        input type="hidden" name="token" value=(code);
        button class=(class) type="submit" { (TEXTS.get(lang, key)) }
    };
    form(lang, Some(key), "stack", send, &fields)
}
