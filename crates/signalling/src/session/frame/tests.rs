//! Frames cut anywhere, frames that are none, and the neighbour library as a second opinion.
#![expect(clippy::unwrap_used, reason = "tests")]

use proptest::prelude::*;
use tokio_tungstenite::tungstenite::protocol::frame::Frame as TheirFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Control, Data, OpCode};

use super::*;

const MAX: usize = 70_000;

/// A client's frame as the neighbour library makes it.
fn theirs(opcode: OpCode, fin: bool, payload: &[u8], mask: [u8; 4]) -> Vec<u8> {
    let mut frame = TheirFrame::message(payload.to_vec(), OpCode::Data(Data::Text), fin);
    frame.header_mut().opcode = opcode;
    frame.header_mut().mask = Some(mask);
    let mut out = Vec::new();
    frame.format(&mut out).unwrap();
    out
}

fn whole(payload: &[u8]) -> Vec<u8> {
    theirs(OpCode::Data(Data::Text), true, payload, [1, 2, 3, 4])
}

/// The frames that are read of `bytes` when they come in pieces of these sizes, over and over.
fn read(bytes: &[u8], sizes: &[usize]) -> Result<Vec<String>, Broken> {
    let (mut decoder, mut out, mut rest) = (Decoder::new(MAX), Vec::new(), bytes);
    for size in sizes.iter().cycle() {
        let (now, later) = rest.split_at((*size).min(rest.len()));
        decoder.feed(&mut now.to_vec(), |frame| {
            out.push(match frame {
                WsFrame::Text(text) => text.to_owned(),
                other => format!("{other:?}"),
            });
        })?;
        rest = later;
        if rest.is_empty() {
            break;
        }
    }
    assert!(decoder.held.is_empty() || !bytes.is_empty());
    Ok(out)
}

proptest! {
    #[test]
    fn messages_are_read_whole_wherever_they_are_cut(
        messages in prop::collection::vec(("\\PC{0,200}", prop::array::uniform4(any::<u8>())), 1..8),
        sizes in prop::collection::vec(1_usize..300, 1..5),
    ) {
        let bytes: Vec<u8> =
            messages.iter().flat_map(|(m, mask)| theirs(OpCode::Data(Data::Text), true, m.as_bytes(), *mask)).collect();
        let expected: Vec<String> = messages.into_iter().map(|(m, _)| m).collect();
        prop_assert_eq!(read(&bytes, &sizes).unwrap(), expected);
    }

    #[test]
    fn no_bytes_make_it_panic_or_hold_more_than_a_frame(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let mut decoder = Decoder::new(MAX);
        for piece in bytes.chunks(7) {
            if decoder.feed(&mut piece.to_vec(), |_| {}).is_err() {
                break;
            }
            prop_assert!(decoder.held.capacity() <= MAX + 14);
        }
    }
}

#[test]
fn each_length_has_its_head_on_both_sides() {
    for len in [0, 1, 125, 126, 127, 65_535, 65_536] {
        let text = "x".repeat(len);
        assert_eq!(read(&whole(text.as_bytes()), &[4096]).unwrap(), std::slice::from_ref(&text), "{len}");
        let mut ours = Vec::new();
        head(&mut ours, Opcode::Text, len);
        let mut expected = Vec::new();
        TheirFrame::message(text.into_bytes(), OpCode::Data(Data::Text), true).format(&mut expected).unwrap();
        assert_eq!(ours, expected[..ours.len()], "{len}");
    }
    let mut ours = Vec::new();
    close(&mut ours, 4100, "finished");
    assert_eq!(ours, [b"\x88\x0a\x10\x04".as_slice(), b"finished"].concat());
}

#[test]
fn a_message_in_parts_is_one_and_a_ping_may_come_between() {
    let data = |kind| OpCode::Data(kind);
    let (first, second) = "会诊".as_bytes().split_at(4); // cut inside a character
    let bytes = [
        theirs(data(Data::Text), false, first, [9; 4]),
        theirs(OpCode::Control(Control::Ping), true, b"here", [7; 4]),
        theirs(data(Data::Continue), false, b"", [5; 4]),
        theirs(data(Data::Continue), true, second, [8; 4]),
        theirs(data(Data::Binary), true, &[0xff], [8; 4]),
        theirs(OpCode::Control(Control::Pong), true, b"", [8; 4]),
        theirs(OpCode::Control(Control::Close), true, b"", [8; 4]),
    ]
    .concat();
    for size in [1, 5, 1000] {
        assert_eq!(
            read(&bytes, &[size]).unwrap(),
            ["Part(4)", "Ping([104, 101, 114, 101])", "Part(0)", "会诊", "Binary", "Pong", "Close"],
            "{size}"
        );
    }
}

#[test]
fn what_is_no_frame_is_told_apart_from_what_is_too_long_or_no_text() {
    let data = |kind| OpCode::Data(kind);
    let (text, more) = (data(Data::Text), data(Data::Continue));
    let part = |fin, len: usize| theirs(if fin { more } else { text }, fin, &vec![b'x'; len], [1; 4]);
    for (what, bytes, expected) in [
        ("not masked", vec![0x81, 0x01, b'x'], Broken::NotAFrame),
        ("a reserved bit", vec![0xc1, 0x80, 0, 0, 0, 0], Broken::NotAFrame),
        ("an unknown opcode", vec![0x83, 0x80, 0, 0, 0, 0], Broken::NotAFrame),
        ("a longer length than needed", vec![0x81, 0xfe, 0, 5, 0, 0, 0, 0], Broken::NotAFrame),
        ("a long ping", theirs(OpCode::Control(Control::Ping), true, &[0; 126], [1; 4]), Broken::NotAFrame),
        ("a ping in parts", vec![0x09, 0x80, 0, 0, 0, 0], Broken::NotAFrame),
        ("a part of nothing", part(true, 1), Broken::NotAFrame),
        ("a new message within another", [part(false, 1), whole(b"x")].concat(), Broken::NotAFrame),
        ("not UTF-8", whole(&[0xc3, 0x28]), Broken::NotUtf8),
        ("half a character", whole(&[0xe4, 0xbc]), Broken::NotUtf8),
        ("one byte too long", whole(&vec![b'x'; MAX + 1]), Broken::TooLong),
        ("too long in parts", [part(false, MAX), part(true, 1)].concat(), Broken::TooLong),
        (
            "64 MiB by its head alone",
            [[0x81, 0xff].as_slice(), &(64_u64 << 20).to_be_bytes()].concat(),
            Broken::TooLong,
        ),
        ("more than there is memory", [[0x81, 0xff].as_slice(), &u64::MAX.to_be_bytes()].concat(), Broken::TooLong),
    ] {
        for size in [1, 100_000] {
            assert_eq!(read(&bytes, &[size]), Err(expected), "{what}");
        }
    }
}

#[test]
fn between_messages_nothing_is_held() {
    let mut decoder = Decoder::new(MAX);
    decoder.feed(&mut whole(&[b'x'; 5000])[..100].to_vec(), |_| {}).unwrap();
    assert!(decoder.held.capacity() >= 5000, "room for the whole frame is taken once");
    decoder.feed(&mut whole(&[b'x'; 5000])[100..].to_vec(), |_| {}).unwrap();
    assert_eq!(decoder.held.capacity(), 0);
}
