//! One consult: where it stands, what to do next, the case, the opinion, the history.

use axum::extract::State;
use chrono::{DateTime, Duration, Utc};
use maud::{Markup, html};
use sanbao_platform::audit;
use sanbao_platform::db::Conn;
use sanbao_platform::http::{Ctx, PageCtx, Path};
use sanbao_platform::lang::Lang;
use sanbao_platform::on;
use sanbao_platform::page::{self, Age, Tone};
use sanbao_platform::policy::Decision;
use sanbao_platform::problem::Problem;

use super::{TEXTS, badge, forms, list, meeting as spoken, record, t, time, words};
use crate::App;
use crate::account::LocationId;
use crate::consult::api::{self, SlotQuery, slots_for, view::actions};
use crate::consult::consent::{self, ConsentView};
use crate::consult::entry::{self, TicketHolder};
use crate::consult::guest::{self, GuestView};
use crate::consult::hours::FreeSlot;
use crate::consult::id::ConsultId;
use crate::consult::journal::{self, HistoryLine};
use crate::consult::meeting::{self, Absent, MeetingView};
use crate::consult::model::Consult;
use crate::consult::opinion::{self, Feedback, Opinion};
use crate::consult::policy::{Action, Relation};
use crate::consult::state::{Appointment, StateName};
use crate::consult::store;

const ROOMS: &str = "select id, name from location where organisation_id = $1 order by name, id limit 50";
/// Free times are offered for so many days.
const SLOT_DAYS: i64 = 10;
/// And so many of them.
const SLOTS_SHOWN_MAX: usize = 60;
/// Nobody tells when somebody is absent; a page that waits for it asks so often.
const REREAD_SECONDS: u32 = 60;

/// All that the page shows.
pub(super) struct Sheet {
    pub(super) ctx: Ctx,
    pub(super) consult: Consult,
    pub(super) inviting: bool,
    pub(super) actions: Vec<&'static str>,
    pub(super) history: Vec<HistoryLine>,
    pub(super) consents: Vec<ConsentView>,
    pub(super) guests: Vec<GuestView>,
    pub(super) opinion: Option<Opinion>,
    pub(super) feedback: Option<Feedback>,
    pub(super) rooms: Vec<(LocationId, String)>,
    pub(super) slots: Vec<FreeSlot>,
    pub(super) meeting: MeetingView,
    pub(super) tickets: Vec<TicketHolder>,
}

impl Sheet {
    /// Whether the reader may take the step now.
    pub(super) fn can(&self, step: &str) -> bool {
        self.actions.contains(&step)
    }

    /// A call of the API about this consult.
    pub(super) fn call(&self, method: &str, rest: &str) -> String {
        format!("{method} /v1/consults/{}{rest}", self.consult.id)
    }
}

async fn sheet(tx: &mut Conn, ctx: Ctx, id: ConsultId) -> Result<Sheet, Problem> {
    let consult = api::load(tx, &ctx, id, Action::Read).await?;
    let specialty = store::specialty_of(tx, &ctx.actor).await?;
    let actions = actions(&consult, &ctx.actor, specialty.as_deref());
    let inviting = consult.relation(&ctx.actor, specialty.as_deref()) == Relation::Inviting;
    let opinion = opinion::find(tx, id).await?;
    let writes = actions.contains(&"save_opinion");
    let (mut rooms, mut slots) = (Vec::new(), Vec::new());
    if actions.contains(&"schedule") || actions.contains(&"reschedule") {
        rooms = on!(tx, |c| sqlx::query_as(ROOMS).bind(consult.inviting.id).fetch_all(c).await)?;
        let to = ctx.now() + Duration::days(SLOT_DAYS);
        let doctor_id = if inviting { None } else { consult.state.doctor() };
        let query = SlotQuery { from: ctx.now(), to, room_id: None, doctor_id };
        slots = slots_for(tx, ctx.now(), &consult, &query).await?;
        // The doctor who took it on first, then whoever else is free.
        slots.sort_by_key(|s| (Some(s.doctor_id) != consult.state.doctor(), s.starts_at));
        slots.truncate(SLOTS_SHOWN_MAX);
    }
    let revokes = consult.decide(&ctx.actor, specialty.as_deref(), Action::RevokeTicket) == Decision::Allow;
    let open = !consult.state.name().is_final();
    let tickets = if revokes && open { entry::list(tx, id, ctx.actor.organisation).await? } else { Vec::new() };
    Ok(Sheet {
        meeting: meeting::of(tx, &consult, ctx.now()).await?,
        tickets,
        history: journal::history(tx, id).await?,
        consents: consent::list(tx, id).await?,
        guests: if inviting { guest::list(tx, id).await? } else { Vec::new() },
        opinion: opinion.filter(|o| o.signature.is_some() || writes),
        feedback: opinion::feedback(tx, id).await?,
        ctx,
        consult,
        inviting,
        actions,
        rooms,
        slots,
    })
}

