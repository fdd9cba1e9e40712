//! Joining two records field by field; the joins of a person, conflicts of times, and undoing.

use axum::extract::State as AppState;
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};
use sanbao_platform::http::{Ctx, PageCtx, Path};
use sanbao_platform::page::{Send, Tone, Words, empty, form, notice};
use sanbao_platform::problem::Problem;

use super::TEXTS;
use super::pairs::table;
use crate::App;
use crate::account::id::PersonId;
use crate::account::organisation;
use crate::account::person::join::{ConflictView, JoinView, TimeTaken, UNDO_DAYS, api};

const SEND: &str = "/static/send.js";

pub(super) async fn join(
    PageCtx(ctx): PageCtx,
    AppState(app): AppState<App>,
    Path((id, other)): Path<(PersonId, PersonId)>,
) -> Response {
    draw_join(&app, &ctx, id, other).await.map_or_else(Problem::into_response, Markup::into_response)
}

async fn draw_join(app: &App, ctx: &Ctx, id: PersonId, other: PersonId) -> Result<Markup, Problem> {
    let lang = ctx.lang;
    let t = |key: &str| TEXTS.get(lang, key);
    let api::Proposal { pair, chooseable } = api::proposal(app, ctx, id, other).await?;
    let (one, other) = (pair.person.id, pair.other.id);
    let (call, then) = (format!("POST /v1/persons/{one}/join"), format!("/persons/{one}/joins"));
    let fields = html! {
        input type="hidden" name="other" value=(other);
        input type="number" name="other_version" value=(pair.other.version) hidden;
        (table(lang, &pair, Some(&chooseable)))
        @if !chooseable.is_empty() { p.help { (t("join-choose")) } }
        p { (TEXTS.with(lang, "join-what", &[("days", &UNDO_DAYS.to_string())])) }
        div.toolbar {
            button.button.primary type="submit" { (t("join-do")) }
            a.button href=(format!("/persons/{other}/join/{one}")) { (t("join-swap")) }
            a.button href="/persons/pairs" { (t("join-back")) }
        }
    };
    let send = Send { then: Some(&then), ..Send::step(&call, pair.person.version) };
    let body = html! {
        h1 { (t("join-title")) }
        (form(lang, Some("join"), "stack", send, &fields))
    };
    Ok(app.deps.frame.page(lang, &t("join-title"), Some(&ctx.actor), "/persons/pairs", &[SEND], &body))
}

pub(super) async fn joins(PageCtx(ctx): PageCtx, AppState(app): AppState<App>, Path(id): Path<PersonId>) -> Response {
    draw_joins(&app, &ctx, id).await.map_or_else(Problem::into_response, Markup::into_response)
}

async fn draw_joins(app: &App, ctx: &Ctx, id: PersonId) -> Result<Markup, Problem> {
    let (person, joined) = api::joined(app, ctx, id).await?;
    let zone = organisation::own(&mut app.deps.db.read().await?, ctx).await?.zone();
    let words = Words::new(&TEXTS, ctx.lang, zone);
    let title = words.with("joins-title", &[("name", &person.name)]);
    let body = html! {
        h1 { (title) }
        @if !joined.conflicts.is_empty() {
            section.card aria-labelledby="conflicts-title" {
                h2 #conflicts-title { (words.t("conflicts-title")) }
                (notice(Tone::Warn, &words.t("conflicts-what")))
                ul.plain-list { @for conflict in &joined.conflicts { (overlap(words, conflict)) } }
            }
        }
        @if joined.joins.is_empty() { (empty(&words.t("joins-none"), Some(("/persons/pairs", &words.t("join-back"))))) }
        @else {
            ul.plain-list { @for join in &joined.joins { (line(words, person.id, person.version, join, ctx)) } }
            p { a.button href="/persons/pairs" { (words.t("join-back")) } }
        }
    };
    Ok(app.deps.frame.page(ctx.lang, &title, Some(&ctx.actor), "/persons/pairs", &[SEND], &body))
}

fn line(words: Words, person: PersonId, version: i64, join: &JoinView, ctx: &Ctx) -> Markup {
    let (consults, visits) = (join.consults.to_string(), join.visits.to_string());
    let call = format!("POST /v1/persons/{person}/unjoin");
    let other = html! { input type="hidden" name="other" value=(join.other); button.button type="submit" { (words.t("unjoin-do")) } };
    let ask = words.t("unjoin-ask");
    let send = Send { confirm: Some(&ask), ..Send::step(&call, version) };
    html! {
        li.card {
            p {
                (words.near(join.joined_at, ctx.now())) " "
                (words.with("join-by", &[("name", &join.joined_by_name), ("consults", &consults), ("visits", &visits)]))
            }
            @if ctx.now() < join.undo_until {
                p.faint { (words.t("unjoin-until")) " " (words.near(join.undo_until, ctx.now())) }
                (form(ctx.lang, None, "toolbar", send, &other))
            } @else { p.faint { (words.t("unjoin-over")) } }
        }
    }
}

fn overlap(words: Words, conflict: &ConflictView) -> Markup {
    html! { li { (booking(words, &conflict.taken)) " — " (booking(words, &conflict.by)) } }
}

fn booking(words: Words, taken: &TimeTaken) -> Markup {
    let text = format!("{} {}", words.t(&format!("taken-{}", taken.kind)), words.span(taken.starts_at, taken.ends_at));
    html! {
        @match taken.id.filter(|_| taken.kind == "consult") {
            Some(id) => { a href=(format!("/consults/{id}")) { (text) } }
            None => { (text) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::TEXTS;

    #[test]
    fn every_name_that_a_key_is_made_of_has_its_words() {
        let keys = ["consult", "visit"].map(|kind| format!("taken-{kind}"));
        assert_eq!(TEXTS.lacking(keys), [""; 0]);
    }
}
