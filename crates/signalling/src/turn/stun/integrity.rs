//! MESSAGE-INTEGRITY (RFC 8489 §14.5) and FINGERPRINT (§14.7).

use hmac::{Hmac, KeyInit as _, Mac as _};
use md5::{Digest as _, Md5};
use sha1::Sha1;
use subtle::ConstantTimeEq as _;

use super::HEADER_BYTES;

/// A key that signs messages: HMAC-SHA1 with its key already taken in.
#[derive(Clone)]
pub struct Key(Hmac<Sha1>);

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Key(***)")
    }
}

impl Key {
    fn new(key: &[u8]) -> Self {
        // HMAC takes keys of any length (RFC 2104 §2); a key of one block is its own form.
        let hmac = Hmac::new_from_slice(key).unwrap_or_else(|_| Hmac::new(&[0; 64].into()));
        Self(hmac)
    }

    /// The long-term credential's key (RFC 8489 §9.2.2): MD5 of user, realm and password.
    pub fn long_term(username: &str, realm: &str, password: &str) -> Self {
        Self::new(&Md5::digest(format!("{username}:{realm}:{password}")))
    }

    /// The short-term credential's key (RFC 8489 §9.1.1): the password.
    pub fn short_term(password: &str) -> Self {
        Self::new(password.as_bytes())
    }

    /// The signature of a message that is to end with it.
    pub(super) fn sign(&self, before: &[u8]) -> [u8; 20] {
        let mut mac = self.0.clone();
        // The header's length counts up to and with the signature, whatever follows it.
        let body = u16::try_from(before.len() + 24 - HEADER_BYTES).unwrap_or(u16::MAX);
        mac.update(&before[..2]);
        mac.update(&body.to_be_bytes());
        mac.update(&before[4..]);
        mac.finalize().into_bytes().into()
    }

    /// Whether `tag` is the signature of what stands `before` it.
    pub(super) fn verifies(&self, before: &[u8], tag: &[u8; 20]) -> bool {
        self.sign(before).ct_eq(tag).into()
    }
}

/// The FINGERPRINT of what stands `before` it, in a message of `total` bytes.
pub fn fingerprint(before: &[u8], total: usize) -> u32 {
    let body = u16::try_from(total - HEADER_BYTES).unwrap_or(u16::MAX);
    let mut crc = crc32(!0, &before[..2]);
    crc = crc32(crc, &body.to_be_bytes());
    !crc32(crc, &before[4..]) ^ 0x5354_554e
}

/// CRC-32 of ITU-T V.42, one table of 16 entries: only the few messages with a fingerprint pay for it.
fn crc32(mut crc: u32, bytes: &[u8]) -> u32 {
    const TABLE: [u32; 16] = {
        let (mut table, mut n) = ([0_u32; 16], 0_u32);
        while n < 16 {
            let (mut c, mut bit) = (n, 0);
            while bit < 4 {
                c = if c & 1 == 1 { c >> 1 ^ 0xedb8_8320 } else { c >> 1 };
                bit += 1;
            }
            table[n as usize] = c;
            n += 1;
        }
        table
    };
    for byte in bytes {
        crc ^= u32::from(*byte);
        crc = crc >> 4 ^ TABLE[(crc & 15) as usize];
        crc = crc >> 4 ^ TABLE[(crc & 15) as usize];
    }
    crc
}

#[cfg(test)]
mod tests {
    use super::crc32;

    #[test]
    fn the_checksum_is_that_of_its_check_value() {
        assert_eq!(!crc32(!0, b"123456789"), 0xcbf4_3926);
    }
}
