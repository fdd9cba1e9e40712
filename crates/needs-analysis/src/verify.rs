//! Requests and matters against their history, and what was taken away against its proofs: what `sanbao verify` asks of needs-analysis beside
//! its counts.

use sanbao_platform::db::{Db, DbError};
use sanbao_platform::verify::{Checked, check};

const REQUESTS_TOLD: &str = "select r.id from request r where r.removed_at is null
        and r.state <> coalesce((select h.to_state from history h
        where h.aggregate = 'request' and h.id = r.id order by h.version desc limit 1), '')
    order by r.id limit $1";
const MATTERS_TOLD: &str = "select m.id from matter m where m.state <> coalesce((select h.to_state from history h
        where h.aggregate = 'matter' and h.id = m.id order by h.version desc limit 1), '')
    order by m.id limit $1";
const MATTERS_STAY: &str = "select m.id from matter m where (m.due_at is null) = exists (select 1 from matter_stay s
        where s.matter_id = m.id and s.ended_at is null)
        or m.due_at is not null and not exists (select 1 from matter_stay s
        where s.matter_id = m.id and s.nth = m.stay and s.level = m.level and s.due_at = m.due_at and s.ended_at is null)
    order by m.id limit $1";
const REMOVED_EMPTY: &str = "select r.id from request r where r.removed_at is not null
        and (r.external_id is not null or r.category_raw is not null or r.elder_name <> '' or r.phone is not null
            or r.national_id_sealed is not null or r.national_id_index is not null or r.address is not null
            or r.note is not null or r.person_id is not null or r.person_key is not null or r.visit_id is not null
            or r.content_index is not null or r.state not in ('closed', 'cancelled', 'merged')
            or exists (select 1 from history h where h.aggregate = 'request' and h.id = r.id))
    order by r.id limit $1";
const REMOVED_PROVED: &str = "select r.id from request r where r.removed_at is not null
        and not exists (select 1 from retention_run t where t.class = 'work_order' and t.started_at <= r.removed_at
            and coalesce(t.finished_at, r.removed_at) >= r.removed_at)
    union all select t.id from retention_run t where t.class = 'work_order' and t.removed > 0
        and (select count(*) from request where removed_at is not null)
            > (select sum(removed) from retention_run where class = 'work_order')
    order by 1 limit $1";

/// Every promise of this database that is kept in two places, but for the counts (`rollup::verify`).
pub async fn verify(db: &Db) -> Result<Vec<Checked>, DbError> {
    Ok(vec![
        check(db, "a request stands as its history says", REQUESTS_TOLD).await?,
        check(db, "a matter stands as its history says", MATTERS_TOLD).await?,
        check(db, "a matter that is open lies with one level, and one that has ended with none", MATTERS_STAY).await?,
        check(db, "a request whose time was over says nothing of anybody", REMOVED_EMPTY).await?,
        check(db, "as many requests went as the proofs of retention say", REMOVED_PROVED).await?,
    ])
}
