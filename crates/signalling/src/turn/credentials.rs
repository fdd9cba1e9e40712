//! Time-limited credentials, in the convention of coturn's `use-auth-secret`
//! (draft-uberti-behave-turn-rest-00): user `expiry:name`, password `base64(HMAC-SHA1(secret, user))`.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use chrono::{DateTime, TimeDelta, Utc};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sanbao_platform::config::Secret;
use sha1::Sha1;
use sha2::Sha256;
use uuid::Uuid;

/// Bytes of a name: enough that no two people of a site ever share one.
const NAME_BYTES: usize = 12;
/// For how long an allocation may be kept alive after its credential has run out.
pub const OVERRUN: TimeDelta = TimeDelta::hours(2);

/// The reach of a credential.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TurnScope {
    /// The media of a room.
    #[default]
    Room,
    /// The check before the call: only peers of [`Self::Echo`] are reached.
    Check,
    /// The server's own peer of such a check.
    Echo,
}

impl TurnScope {
    fn word(self) -> &'static str {
        match self {
            Self::Room => "room",
            Self::Check => "check",
            Self::Echo => "echo",
        }
    }

    fn of_word(word: &str) -> Option<Self> {
        [Self::Room, Self::Check, Self::Echo].into_iter().find(|scope| scope.word() == word)
    }
}

/// The holder of a credential.
#[derive(Clone, Copy, Debug)]
pub struct TurnGrant<'a> {
    /// The person in the room, as [`Credentials::name_for`] takes it.
    pub subject: &'a str,
    /// The ticket with which they came.
    pub ticket: Uuid,
    /// Its reach.
    pub scope: TurnScope,
    /// When the room's window ends; one that is over, or is not known, counts from now.
    pub until: Option<DateTime<Utc>>,
}

/// A username taken apart: `expiry:name`, or `expiry:name.ticket.issued.scope` as [`Credentials::grant`] makes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TurnUser<'a> {
    /// The name that quota and bounds count by.
    pub(super) name: &'a str,
    /// The name that stands for the ticket.
    pub(super) ticket: &'a str,
    /// When it was issued, milliseconds since 1970.
    pub(super) issued_ms: i64,
    /// Its reach.
    pub(super) scope: TurnScope,
}

impl<'a> TurnUser<'a> {
    pub(super) fn of(username: &'a str) -> Self {
        let name = username.split_once(':').map_or(username, |(_, name)| name);
        let parts: [&str; 4] = {
            let mut parts = name.split('.');
            std::array::from_fn(|_| parts.next().unwrap_or_default())
        };
        let [short, ticket, issued, scope] = parts;
        match (issued.parse(), TurnScope::of_word(scope)) {
            (Ok(issued_ms), Some(scope)) => Self { name: short, ticket, issued_ms, scope },
            // Of somebody who shares the secret.
            _ => Self { name, ticket: "", issued_ms: 0, scope: TurnScope::Room },
        }
    }
}

/// Why a username opens nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CredentialError {
    /// Not `expiry:name`.
    #[error("the username is not expiry:name")]
    Malformed,
    /// The expiry has passed.
    #[error("the credential has expired")]
    Expired,
}

/// Issues and checks credentials of one shared secret.
#[derive(Clone, Debug)]
pub struct Credentials {
    secret: Secret<String>,
    lifetime: TimeDelta,
}

impl Credentials {
    /// Credentials by `secret`, each good for `lifetime`.
    pub fn new(secret: Secret<String>, lifetime: TimeDelta) -> Self {
        Self { secret, lifetime }
    }

    /// A username and its password for `name`, from `now` on.
    pub fn issue(&self, name: &str, now: DateTime<Utc>) -> (String, String) {
        let username = format!("{}:{name}", (now + self.lifetime).timestamp());
        let password = self.password(&username);
        (username, password)
    }

    /// A username and its password for somebody in a room.
    pub fn grant(&self, grant: &TurnGrant<'_>, now: DateTime<Utc>) -> (String, String) {
        let TurnGrant { subject, ticket, scope, until } = *grant;
        let until = until.filter(|until| *until > now).unwrap_or(now + self.lifetime.min(OVERRUN));
        let (name, ticket) = (self.name_for(subject), self.name_for_ticket(ticket));
        let (issued_ms, scope) = (now.timestamp_millis(), scope.word());
        let username = format!("{}:{name}.{ticket}.{issued_ms}.{scope}", until.timestamp());
        let password = self.password(&username);
        (username, password)
    }

    /// The name that stands for a ticket.
    pub fn name_for_ticket(&self, ticket: Uuid) -> String {
        self.name_for(&format!("ticket {ticket}"))
    }

    /// The name that stands for `subject`, such as one person in one room, however often they connect. A quota counts
    /// it, and nobody reads the subject from it.
    pub fn name_for(&self, subject: &str) -> String {
        // As above: HMAC takes keys of any length.
        Hmac::<Sha256>::new_from_slice(self.secret.0.as_bytes())
            .map(|mut mac| {
                mac.update(subject.as_bytes());
                URL_SAFE_NO_PAD.encode(&mac.finalize().into_bytes()[..NAME_BYTES])
            })
            .unwrap_or_default()
    }

