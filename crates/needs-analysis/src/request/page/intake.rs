//! The desk, on which every call is answered: who, where, what, to whom, with the telephone at one's ear.

use axum::extract::State as AppState;
use axum::response::{IntoResponse as _, Response};
use maud::{Markup, html};
use sanbao_platform::http::{Ctx, PageCtx, Query};
use sanbao_platform::lang::Lang;
use sanbao_platform::page::{self, Choice, Errors, Field, Select, Send};
use sanbao_platform::problem::Problem;
use serde::Deserialize;
use uuid::Uuid;

use super::desk::{self, Desk};
use super::list::{may, require};
use super::{STYLES, areas};
use crate::App;
use crate::policy::Action;
use crate::request::category::{Category, Urgency};
use crate::request::input::Channel;
use crate::signal;
use crate::texts::{self, TEXTS};

/// The words that the page's script says.
const WORDS: [&str; 14] = [
    "filled",
    "unread",
    "other",
    "elsewhere",
    "filed",
    "sent",
    "merged",
    "undone",
    "undo",
    "see",
    "recent",
    "found",
    "no-area",
    "hint",
];

/// The person for whom a request is taken down.
#[derive(Debug, Deserialize)]
pub(super) struct ForPerson {
    person: Option<Uuid>,
}

pub(super) async fn new_request(
    PageCtx(ctx): PageCtx,
    AppState(app): AppState<App>,
    Query(of): Query<ForPerson>,
) -> Response {
    draw(&app, &ctx, of.person).await.map_or_else(Problem::into_response, maud::Markup::into_response)
}

async fn draw(app: &App, ctx: &Ctx, person: Option<Uuid>) -> Result<Markup, Problem> {
    require(ctx, Action::RequestCreate)?;
    let lang = ctx.lang;
    let t = |key: &str| TEXTS.get(lang, key);
    let areas = areas::first(app, ctx).await?;
    let nobody = Desk::of(app, ctx, &desk::DeskTyped::default()).await?;
    let calls = signal::calls_part(app, ctx).await?;
    let send = Send { then: Some("stay"), ..Send::to("POST /v1/requests") };
    let body = html! {
        link rel="stylesheet" href=(STYLES);
        p { a href="/requests" { "← " (t("request-back")) } }
        h1 { (t("request-new")) }
        (said(ctx))
        (calls)
        div #filed role="status" {}
        div.columns.desk {
            (page::form(lang, Some("intake"), "narrow", send, &fields(ctx, &areas, &nobody)))
            aside.stack aria-labelledby="beside" {
                h2 #beside { (t("intake-beside")) }
                p #person-told role="status" data-person=[person] { (t("intake-nobody")) }
                div #person-sheet.stack {}
                div #doubles aria-live="polite" { (nobody.doubles(ctx)) }
            }
        }
        (reach(lang))
    };
    let scripts = ["/static/live.js", "/static/send.js", "/static/needs-analysis/new-request.js"];
    Ok(app.deps.frame.page(lang, &t("request-new"), Some(&ctx.actor), "/requests", &scripts, &body))
}

/// The words of the script, and whose browser it is: what was chosen last is kept apart for each account.
fn said(ctx: &Ctx) -> Markup {
    let [filled, unread, other, elsewhere, filed, sent, merged, undone, undo, see, recent, found, no_area, hint] =
        WORDS.map(|end| {
            // The values that the script alone knows stay in their places.
            let open = [("name", "{$name}"), ("agency", "{$agency}"), ("count", "{$count}"), ("number", "{$number}")];
            TEXTS.with(ctx.lang, &format!("intake-{end}"), &open)
        });
    html! {
        data #intake-words value="" data-me=(ctx.actor.subject) data-filled=(filled) data-unread=(unread) data-other=(other)
            data-elsewhere=(elsewhere) data-filed=(filed) data-sent=(sent) data-merged=(merged) data-undone=(undone)
            data-undo=(undo) data-see=(see) data-recent=(recent) data-found=(found) data-no-area=(no_area) data-hint=(hint) {}
    }
}

