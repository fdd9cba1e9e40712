//! Taking and ending a hold.

use chrono::{DateTime, Duration, Utc};
use sanbao_platform::audit;
use sanbao_platform::db::{DbError, Tx};
use sanbao_platform::http::Ctx;
use sanbao_platform::problem::{Problem, TOO_MANY};
use uuid::Uuid;

use super::input::NewConsultHold;
use super::store::{self, Tally};
use super::view::ConsultHoldView;
use crate::App;
use crate::account::person::join::resources_of;
use crate::account::shared_device;
use crate::calendar;
use crate::calendar::overbook::{self, OrdinaryTime};
use crate::consult::asked::{bookable_of, doctor_of};
use crate::consult::booking::{HOLDER, is_taken, no_room};
use crate::consult::id::ConsultHoldId;
use crate::consult::input::Checks;
use crate::consult::model::AskedTime;
use crate::consult::practitioner::bookable::BookingWish;
use crate::consult::practitioner::rules::{self as calendar_rules, WishedTime};
use crate::consult::practitioner::store::{self as doctors, PractitionerPost};
use crate::consult::problems::TOO_MANY_HELD;
use crate::consult::rooms::{self, Around, Party};
use crate::consult::store::own_resident;

/// How long a hold stands, in minutes.
pub(in crate::consult) const HOLD_MINUTES: i64 = 10;
/// Holds that an account makes within an hour at most; each takes the place of the one before.
const MADE_PER_HOUR_MAX: i64 = 60;
/// Holds of an organisation that stand at once at most; and invitations that wait for an answer with a time held.
pub(in crate::consult) const HELD_PER_ORGANISATION_MAX: i64 = 50;

/// The audit log's word for what a hold is.
const KIND: &str = "consult_hold";

/// The count of the caller's holds with the next one in it; 429 when there were too many within the hour.
fn next(last: Option<Tally>, id: ConsultHoldId, now: DateTime<Utc>) -> Result<Tally, Problem> {
    let hour = Duration::hours(1);
    let Some(last) = last.filter(|last| now - last.counted_since < hour) else {
        return Ok(Tally { id, counted_since: now, made_count: 1 });
    };
    if last.made_count >= MADE_PER_HOUR_MAX {
        let wait = u64::try_from((last.counted_since + hour - now).num_seconds()).unwrap_or(0) + 1;
        let (zh, en) = ("一小时内占用时间的次数已到上限", "Too many times were held within the hour");
        return Err(Problem::new(&TOO_MANY).detail(zh, en).retry_after(wait));
    }
    Ok(Tally { id, made_count: last.made_count + 1, ..last })
}

/// Holds a time in the place of the one that the caller has held before.
pub(super) async fn take(tx: &mut Tx, ctx: &Ctx, new: &NewConsultHold) -> Result<ConsultHoldView, Problem> {
    let (now, house) = (ctx.now(), ctx.actor.organisation);
    own_resident(tx, house, new.resident_id).await?;
    own_devices(tx, ctx, new).await?;
    doctors::keep_hours(tx, [new.doctor_id]).await?;
    let wish = BookingWish {
        post: PractitionerPost { doctor: new.doctor_id, hospital: new.hospital_id },
        house,
        room: new.room_id,
        resident: new.resident_id,
        consult: None,
        starts_at: *new.starts_at,
    };
    let found = bookable_of(tx, now, &wish, "/doctor_id").await?;
    if new.room_id.is_some() && !found.has_room {
        return Err(no_room("/room_id"));
    }
    let interval = found.slot(now, "/starts_at")?;
    let (id, account) = (ConsultHoldId::new(now), ctx.actor.subject.into());
    store::lock(tx, account).await?;
    let last = store::counted(tx, account).await?;
    let tally = next(last, id, now)?;
    let former = last.map(|last| last.id.0);
    let (resource, kind, holder) = (new.doctor_id.0, HOLDER, id.0);
    let wish = OrdinaryTime { resource, interval, kind, holder, former };
    let beside = overbook::require_alone(tx, now, &found.beyond, wish).await?;
    if found.rules > 0 {
        let wished = WishedTime { doctor: &found.doctor, interval, holder: id.0, former, is_stat: new.is_stat() };
        calendar_rules::require(tx, now, &wished).await?;
    }
    rooms::lock(tx, house).await?;
    if store::standing(tx, ctx).await? >= HELD_PER_ORGANISATION_MAX {
        return Err(Problem::new(&TOO_MANY_HELD));
    }
    let expires_at = now + Duration::minutes(HOLD_MINUTES);
    let devices = new.device_ids.iter().map(|device| device.0);
    let people = &found.people().into_iter().chain(devices).collect::<Vec<_>>();
    let (room, until) = (new.room_id, Some(expires_at));
    let party = Party { holder: id.0, former, moves: false, people, room, house, interval, until, beside };
    let room_id = rooms::seat(tx, now, &party).await?;
    let (starts_at, ends_at) = (interval.starts_at(), interval.ends_at());
    let view = ConsultHoldView { id, doctor_id: new.doctor_id, room_id, starts_at, ends_at, expires_at };
    store::put(tx, ctx, &view, tally).await?;
    audit::record(tx, ctx, "consult.time_hold.create", KIND, id).await?;
    Ok(view)
}

