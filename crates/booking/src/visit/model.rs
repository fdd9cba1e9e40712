//! A visit as it is loaded: its order, its state, and the name of the caregiver.

use chrono::{DateTime, Utc};
use sanbao_platform::audit::{Disclosure, Subject, Subjects};
use sanbao_platform::db::DbError;
use sanbao_platform::id::OrganisationId;
use uuid::Uuid;

use super::details::{Contact, Details};
use super::id::VisitId;
use super::state::{Closing, Slot, VisitState, VisitStateName};
use crate::account::{AccountId, PersonId};
use crate::calendar::Interval;

/// A visit order as it stands.
#[derive(Clone, Debug)]
pub struct Visit {
    pub id: VisitId,
    /// The request it came from, in needs-analysis.
    pub request_id: Uuid,
    /// Whose caregivers make it.
    pub agency: OrganisationId,
    /// The person who is visited.
    pub person: PersonId,
    /// The part that its request decides.
    pub details: Details,
    /// Whether the request was cancelled; then no other order follows.
    pub request_withdrawn: bool,
    /// Whether a later order of the same request is open or was done; then no other order follows.
    pub followed: bool,
    pub state: VisitState,
    /// The assigned caregiver's name.
    pub caregiver_name: Option<String>,
    pub created_at: DateTime<Utc>,
    /// Counts the changes; the `ETag`.
    pub version: i64,
}

#[derive(sqlx_macros::FromRow)]
pub(super) struct VisitRow {
    id: VisitId,
    request_id: Uuid,
    agency_id: OrganisationId,
    person_id: PersonId,
    #[sqlx(flatten)]
    details: Details,
    request_withdrawn: bool,
    followed: bool,
    state: VisitStateName,
    caregiver_id: Option<AccountId>,
    starts_at: Option<DateTime<Utc>>,
    ends_at: Option<DateTime<Utc>>,
    checked_in_at: Option<DateTime<Utc>>,
    checked_out_at: Option<DateTime<Utc>>,
    closed_at: Option<DateTime<Utc>>,
    closed_reason: Option<String>,
    created_at: DateTime<Utc>,
    version: i64,
    caregiver_name: Option<String>,
}

impl VisitRow {
    fn bad(&self, column: &'static str) -> DbError {
        let cause = format!("does not fit the state {}", self.state);
        DbError::BadRow { table: "visit", column, row: self.id.to_string(), cause }
    }

    fn slot(&self) -> Result<Option<Slot>, DbError> {
        let (Some(caregiver), Some(from), Some(until)) = (self.caregiver_id, self.starts_at, self.ends_at) else {
            return Ok(None);
        };
        let interval = Interval::new(from, until).map_err(|_| self.bad("ends_at"))?;
        Ok(Some(Slot { caregiver, interval }))
    }

    fn state(&self) -> Result<VisitState, DbError> {
        let slot = self.slot()?;
        let planned = || slot.ok_or_else(|| self.bad("caregiver_id"));
        let came = || self.checked_in_at.ok_or_else(|| self.bad("checked_in_at"));
        let closing = || {
            let (at, reason) = self.closed_at.zip(self.closed_reason.clone()).ok_or_else(|| self.bad("closed_at"))?;
            Ok::<_, DbError>(Closing { at, reason })
        };
        Ok(match self.state {
            VisitStateName::Requested => VisitState::Requested,
            VisitStateName::Scheduled => VisitState::Scheduled(planned()?),
            VisitStateName::InService => VisitState::InService { slot: planned()?, checked_in_at: came()? },
            VisitStateName::Completed => VisitState::Completed {
                slot: planned()?,
                checked_in_at: came()?,
                checked_out_at: self.checked_out_at.ok_or_else(|| self.bad("checked_out_at"))?,
            },
            VisitStateName::Cancelled => VisitState::Cancelled { slot, closing: closing()? },
            VisitStateName::NoShow => VisitState::NoShow { slot: planned()?, closing: closing()? },
        })
    }

    pub(super) fn visit(self) -> Result<Visit, DbError> {
        let state = self.state()?;
        Ok(Visit {
            id: self.id,
            request_id: self.request_id,
            agency: self.agency_id,
            person: self.person_id,
            details: self.details,
            request_withdrawn: self.request_withdrawn,
            followed: self.followed,
            state,
            caregiver_name: self.caregiver_name,
            created_at: self.created_at,
            version: self.version,
        })
    }
}

impl Subjects for Visit {
    fn subjects(&self) -> Vec<Subject> {
        vec![Subject::new("visit", self.id), Subject::new("person", self.person)]
    }
}

impl Visit {
    /// The elder, for an answer that shows the visit.
    pub fn contact(&self, shows: &Disclosure) -> &Contact {
        self.details.contact.show(shows, self)
    }

    /// A new order of an agency for a person.
    pub fn ordered(
        now: DateTime<Utc>,
        request_id: Uuid,
        agency: OrganisationId,
        person: PersonId,
        wish: Details,
    ) -> Self {
        Self {
            id: VisitId::new(now),
            request_id,
            agency,
            person,
            details: wish,
            request_withdrawn: false,
            followed: false,
            state: VisitState::Requested,
            caregiver_name: None,
            created_at: now,
            version: 1,
        }
    }

    /// A new order for the same request, with nothing planned.
    pub fn again(&self, id: VisitId, now: DateTime<Utc>) -> Self {
        Self { id, state: VisitState::Requested, caregiver_name: None, created_at: now, version: 1, ..self.clone() }
    }

    /// Its place in lists: when it begins, is wanted, or came in.
    pub fn sort_key(&self) -> (DateTime<Utc>, VisitId) {
        let begins = self.state.slot().map(|s| s.interval.starts_at());
        (begins.or(self.details.wanted_from).unwrap_or(self.created_at), self.id)
    }
}
