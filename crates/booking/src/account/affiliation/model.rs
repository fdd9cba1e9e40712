//! An agreement as it is loaded.

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;
use sanbao_platform::id::OrganisationId;

use super::input::AffiliationProposal;
use super::policy::AffiliationSide;
use super::state::{AffiliationState, AffiliationStateName};
use crate::account::id::AffiliationId;
use crate::account::organisation::Organisation;

/// An agreement: FHIR `OrganizationAffiliation`.
#[derive(Clone, Debug, sqlx_macros::FromRow)]
pub struct OrganisationAffiliation {
    pub(super) id: AffiliationId,
    /// The care home that invites.
    pub(super) inviting_id: OrganisationId,
    pub(super) inviting_zh: String,
    pub(super) inviting_en: String,
    /// The hospital that is invited.
    pub(super) invited_id: OrganisationId,
    pub(super) invited_zh: String,
    pub(super) invited_en: String,
    /// The hospital's IANA zone, in which the days are meant.
    pub(super) time_zone: String,
    /// The number on the paper that both have signed.
    pub(super) number: String,
    pub(super) valid_from: NaiveDate,
    /// The last day on which it counts.
    pub(super) valid_until: NaiveDate,
    /// Whether the care home books the hospital's hours without waiting for an answer.
    pub(super) books_at_once: bool,
    pub(super) proposed_by: AffiliationSide,
    pub(super) proposed_at: DateTime<Utc>,
    #[sqlx(flatten)]
    pub(super) state: AffiliationState,
    /// When it was answered, taken back or ended.
    pub(super) decided_at: Option<DateTime<Utc>>,
    /// Counts its changes; the `ETag`.
    pub(super) version: i64,
}

impl OrganisationAffiliation {
    /// A proposal that nobody has answered yet.
    pub(super) fn proposed(
        at: DateTime<Utc>,
        own: (AffiliationSide, &Organisation),
        with: &Organisation,
        new: AffiliationProposal,
    ) -> Self {
        let (proposed_by, own) = own;
        let (home, hospital) = if proposed_by == AffiliationSide::Inviting { (own, with) } else { (with, own) };
        Self {
            id: AffiliationId::new(at),
            inviting_id: home.id,
            inviting_zh: home.name_zh.clone(),
            inviting_en: home.name_en.clone(),
            invited_id: hospital.id,
            invited_zh: hospital.name_zh.clone(),
            invited_en: hospital.name_en.clone(),
            time_zone: hospital.time_zone.clone(),
            number: new.number,
            valid_from: new.valid_from,
            valid_until: new.valid_until,
            books_at_once: new.books_at_once,
            proposed_by,
            proposed_at: at,
            state: AffiliationState::Proposed,
            decided_at: None,
            version: 1,
        }
    }

    /// The day at `now` where the hospital is.
    pub(super) fn day(&self, now: DateTime<Utc>) -> NaiveDate {
        now.with_timezone(&zone(&self.time_zone)).date_naive()
    }

    /// The side on which an organisation stands.
    pub(super) fn side(&self, organisation: OrganisationId) -> Option<AffiliationSide> {
        if organisation == self.inviting_id {
            Some(AffiliationSide::Inviting)
        } else {
            (organisation == self.invited_id).then_some(AffiliationSide::Invited)
        }
    }
}

/// A zone by its name; Shanghai's when the stored name is not known to this build.
pub(super) fn zone(name: &str) -> Tz {
    name.parse().unwrap_or(chrono_tz::Asia::Shanghai)
}

/// The columns of a state.
#[derive(sqlx_macros::FromRow)]
pub(super) struct AffiliationStateRow {
    state: AffiliationStateName,
    ended_by: Option<AffiliationSide>,
    reason: Option<String>,
}

impl<'r, R: sqlx::Row> sqlx::FromRow<'r, R> for AffiliationState
where
    AffiliationStateRow: sqlx::FromRow<'r, R>,
{
    fn from_row(row: &'r R) -> sqlx::Result<Self> {
        let row = AffiliationStateRow::from_row(row)?;
        match (row.state, row.ended_by, row.reason) {
            (AffiliationStateName::Proposed, None, None) => Ok(Self::Proposed),
            (AffiliationStateName::Active, None, None) => Ok(Self::Active),
            (AffiliationStateName::Declined, None, Some(reason)) => Ok(Self::Declined { reason }),
            (AffiliationStateName::Withdrawn, None, None) => Ok(Self::Withdrawn),
            (AffiliationStateName::Ended, Some(by), Some(reason)) => Ok(Self::Ended { by, reason }),
            _ => Err(sqlx::Error::Decode("the columns of affiliation do not fit its state".into())),
        }
    }
}

/// A hospital with which a care home has an agreement, and the days on which that counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, sqlx_macros::FromRow)]
pub(crate) struct Affiliated {
    pub(crate) hospital: OrganisationId,
    pub(crate) valid_from: NaiveDate,
    /// The last day.
    pub(crate) valid_until: NaiveDate,
    /// Whether the hospital's hours are booked at once on these days.
    pub(crate) books_at_once: bool,
}

impl Affiliated {
    /// Whether the agreement counts at a moment, in the hospital's zone.
    pub(crate) fn covers(&self, hospital: OrganisationId, zone: Tz, at: DateTime<Utc>) -> bool {
        let day = at.with_timezone(&zone).date_naive();
        self.hospital == hospital && self.valid_from <= day && day <= self.valid_until
    }
}
