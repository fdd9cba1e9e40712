//! The calendar against consults and visits, and states against their history: what `sanbao verify` asks of booking.

use sanbao_platform::db::{Db, DbError};
use sanbao_platform::verify::{Checked, check};

// A person who was joined may be held under a former id, so the third place is counted and not named.
const CONSULTS_HELD: &str = "select c.id from consult c where c.state in ('scheduled', 'in_session') and (
        not exists (select 1 from occupancy o where o.holder_kind = 'consult' and o.holder_id = c.id
            and o.resource_id = c.doctor_id and o.starts_at = c.starts_at and o.ends_at = c.ends_at and o.expires_at is null)
        or not exists (select 1 from occupancy o where o.holder_kind = 'consult' and o.holder_id = c.id
            and o.resource_id = c.room_id and o.starts_at = c.starts_at and o.ends_at = c.ends_at and o.expires_at is null)
        or (select count(*) from occupancy o where o.holder_kind = 'consult' and o.holder_id = c.id) < 3
        or exists (select 1 from shared_device v where v.id in (c.device_1_id, c.device_2_id, c.device_3_id)
            and not exists (select 1 from occupancy o where o.holder_kind = 'consult' and o.holder_id = c.id
                and o.resource_id = v.id and o.starts_at = c.starts_at and o.ends_at = c.ends_at and o.expires_at is null)))
    order by c.id limit $1";
const VISITS_HELD: &str = "select v.id from visit v where v.state in ('scheduled', 'in_service') and (
        not exists (select 1 from occupancy o where o.holder_kind = 'visit' and o.holder_id = v.id
            and o.resource_id = v.caregiver_id and o.starts_at = v.starts_at and o.ends_at = v.ends_at)
        or (select count(*) from occupancy o where o.holder_kind = 'visit' and o.holder_id = v.id) < 2)
    order by v.id limit $1";
// What ends by itself is held by somebody who writes, or by an invitation that is not answered yet.
const NOTHING_ELSE_HELD: &str = "select o.id from occupancy o
    where o.expires_at is null and not exists (select 1 from consult c where o.holder_kind = 'consult' and c.id = o.holder_id
            and c.starts_at = o.starts_at and c.ends_at = o.ends_at)
        and not exists (select 1 from visit v where o.holder_kind = 'visit' and v.id = o.holder_id
            and v.starts_at = o.starts_at and v.ends_at = o.ends_at)
    order by o.id limit $1";
const NOTHING_TWICE: &str = "select a.id from occupancy a where exists (select 1 from occupancy b
        where b.resource_id = a.resource_id and b.lane = a.lane and b.id <> a.id
        and b.starts_at < a.ends_at and b.ends_at > a.starts_at)
    order by a.id limit $1";
const CONSULTS_TOLD: &str = "select c.id from consult c where c.state <> coalesce((select h.to_state from history h
        where h.aggregate = 'consult' and h.id = c.id order by h.version desc limit 1), '')
    order by c.id limit $1";
const VISITS_TOLD: &str = "select v.id from visit v where v.state <> coalesce((select h.to_state from history h
        where h.aggregate = 'visit' and h.id = v.id order by h.version desc limit 1), '')
    order by v.id limit $1";

/// Every promise of booking's database that is kept in two places.
pub async fn verify(db: &Db) -> Result<Vec<Checked>, DbError> {
    Ok(vec![
        check(db, "a consult with a time holds its doctor, its resident, its room and its devices", CONSULTS_HELD)
            .await?,
        check(db, "a visit with a time holds its caregiver and its person", VISITS_HELD).await?,
        check(db, "nothing in the calendar is held by anything else", NOTHING_ELSE_HELD).await?,
        check(db, "nothing in the calendar is held twice", NOTHING_TWICE).await?,
        check(db, "a consult stands as its history says", CONSULTS_TOLD).await?,
        check(db, "a visit stands as its history says", VISITS_TOLD).await?,
    ])
}