/// `GET /consults/{id}`; each read is audited.
pub(super) async fn page(
    PageCtx(ctx): PageCtx,
    State(app): State<App>,
    Path(id): Path<ConsultId>,
) -> Result<Markup, Problem> {
    // What is shown is read beside the writer; only the audit row is written.
    let mut conn = app.deps.db.read().await?;
    let sheet = sheet(&mut conn, ctx, id).await?;
    drop(conn);
    let mut tx = app.deps.db.begin().await?;
    audit::record(&mut tx, &sheet.ctx, "consult.read", "consult", id).await?;
    tx.commit().await?;
    let lang = sheet.ctx.lang;
    let title = format!("{} · {}", sheet.consult.resident_name, t(lang, "consult"));
    let scripts =
        ["/static/live.js", "/static/send.js", "/static/booking/consult-page.js", "/static/booking/consult-opinion.js"];
    Ok(app.deps.frame.page(lang, &title, Some(&sheet.ctx.actor), "/consults", &scripts, &body(lang, &sheet)))
}

fn body(lang: Lang, sheet: &Sheet) -> Markup {
    let (consult, zone) = (&sheet.consult, sheet.consult.zone_of(&sheet.ctx.actor));
    let writes = sheet.can("save_opinion");
    html! {
        p { a href="/consults" { "← " (t(lang, "consults")) } }
        div #status data-live="/consults/events" data-live-source=(format!("/consults/{}/status", consult.id))
            data-live-seconds=[(consult.state.name() == StateName::Scheduled).then_some(REREAD_SECONDS)]
            data-changed=(t(lang, "changed-meanwhile")) { (status(&sheet.ctx, consult, sheet.inviting, &sheet.actions, &sheet.meeting)) }
        div.columns {
            div.stack {
                @if let Some(o) = sheet.opinion.as_ref().filter(|o| o.signature.is_some()) {
                    (record::opinion(lang, zone, consult, o, sheet.feedback.as_ref()))
                }
                @if writes { (forms::opinion(lang, sheet)) }
                (spoken::absent(lang, sheet))
                (forms::next(lang, sheet))
                section.card { (record::case(lang, consult, zone)) }
                (record::history(lang, zone, &sheet.history))
            }
            div.stack {
                section.card { (record::facts(lang, consult, &sheet.ctx)) }
                (spoken::card(lang, zone, &sheet.meeting))
                (forms::consent(lang, sheet))
                @if sheet.inviting { (forms::guests(lang, sheet)) }
                (spoken::tickets(lang, sheet))
                (forms::change(lang, sheet))
            }
        }
    }
}

/// `GET /consults/{id}/status`: the part that follows by itself, alone. It holds nothing clinical, so
/// following is no read of the case.
pub(super) async fn status_part(
    PageCtx(ctx): PageCtx,
    State(app): State<App>,
    Path(id): Path<ConsultId>,
) -> Result<Markup, Problem> {
    let mut conn = app.deps.db.read().await?;
    let consult = api::load(&mut conn, &ctx, id, Action::Read).await?;
    let specialty = store::specialty_of(&mut conn, &ctx.actor).await?;
    let actions = actions(&consult, &ctx.actor, specialty.as_deref());
    let inviting = consult.relation(&ctx.actor, specialty.as_deref()) == Relation::Inviting;
    let meeting = meeting::of(&mut conn, &consult, ctx.now()).await?;
    Ok(html! { div #status { (status(&ctx, &consult, inviting, &actions, &meeting)) } })
}

fn status(ctx: &Ctx, consult: &Consult, inviting: bool, actions: &[&str], meeting: &MeetingView) -> Markup {
    let (lang, zone) = (ctx.lang, consult.zone_of(&ctx.actor));
    let state = consult.state.name();
    let side = if inviting { "inviting" } else { "invited" };
    let enters = inviting || actions.contains(&"finish");
    let running = consult.state.appointment().filter(|_| state.legal().contains(&"finish"));
    let absent = meeting.absent.map_or("", Absent::name);
    html! {
        div data-state=(format!("{}-{}-{absent}", state.name(), consult.has_consent)) data-can-sign[actions.contains(&"sign")] {
            div.spread { h1 { (consult.resident_name) } (badge(lang, state)) }
            p.strong { (t(lang, &format!("next-{side}-{}", state.name()))) }
            @if let Some(note) = consult.state.note() { p.notice.warn { (note) } }
            @if let Some(a) = running {
                p.big { (time(lang, zone, a.interval.starts_at())) }
                @if a.delay_minutes > 0 { p { (late_by(lang, a.delay_minutes)) } }
                @if state == StateName::Scheduled { p.faint { (words(lang, zone).age(Age::Left, expected(a), ctx.now())) } }
                (spoken::inside(lang, meeting))
                @if enters { p { (list::door(lang, consult, ctx.now(), "enter-room")) } }
            }
        }
    }
}

/// When a consult is expected to begin.
pub(super) fn expected(appointment: &Appointment) -> DateTime<Utc> {
    appointment.interval.starts_at() + Duration::minutes(i64::from(appointment.delay_minutes))
}

/// How much later than agreed it will begin.
pub(super) fn late_by(lang: Lang, minutes: i32) -> Markup {
    page::badge(Tone::Warn, &TEXTS.with(lang, "late-by", &[("minutes", &minutes.to_string())]))
}
