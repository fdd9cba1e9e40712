//! Events that a consumer gave up on, as an operator deals with them: listed, handed to the handler once more, or dropped for a
//! reason. No data of an event is shown, because it may be about somebody.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use super::Event;
use super::consumer::{ConsumeError, Consumer};
use crate::audit;
use crate::db::{Conn, Db, DbError, Tx};
use crate::history::{self, Line};
use crate::http::{Ctx, Page, Paging};
use crate::on;
use crate::problem::{EVENT_NOT_TAKEN, LATER_EVENT_TAKEN, Problem, UNAVAILABLE};

/// The kind of thing in the audit log and in the history.
const NAME: &str = "parked_event";
/// Between the consumer and the event of an id; no consumer's name has it.
const BETWEEN: char = '~';

const LIST: &str = "select p.consumer, p.event_id, p.publisher, p.kind, p.subject, p.occurred_at, p.cause, cast(p.attempts as bigint) as attempts, p.parked_at,
        p.position, (select count(*) from inbox i where i.consumer = p.consumer and i.subject = p.subject and i.position > p.position) as later
    from parked_event p where (p.event_id, p.consumer) > ($1, $2) order by p.event_id, p.consumer limit $3";
// A second one who tries waits for the end of the first transaction, and then finds nothing.
const TAKE: &str = "delete from parked_event where consumer = $1 and event_id = $2
    returning kind, subject, occurred_at, data, position, parked_at";
const LATER: &str = "select count(*) from inbox where consumer = $1 and subject = $2 and position > $3";
const FAILED: &str = "update parked_event set cause = $3, attempts = attempts + 1 where consumer = $1 and event_id = $2
    returning cast(attempts as bigint)";

/// A parked event of one database: the consumer that gave up on it, and the event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParkedId {
    pub consumer: String,
    pub event: Uuid,
}

impl fmt::Display for ParkedId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{BETWEEN}{}", self.consumer, self.event)
    }
}

impl FromStr for ParkedId {
    type Err = uuid::Error;

    fn from_str(text: &str) -> Result<Self, uuid::Error> {
        let (consumer, event) = text.rsplit_once(BETWEEN).unwrap_or(("", text));
        Ok(Self { consumer: consumer.to_owned(), event: event.parse()? })
    }
}

/// An event that a consumer gave up on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct ParkedEvent {
    /// Consumer and event: `booking.visits~0190…`.
    pub id: String,
    pub consumer: String,
    /// Whose event it is.
    pub publisher: String,
    /// The event's kind: `needs.request.accepted`.
    pub kind: String,
    /// The id of what it happened to.
    pub subject: Uuid,
    pub occurred_at: DateTime<Utc>,
    pub parked_at: DateTime<Utc>,
    /// Why it was not taken the last time; values of the event are left out.
    pub cause: String,
    /// How often it was tried.
    pub attempts: i64,
    /// How many later events of the same subject this consumer has taken, as far as that is still noted; `null` where none is noted
    /// and nothing says that there was none.
    pub later: Option<i64>,
}

#[derive(sqlx_macros::FromRow)]
struct ParkedRow {
    consumer: String,
    event_id: Uuid,
    publisher: String,
    kind: String,
    subject: Uuid,
    occurred_at: DateTime<Utc>,
    cause: String,
    attempts: i64,
    parked_at: DateTime<Utc>,
    position: Option<i64>,
    later: i64,
}

/// The number of later events of a subject that took effect; `counted` of them are still noted. That there is none is known only
/// where the place of the event was noted, and nothing that was taken since `parked_at` may have been forgotten.
fn later(counted: i64, position: Option<i64>, parked_at: DateTime<Utc>, noted_since: DateTime<Utc>) -> Option<i64> {
    (counted > 0 || (position.is_some() && parked_at >= noted_since)).then_some(counted)
}

impl ParkedRow {
    fn shown(self, noted_since: DateTime<Utc>) -> ParkedEvent {
        let row = self;
        ParkedEvent {
            id: ParkedId { consumer: row.consumer.clone(), event: row.event_id }.to_string(),
            consumer: row.consumer,
            publisher: row.publisher,
            kind: row.kind,
            subject: row.subject,
            occurred_at: row.occurred_at,
            parked_at: row.parked_at,
            cause: without_values(&row.cause),
            attempts: row.attempts,
            later: later(row.later, row.position, row.parked_at, noted_since),
        }
    }
}

