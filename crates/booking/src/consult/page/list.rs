//! The list: what goes on now, who waits, the next, then the rest of the day; what was missed, and what is open whatever
//! its age.

use std::collections::BTreeMap;

use axum::extract::State as AppState;
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use maud::{Markup, html};
use sanbao_platform::http::{Ctx, PageCtx};
use sanbao_platform::page::{self, Age, Tone, Words};
use sanbao_platform::problem::Problem;

use super::door::{expected, late_by};
use super::fetch::fetching;
use super::overbook::overbooked;
use super::record::bring;
use super::{age, badge, drafts, handover, meeting as spoken, name_or_erased, styles, t, urgency_badge, words};
use crate::App;
use crate::account::{LocationId, organisation};
use crate::consult::api::side;
use crate::consult::day::{self, Day, DayPlace};
use crate::consult::id::ConsultId;
use crate::consult::meeting;
use crate::consult::model::Consult;
use crate::consult::state::{Appointment, ConsultStateName};
use crate::consult::store::{self, Side};
use crate::consult::ticket::is_open;
use crate::consult::view::actions;

/// The door opens and a time passes without anybody telling; the list is read so often.
const REREAD_SECONDS: u32 = 60;

/// The relation of a reader to the list.
struct Reader<'a> {
    ctx: &'a Ctx,
    side: Side,
    specialty: Option<String>,
    words: Words,
    waiting: &'a BTreeMap<ConsultId, DateTime<Utc>>,
}

impl Reader<'_> {
    /// Whether a place is shown as a time line of each room: the near days of a house.
    fn goes_by_room(&self, place: DayPlace) -> bool {
        self.side == Side::Inviting && matches!(place, DayPlace::Today | DayPlace::Tomorrow)
    }
}

/// `GET /consults`
pub(super) async fn consults(PageCtx(ctx): PageCtx, AppState(app): AppState<App>) -> Result<Markup, Problem> {
    let side = side(&ctx.actor)?;
    let (now, lang) = (ctx.now(), ctx.lang);
    let mut conn = app.deps.db.read().await?;
    let zone: Tz = organisation::own(&mut conn, &ctx).await?.zone();
    let drafts = drafts::part(&mut conn, &ctx, &app.deps.fields, zone).await?;
    let day = day::read(&mut conn, &ctx.actor, side, now).await?;
    let specialty = store::specialty_of(&mut conn, &ctx.actor).await?;
    let calls =
        if side == Side::Inviting { meeting::calls(&mut conn, ctx.actor.organisation, now).await? } else { Vec::new() };
    let handed = handover::waiting(&ctx, &mut conn, words(lang, zone)).await?;
    let reader = Reader { ctx: &ctx, side, specialty, words: words(lang, zone), waiting: &day.waiting };
    let places = day.places(side, zone, now);
    let next = places.iter().filter(|(place, _)| place.is_ahead()).flat_map(|(_, consults)| consults).next();
    let next = next.map(|consult| consult.id);
    let body = html! {
        (styles())
        div.spread {
            h1 { (t(lang, "consults")) }
            div.toolbar {
                @if side == Side::Inviting { a.button href="/consults/day-sheet" { (t(lang, "day-sheet")) } }
                @if side != Side::Doctor { a.button href="/consults/handover" { (t(lang, "handover")) } }
                a.button href="/consults/records" { (t(lang, "records")) }
                @if side == Side::Inviting { a.button.primary[next.is_none()] href="/consults/new" { (t(lang, "new-consult")) } }
            }
        }
        div #consults data-live="/consults/events" data-live-seconds=(REREAD_SECONDS) {
            (spoken::bell(&ctx, &calls))
            (handed)
            (lists(&reader, &day, &places, next))
        }
        (drafts)
    };
    Ok(app.deps.frame.page(
        lang,
        &t(lang, "consults"),
        Some(&ctx.actor),
        "/consults",
        &["/static/live.js", "/static/send.js", "/static/booking/consult-bell.js"],
        &body,
    ))
}

