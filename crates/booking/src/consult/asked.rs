//! The time that an invitation asks for: found among those that are offered, held from the moment it is sent until the
//! hospital answers, booked when the asked doctor takes it on.

use chrono::{DateTime, Duration, Utc};
use sanbao_platform::db::{Conn, Tx};
use sanbao_platform::http::Ctx;
use sanbao_platform::id::OrganisationId;
use sanbao_platform::moment::Moment;
use sanbao_platform::on;
use sanbao_platform::problem::Problem;
use uuid::Uuid;

use super::at_once;
use super::booking::{self, HOLDER, no_room};
use super::carried::{Unbooked, UnbookedWhy};
use super::hold::{self, HELD_PER_ORGANISATION_MAX};
use super::input::{Invitation, Title, Wanted};
use super::model::{AskedTime, Consult};
use super::practitioner::Practitioner;
use super::practitioner::bookable::{self, Bookable, BookingWish};
use super::practitioner::rules::{self, WishedTime};
use super::practitioner::store::{self as doctors, PractitionerPost};
use super::problems::{NO_ROOM_FREE, TOO_MANY_HELD};
use super::rooms::{self, Around, Party};
use super::state::{Appointment, Booked, ConsultState};
use super::{overbook, store};
use crate::App;
use crate::account::person::join::resources_of;
use crate::account::{AccountId, LocationId};
use crate::calendar::overbook::{self as lanes, OrdinaryTime};
use crate::calendar::{self, OVERBOOK_FULL, SLOT_TAKEN};

/// The pointers of what is asked for.
const DOCTOR: &str = "/asked/doctor_id";
const STARTS_AT: &str = "/asked/starts_at";
const ROOM: &str = "/asked/room_id";

const ROOM_BOOKED: &str = "select o.resource_id from occupancy o join location l on l.id = o.resource_id
    where o.holder_kind = $1 and o.holder_id = $2 and o.starts_at = $3 and o.ends_at = $4 and o.expires_at is null
    order by o.resource_id limit 1";

/// A doctor of a hospital who sees patients there still.
pub(super) async fn doctor_of(
    conn: &mut Conn,
    post: PractitionerPost,
    pointer: &'static str,
) -> Result<Practitioner, Problem> {
    let found = doctors::find(conn, post).await?;
    let works = found.is_some() && doctors::works(conn, post).await?;
    found.filter(|_| works).ok_or_else(|| not_there(pointer))
}

/// The doctor of a wish, who sees patients at the hospital still, with all that the wish asks.
pub(super) async fn bookable_of(
    conn: &mut Conn,
    now: DateTime<Utc>,
    wish: &BookingWish,
    pointer: &'static str,
) -> Result<Bookable, Problem> {
    bookable::find(conn, now, wish).await?.filter(|found| found.works).ok_or_else(|| not_there(pointer))
}

fn not_there(pointer: &'static str) -> Problem {
    Problem::field(pointer, "请选择受邀医院在岗的医生", "Choose a doctor who sees patients for the invited hospital")
}

/// The time that an invitation asks for, if it is one that the doctor offers.
pub(super) async fn resolved(
    conn: &mut Conn,
    ctx: &Ctx,
    inviting: OrganisationId,
    invitation: &Invitation,
) -> Result<Option<AskedTime>, Problem> {
    let Some(asked) = invitation.asked else { return Ok(None) };
    let wish = BookingWish {
        post: PractitionerPost { doctor: asked.doctor_id, hospital: invitation.hospital_id },
        house: inviting,
        room: asked.room_id,
        resident: invitation.resident_id,
        consult: None,
        starts_at: *asked.starts_at,
    };
    let found = bookable_of(conn, ctx.now(), &wish, DOCTOR).await?;
    require_fit(&found.doctor, &invitation.wanted_specialty, invitation.wanted_title)?;
    if asked.room_id.is_some() && !found.has_room {
        return Err(no_room(ROOM));
    }
    let interval = found.slot(ctx.now(), STARTS_AT)?;
    Ok(Some(AskedTime { doctor: asked.doctor_id, room: asked.room_id, interval }))
}