fn fields(ctx: &Ctx, areas: &[Choice], nobody: &Desk) -> Markup {
    let lang = ctx.lang;
    let t = |key: &str| TEXTS.get(lang, key);
    let first = Field { kind: "tel", first: true, ..Field::default() };
    let (any, moment) = (Field::default(), Field { kind: "datetime-local", ..Field::default() });
    let (label, help) = (t("field-note"), t("help-note"));
    let note = Field { help: Some(&help), ..page::area("note", &label, 3, 2000) };
    html! {
        (channel(lang))
        (input(lang, "phone", "phone", first))
        (input(lang, "elder_name", "name", any))
        div #people.stack aria-live="polite" {}
        p { a #doubles-hint href="#doubles" {} }
        (area(lang, areas))
        (input(lang, "address", "address", any))
        (category(lang))
        (urgency(lang))
        (note.draw(lang, &Errors::default()))
        details #more {
            summary { (t("field-more")) }
            (input(lang, "national_id", "national-id", any))
            div.pair {
                (input(lang, "wanted_from", "wanted-from", moment))
                (input(lang, "wanted_until", "wanted-until", moment))
            }
            (input(lang, "received_at", "received-at", moment))
        }
        @if may(ctx, Action::RequestHandle) {
            div #agencies { (nobody.agencies(lang)) }
            button.button.primary.large.wide type="submit" name="dispatch" { (t("intake-dispatch")) }
            button.button.wide type="submit" name="only" { (t("intake-only")) }
        } @else {
            button.button.primary.large.wide type="submit" { (t("save-request")) }
        }
    }
}

/// A field with the words of `key`; some have help.
fn input(lang: Lang, name: &str, key: &str, more: Field<'_>) -> Markup {
    let label = TEXTS.get(lang, &format!("field-{key}"));
    let helped = ["phone", "national-id", "received-at"].contains(&key);
    let help = helped.then(|| TEXTS.get(lang, &format!("help-{key}")));
    Field { name, label: &label, help: help.as_deref(), chars_max: 200, ..more }.draw(lang, &Errors::default())
}

fn channel(lang: Lang) -> Markup {
    html! {
        fieldset.field.channels {
            legend { (TEXTS.get(lang, "intake-channel")) }
            @for c in Channel::ALL.iter().copied() {
                label.choice {
                    input type="radio" name="channel" value=(c.as_str()) checked[c == Channel::Hotline];
                    (texts::source(lang, c.as_str()))
                }
            }
        }
    }
}

/// By typing; until then the communities.
fn area(lang: Lang, choices: &[Choice]) -> Markup {
    let [label, help, none, find] =
        ["field-area", "help-area", "choose", "intake-area-find"].map(|key| TEXTS.get(lang, key));
    let field = Select { name: "area_code", label: &label, help: Some(&help), none: Some(&none), ..Select::default() };
    let search = Field { id: "area-find", label: &find, kind: "search", chars_max: 60, ..Field::default() };
    html! {
        (search.draw(lang, &Errors::default()))
        p #area-told.faint role="status" {}
        (Select { required: true, ..field }.draw(choices))
    }
}

fn category(lang: Lang) -> Markup {
    let [label, none] = ["field-category", "choose"].map(|key| TEXTS.get(lang, key));
    let choices = Category::ALL.iter().map(|c| page::pick(c.as_str(), texts::category(lang, *c), false));
    let field = Select { name: "category", label: &label, none: Some(&none), required: true, ..Select::default() };
    field.draw(&choices.collect::<Vec<_>>())
}

fn urgency(lang: Lang) -> Markup {
    html! {
        fieldset.field.channels {
            legend { (TEXTS.get(lang, "field-urgency")) }
            @for u in Urgency::ALL.iter().rev() {
                label.choice {
                    input type="radio" name="urgency" value=(u.as_str()) checked[*u == Urgency::Normal];
                    (texts::urgency(lang, *u))
                }
            }
        }
    }
}

/// Urgent, and nobody can call or go there: asked once.
fn reach(lang: Lang) -> Markup {
    let [title, what, back, file] =
        ["title", "what", "back", "file"].map(|end| TEXTS.get(lang, &format!("intake-reach-{end}")));
    let body = html! {
        p { (what) }
        div.toolbar {
            button.button.primary type="button" data-reach="back" { (back) }
            button.button type="button" data-reach="file" { (file) }
        }
    };
    page::dialog("reach", &title, &body)
}
