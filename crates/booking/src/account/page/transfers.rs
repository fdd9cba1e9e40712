//! Handing people over: what is asked of the reader's organisation, what it has asked for, and both on a person's page.

use axum::extract::State as AppState;
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};
use sanbao_platform::http::{Ctx, LIMIT_MAX, Page, PageCtx, Paging, live as live_stream};
use sanbao_platform::lang::Lang;
use sanbao_platform::page::{
    Choice, Errors, Field, Live, Select, Send, Tone, Words, badge, count, empty, form, live, press,
};
use sanbao_platform::problem::Problem;

use super::TEXTS;
use crate::App;
use crate::account::organisation;
use crate::account::person::PersonView;
use crate::account::person::transfer::{
    AgreementBy, AgreementHow, TOPIC, TransferList, TransferStateName, TransferStepName, TransferView, api,
};
use crate::consult::OrganisationName;

const EVENTS: &str = "/transfers/events";
/// How often the lists are read anew, in seconds: what is late comes to an office by time alone.
const SECONDS: u32 = 60;

/// Tells of what is asked of, and answered to, the reader's organisation.
pub(super) async fn events(AppState(app): AppState<App>, ctx: Ctx) -> Result<impl IntoResponse, Problem> {
    api::may_list(&app, &ctx).await?;
    live_stream(&app.deps.db, TOPIC, ctx.actor.organisation, &ctx)
}

pub(super) async fn transfers(PageCtx(ctx): PageCtx, AppState(app): AppState<App>) -> Response {
    draw(&app, &ctx).await.map_or_else(Problem::into_response, Markup::into_response)
}

async fn draw(app: &App, ctx: &Ctx) -> Result<Markup, Problem> {
    let zone = organisation::own(&mut app.deps.db.read().await?, ctx).await?.zone();
    let words = Words::new(&TEXTS, ctx.lang, zone);
    let all = Paging { after: None, limit: Some(LIMIT_MAX) };
    let of = api::listed(app, ctx, TransferList::AskedOf, &all).await?;
    let by = api::listed(app, ctx, TransferList::AskedBy, &all).await?;
    let home = ctx.actor.kind == "care_home";
    let lists = html! {
        (list(words, ctx, "asked-of", &of))
        @if home || !by.items.is_empty() { (list(words, ctx, "asked-by", &by)) }
    };
    let how = Live { events: EVENTS, source: None, form: None, after: None, seconds: Some(SECONDS) };
    let body = html! {
        h1 { (words.t("transfers-title")) }
        p { (words.t("transfers-what")) }
        (live("transfers", how, &lists))
    };
    let scripts = ["/static/live.js", "/static/send.js"];
    Ok(app.deps.frame.page(ctx.lang, &words.t("transfers-title"), Some(&ctx.actor), "/residents", &scripts, &body))
}

fn list(words: Words, ctx: &Ctx, which: &str, found: &Page<TransferView>) -> Markup {
    let id = format!("{which}-title");
    html! {
        section aria-labelledby=(id) {
            h2 id=(id) { (words.t(&format!("transfers-{which}"))) }
            @if found.items.is_empty() { (empty(&words.t(&format!("transfers-{which}-none")), None)) }
            @else {
                (count(words.lang, found.items.len(), found.next.is_some()))
                ul.plain-list { @for transfer in &found.items { (card(words, ctx, transfer)) } }
            }
        }
    }
}

fn tone(state: TransferStateName) -> Tone {
    match state {
        TransferStateName::Asked => Tone::Warn,
        TransferStateName::Accepted => Tone::Ok,
        TransferStateName::Declined => Tone::Bad,
        TransferStateName::Withdrawn | TransferStateName::Overtaken => Tone::Plain,
    }
}

