//! All that is kept of one person: a page from which it is shown, printed and taken as a file, each after another proof.

use axum::extract::State as AppState;
use axum::response::{IntoResponse as _, Response};
use chrono::{DateTime, Utc};
use maud::{Markup, html};
use sanbao_platform::audit::log;
use sanbao_platform::db::copy::ToldRow;
use sanbao_platform::http::{Ctx, PageCtx, Path};
use sanbao_platform::page::{Tone, Words, notice};
use sanbao_platform::problem::Problem;
use serde_json::Value;
use uuid::Uuid;

use super::TEXTS as ACCOUNT;
use crate::App;
use crate::account::id::PersonId;
use crate::account::organisation;
use crate::account::person::export::{self, ExportedSection, PersonExportView};
use crate::account::person::sheet::asks_requests;
use crate::texts::EXPORT as TEXTS;

/// The columns that have words. What is not among them is told by the file alone: ids, numbers of versions, places in logs.
const FIELDS: &[&str] = &[
    "organisation",
    "name",
    "sex",
    "birth_date",
    "phone",
    "phones",
    "paper_kind",
    "address",
    "area_code",
    "guardian_name",
    "guardian_phone",
    "state",
    "ended_on",
    "created_at",
    "changed_at",
    "account",
    "scope",
    "shared_with",
    "given_by",
    "given_name",
    "told",
    "given_on",
    "recorded_at",
    "withdrawn_at",
    "goes_to",
    "comes_from",
    "agreed_by",
    "agreed_name",
    "agreed_how",
    "agreed_on",
    "note",
    "asked_at",
    "decided_at",
    "reason",
    "joined_at",
    "separated_at",
    "field",
    "former",
    "kind",
    "declined_at",
    "source",
    "imported_at",
    "sign",
    "outcome",
    "opened_at",
    "ends_at",
    "reviewed_at",
    "remark",
    "starts_at",
    "holder_kind",
    "expires_at",
    "purpose",
    "wanted_from",
    "wanted_until",
    "case_summary",
    "wanted_specialty",
    "wanted_title",
    "urgency",
    "asked_starts_at",
    "asked_ends_at",
    "state_note",
    "state_since",
    "doctor",
    "delay_minutes",
    "overbooked_starts_at",
    "started_at",
    "finished_at",
    "relation",
    "method",
    "witness",
    "given_at",
    "impression",
    "differential",
    "suggested_tests",
    "suggested_treatment",
    "referral_advice",
    "follow_up",
    "risk_notes",
    "saved_at",
    "signed_at",
    "signer_name",
    "signer_title",
    "signer_institution",
    "signer_licence_no",
    "decision",
    "role",
    "revoked_at",
    "issued_at",
    "left_at",
    "together_seconds",
    "escalated_role",
    "escalated_since",
    "escalated_at",
    "place",
    "facts",
    "quality",
    "at",
    "result",
    "service_type",
    "request_withdrawn",
    "caregiver",
    "checked_in_at",
    "checked_out_at",
    "closed_at",
    "closed_reason",
    "latitude",
    "longitude",
    "accuracy_m",
    "aggregate",
    "actor_name",
    "step",
    "from_state",
    "to_state",
    "occurred_at",
    "action",
    "things",
    "since",
    "until",
    "number",
    "whose",
    "texts",
    "door",
    "manner",
    "clinical",
    "contacts",
    "address_detail",
    "access_hint",
    "key",
    "pets",
    "hearing",
    "sight",
    "language",
    "allergies",
    "devices",
    "wishes",
    "conditions",
    "ability",
    "ability_on",
    "guardian",
    "set_at",
    "lifted_at",
    "lift_reason",
];

/// Columns of which the values are names that have words already: section, column, the beginning of the key.
const NAMES: &[(&str, &str, &str)] = &[
    ("papers", "kind", "paper-"),
    ("person", "sex", "sex-"),
    ("person", "state", "person-state-"),
    ("person", "paper_kind", "paper-"),
    ("person_sharing_consent", "scope", "sharing-"),
    ("person_sharing_consent", "state", "sharing-"),
    ("person_sharing_consent", "given_by", "agreement-by-"),
    ("person_sharing_consent", "told", "agreement-how-"),
    ("person_transfer", "agreed_by", "agreement-by-"),
    ("person_transfer", "agreed_how", "agreement-how-"),
    ("consult", "state", "person-consult-"),
    ("visit", "state", "person-visit-"),
    ("elsewhere", "kind", "taken-"),
    ("occupancy", "holder_kind", "taken-"),
];

/// The page, on which nobody is shown yet.
pub(super) async fn page(PageCtx(ctx): PageCtx, AppState(app): AppState<App>, Path(id): Path<PersonId>) -> Response {
    draw(&app, &ctx, id).await.map_or_else(Problem::into_response, Markup::into_response)
}

async fn draw(app: &App, ctx: &Ctx, id: PersonId) -> Result<Markup, Problem> {
    let id = export::require(app, ctx, id).await?;
    let t = |key: &str| TEXTS.get(ctx.lang, key);
    let (title, failed) = (t("export-title"), t("export-failed"));
    let requests = asks_requests(&ctx.actor);
    let body = html! {
        p { a href=(format!("/persons/{id}")) { "← " (ACCOUNT.get(ctx.lang, "people-title")) } }
        h1 { (title) }
        p { (t("export-what")) }
        p.faint { (t("export-own")) }
        div.toolbar {
            button.button.primary #export-show type="button" data-failed=(failed) { (t("export-show")) }
            button.button type="button" data-export-file=(format!("/v1/persons/{id}/export")) data-failed=(failed) { (t("export-file")) }
            @if requests {
                button.button type="button" data-export-file=(format!("/v1/requests/export?person={id}")) data-failed=(failed) { (t("export-file-requests")) }
            }
            button.button type="button" data-action="print" { (t("export-print")) }
        }
        div data-export-part=(format!("/persons/{id}/export/part")) {}
        @if requests {
            section aria-labelledby="export-requests" {
                h2 #export-requests { (t("export-requests")) }
                div data-export-part=(format!("/requests/export/part?person={id}")) {}
            }
        }
    };
    Ok(app.deps.frame.page(ctx.lang, &title, Some(&ctx.actor), "/persons", &["/static/booking/export.js"], &body))
}

