//! The dispatcher's page: what waits for a time first, then the day.

use std::collections::HashMap;

use axum::extract::State as AppState;
use chrono::{Days, Duration, NaiveDate};
use maud::{Markup, html};
use sanbao_platform::cn::phone_link;
use sanbao_platform::http::{Ctx, PageCtx, Query};
use sanbao_platform::moment::Day;
use sanbao_platform::page::{self as kit, Age, Errors, Field, Select, Send, Tone, address};
use sanbao_platform::problem::Problem;
use serde::Deserialize;
use uuid::Uuid;

use super::words::Words;
use crate::App;
use crate::account::AccountId;
use crate::visit::agency::{Agency, Caregiver};
use crate::visit::caregiver::{self, Knowledge, Misfit};
use crate::visit::id::VisitId;
use crate::visit::model::Visit;
use crate::visit::policy::{self, VisitAction, VisitRelation};
use crate::visit::state::{Slot, VisitState, VisitStateName, VisitStepName};
use crate::visit::store::{self, VisitFilter};
use crate::visit::view::{self, late_minutes};

/// Orders shown to be scheduled at once.
const WAITING_MAX: i64 = 100;
/// Visits of a day shown at once.
const DAY_MAX: i64 = 200;
/// How long a visit may be chosen to last, in minutes.
const LENGTHS: &[i64] = &[30, 45, 60, 90, 120, 180, 240];

/// A visit becomes late without anybody telling; the lists are read so often.
const REREAD_SECONDS: u32 = 60;
/// A reason's length, as the API takes it.
const REASON_CHARS_MAX: usize = 500;

/// Which day.
#[derive(Debug, Deserialize)]
pub(super) struct DayQuery {
    day: Option<Day>,
}

/// All that the page shows.
struct Shown {
    agency: Agency,
    day: NaiveDate,
    waiting: Vec<Visit>,
    planned: Vec<Visit>,
    /// Whether the day has others.
    more: bool,
    caregivers: Vec<Caregiver>,
    /// Skills and hours, of those of whom they are known.
    known: HashMap<AccountId, Knowledge>,
}

pub(super) async fn dispatching(
    PageCtx(ctx): PageCtx,
    AppState(app): AppState<App>,
    Query(query): Query<DayQuery>,
) -> Result<Markup, Problem> {
    policy::allows(&ctx.actor, VisitAction::Schedule, VisitRelation::Agency)
        .require()
        .map_err(|_| Problem::forbidden())?;
    let shown = read(&app, &ctx, query.day.map(|day| *day)).await?;
    let words = Words::new(ctx.lang, shown.agency.zone);
    let body = html! {
        div.spread {
            h1 { (words.t("visits-title")) }
            p { a href="/caregivers" { (words.t("caregivers-title")) } }
            p.faint.keys { (words.t("visits-keys")) }
        }
        (days(words, &shown))
        div #visits data-live="/v1/visits/events" data-live-seconds=(REREAD_SECONDS) {
            (waiting(words, &shown, &ctx))
            (planned(words, &shown, &app, &ctx))
        }
        (plan_dialog(words, &shown))
        (close_dialog(words))
    };
    let scripts = ["/static/live.js", "/static/send.js", "/static/booking/visit-dispatch.js"];
    Ok(app.deps.frame.page(ctx.lang, &words.t("visits-title"), Some(&ctx.actor), "/visits", &scripts, &body))
}

async fn read(app: &App, ctx: &Ctx, day: Option<NaiveDate>) -> Result<Shown, Problem> {
    let now = ctx.now();
    let mut conn = app.deps.db.read().await?;
    let agency = Agency::of_caller(&mut conn, ctx).await?;
    let today = agency.today(now);
    let day = day.filter(|d| (*d - today).num_days().abs() < 3660).unwrap_or(today);
    let (long_ago, far) = (now - Duration::days(3660), now + Duration::days(3660));
    let all = VisitFilter {
        agency: agency.id,
        state: Some(VisitStateName::Requested),
        caregiver: None,
        from: long_ago,
        until: far,
        after: (long_ago, VisitId(Uuid::nil())),
        limit: WAITING_MAX + 1,
    };
    let waiting = store::list(&mut conn, &all).await?;
    let (from, until) = agency.days(day, 1);
    let of_day = VisitFilter { state: None, from, until, limit: DAY_MAX + 1, ..all };
    let mut planned = store::list(&mut conn, &of_day).await?;
    let shown = usize::try_from(DAY_MAX).unwrap_or(usize::MAX);
    let more = planned.len() > shown;
    planned.truncate(shown);
    planned.retain(|visit| visit.state != VisitState::Requested);
    let caregivers = agency.caregivers(&mut conn).await?;
    let known = caregiver::known_of(&mut conn, &agency).await?;
    Ok(Shown { agency, day, waiting, planned, more, caregivers, known })
}

