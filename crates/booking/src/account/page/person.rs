//! One person: who, where, what to look at, what is open and past; and saying that somebody has died or left.

use axum::extract::State as AppState;
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Datelike as _, Utc};
use maud::{Markup, html};
use sanbao_platform::http::{Ctx, PageCtx, Path};
use sanbao_platform::lang::Lang;
use sanbao_platform::page::{Choice, Errors, Field, Select, Send, Tone, Words, badge, form, notice};
use sanbao_platform::problem::Problem;

use super::{TEXTS, care, keeping, sharing, transfers};
use crate::App;
use crate::account::id::PersonId;
use crate::account::organisation;
use crate::account::person::sheet::{PersonSheet, PersonStanding, Reading};
use crate::account::person::{EndKind, OpenView, PersonStateName, PersonStepName, PersonView};
use crate::role;

pub(super) async fn person(PageCtx(ctx): PageCtx, AppState(app): AppState<App>, Path(id): Path<PersonId>) -> Response {
    draw(&app, &ctx, id).await.map_or_else(Problem::into_response, Markup::into_response)
}

async fn draw(app: &App, ctx: &Ctx, id: PersonId) -> Result<Markup, Problem> {
    let sheet = PersonSheet::of(app, ctx, id).await?;
    let care = care::shown(app, ctx, &sheet).await?;
    let movable = sheet.standing == PersonStanding::Movable;
    let moving = if movable { Some(transfers::part(app, ctx, &sheet.person).await?) } else { None };
    let zone = organisation::own(&mut app.deps.db.read().await?, ctx).await?.zone();
    let words = Words::new(&TEXTS, ctx.lang, zone);
    let consents = sharing::part(app, ctx, words, &sheet).await?;
    let holds = keeping::part(app, ctx, words, &sheet).await?;
    let body = html! {
        p { a href="/persons" { "← " (words.t("people-title")) } }
        (head(words, ctx, &sheet))
        div.columns {
            div.stack {
                (list(words, ctx, "open", &sheet.open))
                @if sheet.asks_requests {
                    section.card aria-labelledby="requests-title" {
                        h2 #requests-title { (words.t("person-requests")) }
                        div #requests data-part=(format!("/requests/part?person={}", sheet.person.id))
                            data-failed=(words.t("person-requests-failed")) { p.faint { (words.t("person-requests-wait")) } }
                    }
                }
                (list(words, ctx, "past", &sheet.past))
                @if cares(ctx) {
                    p { a href=(format!("/consults/records?resident={}", sheet.person.id)) { (words.t("person-consults-all")) } }
                }
            }
            div.stack {
                (facts(words, &sheet))
                @if let Some(care) = &care { (care::part(words, care)) }
                (consents)
                @if let Some(moving) = moving { (moving) }
                @if !sheet.actions.is_empty() { (change(ctx.lang, &sheet)) }
                (holds)
                @if let Some(readings) = &sheet.readings { (read_by(words, ctx, readings)) }
            }
        }
    };
    let scripts = ["/static/send.js", "/static/check.js", "/static/booking/person.js"];
    Ok(app.deps.frame.page(ctx.lang, &sheet.person.name, Some(&ctx.actor), "/persons", &scripts, &body))
}

/// How old somebody is, or was on the last day.
pub(super) fn age_of(lang: Lang, person: &PersonView, now: DateTime<Utc>) -> String {
    let Some(born) = person.birth_date else { return String::new() };
    let day = person.ended_on.unwrap_or_else(|| now.date_naive());
    let before = (day.month(), day.day()) < (born.month(), born.day());
    let years = day.year() - born.year() - i32::from(before);
    TEXTS.with(lang, "person-age", &[("years", &years.to_string())])
}

/// That somebody has died or left; nothing of others.
pub(super) fn state_badge(lang: Lang, person: &PersonView) -> Markup {
    html! {
        @if person.state != PersonStateName::Registered {
            (badge(Tone::Bad, &TEXTS.get(lang, &format!("person-state-{}", person.state.as_str()))))
        }
    }
}

/// Whether the reader asks for consults.
fn cares(ctx: &Ctx) -> bool {
    role::holds(&ctx.actor, role::CARE_STAFF)
}

