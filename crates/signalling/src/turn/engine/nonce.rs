//! Nonces that are kept nowhere: their time, and an HMAC over it and the client's address.

use std::net::IpAddr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use subtle::ConstantTimeEq as _;

use super::Client;

/// Characters of a nonce: short, since it goes to any address that a request claims to come from.
pub(super) const NONCE_CHARS: usize = 16;

/// Makes and checks nonces. Only a client that receives at an address can show that address' nonce.
#[derive(Clone)]
pub(super) struct Nonces {
    mac: Hmac<Sha256>,
    lifetime_s: u32,
}

impl std::fmt::Debug for Nonces {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Nonces(***)")
    }
}

impl Nonces {
    pub(super) fn new(secret: [u8; 32], lifetime_s: u32) -> Self {
        // HMAC takes keys of any length (RFC 2104 §2).
        let mac = Hmac::new_from_slice(&secret).unwrap_or_else(|_| Hmac::new(&[0; 64].into()));
        Self { mac, lifetime_s }
    }

    fn tag(&self, made_s: u32, client: Client) -> [u8; 8] {
        let mut mac = self.mac.clone();
        mac.update(&made_s.to_be_bytes());
        let remote = client.remote();
        match remote.ip() {
            IpAddr::V4(v4) => mac.update(&v4.octets()),
            IpAddr::V6(v6) => mac.update(&v6.octets()),
        }
        mac.update(&remote.port().to_be_bytes());
        mac.update(&[u8::from(client.is_stream())]);
        let full: [u8; 32] = mac.finalize().into_bytes().into();
        let mut tag = [0; 8];
        tag.copy_from_slice(&full[..8]);
        tag
    }

    pub(super) fn make(&self, now_ms: u64, client: Client) -> [u8; NONCE_CHARS] {
        let made_s = u32::try_from(now_ms / 1000).unwrap_or(u32::MAX);
        let mut raw = [0; 12];
        raw[..4].copy_from_slice(&made_s.to_be_bytes());
        raw[4..].copy_from_slice(&self.tag(made_s, client));
        let mut text = [0; NONCE_CHARS];
        // Twelve bytes are sixteen characters.
        let _ = URL_SAFE_NO_PAD.encode_slice(raw, &mut text);
        text
    }

    pub(super) fn is_good(&self, now_ms: u64, client: Client, nonce: &[u8]) -> bool {
        let mut raw = [0; 12];
        if nonce.len() != NONCE_CHARS || URL_SAFE_NO_PAD.decode_slice(nonce, &mut raw).is_err() {
            return false;
        }
        let made_s = u32::from_be_bytes([raw[0], raw[1], raw[2], raw[3]]);
        let age_s = (now_ms / 1000).checked_sub(u64::from(made_s));
        age_s.is_some_and(|age| age < u64::from(self.lifetime_s)) && self.tag(made_s, client).ct_eq(&raw[4..]).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nonce_is_good_for_its_client_and_its_time() {
        let nonces = Nonces::new([7; 32], 600);
        let client = |port| Client::Udp { remote: ([192, 0, 2, 1], port).into(), local: None };
        let nonce = nonces.make(5_000, client(1));
        assert!(nonces.is_good(5_000, client(1), &nonce) && nonces.is_good(604_999, client(1), &nonce));
        assert!(!nonces.is_good(605_000, client(1), &nonce), "too old");
        assert!(!nonces.is_good(4_999, client(1), &nonce), "of the future");
        assert!(!nonces.is_good(5_000, client(2), &nonce), "another's");
        let stream = Client::Stream { remote: ([192, 0, 2, 1], 1).into(), id: 0 };
        assert!(!nonces.is_good(5_000, stream, &nonce), "another transport's");
        assert!(!Nonces::new([8; 32], 600).is_good(5_000, client(1), &nonce), "another server's");
        for at in 0..NONCE_CHARS {
            let mut changed = nonce;
            changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
            assert!(!nonces.is_good(5_000, client(1), &changed), "character {at}");
        }
        for odd in [&b""[..], b"AAAA", b"AAAAAAAAAAAAAAA!", &[b'A'; 64]] {
            assert!(!nonces.is_good(5_000, client(1), odd));
        }
    }
}