fn lists(
    reader: &Reader<'_>,
    day: &Day,
    places: &BTreeMap<DayPlace, Vec<&Consult>>,
    next: Option<ConsultId>,
) -> Markup {
    let lang = reader.ctx.lang;
    html! {
        @for place in DayPlace::ALL {
            @let consults = places.get(place).map_or(&[][..], Vec::as_slice);
            @let more = last_of_parts(places, *place) && place.ends().iter().any(|part| day.more.contains(part));
            @if !consults.is_empty() {
                h2 { (heading(reader, *place)) " " span.faint { (consults.len()) } }
                @if *place == DayPlace::Missed && reader.side != Side::Hospital { (page::notice(Tone::Warn, &t(lang, "missed-what-to-do"))) }
                @if reader.goes_by_room(*place) {
                    @for ((name, _), of_room) in by_room(consults) {
                        h3.room-name { (name.unwrap_or("—")) }
                        div.rows.of-room { @for consult in of_room { (row(reader, *place, consult, next == Some(consult.id))) } }
                    }
                } @else {
                    div.rows { @for consult in consults { (row(reader, *place, consult, next == Some(consult.id))) } }
                }
            }
            @if more {
                (page::count(lang, consults.len(), true))
                @let (records, words) = records_of(*place, reader);
                p { a href=(records) { (t(lang, words)) } }
            }
        }
        @if places.is_empty() {
            @if reader.side == Side::Inviting { (page::empty(&t(lang, "empty-inviting"), Some(("/consults/new", &t(lang, "new-consult"))))) }
            @else { (page::empty(&t(lang, "empty-invited"), None)) }
        }
    }
}

/// The page on which the rest of a place is found, and the key of the words that lead there. What was missed is of the days
/// before; a place of several states has no page of its own.
fn records_of(place: DayPlace, reader: &Reader<'_>) -> (String, &'static str) {
    const RECORDS: &str = "/consults/records";
    let in_state = |state: ConsultStateName| format!("{RECORDS}?state={state}");
    match place {
        DayPlace::InSession => (in_state(ConsultStateName::InSession), "records-rest"),
        DayPlace::Waiting | DayPlace::Today | DayPlace::Tomorrow | DayPlace::Later => {
            (in_state(ConsultStateName::Scheduled), "records-rest")
        }
        DayPlace::Missed => {
            let today = reader.ctx.now().with_timezone(&reader.words.zone).date_naive();
            let until = today.pred_opt().unwrap_or(today);
            (format!("{}&until={until}", in_state(ConsultStateName::Scheduled)), "records-rest-missed")
        }
        DayPlace::DoctorGone | DayPlace::Mine | DayPlace::Theirs | DayPlace::Over => {
            (RECORDS.to_owned(), "records-look")
        }
    }
}

