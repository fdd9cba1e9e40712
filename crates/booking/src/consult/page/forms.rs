//! The forms of one consult: each stands only where its step is possible for the reader.

use maud::{Markup, html};
use sanbao_platform::lang::Lang;
use sanbao_platform::page::{self, Errors, Field, Select, Send, Tone};

use super::record::decision_key;
use super::sheet::{Colleagues, Sending, Sheet};
use super::{exchange, named, schedule, t, time};
use crate::consult::consent::Method;
use crate::consult::guest::{GuestRole, GuestView};
use crate::consult::input::{DELAY_MINUTES_MAX, LONG_TEXT_CHARS_MAX, NAME_CHARS_MAX, TEXT_CHARS_MAX};
use crate::consult::opinion::{AdoptionDecision, Parts};
use crate::consult::ticket::RoomRole;

/// A form that takes a step of the consult as it is shown.
fn step_form(lang: Lang, sheet: &Sheet, path: &str, class: &str, fields: &Markup) -> Markup {
    let call = sheet.call("POST", path);
    page::form(lang, None, class, Send::step(&call, sheet.consult.version), fields)
}

/// A form for a part of the consult, such as a consent; the parts have no version.
fn part_form(lang: Lang, call: &str, fields: &Markup) -> Markup {
    page::form(lang, None, "stack", Send::to(call), fields)
}

/// A step that needs nothing but the press of a button.
fn press(lang: Lang, sheet: &Sheet, step: &str, path: &str, main: bool) -> Markup {
    let button = html! { button.button.primary[main].large[main] type="submit" { (t(lang, &format!("do-{step}"))) } };
    step_form(lang, sheet, path, "", &button)
}

/// A step that asks once: opened first, with a reason.
fn with_reason(lang: Lang, sheet: &Sheet, step: &str, path: &str) -> Markup {
    let (id, label) = (format!("reason-{step}"), t(lang, &format!("why-{step}")));
    let reason = Field { id: &id, required: true, ..page::area("reason", &label, 2, TEXT_CHARS_MAX) };
    let fields = html! {
        (reason.draw(lang, &Errors::default()))
        button.button.danger type="submit" { (t(lang, &format!("do-{step}"))) }
    };
    html! {
        details id=(format!("ask-{step}")) {
            summary { (t(lang, &format!("do-{step}"))) }
            (step_form(lang, sheet, path, "stack", &fields))
        }
    }
}

/// The next thing to be done, the main action first.
pub(super) fn next(lang: Lang, sheet: &Sheet) -> Markup {
    let any = ["submit", "accept", "schedule", "adopt", "archive"].iter().any(|step| sheet.can(step));
    html! {
        @if any {
            section.card.next aria-labelledby="to-do" {
                h2 #to-do { (t(lang, "to-do")) }
                @if sheet.can("accept") { (press(lang, sheet, "accept", "/accept", true)) }
                @if sheet.can("return") { (with_reason(lang, sheet, "return", "/return")) }
                @if sheet.can("reject") { (with_reason(lang, sheet, "reject", "/reject")) }
                @if sheet.can("schedule") { (schedule::form(lang, sheet, "schedule")) }
                @if sheet.can("submit") {
                    @if sheet.sending == Sending::Books { (page::notice(Tone::Info, &t(lang, "submit-at-once"))) }
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

/// The forms that change a booked consult, and what ends it.
pub(super) fn change(lang: Lang, sheet: &Sheet) -> Markup {
    let returns = sheet.can("return") && sheet.consult.state.appointment().is_some();
    let any = returns || ["delay", "reschedule", "finish", "no_show", "cancel"].iter().any(|step| sheet.can(step));
    let minutes = sheet.consult.state.appointment().map_or(0, |a| a.delay_minutes);
    html! {
        @if any {
            section.card.stack aria-labelledby="changes" {
                h2 #changes { (t(lang, "changes")) }
                @if sheet.can("delay") {
                    (delay(lang, sheet, minutes))
                }
                @if sheet.can("reschedule") {
                    details #ask-reschedule open[matches!(sheet.colleagues, Colleagues::Free(_))] { summary { (t(lang, "do-reschedule")) } (schedule::form(lang, sheet, "reschedule")) }
                }
                @if sheet.can("exchange") { (exchange::form(lang, sheet)) }
                @if returns { p.faint { (t(lang, "return-at-once-help")) } (with_reason(lang, sheet, "return", "/return")) }
                @if sheet.can("finish") { (press(lang, sheet, "finish", "/finish", false)) p.faint { (t(lang, "finish-help")) } }
                @if sheet.can("no_show") { (with_reason(lang, sheet, "no_show", "/no-show")) }
                @if sheet.can("cancel") { (with_reason(lang, sheet, "cancel", "/cancel")) }
            }
        }
    }
}

fn delay(lang: Lang, sheet: &Sheet, minutes: i32) -> Markup {
    let fields = html! {
        div.field {
            label for="minutes" { (t(lang, "delay-minutes")) }
            input id="minutes" name="minutes" type="number" min="0" max=(DELAY_MINUTES_MAX) step="5" inputmode="numeric" value=(minutes.max(10));
        }
        @if minutes > 0 { label.choice { input type="checkbox" name="agreed"; (t(lang, "delay-agreed")) } }
        button.button type="submit" { (t(lang, "do-delay")) }
    };
    step_form(lang, sheet, "/delay", "toolbar", &fields)
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
                        @if c.withdrawn_at.is_some() { (page::badge(Tone::Bad, &t(lang, "withdrawn"))) }
                        @else { (page::badge(Tone::Ok, &t(lang, "has-consent"))) }
                        " " @if let Some(relation) = &c.relation { (named(lang, &c.name, relation)) } @else { (c.name) }
                        " · " (t(lang, if c.method == Method::Written { "method-written" } else { "method-verbal" }))
                        @if let Some(witness) = &c.witness { " · " (t(lang, "witness")) " " (witness) }
                    }
                    p.faint { (time(lang, zone, c.given_at)) " · " (t(lang, "recorded-by")) " " (c.recorded_by_name) }
                    @if records && c.withdrawn_at.is_none() {
                        @let call = sheet.call("POST", &format!("/consents/{}/withdraw", c.id));
                        (withdraw(lang, &call))
                    }
                }
            }
            @if records && !sheet.consult.has_consent { (consent_form(lang, sheet)) }
            @else if !sheet.consult.has_consent { p.notice.warn { (t(lang, "consent-is-missing")) } }
        }
    }
}