/// Refuses a doctor of another specialty than the wanted one, or below the wanted rank.
fn require_fit(doctor: &Practitioner, specialty: &str, least: Option<Title>) -> Result<(), Problem> {
    if doctor.specialty == specialty && least.is_none_or(|least| doctor.title >= least) {
        return Ok(());
    }
    let (zh, en) = ("请选择所选科室、职称符合要求的医生", "Choose a doctor of the wanted specialty and rank");
    Err(Problem::field(DOCTOR, zh, en))
}

/// Holds the time that an invitation asks for, until it is answered; what the caller holds while writing goes over into it.
/// Where the agreement of the two sides says so, it is booked instead. The consult is as it is about to be sent.
pub(super) async fn keep(tx: &mut Tx, ctx: &Ctx, consult: &Consult) -> Result<Option<Booked>, Problem> {
    let Some(asked) = consult.asked else { return Ok(None) };
    let now = ctx.now();
    store::hold_for(tx, consult.id, Some(asked.doctor)).await?;
    let wish = BookingWish {
        post: PractitionerPost { doctor: asked.doctor, hospital: consult.invited.id },
        house: consult.inviting.id,
        room: asked.room,
        resident: consult.resident_id,
        consult: Some(consult.id),
        starts_at: asked.interval.starts_at(),
    };
    let found = bookable_of(tx, now, &wish, DOCTOR).await?;
    let interval = found.slot(now, STARTS_AT)?;
    if interval != asked.interval {
        return Err(Problem::field(
            STARTS_AT,
            "这个时段的长短已经改变，请重新选择",
            "This slot is of another length now",
        ));
    }
    let at_once = at_once::takes(tx, now, consult, (interval.starts_at(), found.doctor.zone()?)).await?;
    if at_once {
        require_fit(&found.doctor, &consult.wanted_specialty, consult.wanted_title)?;
    }
    let former = hold::spend(tx, ctx, &asked).await?;
    let (resource, kind, holder) = (asked.doctor.0, HOLDER, consult.id.0);
    let wish = OrdinaryTime { resource, interval, kind, holder, former };
    let beside = lanes::require_alone(tx, now, &found.beyond, wish).await?;
    if found.rules > 0 {
        let wished =
            WishedTime { doctor: &found.doctor, interval, holder: consult.id.0, former, is_stat: consult.is_stat() };
        rules::require(tx, now, &wished).await?;
        if former.is_some() {
            rules::require_notice(tx, now - Duration::minutes(hold::HOLD_MINUTES), &wished).await?;
        }
    }
    let people: Vec<Uuid> = found.people().into_iter().chain(consult.device_resources()).collect();
    rooms::lock(tx, consult.inviting.id).await?;
    if !at_once && store::asking(tx, consult.inviting.id, now).await? >= HELD_PER_ORGANISATION_MAX {
        return Err(Problem::new(&TOO_MANY_HELD));
    }
    let party = Party {
        holder: consult.id.0,
        former,
        moves: true,
        people: &people,
        room: asked.room,
        house: consult.inviting.id,
        interval,
        until: (!at_once).then_some(consult.wanted.1),
        beside,
    };
    let room = rooms::seat(tx, now, &party).await?;
    let (doctor, delay_minutes) = (asked.doctor, 0);
    Ok(at_once.then(|| Appointment { doctor, room, interval, delay_minutes, overbooked: false, at_once }.into()))
}

/// Makes what is held for an invitation the booked time of the doctor who takes it on, if it is theirs and still to be had. What
/// cannot be booked is given up, and the consult has a doctor and no time: which time that was, and why, is given.
pub(super) async fn settle(
    tx: &mut Tx,
    ctx: &Ctx,
    consult: &Consult,
    doctor: AccountId,
) -> Result<Option<Unbooked>, Problem> {
    let Some(asked) = consult.asked else { return Ok(None) };
    let unbooked = |why| Ok(Some(Unbooked::at(asked.interval.starts_at(), why)));
    if asked.doctor != doctor {
        return unbooked(UnbookedWhy::OtherDoctor);
    }
    let starts_at = Moment::known(asked.interval.starts_at());
    let wanted = Wanted { doctor_id: Some(doctor), room_id: asked.room, starts_at, below_rank: false, overbook: None };
    let why = match booking::take(tx, ctx, consult, &wanted).await {
        Ok(booked) if booked.appointment.interval == asked.interval => return Ok(None),
        Err(problem) if problem.status().is_server_error() => return Err(problem),
        _ if asked.interval.ends_at() <= ctx.now() => UnbookedWhy::Past,
        Ok(_) => UnbookedWhy::NotOffered,
        Err(problem) => why_of(&problem),
    };
    calendar::release(tx, HOLDER, consult.id.0).await?;
    unbooked(why)
}

