//! The senders of signals and their signatures, by Standard Webhooks 1.0 (symmetric): HMAC-SHA-256 over id, time and body.

use std::fmt;
use std::sync::Arc;

use axum::http::HeaderMap;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use sanbao_platform::crypto::{derive, same_secret};
use sanbao_platform::id::OrganisationId;
use serde::Deserialize;

use crate::area::AreaCode;

/// How far the time of a signal may be from this clock.
pub const TOLERANCE_SECONDS: i64 = 300;
/// Senders that one file may name.
pub const HOOKS_MAX: usize = 100;
/// Characters of a signal's id, and of a sender's name.
const ID_CHARS_MAX: usize = 64;
const NAME_CHARS_MAX: usize = 30;
/// Bytes of a secret: Standard Webhooks asks for 24 to 64.
const SECRET_BYTES: std::ops::RangeInclusive<usize> = 24..=64;
const SECRET_PREFIX: &str = "whsec_";
const SIGNATURE_PREFIX: &str = "v1,";

/// A sender: a telephone system, a platform of devices.
#[derive(Clone)]
pub struct Hook {
    /// Its name, which its requests have as a part of their source's id.
    pub name: String,
    /// The street office that it sends for.
    pub organisation: OrganisationId,
    /// The area whose desks hear of it.
    pub area: AreaCode,
    secret: Vec<u8>,
}

impl fmt::Debug for Hook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hook").field("name", &self.name).field("area", &self.area).finish_non_exhaustive()
    }
}

/// The senders that this network knows.
#[derive(Clone, Debug, Default)]
pub struct Hooks(Arc<Vec<Hook>>);

/// A file of senders that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum HookFileError {
    #[error("it is not a list of name, organisation_id, area_code and secret: {0}")]
    Shape(#[from] serde_json::Error),
    #[error("the sender {0}: its name is 1 to 30 letters, digits, hyphens or underscores, and no other has it")]
    Name(String),
    #[error("the sender {0}: its area_code is none")]
    Area(String),
    #[error("the sender {0}: its secret is whsec_ and 24 to 64 bytes in base64")]
    Secret(String),
    #[error("it names more than 100 senders")]
    TooMany,
}

/// Why a signal is refused; for the log, never for its sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("a header is missing or no text")]
    Header,
    #[error("its time is more than five minutes away")]
    Time,
    #[error("no sender has signed it so")]
    Signature,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    name: String,
    organisation_id: OrganisationId,
    area_code: String,
    secret: String,
}

impl Hooks {
    /// The senders of a file: a JSON list of objects with `name`, `organisation_id`, `area_code` and `secret` (`whsec_…`).
    pub fn read(text: &str) -> Result<Self, HookFileError> {
        let lines: Vec<Line> = serde_json::from_str(text)?;
        if lines.len() > HOOKS_MAX {
            return Err(HookFileError::TooMany);
        }
        let mut hooks: Vec<Hook> = Vec::with_capacity(lines.len());
        for line in lines {
            let plain = line.name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'));
            let known = hooks.iter().any(|hook| hook.name == line.name);
            if line.name.is_empty() || line.name.chars().count() > NAME_CHARS_MAX || !plain || known {
                return Err(HookFileError::Name(line.name));
            }
            let secret = line.secret.strip_prefix(SECRET_PREFIX).and_then(|text| STANDARD.decode(text).ok());
            let Some(secret) = secret.filter(|secret| SECRET_BYTES.contains(&secret.len())) else {
                return Err(HookFileError::Secret(line.name));
            };
            let Ok(area) = AreaCode::parse(&line.area_code) else { return Err(HookFileError::Area(line.name)) };
            hooks.push(Hook { name: line.name, organisation: line.organisation_id, area, secret });
        }
        Ok(Self(Arc::new(hooks)))
    }

    /// Whether none is known.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The areas whose desks hear of them.
    pub fn areas(&self) -> impl Iterator<Item = &AreaCode> {
        self.0.iter().map(|hook| &hook.area)
    }

    /// The sender of a signal and the signal's id, if the sender has signed it within the last minutes.
    pub fn sender(&self, headers: &HeaderMap, body: &[u8], now: DateTime<Utc>) -> Result<(&Hook, String), Refusal> {
        let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).ok_or(Refusal::Header);
        let (id, time, signatures) =
            (header("webhook-id")?, header("webhook-timestamp")?, header("webhook-signature")?);
        let fits = !id.is_empty() && id.len() <= ID_CHARS_MAX && id.bytes().all(|b| b.is_ascii_graphic() && b != b'.');
        let seconds: i64 = time.parse().map_err(|_| Refusal::Header)?;
        if !fits {
            return Err(Refusal::Header);
        }
        if now.timestamp().saturating_sub(seconds).saturating_abs() > TOLERANCE_SECONDS {
            return Err(Refusal::Time);
        }
        let content = [id.as_bytes(), b".", time.as_bytes(), b".", body].concat();
        // Every sender is compared, so that the time tells nothing of who it was.
        let mut found = None;
        for hook in self.0.iter() {
            let expected = hook.sign(&content);
            for given in signatures.split(' ').filter_map(|text| text.strip_prefix(SIGNATURE_PREFIX)) {
                if same_secret(given, &expected) {
                    found = Some(hook);
                }
            }
        }
        found.map(|hook| (hook, id.to_owned())).ok_or(Refusal::Signature)
    }
}