/// Without a consent nobody enters, so it asks once.
fn withdraw(lang: Lang, call: &str) -> Markup {
    let ask = t(lang, "ask-withdraw");
    let send = Send { confirm: Some(&ask), ..Send::to(call) };
    page::form(lang, None, "stack", send, &html! { button.plain type="submit" { (t(lang, "do-withdraw")) } })
}

/// The person who consents, and the way: two large choices each; a field that only one of them needs is shown with it alone.
fn consent_form(lang: Lang, sheet: &Sheet) -> Markup {
    let line = |id, name, key: &str, required| {
        let (label, help) = (t(lang, key), t(lang, &format!("{key}-help")));
        let field = Field {
            id,
            name,
            label: &label,
            help: Some(&help),
            chars_max: NAME_CHARS_MAX,
            required,
            ..Field::default()
        };
        field.draw(lang, &Errors::default())
    };
    let choice = |name: &str, value: &str, key: &str, first: bool| {
        html! { label.choice.large { input type="radio" name=(name) value=(value) checked[first]; (t(lang, key)) } }
    };
    let fields = html! {
        fieldset.field {
            legend { (t(lang, "given-by")) }
            (choice("given_by", "resident", "by-resident", true))
            (choice("given_by", "guardian", "by-guardian", false))
        }
        input type="hidden" name="name" value=(sheet.consult.about(&sheet.ctx.shows).name);
        div.of-guardian.stack {
            (line("consent-name", "guardian_name", "guardian", true))
            (line("consent-relation", "relation", "relation", true))
        }
        fieldset.field {
            legend { (t(lang, "method")) }
            (choice("method", "written", "method-written", true))
            (choice("method", "verbal_with_witness", "method-verbal", false))
        }
        div.of-witness { (line("witness", "witness", "witness", true)) }
        button.button.primary type="submit" { (t(lang, "do-consent")) }
    };
    html! {
        p { (t(lang, "consent-help")) }
        (part_form(lang, &sheet.call("POST", "/consents"), &fields))
    }
}

