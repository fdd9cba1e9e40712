//! The form of a new request, with the telephone at one's ear.

use axum::extract::State as AppState;
use axum::response::{IntoResponse as _, Response};
use maud::{Markup, html};
use sanbao_platform::http::{Ctx, PageCtx, Query};
use sanbao_platform::lang::Lang;
use sanbao_platform::page::{self, Errors, Field, Select, Send};
use sanbao_platform::problem::Problem;
use serde::Deserialize;
use uuid::Uuid;

use super::list::may;
use crate::App;
use crate::area::{Area, Level, store};
use crate::local_day;
use crate::policy::{self, Action, Relation};
use crate::request::category::{Category, Urgency};
use crate::texts::{self, TEXTS};

/// Areas that the choice offers at most; the smallest are left out first.
const AREAS_MAX: i64 = 2000;

/// Refuses as the API does: 403 to a person who could if the request were theirs, 404 to all others.
fn require(ctx: &Ctx, action: Action) -> Result<(), Problem> {
    let relation = if may(ctx, action) { Relation::InScope } else { Relation::Outside };
    policy::allows(&ctx.actor, action, relation).require()
}

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
    draw_new(&app, &ctx, of.person).await.map_or_else(Problem::into_response, maud::Markup::into_response)
}

async fn draw_new(app: &App, ctx: &Ctx, person: Option<Uuid>) -> Result<Markup, Problem> {
    require(ctx, Action::RequestCreate)?;
    let mut conn = app.deps.db.read().await?;
    let scope = store::scope_codes(&mut conn, &ctx.actor, local_day(ctx.now())).await?;
    let mut areas = store::list(&mut conn, None, "", AREAS_MAX).await?;
    drop(conn);
    areas.retain(|a| a.level > Level::Building && scope.contains(&a.code));
    let lang = ctx.lang;
    let t = |key: &str| TEXTS.get(lang, key);
    let send = Send { then: Some("/requests"), ..Send::to("POST /v1/requests") };
    let body = html! {
        p { a href="/requests" { "← " (t("request-back")) } }
        h1 { (t("request-new")) }
        @if let Some(person) = person { (known(lang, person)) }
        (page::form(lang, None, "narrow", send, &fields(lang, &areas, person)))
    };
    let scripts = ["/static/send.js", "/static/needs-analysis/new-request.js"];
    Ok(app.deps.frame.page(lang, &t("request-new"), Some(&ctx.actor), "/requests", &scripts, &body))
}

/// For whom it is: the script reads the record from the service that has it, as the reader may.
fn known(lang: Lang, person: Uuid) -> Markup {
    let [filled, unread, other, elsewhere] =
        ["filled", "unread", "other", "elsewhere"].map(|end| TEXTS.get(lang, &format!("request-person-{end}")));
    html! {
        p role="status" data-person=(person) data-filled=(filled) data-unread=(unread) data-other=(other)
            data-elsewhere=(elsewhere) {
            a href=(format!("/persons/{person}")) { (TEXTS.get(lang, "request-person")) }
        }
    }
}

fn fields(lang: Lang, areas: &[Area], person: Option<Uuid>) -> Markup {
    let t = |key: &str| TEXTS.get(lang, key);
    let first = Field { kind: "tel", first: true, ..Field::default() };
    let (any, moment) = (Field::default(), Field { kind: "datetime-local", ..Field::default() });
    let (label, help) = (t("field-note"), t("help-note"));
    let note = Field { help: Some(&help), ..page::area("note", &label, 3, 2000) };
    html! {
        @if let Some(person) = person { input type="hidden" name="person_id" value=(person); }
        (input(lang, "phone", "phone", first))
        (input(lang, "elder_name", "name", any))
        (area(lang, areas))
        (category(lang))
        (urgency(lang))
        (note.draw(lang, &Errors::default()))
        details #more {
            summary { (t("field-more")) }
            (input(lang, "national_id", "national-id", any))
            (input(lang, "address", "address", any))
            div.pair {
                (input(lang, "wanted_from", "wanted-from", moment))
                (input(lang, "wanted_until", "wanted-until", moment))
            }
            (input(lang, "received_at", "received-at", moment))
        }
        button.button.primary.large.wide type="submit" { (t("save-request")) }
    }
}

/// A field with the words of `key`; some have help.
fn input(lang: Lang, name: &str, key: &str, more: Field<'_>) -> Markup {
    let label = TEXTS.get(lang, &format!("field-{key}"));
    let helped = ["phone", "national-id", "received-at"].contains(&key);
    let help = helped.then(|| TEXTS.get(lang, &format!("help-{key}")));
    Field { name, label: &label, help: help.as_deref(), chars_max: 200, ..more }.draw(lang, &Errors::default())
}

fn area(lang: Lang, areas: &[Area]) -> Markup {
    // By code, so that what lies in a community stands under it.
    let indent = |level: Level| match level {
        Level::Street | Level::Community => "",
        Level::Compound => "\u{3000}",
        _ => "\u{3000}\u{3000}",
    };
    let choice = |a: &Area| {
        let name = a.name_en.as_deref().filter(|_| lang == Lang::En).unwrap_or(&a.name_zh);
        page::pick(&a.code, format!("{}{name}", indent(a.level)), false)
    };
    let [label, help, none] = ["field-area", "help-area", "choose"].map(|key| TEXTS.get(lang, key));
    let field = Select { name: "area_code", label: &label, help: Some(&help), none: Some(&none), ..Select::default() };
    Select { required: true, ..field }.draw(&areas.iter().map(choice).collect::<Vec<_>>())
}

fn category(lang: Lang) -> Markup {
    let [label, none] = ["field-category", "choose"].map(|key| TEXTS.get(lang, key));
    let choices = Category::ALL.iter().map(|c| page::pick(c.as_str(), texts::category(lang, *c), false));
    let field = Select { name: "category", label: &label, none: Some(&none), required: true, ..Select::default() };
    field.draw(&choices.collect::<Vec<_>>())
}

fn urgency(lang: Lang) -> Markup {
    html! {
        fieldset.field {
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