impl Hook {
    fn sign(&self, content: &[u8]) -> String {
        // The derivation of keys is HMAC-SHA-256 of the purpose under the secret: the very function that is asked for.
        STANDARD.encode(derive(&self.secret, content))
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

    fn file(name: &str, area: &str, secret: &str) -> String {
        format!(
            r#"[{{"name":"{name}","organisation_id":"01980c2e-7b1a-7c3e-9d43-0a5d1f4c1b02","area_code":"{area}","secret":"{secret}"}}]"#
        )
    }

    fn headers(id: &str, time: &str, signature: &str) -> HeaderMap {
        let all = [("webhook-id", id), ("webhook-timestamp", time), ("webhook-signature", signature)];
        all.into_iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
    }

    #[test]
    fn the_example_of_the_specification_is_known_and_every_change_of_it_refused() {
        let hooks = Hooks::read(&file("pbx", "330211001", SECRET)).unwrap();
        let (id, time, body) = ("msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", br#"{"test": 2432232314}"#);
        let signature = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
        let at = |seconds: i64| DateTime::from_timestamp(1_614_265_330 + seconds, 0).unwrap();
        for late in [-300, 0, 300] {
            let (hook, known) = hooks.sender(&headers(id, time, signature), body, at(late)).unwrap();
            assert_eq!((hook.name.as_str(), known.as_str()), ("pbx", id));
        }
        let two = format!("v1,AAAA {signature} v2,x");
        assert!(hooks.sender(&headers(id, time, &two), body, at(0)).is_ok(), "a secret that is being changed");
        let refused = |headers: &HeaderMap, body: &[u8], now| hooks.sender(headers, body, now).unwrap_err();
        let good = headers(id, time, signature);
        assert_eq!(refused(&good, body, at(301)), Refusal::Time);
        assert_eq!(refused(&good, body, at(-301)), Refusal::Time);
        assert_eq!(refused(&good, br#"{"test": 2432232315}"#, at(0)), Refusal::Signature);
        assert_eq!(refused(&headers("msg_2", time, signature), body, at(0)), Refusal::Signature);
        assert_eq!(refused(&headers(id, "1614265331", signature), body, at(0)), Refusal::Signature);
        assert_eq!(refused(&headers(id, time, &signature[3..]), body, at(0)), Refusal::Signature);
        assert_eq!(refused(&headers(id, "soon", signature), body, at(0)), Refusal::Header);
        assert_eq!(refused(&headers(&"a".repeat(65), time, signature), body, at(0)), Refusal::Header);
        assert_eq!(refused(&HeaderMap::new(), body, at(0)), Refusal::Header);
        assert_eq!(Hooks::default().sender(&good, body, at(0)).unwrap_err(), Refusal::Signature);
    }

    #[test]
    fn a_file_that_cannot_be_used_says_why_without_the_secret() {
        for (text, why) in [
            ("{}".to_owned(), "not a list"),
            (file("", "330211001", SECRET), "its name"),
            (file("a b", "330211001", SECRET), "its name"),
            (file("pbx", "?", SECRET), "area_code"),
            (file("pbx", "330211001", "whsec_c2hvcnQ="), "24 to 64"),
            (file("pbx", "330211001", &SECRET[6..]), "24 to 64"),
        ] {
            let told = Hooks::read(&text).unwrap_err().to_string();
            assert!(told.contains(why) && !told.contains("MfKQ9"), "{told}");
        }
        let one = file("pbx", "330211001", SECRET);
        let line = one.trim_matches(['[', ']']);
        assert!(Hooks::read(&format!("[{line},{line}]")).is_err(), "two of one name");
        let many: Vec<String> = (0..=HOOKS_MAX).map(|n| line.replace("pbx", &format!("p{n}"))).collect();
        assert!(matches!(Hooks::read(&format!("[{}]", many.join(","))), Err(HookFileError::TooMany)));
        assert!(!format!("{:?}", Hooks::read(&one).unwrap()).contains("77, 242"));
        assert!(Hooks::read("[]").unwrap().is_empty());
    }
}
