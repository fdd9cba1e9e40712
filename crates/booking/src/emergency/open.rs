//! A try to open a record: bounded, looked up, written down and told, whatever comes of it.

use chrono::Duration;
use sanbao_platform::audit;
use sanbao_platform::db::{Conn, DbError, Tx};
use sanbao_platform::http::Ctx;
use sanbao_platform::id::OrganisationId;
use sanbao_platform::problem::{CONFLICT, Problem, TOO_MANY};

use super::events::{self, OPENED};
use super::id::EmergencyAccessId;
use super::input::Number;
use super::model::{EmergencyAccess, EmergencyOutcome};
use super::store::{self, NewAccess, NumberHolder};
use super::{TOPIC, office};
use crate::account::organisation::{self, Organisation};
use crate::account::{AccountId, PersonId};

/// How long a record stays open, in minutes.
pub const VALID_MINUTES: i64 = 60;
/// Openings of one account within an hour, those that found nobody among them.
pub const TRIES_PER_HOUR_MAX: i64 = 10;
/// Records of one human that a try opens at most: each care home and agency has its own.
const RECORDS_MAX: i64 = 4;

/// The records of a try, or why there are none.
enum Matched {
    /// Records of one human.
    One(Vec<NumberHolder>),
    None(EmergencyOutcome),
}

/// The number of the next opening of the account; 429 when it has had too many within the hour.
async fn next_ordinal(conn: &mut Conn, ctx: &Ctx) -> Result<i64, Problem> {
    let hour = Duration::hours(1);
    let (all, late) = store::tried(conn, ctx.actor.subject.into(), ctx.now() - hour, TRIES_PER_HOUR_MAX).await?;
    let full = late.len() >= usize::try_from(TRIES_PER_HOUR_MAX).unwrap_or(usize::MAX);
    match late.last().filter(|_| full) {
        None => Ok(all + 1),
        Some(oldest) => {
            let wait = u64::try_from((*oldest + hour - ctx.now()).num_seconds()).unwrap_or(0) + 1;
            let (zh, en) = (
                "一小时内的紧急查阅次数已到上限，请联系街道管理员",
                "There were too many within the hour; call the street's administrator",
            );
            Err(Problem::new(&TOO_MANY).detail(zh, en).retry_after(wait))
        }
    }
}

/// Whose records have the number. A family may share a telephone: then nobody's is opened.
async fn find(conn: &mut Conn, number: &Number) -> Result<Matched, DbError> {
    let holders = store::holders(conn, number, RECORDS_MAX).await?;
    let Some(first) = holders.first() else { return Ok(Matched::None(EmergencyOutcome::Nobody)) };
    let same =
        |other: &NumberHolder| first.national_id_index.is_some() && other.national_id_index == first.national_id_index;
    let one = holders.len() == 1 || holders.iter().all(same);
    Ok(if one { Matched::One(holders) } else { Matched::None(EmergencyOutcome::Several) })
}

/// Opens what has the number, and gives what was written down: a line for each record, or one that says why there is none.
pub(super) async fn open(
    tx: &mut Tx,
    ctx: &Ctx,
    number: &Number,
    reason: &str,
) -> Result<Vec<EmergencyAccess>, Problem> {
    let own = organisation::own(tx, ctx).await?;
    let mut ordinal = next_ordinal(tx, ctx).await?;
    let mut opened = Vec::new();
    match find(tx, number).await? {
        Matched::None(outcome) => {
            let office = office::of(tx, ctx, &own, None).await?;
            let new = new(ctx, &own, ordinal, office, number, reason, (outcome, None));
            opened.push(write(tx, ctx, &new).await?);
        }
        Matched::One(records) => {
            for record in records {
                let office = office::of(tx, ctx, &own, Some(&record)).await?;
                let outcome = (EmergencyOutcome::Opened, Some(record.id));
                opened.push(write(tx, ctx, &new(ctx, &own, ordinal, office, number, reason, outcome)).await?);
                ordinal += 1;
            }
        }
    }
    Ok(opened)
}

fn new<'a>(
    ctx: &Ctx,
    own: &Organisation,
    ordinal: i64,
    office: OrganisationId,
    number: &Number,
    reason: &'a str,
    (outcome, person): (EmergencyOutcome, Option<PersonId>),
) -> NewAccess<'a> {
    let now = ctx.now();
    NewAccess {
        id: EmergencyAccessId::new(now),
        account: ctx.actor.subject.into(),
        ordinal,
        organisation: own.id,
        office,
        sign: number.sign(),
        outcome,
        person,
        reason,
        opened_at: now,
        ends_at: person.map(|_| now + Duration::minutes(VALID_MINUTES)),
    }
}

/// Writes an opening with its audit row and its event, and tells the office's list.
async fn write(tx: &mut Tx, ctx: &Ctx, new: &NewAccess<'_>) -> Result<EmergencyAccess, Problem> {
    if !store::insert(tx, new).await? {
        return Err(Problem::new(&CONFLICT)
            .detail("刚刚有另一次紧急查阅，请再试一次", "Another one was made just now; try once more"));
    }
    let written = store::find(tx, new.id).await?.ok_or_else(|| Problem::internal("an opening is gone at once"))?;
    let action = format!("emergency_access.{}", written.outcome);
    audit::record(tx, ctx, &action, "emergency_access", new.id).await?;
    events::publish(tx, ctx.now(), &OPENED, &written).await?;
    tx.touch(TOPIC, new.office);
    tx.touch(TOPIC, AccountId::from(ctx.actor.subject));
    Ok(written)
}
