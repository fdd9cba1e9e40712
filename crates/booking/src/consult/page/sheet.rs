//! All that the page of one consult shows, as it is read.

use chrono::Duration;
use sanbao_platform::db::Conn;
use sanbao_platform::http::Ctx;
use sanbao_platform::moment::Moment;
use sanbao_platform::on;
use sanbao_platform::policy::Decision;
use sanbao_platform::problem::Problem;

use crate::account::{AccountId, LocationId};
use crate::consult::acts::{self, ActLine};
use crate::consult::api::{SlotQuery, slots_for, wanted};
use crate::consult::at_once;
use crate::consult::conflicts::{self, Conflict};
use crate::consult::consent::{self, ConsentView};
use crate::consult::exchange;
use crate::consult::guest::{self, GuestView};
use crate::consult::id::ConsultId;
use crate::consult::meeting::{self, MeetingView};
use crate::consult::model::Consult;
use crate::consult::opinion::{self, Feedback, Opinion};
use crate::consult::overbook::{self, TimesBeside};
use crate::consult::policy::{ConsultAction, ConsultRelation};
use crate::consult::practitioner::{FreeSlot, Rank};
use crate::consult::rooms::Rooms;
use crate::consult::state::ConsultStateName;
use crate::consult::store;
use crate::consult::ticket::issued::{self, TicketHolder};
use crate::consult::view::{self, HistoryLine};

const ROOMS: &str =
    "select id, name from location where organisation_id = $1 and state = 'open' order by name, id limit 51";
/// Free times are offered for so many days.
const SLOT_DAYS: i64 = 10;
/// And so many of them; one more is read where there are more.
pub(super) const SLOTS_SHOWN_MAX: usize = 60;
/// Rooms that are offered; one more is read where there are more.
pub(super) const ROOMS_SHOWN_MAX: usize = 50;

/// The facts and steps that the reader may see and take.
pub(super) struct Sheet {
    pub(super) ctx: Ctx,
    pub(super) consult: Consult,
    pub(super) inviting: bool,
    /// Whether the reader may enter the room, once it is open.
    pub(super) enters: bool,
    pub(super) actions: Vec<&'static str>,
    pub(super) sending: Sending,
    pub(super) history: Vec<HistoryLine>,
    pub(super) acts: Vec<ActLine>,
    pub(super) older: OlderLines,
    pub(super) consents: Vec<ConsentView>,
    pub(super) guests: Vec<GuestView>,
    pub(super) opinion: Option<Opinion>,
    pub(super) feedback: Option<Feedback>,
    pub(super) rooms: Vec<(LocationId, String)>,
    pub(super) slots: Vec<FreeSlot>,
    /// Times of doctors below the wanted rank, whom the inviting side may take.
    pub(super) below: Vec<FreeSlot>,
    pub(super) colleagues: Colleagues,
    /// Times of the doctor that are taken, where the reader may give one all the same.
    pub(super) beside: Option<TimesBeside>,
    /// The booked consults of the reader's side with which it may change its time.
    pub(super) partners: Vec<Consult>,
    /// The later bookings that the delayed consult runs into.
    pub(super) conflicts: Vec<Conflict>,
    pub(super) meeting: MeetingView,
    pub(super) tickets: Vec<TicketHolder>,
}

/// Whether there are older lines of the history, and acts, than the page shows.
#[derive(Clone, Copy)]
pub(super) struct OlderLines {
    pub(super) steps: bool,
    pub(super) acts: bool,
}

/// The way of an invitation as soon as it is sent.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Sending {
    /// It waits for the hospital's answer.
    Asks,
    /// The time that it asks for is booked, by the agreement of the two sides.
    Books,
}

