//! The account behind a request and the proof of it: signed tokens, passwords, throttles. Roles are opaque names here.

pub mod ended;
mod guesses;
mod hashing;
mod password;
mod provider;
mod throttle;
mod token;
pub mod totp;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::id::{OrganisationId, SubjectId};
use crate::lang::Lang;

pub use guesses::{Attempt, Guesses};
pub use password::{PASSWORD_BYTES_MAX, PasswordError, Passwords};
pub use throttle::{Throttle, client_network};
pub use token::{ACCESS_TOKEN_SECONDS, Keys, Scope, TokenError};

/// An organisation in which an account acts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Workplace {
    pub id: OrganisationId,
    /// Its name in Chinese.
    #[serde(rename = "zh")]
    pub name_zh: String,
    /// Its name in English; empty when it has none.
    #[serde(rename = "en", default, skip_serializing_if = "String::is_empty")]
    pub name_en: String,
}

impl Workplace {
    /// Its name in a language; the Chinese one where it has no other.
    pub fn name(&self, lang: Lang) -> &str {
        lang.pick(&self.name_zh, &self.name_en)
    }

    /// The length of its names.
    pub fn name_bytes(&self) -> usize {
        self.name_zh.len() + self.name_en.len()
    }
}

/// The account that acts, as an access token says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor {
    /// The account's id.
    pub subject: SubjectId,
    /// The organisation it acts for.
    pub organisation: OrganisationId,
    /// The kind of that organisation: an opaque name. A role counts only together with it.
    pub kind: String,
    /// Its roles there: opaque names that each service's policy understands.
    pub roles: Vec<String>,
    /// The areas it may see, as codes; what lies below them is included. Empty: none.
    pub areas: Vec<String>,
    /// The name to show. Never logged.
    pub name: String,
    /// The log-in this token came from; ends with it.
    pub session: uuid::Uuid,
    /// The version of the account whose rights these are.
    pub version: i64,
    /// When the person last proved who they are: by password, PIN or code.
    pub proved_at: DateTime<Utc>,
    /// Whether the account must set up its second factor before it reaches anything else.
    pub lacks_factor: bool,
    /// The organisations in which the account acts, for the page's head: the one that it acts for first.
    pub workplaces: Vec<Workplace>,
}

impl Actor {
    /// Whether the actor has the role.
    pub fn has(&self, role: &str) -> bool {
        self.roles.iter().any(|r| r == role)
    }
}

/// The claims of an access token (RFC 9068 in spirit; `typ` is `at+jwt`).
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AccessClaims {
    /// The account's id.
    pub sub: SubjectId,
    pub org: OrganisationId,
    /// The organisation's kind, without which no role means anything.
    pub kind: String,
    pub roles: Vec<String>,
    /// Codes of the areas that the account may see.
    #[serde(default)]
    pub areas: Vec<String>,
    /// The name that others see.
    pub name: String,
    /// The log-in that the token belongs to.
    pub sid: uuid::Uuid,
    /// The version of the account that the rights were read from.
    #[serde(default)]
    pub ver: i64,
    /// When the person last proved who they are, in seconds since 1970 (`OpenID` Connect Core 1.0 §2).
    #[serde(default)]
    pub auth_time: i64,
    /// Whether the account still lacks the second factor that it must have.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub lacks_factor: bool,
    /// The organisations in which the account acts, the one of the token first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub workplaces: Vec<Workplace>,
}

impl From<AccessClaims> for Actor {
    fn from(c: AccessClaims) -> Self {
        Self {
            subject: c.sub,
            organisation: c.org,
            kind: c.kind,
            roles: c.roles,
            areas: c.areas,
            name: c.name,
            session: c.sid,
            version: c.ver,
            proved_at: DateTime::from_timestamp(c.auth_time, 0).unwrap_or_default(),
            lacks_factor: c.lacks_factor,
            workplaces: c.workplaces,
        }
    }
}

/// The audience of access tokens.
pub const ACCESS_AUDIENCE: &str = "sanbao";
/// The `typ` of access tokens.
pub const ACCESS_TYPE: &str = "at+jwt";
