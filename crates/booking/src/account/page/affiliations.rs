//! Agreements with the institutions of the other side (合作协议): what waits for an answer, what counts, what is over; and one of
//! them with its steps and its history.

use axum::extract::State as AppState;
use maud::{Markup, html};
use sanbao_platform::http::{Ctx, LIMIT_MAX, Page, PageCtx, Paging, Path};
use sanbao_platform::lang::Lang;
use sanbao_platform::page::{
    Errors, Field, Select, Send, Tone, Words, area, badge, count, empty, form, head, notice, pick, press,
};
use sanbao_platform::problem::Problem;

use super::TEXTS;
use crate::App;
use crate::account::AffiliationId;
use crate::account::affiliation::{
    AffiliationLine, AffiliationPartner, AffiliationSide, AffiliationStanding, AffiliationStepName, AffiliationView,
    NUMBER_CHARS_MAX, WORDS_CHARS_MAX, api, partners,
};

const PATH: &str = "/affiliations";

/// `GET /affiliations`
pub(super) async fn affiliations(PageCtx(ctx): PageCtx, AppState(app): AppState<App>) -> Result<Markup, Problem> {
    let mut conn = app.deps.db.read().await?;
    let (own, side) = api::own(&mut conn, &ctx).await?;
    let words = Words::new(&TEXTS, ctx.lang, own.zone());
    // By itself, so that nothing that is over stands in the place of what is not.
    let current = api::current(&mut conn, &ctx).await?;
    let found = api::listed(&mut conn, &ctx, &Paging { after: None, limit: Some(LIMIT_MAX) }).await?;
    let others = partners(&mut conn, own.id, side).await?;
    let body = html! {
        h1 { (words.t("affiliations-title")) }
        p { (words.t(&format!("affiliations-what-{side}"))) }
        (groups(words, &ctx, &current, &found))
        (propose(ctx.lang, side, &others))
    };
    Ok(app.deps.frame.page(
        ctx.lang,
        &words.t("affiliations-title"),
        Some(&ctx.actor),
        PATH,
        &["/static/send.js"],
        &body,
    ))
}

/// In which group of the list one stands: it waits for an answer, it counts or will, or it is over.
fn group(standing: AffiliationStanding) -> usize {
    match standing {
        AffiliationStanding::Proposed => 0,
        AffiliationStanding::Coming | AffiliationStanding::InForce | AffiliationStanding::Ending => 1,
        AffiliationStanding::Over
        | AffiliationStanding::Lapsed
        | AffiliationStanding::Declined
        | AffiliationStanding::Withdrawn
        | AffiliationStanding::Ended => 2,
    }
}

/// Those that wait for an answer or are not over, and of the newest of all those that are over.
fn groups(
    words: Words,
    ctx: &Ctx,
    (current, more): &(Vec<AffiliationLine>, bool),
    found: &Page<AffiliationLine>,
) -> Markup {
    let of = |lines: &[AffiliationLine], n: usize| {
        lines.iter().filter(|line| group(line.standing) == n).cloned().collect::<Vec<_>>()
    };
    let (waiting, current, past) = (of(current, 0), of(current, 1), of(&found.items, 2));
    let open = waiting.len() + current.len();
    html! {
        @if open == 0 && found.items.is_empty() { (empty(&words.t("affiliations-none"), None)) }
        @if open > 0 { (count(words.lang, open, *more)) }
        @for (key, lines) in [("affiliations-waiting", waiting), ("affiliations-current", current)] {
            @if !lines.is_empty() {
                section aria-labelledby=(key) {
                    h2 id=(key) { (words.t(key)) }
                    ul.plain-list { @for line in &lines { (card(words, ctx, line)) } }
                }
            }
        }
        @if !past.is_empty() {
            details #affiliations-past {
                summary { (words.t("affiliations-past")) }
                (count(words.lang, past.len(), found.next.is_some()))
                ul.plain-list { @for line in &past { (card(words, ctx, line)) } }
            }
        }
    }
}

