//! RFC 6455 framing without I/O: what the floor and the clients of the load generator share.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use sha1::{Digest as _, Sha1};

/// A text frame (§5.6).
pub const TEXT: u8 = 1;
/// A close frame (§5.5.1).
pub const CLOSE: u8 = 8;
/// A ping (§5.5.2).
pub const PING: u8 = 9;
/// A pong (§5.5.3).
pub const PONG: u8 = 10;
/// The longest request or response head that is read, in bytes.
pub const HEAD_BYTES_MAX: usize = 8 * 1024;

/// The key of every client frame. A browser takes a new one for each (§10.3); to a server it is the same work.
const MASK: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

/// Where a whole frame lies in a buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame {
    /// The kind of frame.
    pub opcode: u8,
    /// Whether it is the last of its message.
    pub fin: bool,
    /// The masking key, when there is one.
    pub mask: Option<[u8; 4]>,
    /// Where the payload begins.
    pub start: usize,
    /// Where it ends, and the next frame begins.
    pub end: usize,
}

/// The frame at the start of `bytes`; `None` while it is not all there.
pub fn frame(bytes: &[u8]) -> Option<Frame> {
    let (&first, &second) = (bytes.first()?, bytes.get(1)?);
    let (len, mut start) = match second & 0x7f {
        126 => (usize::from(u16::from_be_bytes(*bytes.get(2..)?.first_chunk()?)), 4),
        127 => (usize::try_from(u64::from_be_bytes(*bytes.get(2..)?.first_chunk()?)).unwrap_or(usize::MAX), 10),
        short => (usize::from(short), 2),
    };
    let mask = if second & 0x80 == 0 {
        None
    } else {
        start += 4;
        Some(*bytes.get(start - 4..)?.first_chunk()?)
    };
    let end = start.saturating_add(len);
    (bytes.len() >= end).then_some(Frame { opcode: first & 0x0f, fin: first & 0x80 != 0, mask, start, end })
}

/// Writes a frame's head; `key` masks.
fn put_head(out: &mut Vec<u8>, opcode: u8, len: usize, key: Option<[u8; 4]>) {
    let masked = if key.is_some() { 0x80 } else { 0 };
    out.push(0x80 | opcode);
    match (u8::try_from(len), u16::try_from(len)) {
        (Ok(short @ ..126), _) => out.push(masked | short),
        (_, Ok(medium)) => {
            out.push(masked | 0x7e);
            out.extend_from_slice(&medium.to_be_bytes());
        }
        _ => {
            out.push(masked | 127);
            out.extend_from_slice(&(len as u64).to_be_bytes());
        }
    }
    out.extend_from_slice(key.as_ref().map_or(&[][..], |k| k));
}

/// Writes a server's frame, which is not masked.
pub fn put_server(out: &mut Vec<u8>, opcode: u8, payload: &[u8]) {
    put_head(out, opcode, payload.len(), None);
    out.extend_from_slice(payload);
}

/// Writes a client's frame, which is masked.
pub fn put_client(out: &mut Vec<u8>, opcode: u8, payload: &[u8]) {
    put_head(out, opcode, payload.len(), Some(MASK));
    let from = out.len();
    out.extend_from_slice(payload);
    toggle(&mut out[from..], MASK);
}

/// Masks or unmasks (§5.3), eight bytes at a time.
pub fn toggle(bytes: &mut [u8], key: [u8; 4]) {
    let [a, b, c, d] = key;
    let wide = u64::from_ne_bytes([a, b, c, d, a, b, c, d]);
    let (chunks, rest) = bytes.as_chunks_mut::<8>();
    for chunk in chunks {
        *chunk = (u64::from_ne_bytes(*chunk) ^ wide).to_ne_bytes();
    }
    for (byte, key) in rest.iter_mut().zip(key.into_iter().cycle()) {
        *byte ^= key;
    }
}

/// Where a request's or response's head ends; `None` while it is not all there.
pub fn head_end(bytes: &[u8]) -> Option<usize> {
    bytes.windows(4).position(|w| w == b"\r\n\r\n").map(|at| at + 4)
}

/// The value of a header, by its lower-case name.
pub fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let lines = head.lines().filter_map(|line| line.split_once(':'));
    lines.into_iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
}

/// The `Sec-WebSocket-Accept` that goes with a `Sec-WebSocket-Key` (§4.2.2).
pub fn accept(key: &str) -> String {
    let digest = Sha1::new().chain_update(key).chain_update("258EAFA5-E914-47DA-95CA-C5AB0DC85B11").finalize();
    BASE64_STANDARD.encode(digest)
}

/// A client's opening request (§4.1).
pub fn request(host: &str, path: &str, subprotocol: Option<&str>) -> String {
    let protocol = subprotocol.map(|p| format!("Sec-WebSocket-Protocol: {p}\r\n")).unwrap_or_default();
    format!(
        "GET {path} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n{protocol}\r\n"
    )
}
