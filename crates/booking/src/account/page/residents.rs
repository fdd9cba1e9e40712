//! A care home's residents: found, listed, added.

use axum::Form;
use axum::extract::State as AppState;
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};
use sanbao_platform::cn::PaperKind;
use sanbao_platform::http::{Ctx, PageCtx};
use sanbao_platform::lang::Lang;
use sanbao_platform::page::{Choice, Errors, Field, Select, Send, Tone, badge, count, empty, filters, form, head};
use sanbao_platform::problem::Problem;
use serde::Deserialize;

use super::TEXTS;
use super::pairs::other_paper;
use super::person::state_badge;
use crate::App;
use crate::account::input::Sex;
use crate::account::person::PersonView;
use crate::account::person::api::residents_for_page;

/// The text that is looked for; sent by POST, since it is a name or a number.
#[derive(Deserialize)]
pub(super) struct ResidentSearch {
    q: Option<String>,
}

pub(super) async fn residents(PageCtx(ctx): PageCtx, AppState(app): AppState<App>) -> Response {
    draw(&app, &ctx, None).await.map_or_else(Problem::into_response, Markup::into_response)
}

/// The same page with what was looked for.
pub(super) async fn found(
    PageCtx(ctx): PageCtx,
    AppState(app): AppState<App>,
    Form(search): Form<ResidentSearch>,
) -> Response {
    draw(&app, &ctx, search.q).await.map_or_else(Problem::into_response, Markup::into_response)
}

async fn draw(app: &App, ctx: &Ctx, q: Option<String>) -> Result<Markup, Problem> {
    let lang = ctx.lang;
    let t = |key: &str| TEXTS.get(lang, key);
    let q = q.filter(|q| !q.trim().is_empty());
    let found = residents_for_page(app, ctx, q.clone()).await?;
    let label = t("residents-search");
    let value = q.as_deref().unwrap_or_default();
    let search = Field { name: "q", label: &label, kind: "search", value, chars_max: 60, ..Field::default() };
    let body = html! {
        div.spread {
            h1 { (t("residents-title")) }
            div.toolbar {
                a.button href="/persons/pairs" { (t("pairs-title")) }
                a.button href="/persons/import" { (t("persons-import")) }
                a.button href="/transfers" { (t("transfers-title")) }
                a.button.primary href="#add" { (t("residents-add")) }
            }
        }
        (filters("find", "/residents", &t("search"), &search.draw(lang, &Errors::default())))
        @if found.items.is_empty() {
            (empty(&t(if q.is_some() { "residents-none-found" } else { "residents-none" }), Some(("#add", &t("residents-add")))))
        } @else {
            (count(lang, found.items.len(), found.next.is_some()))
            (table(lang, &found.items))
            @if found.next.is_some() { p.faint { (t("residents-more")) } }
        }
        section.card #add aria-labelledby="add-title" {
            h2 #add-title { (t("residents-add")) }
            p.help { (t("residents-add-moved")) }
            (add_form(lang))
        }
    };
    let scripts = ["/static/send.js", "/static/check.js"];
    Ok(app.deps.frame.page(lang, &t("residents-title"), Some(&ctx.actor), "/residents", &scripts, &body))
}

fn table(lang: Lang, people: &[PersonView]) -> Markup {
    let t = |key: &str| TEXTS.get(lang, key);
    let heads = ["person-name", "person-sex", "person-birth-date", "national-id", "phone", "guardian-name"].map(t);
    let sex = |sex: Sex| t(&format!("sex-{}", sex.as_str()));
    html! {
        div.scroll { table.table {
            (head(&heads.each_ref().map(String::as_str)))
            tbody {
                @for p in people {
                    tr {
                        th scope="row" {
                            a href=(format!("/persons/{}", p.id)) { (p.name) } " " (state_badge(lang, p))
                            @for warning in &p.warnings {
                                " " (badge(Tone::Warn, &t(&format!("person-warning-{}", warning.as_str()))))
                            }
                        }
                        td data-label=(t("person-sex")) { (sex(p.sex)) }
                        td data-label=(t("person-birth-date")) { (p.birth_date.map(|d| d.to_string()).unwrap_or_default()) }
                        td data-label=(t("national-id")) {
                            @if p.national_id_unreadable { (t("unreadable")) }
                            @else { (p.national_id.clone().or_else(|| other_paper(lang, p)).unwrap_or_else(|| "—".into())) }
                        }
                        td data-label=(t("phone")) { (p.phone.as_deref().unwrap_or("—")) }
                        td data-label=(t("guardian-name")) {
                            (p.guardian_name.as_deref().unwrap_or("—")) " " (p.guardian_phone.as_deref().unwrap_or_default())
                        }
                    }
                }
            }
        } }
    }
}

/// The papers that can be chosen; which of a resident id's and a permit's it is, the number says.
fn kinds(lang: Lang) -> Vec<Choice> {
    let other = PaperKind::ALL.iter().filter(|kind| **kind != PaperKind::ResidentId);
    let choice = |kind: &PaperKind| Choice {
        value: kind.as_str().to_owned(),
        words: TEXTS.get(lang, &format!("paper-{}", kind.as_str())),
        chosen: false,
    };
    other.map(choice).collect()
}

fn add_form(lang: Lang) -> Markup {
    let t = |key: &str| TEXTS.get(lang, key);
    let field = |name, key: &str, more: Field<'_>| {
        let label = t(key);
        Field { name, label: &label, ..more }.draw(lang, &Errors::default())
    };
    let [id_help, phone_help, bad_id, bad_phone] =
        ["national-id-help", "phone-help", "check-national-id", "check-phone"].map(t);
    let any = Field { chars_max: 40, ..Field::default() };
    let phone = Field { check: Some(("phone", &bad_phone)), inputmode: Some("tel"), chars_max: 40, ..Field::default() };
    let id = Field { help: Some(&id_help), check: Some(("national-id", &bad_id)), chars_max: 24, ..Field::default() };
    let fields = html! {
        (field("name", "person-name", Field { required: true, ..any }))
        (field("national_id", "national-id", id))
        details {
            summary { (t("paper-another")) }
            (Select { name: "paper_kind", label: &t("paper-kind"), none: Some(&t("paper-kind-any")), ..Select::default() }.draw(&kinds(lang)))
            (field("paper_number", "paper-number", Field { help: Some(&t("paper-number-help")), ..any }))
        }
        (field("phone", "phone", Field { help: Some(&phone_help), ..phone }))
        (field("guardian_name", "guardian-name", any))
        (field("guardian_phone", "guardian-phone", phone))
        button.button.primary type="submit" { (t("residents-save")) }
    };
    form(lang, None, "stack", Send { then: Some("/persons/{id}#sharing"), ..Send::to("POST /v1/persons") }, &fields)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::person::PersonWarning;

    #[test]
    fn every_name_that_a_key_is_made_of_has_its_words() {
        let kinds = PaperKind::ALL.iter().map(|kind| format!("paper-{}", kind.as_str()));
        let warnings = PersonWarning::ALL.iter().map(|w| format!("person-warning-{}", w.as_str()));
        assert_eq!(TEXTS.lacking(kinds.chain(warnings)), [""; 0]);
    }
}