fn head(words: Words, ctx: &Ctx, sheet: &PersonSheet) -> Markup {
    let (p, lang) = (&sheet.person, words.lang);
    let here = p.state == PersonStateName::Registered;
    let former = sheet.standing == PersonStanding::Former;
    html! {
        div.spread {
            h1 { (p.name) " " (state_badge(lang, p)) }
            div.toolbar {
                @if here && cares(ctx) && p.organisation_id.is_some() && !former {
                    a.button.primary href=(format!("/consults/new?resident={}", p.id)) { (words.t("person-new-consult")) }
                }
                @if here && sheet.asks_requests && ctx.actor.kind == "street_office" {
                    a.button.primary href=(format!("/requests/new?person={}", p.id)) { (words.t("person-new-request")) }
                }
            }
        }
        p.strong {
            (words.t(&format!("sex-{}", p.sex.as_str()))) " " (age_of(lang, p, ctx.now()))
            @if let Some(address) = &p.address { " · " (address) }
        }
        @if former { (notice(Tone::Info, &words.t("person-former"))) }
        @if let Some(on) = p.ended_on {
            (notice(Tone::Warn, &words.with(&format!("person-ended-{}", p.state.as_str()), &[("day", &words.day(on))])))
        }
        @for warning in &p.warnings { (notice(Tone::Warn, &words.t(&format!("person-warning-{}", warning.as_str())))) }
    }
}

fn list(words: Words, ctx: &Ctx, what: &str, items: &[OpenView]) -> Markup {
    let id = format!("{what}-title");
    html! {
        section.card aria-labelledby=(id) {
            h2 id=(id) { (words.t(&format!("person-{what}"))) }
            @if items.is_empty() { p.faint { (words.t(&format!("person-{what}-none"))) } }
            ul.plain-list { @for item in items { li { (entry(words, ctx, item)) } } }
        }
    }
}

pub(super) fn entry(words: Words, ctx: &Ctx, item: &OpenView) -> Markup {
    let kind = words.t(&format!("taken-{}", item.kind));
    let state = item.state.as_ref().map(|state| words.t(&format!("person-{}-{state}", item.kind)));
    html! {
        @match item.id.filter(|_| item.kind == "consult") {
            Some(id) => { a href=(format!("/consults/{id}")) { (kind) } }
            None => { (kind) }
        }
        @if let Some(at) = item.at { " " (words.near(at, ctx.now())) }
        " "
        @match state {
            Some(state) => { (badge(Tone::Info, &state)) }
            None => { span.faint { (words.t("person-of-others")) } }
        }
    }
}

fn facts(words: Words, sheet: &PersonSheet) -> Markup {
    let p = &sheet.person;
    let known = |text: &Option<String>| text.clone().unwrap_or_else(|| "—".to_owned());
    html! {
        section.card aria-labelledby="facts-title" {
            h2 #facts-title { (words.t("person-facts")) }
            dl.facts {
                dt { (words.t("phone")) }
                dd {
                    @if p.phones.is_empty() { "—" }
                    @for phone in &p.phones {
                        div { (phone.number) " " span.faint { (words.t(&format!("phone-of-{}", phone.whose.as_str()))) } }
                    }
                }
                dt { (words.t("person-birth-date")) } dd { (known(&p.birth_date.map(|date| date.to_string()))) }
                dt { (words.t("person-address")) } dd { (known(&p.address)) }
                dt { (words.t("guardian-name")) } dd { (known(&p.guardian_name)) }
                dt { (words.t("guardian-phone")) } dd { (known(&p.guardian_phone)) }
                @for paper in &p.papers {
                    dt { (words.t(&format!("paper-{}", paper.kind.as_str()))) }
                    dd data-paper=(paper.kind.as_str()) { (paper.number.as_deref().unwrap_or("—")) }
                }
            }
            @if sheet.opens_papers && p.papers.iter().any(|paper| paper.number.is_some()) {
                button.button type="button" data-papers=(format!("/v1/persons/{}/papers", p.id)) data-failed=(words.t("person-papers-failed")) {
                    (words.t("person-papers-open"))
                }
            }
            @if !sheet.actions.is_empty() {
                p { a href=(format!("/persons/{}/joins", p.id)) { (words.t("person-joins")) } }
            }
            @if sheet.exports { p { a href=(format!("/persons/{}/export", p.id)) { (words.t("person-export")) } } }
        }
    }
}