fn tone(standing: AffiliationStanding) -> Tone {
    match standing {
        AffiliationStanding::InForce => Tone::Ok,
        AffiliationStanding::Proposed | AffiliationStanding::Ending => Tone::Warn,
        AffiliationStanding::Coming => Tone::Info,
        AffiliationStanding::Declined => Tone::Bad,
        AffiliationStanding::Over
        | AffiliationStanding::Lapsed
        | AffiliationStanding::Withdrawn
        | AffiliationStanding::Ended => Tone::Plain,
    }
}

fn standing(words: Words, line: &AffiliationLine) -> Markup {
    badge(tone(line.standing), &words.t(&format!("affiliation-{}", line.standing)))
}

/// From which day to which, with the years.
fn days(words: Words, line: &AffiliationLine) -> String {
    let [from, until] = [line.valid_from, line.valid_until].map(|day| day.to_string());
    words.with("affiliation-days", &[("from", &from), ("until", &until)])
}

/// Whose answer it waits for.
fn waits_for(words: Words, line: &AffiliationLine) -> String {
    words.t(if line.side == line.proposed_by { "affiliation-waits-other" } else { "affiliation-waits-own" })
}

/// How the hospital's hours are had.
fn hours(words: Words, line: &AffiliationLine) -> String {
    words.t(if line.books_at_once { "affiliation-at-once" } else { "affiliation-asked-for" })
}

fn card(words: Words, ctx: &Ctx, line: &AffiliationLine) -> Markup {
    html! {
        li.card id=(format!("affiliation-{}", line.id)) {
            div.spread {
                a.strong href=(format!("{PATH}/{}", line.id)) { (line.other().name(words.lang)) }
                (standing(words, line))
            }
            p { (words.with("affiliation-no", &[("number", &line.number)])) " · " (days(words, line)) }
            @if line.standing == AffiliationStanding::Proposed {
                p { (waits_for(words, line)) " " span.faint { (words.near(line.proposed_at, ctx.now())) } }
            }
            @if group(line.standing) < 2 { p.faint { (hours(words, line)) } }
            (ending(words, line))
        }
    }
}

/// A word of it when it is about to end.
fn ending(words: Words, line: &AffiliationLine) -> Markup {
    html! {
        @if let Some(left) = line.days_left {
            @if left == 0 { (notice(Tone::Warn, &words.t("affiliation-ends-today"))) }
            @else { (notice(Tone::Warn, &words.with("affiliation-ends-soon", &[("days", &left.to_string())]))) }
        }
    }
}

fn propose(lang: Lang, side: AffiliationSide, (others, more): &(Vec<AffiliationPartner>, bool)) -> Markup {
    let t = |key: &str| TEXTS.get(lang, key);
    let with = if side == AffiliationSide::Inviting { "affiliation-hospital" } else { "affiliation-home" };
    let [with, choose, number, from, until, until_help] = [
        with,
        "affiliation-choose",
        "affiliation-number",
        "affiliation-from",
        "affiliation-until",
        "affiliation-until-help",
    ]
    .map(t);
    let said = [("count", &*others.len().to_string())];
    let more = more.then(|| TEXTS.with(lang, "affiliation-more-partners", &said));
    let choices: Vec<_> = others.iter().map(|(id, zh, en)| pick(id, lang.pick(zh, en), false)).collect();
    let day = |name, label, help| Field { name, label, help, kind: "date", required: true, ..Field::default() };
    let number =
        Field { name: "number", label: &number, required: true, chars_max: NUMBER_CHARS_MAX, ..Field::default() };
    let fields = html! {
        (Select { name: "with", label: &with, help: more.as_deref(), none: Some(&choose), required: true, ..Select::default() }.draw(&choices))
        (number.draw(lang, &Errors::default()))
        (day("valid_from", &from, None).draw(lang, &Errors::default()))
        (day("valid_until", &until, Some(&*until_help)).draw(lang, &Errors::default()))
        @if side == AffiliationSide::Invited { (at_once(lang, false)) }
        button.button type="submit" { (t("affiliation-propose-do")) }
    };
    html! {
        details.card #affiliation-new {
            summary { (t("affiliation-propose")) }
            @if choices.is_empty() { p { (t(&format!("affiliation-nobody-{side}"))) } }
            @else { (form(lang, Some("propose"), "stack", Send { then: Some("/affiliations/{id}"), ..Send::to("POST /v1/affiliations") }, &fields)) }
        }
    }
}