/// The family's links.
pub(super) fn guests(lang: Lang, sheet: &Sheet) -> Markup {
    let open = !sheet.consult.state.is_final();
    let standing = sheet.guests.iter().filter(|g| g.revoked_at.is_none());
    html! {
        @if open {
            section.card #guests aria-labelledby="guests-title" {
                h2 #guests-title { (t(lang, "guests")) }
                @for g in standing { (guest(lang, sheet, g)) }
                div #guest-link.notice.info role="status" hidden {
                    p { (t(lang, "guest-send-this")) }
                    div.field { label for="guest-url" { (t(lang, "link")) } input id="guest-url" readonly; }
                    button.button type="button" data-action="copy" data-target="guest-url" { (t(lang, "do-copy")) }
                }
                (guest_form(lang, sheet))
            }
        }
    }
}

/// Somebody who was sent a link, and what can be done with it.
fn guest(lang: Lang, sheet: &Sheet, g: &GuestView) -> Markup {
    let zone = sheet.consult.zone_of(&sheet.ctx.actor);
    let resend = sheet.call("POST", &format!("/guest-links/{}/resend", g.id));
    let revoke = sheet.call("DELETE", &format!("/guest-links/{}", g.id));
    html! {
        div.spread {
            p {
                (named(lang, &g.name, &g.relation))
                @if g.role != GuestRole::Guest { " " (page::badge(Tone::Info, &t(lang, &format!("role-{}", RoomRole::from(g.role).as_str())))) }
                br; span.faint { (t(lang, "until")) " " (time(lang, zone, g.expires_at)) }
            }
            div.toolbar {
                (page::press(&format!("resend-{}", g.id), "button", Send::to(&resend), &t(lang, "do-resend")))
                (page::press(&format!("revoke-{}", g.id), "plain", Send::to(&revoke), &t(lang, "do-revoke")))
            }
        }
    }
}

fn guest_form(lang: Lang, sheet: &Sheet) -> Markup {
    let line = |id, name, key: &str| {
        let label = t(lang, key);
        let field = Field { id, name, label: &label, required: true, chars_max: NAME_CHARS_MAX, ..Field::default() };
        field.draw(lang, &Errors::default())
    };
    let roles =
        ["guest", "interpreter", "observer"].map(|role| page::pick(role, t(lang, &format!("role-{role}")), false));
    let label = t(lang, "guest-role");
    let fields = html! {
        (line("guest-name", "name", "name"))
        (line("guest-relation", "relation", "relation"))
        (Select { name: "role", id: "guest-role", label: &label, ..Select::default() }.draw(&roles))
        button.button type="submit" { (t(lang, "do-guest")) }
    };
    part_form(lang, &sheet.call("POST", "/guest-links"), &fields)
}

/// The text that was saved elsewhere meanwhile, as it is shown below a part.
fn saved_elsewhere(lang: Lang) -> Markup {
    html! {
        template #opinion-theirs {
            div.notice.warn data-theirs role="group" aria-label=(t(lang, "theirs")) {
                strong { (t(lang, "theirs")) }
                p.lines data-text {}
                div.toolbar {
                    @for choice in ["mine", "theirs", "both"] {
                        button.button type="button" data-choose=(choice) { (t(lang, &format!("choose-{choice}"))) }
                    }
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
            form #opinion-form.stack method="post" novalidate data-save=(sheet.call("PUT", "/opinion"))
                data-send=(sheet.call("POST", "/sign")) data-version=[version] data-confirm=(t(lang, "ask-sign"))
                data-saved=(t(lang, "saved")) data-unsaved=(t(lang, "unsaved")) data-undecided=(t(lang, "undecided")) data-taken=(t(lang, "taken-over")) {
                noscript { (page::notice(Tone::Warn, &t(lang, "needs-script"))) }
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
            (saved_elsewhere(lang))
        }
    }
}

fn adopt(lang: Lang, sheet: &Sheet) -> Markup {
    let all = [AdoptionDecision::Adopted, AdoptionDecision::PartlyAdopted, AdoptionDecision::NotAdopted];
    let value = |d: AdoptionDecision| decision_key(d).trim_start_matches("decision-");
    let label = t(lang, "adopt-note");
    let note = Field { id: "adopt-note", ..page::area("note", &label, 3, TEXT_CHARS_MAX) };
    let fields = html! {
        fieldset.field {
            legend { (t(lang, "feedback")) }
            @for d in all {
                label.choice { input type="radio" name="decision" value=(value(d)) checked[d == AdoptionDecision::Adopted]; (t(lang, decision_key(d))) }
            }
        }
        (note.draw(lang, &Errors::default()))
        button.button.primary.large type="submit" { (t(lang, "do-adopt")) }
    };
    html! {
        p { (t(lang, "adopt-help")) }
        (step_form(lang, sheet, "/adopt", "stack", &fields))
    }
}
