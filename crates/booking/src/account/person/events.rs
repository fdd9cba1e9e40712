//! The facts about a person that other services learn: enough to count and to recognise, no name and no number.

use chrono::{DateTime, Datelike as _, NaiveDate, Utc};
use sanbao_platform::bus::{self, EventKind, NewEvent};
use sanbao_platform::db::{DbError, Tx};
use sanbao_platform::id::OrganisationId;
use sanbao_platform::lifecycle::Change;
use sanbao_platform::{described, event_kinds};
use serde::Serialize;
use uuid::Uuid;

use super::model::Person;
use super::state::{PersonState, PersonStep};
use crate::account::id::PersonId;

described! {
    /// The data of `booking.person.registered` and `booking.person.updated`.
    #[derive(Clone, Debug, Serialize)]
    pub struct PersonEvent<'a> {
        pub person_id: PersonId,
        /// The care home where the person lives, if any.
        pub organisation_id: Option<OrganisationId>,
        pub area_code: Option<&'a str>,
        /// The year of birth, for ages in numbers.
        pub birth_year: Option<i32>,
        /// `male`, `female` or `unknown`.
        pub sex: &'a str,
        /// The blind index of the national id.
        pub national_id_index: Option<&'a str>,
    }
}

described! {
    /// The data of `booking.person.joined` and `booking.person.separated`.
    #[derive(Clone, Copy, Debug, Serialize)]
    pub struct PersonJoined {
        /// The record that survives.
        pub person_id: PersonId,
        /// The record that goes into it, or is one of its own again.
        pub other_id: PersonId,
        /// When it took place.
        pub at: DateTime<Utc>,
    }
}

described! {
    /// The data of `booking.person.ended` and `booking.person.restored`.
    #[derive(Clone, Copy, Debug, Serialize)]
    pub struct PersonEnded {
        pub person_id: PersonId,
        /// `died` or `left`; none of somebody who is in the network after all.
        pub kind: Option<&'static str>,
        /// The last day, as `2026-11-20`.
        pub on: Option<NaiveDate>,
        /// When it was said.
        pub at: DateTime<Utc>,
    }
}

described! {
    /// The data of `booking.person.moved`.
    #[derive(Clone, Copy, Debug, Serialize)]
    pub struct PersonMoved {
        /// The record of those who have the person now.
        pub person_id: PersonId,
        /// The record of those who had the person: its id leads on.
        pub other_id: PersonId,
        /// The care home that had the person, if any.
        pub from_organisation: Option<OrganisationId>,
        /// The care home where the person lives now; none at home.
        pub to_organisation: Option<OrganisationId>,
        /// When it took place.
        pub at: DateTime<Utc>,
    }
}

described! {
    /// The data of `booking.person.erased`.
    #[derive(Clone, Debug, Serialize)]
    pub struct PersonErased {
        /// A record of the person: one that was joined into another is told of by an event of its own.
        pub person_id: PersonId,
        /// The requests of the visits to the record's person, which their publisher may not know to be of the person.
        pub requests: Option<Vec<Uuid>>,
        /// When it took place.
        pub at: DateTime<Utc>,
    }
}

described! {
    /// The data of `booking.person.held` and `booking.person.released`.
    #[derive(Clone, Debug, Serialize)]
    pub struct PersonHeld {
        /// A record of the person: one that was joined into another is told of by an event of its own.
        pub person_id: PersonId,
        /// The requests of the visits to the record's person, which their publisher may not know to be of the person.
        pub requests: Vec<Uuid>,
        /// When it was told.
        pub at: DateTime<Utc>,
    }
}

described! {
    /// The data of `booking.person.holds_told`.
    #[derive(Clone, Copy, Debug, Serialize)]
    pub struct HoldsTold {
        /// How many records are held, those among them that lead on to others.
        pub standing: i64,
        /// When it was told.
        pub at: DateTime<Utc>,
    }
}