/// The contents, as a part of that page.
pub(super) async fn part(PageCtx(ctx): PageCtx, AppState(app): AppState<App>, Path(id): Path<PersonId>) -> Response {
    draw_part(&app, &ctx, id).await.map_or_else(Problem::into_response, Markup::into_response)
}

async fn draw_part(app: &App, ctx: &Ctx, id: PersonId) -> Result<Markup, Problem> {
    let zone = organisation::own(&mut app.deps.db.read().await?, ctx).await?.zone();
    let words = Words::new(&TEXTS, ctx.lang, zone);
    let view = export::exported(app, ctx, id).await?;
    Ok(contents(words, &view))
}

fn contents(words: Words, view: &PersonExportView) -> Markup {
    let made = words.with("export-made", &[("by", &*view.given_by), ("at", &*moment(words, view.made_at))]);
    html! {
        p.faint { (made) }
        @if !view.papers_whole { (notice(Tone::Info, &words.t("export-papers-masked"))) }
        @for section in &view.sections { (drawn(words, section)) }
    }
}

fn drawn(words: Words, section: &ExportedSection) -> Markup {
    html! {
        section.card {
            h2 { (words.t(&format!("export-section-{}", section.name))) }
            @if section.rows.is_empty() { p.faint { (words.t("export-none")) } }
            @if section.cut { (notice(Tone::Warn, &words.t("export-cut"))) }
            @for row in &section.rows { (line(words, section.name, row)) }
        }
    }
}

fn line(words: Words, section: &str, row: &ToldRow) -> Markup {
    let told = row.0.iter().filter(|(name, value)| FIELDS.contains(&name.as_str()) && !is_bare(value));
    html! {
        dl.facts { @for (name, value) in told {
            dt { (words.t(&format!("export-field-{name}"))) }
            dd { (value_of(words, section, name, value)) }
        } }
    }
}

/// Whether a value says nothing to a reader: nothing, or an id.
fn is_bare(value: &Value) -> bool {
    value.is_null() || value.as_str().is_some_and(|text| text.is_empty() || text.parse::<Uuid>().is_ok())
}

fn value_of(words: Words, section: &str, name: &str, value: &Value) -> Markup {
    match value {
        Value::String(text) => html! { (text_of(words, section, name, text)) },
        Value::Array(items) => html! { @for item in items { div { (value_of(words, section, name, item)) } } },
        Value::Object(members) => html! { @for (name, value) in members.iter().filter(|(_, value)| !is_bare(value)) {
            span {
                @if FIELDS.contains(&name.as_str()) { (words.t(&format!("export-field-{name}"))) } @else { (name) }
                " " (value_of(words, "", name, value)) " "
            }
        } },
        other => html! { (other) },
    }
}

fn text_of(words: Words, section: &str, name: &str, text: &str) -> String {
    if let Some((.., key)) = NAMES.iter().find(|(of, column, _)| (*of, *column) == (section, name)) {
        return ACCOUNT.get(words.lang, &format!("{key}{text}"));
    }
    if name == "action" {
        return log::told(words.lang, text).unwrap_or_else(|| text.to_owned());
    }
    text.parse::<DateTime<Utc>>().map_or_else(|_| text.to_owned(), |at| moment(words, at))
}

fn moment(words: Words, at: DateTime<Utc>) -> String {
    at.with_timezone(&words.zone).format("%Y-%m-%d %H:%M").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::person::export::{columns_told, section_names};

    /// The columns that a page does not tell beside ids: by which account, in which place, in which version.
    const FOR_PROGRAMS: &[&str] = &[
        "id",
        "version",
        "registered_by",
        "merged_into",
        "copied_from",
        "changed_by",
        "recorded_by",
        "asked_by",
        "to_organisation",
        "from_organisation",
        "decided_by_organisation",
        "joined_by",
        "separated_by",
        "declined_by",
        "set_by",
        "lifted_by",
        "reviewed_by",
        "lane",
        "requested_by",
        "saved_by",
        "created_by",
        "withdrawn_by",
        "fetched_by",
        "revoked_by",
        "person",
        "escalated_person",
        "actor",
        "subject",
        "position",
        "ordinal",
        "content_hash",
    ];

    #[test]
    fn every_name_that_a_key_is_made_of_has_its_words() {
        let told: Vec<String> = columns_told();
        let wordless: Vec<&String> = told
            .iter()
            .filter(|name| !FIELDS.contains(&name.as_str()) && !FOR_PROGRAMS.contains(&name.as_str()))
            .filter(|name| !name.ends_with("_id"))
            .collect();
        assert_eq!(wordless, Vec::<&String>::new());
        let fields = FIELDS.iter().map(|name| format!("export-field-{name}"));
        let sections = section_names().into_iter().map(|name| format!("export-section-{name}"));
        assert_eq!(TEXTS.lacking(fields.chain(sections)), [""; 0]);
    }
}
