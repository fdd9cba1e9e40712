//! The list: for care staff what is on today and what waits; for a doctor the next patient first.

use axum::extract::State as AppState;
use chrono::Duration;
use maud::{Markup, html};
use sanbao_platform::http::{Ctx, PageCtx};
use sanbao_platform::lang::Lang;
use sanbao_platform::page::{self, Age, Tone};
use sanbao_platform::problem::Problem;

use super::door::{door, expected, is_open, late_by};
use super::{badge, meeting as spoken, t, time, words};
use crate::App;
use crate::consult::api::side;
use crate::consult::meeting;
use crate::consult::model::Consult;
use crate::consult::state::ConsultStateName;
use crate::consult::store::{self, ConsultFilter, Side};
use crate::consult::view::actions;

/// Consults of one list at most; older ones are found by their date in the API.
const LIST_MAX: i64 = 200;

/// The door opens and a time passes without anybody telling; the list is read so often.
const REREAD_SECONDS: u32 = 60;

/// The relation of a reader to the list.
struct Reader<'a> {
    ctx: &'a Ctx,
    side: Side,
    specialty: Option<String>,
}

/// A group of the list, by what is to be done.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Group {
    Today,
    Mine,
    Theirs,
    Over,
}

impl Group {
    const ALL: [(Self, &'static str); 4] = [
        (Self::Today, "group-booked"),
        (Self::Mine, "group-mine"),
        (Self::Theirs, "group-theirs"),
        (Self::Over, "group-over"),
    ];
}

fn group(consult: &Consult, side: Side) -> Group {
    let inviting = side == Side::Inviting;
    match consult.state.name() {
        ConsultStateName::Scheduled | ConsultStateName::InSession => Group::Today,
        ConsultStateName::Draft
        | ConsultStateName::Returned
        | ConsultStateName::Accepted
        | ConsultStateName::Signed
        | ConsultStateName::Adopted => {
            if inviting {
                Group::Mine
            } else if consult.state.name() == ConsultStateName::Accepted {
                Group::Theirs
            } else {
                Group::Over
            }
        }
        ConsultStateName::Submitted | ConsultStateName::OpinionDraft => {
            if inviting {
                Group::Theirs
            } else {
                Group::Mine
            }
        }
        _ => Group::Over,
    }
}

/// `GET /consults`
pub(super) async fn consults(PageCtx(ctx): PageCtx, AppState(app): AppState<App>) -> Result<Markup, Problem> {
    let side = side(&ctx.actor)?;
    let now = ctx.now();
    let filter = ConsultFilter {
        state: None,
        from: now - Duration::days(14),
        to: now + Duration::days(120),
        after: None,
        limit: LIST_MAX + 1,
    };
    let mut conn = app.deps.db.read().await?;
    let mut consults = store::list(&mut conn, &ctx.actor, side, &filter).await?;
    let shown = usize::try_from(LIST_MAX).unwrap_or(usize::MAX);
    let more = consults.len() > shown;
    consults.truncate(shown);
    let specialty = store::specialty_of(&mut conn, &ctx.actor).await?;
    let calls =
        if side == Side::Inviting { meeting::calls(&mut conn, ctx.actor.organisation, now).await? } else { Vec::new() };
    let reader = Reader { ctx: &ctx, side, specialty };
    let lang = ctx.lang;
    let body = html! {
        div.spread {
            h1 { (t(lang, "consults")) }
            @if side == Side::Inviting { a.button.primary href="/consults/new" { (t(lang, "new-consult")) } }
        }
        div #consults data-live="/consults/events" data-live-seconds=(REREAD_SECONDS) {
            (spoken::bell(&ctx, &calls))
            (lists(&reader, &consults, more))
        }
    };
    Ok(app.deps.frame.page(
        lang,
        &t(lang, "consults"),
        Some(&ctx.actor),
        "/consults",
        &["/static/live.js", "/static/booking/consult-bell.js"],
        &body,
    ))
}

