//! The record that is open: a banner with the time left, the person, the case and opinion of each consult.

use axum::extract::State as AppState;
use chrono::{DateTime, Utc};
use maud::{Markup, html};
use sanbao_platform::http::{PageCtx, Path};
use sanbao_platform::page::{Age, Words, count, empty};
use sanbao_platform::problem::Problem;

use super::super::api::record_of;
use super::super::id::EmergencyAccessId;
use super::super::view::EmergencyRecord;
use super::{PATH, SCRIPT, words};
use crate::App;
use crate::account::person::PersonView;
use crate::consult::ConsultRecord;
use crate::texts::{ACCOUNT, CONSULT};

/// `GET /emergency-accesses/{id}`; each reading is audited.
pub(super) async fn record_page(
    PageCtx(ctx): PageCtx,
    AppState(app): AppState<App>,
    Path(id): Path<EmergencyAccessId>,
) -> Result<Markup, Problem> {
    let record = record_of(&app, &ctx, id).await?;
    let words = words(&app, &ctx).await?;
    let title = format!("{} · {}", record.person.name, words.t("emergency"));
    let body = body(words, &record, ctx.now());
    Ok(app.deps.frame.page(ctx.lang, &title, Some(&ctx.actor), PATH, &[SCRIPT], &body))
}

fn body(words: Words, record: &EmergencyRecord, now: DateTime<Utc>) -> Markup {
    html! {
        p { a href=(PATH) { "← " (words.t("emergency")) } }
        (banner(words, record, now))
        h1 { (record.person.name) }
        section.card { (person(words, &record.person)) }
        h2 { (words.t("consults")) }
        @if record.consults.is_empty() { (empty(&words.t("consults-none"), None)) }
        @else {
            (count(words.lang, record.consults.len(), record.more))
            @for one in &record.consults { (consult(words, one)) }
        }
    }
}

/// The page asks anew when the hour is over, and is then refused.
fn banner(words: Words, record: &EmergencyRecord, now: DateTime<Utc>) -> Markup {
    let ends_at = record.access.ends_at.unwrap_or(now);
    html! {
        p.notice.warn role="status" data-emergency-seconds=((ends_at - now).num_seconds()) {
            strong { (words.t("banner")) " · " (words.age(Age::Left, ends_at, now)) } " · "
            (words.with("banner-until", &[("time", &words.clock(ends_at))]))
        }
        p.faint { (words.with("banner-reason", &[("reason", &record.access.reason)])) }
    }
}

fn person(words: Words, p: &PersonView) -> Markup {
    let t = |key: &str| ACCOUNT.get(words.lang, key);
    let or_none = |text: Option<&str>| text.unwrap_or("—").to_owned();
    let guardian = [&p.guardian_name, &p.guardian_phone].into_iter().flatten().map(String::as_str).collect::<Vec<_>>();
    html! {
        dl.facts {
            dt { (t("person-sex")) } dd { (t(&format!("sex-{}", p.sex.as_str()))) }
            dt { (t("person-birth-date")) } dd { (p.birth_date.map_or_else(|| "—".to_owned(), |day| day.to_string())) }
            dt { (t("national-id")) } dd { (or_none(p.national_id.as_deref())) }
            dt { (t("phone")) } dd { (or_none(p.phone.as_deref())) }
            dt { (t("guardian-name")) } dd { (or_none(Some(guardian.join(" ").as_str()).filter(|text| !text.is_empty()))) }
            dt { (words.t("address")) } dd { (or_none(p.address.as_deref())) }
        }
    }
}

fn prose(text: &str) -> Markup {
    html! { @for line in text.lines().filter(|line| !line.trim().is_empty()) { p { (line) } } }
}

fn consult(words: Words, one: &ConsultRecord) -> Markup {
    let t = |key: &str| CONSULT.get(words.lang, key);
    let name = |zh: &str, en: &str| words.lang.pick(zh, en).to_owned();
    html! {
        article.card {
            h3 { (words.time(one.at)) " · " (t(&format!("state-{}", one.state))) }
            p.faint {
                (name(&one.inviting.name_zh, &one.inviting.name_en)) " → " (name(&one.invited.name_zh, &one.invited.name_en))
                @if let Some(doctor) = &one.doctor_name { " · " (doctor) }
            }
            @for (key, text) in [("reason", &one.reason), ("purpose", &one.purpose), ("case_summary", &one.case_summary)] {
                h4 { (t(&format!("part-{key}"))) } (prose(text))
            }
            @if let Some(opinion) = &one.opinion {
                h4 { (t("opinion")) }
                @for (key, text) in opinion.parts.named() {
                    @if !text.is_empty() { p.strong { (t(&format!("opinion-{key}"))) } (prose(text)) }
                }
                @if let Some(s) = &opinion.signature { p.faint { (s.name) " · " (s.title) " · " (s.institution) " · " (words.time(s.signed_at)) } }
            }
        }
    }
}
