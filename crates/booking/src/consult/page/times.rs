//! The next free times of a hospital's specialty, of which an invitation may ask for one.

use std::collections::BTreeMap;

use axum::extract::State as AppState;
use chrono::{DateTime, Duration, NaiveDate, Timelike as _, Utc};
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
use crate::account::affiliation::affiliated;
use crate::account::person::join::resources_of;
use crate::account::{AccountId, PersonId, SharedDeviceId, shared_device};
use crate::calendar::Interval;
use crate::consult::hold;
use crate::consult::input::{DEVICES_MAX, Title, Urgency};
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
    /// Whether they are for an invitation that was returned.
    #[serde(default)]
    returned: bool,
    /// Ids of the devices that are to be brought, with commas.
    #[serde(default)]
    devices: String,
    /// The urgency of the invitation: what cannot wait needs no notice, and waits for a doctor's answer.
    #[serde(default)]
    urgency: String,
}

/// Whose times a form shows, and the one that is chosen.
pub(super) struct Sought<'a> {
    pub(super) resident: PersonId,
    pub(super) hospital: OrganisationId,
    pub(super) specialty: &'a str,
    pub(super) title: Option<Title>,
    pub(super) chosen: Option<AskedTime>,
    /// The time that was chosen and is not held: whose, and when it begins.
    pub(super) wish: Option<(AccountId, DateTime<Utc>)>,
    /// Whether the invitation was returned: a doctor answers it when it is sent again.
    pub(super) returned: bool,
    /// The devices that must be free too.
    pub(super) devices: &'a [SharedDeviceId],
    /// Whether it cannot wait (特急).
    pub(super) is_stat: bool,
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
    let devices: Vec<SharedDeviceId> =
        query.devices.split(',').filter_map(|id| id.parse().ok()).map(SharedDeviceId).take(DEVICES_MAX).collect();
    let (chosen, wish, returned) = (None, None, query.returned);
    let (devices, is_stat) = (&devices[..], query.urgency == Urgency::Stat.as_str());
    let sought = Sought { resident, hospital, specialty, title, chosen, wish, returned, devices, is_stat };
    let mut conn = app.deps.db.read().await?;
    if !shared_device::all_open(&mut conn, ctx.actor.organisation, devices).await? {
        return Err(Problem::not_found());
    }
    if !is_resident(&mut conn, ctx.actor.organisation, sought.resident).await? {
        return Err(Problem::not_found());
    }
    part(&mut conn, &ctx, &sought).await
}

/// The days with their free times, the next first.
pub(super) async fn part(conn: &mut Conn, ctx: &Ctx, sought: &Sought<'_>) -> Result<Markup, Problem> {
    let zone = zone(conn, ctx.actor.organisation).await?;
    let (found, chosen) = found(conn, ctx, sought).await?;
    let wished = match (&found, sought.wish) {
        (Found::Free(slots), Some(wish)) => slots.iter().find(|slot| (slot.doctor_id, slot.starts_at) == wish),
        _ => None,
    };
    let at_once = match at_once(conn, ctx, sought.hospital, (&found, chosen.as_ref())).await? {
        _ if sought.is_stat => AtOnce::None,
        AtOnce::All | AtOnce::Until(_) if sought.returned => AtOnce::Returned,
        at_once => at_once,
    };
    Ok(days(ctx, zone, (&found, at_once), chosen.as_ref().or(wished)))
}

/// Which of the times that are shown are booked as soon as the invitation is sent, by the agreement of the house and the hospital.
#[derive(Clone, Copy)]
enum AtOnce {
    None,
    /// None, though an agreement says so: it was returned.
    Returned,
    All,
    /// Those up to its last day.
    Until(NaiveDate),
}

async fn at_once(
    conn: &mut Conn,
    ctx: &Ctx,
    hospital: OrganisationId,
    (found, chosen): (&Found, Option<&FreeSlot>),
) -> Result<AtOnce, Problem> {
    let slots = if let Found::Free(slots) = found { &slots[..] } else { &[] };
    let Some(last) = slots.iter().chain(chosen).map(|slot| slot.starts_at).max() else { return Ok(AtOnce::None) };
    let there = zone(conn, hospital).await?;
    let [today, last] = [ctx.now(), last].map(|at| at.with_timezone(&there).date_naive());
    let known = affiliated(conn, ctx.actor.organisation, today).await?;
    let stands = known.iter().find(|one| one.hospital == hospital && one.books_at_once && one.valid_from <= today);
    Ok(match stands {
        None => AtOnce::None,
        Some(one) if last <= one.valid_until => AtOnce::All,
        Some(one) => AtOnce::Until(one.valid_until),
    })
}

/// The free times, or why the house can take none of them.
enum Found {
    Free(Vec<FreeSlot>),
    /// The house has no room.
    NoRooms,
    /// A doctor is free, and no room of the house.
    RoomsTaken,
}

