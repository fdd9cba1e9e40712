//! A care home's residents: found, listed, added.

use axum::extract::{Query, State};
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};
use sanbao_platform::http::{Ctx, PageCtx};
use sanbao_platform::lang::Lang;
use serde::Deserialize;

use super::TEXTS;
use super::form::{Errors, Field};
use crate::App;
use crate::account::border::Sex;
use crate::account::person::{PersonView, api::residents_for_page};

/// What is looked for.
#[derive(Deserialize)]
pub(super) struct Search {
    q: Option<String>,
}

pub(super) async fn page(PageCtx(ctx): PageCtx, State(app): State<App>, Query(search): Query<Search>) -> Response {
    match draw(&app, &ctx, search.q).await {
        Ok(page) => page.into_response(),
        Err(problem) => problem.into_response(),
    }
}

async fn draw(app: &App, ctx: &Ctx, q: Option<String>) -> Result<Markup, sanbao_platform::problem::Problem> {
    let lang = ctx.lang;
    let t = |key: &str| TEXTS.get(lang, key);
    let found = residents_for_page(app, ctx, q.clone()).await?;
    let body = html! {
        h1 { (t("residents-title")) }
        form.toolbar method="get" action="/residents" role="search" {
            div.field {
                label for="q" { (t("residents-search")) }
                input id="q" name="q" type="search" value=(q.as_deref().unwrap_or_default()) maxlength="60";
            }
            button.button type="submit" { (t("search")) }
            a.button.primary href="#add" { (t("residents-add")) }
        }
        @if found.items.is_empty() {
            p.empty { (t(if q.is_some() { "residents-none-found" } else { "residents-none" })) }
        } @else {
            (table(lang, &found.items))
            @if found.next.is_some() { p.faint { (t("residents-more")) } }
        }
        section.card #add aria-labelledby="add-title" {
            h2 #add-title { (t("residents-add")) }
            (add_form(lang))
        }
    };
    let scripts = ["/static/account-form.js"];
    Ok(app.deps.frame.page(lang, &t("residents-title"), Some(&ctx.actor), "/residents", &scripts, &body))
}

fn table(lang: Lang, people: &[PersonView]) -> Markup {
    let t = |key: &str| TEXTS.get(lang, key);
    let sex = |sex: Sex| t(&format!("sex-{}", sex.as_str()));
    html! {
        div.scroll { table.table {
            caption.faint { (TEXTS.with(lang, "residents-count", &[("count", &people.len().to_string())])) }
            thead { tr {
                @for head in ["person-name", "person-sex", "person-birth-date", "national-id", "phone", "guardian-name"] {
                    th scope="col" { (t(head)) }
                }
            } }
            tbody {
                @for p in people {
                    tr {
                        th scope="row" { (p.name) }
                        td data-label=(t("person-sex")) { (sex(p.sex)) }
                        td data-label=(t("person-birth-date")) { (p.birth_date.map(|d| d.to_string()).unwrap_or_default()) }
                        td data-label=(t("national-id")) { (p.national_id.as_deref().unwrap_or("—")) }
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

fn add_form(lang: Lang) -> Markup {
    let t = |key: &str| TEXTS.get(lang, key);
    let none = Errors::default();
    let field = |name, label| Field { name, label, ..Field::default() };
    let tel = Some("tel");
    let fields = [
        Field { required: true, chars_max: 40, ..field("name", "person-name") },
        Field { help: true, check: Some("national-id"), chars_max: 24, ..field("national_id", "national-id") },
        Field { help: true, check: Some("phone"), inputmode: tel, chars_max: 20, ..field("phone", "phone") },
        Field { chars_max: 40, ..field("guardian_name", "guardian-name") },
        Field { check: Some("phone"), inputmode: tel, chars_max: 20, ..field("guardian_phone", "guardian-phone") },
    ];
    html! {
        form.stack data-api="POST /v1/persons" data-then="/residents" novalidate
            data-bad-national-id=(t("check-national-id")) data-bad-phone=(t("check-phone")) {
            @for field in &fields { (field.draw(lang, &none)) }
            button.button.primary type="submit" { (t("residents-save")) }
        }
    }
}