event_kinds! {
    PersonEvent<'static> {
        REGISTERED = "booking.person.registered" 1 "A person is known now.";
        UPDATED = "booking.person.updated" 1 "What is known of a person changed.";
    }
    PersonEnded {
        ENDED = "booking.person.ended" 1 "Somebody has died, or has left the network.";
        RESTORED = "booking.person.restored" 1 "That was wrong: they are in the network still.";
    }
    PersonErased {
        ERASED = "booking.person.erased" 1 "Somebody was erased: what is personal of them goes, once the law no longer keeps it.";
    }
    PersonHeld {
        HELD = "booking.person.held" 1 "A legal hold stands on somebody's record: nothing of it is taken away. It may be told again, with later requests.";
        RELEASED = "booking.person.released" 1 "No legal hold stands on somebody's record any more.";
    }
    HoldsTold {
        HOLDS_TOLD = "booking.person.holds_told" 1 "Every legal hold was told: who knows of as many held records knows of all. It is told each hour.";
    }
    PersonMoved {
        MOVED = "booking.person.moved" 1 "Somebody was handed over to another care home, or to the own home: what is not done is that record's.";
    }
    PersonJoined {
        JOINED = "booking.person.joined" 1 "Two records were of one person: what was the other's is the survivor's.";
        SEPARATED = "booking.person.separated" 1 "A join was undone: what it moved is the other's again.";
    }
}

impl<'a> PersonEvent<'a> {
    /// The facts that may be told of a person.
    pub(in crate::account) fn of(person: &'a Person) -> Self {
        Self {
            person_id: person.id,
            organisation_id: person.organisation_id,
            area_code: person.area_code.as_deref(),
            birth_year: person.birth_date.map(|d| d.year()),
            sex: person.sex.as_str(),
            national_id_index: person.national_id_index.as_deref(),
        }
    }

    /// Writes the event beside the change.
    pub(in crate::account) async fn publish(
        &self,
        tx: &mut Tx,
        now: DateTime<Utc>,
        kind: &EventKind<PersonEvent<'static>>,
    ) -> Result<(), DbError> {
        bus::emit(tx, now, kind, self.person_id, self).await
    }
}

impl PersonJoined {
    /// The survivor and the other, at a moment.
    pub(super) fn of((person_id, other_id): &(PersonId, PersonId), at: DateTime<Utc>) -> Self {
        Self { person_id: *person_id, other_id: *other_id, at }
    }

    /// Writes the event beside the change.
    pub(super) async fn publish(&self, tx: &mut Tx, kind: &EventKind<Self>) -> Result<(), DbError> {
        bus::emit(tx, self.at, kind, self.person_id, self).await
    }
}

impl PersonHeld {
    /// Writes the event beside the change.
    pub(super) async fn publish(&self, tx: &mut Tx, kind: &EventKind<Self>) -> Result<(), DbError> {
        bus::emit(tx, self.at, kind, self.person_id, self).await
    }
}

impl HoldsTold {
    /// Writes the event. It is of nobody.
    pub(super) async fn publish(&self, tx: &mut Tx) -> Result<(), DbError> {
        bus::emit(tx, self.at, &HOLDS_TOLD, Uuid::nil(), self).await
    }
}

impl PersonErased {
    /// Writes the event beside the change.
    pub(super) async fn publish(&self, tx: &mut Tx) -> Result<(), DbError> {
        bus::emit(tx, self.at, &ERASED, self.person_id, self).await
    }
}

impl PersonMoved {
    /// Writes the event beside the change.
    pub(super) async fn publish(&self, tx: &mut Tx) -> Result<(), DbError> {
        bus::emit(tx, self.at, &MOVED, self.person_id, self).await
    }
}

/// The events of a step.
pub(super) fn of(at: DateTime<Utc>, change: &Change<Person>) -> Result<Vec<NewEvent>, DbError> {
    let person_id = change.after.id;
    let (kind, on) = match change.after.state {
        PersonState::Registered => (None, None),
        PersonState::Ended { kind, on } => (Some(kind.as_str()), Some(on)),
    };
    let data = PersonEnded { person_id, kind, on, at };
    Ok(match &change.step {
        Some(PersonStep::End(_)) => vec![NewEvent::of(at, &ENDED, person_id, &data)?],
        Some(PersonStep::Restore(_)) => vec![NewEvent::of(at, &RESTORED, person_id, &data)?],
        // A new one is told where its row is written.
        None => Vec::new(),
    })
}