/// Refuses devices that are not the house's, or are closed: one of others is like one that is not there.
async fn own_devices(tx: &mut Tx, ctx: &Ctx, new: &NewConsultHold) -> Result<(), Problem> {
    let mut checks = Checks::default();
    checks.devices(&new.device_ids);
    checks.done()?;
    if shared_device::all_open(tx, ctx.actor.organisation, &new.device_ids).await? {
        return Ok(());
    }
    let (zh, en) = ("请选择本机构在用的设备", "Choose devices of your organisation that are in use");
    Err(Problem::field("/device_ids", zh, en))
}

/// Gives back a time that the caller holds.
pub(super) async fn give_back(tx: &mut Tx, ctx: &Ctx, id: ConsultHoldId) -> Result<(), Problem> {
    let account = ctx.actor.subject.into();
    store::lock(tx, account).await?;
    if !store::end_one(tx, account, id, ctx.now()).await? {
        return Err(Problem::not_found());
    }
    calendar::release(tx, HOLDER, id.0).await?;
    audit::record(tx, ctx, "consult.time_hold.revoke", KIND, id).await?;
    Ok(())
}

/// Ends the hold that the caller has of this time, if one stands: it goes over into what the caller takes now. One of another
/// time is for another invitation.
pub(in crate::consult) async fn spend(tx: &mut Tx, ctx: &Ctx, asked: &AskedTime) -> Result<Option<Uuid>, DbError> {
    let account = ctx.actor.subject.into();
    store::lock(tx, account).await?;
    Ok(store::end(tx, account, ctx.now(), asked).await?.map(|id| id.0))
}

/// The problem of a time that is taken, with the nearest free ones.
pub(super) async fn alternatives(app: &App, ctx: &Ctx, new: &NewConsultHold, taken: Problem) -> Problem {
    if !is_taken(&taken) {
        return taken;
    }
    let found = async {
        let mut conn = app.deps.db.read().await?;
        let post = PractitionerPost { doctor: new.doctor_id, hospital: new.hospital_id };
        let doctor = doctor_of(&mut conn, post, "/doctor_id").await?;
        let mut resident = resources_of(&mut conn, ctx.now(), new.resident_id).await?;
        resident.extend(new.device_ids.iter().map(|device| device.0));
        let (house, starts_at) = (ctx.actor.organisation, *new.starts_at);
        let (holder, is_stat) = (Uuid::nil(), new.is_stat());
        let around = Around { doctor: &doctor, resident: &resident, house, holder, is_stat, starts_at };
        Ok::<_, Problem>(rooms::nearest(&mut conn, ctx.now(), &around).await?)
    };
    match found.await {
        Ok(alternatives) => Problem::new(taken.kind()).with("alternatives", alternatives),
        Err(problem) => Problem::new(taken.kind()).because(problem.cause().unwrap_or_default()),
    }
}