fn days(words: Words, shown: &Shown) -> Markup {
    let link = |day: Option<NaiveDate>, key: &str| {
        html! { @if let Some(day) = day { a.button href=(address("/visits", &[("day", Some(&day.to_string()))])) { (words.t(key)) } } }
    };
    html! {
        form.toolbar method="get" action="/visits" {
            div.field {
                label for="day" { (words.t("visits-day")) }
                input #day type="date" name="day" value=(shown.day);
            }
            button.button type="submit" { (words.t("visits-show")) }
            (link(shown.day.checked_sub_days(Days::new(1)), "visits-day-before"))
            (link(shown.day.checked_add_days(Days::new(1)), "visits-day-after"))
            a.button href="/visits" { (words.t("visits-today")) }
        }
    }
}

fn head(words: Words, keys: &[&str]) -> Markup {
    let heads: Vec<_> = keys.iter().map(|key| words.t(key)).collect();
    kit::head(&heads.iter().map(String::as_str).collect::<Vec<_>>())
}

fn elder(words: Words, visit: &Visit, ctx: &Ctx) -> Markup {
    let contact = visit.contact(&ctx.shows);
    html! {
        th scope="row" data-label=(words.t("col-elder")) {
            (contact.name)
            @if !contact.phone.is_empty() { br; a href=(phone_link(&contact.phone)) { (contact.phone) } }
        }
    }
}

fn waiting(words: Words, shown: &Shown, ctx: &Ctx) -> Markup {
    let count = usize::try_from(WAITING_MAX).unwrap_or(usize::MAX);
    let more = shown.waiting.len() > count;
    let title = shown.waiting.len().min(count).to_string() + if more { "+" } else { "" };
    html! {
        section aria-labelledby="waiting-title" {
            h2 #waiting-title { (words.with("waiting-title", &[("count", &title)])) }
            @if shown.waiting.is_empty() {
                (kit::empty(&words.t("waiting-none"), None))
            } @else {
                table.table {
                    (head(words, &["col-elder", "col-service", "col-wanted", "col-address", "col-note", "col-actions"]))
                    tbody {
                        @for visit in shown.waiting.iter().take(count) {
                            tr id=(format!("visit-{}", visit.id)) {
                                (elder(words, visit, ctx))
                                td data-label=(words.t("col-service")) { (words.service(&visit.details.service_type)) }
                                td data-label=(words.t("col-wanted")) { (words.wanted(visit)) }
                                td data-label=(words.t("col-address")) { (visit.contact(&ctx.shows).address) }
                                td data-label=(words.t("col-note")) { (visit.contact(&ctx.shows).note) }
                                td { div.toolbar {
                                    (plan_button(words, shown, (visit, ctx), "schedule"))
                                    (close_button(words, (visit, ctx), "cancel"))
                                } }
                            }
                        }
                    }
                }
                @if more { p.faint { (words.t("waiting-more")) } }
            }
        }
    }
}

/// The call of a step.
fn call(visit: &Visit, step: &str) -> String {
    format!("POST /v1/visits/{}/{step}", visit.id)
}

/// The button that opens the form with what is known of a visit.
fn plan_button(words: Words, shown: &Shown, (visit, ctx): (&Visit, &Ctx), step: &str) -> Markup {
    let name = &visit.contact(&ctx.shows).name;
    let slot = visit.state.slot();
    let begins = slot.map(|s| s.interval.starts_at()).or(visit.details.wanted_from.filter(|t| *t > visit.created_at));
    let local = begins.map(|t| t.with_timezone(&shown.agency.zone).naive_local());
    let minutes = slot.map_or(60, |s| (s.interval.ends_at() - s.interval.starts_at()).num_minutes());
    html! {
        button.button.primary[step == "schedule"] type="button" id=(format!("{step}-{}", visit.id)) data-row data-form="plan"
            data-to=(call(visit, step)) data-read=(visit.version) data-kind=(step) data-visit=(visit.id) data-minutes=(minutes)
            data-day=(local.map_or(shown.day, |l| l.date()))
            data-start=[local.map(|l| l.format("%H:%M").to_string())]
            data-caregiver=[slot.map(|s| s.caregiver)]
            data-about=(format!("{name} · {} · {}", words.service(&visit.details.service_type), words.wanted(visit))) {
            (words.t(&format!("act-{step}")))
        }
    }
}

