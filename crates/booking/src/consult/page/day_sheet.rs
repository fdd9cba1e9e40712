//! The sheet of the day (当日会诊单): the consults of a house on one page of paper, so that it goes on without electricity.

use axum::extract::State as AppState;
use chrono::NaiveDate;
use maud::{Markup, html};
use sanbao_platform::http::{Ctx, PageCtx};
use sanbao_platform::page::{self, Words};
use sanbao_platform::problem::Problem;

use super::door::expected;
use super::overbook::overbooked;
use super::record::bring;
use super::{age, name_or_erased, short, styles, t, words};
use crate::App;
use crate::account::organisation;
use crate::consult::api::side;
use crate::consult::day::{self, Day, Part};
use crate::consult::model::Consult;
use crate::consult::state::{Appointment, ConsultStateName};
use crate::consult::store::Side;

const HEADS: [&str; 8] =
    ["time", "room", "resident", "part-reason", "invited-side", "day-sheet-fetch", "consent", "day-sheet-note"];

/// `GET /consults/day-sheet`, for the side that invites.
pub(super) async fn day_sheet(PageCtx(ctx): PageCtx, AppState(app): AppState<App>) -> Result<Markup, Problem> {
    if side(&ctx.actor)? != Side::Inviting {
        return Err(Problem::forbidden());
    }
    let (now, lang) = (ctx.now(), ctx.lang);
    let mut conn = app.deps.db.read().await?;
    let own = organisation::own(&mut conn, &ctx).await?;
    let day = day::read(&mut conn, &ctx.actor, Side::Inviting, now).await?;
    let words = words(lang, own.zone());
    let today = now.with_timezone(&words.zone).date_naive();
    let consults = of_day(&day, words, today);
    let head =
        [("house", lang.pick(&own.name_zh, &own.name_en)), ("day", &words.day(today)), ("time", &words.clock(now))];
    let title = t(lang, "day-sheet");
    let body = html! {
        (styles())
        div.toolbar {
            a.button href="/consults" { "← " (t(lang, "consults")) }
            @if !consults.is_empty() { button.button.primary type="button" data-action="print" { (t(lang, "print")) } }
        }
        section.paper {
            h1 { (title) }
            p { (words.with("day-sheet-of", &head)) }
            @if consults.is_empty() { (page::empty(&t(lang, "day-sheet-none"), None)) }
            @else {
                (table(words, &ctx, &consults))
                @if is_cut(&day, &consults) { (page::count(lang, consults.len(), true)) }
                p { (t(lang, "day-sheet-how")) }
            }
        }
    };
    Ok(app.deps.frame.page(lang, &title, Some(&ctx.actor), "/consults", &[], &body))
}

/// The consults that are held or expected on a day, by time and room.
fn of_day(day: &Day, words: Words, today: NaiveDate) -> Vec<(&Consult, &Appointment)> {
    let booked =
        |consult: &&Consult| matches!(consult.state.name(), ConsultStateName::Scheduled | ConsultStateName::InSession);
    let timed = day.consults.iter().filter(booked).filter_map(|c| c.state.appointment().map(|a| (c, a)));
    let is_today = |a: &Appointment| a.expected_at().with_timezone(&words.zone).date_naive() == today;
    let mut consults: Vec<_> = timed.filter(|(_, a)| is_today(a)).collect();
    consults.sort_by_key(|(consult, a)| (a.expected_at(), consult.room_name.clone(), consult.id));
    consults
}

/// Whether there are more of the day than were read.
fn is_cut(day: &Day, consults: &[(&Consult, &Appointment)]) -> bool {
    let last_booked = day.consults.iter().filter_map(|c| c.state.appointment().map(Appointment::expected_at)).max();
    day.more.contains(&Part::Booked) && consults.last().map(|(_, a)| a.expected_at()) == last_booked
}

fn table(words: Words, ctx: &Ctx, consults: &[(&Consult, &Appointment)]) -> Markup {
    let heads = HEADS.map(|key| words.t(key));
    html! {
        div.scroll { table.table.keep {
            (page::head(&heads.each_ref().map(String::as_str)))
            tbody { @for (consult, appointment) in consults { (row(words, ctx, consult, appointment)) } }
        } }
    }
}

fn row(words: Words, ctx: &Ctx, consult: &Consult, a: &Appointment) -> Markup {
    let (lang, about) = (words.lang, consult.about(&ctx.shows));
    let time = html! { strong { (words.clock(a.expected_at())) } };
    html! {
        tr {
            td {
                @if a.delay_minutes > 0 { (expected(words, a, &time)) }
                @else { strong { (words.span(a.interval.starts_at(), a.interval.ends_at())) } }
                (overbooked(lang, Some(a)))
            }
            td {
                (consult.room_name.as_deref().unwrap_or("—"))
                @if !consult.devices.is_empty() { br; strong { (bring(lang, consult)) } }
            }
            th scope="row" {
                a href=(format!("/consults/{}", consult.id)) { (name_or_erased(lang, &about.name)) }
                br; (words.t(&format!("sex-{}", about.sex)))
                @if let Some(born) = about.birth_date { " " (age(born, ctx.now())) " " (words.t("years")) }
            }
            td { (short(&about.reason)) }
            td {
                @if let Some(doctor) = &consult.doctor_name { (doctor) " · " }
                (consult.invited.name(lang)) br;
                @match &consult.phones.1 {
                    Some(phone) => { strong { (words.with("day-sheet-phone", &[("phone", phone)])) } },
                    None => { (words.t("day-sheet-no-phone")) }
                }
            }
            td { @match &consult.fetcher { Some(fetcher) => { (fetcher.name) }, None => { (words.t("day-sheet-nobody")) } } }
            td { (words.t(if consult.has_consent { "has-consent" } else { "no-consent" })) }
            td {}
        }
    }
}