async fn found(conn: &mut Conn, ctx: &Ctx, sought: &Sought<'_>) -> Result<(Found, Option<FreeSlot>), Problem> {
    let (from, to) = (ctx.now(), ctx.now() + Duration::days(SEARCH_DAYS));
    let rank = Rank::wanted(sought.title);
    let fitting = doctors::search(conn, Some(sought.specialty), rank, Some(sought.hospital)).await?;
    // What is held or asked for is in the way of the others only: it is drawn as what is chosen.
    let chosen = match sought.chosen {
        Some(asked) => Some((asked.doctor, asked.interval.starts_at(), asked.interval.ends_at(), asked.room)),
        None => hold::mine(conn, ctx).await?.map(|(doctor, from, until)| (doctor, from, until, None)),
    };
    let chosen = chosen.filter(|(_, starts_at, ..)| *starts_at > from).and_then(|(id, starts_at, ends_at, room)| {
        let doctor = fitting.iter().find(|doctor| doctor.account_id == id)?;
        Some(FreeSlot::new(doctor, Interval::new(starts_at, ends_at).ok()?, room))
    });
    let mut others = resources_of(conn, from, sought.resident).await?;
    others.extend(sought.devices.iter().map(|device| device.0));
    let (others, is_stat) = (&others[..], sought.is_stat);
    let search = AvailabilitySearch { others, is_stat, ..AvailabilitySearch::of(&fitting, from, to) };
    let mut slots = free(conn, from, search).await?;
    let any = !slots.is_empty();
    let house = (ctx.actor.organisation, Uuid::nil());
    let rooms = Rooms::of(conn, from, house, (from, to)).await?;
    rooms.keep_free(&mut slots);
    let found = match (slots.is_empty() && any, rooms.is_empty()) {
        (true, true) => Found::NoRooms,
        (true, false) => Found::RoomsTaken,
        (false, _) => Found::Free(slots),
    };
    Ok((found, chosen))
}

fn days(ctx: &Ctx, zone: Tz, (found, at_once): (&Found, AtOnce), chosen: Option<&FreeSlot>) -> Markup {
    let (lang, words) = (ctx.lang, words(ctx.lang, zone));
    let (slots, lacking) = match found {
        Found::Free(slots) if slots.is_empty() => (&slots[..], Some("no-slots")),
        Found::Free(slots) => (&slots[..], None),
        Found::NoRooms => (&[][..], Some("no-rooms")),
        Found::RoomsTaken => (&[][..], Some("rooms-taken")),
    };
    let is_chosen =
        |slot: &FreeSlot| chosen.is_some_and(|c| c.doctor_id == slot.doctor_id && c.starts_at == slot.starts_at);
    let mut by_day: BTreeMap<NaiveDate, [Vec<&FreeSlot>; 2]> = BTreeMap::new();
    for slot in slots.iter().filter(|slot| !is_chosen(slot)) {
        let local = slot.starts_at.with_timezone(&zone);
        by_day.entry(local.date_naive()).or_default()[usize::from(local.hour() >= 12)].push(slot);
    }
    let shown = |halves: &[Vec<&FreeSlot>; 2]| halves.iter().map(|half| half.len().min(OF_DAY_MAX)).sum::<usize>();
    let drawn: usize = by_day.values().take(DAYS_MAX).map(shown).sum();
    let more = by_day.values().flatten().map(Vec::len).sum::<usize>() - drawn;
    html! {
        fieldset.field #asked-time tabindex="-1" {
            legend { (t(lang, "ask-time")) }
            @match at_once {
                AtOnce::None => {},
                AtOnce::Returned => (page::notice(Tone::Info, &t(lang, "ask-returned"))),
                AtOnce::All => (page::notice(Tone::Info, &t(lang, "ask-at-once"))),
                AtOnce::Until(day) => (page::notice(Tone::Info, &TEXTS.with(lang, "ask-at-once-until", &[("day", &words.day(day))]))),
            }
            @if let Some(c) = chosen {
                (choice(lang, &format!("{} {}", words.day(c.starts_at.with_timezone(&zone).date_naive()), words.span(c.starts_at, c.ends_at)), c, true))
            }
            label.choice { input #asked-none type="radio" name="asked" value="" checked[chosen.is_none()]; (t(lang, "ask-no-time")) }
            @if let Some(lacking) = lacking { (page::notice(Tone::Warn, &t(lang, lacking))) }
            @for (n, (day, halves)) in by_day.iter().take(DAYS_MAX).enumerate() {
                details open[n == 0] {
                    summary { (words.day(*day)) " " span.faint { (TEXTS.with(lang, "ask-count", &[("count", &shown(halves).to_string())])) } }
                    @for (half, of) in ["ask-morning", "ask-afternoon"].iter().zip(halves) {
                        @if !of.is_empty() { p.faint { (t(lang, half)) } }
                        @for slot in of.iter().take(OF_DAY_MAX) {
                            (choice(lang, &words.span(slot.starts_at, slot.ends_at), slot, false))
                        }
                    }
                }
            }
            @if more > 0 { p.help { (TEXTS.with(lang, "ask-more", &[("count", &more.to_string())])) } }
            p.help { (t(lang, if let AtOnce::All = at_once { "ask-help-at-once" } else { "ask-help" })) }
        }
    }
}

fn choice(lang: Lang, time: &str, slot: &FreeSlot, chosen: bool) -> Markup {
    let (starts_at, ends_at) = (slot.starts_at.to_rfc3339(), slot.ends_at.to_rfc3339());
    let room = slot.room_id.map(|room| room.to_string()).unwrap_or_default();
    let value = format!("{}|{starts_at}|{ends_at}|{room}", slot.doctor_id);
    let id = format!("asked-{}-{}", slot.doctor_id, slot.starts_at.timestamp());
    html! {
        label.choice {
            input id=(id) type="radio" name="asked" value=(value) checked[chosen];
            span {
                span.strong { (time) } " " (slot.doctor_name) " " span.faint { (texts::title(lang, slot.title)) }
                @if chosen { " " span.faint { (t(lang, "ask-chosen")) } }
            }
        }
    }
}
