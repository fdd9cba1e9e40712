//! The forms of one consult: each stands only where its step is possible for the reader.

use maud::{Markup, html};
use sanbao_platform::lang::Lang;

use super::detail::Sheet;
use super::record::decision_key;
use super::{TEXTS, clock, day, t, time};
use crate::consult::consent::{GivenBy, Method};
use crate::consult::guest::GuestRole;
use crate::consult::input::{DELAY_MINUTES_MAX, LONG_TEXT_CHARS_MAX, NAME_CHARS_MAX, TEXT_CHARS_MAX};
use crate::consult::opinion::{AdoptionDecision, Parts};
use crate::consult::ticket::RoomRole;

/// A step that needs nothing but the press of a button.
fn press(lang: Lang, sheet: &Sheet, step: &str, path: &str, main: bool) -> Markup {
    html! {
        form data-send=(format!("POST {}", sheet.path(path))) {
            button.button.primary[main].large[main] type="submit" { (t(lang, &format!("do-{step}"))) }
        }
    }
}

/// A step that asks once: opened first, with a reason.
fn with_reason(lang: Lang, sheet: &Sheet, step: &str, path: &str) -> Markup {
    let field = format!("reason-{step}");
    html! {
        details id=(format!("ask-{step}")) {
            summary { (t(lang, &format!("do-{step}"))) }
            form.stack novalidate data-send=(format!("POST {}", sheet.path(path))) {
                div.field {
                    label for=(field) { (t(lang, &format!("why-{step}"))) }
                    textarea id=(field) name="reason" rows="2" maxlength=(TEXT_CHARS_MAX) required {}
                }
                button.button.danger type="submit" { (t(lang, &format!("do-{step}"))) }
            }
        }
    }
}

/// What is to be done next, the main action first.
pub(super) fn next(lang: Lang, sheet: &Sheet) -> Markup {
    let any = ["submit", "accept", "schedule", "adopt", "archive"].iter().any(|step| sheet.can(step));
    html! {
        @if any {
            section.card.next aria-labelledby="to-do" {
                h2 #to-do { (t(lang, "to-do")) }
                @if sheet.can("accept") { (press(lang, sheet, "accept", "/accept", true)) }
                @if sheet.can("return") { (with_reason(lang, sheet, "return", "/return")) }
                @if sheet.can("reject") { (with_reason(lang, sheet, "reject", "/reject")) }
                @if sheet.can("schedule") { (schedule(lang, sheet, "schedule")) }
                @if sheet.can("submit") {
                    div.toolbar {
                        (press(lang, sheet, "submit", "/submit", true))
                        a.button href=(format!("/consults/new?id={}", sheet.consult.id)) { (t(lang, "do-revise")) }
                    }
                }
                @if sheet.can("adopt") { (adopt(lang, sheet)) }
                @if sheet.can("archive") { (press(lang, sheet, "archive", "/archive", true)) }
            }
        }
    }
}

/// What changes a booked consult, and what ends it.
pub(super) fn change(lang: Lang, sheet: &Sheet) -> Markup {
    let any = ["delay", "reschedule", "finish", "no_show", "cancel"].iter().any(|step| sheet.can(step));
    let minutes = sheet.consult.state.appointment().map_or(0, |a| a.delay_minutes);
    html! {
        @if any {
            section.card.stack aria-labelledby="changes" {
                h2 #changes { (t(lang, "changes")) }
                @if sheet.can("delay") {
                    form.toolbar novalidate data-send=(format!("POST {}", sheet.path("/delay"))) {
                        div.field {
                            label for="minutes" { (t(lang, "delay-minutes")) }
                            input id="minutes" name="minutes" type="number" min="0" max=(DELAY_MINUTES_MAX) step="5" inputmode="numeric" value=(minutes.max(10));
                        }
                        button.button type="submit" { (t(lang, "do-delay")) }
                    }
                }
                @if sheet.can("reschedule") {
                    details #ask-reschedule { summary { (t(lang, "do-reschedule")) } (schedule(lang, sheet, "reschedule")) }
                }
                @if sheet.can("finish") { (press(lang, sheet, "finish", "/finish", false)) p.faint { (t(lang, "finish-help")) } }
                @if sheet.can("no_show") { (with_reason(lang, sheet, "no_show", "/no-show")) }
                @if sheet.can("cancel") { (with_reason(lang, sheet, "cancel", "/cancel")) }
            }
        }
    }
}

