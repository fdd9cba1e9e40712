//! The things that steps carry beside their names, with their words for the history.

use chrono::{DateTime, SecondsFormat, Utc};
use sanbao_platform::text_enum;
use sanbao_platform::text_enum::TextEnum as _;

use super::appointment::Appointment;
use super::id::ConsultId;
use super::input::Invitation;
use super::model::AskedTime;
use crate::account::AccountId;

/// The history's word for an invitation that is about another person now: what was agreed for the first one is void.
pub const OTHER_PERSON: &str = "other_person";
/// The history's word for a doctor below the wanted rank, booked at the inviting side's word.
pub const BELOW_RANK: &str = "below_rank";
/// The history's word for another room at the same doctor's same time: what was said of a delay stands.
pub const SAME_TIME: &str = "same_time";

/// The history's word for a time that was given on purpose beside another one, or beyond the doctor's rules (加号).
pub const OVERBOOKED: &str = "overbooked";

text_enum! {
    /// Why the time that an invitation asked for was not booked when it was taken on.
    pub enum UnbookedWhy {
        /// Another doctor took it on than the one who was asked.
        OtherDoctor = "other_doctor",
        /// The time was over.
        Past = "past",
        /// The doctor does not offer it any more: a day closed since, or other hours.
        NotOffered = "not_offered",
        /// Doctor, resident or room was taken.
        Taken = "taken",
        /// No room was free.
        NoRoom = "no_room",
        /// A rule of the doctor's calendar does not let it be taken.
        Rule = "rule",
        /// Anything else, such as a resident who is there no more.
        Other = "other",
    }
}

/// The time that an invitation asked for and that was not booked when it was taken on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unbooked {
    /// When it would have begun.
    pub starts_at: DateTime<Utc>,
    pub why: UnbookedWhy,
    /// As the history says it: `2026-11-23T00:30:00Z not booked: taken`.
    pub words: String,
}

/// The history's words between the time and the reason.
const NOT_BOOKED: &str = " not booked: ";

impl Unbooked {
    /// A time that was not booked, and why.
    pub fn at(starts_at: DateTime<Utc>, why: UnbookedWhy) -> Self {
        let at = starts_at.to_rfc3339_opts(SecondsFormat::AutoSi, true);
        Self { starts_at, why, words: format!("{at}{NOT_BOOKED}{why}") }
    }

    /// The same in the history's words.
    pub fn read(words: &str) -> Option<Self> {
        let (at, why) = words.split_once(NOT_BOOKED)?;
        Some(Self::at(at.parse().ok()?, UnbookedWhy::from_text(why)?))
    }
}

/// The doctor who takes a consult on.
#[derive(Clone, Debug)]
pub struct TakenOn {
    pub doctor: AccountId,
    /// The asked time that could not be booked with it.
    pub unbooked: Option<Unbooked>,
}

impl From<AccountId> for TakenOn {
    fn from(doctor: AccountId) -> Self {
        Self { doctor, unbooked: None }
    }
}

/// An invitation in the place of the one before.
#[derive(Clone, Debug)]
pub struct Revision {
    pub invitation: Invitation,
    /// The time that it asks for, as it was found among those that are offered.
    pub asked: Option<AskedTime>,
    /// Whether it is about somebody else than before.
    pub other_person: bool,
}

impl Revision {
    /// The history's word.
    pub fn note(&self) -> Option<&'static str> {
        self.other_person.then_some(OTHER_PERSON)
    }
}

/// Doctor, room and time that were found free.
#[derive(Clone, Debug)]
pub struct Booked {
    pub appointment: Appointment,
    /// Whether the inviting side took a doctor below the rank that it had asked for.
    pub below_rank: bool,
    /// Whether doctor and time are as they were.
    pub same_time: bool,
    /// Whether links for the family may stand, which end with the booked time.
    pub has_links: bool,
    /// Why it was given beside another one, or beyond the rules, where it was.
    pub overbook_reason: Option<String>,
}

impl Booked {
    /// The history's word.
    pub fn note(&self) -> Option<&'static str> {
        let overbooked = self.overbook_reason.is_some().then_some(OVERBOOKED);
        overbooked.or_else(|| self.below_rank.then_some(BELOW_RANK)).or_else(|| self.same_time.then_some(SAME_TIME))
    }
}

impl From<Appointment> for Booked {
    fn from(appointment: Appointment) -> Self {
        Self { appointment, below_rank: false, same_time: false, has_links: true, overbook_reason: None }
    }
}

/// The time that another consult had.
#[derive(Clone, Debug)]
pub struct Exchanged {
    pub appointment: Appointment,
    /// As the history says it: the other one's id.
    pub words: String,
}

impl Exchanged {
    /// An exchange with another one.
    pub fn with(other: ConsultId, appointment: Appointment) -> Self {
        Self { appointment, words: other.to_string() }
    }
}

/// The history's word for a delay to which both sides have agreed.
const AGREED: &str = ", agreed";

/// A delay that was announced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delayed {
    /// Minutes after the booked start; 0 takes the delay back.
    pub minutes: i32,
    /// Whether the other side has agreed to it, as was said.
    pub agreed: bool,
    /// As the history says it: `+10 min`, or `+10 min, agreed`.
    pub words: String,
}

impl Delayed {
    /// A delay by so many minutes.
    pub fn by(minutes: i32, agreed: bool) -> Self {
        Self { minutes, agreed, words: format!("+{minutes} min{}", if agreed { AGREED } else { "" }) }
    }

    /// The delay in the history's words.
    pub fn read(words: &str) -> Option<Self> {
        let bare = words.strip_suffix(AGREED);
        let minutes = bare.unwrap_or(words).strip_prefix('+')?.strip_suffix(" min")?.parse().ok()?;
        Some(Self::by(minutes, bare.is_some()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_booked_is_read_out_of_the_history_as_it_was_written() {
        for why in UnbookedWhy::ALL.iter().copied() {
            let unbooked = Unbooked::at(DateTime::UNIX_EPOCH, why);
            assert_eq!(unbooked.words, format!("1970-01-01T00:00:00Z not booked: {why}"));
            assert_eq!(Unbooked::read(&unbooked.words), Some(unbooked));
        }
        assert_eq!(Unbooked::read("请补充化验"), None);
    }
}
