//! WebSocket frames (RFC 6455 §5), without I/O: bytes of a client in, messages out; and frames for a client.
//!
//! A library would own socket, buffers and task together. Here a connection that says nothing holds no
//! buffer, a message is read where it lies in the bytes that came, and any task that has a message for
//! the client may write the frame.

use crate::protocol::CloseCode;

/// The longest payload of a control frame (RFC 6455 §5.5).
const CONTROL_BYTES_MAX: usize = 125;
/// The longest head of a frame to a client.
pub(super) const HEAD_BYTES_MAX: usize = 10;

/// The frame that a client sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum WsFrame<'a> {
    /// A whole message, or the last part of it with all before.
    Text(&'a str),
    /// So many bytes of a message of which more is to come.
    Part(usize),
    /// Any binary frame; its content does not matter here.
    Binary,
    /// To be answered with the same content.
    Ping(&'a [u8]),
    /// A sign of life.
    Pong,
    /// The client goes.
    Close,
}

/// Why no more can be read of a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Broken {
    /// A message longer than the bound.
    TooLong,
    /// Text that is not UTF-8.
    NotUtf8,
    /// Not a frame as RFC 6455 has it.
    NotAFrame,
}

impl Broken {
    /// How such a connection is closed.
    pub(super) fn close_code(self) -> CloseCode {
        match self {
            Self::TooLong | Self::NotUtf8 => CloseCode::Unreadable,
            Self::NotAFrame => CloseCode::ProtocolError,
        }
    }
}

/// The kinds of frames to a client.
#[derive(Clone, Copy, Debug)]
pub(super) enum Opcode {
    /// A message.
    Text = 1,
    /// The end.
    Close = 8,
    /// Are you there?
    Ping = 9,
    /// I am.
    Pong = 10,
}

/// The head of a whole frame of `len` bytes to a client, appended to `out`.
pub(super) fn head(out: &mut Vec<u8>, opcode: Opcode, len: usize) {
    out.push(0x80 | opcode as u8);
    match (u8::try_from(len), u16::try_from(len)) {
        (Ok(short), _) if short < 126 => out.push(short),
        (_, Ok(middle)) => {
            out.push(126);
            out.extend_from_slice(&middle.to_be_bytes());
        }
        _ => {
            out.push(127);
            out.extend_from_slice(&(len as u64).to_be_bytes());
        }
    }
}

/// A close frame with its code and reason.
pub(super) fn close(out: &mut Vec<u8>, code: u16, reason: &str) {
    head(out, Opcode::Close, 2 + reason.len());
    out.extend_from_slice(&code.to_be_bytes());
    out.extend_from_slice(reason.as_bytes());
}

/// Reads a client's bytes. Between whole messages it holds nothing.
#[derive(Debug)]
pub(super) struct Decoder {
    /// The beginning of a frame whose rest has not come.
    held: Vec<u8>,
    /// The earlier parts of a message in several frames.
    parts: Option<Box<Parts>>,
    message_bytes_max: usize,
}

#[derive(Debug)]
struct Parts {
    text: bool,
    bytes: Vec<u8>,
}

/// A frame's head.
struct FrameHead {
    fin: bool,
    opcode: u8,
    mask: [u8; 4],
    /// Where the payload begins.
    start: usize,
    len: usize,
}

impl Decoder {
    /// Takes messages of at most so many bytes.
    pub(super) fn new(message_bytes_max: usize) -> Self {
        Self { held: Vec::new(), parts: None, message_bytes_max }
    }