fn card(words: Words, ctx: &Ctx, t: &TransferView) -> Markup {
    let name = |name: &Option<OrganisationName>| name.as_ref().map(|o| o.name(words.lang).to_owned());
    let to = name(&t.to).unwrap_or_else(|| words.t("transfer-home"));
    html! {
        li.card id=(format!("transfer-{}", t.id)) {
            div.spread {
                @match (t.person_id, &t.person_name) {
                    (Some(id), Some(name)) => { a.strong href=(format!("/persons/{id}")) { (name) } }
                    _ => { span.strong { (words.t("transfer-nobody")) } }
                }
                (badge(tone(t.state), &words.t(&format!("transfer-{}", t.state.as_str()))))
            }
            p {
                (words.with("transfer-to", &[("to", &to)]))
                @if let Some(from) = name(&t.from) { " · " (words.with("transfer-from", &[("from", &from)])) }
            }
            p.faint { (agreed(words, t)) }
            @if let Some(note) = &t.note { p { (note) } }
            p.faint {
                (words.t("transfer-asked-at")) " " (words.near(t.asked_at, ctx.now()))
                @if let Some(at) = t.decided_at { " · " (words.t("transfer-decided-at")) " " (words.near(at, ctx.now())) }
            }
            @if let Some(reason) = &t.reason { p { (words.t("transfer-reason")) " " (reason) } }
            @if !t.open.is_empty() {
                p { (words.t("transfer-open")) }
                ul.plain-list { @for item in &t.open { li { (super::person::entry(words, ctx, item)) } } }
            }
            (answer(words.lang, t))
        }
    }
}

fn agreed(words: Words, t: &TransferView) -> String {
    let by = words.t(&format!("agreement-by-{}", t.agreement.by.as_str()));
    let how = words.t(&format!("agreement-how-{}", t.agreement.how.as_str()));
    let day = words.day(t.agreement.on);
    words.with("transfer-agreed", &[("by", &by), ("name", &t.agreement.name), ("how", &how), ("day", &day)])
}

/// The steps that the reader may take now.
fn answer(lang: Lang, t: &TransferView) -> Markup {
    let w = |key: &str| TEXTS.get(lang, key);
    let call = |step: TransferStepName| format!("POST /v1/transfers/{}/{}", t.id, step.as_str());
    let id = |step: TransferStepName| format!("{}-{}", step.as_str(), t.id);
    html! {
        @for step in &t.actions {
            @match step {
                TransferStepName::Accept | TransferStepName::Withdraw => {
                    @let words = format!("transfer-{}-do", step.as_str());
                    @let ask = w(&format!("transfer-{}-ask", step.as_str()));
                    (press(&id(*step), "button", Send { confirm: Some(&ask), ..Send::step(&call(*step), t.version) }, &w(&words)))
                }
                TransferStepName::Decline => { (decline(lang, t, &call(*step))) }
                TransferStepName::Overtake => {}
            }
        }
    }
}

fn decline(lang: Lang, t: &TransferView, call: &str) -> Markup {
    let [label, help, words] =
        ["transfer-decline-reason", "transfer-decline-help", "transfer-decline-do"].map(|key| TEXTS.get(lang, key));
    let id = format!("reason-{}", t.id);
    let field = Field {
        name: "reason",
        id: &id,
        label: &label,
        help: Some(&help),
        required: true,
        chars_max: 500,
        ..Field::default()
    };
    let fields = html! {
        (field.draw(lang, &Errors::default()))
        button.button.danger type="submit" { (words) }
    };
    html! {
        details {
            summary { (words) }
            (form(lang, None, "stack", Send::step(call, t.version), &fields))
        }
    }
}

/// On the page of a resident: asking those who had the person before, and going home.
pub(super) async fn part(app: &App, ctx: &Ctx, person: &PersonView) -> Result<Markup, Problem> {
    let lang = ctx.lang;
    let t = |key: &str| TEXTS.get(lang, key);
    let asked = api::open_of(app, person.id).await?;
    let has_paper = person.papers.iter().any(|paper| paper.number.is_some());
    Ok(html! {
        @if asked.is_some() {
            section.card { p { (t("transfer-waits")) " " a href="/transfers" { (t("transfers-title")) } } }
        } @else if has_paper { (ask_form(lang, person)) }
        (discharge_form(lang, person))
    })
}

