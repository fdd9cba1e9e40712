//! The dispatcher's page: what waits for a time first, then the day.

use axum::extract::State as AppState;
use chrono::{Days, Duration, NaiveDate};
use maud::{Markup, html};
use sanbao_platform::audit;
use sanbao_platform::http::{Ctx, PageCtx, Query};
use sanbao_platform::problem::Problem;
use serde::Deserialize;
use uuid::Uuid;

use super::words::Words;
use crate::App;
use crate::visit::agency::{Agency, Caregiver};
use crate::visit::id::VisitId;
use crate::visit::model::Visit;
use crate::visit::policy::{self, Action, Relation};
use crate::visit::state::{Slot, VisitState, VisitStateName, VisitStepName};
use crate::visit::store::{self, VisitFilter};
use crate::visit::view::{self, late_minutes};

/// Orders shown to be scheduled at once.
const WAITING_MAX: i64 = 100;
/// Visits of a day shown at once.
const DAY_MAX: i64 = 200;
/// How long a visit may be chosen to last, in minutes.
const LENGTHS: &[i64] = &[30, 45, 60, 90, 120, 180, 240];

/// Which day.
#[derive(Debug, Deserialize)]
pub(super) struct DayQuery {
    day: Option<NaiveDate>,
}

/// All that the page shows.
struct Shown {
    agency: Agency,
    day: NaiveDate,
    waiting: Vec<Visit>,
    planned: Vec<Visit>,
    caregivers: Vec<Caregiver>,
}

pub(super) async fn dispatching(
    PageCtx(ctx): PageCtx,
    AppState(app): AppState<App>,
    Query(query): Query<DayQuery>,
) -> Result<Markup, Problem> {
    policy::allows(&ctx.actor, Action::Schedule, Relation::Agency).require().map_err(|_| Problem::forbidden())?;
    let shown = read(&app, &ctx, query.day).await?;
    let words = Words { lang: ctx.lang, zone: shown.agency.zone };
    let body = html! {
        div.spread {
            h1 { (words.t("visits-title")) }
            p.faint.keys { (words.t("visits-keys")) }
        }
        (days(words, &shown))
        div #visits data-live="/v1/visits/events" {
            (waiting(words, &shown))
            (planned(words, &shown, &app, &ctx))
        }
        (plan_dialog(words, &shown))
        (close_dialog(words))
    };
    let scripts = ["/static/live.js", "/static/visit-dispatch.js"];
    Ok(app.deps.frame.page(ctx.lang, &words.t("visits-title"), Some(&ctx.actor), "/visits", &scripts, &body))
}

async fn read(app: &App, ctx: &Ctx, day: Option<NaiveDate>) -> Result<Shown, Problem> {
    let now = ctx.now();
    let mut tx = app.deps.db.begin().await?;
    let agency = Agency::of_caller(&mut tx, ctx).await?;
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
    let waiting = store::list(&mut tx, &all).await?;
    let (from, until) = agency.days(day, 1);
    let of_day = VisitFilter { state: None, from, until, limit: DAY_MAX, ..all };
    let mut planned = store::list(&mut tx, &of_day).await?;
    planned.retain(|visit| visit.state != VisitState::Requested);
    let caregivers = agency.caregivers(&mut tx).await?;
    audit::record(&mut tx, ctx, "visit.list", "organisation", agency.id).await?;
    tx.commit().await?;
    Ok(Shown { agency, day, waiting, planned, caregivers })
}

