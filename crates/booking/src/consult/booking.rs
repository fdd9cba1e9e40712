//! Doctor, resident and room in the calendar, at one time.

use chrono::{DateTime, Duration, Utc};
use sanbao_platform::db::{Conn, Tx};
use sanbao_platform::on;
use sanbao_platform::problem::Problem;
use uuid::Uuid;

use super::input::Wanted;
use super::model::Consult;
use super::practitioner::store::{self as doctors, PractitionerPost};
use super::practitioner::{Practitioner, search};
use super::state::Appointment;
use crate::App;
use crate::account::LocationId;
use crate::account::person::join::resources_of;
use crate::account::person::require_here;
use crate::calendar::{self, Booking, Interval, SLOT_TAKEN};

/// The calendar's name for this part.
pub const HOLDER: &str = "consult";

const ROOM_OF: &str = "select count(*) from location where id = $1 and organisation_id = $2 and state = 'open'";

/// A time that fits everybody's rules; whether it is free, the calendar says.
struct Plan {
    doctor: Practitioner,
    /// The doctor first, then the resident and the room.
    resources: Vec<Uuid>,
    appointment: Appointment,
}

async fn plan(conn: &mut Conn, now: DateTime<Utc>, consult: &Consult, wanted: &Wanted) -> Result<Plan, Problem> {
    let doctor_id = wanted.doctor_id.or(consult.state.doctor());
    let doctor = match doctor_id {
        Some(doctor) => {
            let post = PractitionerPost { doctor, hospital: consult.invited.id };
            if doctors::works(conn, post).await? { doctors::find(conn, post).await? } else { None }
        }
        None => None,
    };
    let fits = |d: &Practitioner| d.specialty == consult.wanted_specialty;
    let Some(doctor) = doctor.filter(fits) else {
        return Err(Problem::field(
            "/doctor_id",
            "请选择受邀医院该科室的医生",
            "Choose a doctor of the invited hospital and specialty",
        ));
    };
    own_room(conn, consult, wanted.room_id, "/room_id").await?;
    require_here(conn, consult.resident_id).await?;
    let interval = offered_at(conn, now, &doctor, *wanted.starts_at).await?;
    let mut resources = vec![doctor.account_id.0];
    resources.extend(resources_of(conn, now, consult.resident_id).await?);
    resources.push(wanted.room_id.0);
    let appointment = Appointment { doctor: doctor.account_id, room: wanted.room_id, interval, delay_minutes: 0 };
    Ok(Plan { doctor, resources, appointment })
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
    if rooms == 0 {
        return Err(Problem::field(pointer, "请选择邀请方的房间", "Choose a room of the inviting side"));
    }
    Ok(())
}

/// The slot that the doctor offers at `starts_at`, if it is not over.
async fn offered_at(
    conn: &mut Conn,
    now: DateTime<Utc>,
    doctor: &Practitioner,
    starts_at: DateTime<Utc>,
) -> Result<Interval, Problem> {
    let slots = if starts_at < now - Duration::days(1) || starts_at > now + Duration::days(400) {
        Vec::new()
    } else {
        search::offered_by(conn, doctor, starts_at, starts_at + Duration::microseconds(1)).await?
    };
    let slot = slots.first().filter(|slot| slot.ends_at() > now);
    slot.copied().ok_or_else(|| {
        Problem::field(
            "/starts_at",
            "医生这个时间不出诊，请从可选时间中选择",
            "The doctor does not offer this time; choose one that is offered",
        )
    })
}

/// Takes the wanted time for everybody. A time that was booked before is given up for the new one; when that is
/// taken, the caller undoes the transaction and the old time is kept.
pub(super) async fn take(
    tx: &mut Tx,
    now: DateTime<Utc>,
    consult: &Consult,
    wanted: &Wanted,
) -> Result<Appointment, Problem> {
    let plan = plan(tx, now, consult, wanted).await?;
    let interval = plan.appointment.interval;
    let booking = Booking { holder_kind: HOLDER, holder_id: consult.id.0, resources: &plan.resources, interval };
    if consult.state.appointment().is_some() {
        calendar::relocate(tx, now, &booking).await?;
    } else {
        calendar::reserve(tx, now, &booking).await?;
    }
    Ok(plan.appointment)
}

/// The problem of a taken time, with the nearest free ones.
pub(super) async fn alternatives(app: &App, consult: &Consult, wanted: &Wanted) -> Problem {
    let now = app.deps.clock.now();
    let found = async {
        let mut conn = app.deps.db.read().await?;
        let plan = plan(&mut conn, now, consult, wanted).await?;
        let (others, doctors) = (&plan.resources[1..], std::slice::from_ref(&plan.doctor));
        let starts_at = plan.appointment.interval.starts_at();
        Ok::<_, Problem>(search::alternatives(&mut conn, now, doctors, others, starts_at).await?)
    };
    match found.await {
        Ok(alternatives) => Problem::new(&SLOT_TAKEN).with("alternatives", alternatives),
        Err(problem) => Problem::new(&SLOT_TAKEN).because(problem.cause().unwrap_or_default()),
    }
}