/// Why a time was refused.
fn why_of(problem: &Problem) -> UnbookedWhy {
    match problem.kind() {
        kind if *kind == SLOT_TAKEN || *kind == OVERBOOK_FULL => UnbookedWhy::Taken,
        kind if *kind == NO_ROOM_FREE => UnbookedWhy::NoRoom,
        _ if overbook::may_pass(problem) => UnbookedWhy::Rule,
        _ if problem.is_at("/starts_at") => UnbookedWhy::NotOffered,
        _ => UnbookedWhy::Other,
    }
}

/// The time that was booked when the asked doctor took a consult on.
pub(super) async fn settled(conn: &mut Conn, consult: &Consult) -> Result<Option<Booked>, Problem> {
    match (&consult.state, consult.asked) {
        (ConsultState::Accepted { doctor }, Some(asked)) if *doctor == asked.doctor => {
            booked(conn, consult, asked).await
        }
        _ => Ok(None),
    }
}

/// The time that was booked when a consult was sent, by the agreement of the two sides.
pub(super) async fn taken_at_once(conn: &mut Conn, consult: &Consult) -> Result<Option<Booked>, Problem> {
    match (&consult.state, consult.asked) {
        (ConsultState::Submitted, Some(asked)) => booked(conn, consult, asked).await,
        _ => Ok(None),
    }
}

/// The asked time of a consult, if it is booked for it, and not only held.
async fn booked(conn: &mut Conn, consult: &Consult, asked: AskedTime) -> Result<Option<Booked>, Problem> {
    let (doctor, interval) = (asked.doctor, asked.interval);
    let room: Option<LocationId> = on!(conn, |c| {
        let query = sqlx::query_scalar(ROOM_BOOKED).bind(HOLDER).bind(consult.id);
        query.bind(interval.starts_at()).bind(interval.ends_at()).fetch_optional(c).await
    })?;
    Ok(room
        .map(|room| Appointment { doctor, room, interval, delay_minutes: 0, overbooked: false, at_once: false }.into()))
}

/// As [`alternatives`], of an invitation in the place of a consult's own.
pub(super) async fn instead(
    app: &App,
    ctx: &Ctx,
    consult: &Consult,
    invitation: &Invitation,
    taken: Problem,
) -> Problem {
    if !booking::is_taken(&taken) {
        return taken;
    }
    let found = async {
        let mut conn = app.deps.db.read().await?;
        resolved(&mut conn, ctx, consult.inviting.id, invitation).await
    };
    match found.await {
        Ok(asked) => alternatives(app, ctx, &consult.clone().revised(invitation, asked), taken).await,
        Err(_) => taken,
    }
}

/// The problem of an asked time that is taken, with the nearest free ones.
pub(super) async fn alternatives(app: &App, ctx: &Ctx, consult: &Consult, taken: Problem) -> Problem {
    let Some(asked) = consult.asked.filter(|_| booking::is_taken(&taken)) else { return taken };
    let found = async {
        let mut conn = app.deps.db.read().await?;
        let post = PractitionerPost { doctor: asked.doctor, hospital: consult.invited.id };
        let doctor = doctor_of(&mut conn, post, DOCTOR).await?;
        let mut resident = resources_of(&mut conn, ctx.now(), consult.resident_id).await?;
        resident.extend(consult.device_resources());
        let (house, holder, starts_at) = (consult.inviting.id, consult.id.0, asked.interval.starts_at());
        let is_stat = consult.is_stat();
        let around = Around { doctor: &doctor, resident: &resident, house, holder, is_stat, starts_at };
        Ok::<_, Problem>(rooms::nearest(&mut conn, ctx.now(), &around).await?)
    };
    match found.await {
        Ok(alternatives) => Problem::new(taken.kind()).with("alternatives", alternatives),
        Err(problem) => Problem::new(taken.kind()).because(problem.cause().unwrap_or_default()),
    }
}
