//! The reader of client messages under any text: it must not panic, its answer about what it cannot read is short,
//! and what it passes on is one JSON object that every parser reads and that names the true sender.

use sanbao_signalling::id::PeerId;
use sanbao_signalling::protocol::{ClientMessage, DEVICE_CHARS, ID_BYTES_MAX, REJECTED_BYTES_MAX, read};
use sanbao_signalling::room::RoomRequest;

const SENDER: &str = "01980c2e-7b1a-7c3e-9d43-0a5d1f4c1b02";

/// Reads one text; whether it was a message.
pub fn run(text: &str) -> bool {
    let sender: PeerId = SENDER.parse().unwrap();
    let frame = match read(sender, text) {
        Ok(frame) => frame,
        Err(rejected) => {
            assert!(rejected.message.len() <= REJECTED_BYTES_MAX);
            assert!(rejected.id.is_none_or(|id| id.len() <= ID_BYTES_MAX));
            return false;
        }
    };
    assert!(frame.id.is_none_or(|id| id.len() <= ID_BYTES_MAX));
    assert!(frame.seq.is_some() || !matches!(frame.message, ClientMessage::Request(_)));
    match frame.message {
        ClientMessage::Request(RoomRequest::Relay { body, .. } | RoomRequest::Message { body }) => {
            assert!(body.as_str().starts_with("{\""));
            let passed_on: serde_json::Value = serde_json::from_str(body.as_str()).unwrap();
            assert_eq!(passed_on["from"], SENDER);
        }
        ClientMessage::Hello(hello) if hello.v == 1 => {
            assert!(DEVICE_CHARS.contains(&hello.device.len()));
            assert!(hello.ticket.is_some() || hello.resume.is_some());
        }
        _ => {}
    }
    true
}