/// The consults of each room of a house, in its order of time.
fn by_room<'a>(consults: &[&'a Consult]) -> BTreeMap<(Option<&'a str>, Option<LocationId>), Vec<&'a Consult>> {
    let mut rooms: BTreeMap<_, Vec<&Consult>> = BTreeMap::new();
    for consult in consults {
        let room = consult.state.appointment().map(|a| a.room);
        rooms.entry((consult.room_name.as_deref(), room)).or_default().push(consult);
    }
    rooms
}

/// Whether what is left out of its parts would stand behind this place.
fn last_of_parts(places: &BTreeMap<DayPlace, Vec<&Consult>>, place: DayPlace) -> bool {
    !places.keys().any(|other| *other > place && other.ends() == place.ends())
}

/// 今天 11月23日 周一
fn heading(reader: &Reader<'_>, place: DayPlace) -> Markup {
    let other = match (place, reader.side) {
        (DayPlace::Waiting, Side::Inviting) => "-doctor",
        (DayPlace::Waiting, Side::Hospital) => "-somebody",
        _ => "",
    };
    let now = reader.ctx.now();
    let today = now.with_timezone(&reader.words.zone).date_naive();
    html! {
        @match place {
            DayPlace::Today => { (reader.words.near_day(today, now)) },
            DayPlace::Tomorrow => { (reader.words.near_day(today.succ_opt().unwrap_or(today), now)) },
            _ => { (reader.words.t(&format!("place-{}{other}", place.key()))) }
        }
    }
}

fn row(reader: &Reader<'_>, place: DayPlace, consult: &Consult, is_next: bool) -> Markup {
    let (ctx, lang) = (reader.ctx, reader.ctx.lang);
    let about = consult.about(&ctx.shows);
    let waits = !actions(consult, ctx, reader.specialty.as_deref()).is_empty();
    let side = if reader.side == Side::Inviting { "inviting" } else { "invited" };
    let is_booked = place.is_ahead() || place == DayPlace::Missed;
    let other = if reader.side == Side::Inviting { &consult.invited } else { &consult.inviting };
    let of_room = reader.goes_by_room(place);
    let who = html! {
        a href=(format!("/consults/{}", consult.id)) { (name_or_erased(lang, &about.name)) }
        @if let Some(born) = about.birth_date { " " span.faint { (t(lang, &format!("sex-{}", about.sex))) " " (age(born, ctx.now())) } }
    };
    html! {
        article.row.next[is_next] {
            p.row-time {
                @if is_next && !matches!(place, DayPlace::InSession | DayPlace::Waiting) { (page::badge(Tone::Info, &t(lang, "is-next"))) " " }
                (moment(reader, place, consult))
            }
            div.row-who {
                @if of_room { h4 { (who) } } @else { h3 { (who) } }
                p.faint.clipped { (about.reason) }
            }
            div.row-where {
                p.faint {
                    (other.name(lang))
                    @if let Some(doctor) = consult.doctor_name.as_ref().filter(|_| reader.side != Side::Doctor) { " · " (doctor) }
                    @if let Some(room) = consult.room_name.as_ref().filter(|_| !of_room) { " · " (room) }
                }
                @if of_room && !consult.devices.is_empty() { p.strong { (bring(lang, consult)) } }
                p {
                    @if !of_room { (badge(lang, consult.state.name())) }
                    (urgency_badge(lang, consult.urgency))
                    @if is_booked { (overbooked(lang, consult.state.appointment())) }
                    @if is_booked && !consult.has_consent { " " (page::badge(Tone::Warn, &t(lang, "no-consent"))) }
                    @if !is_booked { " " span.strong[waits] { (t(lang, &format!("next-{side}-{}", consult.state.name()))) } }
                }
            }
            @if of_room || (place == DayPlace::Waiting && reader.side == Side::Inviting) { (fetching(ctx, consult)) }
            p.row-do { (way(reader, place, consult, is_next)) }
        }
    }
}

/// When it is, as people say it.
fn moment(reader: &Reader<'_>, place: DayPlace, consult: &Consult) -> Markup {
    let (words, now) = (reader.words, reader.ctx.now());
    let is_timed = place.is_ahead() || matches!(place, DayPlace::Missed | DayPlace::DoctorGone);
    html! {
        @if let Some(a) = consult.state.appointment().filter(|_| is_timed) {
            (begins(reader, place, consult, a))
        } @else if place == DayPlace::Over {
            span.faint { (words.age(Age::Ago, consult.state_since, now)) }
        } @else {
            (words.age(Age::Waited, consult.state_since, now))
            @if consult.state.appointment().is_none() {
                br; span.faint { (words.t("wanted-before")) " " (words.near(consult.wanted.1, now)) }
            }
        }
    }
}

/// The time of a booked consult: below the heading of its day by the clock alone.
fn begins(reader: &Reader<'_>, place: DayPlace, consult: &Consult, a: &Appointment) -> Markup {
    let (words, now) = (reader.words, reader.ctx.now());
    let below_its_day = matches!(place, DayPlace::Today | DayPlace::Tomorrow);
    let said = |at: DateTime<Utc>| {
        html! { @if below_its_day { time datetime=(at.to_rfc3339()) { (words.clock(at)) } } @else { (words.near(at, now)) } }
    };
    let is_late = a.delay_minutes > 0 && place != DayPlace::InSession;
    let since = reader.waiting.get(&consult.id).filter(|_| place == DayPlace::Waiting);
    let began = consult.state.meeting().0.filter(|_| place == DayPlace::InSession);
    html! {
        span.strong {
            @if is_late && place.is_ahead() { (expected(words, a, &said(a.expected_at()))) }
            @else { (said(a.interval.starts_at())) }
        }
        @if is_late && !place.is_ahead() { " " (late_by(words.lang, a.delay_minutes)) }
        @if let Some(since) = since { br; (words.age(Age::Waited, *since, now)) }
        @if let Some(began) = began { br; span.faint { (words.around("began", &[], "time", &words.age(Age::Ago, began, now))) } }
        @if place == DayPlace::Today { br; span.faint { (words.age(Age::Left, a.expected_at(), now)) } }
    }
}

/// The way on: into the room while its door is open, else to what is to be done first.
fn way(reader: &Reader<'_>, place: DayPlace, consult: &Consult, is_next: bool) -> Markup {
    let (lang, now) = (reader.ctx.lang, reader.ctx.now());
    let page = format!("/consults/{}", consult.id);
    let goes_in = reader.side != Side::Hospital && is_open(&consult.state, now);
    html! {
        @if goes_in && consult.has_consent {
            a.button.primary[is_next] href=(format!("/room?consult={}", consult.id)) { (t(lang, "enter-room")) }
        } @else if goes_in && reader.side == Side::Inviting {
            a.button.primary[is_next] href=(format!("{page}#consent")) { (t(lang, "record-consent-first")) }
        } @else if goes_in {
            span.faint { (t(lang, "consent-is-missing")) }
        } @else if place == DayPlace::Missed && reader.side != Side::Hospital {
            a.button href=(page) { (t(lang, "missed-open")) }
        } @else {
            a.button href=(page) { (t(lang, "open-consult")) }
        }
    }
}
