//! Field encryption and blind indexes for what must not lie readable in a database file.
//!
//! A sealed field is AES-256-GCM with a random 96-bit nonce (NIST SP 800-38D) and the field's place
//! (`table.column:row`) as associated data, so a cipher text moved to another row does not open. It begins with a byte
//! for the format and four for the id of its key; what was sealed before there were ids begins with the nonce, and
//! opens under the key that the root secret gives.
//! A blind index is HMAC-SHA-256 under a key of its own: equal values have equal indexes and nothing
//! can be looked up without the key.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

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
/// The first byte of a sealed field that names its key.
const FORMAT: u8 = 1;
/// That byte, and the key's id.
const HEAD_BYTES: usize = 5;
/// How many places that did not open are remembered, so that each is logged once.
const UNREADABLE_LOGGED_MAX: usize = 1_000;

/// Which key of a network a field was sealed under; 0 is the one that the root secret gives.
pub type FieldKeyId = u32;

struct FieldKey {
    id: FieldKeyId,
    cipher: Aes256Gcm,
    index_key: [u8; 32],
}

impl FieldKey {
    fn new(id: FieldKeyId, master: &[u8; 32]) -> Self {
        let sealing = derive(master, b"sanbao field sealing v1");
        Self { id, cipher: Aes256Gcm::new(&sealing.into()), index_key: derive(master, b"sanbao blind index v1") }
    }

    fn open(&self, place: &str, sealed: &[u8]) -> Option<String> {
        String::from_utf8(self.open_bytes(place, sealed)?).ok()
    }

    fn open_bytes(&self, place: &str, sealed: &[u8]) -> Option<Vec<u8>> {
        let (nonce, text) = sealed.split_first_chunk::<NONCE_BYTES>()?;
        self.cipher.decrypt(&Nonce::from(*nonce), Payload { msg: text, aad: place.as_bytes() }).ok()
    }

    fn blind_index(&self, domain: &str, value: &str) -> String {
        hex(&mac(&self.index_key, &[domain.as_bytes(), b"\0", value.as_bytes()]))
    }
}

/// The keys of fields at rest: one that seals and indexes, and those of before, which only open. `Debug` shows nothing
/// of them.
#[derive(Clone)]
pub struct FieldKeys {
    current: Arc<FieldKey>,
    former: Arc<[FieldKey]>,
    /// Under the first key of the network, whatever came after it.
    fingerprint_key: [u8; 32],
    unreadable: Arc<Mutex<HashSet<String>>>,
}

impl std::fmt::Debug for FieldKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("FieldKeys(…)")
    }
}

impl FieldKeys {
    /// The keys of a network that has only the one that its root secret gives: 32 random bytes.
    pub fn new(root: &[u8; 32]) -> Self {
        Self::with(root, &[])
    }

    /// That key and the later ones in their order, of which the last is current.
    pub fn with(root: &[u8; 32], later: &[(FieldKeyId, [u8; 32])]) -> Self {
        let first = FieldKey::new(0, root);
        let fingerprint_key = first.index_key;
        let mut keys = vec![first];
        keys.extend(later.iter().map(|(id, master)| FieldKey::new(*id, master)));
        let current = keys.pop().unwrap_or_else(|| FieldKey::new(0, root));
        Self { current: Arc::new(current), former: keys.into(), fingerprint_key, unreadable: Arc::default() }
    }

    /// Seals `text` for its place, under the current key.
    pub fn seal(&self, place: &str, text: &str) -> Vec<u8> {
        self.seal_bytes(place, text.as_bytes())
    }

    /// Opens what [`Self::seal_bytes`] sealed for `place`.
    pub fn open_bytes(&self, place: &str, sealed: &[u8]) -> Result<Vec<u8>, Unsealable> {
        let named = self.named(sealed).and_then(|key| key.open_bytes(place, &sealed[HEAD_BYTES..]));
        named.ok_or(Unsealable)
    }

    /// Seals bytes for their place, under the current key.
    pub fn seal_bytes(&self, place: &str, bytes: &[u8]) -> Vec<u8> {
        let nonce_bytes: [u8; NONCE_BYTES] = rand::random();
        let payload = Payload { msg: bytes, aad: place.as_bytes() };
        // AES-GCM refuses only texts beyond 64 GiB; an empty vector would fail to open, loudly.
        let sealed = self.current.cipher.encrypt(&Nonce::from(nonce_bytes), payload).unwrap_or_default();
        [[FORMAT].as_slice(), &self.current.id.to_be_bytes(), &nonce_bytes, &sealed].concat()
    }

    /// Opens what was sealed for `place` under any key of the network.
    pub fn open(&self, place: &str, sealed: &[u8]) -> Result<String, Unsealable> {
        let named = self.named(sealed).and_then(|key| key.open(place, &sealed[HEAD_BYTES..]));
        // A nonce of before may begin like a head: only opening tells them apart.
        let unnamed = || self.all().filter(|key| key.id == 0).find_map(|key| key.open(place, sealed));
        named.or_else(unnamed).ok_or(Unsealable)
    }

