//! Time-limited credentials, in the convention of coturn's `use-auth-secret`
//! (draft-uberti-behave-turn-rest-00): user `expiry:name`, password `base64(HMAC-SHA1(secret, user))`.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use chrono::{DateTime, TimeDelta, Utc};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sanbao_platform::config::Secret;
use sha1::Sha1;
use sha2::Sha256;

/// Bytes of a name: enough that no two people of a site ever share one.
const NAME_BYTES: usize = 12;

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
}

/// The name part of `expiry:name`: whom a quota counts.
pub(super) fn name_of(username: &str) -> &str {
    username.split_once(':').map_or(username, |(_, name)| name)
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
