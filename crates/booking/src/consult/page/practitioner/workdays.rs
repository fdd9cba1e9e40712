//! The public holidays of a hospital, and how its doctors work on each day.

use axum::extract::State as AppState;
use chrono::Datelike as _;
use maud::{Markup, html};
use sanbao_platform::http::{PageCtx, Query};
use sanbao_platform::id::OrganisationId;
use sanbao_platform::page::{self, Choice, Errors, Field, Select, Send, Tone, Words, pick};
use sanbao_platform::problem::Problem;
use serde::Deserialize;

use super::{rules, words};
use crate::App;
use crate::consult::api::workdays::{self, WorkdayView, WorkdaysView};
use crate::consult::practitioner::{self, workday::WorksAs};
use crate::role::{self, ADMINISTRATOR};

/// Whose days: the own hospital's when nothing is said.
#[derive(Debug, Deserialize)]
pub(super) struct DaysQuery {
    organisation: Option<OrganisationId>,
}

/// `GET /practitioners/days`
pub(super) async fn days_page(
    PageCtx(ctx): PageCtx,
    AppState(app): AppState<App>,
    Query(query): Query<DaysQuery>,
) -> Result<Markup, Problem> {
    if !role::holds(&ctx.actor, ADMINISTRATOR) {
        return Err(Problem::forbidden());
    }
    let mut conn = app.deps.db.read().await?;
    let own = workdays::own(&mut conn, &ctx, query.organisation.unwrap_or(ctx.actor.organisation)).await?;
    let view = workdays::view(&mut conn, ctx.now(), &own).await?;
    let stored = practitioner::rules::find(&mut conn, own.id, None).await?;
    let words = words(ctx.lang, own.zone());
    let (title, call) = (words.t("workdays-title"), format!("PUT /v1/organisations/{}/workdays", own.id));
    let body = html! {
        p { a href="/practitioners" { "← " (words.t("doctors-title")) } }
        h1 { (title) }
        p.faint { (ctx.lang.pick(&own.name_zh, &own.name_en)) }
        p { (words.t("workdays-about")) }
        (known(words, &view))
        @if view.days.is_empty() { (page::empty(&words.t("workdays-none"), None)) }
        @else {
            (page::count(ctx.lang, view.days.len(), false))
            ul.plain-list { @for day in &view.days { (line(words, &call, day)) } }
        }
        (other(words, &call))
        (rules::section(words, &format!("PUT /v1/organisations/{}/calendar-rules", own.id), stored.house, None))
    };
    Ok(app.deps.frame.page(ctx.lang, &title, Some(&ctx.actor), "/practitioners", &["/static/send.js"], &body))
}

/// By which notices the days are known, and of which years they are not.
fn known(words: Words, view: &WorkdaysView) -> Markup {
    html! {
        @for notice in &view.notices {
            p.faint { (words.with("workdays-source", &[("year", &notice.year.to_string()), ("number", notice.number)])) }
        }
        @for year in &view.unknown_years {
            (page::notice(Tone::Warn, &words.with("workdays-unknown", &[("year", &year.to_string())])))
        }
    }
}

fn line(words: Words, call: &str, day: &WorkdayView) -> Markup {
    let id = format!("as-{}", day.date);
    let kind = day.kind.map_or("plain", |kind| kind.as_str());
    let fields = html! {
        input type="hidden" name="date" value=(day.date);
        (select(words, &id, kind, day.works_as))
        button.button type="submit" { (words.t("workdays-save")) }
    };
    let done = words.t("workdays-saved");
    let send = Send { done: Some(&done), ..Send::step(call, day.version) };
    html! {
        li.spread {
            span {
                strong { (day.date.year()) " · " (words.day(day.date)) } " "
                @match (day.kind, day.holiday) {
                    (Some(kind), Some(name)) => { (page::badge(Tone::Info, &words.t(&format!("workdays-{kind}")))) " " (name) },
                    _ => (page::badge(Tone::Plain, &words.t("workdays-own"))),
                }
            }
            (page::form(words.lang, None, "toolbar", send, &fields))
        }
    }
}

fn select(words: Words, id: &str, kind: &str, chosen: Option<WorksAs>) -> Markup {
    let (label, none) = (words.t("workdays-as"), words.t(&format!("workdays-as-{kind}")));
    let choices: Vec<Choice> = WorksAs::ALL
        .iter()
        .map(|word| pick(word, words.t(&format!("workdays-as-{word}")), chosen == Some(*word)))
        .collect();
    Select { name: "works_as", id, label: &label, none: Some(&none), ..Select::default() }.draw(&choices)
}

/// A day that is on no list.
fn other(words: Words, call: &str) -> Markup {
    let (label, done) = (words.t("workdays-date"), words.t("workdays-saved"));
    let date = Field { name: "date", label: &label, kind: "date", required: true, ..Field::default() };
    let fields = html! {
        (date.draw(words.lang, &Errors::default()))
        (select(words, "works_as", "plain", None))
        button.button type="submit" { (words.t("workdays-save")) }
    };
    html! {
        section.card aria-labelledby="other-title" {
            h2 #other-title { (words.t("workdays-other")) }
            (page::form(words.lang, Some("other-day"), "stack", Send { done: Some(&done), ..Send::step(call, workdays::UNSAID) }, &fields))
        }
    }
}