/// Room and time; the value of a time is `doctor|start`.
fn schedule(lang: Lang, sheet: &Sheet, step: &str) -> Markup {
    let zone = sheet.consult.zone_of(&sheet.ctx.actor);
    let others = sheet.slots.iter().any(|s| Some(s.doctor_id) != sheet.consult.state.doctor());
    let room = sheet.consult.state.appointment().map(|a| a.room);
    html! {
        @if sheet.rooms.is_empty() { p.notice.warn { (t(lang, "no-rooms")) } }
        @else if sheet.slots.is_empty() { p.notice.warn { (t(lang, "no-slots")) } }
        @else {
            form.stack novalidate data-schedule=(sheet.path(&format!("/{step}"))) data-taken=(t(lang, "taken-choose")) {
                div.field {
                    label for=(format!("slot-{step}")) { (t(lang, "time")) }
                    select id=(format!("slot-{step}")) name="starts_at" required {
                        @for s in &sheet.slots {
                            option value=(format!("{}|{}", s.doctor_id, s.starts_at.to_rfc3339())) {
                                (day(lang, s.starts_at.with_timezone(&zone).date_naive())) " " (clock(zone, s.starts_at)) "–" (clock(zone, s.ends_at))
                                @if others { " · " (s.doctor_name) }
                            }
                        }
                    }
                    p.help { (t(lang, "slot-help")) }
                }
                div.field {
                    label for=(format!("room-{step}")) { (t(lang, "room")) }
                    select id=(format!("room-{step}")) name="room_id" required {
                        @for (id, name) in &sheet.rooms { option value=(id) selected[room == Some(*id)] { (name) } }
                    }
                }
                button.button.primary.large[step == "schedule"] type="submit" { (t(lang, &format!("do-{step}"))) }
            }
        }
    }
}

/// The consents, and the form for another; nobody enters the room without one.
pub(super) fn consent(lang: Lang, sheet: &Sheet) -> Markup {
    let zone = sheet.consult.zone_of(&sheet.ctx.actor);
    let records = sheet.inviting && !sheet.consult.state.is_final();
    html! {
        section.card #consent aria-labelledby="consent-title" {
            h2 #consent-title { (t(lang, "consent")) }
            @for c in &sheet.consents {
                div.stack {
                    p {
                        @if c.withdrawn_at.is_some() { span.badge.bad { (t(lang, "withdrawn")) } }
                        @else { span.badge.ok { (t(lang, "has-consent")) } }
                        " " (c.name) @if let Some(relation) = &c.relation { "(" (relation) ")" }
                        " · " (t(lang, if c.method == Method::Written { "method-written" } else { "method-verbal" }))
                        @if let Some(witness) = &c.witness { " · " (t(lang, "witness")) " " (witness) }
                    }
                    p.faint { (time(lang, zone, c.given_at)) " · " (t(lang, "recorded-by")) " " (c.recorded_by_name) }
                    @if records && c.withdrawn_at.is_none() {
                        form data-send=(format!("POST {}", sheet.path(&format!("/consents/{}/withdraw", c.id)))) {
                            button.plain type="submit" { (t(lang, "do-withdraw")) }
                        }
                    }
                }
            }
            @if records && !sheet.consult.has_consent { (consent_form(lang, sheet)) }
            @else if !sheet.consult.has_consent { p.notice.warn { (t(lang, "consent-is-missing")) } }
        }
    }
}

fn consent_form(lang: Lang, sheet: &Sheet) -> Markup {
    let name = |c: GivenBy| if c == GivenBy::Resident { "resident" } else { "guardian" };
    html! {
        p { (t(lang, "consent-help")) }
        form.stack novalidate data-send=(format!("POST {}", sheet.path("/consents"))) {
            div.field {
                label for="given_by" { (t(lang, "given-by")) }
                select id="given_by" name="given_by" {
                    @for who in [GivenBy::Resident, GivenBy::Guardian] { option value=(name(who)) { (t(lang, &format!("by-{}", name(who)))) } }
                }
            }
            div.field {
                label for="consent-name" { (t(lang, "name")) }
                input id="consent-name" name="name" maxlength=(NAME_CHARS_MAX) value=(sheet.consult.resident_name) required;
            }
            div.field {
                label for="consent-relation" { (t(lang, "relation")) }
                input id="consent-relation" name="relation" maxlength=(NAME_CHARS_MAX);
                p.help { (t(lang, "relation-help")) }
            }
            div.field {
                label for="method" { (t(lang, "method")) }
                select id="method" name="method" {
                    option value="written" { (t(lang, "method-written")) }
                    option value="verbal_with_witness" { (t(lang, "method-verbal")) }
                }
            }
            div.field {
                label for="witness" { (t(lang, "witness")) }
                input id="witness" name="witness" maxlength=(NAME_CHARS_MAX);
                p.help { (t(lang, "witness-help")) }
            }
            button.button.primary type="submit" { (t(lang, "do-consent")) }
        }
    }
}

