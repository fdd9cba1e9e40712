//! The parts to read: the case beside the picture, the case on the page, the signed opinion.

use axum::extract::State as AppState;
use maud::{Markup, html};
use sanbao_platform::http::{Ctx, Path};
use sanbao_platform::lang::Lang;
use sanbao_platform::page::{self, Tone};
use sanbao_platform::policy::Decision;
use sanbao_platform::problem::Problem;

use super::{age, near, prose, readable, t, time};
use crate::App;
use crate::consult::id::ConsultId;
use crate::consult::model::Consult;
use crate::consult::opinion::{AdoptionDecision, Feedback, Opinion};
use crate::consult::paper::PaperKind;
use crate::consult::policy::ConsultAction;
use crate::consult::state::ConsultStateName;
use crate::texts;

/// `GET /consults/{id}/summary`: a fragment for the room's side panel; each read is audited.
pub(super) async fn summary(
    ctx: Ctx,
    AppState(app): AppState<App>,
    Path(id): Path<ConsultId>,
) -> Result<Markup, Problem> {
    let (consult, specialty) = readable(&mut app.deps.db.read().await?, &ctx, id).await?;
    let writes = consult.decide(&ctx.actor, specialty.as_deref(), ConsultAction::Opinion) == Decision::Allow;
    let lang = ctx.lang;
    Ok(html! {
        section.stack aria-label=(t(lang, "case")) {
            (facts(lang, &consult, &ctx))
            (case(lang, &consult, &ctx))
            @if writes {
                p { a.button href=(format!("/consults/{id}#opinion")) target="_blank" rel="noopener" { (t(lang, "write-opinion")) } }
            }
        }
    })
}

/// The person, the place and the time.
pub(super) fn facts(lang: Lang, consult: &Consult, ctx: &Ctx) -> Markup {
    let (zone, about) = (consult.zone_of(&ctx.actor), consult.about(&ctx.shows));
    html! {
        dl.facts {
            dt { (t(lang, "resident")) }
            dd {
                (about.name) " · " (t(lang, &format!("sex-{}", about.sex)))
                @if let Some(birthday) = about.birth_date { " · " (age(birthday, ctx.now())) " " (t(lang, "years")) }
            }
            dt { (t(lang, "inviting-side")) } dd { (consult.inviting.name(lang)) " · " (consult.requested_by_name) }
            dt { (t(lang, "invited-side")) }
            dd { (consult.invited.name(lang)) @if let Some(doctor) = &consult.doctor_name { " · " (doctor) } }
            @if let Some(a) = consult.state.appointment() {
                dt { (t(lang, "time")) } dd { (near(ctx, zone, a.interval.starts_at())) "–" (super::words(lang, zone).clock(a.interval.ends_at())) @if a.at_once { br; span.faint { (t(lang, if consult.state.name() == ConsultStateName::Scheduled { "booked-at-once-open" } else { "booked-at-once" })) } } }
            }
            @if let Some(asked) = consult.asked.filter(|_| consult.state.appointment().is_none()) {
                dt { (t(lang, "asked-time")) }
                dd {
                    (time(lang, zone, asked.interval.starts_at())) "–" (super::words(lang, zone).clock(asked.interval.ends_at()))
                    @if let Some(doctor) = &consult.asked_doctor_name { " · " (doctor) }
                    @if consult.state.name() == ConsultStateName::Submitted && asked.interval.starts_at() > ctx.now() { br; span.faint { (t(lang, "asked-is-held")) } }
                }
            }
            @if let Some(wanted) = consult.wanted_title { dt { (t(lang, "part-title")) } dd { (texts::title(lang, wanted)) } }
            @if let Some(room) = &consult.room_name { dt { (t(lang, "room")) } dd { (room) } }
            @if !consult.devices.is_empty() { dt { (t(lang, "devices-needed")) } dd { (device_names(lang, consult)) } }
            dt { (t(lang, "consent")) }
            dd { @if consult.has_consent { (page::badge(Tone::Ok, &t(lang, "has-consent"))) } @else { (page::badge(Tone::Warn, &t(lang, "no-consent"))) } }
        }
    }
}

/// The names of the devices that are to be brought.
pub(super) fn device_names(lang: Lang, consult: &Consult) -> String {
    let names = consult.devices.iter().map(|device| device.name.clone());
    let both = |all: String, one: String| super::TEXTS.with(lang, "devices-and", &[("all", &all), ("one", &one)]);
    names.reduce(both).unwrap_or_default()
}

/// 要带：便携心电图机
pub(super) fn bring(lang: Lang, consult: &Consult) -> String {
    super::TEXTS.with(lang, "devices-bring", &[("devices", &device_names(lang, consult))])
}

/// The parts of the invitation.
pub(super) fn case(lang: Lang, consult: &Consult, ctx: &Ctx) -> Markup {
    let (zone, about) = (consult.zone_of(&ctx.actor), consult.about(&ctx.shows));
    html! {
        h2 { (t(lang, "part-reason")) } (prose(&about.reason))
        h2 { (t(lang, "part-purpose")) } (prose(&about.purpose))
        h2 { (t(lang, "part-case_summary")) } (prose(&about.case_summary))
        p.faint { (t(lang, "part-wanted")) " " (near(ctx, zone, consult.wanted.0)) " – " (near(ctx, zone, consult.wanted.1)) }
    }
}

/// The opinion as a document.
pub(super) fn opinion(ctx: &Ctx, consult: &Consult, opinion: &Opinion, feedback: Option<&Feedback>) -> Markup {
    let (lang, zone) = (ctx.lang, consult.zone_of(&ctx.actor));
    html! {
        article.card #signed {
            h2 { (t(lang, "opinion")) }
            p.faint { (consult.invited.name(lang)) " → " (consult.inviting.name(lang)) " · " (consult.about(&ctx.shows).name) }
            @for (name, text) in opinion.parts.named() {
                @if !text.is_empty() { h3 { (t(lang, &format!("opinion-{name}"))) } (prose(text)) }
            }
            @if let Some(s) = &opinion.signature {
                dl.facts {
                    dt { (t(lang, "signed-by")) } dd { (s.name) " · " (s.title) " · " (s.institution) }
                    dt { (t(lang, "licence-no")) } dd { (s.licence_no) }
                    dt { (t(lang, "signed-at")) } dd { (time(lang, zone, s.signed_at)) }
                    dt { (t(lang, "content-hash")) } dd { code { (s.content_hash[..16.min(s.content_hash.len())]) "…" } }
                }
            }
            @if let Some(f) = feedback {
                h3 { (t(lang, "feedback")) }
                p { (page::badge(Tone::Info, &t(lang, decision_key(f.decision)))) " " (f.recorded_by_name) " · " (time(lang, zone, f.recorded_at)) }
                (prose(&f.note))
            }
            @if opinion.signature.is_some() {
                p { a.button href=(format!("/consults/{}/papers/{}", consult.id, PaperKind::Opinion)) { (t(lang, "print")) } }
            }
        }
    }
}

pub(super) fn decision_key(decision: AdoptionDecision) -> &'static str {
    match decision {
        AdoptionDecision::Adopted => "decision-adopted",
        AdoptionDecision::PartlyAdopted => "decision-partly_adopted",
        AdoptionDecision::NotAdopted => "decision-not_adopted",
    }
}