fn close_button(words: Words, (visit, ctx): (&Visit, &Ctx), step: &str) -> Markup {
    let name = &visit.contact(&ctx.shows).name;
    html! {
        button.button type="button" id=(format!("{step}-{}", visit.id)) data-form="close" data-to=(call(visit, step))
            data-read=(visit.version) data-kind=(step) data-about=(format!("{name} · {}", words.service(&visit.details.service_type))) {
            (words.t(&format!("act-{step}")))
        }
    }
}

fn planned(words: Words, shown: &Shown, app: &App, ctx: &Ctx) -> Markup {
    let (day, count) = (words.day(shown.day), shown.planned.len().to_string());
    html! {
        section aria-labelledby="planned-title" {
            h2 #planned-title { (words.with("planned-title", &[("day", &day), ("count", &count)])) }
            @if shown.planned.is_empty() {
                (kit::empty(&words.t("planned-none"), None))
            } @else {
                table.table {
                    (head(words, &["col-time", "col-caregiver", "col-elder", "col-service", "col-state", "col-actions"]))
                    tbody { @for visit in &shown.planned { (row(words, shown, visit, app, ctx)) } }
                }
                @if shown.more { (kit::count(words.lang, shown.planned.len(), true)) }
            }
        }
    }
}

fn row(words: Words, shown: &Shown, visit: &Visit, app: &App, ctx: &Ctx) -> Markup {
    let limits = &app.config.visit;
    let now = ctx.now();
    let late = late_minutes(&visit.state, now, limits);
    let slot = visit.state.slot();
    let late_from = |s: &Slot| (s.interval.starts_at() + Duration::minutes(limits.late_minutes_min)).to_rfc3339();
    let waits = matches!(visit.state, VisitState::Scheduled(_));
    html! {
        tr id=(format!("visit-{}", visit.id)) class=[late.map(|_| "late")] data-late-from=[slot.as_ref().filter(|_| waits).map(late_from)] {
            td data-label=(words.t("col-time")) {
                @if let Some(s) = slot { (words.span(s.interval.starts_at(), s.interval.ends_at())) } @else { "—" }
            }
            td data-label=(words.t("col-caregiver")) { (visit.caregiver_name.as_deref().unwrap_or("—")) }
            (elder(words, visit, ctx))
            td data-label=(words.t("col-service")) { (words.service(&visit.details.service_type)) }
            td data-label=(words.t("col-state")) {
                (words.badge(visit.state.name())) " "
                @if waits {
                    @if let Some(s) = slot {
                        span.badge.bad data-late hidden[late.is_none()] { (words.age(Age::Overdue, s.interval.starts_at(), now)) }
                    }
                }
                @if waits { (doubts(words, shown, visit)) }
                (times(words, visit))
            }
            td { div.toolbar { (actions(words, shown, visit, app, ctx)) } }
        }
    }
}

/// The doubts about the one who is to come, as far as anything is known of her.
fn doubts(words: Words, shown: &Shown, visit: &Visit) -> Markup {
    let of = |slot: Slot| {
        let known = shown.known.get(&slot.caregiver)?;
        Some(caregiver::misfits(known, shown.agency.zone, &visit.details.service_type, slot.interval))
    };
    html! {
        @for doubt in visit.state.slot().and_then(of).unwrap_or_default() {
            (kit::badge(Tone::Warn, &words.t(&format!("doubt-{doubt}")))) " "
        }
    }
}

fn times(words: Words, visit: &Visit) -> Markup {
    let (came, left) = (visit.state.checked_in_at(), visit.state.checked_out_at());
    html! {
        @if let (Some(came), Some(left)) = (came, left) {
            span.faint { (words.with("left", &[("from", &words.clock(came)), ("until", &words.clock(left))])) }
        } @else if let Some(came) = came {
            span.faint { (words.with("came", &[("at", &words.clock(came))])) }
        }
        @if let Some(closing) = visit.state.closing() { span.faint { (closing.reason) } }
    }
}

fn actions(words: Words, shown: &Shown, visit: &Visit, app: &App, ctx: &Ctx) -> Markup {
    let legal = view::actions(ctx, &shown.agency, visit, &app.config.visit);
    html! {
        @if legal.contains(&VisitStepName::Reschedule) { (plan_button(words, shown, (visit, ctx), "reschedule")) }
        @if legal.contains(&VisitStepName::NoShow) { (close_button(words, (visit, ctx), "no-show")) }
        @if legal.contains(&VisitStepName::Cancel) { (close_button(words, (visit, ctx), "cancel")) }
        @if legal.contains(&VisitStepName::Repeat) {
            @let (call, done) = (call(visit, "repeat"), words.t("repeat-done"));
            @let send = Send { done: Some(&done), then: Some("stay"), ..Send::step(&call, visit.version) };
            (kit::press(&format!("repeat-{}", visit.id), "button", send, &words.t("act-repeat")))
        }
    }
}