/// A reason without what stands in quotation marks or behind the name of a type: a parser repeats values, which may be about
/// somebody.
pub(super) fn without_values(cause: &str) -> String {
    let mut told = String::with_capacity(cause.len());
    let mut rest = cause;
    while let Some(at) = rest.find(['"', '`']) {
        let (before, quoted) = rest.split_at(at);
        told.push_str(before);
        let mark = &quoted[..1];
        // A text may have escaped marks in it, so that all up to the last one is left out.
        let end = if mark == "\"" { quoted[1..].rfind('"') } else { quoted[1..].find('`') };
        let Some(end) = end else { return told + "…" };
        let is_value =
            mark == "\"" || ["integer ", "point ", "character ", "boolean "].iter().any(|kind| before.ends_with(kind));
        told.push_str(if is_value { "…" } else { &quoted[..end + 2] });
        rest = &quoted[end + 2..];
    }
    told + rest
}

/// The parked events of a database, the oldest first. Since `noted_since` every event that was taken is noted.
pub async fn parked(db: &Db, paging: &Paging, noted_since: DateTime<Utc>) -> Result<Page<ParkedEvent>, Problem> {
    let limit = paging.limit()?;
    let (event, consumer): (Uuid, String) = paging.after()?.unwrap_or_default();
    let mut conn = db.read().await?;
    let rows: Vec<ParkedRow> =
        on!(conn, |c| { sqlx::query_as(LIST).bind(event).bind(&consumer).bind(limit + 1).fetch_all(c).await })
            .map_err(DbError::from)?;
    Ok(Page::of(rows, limit, |row| (row.event_id, row.consumer.clone())).map(|row| row.shown(noted_since)))
}

/// The outcome of handing a parked event to its consumer once more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Retried {
    /// It took effect now, or had before, and is parked no more.
    Taken,
    /// It is not parked: somebody else has dealt with it.
    Gone,
    /// It stays parked, for this reason.
    Refused { cause: String, attempts: i64 },
    /// So many later events of its subject have taken effect, or nobody knows how many; and nobody said that it should be taken
    /// nevertheless.
    Overtaken { later: Option<i64> },
    /// Nothing can be taken now; it stays as it is.
    Unavailable(String),
}

impl Retried {
    /// The answer to the person who asked for it.
    pub fn answer(self) -> Result<(), Problem> {
        match self {
            Self::Taken => Ok(()),
            Self::Gone => Err(Problem::not_found()),
            Self::Refused { cause, attempts } => {
                let cause = without_values(&cause);
                let (zh, en) = (format!("原因：{cause}"), format!("The cause: {cause}"));
                Err(Problem::new(&EVENT_NOT_TAKEN).detail(zh, en).with("attempts", attempts))
            }
            Self::Overtaken { later } => {
                let (zh, en) = match later {
                    Some(later) => (
                        format!("之后有 {later} 个事件已经生效。确实要补上这一个，请勾选“仍然重试”"),
                        format!("{later} later ones have taken effect. Say `although_later` if this one should be taken nevertheless"),
                    ),
                    None => (
                        "之后有没有事件生效，已经查不到。确实要补上这一个，请勾选“仍然重试”".to_owned(),
                        "Whether later ones have taken effect is not known any more. Say `although_later` if this one should be \
                         taken nevertheless".to_owned(),
                    ),
                };
                Err(Problem::new(&LATER_EVENT_TAKEN).detail(zh, en).with("later", later))
            }
            Self::Unavailable(cause) => Err(Problem::new(&UNAVAILABLE).because(cause).retry_after(2)),
        }
    }
}

#[derive(sqlx_macros::FromRow)]
struct TakenRow {
    kind: String,
    subject: Uuid,
    occurred_at: DateTime<Utc>,
    #[sqlx(json)]
    data: Value,
    position: Option<i64>,
    parked_at: DateTime<Utc>,
}

async fn take_away(tx: &mut Tx, consumer: &str, event: Uuid) -> Result<Option<TakenRow>, DbError> {
    Ok(on!(tx, |c| sqlx::query_as(TAKE).bind(consumer).bind(event).fetch_optional(c).await)?)
}

/// Takes a parked event away without any effect; `false` where it is not there. The reason stands in its history. Its consumer
/// need not be there any more: a later release may have none of that name.
pub async fn drop_parked(db: &Db, ctx: &Ctx, id: &ParkedId, reason: String) -> Result<bool, DbError> {
    let ParkedId { consumer, event } = id;
    let mut tx = db.begin().await?;
    if take_away(&mut tx, consumer, *event).await?.is_none() {
        return Ok(false);
    }
    let version = history::next_version(&mut tx, NAME, *event).await?;
    let line = Line {
        version,
        at: ctx.now(),
        actor: Some(ctx.actor.subject.into()),
        actor_name: Some(ctx.actor.name.clone()),
        organisation: Some(ctx.actor.organisation.into()),
        step: "drop".to_owned(),
        from_state: Some("parked".to_owned()),
        to_state: "dropped".to_owned(),
        reason: Some(reason),
        note: Some(consumer.clone()),
    };
    history::add(&mut tx, NAME, &[(*event, line)]).await?;
    audit::record(&mut tx, ctx, "parked_event.drop", NAME, *event).await?;
    tx.commit().await?;
    tracing::warn!(consumer, %event, "a parked event was dropped");
    Ok(true)
}