    /// Takes what came and hands over each whole message in it. `input` is unmasked in place.
    pub(super) fn feed(&mut self, input: &mut [u8], mut each: impl FnMut(WsFrame<'_>)) -> Result<(), Broken> {
        if self.held.is_empty() {
            let used = self.walk(input, &mut each)?;
            self.hold(&input[used..]);
            return Ok(());
        }
        let mut held = std::mem::take(&mut self.held);
        held.extend_from_slice(input);
        let used = self.walk(&mut held, &mut each)?;
        if used == 0 {
            self.held = held; // a long message grows in place
        } else {
            self.hold(&held[used..]);
        }
        Ok(())
    }

    fn hold(&mut self, rest: &[u8]) {
        if rest.is_empty() {
            return;
        }
        // The rest of a long frame will follow: take its room once.
        let whole = parse_head(rest, self.message_bytes_max).ok().flatten().map_or(0, |h| h.start + h.len);
        self.held = Vec::with_capacity(whole.max(rest.len()));
        self.held.extend_from_slice(rest);
    }

    /// Hands over the whole frames at the beginning of `bytes`; how many bytes those were.
    fn walk(&mut self, bytes: &mut [u8], each: &mut impl FnMut(WsFrame<'_>)) -> Result<usize, Broken> {
        let mut used = 0;
        while let Some(head) = parse_head(&bytes[used..], self.message_bytes_max)? {
            let (start, end) = (used + head.start, used + head.start + head.len);
            let Some(payload) = bytes.get_mut(start..end) else { break };
            unmask(payload, head.mask);
            self.frame(&head, payload, each)?;
            used = end;
        }
        Ok(used)
    }

    fn frame(&mut self, head: &FrameHead, payload: &[u8], each: &mut impl FnMut(WsFrame<'_>)) -> Result<(), Broken> {
        match (head.opcode, &mut self.parts) {
            (1 | 2, None) if head.fin => {
                each(if head.opcode == 1 { text(payload)? } else { WsFrame::Binary });
            }
            (1 | 2, None) => {
                self.parts = Some(Box::new(Parts { text: head.opcode == 1, bytes: payload.to_vec() }));
                each(WsFrame::Part(payload.len()));
            }
            (0, Some(parts)) => {
                if parts.bytes.len() + payload.len() > self.message_bytes_max {
                    return Err(Broken::TooLong);
                }
                parts.bytes.extend_from_slice(payload);
                if head.fin {
                    each(if parts.text { text(&parts.bytes)? } else { WsFrame::Binary });
                    self.parts = None;
                } else {
                    each(WsFrame::Part(payload.len()));
                }
            }
            (8, _) => each(WsFrame::Close),
            (9, _) => each(WsFrame::Ping(payload)),
            (10, _) => each(WsFrame::Pong),
            _ => return Err(Broken::NotAFrame),
        }
        Ok(())
    }
}

fn text(bytes: &[u8]) -> Result<WsFrame<'_>, Broken> {
    std::str::from_utf8(bytes).map(WsFrame::Text).map_err(|_| Broken::NotUtf8)
}

/// The head at the beginning of `bytes`; `None` while it is not whole.
fn parse_head(bytes: &[u8], message_bytes_max: usize) -> Result<Option<FrameHead>, Broken> {
    let [first, second, rest @ ..] = bytes else { return Ok(None) };
    let (fin, opcode) = (first & 0x80 != 0, first & 0x0f);
    let control = opcode >= 8;
    // Reserved bits belong to extensions, and none was agreed; a client masks (RFC 6455 §5.1, §5.2).
    if first & 0x70 != 0 || second & 0x80 == 0 || matches!(opcode, 3..=7 | 11..=15) {
        return Err(Broken::NotAFrame);
    }
    let (len, wide) = match second & 0x7f {
        126 => match rest {
            [a, b, ..] => (u64::from(u16::from_be_bytes([*a, *b])), 2),
            _ => return Ok(None),
        },
        127 => match rest.first_chunk::<8>() {
            Some(eight) => (u64::from_be_bytes(*eight), 8),
            None => return Ok(None),
        },
        short => (u64::from(short), 0),
    };
    let shortest = match wide {
        2 => len > 125,
        8 => len > u64::from(u16::MAX),
        _ => true,
    };
    if !shortest || (control && (!fin || len > CONTROL_BYTES_MAX as u64)) {
        return Err(Broken::NotAFrame);
    }
    // Before the payload has come: nobody makes the relay wait for, or hold, more than it takes.
    let len = usize::try_from(len).ok().filter(|len| *len <= message_bytes_max).ok_or(Broken::TooLong)?;
    let Some(mask) = rest.get(wide..).and_then(|r| r.first_chunk::<4>()) else { return Ok(None) };
    Ok(Some(FrameHead { fin, opcode, mask: *mask, start: 2 + wide + 4, len }))
}

/// RFC 6455 §5.3, eight bytes at a time.
fn unmask(payload: &mut [u8], mask: [u8; 4]) {
    let [a, b, c, d] = mask;
    let wide = u64::from_ne_bytes([a, b, c, d, a, b, c, d]);
    let mut chunks = payload.chunks_exact_mut(8);
    for chunk in &mut chunks {
        if let Some(eight) = chunk.first_chunk_mut::<8>() {
            *eight = (u64::from_ne_bytes(*eight) ^ wide).to_ne_bytes();
        }
    }
    for (byte, key) in chunks.into_remainder().iter_mut().zip([a, b, c, d, a, b, c, d]) {
        *byte ^= key;
    }
}

#[cfg(test)]
mod tests;