fn days(words: Words, shown: &Shown) -> Markup {
    let link = |day: Option<NaiveDate>, key: &str| {
        html! { @if let Some(day) = day { a.button href=(format!("/visits?day={day}")) { (words.t(key)) } } }
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
    html! { thead { tr { @for key in keys { th scope="col" { (words.t(key)) } } } } }
}

fn elder(words: Words, visit: &Visit) -> Markup {
    html! {
        th scope="row" data-label=(words.t("col-elder")) {
            (visit.name)
            @if !visit.phone.is_empty() { br; a href=(format!("tel:{}", visit.phone)) { (visit.phone) } }
        }
    }
}

fn waiting(words: Words, shown: &Shown) -> Markup {
    let count = usize::try_from(WAITING_MAX).unwrap_or(usize::MAX);
    let more = shown.waiting.len() > count;
    let title = shown.waiting.len().min(count).to_string() + if more { "+" } else { "" };
    html! {
        section aria-labelledby="waiting-title" {
            h2 #waiting-title { (words.with("waiting-title", &[("count", &title)])) }
            @if shown.waiting.is_empty() {
                p.empty { (words.t("waiting-none")) }
            } @else {
                table.table {
                    (head(words, &["col-elder", "col-service", "col-wanted", "col-address", "col-note", "col-actions"]))
                    tbody {
                        @for visit in shown.waiting.iter().take(count) {
                            tr {
                                (elder(words, visit))
                                td data-label=(words.t("col-service")) { (words.service(&visit.service_type)) }
                                td data-label=(words.t("col-wanted")) { (words.wanted(visit)) }
                                td data-label=(words.t("col-address")) { (visit.address) }
                                td data-label=(words.t("col-note")) { (visit.note) }
                                td { div.toolbar {
                                    (plan_button(words, shown, visit, "schedule"))
                                    (close_button(words, visit, "cancel"))
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

/// The button that opens the form with what is known of a visit.
fn plan_button(words: Words, shown: &Shown, visit: &Visit, step: &str) -> Markup {
    let slot = visit.state.slot();
    let begins = slot.map(|s| s.interval.starts_at()).or(visit.wanted_from.filter(|t| *t > visit.created_at));
    let local = begins.map(|t| t.with_timezone(&shown.agency.zone).naive_local());
    let minutes = slot.map_or(60, |s| (s.interval.ends_at() - s.interval.starts_at()).num_minutes());
    html! {
        button.button.primary[step == "schedule"] type="button" id=(format!("{step}-{}", visit.id)) data-row data-plan=(step)
            data-visit=(visit.id) data-version=(visit.version) data-minutes=(minutes)
            data-day=(local.map_or(shown.day, |l| l.date()))
            data-start=[local.map(|l| l.format("%H:%M").to_string())]
            data-caregiver=[slot.map(|s| s.caregiver)]
            data-about=(format!("{} · {} · {}", visit.name, words.service(&visit.service_type), words.wanted(visit))) {
            (words.t(&format!("act-{step}")))
        }
    }
}

fn close_button(words: Words, visit: &Visit, step: &str) -> Markup {
    html! {
        button.button type="button" id=(format!("{step}-{}", visit.id)) data-close=(step) data-visit=(visit.id)
            data-version=(visit.version) data-about=(format!("{} · {}", visit.name, words.service(&visit.service_type))) {
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
                p.empty { (words.t("planned-none")) }
            } @else {
                table.table {
                    (head(words, &["col-time", "col-caregiver", "col-elder", "col-service", "col-state", "col-actions"]))
                    tbody { @for visit in &shown.planned { (row(words, shown, visit, app, ctx)) } }
                }
            }
        }
    }
}

fn row(words: Words, shown: &Shown, visit: &Visit, app: &App, ctx: &Ctx) -> Markup {
    let limits = &app.config.visit;
    let late = late_minutes(&visit.state, ctx.now(), limits);
    let slot = visit.state.slot();
    let late_from = |s: &Slot| (s.interval.starts_at() + Duration::minutes(limits.late_minutes_min)).to_rfc3339();
    let waits = matches!(visit.state, VisitState::Scheduled(_));
    html! {
        tr class=[late.map(|_| "late")] data-late-from=[slot.as_ref().filter(|_| waits).map(late_from)]
            data-starts=[slot.map(|s| s.interval.starts_at().to_rfc3339())] {
            td data-label=(words.t("col-time")) {
                @if let Some(s) = slot { (words.span(s.interval.starts_at(), s.interval.ends_at())) } @else { "—" }
            }
            td data-label=(words.t("col-caregiver")) { (visit.caregiver_name.as_deref().unwrap_or("—")) }
            (elder(words, visit))
            td data-label=(words.t("col-service")) { (words.service(&visit.service_type)) }
            td data-label=(words.t("col-state")) {
                (words.badge(visit.state.name())) " "
                @if waits {
                    span.badge.bad data-late hidden[late.is_none()] data-text=(words.with("late", &[("minutes", "{n}")])) {
                        @if let Some(n) = late { (words.with("late", &[("minutes", &n.to_string())])) }
                    }
                }
                (times(words, visit))
            }
            td { div.toolbar { (actions(words, shown, visit, app, ctx)) } }
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
        @if legal.contains(&VisitStepName::Reschedule) { (plan_button(words, shown, visit, "reschedule")) }
        @if legal.contains(&VisitStepName::NoShow) { (close_button(words, visit, "no-show")) }
        @if legal.contains(&VisitStepName::Cancel) { (close_button(words, visit, "cancel")) }
        @if legal.contains(&VisitStepName::Repeat) {
            button.button type="button" id=(format!("repeat-{}", visit.id)) data-row data-repeat=(visit.id) { (words.t("act-repeat")) }
        }
    }
}

fn plan_dialog(words: Words, shown: &Shown) -> Markup {
    html! {
        dialog.dialog #plan aria-labelledby="plan-title" data-title-schedule=(words.t("plan-title"))
            data-title-reschedule=(words.t("plan-title-again")) data-zone=(shown.agency.zone.name())
            data-none=(words.t("plan-none")) data-busy=(words.t("plan-busy")) data-done=(words.t("plan-done"))
            data-free-caregivers=(words.t("plan-free-caregivers")) data-free-times=(words.t("plan-free-times")) {
            h2 #plan-title { (words.t("plan-title")) }
            p #plan-about .strong {}
            @if shown.caregivers.is_empty() { p.notice.warn { (words.t("plan-no-caregivers")) } }
            form #plan-form novalidate {
                div.field {
                    label for="plan-caregiver" { (words.t("plan-caregiver")) }
                    select #plan-caregiver name="caregiver" required {
                        option value="" { (words.t("plan-choose")) }
                        @for c in &shown.caregivers { option value=(c.id) { (c.name) } }
                    }
                }
                div.pair {
                    div.field {
                        label for="plan-day" { (words.t("plan-day")) }
                        input #plan-day type="date" name="day" required;
                    }
                    div.field {
                        label for="plan-start" { (words.t("plan-start")) }
                        input #plan-start type="time" name="starts_at" step="300" required;
                    }
                    div.field {
                        label for="plan-length" { (words.t("plan-length")) }
                        select #plan-length name="ends_at" {
                            @for n in LENGTHS {
                                option value=(n) selected[*n == 60] { (words.with("plan-minutes", &[("minutes", &n.to_string())])) }
                            }
                        }
                    }
                }
                p #plan-busy .faint aria-live="polite" {}
                div #plan-alternatives aria-live="polite" {}
                div.toolbar {
                    button.button.primary type="submit" { (words.t("plan-send")) }
                    button.button type="button" data-action="close" { (words.t("keep")) }
                }
            }
        }
    }
}

fn close_dialog(words: Words) -> Markup {
    html! {
        dialog.dialog #close aria-labelledby="close-title" data-title-cancel=(words.t("close-title"))
            data-title-no-show=(words.t("close-title-no-show")) data-done=(words.t("close-done"))
            data-repeat-done=(words.t("repeat-done")) {
            h2 #close-title { (words.t("close-title")) }
            p #close-about .strong {}
            form #close-form novalidate {
                div.field {
                    label for="close-reason" { (words.t("close-reason")) }
                    textarea #close-reason name="reason" maxlength="500" required {}
                    p.help { (words.t("close-help")) }
                }
                (words.reasons("close-reason", &["reason-hospital", "reason-family", "reason-no-answer", "reason-no-phone"]))
                div.toolbar {
                    button.button.danger type="submit" { (words.t("close-send")) }
                    button.button type="button" data-action="close" { (words.t("keep")) }
                }
            }
        }
    }
}
