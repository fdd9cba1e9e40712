//! EdDSA-signed JSON web tokens (RFC 7519, RFC 8037) and the published key set (RFC 7517).
//!
//! Each token has a `typ`, an `aud` and a time window; a token of one purpose never passes for
//! another. Verification takes the time as a parameter, so a test's clock decides.

use std::collections::HashSet;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{ACCESS_AUDIENCE, ACCESS_TYPE, AccessClaims, Actor, provider};
use crate::crypto;

/// How long an access token lives, in seconds.
pub const ACCESS_TOKEN_SECONDS: i64 = 15 * 60;
/// How far two machines' clocks may differ, in seconds.
const CLOCK_SKEW_SECONDS: i64 = 5;
/// A longer token is refused unread.
const TOKEN_BYTES_MAX: usize = 8 * 1024;

/// Why a token was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Not a token, or one with members missing.
    #[error("malformed token")]
    Malformed,
    /// Not signed by a key of this network.
    #[error("foreign or forged token")]
    Forged,
    /// Of another purpose or for another audience.
    #[error("token of another purpose")]
    WrongPurpose,
    /// Too late.
    #[error("token expired")]
    Expired,
    /// Too early.
    #[error("token not yet valid")]
    NotYetValid,
}

/// Signs and verifies. Cheap to clone; `Debug` shows no secret.
#[derive(Clone)]
pub struct Keys(Arc<KeySet>);

struct KeySet {
    kid: String,
    signing: EncodingKey,
    verifying: DecodingKey,
    public: [u8; 32],
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Keys({})", self.0.kid)
    }
}

#[derive(Serialize)]
struct Outgoing<'a, T> {
    #[serde(flatten)]
    claims: &'a T,
    aud: &'a str,
    iat: i64,
    nbf: i64,
    exp: i64,
    jti: uuid::Uuid,
}

#[derive(Deserialize)]
struct Window {
    aud: String,
    nbf: i64,
    exp: i64,
}

/// The times between which a token is good, and its audience.
#[derive(Clone, Copy, Debug)]
pub struct Scope<'a> {
    /// The `typ` header: the purpose.
    pub purpose: &'a str,
    pub audience: &'a str,
    /// The first moment at which it is good (`nbf`).
    pub not_before: DateTime<Utc>,
    /// The first moment at which it is good no more (`exp`).
    pub expires: DateTime<Utc>,
}

impl Keys {
    /// The key pair of a 32-byte secret seed (RFC 8032 §5.1.5).
    pub fn from_seed(seed: &[u8; 32]) -> Result<Self, TokenError> {
        provider::install();
        let public = ed25519_dalek::SigningKey::from_bytes(seed).verifying_key().to_bytes();
        let x = URL_SAFE_NO_PAD.encode(public);
        Ok(Self(Arc::new(KeySet {
            kid: crypto::sha256_hex(&public)[..16].to_owned(),
            // The provider reads the seed as it is, without the envelope of PKCS #8.
            signing: EncodingKey::from_ed_der(seed),
            verifying: DecodingKey::from_ed_components(&x).map_err(|_| TokenError::Malformed)?,
            public,
        })))
    }

    /// Signs `claims` for one purpose, audience and window, with a fresh `jti`.
    pub fn sign<T: Serialize>(&self, scope: Scope<'_>, now: DateTime<Utc>, claims: &T) -> Result<String, TokenError> {
        self.sign_as(crate::id::uuid_v7(now), scope, now, claims)
    }

    /// The same with a `jti` of the caller's: tokens with one `jti` are bound and revoked together.
    pub fn sign_as<T: Serialize>(
        &self,
        jti: uuid::Uuid,
        scope: Scope<'_>,
        now: DateTime<Utc>,
        claims: &T,
    ) -> Result<String, TokenError> {
        let header = Header {
            typ: Some(scope.purpose.to_owned()),
            kid: Some(self.0.kid.clone()),
            ..Header::new(Algorithm::EdDSA)
        };
        let body = Outgoing {
            claims,
            aud: scope.audience,
            iat: now.timestamp(),
            nbf: scope.not_before.timestamp(),
            exp: scope.expires.timestamp(),
            jti,
        };
        jsonwebtoken::encode(&header, &body, &self.0.signing).map_err(|_| TokenError::Malformed)
    }

    /// Verifies signature, purpose, audience and window, and reads the claims.
    pub fn verify<T: DeserializeOwned>(
        &self,
        purpose: &str,
        audience: &str,
        now: DateTime<Utc>,
        token: &str,
    ) -> Result<T, TokenError> {
        if token.len() > TOKEN_BYTES_MAX {
            return Err(TokenError::Malformed);
        }
        let header = jsonwebtoken::decode_header(token).map_err(|_| TokenError::Malformed)?;
        let mut validation = Validation::new(Algorithm::EdDSA);
        // The window and the audience are checked below, against the caller's clock.
        validation.required_spec_claims = HashSet::new();
        validation.validate_exp = false;
        validation.validate_aud = false;
        let claims: Value = match jsonwebtoken::decode(token, &self.0.verifying, &validation) {
            Ok(data) => data.claims,
            Err(e) if matches!(e.kind(), jsonwebtoken::errors::ErrorKind::Json(_)) => {
                return Err(TokenError::Malformed);
            }
            Err(_) => return Err(TokenError::Forged),
        };
        let window: Window = serde_json::from_value(claims.clone()).map_err(|_| TokenError::Malformed)?;
        if header.typ.as_deref() != Some(purpose) || window.aud != audience {
            return Err(TokenError::WrongPurpose);
        }
        let now = now.timestamp();
        if now >= window.exp + CLOCK_SKEW_SECONDS {
            return Err(TokenError::Expired);
        }
        if now < window.nbf - CLOCK_SKEW_SECONDS {
            return Err(TokenError::NotYetValid);
        }
        serde_json::from_value(claims).map_err(|_| TokenError::Malformed)
    }