fn change(lang: Lang, sheet: &PersonSheet) -> Markup {
    html! {
        @for step in &sheet.actions {
            @match step {
                PersonStepName::End => { (end(lang, sheet)) }
                PersonStepName::Restore => { (restore(lang, sheet)) }
            }
        }
    }
}

fn end(lang: Lang, sheet: &PersonSheet) -> Markup {
    let t = |key: &str| TEXTS.get(lang, key);
    let choice = |kind: &EndKind| Choice {
        value: kind.as_str().to_owned(),
        words: t(&format!("person-state-{}", kind.as_str())),
        chosen: false,
    };
    let [kind, on, note, ask] = ["person-end-kind", "person-end-on", "person-end-note", "person-end-ask"].map(t);
    let fields = html! {
        p.help { (t("person-end-what")) }
        (Select { name: "kind", label: &kind, required: true, ..Select::default() }.draw(&EndKind::ALL.iter().map(choice).collect::<Vec<_>>()))
        (Field { name: "on", label: &on, kind: "date", required: true, ..Field::default() }.draw(lang, &Errors::default()))
        (Field { name: "note", label: &note, chars_max: 500, ..Field::default() }.draw(lang, &Errors::default()))
        button.button.danger type="submit" { (t("person-end-do")) }
    };
    let call = format!("POST /v1/persons/{}/end", sheet.person.id);
    let send = Send { confirm: Some(&ask), ..Send::step(&call, sheet.person.version) };
    html! {
        details.card {
            summary { (t("person-end-title")) }
            (form(lang, Some("end"), "stack", send, &fields))
        }
    }
}

fn restore(lang: Lang, sheet: &PersonSheet) -> Markup {
    let t = |key: &str| TEXTS.get(lang, key);
    let reason = t("person-restore-reason");
    let fields = html! {
        p.help { (t("person-restore-what")) }
        (Field { name: "reason", label: &reason, required: true, chars_max: 500, ..Field::default() }.draw(lang, &Errors::default()))
        button.button type="submit" { (t("person-restore-do")) }
    };
    let call = format!("POST /v1/persons/{}/restore", sheet.person.id);
    html! {
        details.card {
            summary { (t("person-restore-title")) }
            (form(lang, Some("restore"), "stack", Send::step(&call, sheet.person.version), &fields))
        }
    }
}

fn read_by(words: Words, ctx: &Ctx, readings: &[Reading]) -> Markup {
    html! {
        section.card aria-labelledby="read-title" {
            h2 #read-title { (words.t("person-read")) }
            @if readings.is_empty() { p.faint { (words.t("person-read-none")) } }
            ul.plain-list { @for reading in readings {
                li {
                    (words.near(reading.at, ctx.now())) " "
                    (reading.account.as_deref().unwrap_or("—")) " "
                    span.faint { (reading.organisation.as_deref().unwrap_or_default()) }
                }
            } }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::TEXTS;
    use crate::account::person::{PersonStateName, PhoneOwner};
    use crate::{consult, visit};

    #[test]
    fn every_name_that_a_key_is_made_of_has_its_words() {
        let states = PersonStateName::ALL.iter().map(|s| format!("person-state-{}", s.as_str()));
        let consults = consult::ConsultStateName::ALL.iter().map(|s| format!("person-consult-{}", s.as_str()));
        let visits = visit::VisitStateName::ALL.iter().map(|s| format!("person-visit-{}", s.as_str()));
        let ended = ["died", "left"].map(|kind| format!("person-ended-{kind}"));
        let phones = PhoneOwner::ALL.iter().map(|w| format!("phone-of-{}", w.as_str()));
        let lists = ["open", "past"].iter().flat_map(|l| [format!("person-{l}"), format!("person-{l}-none")]);
        assert_eq!(
            TEXTS.lacking(states.chain(consults).chain(visits).chain(ended).chain(phones).chain(lists)),
            [""; 0]
        );
    }
}
