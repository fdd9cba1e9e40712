//! Writes one message into a buffer that is used again and again.

use std::net::SocketAddr;

use super::attribute::{attr, code::Code, xor_address};
use super::integrity::{Key, fingerprint};
use super::{Class, HEADER_BYTES, MAGIC_COOKIE, Method, message_type};

/// A message being written. The buffer is cleared first and keeps its capacity.
#[derive(Debug)]
pub struct StunWriter<'b> {
    buffer: &'b mut Vec<u8>,
    transaction: [u8; 12],
}

impl<'b> StunWriter<'b> {
    /// Begins a message.
    pub fn new(buffer: &'b mut Vec<u8>, method: Method, class: Class, transaction: [u8; 12]) -> Self {
        buffer.clear();
        buffer.extend_from_slice(&message_type(method, class).to_be_bytes());
        buffer.extend_from_slice(&[0; 2]);
        buffer.extend_from_slice(&MAGIC_COOKIE.to_be_bytes());
        buffer.extend_from_slice(&transaction);
        Self { buffer, transaction }
    }

    /// One attribute, padded to whole words with zeros.
    pub fn attribute(&mut self, kind: u16, value: &[u8]) -> &mut Self {
        let len = u16::try_from(value.len()).unwrap_or(u16::MAX);
        self.buffer.extend_from_slice(&kind.to_be_bytes());
        self.buffer.extend_from_slice(&len.to_be_bytes());
        self.buffer.extend_from_slice(&value[..usize::from(len)]);
        self.buffer.resize(self.buffer.len().next_multiple_of(4), 0);
        self
    }

    /// A four-byte attribute.
    pub fn number(&mut self, kind: u16, value: u32) -> &mut Self {
        self.attribute(kind, &value.to_be_bytes())
    }

    /// An address, XOR-ed (RFC 8489 §14.2).
    pub fn address(&mut self, kind: u16, address: SocketAddr) -> &mut Self {
        let (value, len) = xor_address(address, self.transaction);
        self.attribute(kind, &value[..len])
    }

    /// ERROR-CODE (RFC 8489 §14.8).
    pub fn error(&mut self, (number, reason): Code) -> &mut Self {
        let mut value = [0; 64];
        let len = reason.len().min(60);
        (value[2], value[3]) = (u8::try_from(number / 100).unwrap_or(5), u8::try_from(number % 100).unwrap_or(0));
        value[4..4 + len].copy_from_slice(&reason.as_bytes()[..len]);
        self.attribute(attr::ERROR_CODE, &value[..4 + len])
    }

    /// Ends the message: signed if there is a key, with a fingerprint if wanted.
    pub fn finish(self, key: Option<&Key>, with_fingerprint: bool) {
        if let Some(key) = key {
            let tag = key.sign(self.buffer);
            self.buffer.extend_from_slice(&attr::MESSAGE_INTEGRITY.to_be_bytes());
            self.buffer.extend_from_slice(&[0, 20]);
            self.buffer.extend_from_slice(&tag);
        }
        let total = self.buffer.len() + if with_fingerprint { 8 } else { 0 };
        let body = u16::try_from(total - HEADER_BYTES).unwrap_or(u16::MAX);
        self.buffer[2..4].copy_from_slice(&body.to_be_bytes());
        if with_fingerprint {
            let sum = fingerprint(self.buffer, total);
            self.buffer.extend_from_slice(&attr::FINGERPRINT.to_be_bytes());
            self.buffer.extend_from_slice(&[0, 4]);
            self.buffer.extend_from_slice(&sum.to_be_bytes());
        }
    }
}
