//! Overbooking (加号): who may have a doctor taken beside another consult, or beyond the rules of the doctor's calendar, and when.

use chrono::{DateTime, Duration, Utc};
use sanbao_platform::db::{Conn, DbError};
use sanbao_platform::http::Ctx;
use sanbao_platform::policy::Decision;
use sanbao_platform::problem::Problem;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::conflicts::Conflict;
use super::id::ConsultId;
use super::input::Wanted;
use super::model::Consult;
use super::policy::ConsultAction;
use super::practitioner::sets::KeptHours;
use super::practitioner::store::{self as doctors, PractitionerPost};
use super::practitioner::{AvailabilitySearch, search};
use super::problems::{DAY_FULL, NOTICE_TOO_SHORT, SESSION_FULL, TOO_CLOSE};
use super::rooms::Rooms;
use super::store;
use crate::account::AccountId;
use crate::account::person::join::resources_of;
use crate::calendar::overbook::{BESIDE_MAX, HeldPlace, capacity, held_of};
use crate::calendar::{Interval, busy_of};
use crate::role::{self, ADMINISTRATOR};

/// Times that are offered at once.
pub const OFFERED_BESIDE_MAX: usize = 60;

/// The bookings that an answer tells of beside the nearest free times, where the caller may give the time all the same.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct OverbookOffer {
    /// The bookings of the doctor that it runs into; none where only a rule is in the way.
    pub conflicts_with: Vec<Conflict>,
}

/// Refuses all but a doctor who has the own time taken, and the administrator of the hospital.
pub(super) fn may(ctx: &Ctx, consult: &Consult, doctor: AccountId) -> Result<(), Problem> {
    consult.require(&ctx.actor, None, ConsultAction::Overbook)?;
    if is_own(ctx, doctor) || role::holds(&ctx.actor, ADMINISTRATOR) {
        return Ok(());
    }
    Err(Problem::forbidden().detail(
        "只能给自己的门诊时间加号；要给别的医生加号，请医院管理员办理",
        "Only your own time can be overbooked; for another doctor's ask the hospital's administrator",
    ))
}

fn is_own(ctx: &Ctx, doctor: AccountId) -> bool {
    doctor == AccountId::from(ctx.actor.subject)
}

/// The holders of these places that are consults of another hospital.
async fn of_others(conn: &mut Conn, consult: &Consult, held: &[HeldPlace]) -> Result<Vec<Uuid>, DbError> {
    let ids: Vec<ConsultId> = held.iter().map(|place| ConsultId(place.holder)).collect();
    let consults = store::of_ids(conn, &ids).await?;
    Ok(consults.iter().filter(|other| other.invited.id != consult.invited.id).map(|other| other.id.0).collect())
}

/// Whether the caller may have a doctor taken beside these: a doctor's own word goes for every hospital that the doctor works for, an
/// administrator's for the own one.
pub(super) async fn may_beside(
    conn: &mut Conn,
    ctx: &Ctx,
    consult: &Consult,
    held: &[HeldPlace],
    doctor: AccountId,
) -> Result<bool, DbError> {
    Ok(is_own(ctx, doctor) || of_others(conn, consult, held).await?.is_empty())
}

/// Refuses an administrator's word beside a consult of another hospital.
pub(super) async fn require_beside_own(
    conn: &mut Conn,
    ctx: &Ctx,
    consult: &Consult,
    (doctor, time): (AccountId, Interval),
) -> Result<(), Problem> {
    let mut held = held_of(conn, ctx.now(), doctor.0, (time.starts_at(), time.ends_at())).await?;
    held.retain(|place| place.holder != consult.id.0);
    if may_beside(conn, ctx, consult, &held, doctor).await? {
        return Ok(());
    }
    Err(Problem::forbidden().detail(
        "医生这个时间已约给另一家医院，只有医生本人可以加号",
        "The doctor's time is another hospital's; only the doctor can overbook it",
    ))
}

/// The reason for an overbooking, where one is asked for that may be.
pub(super) fn word(
    ctx: &Ctx,
    consult: &Consult,
    wanted: &Wanted,
    (doctor, time): (AccountId, Interval),
) -> Result<Option<String>, Problem> {
    let Some(asked) = &wanted.overbook else { return Ok(None) };
    may(ctx, consult, doctor)?;
    let reason = asked.checked()?;
    if time.starts_at() <= ctx.now() {
        let (zh, en) = ("这个时间已经开始，不能加号", "This time has begun; nobody can be added to it");
        return Err(Problem::field("/starts_at", zh, en));
    }
    Ok(Some(reason))
}

/// Whether a rule of the doctor's calendar that refuses a time is passed by the word.
pub(super) fn may_pass(broken: &Problem) -> bool {
    [&NOTICE_TOO_SHORT, &TOO_CLOSE, &DAY_FULL, &SESSION_FULL].contains(&broken.kind())
}

/// A time that the doctor offers and that only a word gives.
#[derive(Clone, Debug)]
pub(super) struct TimeBeside {
    pub(super) doctor: AccountId,
    pub(super) interval: Interval,
    /// The consults of the doctor then that the reader may read.
    pub(super) with: Vec<Consult>,
    /// Whether others have the doctor's time too.
    pub(super) others: bool,
}