fn plan_dialog(words: Words, shown: &Shown) -> Markup {
    let done = words.t("plan-done");
    let send = Send { done: Some(&done), then: Some("close"), ..Send::default() };
    let buttons = html! {
        p #plan-busy .faint aria-live="polite" {}
        p #plan-doubts .notice.warn role="status" hidden {}
        div #plan-alternatives aria-live="polite" {}
        div.toolbar {
            button.button.primary type="submit" { (words.t("plan-send")) }
            button.button type="button" data-action="close" { (words.t("keep")) }
        }
    };
    let fields = html! { (plan_fields(words, &shown.caregivers)) (buttons) };
    let body = html! {
        p #plan-about .strong {}
        @if shown.caregivers.is_empty() { (kit::notice(Tone::Warn, &words.t("plan-no-caregivers"))) }
        div #plan-words hidden data-schedule=(words.t("plan-title")) data-reschedule=(words.t("plan-title-again"))
            data-zone=(shown.agency.zone.name()) data-none=(words.t("plan-none")) data-busy=(words.t("plan-busy"))
            data-list=(words.t("list-join")) data-free-caregivers=(words.t("plan-free-caregivers"))
            data-free-times=(words.t("plan-free-times")) data-doubts=(words.t("plan-doubts"))
            data-doubt-words=(doubt_words(words)) {}
        (kit::form(words.lang, Some("plan-form"), "", send, &fields))
    };
    kit::dialog("plan", &words.t("plan-title"), &body)
}

/// Each doubt in words, for the script of the form.
fn doubt_words(words: Words) -> String {
    let said = |doubt: &Misfit| (doubt.as_str().to_owned(), words.t(&format!("doubt-{doubt}")).into());
    serde_json::Value::Object(Misfit::ALL.iter().map(said).collect()).to_string()
}

fn plan_fields(words: Words, caregivers: &[Caregiver]) -> Markup {
    let [who, choose, day, start, length] =
        ["plan-caregiver", "plan-choose", "plan-day", "plan-start", "plan-length"].map(|key| words.t(key));
    let people: Vec<_> = caregivers.iter().map(|c| kit::pick(c.id, &c.name, false)).collect();
    let minutes = |n: &i64| words.with("plan-minutes", &[("minutes", &n.to_string())]);
    let lengths: Vec<_> = LENGTHS.iter().map(|n| kit::pick(n, minutes(n), *n == 60)).collect();
    let caregiver =
        Select { name: "caregiver", id: "plan-caregiver", label: &who, none: Some(&choose), ..Select::default() };
    let length = Select { name: "ends_at", id: "plan-length", label: &length, ..Select::default() };
    html! {
        (Select { required: true, ..caregiver }.draw(&people))
        div.pair {
            div.field {
                label for="plan-day" { (day) }
                input #plan-day type="date" name="day" required;
            }
            div.field {
                label for="plan-start" { (start) }
                input #plan-start type="time" name="starts_at" step="300" required;
            }
            (length.draw(&lengths))
        }
    }
}

fn close_dialog(words: Words) -> Markup {
    let [done, label, help] = ["close-done", "close-reason", "close-help"].map(|key| words.t(key));
    let send = Send { done: Some(&done), then: Some("close"), ..Send::default() };
    let field = kit::area("reason", &label, 3, REASON_CHARS_MAX);
    let reason = Field { id: "close-reason", help: Some(&help), required: true, ..field };
    let fields = html! {
        (reason.draw(words.lang, &Errors::default()))
        (words.reasons("close-reason", &["reason-hospital", "reason-family", "reason-no-answer", "reason-no-phone"]))
        div.toolbar {
            button.button.danger type="submit" { (words.t("close-send")) }
            button.button type="button" data-action="close" { (words.t("keep")) }
        }
    };
    let body = html! {
        p #close-about .strong {}
        div #close-words hidden data-cancel=(words.t("close-title")) data-no-show=(words.t("close-title-no-show")) {}
        (kit::form(words.lang, Some("close-form"), "", send, &fields))
    };
    kit::dialog("close", &words.t("close-title"), &body)
}