/// The fields that say by whose agreement; `of` keeps those of two forms apart.
fn agreement_fields(lang: Lang, of: &str) -> Markup {
    let t = |key: &str| TEXTS.get(lang, key);
    let choice = |value: &str, key: &str| Choice { value: value.to_owned(), words: t(key), chosen: false };
    let by = AgreementBy::ALL.iter().map(|by| choice(by.as_str(), &format!("agreement-by-{}", by.as_str())));
    let how = AgreementHow::ALL.iter().map(|how| choice(how.as_str(), &format!("agreement-how-{}", how.as_str())));
    let [by_id, name_id, how_id, on_id] = ["by", "name", "how", "on"].map(|field| format!("{of}-{field}"));
    let [by_label, name, how_label, on] = ["agreement-by", "agreement-name", "agreement-how", "agreement-on"].map(t);
    let by_field = Select { name: "agreed_by", id: &by_id, label: &by_label, required: true, ..Select::default() };
    let how_field = Select { name: "agreed_how", id: &how_id, label: &how_label, required: true, ..Select::default() };
    let name =
        Field { name: "agreed_name", id: &name_id, label: &name, required: true, chars_max: 40, ..Field::default() };
    let on = Field { name: "agreed_on", id: &on_id, label: &on, kind: "date", required: true, ..Field::default() };
    html! {
        (by_field.draw(&by.collect::<Vec<_>>()))
        (name.draw(lang, &Errors::default()))
        (how_field.draw(&how.collect::<Vec<_>>()))
        (on.draw(lang, &Errors::default()))
    }
}

fn ask_form(lang: Lang, person: &PersonView) -> Markup {
    let t = |key: &str| TEXTS.get(lang, key);
    let [note, help, ask] = ["transfer-note", "transfer-note-help", "transfer-ask-ask"].map(t);
    let fields = html! {
        p.help { (t("transfer-ask-what")) }
        input type="hidden" name="person_id" value=(person.id);
        (agreement_fields(lang, "transfer"))
        (Field { name: "note", id: "transfer-note", label: &note, help: Some(&help), chars_max: 500, ..Field::default() }.draw(lang, &Errors::default()))
        button.button type="submit" { (t("transfer-ask-do")) }
    };
    let send = Send { confirm: Some(&ask), then: Some("/transfers"), ..Send::to("POST /v1/transfers") };
    html! {
        details.card {
            summary { (t("transfer-ask-title")) }
            (form(lang, Some("transfer"), "stack", send, &fields))
        }
    }
}

fn discharge_form(lang: Lang, person: &PersonView) -> Markup {
    let t = |key: &str| TEXTS.get(lang, key);
    let [address, code, code_help, ask] =
        ["person-address", "discharge-area", "discharge-area-help", "discharge-ask"].map(t);
    let value = person.address.as_deref().unwrap_or_default();
    let area = person.area_code.as_deref().unwrap_or_default();
    let fields = html! {
        p.help { (t("discharge-what")) }
        (agreement_fields(lang, "discharge"))
        (Field { name: "address", id: "discharge-address", label: &address, value, required: true, chars_max: 200, ..Field::default() }.draw(lang, &Errors::default()))
        (Field { name: "area_code", label: &code, help: Some(&code_help), value: area, required: true, chars_max: 20, inputmode: Some("numeric"), ..Field::default() }
            .draw(lang, &Errors::default()))
        button.button.danger type="submit" { (t("discharge-do")) }
    };
    let call = format!("POST /v1/persons/{}/discharge", person.id);
    let send = Send { confirm: Some(&ask), then: Some("/transfers"), ..Send::step(&call, person.version) };
    html! {
        details.card {
            summary { (t("discharge-title")) }
            (form(lang, Some("discharge"), "stack", send, &fields))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_that_a_key_is_made_of_has_its_words() {
        let states = TransferStateName::ALL.iter().map(|s| format!("transfer-{}", s.as_str()));
        let by = AgreementBy::ALL.iter().map(|by| format!("agreement-by-{}", by.as_str()));
        let how = AgreementHow::ALL.iter().map(|how| format!("agreement-how-{}", how.as_str()));
        let steps =
            ["accept", "withdraw"].iter().flat_map(|s| [format!("transfer-{s}-do"), format!("transfer-{s}-ask")]);
        let lists =
            ["asked-of", "asked-by"].iter().flat_map(|l| [format!("transfers-{l}"), format!("transfers-{l}-none")]);
        assert_eq!(TEXTS.lacking(states.chain(by).chain(how).chain(steps).chain(lists)), [""; 0]);
    }
}
