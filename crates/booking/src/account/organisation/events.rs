//! The facts about an organisation that other services learn: services that send work to it must know it.

use chrono::{DateTime, Utc};
use sanbao_platform::bus::NewEvent;
use sanbao_platform::db::DbError;
use sanbao_platform::id::OrganisationId;
use sanbao_platform::lifecycle::Change;
use sanbao_platform::{described, event_kinds};
use serde::Serialize;

use super::model::{Organisation, OrganisationKind};
use super::state::OrganisationStep;

described! {
    /// The data of `booking.organisation.registered`.
    #[derive(Clone, Debug, Serialize)]
    pub struct OrganisationRegistered<'a> {
        pub organisation_id: OrganisationId,
        /// Its kind: a care home, a hospital, …
        pub kind: OrganisationKind,
        /// Its name in Chinese.
        pub name_zh: &'a str,
        /// Its name in English; empty when it has none.
        pub name_en: &'a str,
        /// The area that it lies in.
        pub area_code: Option<&'a str>,
    }
}

described! {
    /// The data of `booking.organisation.closed` and `booking.organisation.reopened`.
    #[derive(Clone, Copy, Debug, Serialize)]
    pub struct OrganisationEnd {
        pub organisation_id: OrganisationId,
        /// Its kind: a care home, a hospital, …
        pub kind: OrganisationKind,
    }
}

event_kinds! {
    OrganisationRegistered<'static> {
        REGISTERED = "booking.organisation.registered" 1 "An organisation is known now, or known better.";
    }
    OrganisationEnd {
        CLOSED = "booking.organisation.closed" 1 "Nobody of it logs in any more, and nothing new goes to it.";
        REOPENED = "booking.organisation.reopened" 1 "A closed organisation goes on.";
    }
}

impl<'a> OrganisationRegistered<'a> {
    /// The facts as they are now.
    pub(super) fn of(organisation: &'a Organisation) -> Self {
        Self {
            organisation_id: organisation.id,
            kind: organisation.kind,
            name_zh: &organisation.name_zh,
            name_en: &organisation.name_en,
            area_code: organisation.area_code.as_deref(),
        }
    }
}

/// The events of a change.
pub(super) fn of(at: DateTime<Utc>, change: &Change<Organisation>) -> Result<Vec<NewEvent>, DbError> {
    let organisation = &change.after;
    let data = OrganisationEnd { organisation_id: organisation.id, kind: organisation.kind };
    Ok(match &change.step {
        Some(OrganisationStep::Edit(_)) => {
            let known = OrganisationRegistered::of(organisation);
            vec![NewEvent::of(at, &REGISTERED, organisation.id, &known)?]
        }
        Some(OrganisationStep::Close(_)) => vec![NewEvent::of(at, &CLOSED, organisation.id, &data)?],
        Some(OrganisationStep::Reopen) => vec![NewEvent::of(at, &REOPENED, organisation.id, &data)?],
        // It is told where its row is written.
        None => Vec::new(),
    })
}
