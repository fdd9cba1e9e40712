//! Looking somebody up: one field, and the people who fit as one types.

use axum::Form;
use axum::extract::State as AppState;
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};
use sanbao_platform::http::{Ctx, PageCtx};
use sanbao_platform::lang::Lang;
use sanbao_platform::page::{Errors, Field, Tone, badge, empty, filters};
use sanbao_platform::problem::Problem;
use serde::Deserialize;

use super::TEXTS;
use super::person::{age_of, state_badge};
use crate::App;
use crate::account::organisation;
use crate::account::person::lookup::{LookedUp, LookupView, api};
use crate::account::person::may_register;

/// The text that is looked for; sent by POST, since it is a name or a number.
#[derive(Deserialize)]
pub(super) struct PeopleQuery {
    #[serde(default)]
    q: String,
}

pub(super) async fn people(PageCtx(ctx): PageCtx, AppState(app): AppState<App>) -> Response {
    draw(&app, &ctx, "").await.map_or_else(Problem::into_response, Markup::into_response)
}

/// The same page with what was looked for; its script takes the list alone out of it.
pub(super) async fn found(
    PageCtx(ctx): PageCtx,
    AppState(app): AppState<App>,
    Form(wanted): Form<PeopleQuery>,
) -> Response {
    draw(&app, &ctx, &wanted.q).await.map_or_else(Problem::into_response, Markup::into_response)
}

async fn draw(app: &App, ctx: &Ctx, q: &str) -> Result<Markup, Problem> {
    let lang = ctx.lang;
    let t = |key: &str| TEXTS.get(lang, key);
    let found = match q.trim() {
        "" => {
            api::may(app, ctx).await?;
            None
        }
        _ => Some(api::looked_up(app, ctx, q).await?),
    };
    let registers = may_register(ctx, &organisation::own(&mut app.deps.db.read().await?, ctx).await?).is_ok();
    let (label, help) = (t("people-search"), t("people-search-help"));
    let field = Field {
        name: "q",
        label: &label,
        help: Some(&help),
        kind: "search",
        value: q,
        chars_max: 60,
        first: true,
        ..Field::default()
    };
    let body = html! {
        div.spread {
            h1 { (t("people-title")) }
            @if registers { a.button href="/persons/import" { (t("persons-import")) } }
        }
        (filters("lookup", "/persons", &t("search"), &field.draw(lang, &Errors::default())))
        div #found aria-live="polite" data-failed=(t("people-failed")) {
            @if let Some(found) = &found { (list(ctx, found)) }
        }
    };
    let scripts = ["/static/booking/lookup.js"];
    Ok(app.deps.frame.page(lang, &t("people-title"), Some(&ctx.actor), "/persons", &scripts, &body))
}

fn list(ctx: &Ctx, found: &LookupView) -> Markup {
    let lang = ctx.lang;
    let t = |key: &str| TEXTS.get(lang, key);
    html! {
        @if found.items.is_empty() { (empty(&t("people-none"), None)) }
        @else {
            ul.plain-list { @for one in &found.items { (line(lang, ctx, one)) } }
            @if found.more { p.faint { (t("people-more")) } }
        }
    }
}

fn line(lang: Lang, ctx: &Ctx, found: &LookedUp) -> Markup {
    let t = |key: &str| TEXTS.get(lang, key);
    let p = &found.person;
    html! {
        li.card {
            div.spread {
                a.strong href=(format!("/persons/{}", p.id)) { (p.name) }
                span {
                    (state_badge(lang, p)) " "
                    (badge(Tone::Plain, &t(&format!("lookup-{}", found.because.as_str()))))
                }
            }
            p.faint {
                (t(&format!("sex-{}", p.sex.as_str()))) " " (age_of(lang, p, ctx.now()))
                @if let Some(phone) = &p.phone { " · " (phone) }
                @if let Some(address) = &p.address { " · " (address) }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::TEXTS;
    use crate::account::person::lookup::LookupSign;

    #[test]
    fn every_name_that_a_key_is_made_of_has_its_words() {
        let keys = LookupSign::ALL.iter().map(|sign| format!("lookup-{}", sign.as_str()));
        assert_eq!(TEXTS.lacking(keys), [""; 0]);
    }
}