    /// The password of a username, whether or not it has expired.
    fn password(&self, username: &str) -> String {
        // HMAC takes keys of any length (RFC 2104), so this cannot fail.
        Hmac::<Sha1>::new_from_slice(self.secret.0.as_bytes())
            .map(|mut mac| {
                mac.update(username.as_bytes());
                STANDARD.encode(mac.finalize().into_bytes())
            })
            .unwrap_or_default()
    }

    /// The password of a username that has not expired.
    pub fn check(&self, username: &str, now: DateTime<Utc>) -> Result<String, CredentialError> {
        let (expiry, name) = username.split_once(':').ok_or(CredentialError::Malformed)?;
        let expiry: i64 = expiry.parse().map_err(|_| CredentialError::Malformed)?;
        if name.is_empty() {
            return Err(CredentialError::Malformed);
        }
        if now.timestamp() >= expiry {
            return Err(CredentialError::Expired);
        }
        Ok(self.password(username))
    }

    /// The password of a username that keeps alive what it opened before: until [`OVERRUN`] after it has run out, for
    /// a visit that runs over is not cut.
    pub(super) fn check_standing(&self, username: &str, now: DateTime<Utc>) -> Result<String, CredentialError> {
        self.check(username, now - OVERRUN)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn credentials() -> Credentials {
        Credentials::new(Secret("north".to_owned()), TimeDelta::hours(1))
    }

    #[test]
    fn the_password_is_what_coturn_computes() {
        // printf %s 1795436400:alice | openssl dgst -sha1 -hmac north -binary | base64
        let password = credentials().check("1795436400:alice", DateTime::UNIX_EPOCH);
        assert_eq!(password, Ok("PDs9rhQzhMxFi1CUyLUy+ReuiA0=".to_owned()));
    }

    #[test]
    fn what_was_issued_is_good_until_its_second() {
        let now = DateTime::UNIX_EPOCH + TimeDelta::days(20_000);
        let (username, password) = credentials().issue("p1", now);
        assert_eq!(credentials().check(&username, now), Ok(password.clone()));
        let last = now + TimeDelta::seconds(3599);
        assert_eq!(credentials().check(&username, last), Ok(password));
        let over = now + TimeDelta::seconds(3600);
        assert_eq!(credentials().check(&username, over), Err(CredentialError::Expired));
    }

    #[test]
    fn a_grant_says_whom_it_is_for_and_ends_with_the_window() {
        let now = DateTime::UNIX_EPOCH + TimeDelta::days(20_000);
        let (ticket, until) = (Uuid::from_u128(7), Some(now + TimeDelta::minutes(20)));
        for scope in [TurnScope::Room, TurnScope::Check, TurnScope::Echo] {
            let grant = TurnGrant { subject: "room person", ticket, scope, until };
            let (username, password) = credentials().grant(&grant, now);
            let name = credentials().name_for("room person");
            let (ticket, issued_ms) = (credentials().name_for_ticket(ticket), now.timestamp_millis());
            assert_eq!(TurnUser::of(&username), TurnUser { name: &name, ticket: &ticket, issued_ms, scope });
            assert_eq!(credentials().check(&username, now + TimeDelta::seconds(1199)), Ok(password.clone()));
            let over = now + TimeDelta::minutes(20);
            assert_eq!(credentials().check(&username, over), Err(CredentialError::Expired));
            assert_eq!(credentials().check_standing(&username, over), Ok(password));
            let long_over = over + OVERRUN;
            assert_eq!(credentials().check_standing(&username, long_over), Err(CredentialError::Expired));
        }
        let late = TurnGrant { subject: "x", ticket, scope: TurnScope::Room, until: Some(now - TimeDelta::minutes(1)) };
        assert!(credentials().check(&credentials().grant(&late, now).0, now + TimeDelta::minutes(59)).is_ok());
    }

    #[test]
    fn a_name_of_somebody_else_who_has_the_secret_is_of_a_room() {
        for username in ["1:alice", "1:a.b.c.room", "1:a.b", "1:a.b.1.other"] {
            let user = TurnUser::of(username);
            assert_eq!((user.scope, user.ticket, Some(user.name)), (TurnScope::Room, "", username.get(2..)));
        }
    }

    #[test]
    fn other_usernames_are_refused() {
        for username in ["", "alice", "12:", ":alice", "x:alice", "99999999999999999999:alice"] {
            let checked = credentials().check(username, DateTime::UNIX_EPOCH);
            assert_eq!(checked, Err(CredentialError::Malformed), "{username:?}");
        }
    }

    #[test]
    fn a_name_is_of_one_person_in_one_room_and_tells_neither() {
        let [consult, other] = ["01980c2e-7b1a-7c3e-9d43-0a5d1f4c1b02", "01980c2e-7b1a-7c3e-9d43-0a5d1f4c1b03"];
        let name = |consult: &str, person: &str| credentials().name_for(&format!("{consult} {person}"));
        assert_eq!(name(consult, other), name(consult, other));
        assert_ne!(name(consult, other), name(consult, consult), "another person");
        assert_ne!(name(consult, other), name(other, other), "another room");
        assert_eq!(name(consult, other).len(), 16);
        let elsewhere = Credentials::new(Secret("south".to_owned()), TimeDelta::hours(1));
        let theirs = elsewhere.name_for(&format!("{consult} {other}"));
        assert_ne!(name(consult, other), theirs, "nobody without the secret computes it");
    }

    #[test]
    fn debug_shows_no_secret() {
        assert!(!format!("{:?}", credentials()).contains("north"));
    }
}