    /// The same for one value among others: one that does not open is `None`, and the log says once which it is.
    pub fn open_or_report(&self, place: &str, sealed: &[u8]) -> Option<String> {
        let opened = self.open(place, sealed);
        if opened.is_err() {
            let mut known = self.unreadable.lock().unwrap_or_else(PoisonError::into_inner);
            if known.len() < UNREADABLE_LOGGED_MAX && known.insert(place.to_owned()) {
                tracing::error!(place, "a sealed field does not open: wrong key, or its bytes were changed");
            }
        }
        opened.ok()
    }

    /// Whether this was sealed under the current key, as far as its head says.
    pub fn is_current(&self, sealed: &[u8]) -> bool {
        self.named(sealed).is_some_and(|key| key.id == self.current.id)
    }

    fn all(&self) -> impl Iterator<Item = &FieldKey> {
        std::iter::once(&*self.current).chain(self.former.iter())
    }

    fn named(&self, sealed: &[u8]) -> Option<&FieldKey> {
        let head = sealed.first_chunk::<HEAD_BYTES>().filter(|head| head[0] == FORMAT)?;
        let id = FieldKeyId::from_be_bytes([head[1], head[2], head[3], head[4]]);
        self.all().find(|key| key.id == id)
    }

    /// The blind index of a normalised value within `domain` (such as `national_id`), as hex, under the current key.
    pub fn blind_index(&self, domain: &str, value: &str) -> String {
        self.current.blind_index(domain, value)
    }

    /// The indexes that the value had under former keys.
    pub fn former_indexes(&self, domain: &str, value: &str) -> Vec<String> {
        self.former.iter().map(|key| key.blind_index(domain, value)).collect()
    }

    /// A keyed hash that stays the same when the network takes a new key: for comparing texts that are kept nowhere, so
    /// that no hash of theirs could be made anew.
    pub fn fingerprint(&self, domain: &str, text: &str) -> String {
        hex(&mac(&self.fingerprint_key, &[domain.as_bytes(), b"\0", text.as_bytes()]))
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
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

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

    /// A value that was sealed before fields named their keys: nonce and cipher text.
    fn sealed_before_keys_had_ids(master: &[u8; 32], nonce: [u8; NONCE_BYTES], place: &str, text: &str) -> Vec<u8> {
        let key = FieldKey::new(0, master);
        let payload = Payload { msg: text.as_bytes(), aad: place.as_bytes() };
        [nonce.as_slice(), &key.cipher.encrypt(&Nonce::from(nonce), payload).unwrap()].concat()
    }

    #[test]
    fn a_field_opens_under_the_key_it_was_sealed_with() {
        let (root, second, third) = ([7; 32], (1, [8; 32]), (2, [9; 32]));
        let before = FieldKeys::new(&root);
        let after = FieldKeys::with(&root, &[second, third]);
        let opens = |keys: &FieldKeys, sealed: &[u8]| keys.open("t.c:1", sealed).ok();
        let [old, new] = [before.seal("t.c:1", "text"), after.seal("t.c:1", "text")];
        assert_eq!([opens(&after, &old), opens(&after, &new)], [Some("text".into()), Some("text".into())]);
        let between = FieldKeys::with(&root, &[second]).seal("t.c:1", "text");
        assert_eq!(opens(&after, &between).as_deref(), Some("text"));
        assert_eq!(opens(&before, &new), None, "a key that the network does not have");
        assert_eq!([&old, &between, &new].map(|sealed| after.is_current(sealed)), [false, false, true]);
        // Some nonces begin like a head: with the format alone, with a key that is there, with one that is not.
        for nonce in
            [[5; 12], [1; 12], [1, 0, 0, 0, 0, 6, 7, 8, 9, 10, 11, 12], [1, 0, 0, 0, 9, 6, 7, 8, 9, 10, 11, 12]]
        {
            let bare = sealed_before_keys_had_ids(&root, nonce, "t.c:1", "text");
            assert_eq!([opens(&before, &bare), opens(&after, &bare)], [Some("text".into()), Some("text".into())]);
            assert!(!after.is_current(&bare));
        }
        assert_eq!(
            after.former_indexes("d", "v"),
            [before.blind_index("d", "v"), FieldKeys::with(&root, &[second]).blind_index("d", "v")]
        );
        assert_ne!(after.blind_index("d", "v"), before.blind_index("d", "v"));
        assert_eq!(after.fingerprint("d", "v"), before.blind_index("d", "v"));
    }

    #[test]
    fn a_value_that_does_not_open_is_reported_once() {
        let keys = FieldKeys::new(&[7; 32]);
        assert_eq!(keys.open_or_report("t.c:1", b"broken"), None);
        assert_eq!(keys.open_or_report("t.c:1", b"broken"), None);
        assert_eq!(keys.unreadable.lock().unwrap().len(), 1);
        assert_eq!(keys.open_or_report("t.c:2", &keys.seal("t.c:2", "text")).as_deref(), Some("text"));
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
