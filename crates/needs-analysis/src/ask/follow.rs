//! Where a request stands, for somebody who knows its number and the end of the telephone number that was given with it.

use chrono::{DateTime, Utc};
use sanbao_platform::crypto::same_secret;
use sanbao_platform::db::{Conn, DbError};
use sanbao_platform::history;
use sanbao_platform::lifecycle::{Lifecycle as _, State as _};
use sanbao_platform::text_enum::TextEnum as _;

use crate::local_day;
use crate::request::model::Request;
use crate::request::number::{self, SaidNumber};
use crate::request::state::RequestStateName;
use crate::request::store;

/// A request as the public may follow it: neither name nor telephone, address or anything that was written.
#[derive(Debug)]
pub(super) struct Followed {
    pub(super) number: String,
    pub(super) state: RequestStateName,
    /// The agency that has it, by its name.
    pub(super) agency: Option<String>,
    /// The states that it came to, the first of them first.
    pub(super) past: Vec<(DateTime<Utc>, RequestStateName)>,
}

/// Finds a request by its number and the last four digits of the telephone; of several years the latest. Nothing tells a wrong
/// telephone from a number that nobody has.
pub(super) async fn find(
    conn: &mut Conn,
    said: SaidNumber,
    phone_end: &str,
    now: DateTime<Utc>,
) -> Result<Option<Followed>, DbError> {
    let ids = number::find(conn, said, local_day(now)).await?;
    let Some(id) = ids.into_iter().next() else { return Ok(None) };
    let Some(listed) = store::one(conn, id).await? else { return Ok(None) };
    let request = listed.request;
    if !request.phone_end().is_some_and(|end| same_secret(&end, phone_end)) {
        return Ok(None);
    }
    let Some(number) = request.number else { return Ok(None) };
    let past = past(conn, &request).await?;
    let (number, state) = (number.to_string(), request.state.name());
    Ok(Some(Followed { number, state, agency: listed.agency_name, past }))
}

/// The moments at which it came into another state; what was said then, and by whom, stays in the house.
async fn past(conn: &mut Conn, request: &Request) -> Result<Vec<(DateTime<Utc>, RequestStateName)>, DbError> {
    let lines = history::of(conn, Request::NAME, request.id).await?;
    let moved = lines.unseen().iter().filter(|line| line.from_state.as_deref() != Some(line.to_state.as_str()));
    let mut past: Vec<_> =
        moved.filter_map(|line| RequestStateName::from_text(&line.to_state).map(|state| (line.at, state))).collect();
    past.reverse();
    Ok(past)
}
