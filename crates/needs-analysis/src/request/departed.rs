//! An elder has died or has left: the requests for them say so, and the lists that show them are told.

use chrono::NaiveDate;
use sanbao_platform::bus::{ConsumeError, Event, Reads, reads};
use sanbao_platform::db::{DbError, Tx};
use sanbao_platform::id::OrganisationId;
use sanbao_platform::lifecycle::Lifecycle as _;
use sanbao_platform::{described, on};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::model::Request;
use crate::area::AreaCode;

/// Somebody has died, or has left.
pub(super) const ENDED: &str = "booking.person.ended";
/// That was wrong.
pub(super) const RESTORED: &str = "booking.person.restored";

/// The events that are read of it.
pub(super) const KINDS: [Reads; 2] = [reads::<PersonEnded>(ENDED), reads::<PersonEnded>(RESTORED)];

const MARK: &str = "update elder set ended_as = $2, ended_on = $3, updated_at = $4 where person_id = $1";
const AUDIENCE: &str = "select distinct area_code, agency_id from request where person_id = $1";

described! {
    #[derive(Debug, Deserialize)]
    pub(super) struct PersonEnded {
        person_id: Uuid,
        /// `died` or `left`; none when it was taken back.
        kind: Option<String>,
        on: Option<NaiveDate>,
    }
}

/// That the person whom a request is for has died or left.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Departed {
    /// `died` or `left`.
    pub kind: String,
    /// The last day.
    pub on: NaiveDate,
}

/// Remembers that somebody has died or left, or that it was wrong. Told twice, it changes nothing.
pub(super) async fn take(tx: &mut Tx, event: &Event) -> Result<(), ConsumeError> {
    let PersonEnded { person_id, kind, on } = event.read()?;
    on!(tx, |c| {
        let row = sqlx::query(MARK).bind(person_id).bind(&kind).bind(on).bind(event.occurred_at);
        row.execute(c).await.map(drop)
    })
    .map_err(DbError::from)?;
    let audience: Vec<(AreaCode, Option<OrganisationId>)> =
        on!(tx, |c| sqlx::query_as(AUDIENCE).bind(person_id).fetch_all(c).await).map_err(DbError::from)?;
    for (area, agency) in audience {
        tx.touch(Request::TOPIC, area.live_key());
        if let Some(agency) = agency {
            tx.touch(Request::TOPIC, agency);
        }
    }
    Ok(())
}
