//! A caregiver's day on a phone: what is next, one large button, and a queue that survives a bad network.

use axum::extract::State as AppState;
use chrono::{DateTime, Utc};
use maud::{Markup, html};
use sanbao_platform::audit;
use sanbao_platform::http::PageCtx;
use sanbao_platform::problem::Problem;

use super::words::Words;
use crate::App;
use crate::visit::api::own_day;
use crate::visit::model::Visit;
use crate::visit::state::{VisitState, VisitStateName};
use crate::visit::view::late_minutes;

pub(super) async fn my_day(PageCtx(ctx): PageCtx, AppState(app): AppState<App>) -> Result<Markup, Problem> {
    let mut tx = app.deps.db.begin().await?;
    let (agency, visits) = own_day(&mut tx, &ctx).await?;
    audit::record(&mut tx, &ctx, "visit.list", "account", ctx.actor.subject).await?;
    tx.commit().await?;
    let words = Words { lang: ctx.lang, zone: agency.zone };
    let done = visits.iter().filter(|v| v.state.name() == VisitStateName::Completed).count();
    let (day, count, done) = (words.day(agency.today(ctx.now())), visits.len().to_string(), done.to_string());
    let body = html! {
        h1 { (words.t("day-title")) }
        p #waiting .notice.warn hidden data-text=(words.with("day-waiting", &[("count", "{n}")])) role="status" {}
        div #today data-live="/v1/visits/events" {
            p.faint { (words.with("day-count", &[("day", &day), ("count", &count), ("done", &done)])) }
            (cards(words, &visits, &app, ctx.now()))
        }
        (manual_dialog(words))
        (missed_dialog(words))
        div #words hidden data-account=(ctx.actor.subject) data-pending=(words.t("day-pending"))
            data-locating=(words.t("day-locating")) data-refused=(words.t("day-refused"))
            data-clear=(words.t("day-refused-clear")) data-check-in=(words.t("day-sent-check-in"))
            data-check-out=(words.t("day-sent-check-out")) data-no-show=(words.t("day-sent-no-show")) {}
    };
    let scripts = ["/static/live.js", "/static/visit-day.js"];
    Ok(app.deps.frame.page(ctx.lang, &words.t("day-title"), Some(&ctx.actor), "/visits/today", &scripts, &body))
}

fn cards(words: Words, visits: &[Visit], app: &App, now: DateTime<Utc>) -> Markup {
    let there = visits.iter().find(|v| v.state.name() == VisitStateName::InService);
    let next = there.or_else(|| visits.iter().find(|v| v.state.name() == VisitStateName::Scheduled)).map(|v| v.id);
    html! {
        @if visits.is_empty() {
            p.empty { (words.t("day-none")) }
        } @else if next.is_none() {
            p.notice.ok { (words.t("day-all-done")) }
        }
        // What is next stands first, whatever the hour.
        @for visit in visits.iter().filter(|v| Some(v.id) == next) { (card(words, visit, true, app, now)) }
        @for visit in visits.iter().filter(|v| Some(v.id) != next) { (card(words, visit, false, app, now)) }
    }
}

fn card(words: Words, visit: &Visit, next: bool, app: &App, now: DateTime<Utc>) -> Markup {
    let late = late_minutes(&visit.state, now, &app.config.visit);
    let state = visit.state.name();
    let open = matches!(state, VisitStateName::Scheduled | VisitStateName::InService);
    let heading = if state == VisitStateName::InService { "day-there" } else { "day-next" };
    html! {
        article.card.next[next].late[late.is_some()] id=(format!("visit-{}", visit.id)) data-visit=(visit.id) data-state=(state.as_str()) {
            @if next { p.strong { (words.t(heading)) } }
            h2 {
                @if let Some(slot) = visit.state.slot() { time { (words.span(slot.interval.starts_at(), slot.interval.ends_at())) } " " }
                (visit.name)
            }
            p {
                span.badge { (words.service(&visit.service_type)) } " "
                (words.badge(state)) " "
                @if let Some(n) = late { span.badge.bad { (words.with("late", &[("minutes", &n.to_string())])) } }
            }
            @if open {
                @if !visit.note.is_empty() { p { (visit.note) } }
                (way(words, visit))
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

/// How to get there and whom to call.
fn way(words: Words, visit: &Visit) -> Markup {
    let escaped = |text: &str| {
        use std::fmt::Write as _;
        text.bytes().fold(String::new(), |mut out, b| {
            let _ = write!(out, "%{b:02X}");
            out
        })
    };
    html! {
        p { @if visit.address.is_empty() { (words.t("day-no-address")) } @else { (visit.address) } }
        div.toolbar {
            @if !visit.address.is_empty() {
                a.button href=(format!("geo:0,0?q={}", escaped(&visit.address))) { (words.t("day-map")) }
            }
            @if !visit.phone.is_empty() {
                a.button href=(format!("tel:{}", visit.phone)) { (words.t("day-call")) " " (visit.phone) }
            }
        }
    }
}

/// Both large buttons; the script shows the one that fits what is saved on the phone.
fn buttons(words: Words, visit: &Visit, next: bool) -> Markup {
    let state = visit.state.name();
    let button = |step: &str, at: VisitStateName| {
        html! {
            button.button.large.wide.primary[next] type="button" id=(format!("{step}-{}", visit.id)) data-step=(step) hidden[state != at] {
                (words.t(&format!("act-{step}")))
            }
        }
    };
    html! {
        (button("check-in", VisitStateName::Scheduled))
        (button("check-out", VisitStateName::InService))
        button.plain type="button" id=(format!("missed-{}", visit.id)) data-missed hidden[state != VisitStateName::Scheduled] {
            (words.t("act-no-show"))
        }
    }
}

fn manual_dialog(words: Words) -> Markup {
    html! {
        dialog.dialog #manual aria-labelledby="manual-title" {
            h2 #manual-title { (words.t("manual-title")) }
            p { (words.t("manual-help")) }
            form #manual-form method="dialog" {
                fieldset.field {
                    legend { (words.t("manual-method")) }
                    label.choice { input type="radio" name="method" value="manual" checked; (words.t("manual-manual")) }
                    label.choice { input type="radio" name="method" value="phone"; (words.t("manual-phone")) }
                }
                div.field {
                    label for="manual-note" { (words.t("manual-reason")) }
                    textarea #manual-note name="note" maxlength="500" required {}
                }
                (words.reasons("manual-note", &["reason-no-signal", "reason-indoors", "reason-call"]))
                div.toolbar {
                    button.button.primary type="submit" { (words.t("manual-send")) }
                    button.button type="button" data-action="close" { (words.t("cancel")) }
                }
            }
        }
    }
}

fn missed_dialog(words: Words) -> Markup {
    html! {
        dialog.dialog #missed aria-labelledby="missed-title" {
            h2 #missed-title { (words.t("close-title-no-show")) }
            form #missed-form method="dialog" {
                div.field {
                    label for="missed-reason" { (words.t("close-reason")) }
                    textarea #missed-reason name="reason" maxlength="500" required {}
                }
                (words.reasons("missed-reason", &["reason-no-answer", "reason-no-phone", "reason-hospital"]))
                div.toolbar {
                    button.button.danger type="submit" { (words.t("close-send")) }
                    button.button type="button" data-action="close" { (words.t("keep")) }
                }
            }
        }
    }
}