/// Times of other doctors of the specialty, to whom the reader's hospital may give a consult.
pub(super) enum Colleagues {
    /// It may not, or nobody has taken the consult on.
    None,
    /// Looked for only when they are asked for.
    Unasked,
    Free(Vec<FreeSlot>),
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

/// The doctors whose times are offered.
#[derive(Clone, Copy)]
enum Whose {
    All,
    Only(AccountId),
    AllBut(AccountId),
}

/// The free times of doctors of these ranks: the doctor who took it on first, then the others. Those of colleagues are
/// looked for around the booked time, the nearest first.
async fn offered(
    conn: &mut Conn,
    ctx: &Ctx,
    consult: &Consult,
    whose: Whose,
    rank: Rank,
) -> Result<Vec<FreeSlot>, Problem> {
    let now = ctx.now();
    let (doctor_id, but) = match whose {
        Whose::All => (None, None),
        Whose::Only(doctor) => (Some(doctor), None),
        Whose::AllBut(doctor) => (None, Some(doctor)),
    };
    let booked = consult.state.appointment().map(|a| a.interval.starts_at());
    let near = booked.filter(|at| but.is_some() && *at > now);
    let from = near.map_or(now, |at| now.max(at - Duration::days(SLOT_DAYS / 2)));
    let (from, to) = (Moment::known(from), Moment::known(from + Duration::days(SLOT_DAYS)));
    let query = SlotQuery { from, to, room_id: None, doctor_id, below_rank: false, after: None, limit: None };
    let mut slots = slots_for(conn, now, consult, &query, (rank, but)).await?;
    let house = (consult.inviting.id, consult.id.0);
    Rooms::of(conn, now, house, (*from, *to)).await?.keep_free(&mut slots);
    match near {
        Some(at) => slots.sort_by_key(|s| ((s.starts_at - at).abs(), s.starts_at)),
        None => slots.sort_by_key(|s| (Some(s.doctor_id) != consult.state.doctor(), s.starts_at)),
    }
    slots.truncate(SLOTS_SHOWN_MAX + 1);
    Ok(slots)
}

/// Reads it: 404, 403 or the sheet; with the times of other doctors, if they are asked for.
pub(super) async fn sheet(tx: &mut Conn, ctx: Ctx, id: ConsultId, colleague: bool) -> Result<Sheet, Problem> {
    let consult = store::load(tx, &ctx, id, ConsultAction::Read).await?;
    let specialty = store::specialty_of(tx, &ctx.actor).await?;
    let actions = view::actions(&consult, &ctx, specialty.as_deref());
    let relation = consult.relation(&ctx.actor, specialty.as_deref());
    let inviting = relation == ConsultRelation::Inviting;
    let partners =
        if actions.contains(&"exchange") { exchange::offered(tx, &ctx, &consult, relation).await? } else { Vec::new() };
    let books = actions.contains(&"submit") && at_once::would(tx, ctx.now(), &consult).await?;
    let opinion = opinion::find(tx, id).await?;
    let writes = actions.contains(&"save_opinion");
    let (mut rooms, mut slots, mut below, mut colleagues) = (Vec::new(), Vec::new(), Vec::new(), Colleagues::None);
    let mut beside = None;
    if actions.contains(&"schedule") || actions.contains(&"reschedule") {
        rooms = on!(tx, |c| sqlx::query_as(ROOMS).bind(consult.inviting.id).fetch_all(c).await)?;
        let doctor_id = if inviting { None } else { consult.state.doctor() };
        let whose = doctor_id.map_or(Whose::All, Whose::Only);
        slots = offered(tx, &ctx, &consult, whose, wanted(&consult, doctor_id)).await?;
        if let Some(doctor) = doctor_id {
            let rank = Rank::wanted(consult.wanted_title);
            colleagues = if colleague {
                Colleagues::Free(offered(tx, &ctx, &consult, Whose::AllBut(doctor), rank).await?)
            } else {
                Colleagues::Unasked
            };
        }
        beside = overbook::times(tx, &ctx, &consult, SLOT_DAYS).await?;
        if let Some(least) = consult.wanted_title.filter(|_| inviting) {
            below = offered(tx, &ctx, &consult, Whose::All, Rank::Below(least)).await?;
        }
    }
    let revokes = consult.decide(&ctx.actor, specialty.as_deref(), ConsultAction::RevokeTicket) == Decision::Allow;
    let enters = may_enter(&consult, &ctx, specialty.as_deref());
    let open = !consult.state.is_final();
    let shows = &ctx.shows;
    let tickets = if revokes && open {
        issued::list(tx, id, ctx.actor.organisation).await?.shown(shows, &consult)
    } else {
        Vec::new()
    };
    let (acts, more_acts) =
        acts::of(tx, id, ctx.actor.organisation, acts::Seen { links: inviting, tickets: revokes }).await?;
    let (history, more_history) = view::history(tx, &ctx, &consult).await?;
    Ok(Sheet {
        meeting: meeting::of(tx, &consult, ctx.now()).await?.shown(shows, &consult),
        tickets,
        history,
        acts: acts.shown(shows, &consult),
        older: OlderLines { steps: more_history, acts: more_acts },
        consents: consent::list(tx, id).await?.shown(shows, &consult),
        guests: if inviting { guest::list(tx, id).await?.shown(shows, &consult) } else { Vec::new() },
        opinion: opinion.map(|o| o.shown(shows, &consult)).filter(|o| o.signature.is_some() || writes),
        conflicts: conflicts(tx, &ctx, &consult).await?,
        feedback: opinion::feedback(tx, id).await?.map(|feedback| feedback.shown(shows, &consult)),
        sending: if books { Sending::Books } else { Sending::Asks },
        ctx,
        consult,
        inviting,
        enters,
        actions,
        rooms,
        slots,
        below,
        colleagues,
        beside,
        partners,
    })
}

/// Whether the reader may enter the room, once it is open.
pub(super) fn may_enter(consult: &Consult, ctx: &Ctx, specialty: Option<&str>) -> bool {
    let may = |action| consult.decide(&ctx.actor, specialty, action) == Decision::Allow;
    may(ConsultAction::Host) || may(ConsultAction::Attend)
}

/// A delay that is over, or whose meeting has begun, warns of nothing.
async fn conflicts(conn: &mut Conn, ctx: &Ctx, consult: &Consult) -> Result<Vec<Conflict>, Problem> {
    if consult.state.name() == ConsultStateName::Scheduled {
        conflicts::of(conn, ctx, consult).await
    } else {
        Ok(Vec::new())
    }
}
