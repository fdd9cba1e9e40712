//! Doctor, resident, room and shared devices in the calendar, at one time.

use chrono::{DateTime, Utc};
use sanbao_platform::db::{Conn, Tx};
use sanbao_platform::http::Ctx;
use sanbao_platform::lang::Lang;
use sanbao_platform::moment::Moment;
use sanbao_platform::on;
use sanbao_platform::problem::Problem;
use uuid::Uuid;

use super::conflicts::{Conflict, in_the_way};
use super::id::ConsultId;
use super::input::Wanted;
use super::model::Consult;
use super::overbook::OverbookOffer;
use super::practitioner::bookable::{self, Bookable, BookingWish};
use super::practitioner::rules::{self, WishedTime};
use super::practitioner::store::{self as doctors, PractitionerPost};
use super::practitioner::{FreeSlot, Practitioner, search};
use super::problems::{DAY_FULL, DOCTOR_GONE, NO_ROOM_FREE, NOTICE_TOO_SHORT, SESSION_FULL, TOO_CLOSE};
use super::rooms::{self, Around, Party};
use super::state::{Appointment, Booked};
use super::{overbook, store};
use crate::App;
use crate::account::person::ended;
use crate::account::{AccountId, LocationId};
use crate::calendar::overbook::{self as lanes, Beside, HeldPlace, OrdinaryTime};
use crate::calendar::{self, Booking, Interval, OVERBOOK_FULL, SLOT_TAKEN};
use crate::texts::title;

/// The calendar's name for this part.
pub const HOLDER: &str = "consult";

const ROOM_OF: &str = "select count(*) from location where id = $1 and organisation_id = $2 and state = 'open'";

/// A time that fits everybody's rules; whether it is free, the calendar says.
struct Plan {
    doctor: Practitioner,
    /// The doctor first, then the resident, then the devices that are to be brought.
    people: Vec<Uuid>,
    interval: Interval,
    below_rank: bool,
    /// The appointment whose doctor and time are as they were.
    kept: Option<Appointment>,
    /// Whether links for the family stand, which end with the booked time.
    has_links: bool,
    /// Whether somebody else has the doctor then already.
    is_taken: bool,
    /// How many rules there are for the doctor's calendar.
    rules: i64,
    /// The times that others have of the doctor beyond the places that there are.
    beyond: Vec<HeldPlace>,
}

impl Plan {
    fn booked(&self, room: LocationId) -> Booked {
        let (doctor, interval, kept) = (self.doctor.account_id, self.interval, self.kept);
        let (delay_minutes, overbooked) = (kept.map_or(0, |a| a.delay_minutes), kept.is_some_and(|a| a.overbooked));
        Booked {
            appointment: Appointment { doctor, room, interval, delay_minutes, overbooked, at_once: false },
            below_rank: self.below_rank,
            same_time: kept.is_some(),
            has_links: self.has_links,
            overbook_reason: None,
        }
    }

    /// The time as somebody wants it who has no word for more.
    fn ordinary(&self, holder: Uuid) -> OrdinaryTime {
        let (resource, interval) = (self.doctor.account_id.0, self.interval);
        OrdinaryTime { resource, interval, kind: HOLDER, holder, former: None }
    }

    /// The place beyond those that there are which a holder has at this time already.
    fn kept_beside(&self, holder: Uuid) -> Option<Beside> {
        let own = self.beyond.iter().find(|place| place.holder == holder && place.is(self.interval))?;
        Some(Beside::kept(self.doctor.account_id.0, own.lane))
    }
}

async fn plan(conn: &mut Conn, ctx: &Ctx, consult: &Consult, wanted: &Wanted) -> Result<Plan, Problem> {
    let now = ctx.now();
    let found = bookable(conn, now, consult, wanted).await?;
    let below_rank = below_rank(ctx, consult, wanted, &found.doctor)?;
    if wanted.room_id.is_some() && !found.has_room {
        return Err(no_room("/room_id"));
    }
    if found.has_ended {
        return Err(ended());
    }
    let interval = found.slot(now, "/starts_at")?;
    let (mut people, rules, has_links, is_taken) = (found.people(), found.rules, found.links > 0, found.taken > 0);
    people.extend(consult.device_resources());
    let doctor = found.doctor;
    let kept = consult.state.appointment().filter(|a| a.doctor == doctor.account_id && a.interval == interval);
    let (kept, beyond) = (kept.copied(), found.beyond);
    Ok(Plan { doctor, people, interval, below_rank, kept, has_links, is_taken, rules, beyond })
}

