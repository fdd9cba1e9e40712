//! The search for free times of doctors: by what they are, where, when, and who and what must be free with them.

use axum::extract::State as AppState;
use chrono::{DateTime, Duration, Utc};
use chrono_tz::Tz;
use sanbao_platform::db::{Conn, DbError};
use sanbao_platform::http::{Ctx, Json, Page, Paging, Query};
use sanbao_platform::id::OrganisationId;
use sanbao_platform::moment::Moment;
use sanbao_platform::on;
use sanbao_platform::problem::{FieldError, Problem};
use serde::Deserialize;
use utoipa::IntoParams;
use uuid::Uuid;

use super::doctors::hospital_seen;
use crate::App;
use crate::account::affiliation::{Affiliated, affiliated};
use crate::account::person::join::resources_of;
use crate::account::person::require_here;
use crate::account::shared_device;
use crate::account::{AccountId, LocationId, PersonId, SharedDeviceId};
use crate::consult::input::{DEVICES_MAX, Title};
use crate::consult::practitioner::search::{RANGE_DAYS_MAX, SlotPlace};
use crate::consult::practitioner::{AvailabilitySearch, DoctorWish, FreeSlot, PartOfDay, SlotCriteria, Weekdays, find};
use crate::consult::store;
use crate::role::{self, CARE_STAFF};

/// The shortest and the longest slot that a doctor's hours can have, in minutes.
const SLOT_MINUTES: std::ops::RangeInclusive<i64> = 5..=240;

const ROOMS_OF: &str = "select id from location where organisation_id = $1 and state = 'open' order by name, id";

/// A search for free times.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct SlotSearch {
    /// The specialty's code.
    pub specialty: Option<String>,
    /// Exactly this rank (职称).
    pub title: Option<Title>,
    /// This rank or a higher one.
    #[param(inline)]
    pub title_min: Option<Title>,
    /// Slots that begin not before.
    #[param(value_type = DateTime<Utc>)]
    pub from: Moment,
    /// And before; at most 31 days later.
    #[param(value_type = DateTime<Utc>)]
    pub to: Moment,
    pub doctor: Option<AccountId>,
    pub hospital: Option<OrganisationId>,
    /// Only times on days on which an agreement of the caller's house with the hospital counts; a hospital's people find none.
    #[serde(default)]
    pub affiliated: bool,
    /// A resident of the caller's house, who must be free too.
    pub resident_id: Option<PersonId>,
    /// A room of the caller's house, which must be free too.
    pub room_id: Option<LocationId>,
    /// Any room of the caller's house must be free; `room_id` of each slot names one that is.
    #[serde(default)]
    pub any_room: bool,
    /// Shared devices of the caller's house that must be free too: ids with commas, at most 3.
    pub devices: Option<String>,
    /// At least so long, 5 to 240 minutes.
    pub minutes: Option<i64>,
    /// `am`: it begins before noon, `pm`: at noon or later.
    #[param(inline)]
    pub part: Option<PartOfDay>,
    /// Weekdays by ISO 8601 with commas, such as `1,3,5`; Monday is 1.
    pub weekdays: Option<String>,
    /// The IANA zone of `part` and `weekdays`; absent: the zone of the doctor's hospital.
    pub time_zone: Option<String>,
    /// The `next` of the page before.
    pub after: Option<String>,
    /// Rows wanted, 1 to 200.
    pub limit: Option<u32>,
}

/// Refuses a range that is empty or longer than a search may be.
pub fn range(from: DateTime<Utc>, to: DateTime<Utc>) -> Result<(), Problem> {
    if to <= from {
        return Err(Problem::field("?to", "结束要晚于开始", "The end must be after the start"));
    }
    if to - from > Duration::days(RANGE_DAYS_MAX) {
        return Err(Problem::field("?to", "一次最多查询 31 天", "At most 31 days at once"));
    }
    Ok(())
}

impl SlotSearch {
    /// The wishes for the slots, or all that is wrong with them.
    fn criteria(&self) -> Result<SlotCriteria, Problem> {
        let mut errors = Vec::new();
        let mut error = |field: &str, zh: &'static str, en: &'static str| {
            errors.push(FieldError::new(field.to_owned(), zh, en));
        };
        if self.minutes.is_some_and(|minutes| !SLOT_MINUTES.contains(&minutes)) {
            error("?minutes", "5 到 240 分钟", "5 to 240 minutes");
        }
        let weekdays: Option<Result<Weekdays, _>> = self.weekdays.as_deref().map(str::parse);
        if weekdays.as_ref().is_some_and(Result::is_err) {
            error("?weekdays", "星期写成 1,3,5 这样，1 是星期一", "Weekdays such as 1,3,5; Monday is 1");
        }
        let zone: Option<Result<Tz, _>> = self.time_zone.as_deref().map(str::parse);
        if zone.as_ref().is_some_and(Result::is_err) {
            error("?time_zone", "没有这个时区", "No such IANA time zone");
        }
        if self.any_room && self.room_id.is_some() {
            error("?any_room", "已指定房间", "There is a room_id already");
        }
        if !errors.is_empty() {
            return Err(Problem::invalid(errors));
        }
        let (weekdays, zone) = (weekdays.and_then(Result::ok), zone.and_then(Result::ok));
        Ok(SlotCriteria { minutes: self.minutes, part: self.part, weekdays, zone })
    }

