//! The same as a part of another service's page.

use axum::extract::State as AppState;
use axum::response::{IntoResponse as _, Response};
use chrono::{DateTime, Utc};
use maud::{Markup, html};
use sanbao_platform::audit::log;
use sanbao_platform::db::copy::ToldRow;
use sanbao_platform::http::{Ctx, PageCtx, Query};
use sanbao_platform::lang::Lang;
use sanbao_platform::problem::Problem;
use serde_json::Value;

use super::api;
use super::view::{ExportQuery, ExportedRequest, RequestsExport};
use crate::request::state::RequestStateName;
use crate::request::{Category, Urgency};
use crate::texts::{self, TEXTS};
use crate::{App, ZONE, door, matter};
use sanbao_platform::text_enum::TextEnum as _;

/// The columns that have words. What is not among them is told by the file alone: ids and numbers of versions.
pub(super) const FIELDS: &[&str] = &[
    "source",
    "external_id",
    "received_at",
    "area",
    "category",
    "category_raw",
    "urgency",
    "elder_name",
    "phone",
    "address",
    "note",
    "wanted_from",
    "wanted_until",
    "agency",
    "state",
    "state_since",
    "accepted_at",
    "at",
    "actor_name",
    "step",
    "to_state",
    "reason",
    "occurred_at",
    "action",
    "area_code",
    "birth_year",
    "kind",
    "ended_on",
];

pub(in crate::request) async fn part(
    PageCtx(ctx): PageCtx,
    AppState(app): AppState<App>,
    Query(of): Query<ExportQuery>,
) -> Response {
    draw(&app, &ctx, of).await.map_or_else(Problem::into_response, Markup::into_response)
}

async fn draw(app: &App, ctx: &Ctx, of: ExportQuery) -> Result<Markup, Problem> {
    Ok(match api::exported(app, ctx, of.person).await? {
        Some(view) => contents(ctx.lang, &view),
        None => html! { p.faint { (TEXTS.get(ctx.lang, "part-none")) } },
    })
}

fn contents(lang: Lang, view: &RequestsExport) -> Markup {
    let t = |key: &str| TEXTS.get(lang, key);
    html! {
        @if view.others > 0 { p.faint { (TEXTS.with(lang, "export-others", &[("count", &view.others.to_string())])) } }
        @if view.cut { p.faint { (t("export-cut")) } }
        @for row in &view.elder { section.card { h3 { (t("export-elder")) } (line(lang, row)) } }
        @for item in &view.items { (request(lang, item)) }
        @for item in &view.doors { (door::exported(lang, &item.door, &item.history)) }
        @for item in &view.matters { (matter::exported(lang, &item.matter, &item.history)) }
    }
}

fn request(lang: Lang, item: &ExportedRequest) -> Markup {
    let lists = [
        ("export-history", &item.history),
        ("export-read-by", &item.read_by),
        ("export-changed-by", &item.changed_by),
        ("export-told", &item.told),
    ];
    html! {
        section.card {
            h3 { a href=(format!("/requests/{}", item.id)) { (TEXTS.get(lang, "export-request")) } }
            (line(lang, &item.request))
            @if let Some(number) = &item.national_id {
                dl.facts { dt { (TEXTS.get(lang, "export-national-id")) } dd { (number) } }
            }
            @if item.cut { p.faint { (TEXTS.get(lang, "export-cut")) } }
            @for (key, rows) in lists.into_iter().filter(|(_, rows)| !rows.is_empty()) {
                h4 { (TEXTS.get(lang, key)) }
                @for row in rows { (line(lang, row)) }
            }
        }
    }
}

fn line(lang: Lang, row: &ToldRow) -> Markup {
    let known = |value: &Value| !value.is_null() && value.as_str() != Some("");
    let told = row.0.iter().filter(|(name, value)| FIELDS.contains(&name.as_str()) && known(value));
    html! {
        dl.facts { @for (name, value) in told {
            dt { (TEXTS.get(lang, &format!("export-field-{name}"))) }
            dd { (words_of(lang, name, value)) }
        } }
    }
}

fn words_of(lang: Lang, name: &str, value: &Value) -> String {
    let Some(text) = value.as_str() else { return value.to_string() };
    let state = |text| RequestStateName::from_text(text).map(|state| texts::state(lang, state));
    let known = match name {
        "category" => Category::from_text(text).map(|category| texts::category(lang, category)),
        "urgency" => Urgency::from_text(text).map(|urgency| texts::urgency(lang, urgency)),
        "state" | "to_state" => state(text),
        "step" => Some(texts::step(lang, text)),
        "action" => log::told(lang, text),
        _ => {
            let at = text.parse::<DateTime<Utc>>().ok();
            at.map(|at| at.with_timezone(&ZONE).format("%Y-%m-%d %H:%M").to_string())
        }
    };
    known.unwrap_or_else(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_that_a_key_is_made_of_has_its_words() {
        assert_eq!(TEXTS.lacking(FIELDS.iter().map(|name| format!("export-field-{name}"))), [""; 0]);
    }
}
