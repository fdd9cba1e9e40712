//! One-time codes by time (RFC 6238), as authenticator programs make them: SHA-1, 30 seconds, 6 digits.

use chrono::{DateTime, Utc};
use data_encoding::BASE32_NOPAD;
use hmac::{Hmac, Mac as _};
use sha1::Sha1;

use crate::crypto::same_secret;

/// How long a code holds.
const STEP_SECONDS: i64 = 30;
/// How many steps two clocks may differ.
const SKEW_STEPS: i64 = 1;
const DIGITS: usize = 6;
/// The length of a secret: that of the hash (RFC 4226 §4, R6).
const SECRET_BYTES: usize = 20;

/// A secret that an authenticator shares with the network. `Debug` shows nothing of it.
#[derive(Clone, PartialEq, Eq)]
pub struct TotpSecret(Vec<u8>);

impl std::fmt::Debug for TotpSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TotpSecret(***)")
    }
}

impl TotpSecret {
    /// A fresh one.
    pub fn random() -> Self {
        Self(rand::random::<[u8; SECRET_BYTES]>().to_vec())
    }

    /// Of its text.
    pub fn parse(text: &str) -> Option<Self> {
        BASE32_NOPAD.decode(text.as_bytes()).ok().map(Self)
    }

    /// As people type it into their authenticator (RFC 4648 §6).
    pub fn text(&self) -> String {
        BASE32_NOPAD.encode(&self.0)
    }

    /// The address that an authenticator reads from a QR code.
    pub fn address(&self, issuer: &str, account: &str) -> String {
        let (issuer, account) = (crate::page::encode(issuer), crate::page::encode(account));
        format!("otpauth://totp/{issuer}:{account}?secret={}&issuer={issuer}", self.text())
    }

    /// The code of the step that `now` lies in.
    pub fn code(&self, now: DateTime<Utc>) -> String {
        self.code_of(step_of(now), DIGITS)
    }

    /// The step of a right code that is later than `after`, the step of the last one that was taken: a code is good once.
    pub fn right(&self, code: &str, now: DateTime<Utc>, after: Option<i64>) -> Option<i64> {
        let here = step_of(now);
        let fits =
            |step: &i64| after.is_none_or(|after| *step > after) && same_secret(&self.code_of(*step, DIGITS), code);
        (here - SKEW_STEPS..=here + SKEW_STEPS).rev().find(fits)
    }

    /// RFC 4226 §5.3.
    fn code_of(&self, step: i64, digits: usize) -> String {
        #[expect(clippy::expect_used, reason = "HMAC takes a key of any length (RFC 2104 §2)")]
        let mut mac = <Hmac<Sha1> as hmac::KeyInit>::new_from_slice(&self.0).expect("any key length");
        mac.update(&step.to_be_bytes());
        let hash = mac.finalize().into_bytes();
        let at = usize::from(hash[hash.len() - 1] & 0xf);
        let number = u32::from_be_bytes([hash[at] & 0x7f, hash[at + 1], hash[at + 2], hash[at + 3]]);
        let text = format!("{number:0>10}");
        text[text.len() - digits..].to_owned()
    }
}

fn step_of(now: DateTime<Utc>) -> i64 {
    now.timestamp().div_euclid(STEP_SECONDS)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn at(second: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(second, 0).unwrap()
    }

    fn example() -> TotpSecret {
        TotpSecret(b"12345678901234567890".to_vec())
    }

    #[test]
    fn codes_are_those_of_the_standards_examples() {
        // RFC 6238, appendix B, SHA-1.
        for (second, code) in [
            (59, "94287082"),
            (1_111_111_109, "07081804"),
            (1_111_111_111, "14050471"),
            (1_234_567_890, "89005924"),
            (2_000_000_000, "69279037"),
            (20_000_000_000, "65353130"),
        ] {
            assert_eq!(example().code_of(step_of(at(second)), 8), code, "{second}");
            assert_eq!(example().code(at(second)), code[2..], "{second}");
        }
    }

    #[test]
    fn a_code_is_good_for_a_step_before_and_after_and_once() {
        let (secret, now) = (example(), at(1_111_111_111));
        let step = step_of(now);
        for (seconds, expected) in [(-61, None), (-30, Some(-1)), (0, Some(0)), (30, Some(1)), (61, None)] {
            let code = secret.code(at(1_111_111_111 + seconds));
            assert_eq!(secret.right(&code, now, None), expected.map(|by| step + by), "{seconds}");
        }
        let code = secret.code(now);
        assert_eq!(secret.right(&code, now, Some(step)), None, "it was taken");
        assert_eq!(secret.right(&code, now, Some(step - 1)), Some(step));
        for wrong in ["", "12345", "1234567", "abcdef"] {
            assert_eq!(secret.right(wrong, now, None), None, "{wrong}");
        }
    }

    #[test]
    fn a_secret_is_written_as_authenticators_read_it() {
        let secret = example();
        assert_eq!(secret.text(), "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
        assert_eq!(TotpSecret::parse(&secret.text()), Some(secret.clone()));
        assert_eq!(TotpSecret::parse("not base32!"), None);
        let address = secret.address("三宝", "nurse.wang");
        assert_eq!(
            address,
            format!("otpauth://totp/%E4%B8%89%E5%AE%9D:nurse.wang?secret={}&issuer=%E4%B8%89%E5%AE%9D", secret.text())
        );
        assert_ne!(TotpSecret::random(), TotpSecret::random());
        assert_eq!(TotpSecret::random().text().len(), 32);
    }
}
