//! A caregiver's day on a phone: what is next, one large button, and a queue that survives a bad network.

use axum::extract::State as AppState;
use maud::{Markup, html};
use sanbao_platform::cn::phone_link;
use sanbao_platform::http::{Ctx, PageCtx};
use sanbao_platform::page::{self as kit, Errors, Field, Tone, encode};
use sanbao_platform::problem::Problem;

use super::words::Words;
use crate::App;
use crate::visit::api::own_day;
use crate::visit::details::Contact;
use crate::visit::model::Visit;
use crate::visit::state::{VisitState, VisitStateName};
use crate::visit::view::late_minutes;

/// A visit becomes late without anybody telling; the day is read so often.
const REREAD_SECONDS: u32 = 60;

/// A reason's length, as the API takes it.
const REASON_CHARS_MAX: usize = 500;

pub(super) async fn my_day(PageCtx(ctx): PageCtx, AppState(app): AppState<App>) -> Result<Markup, Problem> {
    let (agency, visits) = own_day(&mut app.deps.db.read().await?, &ctx).await?;
    let words = Words::new(ctx.lang, agency.zone);
    let done = visits.iter().filter(|v| v.state.name() == VisitStateName::Completed).count();
    let (day, count, done) = (words.day(agency.today(ctx.now())), visits.len().to_string(), done.to_string());
    let body = html! {
        h1 { (words.t("day-title")) }
        p { a href=(format!("/caregivers/{}", ctx.actor.subject)) { (words.t("caregiver-own")) } }
        p #waiting .notice.warn hidden data-text=(words.with("day-waiting", &[("count", "{n}")])) role="status" {}
        div #today data-live="/v1/visits/events" data-live-seconds=(REREAD_SECONDS) {
            p.faint { (words.with("day-count", &[("day", &day), ("count", &count), ("done", &done)])) }
            (cards(words, &visits, &app, &ctx))
        }
        (manual_dialog(words))
        (missed_dialog(words))
        div #words hidden data-account=(ctx.actor.subject) data-organisation=(ctx.actor.organisation) data-pending=(words.t("day-pending"))
            data-locating=(words.t("day-locating")) data-refused=(words.t("day-refused"))
            data-clear=(words.t("day-refused-clear")) data-check-in=(words.t("day-sent-check-in"))
            data-check-out=(words.t("day-sent-check-out")) data-no-show=(words.t("day-sent-no-show")) {}
    };
    let scripts = ["/static/live.js", "/static/send.js", "/static/booking/visit-day.js"];
    Ok(app.deps.frame.page(ctx.lang, &words.t("day-title"), Some(&ctx.actor), "/visits/today", &scripts, &body))
}

fn cards(words: Words, visits: &[Visit], app: &App, ctx: &Ctx) -> Markup {
    let there = visits.iter().find(|v| v.state.name() == VisitStateName::InService);
    let next = there.or_else(|| visits.iter().find(|v| v.state.name() == VisitStateName::Scheduled)).map(|v| v.id);
    html! {
        @if visits.is_empty() {
            (kit::empty(&words.t("day-none"), None))
        } @else if next.is_none() {
            (kit::notice(Tone::Ok, &words.t("day-all-done")))
        }
        // The next visit stands first at any hour.
        @for visit in visits.iter().filter(|v| Some(v.id) == next) { (card(words, visit, true, app, ctx)) }
        @for visit in visits.iter().filter(|v| Some(v.id) != next) { (card(words, visit, false, app, ctx)) }
    }
}

fn card(words: Words, visit: &Visit, next: bool, app: &App, ctx: &Ctx) -> Markup {
    let (late, contact) = (late_minutes(&visit.state, ctx.now(), &app.config.visit), visit.contact(&ctx.shows));
    let state = visit.state.name();
    let open = matches!(state, VisitStateName::Scheduled | VisitStateName::InService);
    let heading = if state == VisitStateName::InService { "day-there" } else { "day-next" };
    html! {
        article.card.next[next].late[late.is_some()] id=(format!("visit-{}", visit.id)) data-visit=(visit.id) data-state=(state.as_str()) {
            @if next { p.strong { (words.t(heading)) } }
            h2 {
                @if let Some(slot) = visit.state.slot() { time { (words.span(slot.interval.starts_at(), slot.interval.ends_at())) } " " }
                (contact.name)
            }
            p {
                (kit::badge(Tone::Plain, &words.service(&visit.details.service_type))) " "
                (words.badge(state)) " "
                @if let Some(n) = late { (kit::badge(Tone::Bad, &words.with("late", &[("minutes", &n.to_string())]))) }
            }
            @if open {
                @if !contact.note.is_empty() { p { (contact.note) } }
                (way(words, contact))
                (buttons(words, visit, next))
            } @else {
                (done(words, &visit.state))
            }
            p.notice.warn data-pending hidden {}
        }
    }
}

