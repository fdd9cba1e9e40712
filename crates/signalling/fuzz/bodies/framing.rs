//! The frames of a stream under any bytes: what is a frame is one alone too, its beginnings are beginnings, and what
//! makes no sense makes none with more behind it.

use sanbao_signalling::turn::framing::{FRAME_BYTES_MAX, StreamFrame, first};

/// Reads all frames; how many there were.
pub fn run(mut bytes: &[u8]) -> usize {
    let mut frames = 0;
    loop {
        match first(bytes) {
            StreamFrame::Whole(len) => {
                assert!((4..=FRAME_BYTES_MAX.min(bytes.len())).contains(&len));
                assert_eq!(first(&bytes[..len]), StreamFrame::Whole(len));
                for part in [0, 3, len / 2, len - 1] {
                    assert_eq!(first(&bytes[..part]), StreamFrame::Part);
                }
                (frames, bytes) = (frames + 1, &bytes[len..]);
            }
            StreamFrame::Part => {
                assert!(bytes.len() < FRAME_BYTES_MAX, "more would be kept than a frame is long");
                return frames;
            }
            StreamFrame::Bad => {
                assert_eq!(first(&[bytes, &[0; 8]].concat()), StreamFrame::Bad);
                return frames;
            }
        }
    }
}