    /// An access token of [`ACCESS_TOKEN_SECONDS`].
    pub fn sign_access(&self, now: DateTime<Utc>, claims: &AccessClaims) -> Result<String, TokenError> {
        let scope = Scope {
            purpose: ACCESS_TYPE,
            audience: ACCESS_AUDIENCE,
            not_before: now,
            expires: now + chrono::Duration::seconds(ACCESS_TOKEN_SECONDS),
        };
        self.sign(scope, now, claims)
    }

    /// The actor of an access token.
    pub fn verify_access(&self, now: DateTime<Utc>, token: &str) -> Result<Actor, TokenError> {
        self.verify::<AccessClaims>(ACCESS_TYPE, ACCESS_AUDIENCE, now, token).map(Actor::from)
    }

    /// The public keys as a JSON Web Key Set (RFC 7517, RFC 8037 §2).
    pub fn jwks(&self) -> Value {
        json!({ "keys": [{
            "kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA",
            "kid": self.0.kid, "x": URL_SAFE_NO_PAD.encode(self.0.public),
        }]})
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use hmac::{Hmac, KeyInit as _, Mac as _};

    use super::*;

    #[derive(Serialize, Deserialize, Debug, PartialEq)]
    struct Claims {
        consult: u32,
    }

    fn at(second: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_700_000_000 + second, 0).unwrap()
    }

    fn token(keys: &Keys) -> String {
        let scope = Scope { purpose: "ticket", audience: "signalling", not_before: at(0), expires: at(60) };
        keys.sign(scope, at(0), &Claims { consult: 7 }).unwrap()
    }

    #[test]
    fn a_token_is_good_for_its_purpose_audience_and_window_only() {
        let keys = Keys::from_seed(&[1; 32]).unwrap();
        let t = token(&keys);
        let check = |keys: &Keys, purpose: &str, audience: &str, second: i64, token: &str| {
            keys.verify::<Claims>(purpose, audience, at(second), token)
        };
        assert_eq!(check(&keys, "ticket", "signalling", 30, &t), Ok(Claims { consult: 7 }));
        assert_eq!(check(&keys, "at+jwt", "signalling", 30, &t), Err(TokenError::WrongPurpose));
        assert_eq!(check(&keys, "ticket", "booking", 30, &t), Err(TokenError::WrongPurpose));
        assert_eq!(check(&keys, "ticket", "signalling", 65, &t), Err(TokenError::Expired));
        assert_eq!(check(&keys, "ticket", "signalling", -6, &t), Err(TokenError::NotYetValid));
        assert_eq!(check(&keys, "ticket", "signalling", 30, "a.b.c"), Err(TokenError::Malformed));
        assert_eq!(check(&keys, "ticket", "signalling", 30, &"a".repeat(9000)), Err(TokenError::Malformed));
        let scope = Scope { purpose: "ticket", audience: "signalling", not_before: at(0), expires: at(60) };
        for again in [json!({ "consult": 7, "aud": "signalling" }), json!({ "consult": 7, "exp": 1_800_000_000 })] {
            let twice = keys.sign(scope, at(0), &again).unwrap();
            let said = check(&keys, "ticket", "signalling", 30, &twice);
            assert_eq!(said, Err(TokenError::Malformed), "which of the two holds is nobody's guess: {again}");
        }
        let foreign = Keys::from_seed(&[2; 32]).unwrap();
        assert_eq!(check(&foreign, "ticket", "signalling", 30, &t), Err(TokenError::Forged));
    }

    #[test]
    fn an_unsigned_or_symmetric_token_is_forged() {
        let keys = Keys::from_seed(&[1; 32]).unwrap();
        let body = token(&keys).split('.').nth(1).unwrap().to_owned();
        let header = URL_SAFE_NO_PAD.encode(r#"{"alg":"HS256","typ":"ticket"}"#);
        let signed = format!("{header}.{body}");
        let mut mac = Hmac::<sha2::Sha256>::new_from_slice(&keys.0.public).unwrap();
        mac.update(signed.as_bytes());
        let hs = format!("{signed}.{}", URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes()));
        assert_eq!(keys.verify::<Claims>("ticket", "signalling", at(1), &hs), Err(TokenError::Forged));
        let none = format!("{}.{body}.", URL_SAFE_NO_PAD.encode(r#"{"alg":"none","typ":"ticket"}"#));
        assert!(keys.verify::<Claims>("ticket", "signalling", at(1), &none).is_err());
    }

    #[test]
    fn a_tampered_token_is_forged() {
        let keys = Keys::from_seed(&[1; 32]).unwrap();
        let t = token(&keys);
        let [header, body, signature] = t.split('.').collect::<Vec<_>>().try_into().unwrap();
        let claims = URL_SAFE_NO_PAD.decode(body).unwrap();
        let other = String::from_utf8(claims).unwrap().replace(r#""consult":7"#, r#""consult":8"#);
        let other = URL_SAFE_NO_PAD.encode(other);
        assert_ne!(other, body);
        let short = &signature[..signature.len() - 4];
        for forged in [format!("{header}.{other}.{signature}"), format!("{header}.{body}.{short}")] {
            assert_eq!(keys.verify::<Claims>("ticket", "signalling", at(1), &forged), Err(TokenError::Forged));
        }
    }
}