/// The hospital's word about its hours.
fn at_once(lang: Lang, said: bool) -> Markup {
    html! {
        label.choice {
            input #books_at_once type="checkbox" name="books_at_once" checked[said];
            span { (TEXTS.get(lang, "affiliation-allow")) br; span.faint { (TEXTS.get(lang, "affiliation-allow-help")) } }
        }
    }
}

/// `GET /affiliations/{id}`
pub(super) async fn affiliation(
    PageCtx(ctx): PageCtx,
    AppState(app): AppState<App>,
    Path(id): Path<AffiliationId>,
) -> Result<Markup, Problem> {
    let mut conn = app.deps.db.read().await?;
    let found = api::read(&mut conn, &ctx, id).await?;
    let (own, _) = api::own(&mut conn, &ctx).await?;
    let words = Words::new(&TEXTS, ctx.lang, own.zone());
    let line = &found.line;
    let title = format!("{} · {}", line.other().name(ctx.lang), words.t("affiliations-title"));
    let body = html! {
        p { a href=(PATH) { "← " (words.t("affiliations-title")) } }
        div.spread { h1 { (line.other().name(ctx.lang)) } (standing(words, line)) }
        (ending(words, line))
        @if line.standing == AffiliationStanding::Over { (notice(Tone::Info, &words.t("affiliation-is-over"))) }
        @if let Some(reason) = &line.reason { p { (words.t("affiliation-reason")) (reason) } }
        (facts(words, line))
        (steps(words, &found))
        (history(words, &ctx, &found))
    };
    Ok(app.deps.frame.page(ctx.lang, &title, Some(&ctx.actor), PATH, &["/static/send.js"], &body))
}

fn facts(words: Words, line: &AffiliationLine) -> Markup {
    html! {
        section.card aria-label=(words.t("affiliations-title")) {
            dl.facts {
                dt { (words.t("affiliation-home")) } dd { (line.inviting.name(words.lang)) }
                dt { (words.t("affiliation-hospital")) } dd { (line.invited.name(words.lang)) }
                dt { (words.t("affiliation-number")) } dd { (line.number) }
                dt { (words.t("affiliation-term")) } dd { (days(words, line)) }
                dt { (words.t("affiliation-hours")) } dd { (hours(words, line)) }
                @if line.standing == AffiliationStanding::Proposed { dt { (words.t("affiliation-proposed")) } dd { (waits_for(words, line)) } }
            }
        }
    }
}

/// The steps that the reader may take now.
fn steps(words: Words, found: &AffiliationView) -> Markup {
    let (line, lang) = (&found.line, words.lang);
    let call = |step: AffiliationStepName| format!("POST /v1/affiliations/{}/{step}", line.id);
    html! {
        @if !line.actions.is_empty() {
            section.card.stack aria-labelledby="affiliation-steps" {
                h2 #affiliation-steps { (words.t("actions")) }
                @for step in &line.actions {
                    @match step {
                        AffiliationStepName::Accept => { (accept(words, line, &call(*step))) }
                        AffiliationStepName::Change => { (change(lang, line, &call(*step))) }
                        AffiliationStepName::Withdraw => {
                            @let ask = words.t("affiliation-withdraw-ask");
                            (press("withdraw", "button", Send { confirm: Some(&ask), ..Send::step(&call(*step), line.version) }, &words.t("affiliation-withdraw-do")))
                        }
                        AffiliationStepName::Decline | AffiliationStepName::End => { (with_reason(words, found, *step, &call(*step))) }
                    }
                }
            }
        }
    }
}

