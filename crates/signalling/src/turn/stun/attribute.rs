//! Attribute types, error codes, and the XOR-ed form of an address.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::MAGIC_COOKIE;

/// Attribute types (RFC 8489 §18.3, RFC 8656 §18).
pub mod attr {
    /// RFC 8489 §14.3.
    pub const USERNAME: u16 = 0x0006;
    /// RFC 8489 §14.5.
    pub const MESSAGE_INTEGRITY: u16 = 0x0008;
    /// RFC 8489 §14.8.
    pub const ERROR_CODE: u16 = 0x0009;
    /// RFC 8489 §14.13.
    pub const UNKNOWN_ATTRIBUTES: u16 = 0x000a;
    /// RFC 8656 §18.1.
    pub const CHANNEL_NUMBER: u16 = 0x000c;
    /// RFC 8656 §18.2, seconds.
    pub const LIFETIME: u16 = 0x000d;
    /// RFC 8656 §18.3.
    pub const XOR_PEER_ADDRESS: u16 = 0x0012;
    /// RFC 8656 §18.4.
    pub const DATA: u16 = 0x0013;
    /// RFC 8489 §14.9.
    pub const REALM: u16 = 0x0014;
    /// RFC 8489 §14.10.
    pub const NONCE: u16 = 0x0015;
    /// RFC 8656 §18.5.
    pub const XOR_RELAYED_ADDRESS: u16 = 0x0016;
    /// RFC 8656 §18.6.
    pub const REQUESTED_ADDRESS_FAMILY: u16 = 0x0017;
    /// RFC 8656 §18.7.
    pub const EVEN_PORT: u16 = 0x0018;
    /// RFC 8656 §18.8.
    pub const REQUESTED_TRANSPORT: u16 = 0x0019;
    /// RFC 8656 §18.9.
    pub const DONT_FRAGMENT: u16 = 0x001a;
    /// RFC 8489 §14.6.
    pub const MESSAGE_INTEGRITY_SHA256: u16 = 0x001c;
    /// RFC 8489 §14.2.
    pub const XOR_MAPPED_ADDRESS: u16 = 0x0020;
    /// RFC 8656 §18.10.
    pub const RESERVATION_TOKEN: u16 = 0x0022;
    /// RFC 8445 §16.1.
    pub const PRIORITY: u16 = 0x0024;
    /// RFC 8656 §18.11.
    pub const ADDITIONAL_ADDRESS_FAMILY: u16 = 0x8000;
    /// RFC 8656 §18.12.
    pub const ADDRESS_ERROR_CODE: u16 = 0x8001;
    /// RFC 8489 §14.7.
    pub const FINGERPRINT: u16 = 0x8028;
}

/// Error codes with their reason phrases (RFC 8489 §14.8, RFC 8656 §19).
pub mod code {
    /// A code and its English reason.
    pub type Code = (u16, &'static str);
    /// RFC 8489 §14.8.
    pub const BAD_REQUEST: Code = (400, "Bad Request");
    /// Without its phrase: this answer may go to a forged address and stays small.
    pub const UNAUTHENTICATED: Code = (401, "");
    /// RFC 8656 §19.
    pub const FORBIDDEN: Code = (403, "Forbidden");
    /// RFC 8489 §14.8.
    pub const UNKNOWN_ATTRIBUTE: Code = (420, "Unknown Attribute");
    /// RFC 8656 §19.
    pub const ALLOCATION_MISMATCH: Code = (437, "Allocation Mismatch");
    /// Without its phrase, as 401.
    pub const STALE_NONCE: Code = (438, "");
    /// RFC 8656 §19.
    pub const ADDRESS_FAMILY_NOT_SUPPORTED: Code = (440, "Address Family not Supported");
    /// RFC 8656 §19.
    pub const WRONG_CREDENTIALS: Code = (441, "Wrong Credentials");
    /// RFC 8656 §19.
    pub const UNSUPPORTED_TRANSPORT: Code = (442, "Unsupported Transport Protocol");
    /// RFC 8656 §19.
    pub const PEER_FAMILY_MISMATCH: Code = (443, "Peer Address Family Mismatch");
    /// RFC 8656 §19.
    pub const ALLOCATION_QUOTA_REACHED: Code = (486, "Allocation Quota Reached");
    /// RFC 8656 §19.
    pub const INSUFFICIENT_CAPACITY: Code = (508, "Insufficient Capacity");
}

/// The bytes that an address is XOR-ed with: the cookie, then the transaction (RFC 8489 §14.2).
fn mask(transaction: [u8; 12]) -> [u8; 16] {
    let mut mask = [0; 16];
    mask[..4].copy_from_slice(&MAGIC_COOKIE.to_be_bytes());
    mask[4..].copy_from_slice(&transaction);
    mask
}

/// The value of an XOR-…-ADDRESS attribute; `None` unless it is IPv4 or IPv6 of the right length.
pub fn read_xor_address(value: &[u8], transaction: [u8; 12]) -> Option<SocketAddr> {
    let mask = mask(transaction);
    let (head, address) = value.split_first_chunk::<4>()?;
    let port = u16::from_be_bytes([head[2] ^ mask[0], head[3] ^ mask[1]]);
    let ip: IpAddr = match (head[1], address.len()) {
        (1, 4) => Ipv4Addr::from_bits(u32::from_be_bytes(address.try_into().ok()?) ^ MAGIC_COOKIE).into(),
        (2, 16) => {
            let bits = u128::from_be_bytes(address.try_into().ok()?) ^ u128::from_be_bytes(mask);
            Ipv6Addr::from_bits(bits).into()
        }
        _ => return None,
    };
    Some(SocketAddr::new(ip, port))
}

/// The value of an XOR-…-ADDRESS attribute, and how many of its bytes are used.
pub(in crate::turn) fn xor_address(address: SocketAddr, transaction: [u8; 12]) -> ([u8; 20], usize) {
    let mask = mask(transaction);
    let mut value = [0; 20];
    let port = address.port().to_be_bytes();
    (value[2], value[3]) = (port[0] ^ mask[0], port[1] ^ mask[1]);
    match address.ip() {
        IpAddr::V4(v4) => {
            value[1] = 1;
            value[4..8].copy_from_slice(&(v4.to_bits() ^ MAGIC_COOKIE).to_be_bytes());
            (value, 8)
        }
        IpAddr::V6(v6) => {
            value[1] = 2;
            value[4..].copy_from_slice(&(v6.to_bits() ^ u128::from_be_bytes(mask)).to_be_bytes());
            (value, 20)
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn addresses_survive_and_other_shapes_do_not() {
        for address in ["192.0.2.1:32853", "[2001:db8::7]:1", "0.0.0.0:0", "[::ffff:10.0.0.1]:65535"] {
            let address: SocketAddr = address.parse().unwrap();
            let (value, len) = xor_address(address, [9; 12]);
            assert_eq!(read_xor_address(&value[..len], [9; 12]), Some(address));
            assert_eq!(read_xor_address(&value[..len - 1], [9; 12]), None);
        }
        assert_eq!(read_xor_address(&[0, 3, 0, 0, 1, 2, 3, 4], [0; 12]), None, "no such family");
    }
}
