//! Field encryption and blind indexes for what must not lie readable in a database file.
//!
//! A sealed field is AES-256-GCM with a random 96-bit nonce (NIST SP 800-38D) and the field's place
//! (`table.column:row`) as associated data, so a cipher text moved to another row does not open.
//! A blind index is HMAC-SHA-256 under a key of its own: equal values have equal indexes and nothing
//! can be looked up without the key.

use aes_gcm::aead::{Aead, KeyInit, Payload};
use aes_gcm::{Aes256Gcm, Nonce};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, Mac};
use sha2::{Digest, Sha256};

/// A cipher text that does not open: wrong key, wrong place or changed bytes.
#[derive(Debug, thiserror::Error)]
#[error("a sealed field does not open")]
pub struct Unsealable;

const NONCE_BYTES: usize = 12;

/// The keys of fields at rest. `Debug` shows nothing of them.
#[derive(Clone)]
pub struct FieldKeys {
    cipher: Aes256Gcm,
    index_key: [u8; 32],
}

impl std::fmt::Debug for FieldKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("FieldKeys(…)")
    }
}

impl FieldKeys {
    /// Derives both keys from one secret of at least 32 random bytes.
    pub fn new(master: &[u8; 32]) -> Self {
        let sealing = derive(master, b"sanbao field sealing v1");
        Self { cipher: Aes256Gcm::new(&sealing.into()), index_key: derive(master, b"sanbao blind index v1") }
    }

    /// Seals `text` for its place.
    pub fn seal(&self, place: &str, text: &str) -> Vec<u8> {
        let nonce_bytes: [u8; NONCE_BYTES] = rand::random();
        let payload = Payload { msg: text.as_bytes(), aad: place.as_bytes() };
        // AES-GCM refuses only texts beyond 64 GiB; an empty vector would fail to open, loudly.
        let sealed = self.cipher.encrypt(&Nonce::from(nonce_bytes), payload).unwrap_or_default();
        [nonce_bytes.as_slice(), &sealed].concat()
    }

    /// Opens what was sealed for `place`.
    pub fn open(&self, place: &str, sealed: &[u8]) -> Result<String, Unsealable> {
        let (nonce, text) = sealed.split_first_chunk::<NONCE_BYTES>().ok_or(Unsealable)?;
        let payload = Payload { msg: text, aad: place.as_bytes() };
        let plain = self.cipher.decrypt(&Nonce::from(*nonce), payload).map_err(|_| Unsealable)?;
        String::from_utf8(plain).map_err(|_| Unsealable)
    }

    /// The blind index of a normalised value within `domain` (such as `national_id`), as hex.
    pub fn blind_index(&self, domain: &str, value: &str) -> String {
        hex(&mac(&self.index_key, &[domain.as_bytes(), b"\0", value.as_bytes()]))
    }
}

fn mac(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    #[expect(clippy::expect_used, reason = "HMAC takes a key of any length (RFC 2104 §2)")]
    let mut mac = <Hmac<Sha256> as hmac::KeyInit>::new_from_slice(key).expect("any key length");
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

/// Derives a purpose-bound key from a secret.
pub fn derive(secret: &[u8], purpose: &[u8]) -> [u8; 32] {
    mac(secret, &[purpose])
}

/// SHA-256 as lower-case hex: for stored hashes of random tokens, which need no salt.
pub fn sha256_hex(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// A random URL-safe secret of 256 bits.
pub fn random_token() -> String {
    URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>())
}

/// Compares two secrets without telling by time where they differ.
pub fn same_secret(a: &str, b: &str) -> bool {
    subtle::ConstantTimeEq::ct_eq(a.as_bytes(), b.as_bytes()).into()
}

/// Lower-case hex.
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut out, b| {
        let _ = write!(out, "{b:02x}");
        out
    })
}

#[cfg(test)]
mod tests {
    use super::FieldKeys;

    #[test]
    fn a_sealed_field_opens_only_at_its_place_and_unchanged() {
        let keys = FieldKeys::new(&[7; 32]);
        let sealed = keys.seal("person.national_id:1", "33021119400101123X");
        assert_eq!(keys.open("person.national_id:1", &sealed).ok().as_deref(), Some("33021119400101123X"));
        assert!(keys.open("person.national_id:2", &sealed).is_err());
        assert!(FieldKeys::new(&[8; 32]).open("person.national_id:1", &sealed).is_err());
        let mut changed = sealed.clone();
        changed[20] ^= 1;
        assert!(keys.open("person.national_id:1", &changed).is_err());
        assert!(keys.open("person.national_id:1", &sealed[..5]).is_err());
        assert_ne!(sealed, keys.seal("person.national_id:1", "33021119400101123X"), "nonces are fresh");
    }

    #[test]
    fn a_blind_index_depends_on_key_domain_and_value() {
        let keys = FieldKeys::new(&[7; 32]);
        let index = keys.blind_index("national_id", "a");
        assert_eq!(index, keys.blind_index("national_id", "a"));
        assert_ne!(index, keys.blind_index("phone", "a"));
        assert_ne!(index, keys.blind_index("national_id", "b"));
        assert_ne!(index, FieldKeys::new(&[8; 32]).blind_index("national_id", "a"));
    }
}