fn accept(words: Words, line: &AffiliationLine, call: &str) -> Markup {
    let ask = words.with("affiliation-accept-ask", &[("days", &days(words, line))]);
    let fields = html! {
        @if line.side == AffiliationSide::Invited { (at_once(words.lang, false)) }
        button.button.primary.large type="submit" { (words.t("affiliation-accept-do")) }
    };
    form(words.lang, Some("accept"), "stack", Send { confirm: Some(&ask), ..Send::step(call, line.version) }, &fields)
}

fn change(lang: Lang, line: &AffiliationLine, call: &str) -> Markup {
    let fields = html! {
        (at_once(lang, line.books_at_once))
        button.button type="submit" { (TEXTS.get(lang, "affiliation-change-do")) }
    };
    form(lang, Some("change"), "stack", Send::step(call, line.version), &fields)
}

/// A step that asks once: opened first, with what it leaves as it is, and a reason.
fn with_reason(words: Words, found: &AffiliationView, step: AffiliationStepName, call: &str) -> Markup {
    let (label, said) = (words.t("affiliation-why"), words.t(&format!("affiliation-{step}-do")));
    let help = words.t("affiliation-why-help");
    let id = format!("reason-{step}");
    let reason = Field { id: &id, help: Some(&help), required: true, ..area("reason", &label, 2, WORDS_CHARS_MAX) };
    let [booked, waiting] = [found.booked, found.waiting].map(|count| count.to_string());
    let fields = html! {
        @if step == AffiliationStepName::End {
            p { (words.t("affiliation-end-what")) " " (words.with("affiliation-open", &[("booked", &booked), ("waiting", &waiting)])) }
        }
        (reason.draw(words.lang, &Errors::default()))
        button.button.danger type="submit" { (said) }
    };
    html! {
        details id=(format!("ask-{step}")) {
            summary { (said) }
            (form(words.lang, Some(step.as_str()), "stack", Send::step(call, found.line.version), &fields))
        }
    }
}

fn history(words: Words, ctx: &Ctx, found: &AffiliationView) -> Markup {
    let heads = ["affiliation-when", "affiliation-who", "affiliation-what", "affiliation-note"].map(|key| words.t(key));
    let side = |side: AffiliationSide| {
        let of = if side == AffiliationSide::Inviting { &found.line.inviting } else { &found.line.invited };
        of.name(words.lang).to_owned()
    };
    html! {
        details #history {
            summary { (words.t("affiliation-history")) }
            div.scroll { table.table {
                (head(&heads.each_ref().map(String::as_str)))
                tbody {
                    @for taken in &found.history {
                        tr {
                            td { (words.near(taken.at, ctx.now())) }
                            td { (taken.actor_name.as_deref().unwrap_or("—")) @if let Some(of) = taken.side { " · " (side(of)) } }
                            td { (words.t(&format!("affiliation-step-{}", taken.action))) }
                            td {
                                @if let Some(note) = &taken.note { (words.t(&format!("affiliation-note-{note}"))) }
                                @if let Some(reason) = &taken.reason { (reason) }
                            }
                        }
                    }
                }
            } }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::affiliation::{ASKED_FOR, AT_ONCE};

    #[test]
    fn every_name_that_a_key_is_made_of_has_its_words() {
        let standings = AffiliationStanding::ALL.iter().map(|standing| format!("affiliation-{standing}"));
        let sides = AffiliationSide::ALL.iter().map(|side| format!("affiliations-what-{side}"));
        let steps = AffiliationStepName::ALL.iter().map(|step| step.as_str()).chain(["propose"]);
        let steps = steps.map(|step| format!("affiliation-step-{step}"));
        let reasons = ["decline", "end"].map(|step| format!("affiliation-{step}-do"));
        let nobody = AffiliationSide::ALL.iter().map(|side| format!("affiliation-nobody-{side}"));
        let notes = [AT_ONCE, ASKED_FOR].map(|note| format!("affiliation-note-{note}"));
        assert_eq!(
            TEXTS.lacking(standings.chain(sides).chain(steps).chain(reasons).chain(notes).chain(nobody)),
            [""; 0]
        );
    }
}
