//! One matter: with whom it lies and until when, what comes next, and what was done.

use axum::extract::State as AppState;
use maud::{Markup, html};
use sanbao_platform::http::{Ctx, PageCtx, Path};
use sanbao_platform::lang::Lang;
use sanbao_platform::page::{self, Errors, Send, Tone};
use sanbao_platform::problem::Problem;

use super::{back, clock, last_day, lies_with, state, styles, t, title, words};
use crate::App;
use crate::matter::api;
use crate::matter::id::MatterId;
use crate::matter::input::SAID_CHARS_MAX;
use crate::matter::state::MatterStepName;
use crate::matter::view::{MatterDetail, MatterLine, MatterView};
use crate::texts::{self, TEXTS};

pub(super) async fn show(
    PageCtx(ctx): PageCtx,
    AppState(app): AppState<App>,
    Path(id): Path<MatterId>,
) -> Result<Markup, Problem> {
    let MatterDetail { matter, history, due_guessed } = api::detail(&app, &ctx, id).await?;
    let lang = ctx.lang;
    let heading = title(lang, &matter);
    let body = html! {
        (styles())
        (back(lang))
        div.spread {
            h1.matter-title { (heading) }
            p { (state(lang, &matter)) " " (clock(lang, &matter, ctx.now())) }
        }
        @if due_guessed { p.help { (t(lang, "matter-due-guessed")) } }
        div.columns {
            section.card.next aria-labelledby="actions" {
                h2 #actions { (t(lang, "actions-title")) }
                @if !matter.legal.iter().any(|step| moves(*step)) { p { (waits(lang, &matter)) } }
                @for (n, step) in matter.legal.iter().enumerate() { (action(lang, &matter, *step, n == 0 && moves(*step))) }
            }
            div {
                (facts(&ctx, &matter))
                (past(&ctx, &history))
            }
        }
    };
    Ok(app.deps.frame.page(lang, &heading, Some(&ctx.actor), "/matters", &["/static/send.js"], &body))
}

/// Whether a step moves a matter on; the others are there for a mistake.
fn moves(step: MatterStepName) -> bool {
    !matches!(step, MatterStepName::TakeBack | MatterStepName::Reopen)
}

/// The level that does something next, where the reader does not.
fn waits(lang: Lang, m: &MatterView) -> String {
    if m.due_at.is_none() {
        return t(lang, "matter-over");
    }
    TEXTS.with(lang, "matter-waits", &[("place", &lies_with(lang, m))])
}

fn facts(ctx: &Ctx, m: &MatterView) -> Markup {
    let lang = ctx.lang;
    let raised_by = m.raised_by.clone().unwrap_or_else(|| t(lang, "matter-by-nobody"));
    let by = TEXTS.with(lang, "matter-place", &[("area", &raised_by), ("level", &texts::level(lang, m.raised_level))]);
    let with = if m.due_at.is_some() { "matter-fact-with" } else { "matter-fact-was-with" };
    let fact = |key: &str, value: &Markup| html! { dt { (t(lang, key)) } dd { (value) } };
    html! {
        section.card {
            @if let Some(said) = &m.said { p.said.strong { (said) } }
            dl.facts {
                (fact(with, &html! { (lies_with(lang, m)) }))
                @if let Some(due) = m.due_at { (fact("matter-fact-due", &html! { (last_day(lang, due)) })) }
                (fact("matter-kind", &html! { (texts::matter_kind(lang, m.kind)) }))
                (fact("matter-area", &html! { (m.area_name) }))
                (fact("matter-fact-raised", &html! { (by) " · " (words(lang).near(m.raised_at, ctx.now())) }))
                @if m.reopened > 0 { (fact("matter-fact-reopened", &html! { (m.reopened) })) }
            }
            @if m.door_id.is_some() { p { a href="/doors" { (t(lang, "matter-about-door")) } } }
            @if let Some(request) = m.request_id {
                p.faint { (t(lang, "matter-about-request")) " " code { (request) } }
            }
        }
    }
}

fn past(ctx: &Ctx, history: &[MatterLine]) -> Markup {
    let lang = ctx.lang;
    html! {
        section aria-labelledby="history" {
            h2 #history { (t(lang, "history-title")) }
            ol.stack {
                @for line in history {
                    li {
                        (words(lang).near(line.at, ctx.now())) " "
                        strong { (texts::matter_line(lang, &line.step)) }
                        @if let Some(level) = line.level { " " (page::badge(Tone::Plain, &texts::level(lang, level))) }
                        @if let Some(by) = &line.by { span.faint { " · " (by) } }
                        @if let Some(said) = &line.said { br; (said) }
                    }
                }
            }
        }
    }
}

/// A step's form: the first one open and in front, the others folded.
fn action(lang: Lang, m: &MatterView, step: MatterStepName, first: bool) -> Markup {
    let name = texts::matter_step(lang, step);
    let kind = match (first, step) {
        (_, MatterStepName::TakeBack) => "button danger",
        (true, _) => "button primary large wide",
        _ => "button large wide",
    };
    let call = format!("POST /v1/matters/{}/{step}", m.id);
    let field = match step {
        MatterStepName::Settle => "note",
        MatterStepName::Answer => "answer",
        MatterStepName::SendUp | MatterStepName::TakeBack | MatterStepName::Reopen => "reason",
    };
    let (label, id) = (t(lang, &format!("matter-say-{step}")), format!("{step}-{field}"));
    let said = page::Field {
        id: &id,
        required: step != MatterStepName::Settle,
        ..page::area(field, &label, 2, SAID_CHARS_MAX)
    };
    let fields = html! {
        @if let (MatterStepName::SendUp, Some(above)) = (step, &m.above) {
            p { (TEXTS.with(lang, "matter-goes-to", &[("area", &above.area_name), ("level", &texts::level(lang, above.level))])) }
        }
        @if step == MatterStepName::Answer {
            p { (TEXTS.with(lang, "matter-answer-to", &[("level", &texts::level(lang, m.raised_level))])) }
        }
        (said.draw(lang, &Errors::default()))
        button class=(kind) type="submit" { (name) }
    };
    html! {
        details id=(format!("do-{step}")) open[first] {
            summary { (name) }
            (page::form(lang, None, "stack", Send::step(&call, m.version), &fields))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_that_a_key_is_made_of_has_its_words() {
        let keys = MatterStepName::ALL.iter().map(|step| format!("matter-say-{step}"));
        assert_eq!(TEXTS.lacking(keys), [""; 0]);
    }
}