    /// The agreements of the caller's house that count on any of the days.
    async fn agreements(&self, conn: &mut Conn, ctx: &Ctx) -> Result<Vec<Affiliated>, DbError> {
        // Where the hospital is, it may be the day before.
        let first = self.from.date_naive();
        affiliated(conn, ctx.actor.organisation, first.pred_opt().unwrap_or(first)).await
    }

    /// The devices that must be free, all of the caller's house.
    async fn devices(&self, conn: &mut Conn, ctx: &Ctx) -> Result<Vec<Uuid>, Problem> {
        let devices = self.devices.as_deref().filter(|text| !text.is_empty());
        let ids = devices.map(|text| text.split(',').map(|id| id.trim().parse().map(SharedDeviceId)).collect());
        let (zh, en) =
            ("请选择本机构在用的设备，最多 3 种", "Choose devices of your organisation that are in use, at most 3");
        let refused = || Problem::field("?devices", zh, en);
        let ids: Vec<SharedDeviceId> =
            ids.unwrap_or_else(|| Ok::<_, uuid::Error>(Vec::new())).map_err(|_| refused())?;
        if ids.len() > DEVICES_MAX || !shared_device::all_open(conn, ctx.actor.organisation, &ids).await? {
            return Err(refused());
        }
        Ok(ids.into_iter().map(|device| device.0).collect())
    }

    /// The resident and the room that must be free, and the rooms of which one must be, all of the caller's house. One of
    /// another house is like one that is not there.
    async fn wanted(&self, conn: &mut Conn, ctx: &Ctx) -> Result<(Vec<Uuid>, Option<Vec<LocationId>>), Problem> {
        let mut others = Vec::new();
        if let Some(resident) = self.resident_id {
            if !role::holds(&ctx.actor, CARE_STAFF)
                || !store::is_resident(conn, ctx.actor.organisation, resident).await?
            {
                return Err(Problem::field("?resident_id", "请选择本机构的老人", "Choose one of your residents"));
            }
            require_here(conn, resident).await?;
            others.extend(resources_of(conn, ctx.now(), resident).await?);
        }
        others.extend(self.devices(conn, ctx).await?);
        if self.room_id.is_none() && !self.any_room {
            return Ok((others, None));
        }
        let rooms: Vec<LocationId> =
            on!(conn, |c| sqlx::query_scalar(ROOMS_OF).bind(ctx.actor.organisation).fetch_all(c).await)?;
        let Some(room) = self.room_id else { return Ok((others, Some(rooms))) };
        if !rooms.contains(&room) {
            return Err(Problem::field("?room_id", "请选择本机构的房间", "Choose a room of your organisation"));
        }
        others.push(room.0);
        Ok((others, None))
    }
}

/// Free times of all doctors who fit: hours, without exceptions, without what is taken, the earliest first (care staff; a
/// hospital's doctors and administrator for their own). A slot's length is that of the doctor's hours.
#[utoipa::path(get, path = "/v1/slots", tag = "consults", params(SlotSearch),
    responses((status = 200, body = Page<FreeSlot>), (status = 403), (status = 409), (status = 422)))]
pub async fn slots(
    AppState(app): AppState<App>,
    ctx: Ctx,
    Query(query): Query<SlotSearch>,
) -> Result<Json<Page<FreeSlot>>, Problem> {
    let hospital = hospital_seen(&ctx, query.hospital)?;
    range(*query.from, *query.to)?;
    let criteria = query.criteria()?;
    let paging = Paging { after: query.after.clone(), limit: query.limit };
    let (limit, after) = (paging.limit()?, paging.after::<SlotPlace>()?);
    let mut conn = app.deps.db.read().await?;
    let (others, rooms) = query.wanted(&mut conn, &ctx).await?;
    let agreements = if query.affiliated { query.agreements(&mut conn, &ctx).await? } else { Vec::new() };
    drop(conn);
    let wish = DoctorWish {
        specialty: query.specialty.as_deref(),
        title: query.title,
        title_min: query.title_min,
        hospital,
        doctor: query.doctor,
        affiliated: query.affiliated.then_some(&agreements[..]),
    };
    let all = AvailabilitySearch::of(&[], *query.from, *query.to);
    let enough = usize::try_from(limit + 1).ok();
    let search = AvailabilitySearch { others: &others, rooms: rooms.as_deref(), criteria, after, enough, ..all };
    let found = find(&app.deps.db, ctx.now(), &app.free_times, wish, search).await?;
    Ok(Json(Page::of(found, limit, FreeSlot::place)))
}
