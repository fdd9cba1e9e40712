//! The pages of doctors: a hospital's list, and one doctor with the profile, the week and the days beside it.

mod affected;
mod days;
mod list;
mod profile;
mod rules;
mod workdays;

use axum::extract::State as AppState;
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::get;
use chrono::NaiveDate;
use maud::{Markup, html};
use sanbao_platform::db::Conn;
use sanbao_platform::http::{Ctx, PageCtx, Path, Query, Routes};
use sanbao_platform::moment::Day;
use sanbao_platform::page;
use sanbao_platform::problem::Problem;
use serde::Deserialize;

use super::{t, words};
use crate::App;
use crate::account::{AccountId, organisation};
use crate::calendar::week::page::{self as week, WeekOf};
use crate::consult::api::{self, doctors, hours};
use crate::consult::practitioner::affected::Scope;
use crate::consult::practitioner::{self, store};
use crate::role::{self, ADMINISTRATOR, DOCTOR};
use crate::texts::WEEK;

const SCRIPTS: [&str; 2] = ["/static/send.js", "/static/booking/week.js"];
/// The length of a slot that a week without one begins with.
const SLOT_MINUTES: i32 = 30;

pub(super) fn routes() -> Routes<App> {
    Routes::new()
        .page("/practitioners", get(doctors_page))
        .page("/practitioners/days", get(workdays::days_page))
        .page("/practitioners/{id}", get(doctor_page))
        .files(week::FILES)
}

/// Which day the form begins with.
#[derive(Debug, Deserialize)]
struct DayQuery {
    /// The day whose hours it starts from; today when absent.
    from: Option<Day>,
}

/// The doctors of the hospitals whose accounts the reader runs; a doctor is led to the own page.
async fn doctors_page(PageCtx(ctx): PageCtx, AppState(app): AppState<App>) -> Response {
    if !role::holds(&ctx.actor, ADMINISTRATOR) && role::holds(&ctx.actor, DOCTOR) {
        return Redirect::to(&format!("/practitioners/{}", ctx.actor.subject)).into_response();
    }
    list::draw(&app, &ctx).await.map_or_else(Problem::into_response, Markup::into_response)
}

async fn doctor_page(
    PageCtx(ctx): PageCtx,
    AppState(app): AppState<App>,
    Path(id): Path<AccountId>,
    Query(query): Query<DayQuery>,
) -> Result<Markup, Problem> {
    let lang = ctx.lang;
    let mut conn = app.deps.db.read().await?;
    let doctor = match hours::own(&mut conn, &ctx, id).await {
        Ok(doctor) => doctor,
        Err(refused) if refused.status() == 404 => return newcomer(&app, &mut conn, &ctx, id).await,
        Err(refused) => return Err(refused),
    };
    let view = hours::view(&mut conn, ctx.now(), &doctor).await?;
    let outside = practitioner::affected::outside(&mut conn, ctx.now(), &doctor, Scope::default()).await?;
    let seen = api::affected::seen(&mut conn, &ctx, &outside.consults).await?;
    let (weekly, zone) = (store::weekly(&mut conn, doctor.post()).await?, doctor.zone()?);
    let booked = store::booked(&mut conn, doctor.post(), ctx.now()).await?;
    let stored = practitioner::rules::find(&mut conn, doctor.organisation_id, Some(id)).await?;
    let words = words(lang, zone);
    let today = ctx.now().with_timezone(&zone).date_naive();
    let from = query.from.map_or(today, |day| today.max(*day));
    let administers = role::holds(&ctx.actor, ADMINISTRATOR);
    let booked: Vec<NaiveDate> = booked.iter().map(|b| b.starts_at().with_timezone(&zone).date_naive()).collect();
    let (call, own) = (format!("PUT /v1/practitioners/{id}/week"), format!("/practitioners/{id}"));
    let of = WeekOf { people: "doctor", call: &call, page: &own, slot_minutes: Some(SLOT_MINUTES) };
    let body = html! {
        @if administers { p { a href="/practitioners" { "← " (t(lang, "doctors-title")) } } }
        h1 { (doctor.name) }
        p.faint { (lang.pick(&doctor.hospital_zh, &doctor.hospital_en)) " · " (profile::said(lang, &doctor)) }
        (affected::section(words, &ctx, &outside, &seen))
        (week::section(week::words(lang, zone), of, &weekly, from, today, true))
        (days::section(words, id, &view.exceptions, today, &booked))
        (rules::section(words, &format!("PUT /v1/practitioners/{id}/rules"), stored.own, Some(stored.house.0)))
        @if administers {
            details.card {
                summary { (t(lang, "doctor-profile")) }
                (profile::form(lang, id, Some(&doctor)))
            }
        }
    };
    Ok(app.deps.frame.page(lang, &doctor.name, Some(&ctx.actor), "/practitioners", &SCRIPTS, &body))
}

/// The page of a doctor without a profile: what makes the doctor bookable.
async fn newcomer(app: &App, conn: &mut Conn, ctx: &Ctx, id: AccountId) -> Result<Markup, Problem> {
    let lang = ctx.lang;
    if !role::holds(&ctx.actor, ADMINISTRATOR) {
        // Somebody's own page, which the hospital's administrator has yet to fill in.
        if !role::holds(&ctx.actor, DOCTOR) || AccountId::from(ctx.actor.subject) != id {
            return Err(Problem::not_found());
        }
        let body = html! {
            h1 { (WEEK.get(lang, "week-title-doctor")) }
            (page::empty(&t(lang, "doctor-no-profile"), Some(("/consults", &t(lang, "consults")))))
        };
        return Ok(app.deps.frame.page(
            lang,
            &WEEK.get(lang, "week-title-doctor"),
            Some(&ctx.actor),
            "/practitioners",
            &[],
            &body,
        ));
    }
    let hospital = doctors::hospital_of(conn, ctx, id).await?;
    let hospital = organisation::find(conn, hospital).await?.ok_or_else(Problem::not_found)?;
    let name = store::name(conn, id).await?.ok_or_else(Problem::not_found)?;
    let body = html! {
        p { a href="/practitioners" { "← " (t(lang, "doctors-title")) } }
        h1 { (name) }
        p.faint { (lang.pick(&hospital.name_zh, &hospital.name_en)) }
        section.card aria-labelledby="profile-title" {
            h2 #profile-title { (t(lang, "doctor-profile")) }
            p { (t(lang, "doctor-profile-first")) }
            (profile::form(lang, id, None))
        }
    };
    Ok(app.deps.frame.page(lang, &name, Some(&ctx.actor), "/practitioners", &SCRIPTS, &body))
}