/// The family's links.
pub(super) fn guests(lang: Lang, sheet: &Sheet) -> Markup {
    let zone = sheet.consult.zone_of(&sheet.ctx.actor);
    let open = !sheet.consult.state.is_final();
    let standing = sheet.guests.iter().filter(|g| g.revoked_at.is_none());
    html! {
        @if open {
            section.card aria-labelledby="guests-title" {
                h2 #guests-title { (t(lang, "guests")) }
                @for g in standing {
                    div.spread {
                        p {
                            (g.name) "(" (g.relation) ")"
                            @if g.role != GuestRole::Guest { " " span.badge.info { (t(lang, &format!("role-{}", RoomRole::from(g.role).as_str()))) } }
                            br; span.faint { (t(lang, "until")) " " (time(lang, zone, g.expires_at)) }
                        }
                        div.toolbar {
                            button.button type="button" data-guest-resend=(sheet.path(&format!("/guest-links/{}/resend", g.id))) { (t(lang, "do-resend")) }
                            button.plain type="button" data-guest-revoke=(sheet.path(&format!("/guest-links/{}", g.id))) { (t(lang, "do-revoke")) }
                        }
                    }
                }
                div #guest-link.notice.info role="status" hidden {
                    p { (t(lang, "guest-send-this")) }
                    div.field { label for="guest-url" { (t(lang, "link")) } input id="guest-url" readonly; }
                    button.button type="button" data-copy { (t(lang, "do-copy")) }
                }
                form.stack novalidate data-guest=(sheet.path("/guest-links")) {
                    div.field { label for="guest-name" { (t(lang, "name")) } input id="guest-name" name="name" maxlength=(NAME_CHARS_MAX) required; }
                    div.field { label for="guest-relation" { (t(lang, "relation")) } input id="guest-relation" name="relation" maxlength=(NAME_CHARS_MAX) required; }
                    div.field {
                        label for="guest-role" { (t(lang, "guest-role")) }
                        select id="guest-role" name="role" {
                            @for role in ["guest", "interpreter", "observer"] { option value=(role) { (t(lang, &format!("role-{role}"))) } }
                        }
                    }
                    button.button type="submit" { (t(lang, "do-guest")) }
                }
            }
        }
    }
}

/// The opinion's draft; saved by itself, signed by the doctor.
pub(super) fn opinion(lang: Lang, sheet: &Sheet) -> Markup {
    let empty = Parts::default();
    let (parts, version) = sheet.opinion.as_ref().map_or((&empty, None), |o| (&o.parts, Some(o.version)));
    html! {
        section.card.next #opinion aria-labelledby="opinion-title" {
            h2 #opinion-title { (t(lang, "write-opinion")) }
            form #opinion-form.stack novalidate data-path=(sheet.path("/opinion")) data-sign=(sheet.path("/sign")) data-version=[version]
                data-saved=(t(lang, "saved")) data-unsaved=(t(lang, "unsaved")) data-ask=(t(lang, "ask-sign")) {
                @for (name, text) in parts.named() {
                    div.field {
                        label for=(name) {
                            (t(lang, &format!("opinion-{name}")))
                            @if matches!(name, "impression" | "suggested_treatment") { " " (t(lang, "needed")) }
                        }
                        textarea id=(name) name=(name) rows=(if name == "impression" || name == "suggested_treatment" { 4 } else { 2 })
                            maxlength=(LONG_TEXT_CHARS_MAX) { (text) }
                    }
                }
                p #opinion-state.faint role="status" {}
                div.toolbar {
                    button.button.primary.large type="submit" data-sign-now hidden[!sheet.can("sign")] { (t(lang, "do-sign")) }
                    button.button type="button" data-save-now { (t(lang, "save-draft")) }
                }
            }
        }
    }
}

fn adopt(lang: Lang, sheet: &Sheet) -> Markup {
    let all = [AdoptionDecision::Adopted, AdoptionDecision::PartlyAdopted, AdoptionDecision::NotAdopted];
    let value = |d: AdoptionDecision| decision_key(d).trim_start_matches("decision-");
    html! {
        p { (TEXTS.get(lang, "adopt-help")) }
        form.stack novalidate data-send=(format!("POST {}", sheet.path("/adopt"))) {
            fieldset.field {
                legend { (t(lang, "feedback")) }
                @for d in all {
                    label.choice { input type="radio" name="decision" value=(value(d)) checked[d == AdoptionDecision::Adopted]; (t(lang, decision_key(d))) }
                }
            }
            div.field {
                label for="adopt-note" { (t(lang, "adopt-note")) }
                textarea id="adopt-note" name="note" rows="3" maxlength=(TEXT_CHARS_MAX) {}
            }
            button.button.primary.large type="submit" { (t(lang, "do-adopt")) }
        }
    }
}