/// Times beside which there may be one more, in order.
#[derive(Clone, Debug, Default)]
pub(super) struct TimesBeside {
    pub(super) times: Vec<TimeBeside>,
    /// Whether there are more of them.
    pub(super) more: bool,
}

/// The times of the doctor of a consult that are taken, or kept free by a rule, and can be given all the same: the resident and a room
/// are free, and nobody was added before. Nothing where the caller may not.
pub(super) async fn times(
    conn: &mut Conn,
    ctx: &Ctx,
    consult: &Consult,
    days: i64,
) -> Result<Option<TimesBeside>, Problem> {
    let now = ctx.now();
    let Some(doctor) = consult.state.doctor().filter(|doctor| may(ctx, consult, *doctor).is_ok()) else {
        return Ok(None);
    };
    let post = PractitionerPost { doctor, hospital: consult.invited.id };
    let Some(doctor) = doctors::find(conn, post).await? else { return Ok(None) };
    let (from, to) = (now, now + Duration::days(days));
    let all = std::slice::from_ref(&doctor);
    let kept = KeptHours::read(conn, all, from, to).await?;
    let mut slots = kept.offered(&doctor, from, to)?;
    let own = consult.state.appointment().map(|a| a.interval);
    let (gives_up, is_stat) = (own.map(|_| consult.id.0), consult.is_stat());
    let search = AvailabilitySearch { gives_up, is_stat, ..AvailabilitySearch::of(all, from, to) };
    let free = search::free(conn, now, search).await?;
    slots.retain(|slot| {
        let is_free = free.iter().any(|free| free.starts_at == slot.starts_at());
        slot.starts_at() > now && Some(*slot) != own && !is_free
    });
    keep_possible(conn, now, consult, &mut slots, (from, to)).await?;
    let mut held = held_of(conn, now, post.doctor.0, (from, to + Duration::days(1))).await?;
    held.retain(|place| place.holder != consult.id.0);
    slots.retain(|slot| has_place(&held, *slot, post.doctor.0));
    if !is_own(ctx, post.doctor) {
        let foreign = of_others(conn, consult, &held).await?;
        slots.retain(|slot| !held.iter().any(|place| place.overlaps(*slot) && foreign.contains(&place.holder)));
    }
    let more = slots.len() > OFFERED_BESIDE_MAX;
    slots.truncate(OFFERED_BESIDE_MAX);
    let times = named(conn, ctx, post.doctor, &slots, &held).await?;
    Ok(Some(TimesBeside { times, more }))
}

/// Leaves the times at which the resident, what is to be brought and a room are free.
async fn keep_possible(
    conn: &mut Conn,
    now: DateTime<Utc>,
    consult: &Consult,
    slots: &mut Vec<Interval>,
    (from, to): (DateTime<Utc>, DateTime<Utc>),
) -> Result<(), DbError> {
    let mut others = resources_of(conn, now, consult.resident_id).await?;
    others.extend(consult.device_resources());
    let end = to + Duration::days(1);
    let taken = busy_of(conn, others, from, end).await?;
    let rooms = Rooms::of(conn, now, (consult.inviting.id, consult.id.0), (from, to)).await?;
    slots.retain(|slot| {
        taken.values().all(|lanes| lanes.has_lane(*slot, now, Some(consult.id.0))) && rooms.any_is_free(*slot)
    });
    Ok(())
}

/// Whether one of the places of a time is free, beyond the capacity too.
pub(super) fn has_place(held: &[HeldPlace], time: Interval, doctor: Uuid) -> bool {
    let is_free = |lane: i32| !held.iter().any(|place| place.lane == lane && place.overlaps(time));
    let places = capacity(doctor) + BESIDE_MAX;
    (0..places).any(is_free)
}

/// The times with the consults that they run into, as the reader may see them.
async fn named(
    conn: &mut Conn,
    ctx: &Ctx,
    doctor: AccountId,
    slots: &[Interval],
    held: &[HeldPlace],
) -> Result<Vec<TimeBeside>, DbError> {
    let near = |place: &&HeldPlace| slots.iter().any(|slot| place.overlaps(*slot));
    let ids: Vec<ConsultId> = held.iter().filter(near).map(|place| ConsultId(place.holder)).collect();
    let specialty = store::specialty_of(conn, &ctx.actor).await?;
    let mut consults = store::of_ids(conn, &ids).await?;
    consults.retain(|c| c.decide(&ctx.actor, specialty.as_deref(), ConsultAction::Read) == Decision::Allow);
    let of = |slot: &Interval| {
        let holders: Vec<Uuid> = held.iter().filter(|place| place.overlaps(*slot)).map(|place| place.holder).collect();
        let with: Vec<Consult> = consults.iter().filter(|c| holders.contains(&c.id.0)).cloned().collect();
        TimeBeside { doctor, interval: *slot, others: with.len() < holders.len(), with }
    };
    Ok(slots.iter().map(of).collect())
}
