//! The test vectors of RFC 5769, which carry their own signatures and fingerprints.
#![expect(clippy::unwrap_used, reason = "tests")]

use super::{Class, Key, Message, Method, StunWriter, attr, read_xor_address};

const PASSWORD: &str = "VOkJxbRl1RmTxUk/WvJxBt";
/// §2.1
const REQUEST: &str = "000100582112a442b7e7a701bc34d686fa87dfae802200105354554e207465737420636c69656e74002400046e0001ff\
    80290008932ff9b151263b36000600096576746a3a68367659202020000800149aeaa70cbfd8cb56781ef2b5b2d3f249c1b571a2\
    80280004e57a3bcf";
/// §2.2
const ANSWER_IPV4: &str = "0101003c2112a442b7e7a701bc34d686fa87dfae8022000b7465737420766563746f7220002000080001a147e112a643\
    000800142b91f599fd9e90c38c7489f92af9ba53f06be7d780280004c07d4c96";
/// §2.3
const ANSWER_IPV6: &str = "010100482112a442b7e7a701bc34d686fa87dfae8022000b7465737420766563746f722000200014\
    0002a1470113a9faa5d3f179bc25f4b5bed2b9d900080014a382954e4be67bf11784c97c8292c275bfe3ed4180280004c8fb0b4c";
/// §2.4
const REQUEST_LONG_TERM: &str = "000100602112a44278ad3433c6ad72c029da412e00060012e3839ee38388e383aae38383e382afe382b90000\
    0015001c662f2f3439396b39353464364f4c33346f4c394653547679363473410014000b6578616d706c652e6f726700\
    00080014f67024656dd64a3e02b8e0712e85c9a28ca89666";

fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> = hex.bytes().filter(u8::is_ascii_hexdigit).collect();
    digits.chunks(2).map(|d| u8::from_str_radix(std::str::from_utf8(d).unwrap(), 16).unwrap()).collect()
}

#[test]
fn the_request_with_a_short_term_credential() {
    let raw = bytes(REQUEST);
    let message = Message::parse(&raw).unwrap();
    assert_eq!((message.method, message.class), (Method::Binding, Class::Request));
    assert_eq!(message.text(attr::USERNAME), Some("evtj:h6vY"));
    assert_eq!(message.number(attr::PRIORITY), Some(0x6e00_01ff));
    assert!(message.fingerprint && message.is_signed_by(&Key::short_term(PASSWORD)));
    assert!(!message.is_signed_by(&Key::short_term("another")));
}

#[test]
fn the_answers_with_both_kinds_of_address() {
    for (hex, address) in
        [(ANSWER_IPV4, "192.0.2.1:32853"), (ANSWER_IPV6, "[2001:db8:1234:5678:11:2233:4455:6677]:32853")]
    {
        let raw = bytes(hex);
        let message = Message::parse(&raw).unwrap();
        assert_eq!((message.method, message.class), (Method::Binding, Class::Success));
        let value = message.get(attr::XOR_MAPPED_ADDRESS).unwrap();
        assert_eq!(read_xor_address(value, message.transaction), Some(address.parse().unwrap()));
        assert!(message.fingerprint && message.is_signed_by(&Key::short_term(PASSWORD)));
        let mut own = Vec::new();
        let mut writer = StunWriter::new(&mut own, Method::Binding, Class::Success, message.transaction);
        // Their padding is a blank.
        writer.attribute(0x8022, b"test vector");
        writer.address(attr::XOR_MAPPED_ADDRESS, address.parse().unwrap());
        writer.finish(None, false);
        own[35] = b' ';
        assert_eq!(own[4..], raw[4..own.len()], "the same bytes up to the signature");
    }
}

#[test]
fn the_request_with_a_long_term_credential() {
    let raw = bytes(REQUEST_LONG_TERM);
    let message = Message::parse(&raw).unwrap();
    let username = message.text(attr::USERNAME).unwrap();
    assert_eq!(username, "マトリックス");
    assert_eq!(message.text(attr::NONCE), Some("f//499k954d6OL34oL9FSTvy64sA"));
    let realm = message.text(attr::REALM).unwrap();
    assert!(message.is_signed_by(&Key::long_term(username, realm, "TheMatrIX")) && !message.fingerprint);
    let mut own = Vec::new();
    let mut writer = StunWriter::new(&mut own, Method::Binding, Class::Request, message.transaction);
    for kind in [attr::USERNAME, attr::NONCE, attr::REALM] {
        writer.attribute(kind, message.get(kind).unwrap());
    }
    writer.finish(Some(&Key::long_term(username, realm, "TheMatrIX")), false);
    assert_eq!(own, raw);
}

#[test]
fn one_changed_bit_is_seen() {
    let raw = bytes(REQUEST);
    for at in 20..raw.len() {
        let mut changed = raw.clone();
        changed[at] ^= 1;
        // The fingerprint's own type changed is a message without one; the signature does not cover it.
        let seen = Message::parse(&changed).map_or(true, |message| !message.fingerprint);
        assert!(seen, "byte {at}");
    }
}