/// The doctor who is wished for, or the one who took it on: of the invited hospital and specialty, and there still.
async fn bookable(
    conn: &mut Conn,
    now: DateTime<Utc>,
    consult: &Consult,
    wanted: &Wanted,
) -> Result<Bookable, Problem> {
    let known = match wanted.doctor_id.or(consult.state.doctor()) {
        Some(doctor) => {
            let wish = BookingWish {
                post: PractitionerPost { doctor, hospital: consult.invited.id },
                house: consult.inviting.id,
                room: wanted.room_id,
                resident: consult.resident_id,
                consult: Some(consult.id),
                starts_at: *wanted.starts_at,
            };
            bookable::find(conn, now, &wish).await?
        }
        None => None,
    };
    let Some(found) = known.filter(|found| found.doctor.specialty == consult.wanted_specialty) else {
        return Err(Problem::field(
            "/doctor_id",
            "请选择受邀医院该科室的医生",
            "Choose a doctor of the invited hospital and specialty",
        ));
    };
    if found.works {
        return Ok(found);
    }
    let name = &found.doctor.name;
    let (zh, en) = (
        format!("{name}已不在这家医院出诊，请另选医生"),
        format!("{name} no longer sees patients for this hospital; choose another doctor"),
    );
    Err(Problem::field("/doctor_id", zh, en))
}

/// Whether the doctor is below the wanted rank at the inviting side's word; without that word it is refused. A doctor who
/// is booked already may be given another time.
fn below_rank(ctx: &Ctx, consult: &Consult, wanted: &Wanted, doctor: &Practitioner) -> Result<bool, Problem> {
    let Some(least) = consult.wanted_title.filter(|least| doctor.title < *least) else { return Ok(false) };
    if consult.state.appointment().is_some_and(|booked| booked.doctor == doctor.account_id) {
        return Ok(false);
    }
    if wanted.below_rank && consult.invited_by(&ctx.actor) {
        return Ok(true);
    }
    let (zh, en) = (
        format!("申请要求{}及以上，{}的职称不够；只有邀请方可以同意例外", title(Lang::Zh, least), doctor.name),
        format!(
            "The request asks for at least: {}. {} is below that; only the inviting side may agree to it",
            title(Lang::En, least),
            doctor.name
        ),
    );
    Err(Problem::field("/doctor_id", zh, en))
}

/// Refuses a doctor who has left the hospital. One below the wanted rank may answer for the specialty; the rank is asked of the one who is booked.
pub(super) async fn may_take_on(conn: &mut Conn, consult: &Consult, doctor: AccountId) -> Result<(), Problem> {
    let post = PractitionerPost { doctor, hospital: consult.invited.id };
    if doctors::works(conn, post).await? { Ok(()) } else { Err(Problem::new(&DOCTOR_GONE)) }
}

/// Refuses a room that is not the inviting side's, or closed: one of others is like one that is not there.
pub(super) async fn own_room(
    conn: &mut Conn,
    consult: &Consult,
    room: LocationId,
    pointer: &'static str,
) -> Result<(), Problem> {
    let rooms: i64 =
        on!(conn, |c| sqlx::query_scalar(ROOM_OF).bind(room).bind(consult.inviting.id).fetch_one(c).await)?;
    if rooms == 0 { Err(no_room(pointer)) } else { Ok(()) }
}

/// The problem of a room that is not one of the house's.
pub(super) fn no_room(pointer: &'static str) -> Problem {
    Problem::field(pointer, "请选择邀请方的房间", "Choose a room of the inviting side")
}

