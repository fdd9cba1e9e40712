//! The record of a consult when its room is opened again: everything is read from what was written of it.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use sanbao_platform::db::{Conn, DbError};
use sanbao_platform::on;
use sqlx::types::Json;

use crate::id::ConsultId;
use crate::revocation;
use crate::room::{Fact, Past, PastChat};

// One statement finds that there is nothing, as for nearly every consult when its room is opened.
const ROOM: &str = "select r.started_at, r.finished_at, r.together_seconds,
    exists (select 1 from consult_fact f where f.consult = $1) as has_facts,
    exists (select 1 from ticket_revocation t where t.consult = $1) as has_revocations
    from (select 1 as n) one left join consult_room r on r.consult = $1";
const DECISIONS: &str = "select data from consult_fact
    where consult = $1 and kind in ('removed', 'lifted', 'bound', 'revoked') order by at, position, n limit $2";
const CHAT: &str = "select data from consult_fact where consult = $1 and kind = 'chat' order by at desc, position desc
    limit $2";

/// How many removals, liftings, bindings and revocations of one consult are read.
const DECISIONS_MAX: i64 = 4_096;
/// How many chat messages are read; the room keeps fewer if its own bound is lower.
const CHAT_LINES_MAX: i64 = 200;

#[derive(sqlx_macros::FromRow)]
struct PastRow {
    started_at: Option<DateTime<Utc>>,
    finished_at: Option<DateTime<Utc>>,
    together_seconds: Option<i64>,
    has_facts: bool,
    has_revocations: bool,
}

/// The record of a consult from earlier.
pub(crate) async fn past(conn: &mut Conn, consult: ConsultId) -> Result<Past, DbError> {
    let row: PastRow = on!(conn, |c| sqlx::query_as(ROOM).bind(consult).fetch_one(c).await)?;
    let mut past = Past {
        started_at: row.started_at,
        finished: row.finished_at.is_some(),
        together_seconds: row.together_seconds.and_then(|s| s.try_into().ok()).unwrap_or(0),
        ..Past::default()
    };
    if row.has_facts {
        let decisions: Vec<Json<Fact>> =
            on!(conn, |c| sqlx::query_scalar(DECISIONS).bind(consult).bind(DECISIONS_MAX).fetch_all(c).await)?;
        let chat: Vec<Json<Fact>> =
            on!(conn, |c| sqlx::query_scalar(CHAT).bind(consult).bind(CHAT_LINES_MAX).fetch_all(c).await)?;
        fold(&mut past, decisions.into_iter().map(|Json(fact)| fact));
        past.chat = chat.into_iter().rev().filter_map(|Json(fact)| line(fact)).collect();
    }
    if row.has_revocations {
        past.revoked.extend(revocation::of_consult(conn, consult).await?);
    }
    Ok(past)
}

/// Decisions in the order in which they were taken.
fn fold(past: &mut Past, decisions: impl Iterator<Item = Fact>) {
    let mut lifted = BTreeSet::new();
    for fact in decisions {
        match fact {
            Fact::Removed(removal) => {
                past.removals = past.removals.max(removal.removal);
                past.removed.push(removal);
            }
            Fact::Lifted { removal, .. } => {
                lifted.insert(removal);
            }
            Fact::Bound { binding, .. } => past.bound.push(binding),
            Fact::Revoked(revocation) => past.revoked.push(revocation),
            _ => {}
        }
    }
    past.removed.retain(|r| !lifted.contains(&r.removal));
}

fn line(fact: Fact) -> Option<PastChat> {
    match fact {
        Fact::Chat { n, name, at, text, .. } => Some(PastChat { n, name, at, text }),
        _ => None,
    }
}