impl Consumer {
    /// Hands a parked event to the handler once more, in one transaction that takes the parked row away. Where it is not taken,
    /// the new cause is noted. One that later events of its subject have overtaken, or may have before `noted_since`, is taken only
    /// if `although_later`.
    pub async fn retry(
        &self,
        ctx: &Ctx,
        event: Uuid,
        although_later: bool,
        noted_since: DateTime<Utc>,
    ) -> Result<Retried, DbError> {
        let mut tx = self.db.begin().await?;
        // Before anything is counted: a later event may be about to take effect.
        self.place().hold(&mut tx).await?;
        let Some(row) = take_away(&mut tx, self.name, event).await? else { return Ok(Retried::Gone) };
        let later = self.later(&mut tx, &row, noted_since).await?;
        if later != Some(0) && !although_later {
            return Ok(Retried::Overtaken { later });
        }
        let TakenRow { kind, subject, occurred_at, data, position, .. } = row;
        let position = position.unwrap_or_default();
        let (previous, traceparent) = (None, None);
        let whole = Event { position, event_id: event, kind, previous, subject, occurred_at, data, traceparent };
        match self.effect(&mut tx, &whole).await {
            Ok(_) => {}
            Err(ConsumeError::Unavailable(cause)) => return Ok(Retried::Unavailable(cause)),
            Err(ConsumeError::Retry(cause) | ConsumeError::Reject(cause)) => {
                drop(tx);
                return self.failed(ctx, event, cause).await;
            }
        }
        audit::record(&mut tx, ctx, "parked_event.retry", NAME, event).await?;
        tx.commit().await?;
        tracing::info!(consumer = self.name, %event, "a parked event was taken");
        Ok(Retried::Taken)
    }

    async fn later(&self, conn: &mut Conn, row: &TakenRow, noted_since: DateTime<Utc>) -> Result<Option<i64>, DbError> {
        let (subject, position) = (row.subject, row.position);
        let counted = on!(conn, |c| {
            sqlx::query_scalar(LATER).bind(self.name).bind(subject).bind(position).fetch_one(c).await
        })?;
        Ok(later(counted, position, row.parked_at, noted_since))
    }

    async fn failed(&self, ctx: &Ctx, event: Uuid, cause: String) -> Result<Retried, DbError> {
        let mut tx = self.db.begin().await?;
        let attempts: Option<i64> =
            on!(tx, |c| sqlx::query_scalar(FAILED).bind(self.name).bind(event).bind(&cause).fetch_optional(c).await)?;
        let Some(attempts) = attempts else { return Ok(Retried::Gone) };
        let (actor, id) = (Some(&ctx.actor), Some(event));
        audit::record_as(&mut tx, ctx.now(), actor, "parked_event.retry", NAME, id, &ctx.request_id, "failed").await?;
        tx.commit().await?;
        tracing::warn!(consumer = self.name, %event, attempts, cause, "a parked event was not taken this time either");
        Ok(Retried::Refused { cause, attempts })
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn an_id_is_read_as_it_is_written() {
        let id = ParkedId { consumer: "booking.visits".to_owned(), event: Uuid::from_u128(7) };
        assert_eq!(id.to_string().parse(), Ok(id));
        assert!("booking.visits~x".parse::<ParkedId>().is_err());
    }

    #[test]
    fn a_cause_tells_no_value() {
        let person = serde_json::json!({ "id": 5, "born": 1940, "name": "陈\"桂\"香" });
        let cause = |read: Result<(), serde_json::Error>| without_values(&read.unwrap_err().to_string());
        let text = cause(serde_json::from_value::<u32>(person["name"].clone()).map(drop));
        assert!(text.starts_with("invalid type: string …") && !text.contains('陈'), "{text}");
        let number = cause(serde_json::from_value::<String>(person["born"].clone()).map(drop));
        assert!(number.starts_with("invalid type: integer …") && !number.contains("1940"), "{number}");
        assert_eq!(without_values("missing field `phone`"), "missing field `phone`");
        assert_eq!(without_values("no consult 0190"), "no consult 0190");
        assert_eq!(without_values("cut off \"陈"), "cut off …");
    }
}
