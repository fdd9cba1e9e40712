//! The next free times of a hospital's specialty, of which an invitation may ask for one.

use std::collections::BTreeMap;

use axum::extract::State as AppState;
use chrono::{Duration, NaiveDate, Timelike as _};
use chrono_tz::Tz;
use maud::{Markup, html};
use sanbao_platform::db::Conn;
use sanbao_platform::http::{Ctx, PageCtx, Query};
use sanbao_platform::id::OrganisationId;
use sanbao_platform::lang::Lang;
use sanbao_platform::page::{self, Tone};
use sanbao_platform::policy::Decision;
use sanbao_platform::problem::Problem;
use serde::Deserialize;
use uuid::Uuid;

use super::new::zone;
use super::{TEXTS, t, words};
use crate::App;
use crate::account::PersonId;
use crate::account::person::join::resources_of;
use crate::consult::input::Title;
use crate::consult::model::AskedTime;
use crate::consult::policy;
use crate::consult::practitioner::search::free;
use crate::consult::practitioner::{AvailabilitySearch, FreeSlot, Rank, store as doctors};
use crate::consult::rooms::Rooms;
use crate::consult::store::is_resident;
use crate::texts;

/// Times are looked for over so many days.
const SEARCH_DAYS: i64 = 14;
/// Days that are shown, of those that have a free time.
const DAYS_MAX: usize = 5;
/// Times of a day that are shown.
const OF_DAY_MAX: usize = 12;

/// Whose times are looked for.
#[derive(Debug, Deserialize)]
pub(super) struct TimesQuery {
    resident: Option<PersonId>,
    /// `hospital|specialty`
    #[serde(default)]
    wish: String,
    /// The least rank; none where any will do.
    #[serde(default)]
    title: String,
}

/// Whose times a form shows, and the one that is chosen.
pub(super) struct Sought<'a> {
    pub(super) resident: PersonId,
    pub(super) hospital: OrganisationId,
    pub(super) specialty: &'a str,
    pub(super) title: Option<Title>,
    pub(super) chosen: Option<AskedTime>,
}

/// `GET /consults/times`: a fragment for the form of the invitation.
pub(super) async fn times_part(
    PageCtx(ctx): PageCtx,
    AppState(app): AppState<App>,
    Query(query): Query<TimesQuery>,
) -> Result<Markup, Problem> {
    Decision::over(crate::role::held(&ctx.actor), policy::may_invite).require()?;
    let (hospital, specialty) = query.wish.split_once('|').unwrap_or_default();
    let hospital = hospital.parse().map_or(OrganisationId(Uuid::nil()), OrganisationId);
    let title = Title::ALL.iter().copied().find(|title| title.as_str() == query.title);
    let resident = query.resident.ok_or_else(Problem::not_found)?;
    let sought = Sought { resident, hospital, specialty, title, chosen: None };
    let mut conn = app.deps.db.read().await?;
    if !is_resident(&mut conn, ctx.actor.organisation, sought.resident).await? {
        return Err(Problem::not_found());
    }
    part(&mut conn, &ctx, &sought).await
}

/// The days with their free times, the next first.
pub(super) async fn part(conn: &mut Conn, ctx: &Ctx, sought: &Sought<'_>) -> Result<Markup, Problem> {
    let zone = zone(conn, ctx.actor.organisation).await?;
    let slots = slots(conn, ctx, sought).await?;
    Ok(days(ctx, zone, &slots, sought.chosen))
}

async fn slots(conn: &mut Conn, ctx: &Ctx, sought: &Sought<'_>) -> Result<Vec<FreeSlot>, Problem> {
    let (from, to) = (ctx.now(), ctx.now() + Duration::days(SEARCH_DAYS));
    let rank = Rank::wanted(sought.title);
    let fitting = doctors::search(conn, Some(sought.specialty), rank, Some(sought.hospital)).await?;
    let others = resources_of(conn, from, sought.resident).await?;
    let search = AvailabilitySearch { doctors: &fitting, others: &others, gives_up: None, from, to };
    let mut slots = free(conn, from, search).await?;
    let house = (ctx.actor.organisation, Uuid::nil());
    Rooms::of(conn, from, house, (from, to)).await?.keep_free(&mut slots);
    Ok(slots)
}

fn days(ctx: &Ctx, zone: Tz, slots: &[FreeSlot], chosen: Option<AskedTime>) -> Markup {
    let (lang, words) = (ctx.lang, words(ctx.lang, zone));
    let mut by_day: BTreeMap<NaiveDate, Vec<&FreeSlot>> = BTreeMap::new();
    for slot in slots {
        by_day.entry(slot.starts_at.with_timezone(&zone).date_naive()).or_default().push(slot);
    }
    let is_chosen = |slot: &FreeSlot| {
        chosen.is_some_and(|c| c.doctor == slot.doctor_id && c.interval.starts_at() == slot.starts_at)
    };
    html! {
        fieldset.field {
            legend { (t(lang, "ask-time")) }
            label.choice { input type="radio" name="asked" value="" checked[!slots.iter().any(is_chosen)]; (t(lang, "ask-no-time")) }
            @if slots.is_empty() { (page::notice(Tone::Warn, &t(lang, "no-slots"))) }
            @for (n, (day, slots)) in by_day.iter().take(DAYS_MAX).enumerate() {
                details open[n == 0 || slots.iter().any(|slot| is_chosen(slot))] {
                    summary { (words.day(*day)) " " span.faint { (TEXTS.with(lang, "ask-count", &[("count", &slots.len().to_string())])) } }
                    @for (half, morning) in [("ask-morning", true), ("ask-afternoon", false)] {
                        @let of: Vec<_> = slots.iter().filter(|s| (s.starts_at.with_timezone(&zone).hour() < 12) == morning).take(OF_DAY_MAX).collect();
                        @if !of.is_empty() { p.faint { (t(lang, half)) } }
                        @for slot in of { (choice(lang, &words, slot, is_chosen(slot))) }
                    }
                }
            }
            p.help { (t(lang, "ask-help")) }
        }
    }
}

fn choice(lang: Lang, words: &page::Words, slot: &FreeSlot, chosen: bool) -> Markup {
    let value = format!("{}|{}|{}", slot.doctor_id, slot.starts_at.to_rfc3339(), slot.ends_at.to_rfc3339());
    html! {
        label.choice {
            input type="radio" name="asked" value=(value) checked[chosen];
            span { span.strong { (words.span(slot.starts_at, slot.ends_at)) } " " (slot.doctor_name) " " span.faint { (texts::title(lang, slot.title)) } }
        }
    }
}