/// Takes the wanted time for everybody. A time that was booked or held before is given up for the new one; when that is
/// taken, the caller undoes the transaction and the old time is kept.
pub(super) async fn take(tx: &mut Tx, ctx: &Ctx, consult: &Consult, wanted: &Wanted) -> Result<Booked, Problem> {
    let now = ctx.now();
    store::hold_for(tx, consult.id, wanted.doctor_id.or(consult.state.doctor())).await?;
    let plan = plan(tx, ctx, consult, wanted).await?;
    let holder = consult.id.0;
    let word = overbook::word(ctx, consult, wanted, (plan.doctor.account_id, plan.interval))?;
    if word.is_some() {
        overbook::require_beside_own(tx, ctx, consult, (plan.doctor.account_id, plan.interval)).await?;
    }
    // Many want one time at once: all but those who asked before it was booked need not wait for each other in the calendar.
    if plan.is_taken && word.is_none() && plan.rules == 0 && plan.beyond.is_empty() {
        return Err(Problem::new(&SLOT_TAKEN));
    }
    let passed = passes_rules(tx, now, &plan, consult, word.is_some()).await?;
    let mut kept = plan.kept_beside(holder);
    if word.is_none() && kept.is_none() {
        kept = lanes::require_alone(tx, now, &plan.beyond, plan.ordinary(holder)).await?;
    }
    let party = Party {
        holder,
        former: None,
        moves: consult.state.appointment().is_some() || consult.asked.is_some(),
        people: &plan.people,
        room: wanted.room_id,
        house: consult.inviting.id,
        interval: plan.interval,
        until: None,
        beside: kept.or_else(|| word.as_ref().map(|_| Beside::others(plan.doctor.account_id.0))),
    };
    let room = rooms::seat(tx, now, &party).await?;
    let mut booked = plan.booked(room);
    let Some(reason) = word.filter(|_| plan.kept.is_none()) else { return Ok(booked) };
    if passed || lanes::is_beyond(tx, plan.doctor.account_id.0, plan.interval).await? {
        booked.appointment.overbooked = true;
        booked.overbook_reason = Some(reason);
    }
    Ok(booked)
}

/// Asks the rules of the doctor's calendar; whether one is passed by a word for it.
async fn passes_rules(
    tx: &mut Tx,
    now: DateTime<Utc>,
    plan: &Plan,
    consult: &Consult,
    has_word: bool,
) -> Result<bool, Problem> {
    if plan.rules == 0 {
        return Ok(false);
    }
    let (holder, is_stat) = (consult.id.0, consult.is_stat());
    let wish = WishedTime { doctor: &plan.doctor, interval: plan.interval, holder, former: None, is_stat };
    match rules::require(tx, now, &wish).await {
        Err(broken) if has_word && overbook::may_pass(&broken) => Ok(true),
        kept => kept.map(|()| false),
    }
}

/// A consult at another time, with its own doctor and room.
pub(super) struct Move {
    pub(super) consult: ConsultId,
    pub(super) appointment: Appointment,
    /// The devices that are to be brought.
    pub(super) devices: Vec<Uuid>,
    doctor: Practitioner,
    resources: Vec<Uuid>,
    is_stat: bool,
    /// The times that others have of the doctor beyond the places that there are.
    beyond: Vec<HeldPlace>,
}

impl Move {
    /// The time of each thing that it needs.
    pub(super) fn booking(&self) -> Booking<'_> {
        let interval = self.appointment.interval;
        Booking { holder_kind: HOLDER, holder_id: self.consult.0, resources: &self.resources, interval }
    }

    /// The time as the rules of the doctor's calendar are asked for it, beside what all but these two have.
    pub(super) fn wished(&self, other: &Self) -> WishedTime<'_> {
        let (holder, former, is_stat) = (self.consult.0, Some(other.consult.0), self.is_stat);
        WishedTime { doctor: &self.doctor, interval: self.appointment.interval, holder, former, is_stat }
    }

    /// Whether the doctor is taken then by others than these two beyond the places that there are: nobody comes beside such a one
    /// by an exchange.
    pub(super) fn is_beside_others(&self, other: &Self) -> bool {
        let own = |place: &HeldPlace| place.holder == self.consult.0 || place.holder == other.consult.0;
        self.beyond.iter().any(|place| place.overlaps(self.appointment.interval) && !own(place))
    }
}

/// A booked consult at `starts_at`, by the rules of another time. Whether that is free, the calendar says.
pub(super) async fn moved(
    conn: &mut Conn,
    ctx: &Ctx,
    consult: &Consult,
    starts_at: DateTime<Utc>,
) -> Result<Move, Problem> {
    let Some(booked) = consult.state.appointment() else { return Err(Problem::lacking()) };
    let (doctor_id, starts_at) = (Some(booked.doctor), Moment::known(starts_at));
    let wanted = Wanted { doctor_id, room_id: Some(booked.room), starts_at, below_rank: false, overbook: None };
    let plan = plan(conn, ctx, consult, &wanted).await?;
    let appointment = plan.booked(booked.room).appointment;
    let Plan { doctor, people: mut resources, beyond, .. } = plan;
    resources.push(booked.room.0);
    let devices = consult.device_resources().collect();
    let is_stat = consult.is_stat();
    Ok(Move { consult: consult.id, appointment, devices, doctor, resources, is_stat, beyond })
}