fn done(words: Words, state: &VisitState) -> Markup {
    html! {
        @if let (Some(came), Some(left)) = (state.checked_in_at(), state.checked_out_at()) {
            p.faint { (words.with("left", &[("from", &words.clock(came)), ("until", &words.clock(left))])) }
        }
        @if let Some(closing) = state.closing() { p.faint { (closing.reason) } }
    }
}

/// The way there and the number to call.
fn way(words: Words, contact: &Contact) -> Markup {
    html! {
        p { @if contact.address.is_empty() { (words.t("day-no-address")) } @else { (contact.address) } }
        div.toolbar {
            @if !contact.address.is_empty() {
                a.button href=(format!("geo:0,0?q={}", encode(&contact.address))) { (words.t("day-map")) }
            }
            @if !contact.phone.is_empty() {
                a.button href=(phone_link(&contact.phone)) { (words.t("day-call")) " " (contact.phone) }
            }
        }
    }
}

/// Both large buttons; the script shows the one that fits what is saved on the phone, and sends what they say when there
/// is a network.
fn buttons(words: Words, visit: &Visit, next: bool) -> Markup {
    let state = visit.state.name();
    let call = |step: &str| format!("POST /v1/visits/{}/{step}", visit.id);
    let button = |step: &str, at: VisitStateName| {
        html! {
            button.button.large.wide.primary[next] type="button" id=(format!("{step}-{}", visit.id)) data-later=(step)
                data-send=(call(step)) hidden[state != at] {
                (words.t(&format!("act-{step}")))
            }
        }
    };
    html! {
        (button("check-in", VisitStateName::Scheduled))
        (button("check-out", VisitStateName::InService))
        button.plain type="button" id=(format!("missed-{}", visit.id)) data-later="no-show" data-send=(call("no-show"))
            hidden[state != VisitStateName::Scheduled] {
            (words.t("act-no-show"))
        }
    }
}

fn manual_dialog(words: Words) -> Markup {
    let reason = words.t("manual-reason");
    let note = Field { id: "manual-note", required: true, ..kit::area("note", &reason, 3, REASON_CHARS_MAX) };
    let body = html! {
        p { (words.t("manual-help")) }
        form #manual-form method="dialog" {
            fieldset.field {
                legend { (words.t("manual-method")) }
                label.choice { input type="radio" name="method" value="manual" checked; (words.t("manual-manual")) }
                label.choice { input type="radio" name="method" value="phone"; (words.t("manual-phone")) }
            }
            (note.draw(words.lang, &Errors::default()))
            (words.reasons("manual-note", &["reason-no-signal", "reason-indoors", "reason-call"]))
            div.toolbar {
                button.button.primary type="submit" { (words.t("manual-send")) }
                button.button type="button" data-action="close" { (words.t("cancel")) }
            }
        }
    };
    kit::dialog("manual", &words.t("manual-title"), &body)
}

fn missed_dialog(words: Words) -> Markup {
    let label = words.t("close-reason");
    let reason = Field { id: "missed-reason", required: true, ..kit::area("reason", &label, 3, REASON_CHARS_MAX) };
    let body = html! {
        form #missed-form method="dialog" {
            (reason.draw(words.lang, &Errors::default()))
            (words.reasons("missed-reason", &["reason-no-answer", "reason-no-phone", "reason-hospital"]))
            div.toolbar {
                button.button.danger type="submit" { (words.t("close-send")) }
                button.button type="button" data-action="close" { (words.t("keep")) }
            }
        }
    };
    kit::dialog("missed", &words.t("close-title-no-show"), &body)
}
