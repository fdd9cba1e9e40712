//! The papers that the law keeps of somebody, and until when.

use chrono::{DateTime, Utc};
use sanbao_platform::db::{Conn, DbError};
use sanbao_platform::http::Ctx;
use sanbao_platform::on;
use sanbao_platform::problem::Problem;
use sanbao_platform::retention::{Period, Periods, RetentionClass};

use crate::account::id::PersonId;
use crate::account::problems::{PERSON_BUSY, PERSON_RETAINED};

/// The record of a person, and every one that leads on to it, also of those who have handed the person over.
macro_rules! records {
    () => {
        "select p.id from person p where p.id = $1 or p.merged_into = $1"
    };
}

// A draft that nobody was sent is no paper.
const CONSULTS: &str = concat!(
    "select count(*), max(c.state_since) from consult c where c.state <> 'draft' and c.resident_id in (",
    records!(),
    ") and c.state_since > $2"
);
const VISITS: &str = concat!(
    "select count(*), max(coalesce(v.checked_out_at, v.closed_at, v.created_at)) from visit v where v.person_id in (",
    records!(),
    ") and coalesce(v.checked_out_at, v.closed_at, v.created_at) > $2"
);
const OPEN: &str = concat!(
    "select (select count(*) from consult c where c.resident_id in (",
    records!(),
    ") and c.state in ('submitted', 'returned', 'accepted', 'scheduled', 'in_session', 'opinion_draft', 'signed'))
        + (select count(*) from visit v where v.person_id in (",
    records!(),
    ") and v.state in ('requested', 'scheduled', 'in_service'))
        + (select count(*) from person_transfer t where t.person_id in (",
    records!(),
    ") and t.state = 'asked')"
);

/// Refuses to erase somebody of whom something is open, or of whom the law keeps something; the answer says what, and until when.
pub(super) async fn require_none(
    conn: &mut Conn,
    ctx: &Ctx,
    periods: Periods,
    person: PersonId,
) -> Result<(), Problem> {
    let open: i64 = on!(conn, |c| sqlx::query_scalar(OPEN).bind(person).fetch_one(c).await).map_err(DbError::from)?;
    if open > 0 {
        return Err(Problem::new(&PERSON_BUSY));
    }
    let mut kept = Vec::new();
    for (statement, class, zh, en) in [
        (CONSULTS, RetentionClass::ClinicalPaper, "会诊", "consults"),
        (VISITS, RetentionClass::WorkOrder, "上门", "visits"),
    ] {
        if let Some((count, until)) = kept_of(conn, ctx, person, statement, periods.of(class)).await? {
            let day = until.date_naive();
            kept.push((format!("{zh} {count} 次，到 {day}"), format!("{count} {en} until {day}")));
        }
    }
    if kept.is_empty() {
        return Ok(());
    }
    let (zh, en): (Vec<String>, Vec<String>) = kept.into_iter().unzip();
    let (zh, en) = (format!("还要保存：{}", zh.join("；")), format!("Kept still: {}", en.join("; ")));
    Err(Problem::new(&PERSON_RETAINED).detail(zh, en))
}

/// How many things of one class are kept, and until when the last of them is.
async fn kept_of(
    conn: &mut Conn,
    ctx: &Ctx,
    person: PersonId,
    statement: &'static str,
    period: Period,
) -> Result<Option<(i64, DateTime<Utc>)>, DbError> {
    let since = period.since(ctx.now());
    let (count, last): (i64, Option<DateTime<Utc>>) =
        on!(conn, |c| sqlx::query_as(statement).bind(person).bind(since).fetch_one(c).await)?;
    Ok(last.map(|last| (count, period.until(last))))
}