/// Whether a time was not to be had because somebody has it, so that others may be named.
pub(super) fn is_taken(problem: &Problem) -> bool {
    let kinds = [&SLOT_TAKEN, &OVERBOOK_FULL, &NO_ROOM_FREE, &NOTICE_TOO_SHORT, &TOO_CLOSE, &DAY_FULL, &SESSION_FULL];
    kinds.contains(&problem.kind())
}

/// The problem of a taken time, with the nearest free ones; with what it runs into, where the caller may have the doctor taken
/// beside it.
pub(super) async fn alternatives(app: &App, ctx: &Ctx, consult: &Consult, wanted: &Wanted, taken: &Problem) -> Problem {
    let found = async {
        let mut conn = app.deps.db.read().await?;
        let plan = plan(&mut conn, ctx, consult, wanted).await?;
        let beside = beside(&mut conn, ctx, consult, wanted, &plan, taken).await?;
        Ok::<_, Problem>((free_instead(&mut conn, ctx, consult, wanted, &plan).await?, beside))
    };
    match found.await {
        Ok((alternatives, beside)) => {
            let problem = Problem::new(taken.kind()).with("alternatives", alternatives);
            match beside {
                Some(conflicts_with) => problem.with("overbook", OverbookOffer { conflicts_with }),
                None => problem,
            }
        }
        Err(problem) => Problem::new(taken.kind()).because(problem.cause().unwrap_or_default()),
    }
}

/// The bookings beside which the doctor would be taken, where that is all that is in the way and the caller may say so.
async fn beside(
    conn: &mut Conn,
    ctx: &Ctx,
    consult: &Consult,
    wanted: &Wanted,
    plan: &Plan,
    taken: &Problem,
) -> Result<Option<Vec<Conflict>>, Problem> {
    let (now, doctor, interval) = (ctx.now(), plan.doctor.account_id, plan.interval);
    let is_open = interval.starts_at() > now && overbook::may(ctx, consult, doctor).is_ok();
    if !is_open || !(*taken.kind() == SLOT_TAKEN || overbook::may_pass(taken)) {
        return Ok(None);
    }
    let around = (interval.starts_at(), interval.ends_at());
    let mut held = lanes::held_of(conn, now, doctor.0, around).await?;
    held.retain(|place| place.holder != consult.id.0);
    if !overbook::has_place(&held, interval, doctor.0)
        || !overbook::may_beside(conn, ctx, consult, &held, doctor).await?
    {
        return Ok(None);
    }
    let resources: Vec<Uuid> = plan.people.iter().copied().chain(wanted.room_id.map(|room| room.0)).collect();
    let booking = Booking { holder_kind: HOLDER, holder_id: consult.id.0, resources: &resources, interval };
    let found = calendar::clashes(conn, now, &booking, &[consult.id.0], None).await?;
    if found.iter().any(|other| other.resource != doctor.0) {
        return Ok(None);
    }
    let appointment = plan.booked(wanted.room_id.unwrap_or(LocationId(Uuid::nil()))).appointment;
    let devices: Vec<Uuid> = consult.device_resources().collect();
    Ok(Some(in_the_way(conn, ctx, (&appointment, &devices), found).await?))
}

async fn free_instead(
    conn: &mut Conn,
    ctx: &Ctx,
    consult: &Consult,
    wanted: &Wanted,
    plan: &Plan,
) -> Result<Vec<FreeSlot>, Problem> {
    let now = ctx.now();
    let (doctor, starts_at) = (&plan.doctor, plan.interval.starts_at());
    let (mut others, is_stat) = (plan.people[1..].to_vec(), consult.is_stat());
    let Some(room) = wanted.room_id else {
        let (house, holder) = (consult.inviting.id, consult.id.0);
        let around = Around { doctor, resident: &others, house, holder, is_stat, starts_at };
        return Ok(rooms::nearest(conn, now, &around).await?);
    };
    others.push(room.0);
    Ok(search::alternatives(conn, now, std::slice::from_ref(doctor), (&others, is_stat), starts_at).await?)
}
