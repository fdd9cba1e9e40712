//! Where messages end in a stream (RFC 8656 §3.1, §12.5).

use crate::turn::stun::{HEADER_BYTES, MAGIC_COOKIE};

/// The longest frame of a stream; media is below 1,500 bytes.
pub const FRAME_BYTES_MAX: usize = 16 * 1024;

/// The first frame of a stream's bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StreamFrame {
    /// A whole frame of so many bytes; padding included.
    Whole(usize),
    /// The beginning of one.
    Part,
    /// Neither STUN nor channel data, or too long: there is no way to find the next frame.
    Bad,
}

/// Where the first frame ends.
pub fn first(bytes: &[u8]) -> StreamFrame {
    let Some(head) = bytes.first_chunk::<4>() else { return StreamFrame::Part };
    let len = usize::from(u16::from_be_bytes([head[2], head[3]]));
    let whole = match head[0] >> 6 {
        0 if len % 4 != 0 => return StreamFrame::Bad,
        0 => HEADER_BYTES + len,
        1 => 4 + len.next_multiple_of(4),
        _ => return StreamFrame::Bad,
    };
    let cookie = bytes.get(4..8).filter(|_| head[0] >> 6 == 0);
    if whole > FRAME_BYTES_MAX || cookie.is_some_and(|c| c != MAGIC_COOKIE.to_be_bytes()) {
        StreamFrame::Bad
    } else if bytes.len() < whole {
        StreamFrame::Part
    } else {
        StreamFrame::Whole(whole)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_end_where_their_length_and_padding_say() {
        let mut stun = [0_u8; 28];
        stun[3] = 8;
        stun[4..8].copy_from_slice(&MAGIC_COOKIE.to_be_bytes());
        assert_eq!(first(&stun), StreamFrame::Whole(28));
        assert_eq!(first(&[&stun[..], &[1, 2, 3]].concat()), StreamFrame::Whole(28));
        for len in 0..28 {
            assert_eq!(first(&stun[..len]), StreamFrame::Part, "{len}");
        }
        for (len, whole) in [(0, 4), (1, 8), (4, 8), (5, 12)] {
            let mut channel = vec![0x40, 0, 0, len];
            channel.resize(whole, 7);
            assert_eq!(first(&channel), StreamFrame::Whole(whole));
            assert_eq!(first(&channel[..whole - 1]), StreamFrame::Part);
        }
    }

    #[test]
    fn other_protocols_and_long_frames_are_bad() {
        assert_eq!(first(b"GET / HTTP/1.1\r\n"), StreamFrame::Bad);
        assert_eq!(first(&[0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc]), StreamFrame::Bad, "a TLS ClientHello without TLS");
        assert_eq!(first(&[0x80, 0, 0, 0]), StreamFrame::Bad);
        assert_eq!(first(&[0, 1, 0, 3]), StreamFrame::Bad, "not of whole words");
        assert_eq!(first(&[0x40, 0, 0x3f, 0xfc]), StreamFrame::Part, "16 KiB");
        assert_eq!(first(&[0x40, 0, 0x3f, 0xfd]), StreamFrame::Bad, "more");
    }
}