fn lists(reader: &Reader<'_>, consults: &[Consult], more: bool) -> Markup {
    let lang = reader.ctx.lang;
    let of = |wanted: Group| consults.iter().filter(move |c| group(c, reader.side) == wanted);
    html! {
        @if let Some(next) = of(Group::Today).next() { (next_card(reader, next)) }
        @for (wanted, title) in Group::ALL {
            @if of(wanted).next().is_some() {
                h2 { (t(lang, title)) " " span.faint { (of(wanted).count()) } }
                div.grid {
                    @if wanted == Group::Over { @for c in of(wanted).collect::<Vec<_>>().into_iter().rev() { (card(reader, c)) } }
                    @else { @for c in of(wanted) { (card(reader, c)) } }
                }
            }
        }
        @if more { (page::count(lang, consults.len(), true)) }
        @if consults.is_empty() {
            @if reader.side == Side::Inviting { (page::empty(&t(lang, "empty-inviting"), Some(("/consults/new", &t(lang, "new-consult"))))) }
            @else { (page::empty(&t(lang, "empty-invited"), None)) }
        }
    }
}

fn next_card(reader: &Reader<'_>, consult: &Consult) -> Markup {
    let (lang, now) = (reader.ctx.lang, reader.ctx.now());
    let (title, label) = match reader.side {
        Side::Inviting => ("next-consult", "enter-room"),
        _ => ("next-patient", "next-patient"),
    };
    html! {
        section.card.next aria-labelledby="next" {
            h2 #next { (t(lang, title)) }
            p.big { (consult.about(&reader.ctx.shows).name) }
            (appointment(reader, consult))
            @if reader.side == Side::Hospital { (link(lang, consult)) }
            @else if consult.has_consent || reader.side == Side::Inviting { (door(lang, consult, now, label)) }
            @else { p.notice.warn { (t(lang, "consent-is-missing")) } (link(lang, consult)) }
        }
    }
}

fn appointment(reader: &Reader<'_>, consult: &Consult) -> Markup {
    let (lang, now) = (reader.ctx.lang, reader.ctx.now());
    let zone = consult.zone_of(&reader.ctx.actor);
    let other = if reader.side == Side::Inviting { &consult.invited } else { &consult.inviting };
    html! {
        p {
            @if let Some(a) = consult.state.appointment() {
                span.strong { (time(lang, zone, a.interval.starts_at())) }
                @if consult.state.name() == ConsultStateName::Scheduled { " " (words(lang, zone).age(Age::Left, expected(a), now)) }
                @if a.delay_minutes > 0 {
                    " " (late_by(lang, a.delay_minutes))
                }
            } @else {
                (t(lang, "wanted-before")) " " (time(lang, zone, consult.wanted.1))
            }
        }
        p.faint {
            (other.name(lang))
            @if let Some(doctor) = &consult.doctor_name { " · " (doctor) }
            @if let Some(room) = &consult.room_name { " · " (room) }
        }
    }
}

fn link(lang: Lang, consult: &Consult) -> Markup {
    html! { a.button href=(format!("/consults/{}", consult.id)) { (t(lang, "open-consult")) } }
}

fn card(reader: &Reader<'_>, consult: &Consult) -> Markup {
    let lang = reader.ctx.lang;
    let state = consult.state.name();
    let side = if reader.side == Side::Inviting { "inviting" } else { "invited" };
    let booked = matches!(state, ConsultStateName::Scheduled | ConsultStateName::InSession);
    let late = consult.state.appointment().is_some_and(|a| a.delay_minutes > 0) && booked;
    // A consult that somebody must act on waits; one that is over was so long ago.
    let since = if group(consult, reader.side) == Group::Over { Age::Ago } else { Age::Waited };
    let waits = !actions(consult, reader.ctx, reader.specialty.as_deref()).is_empty();
    html! {
        article.card.late[late] {
            h3.spread {
                a href=(format!("/consults/{}", consult.id)) { (consult.about(&reader.ctx.shows).name) }
                (badge(lang, state))
            }
            (appointment(reader, consult))
            @if booked && !consult.has_consent { p { (page::badge(Tone::Warn, &t(lang, "no-consent"))) } }
            p.strong[waits] { (t(lang, &format!("next-{side}-{state}"))) }
            @if !booked { p.faint { (words(lang, consult.zone_of(&reader.ctx.actor)).age(since, consult.state_since, reader.ctx.now())) } }
            @if booked && consult.has_consent && reader.side != Side::Hospital && is_open(consult, reader.ctx.now()) {
                a.button.primary href=(format!("/room?consult={}", consult.id)) { (t(lang, "enter-room")) }
            }
        }
    }
}
