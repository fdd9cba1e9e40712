//! The bodies that the fuzzer runs, over chosen and random inputs: so that its targets compile and hold in every run of
//! the tests.

#[path = "../../fuzz/bodies/framing.rs"]
mod framing;
#[path = "../../fuzz/bodies/message.rs"]
mod message;
#[path = "../../fuzz/bodies/turn.rs"]
mod turn;

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

/// Random inputs of each target; the fuzzer itself tries millions.
const INPUTS: u64 = 600;

fn random_bytes(random: &mut StdRng, len_max: usize) -> Vec<u8> {
    let len = random.random_range(0..=len_max);
    (0..len).map(|_| random.random()).collect()
}

#[test]
fn the_turn_engine_holds_under_anything() {
    let mut seen = turn::Seen::default();
    for seed in 0..INPUTS {
        let bytes = random_bytes(&mut StdRng::seed_from_u64(seed), 3_000);
        let more = turn::run(&bytes);
        seen.answers += more.answers;
        seen.to_peers += more.to_peers;
        seen.to_clients += more.to_clients;
    }
    // Otherwise it would have shown nothing.
    assert!(seen.answers > 1000 && seen.to_peers > 20 && seen.to_clients > 20, "{seen:?}");
}

#[test]
fn frames_end_where_they_say_under_anything() {
    let mut frames = 0;
    for seed in 0..INPUTS * 10 {
        let mut random = StdRng::seed_from_u64(seed);
        let mut bytes = Vec::new();
        for _ in 0..random.random_range(0..5) {
            // Mostly what looks like a frame.
            let first = [0x00, 0x40, 0x41, 0x7f, random.random()][random.random_range(0..5_usize)];
            let len = u16::from(random.random::<u8>()) * if first == 0 { 4 } else { 1 };
            bytes.extend_from_slice(&[first, random.random()]);
            bytes.extend_from_slice(&len.to_be_bytes());
            if first == 0 {
                bytes.extend_from_slice(&[0x21, 0x12, 0xa4, 0x42]);
            }
            bytes.extend_from_slice(&random_bytes(&mut random, 300));
        }
        frames += framing::run(&bytes);
    }
    assert!(frames > 1000, "{frames}");
}

/// Messages of each kind, and beginnings of others.
const MESSAGES: &[&str] = &[
    r#"{"type":"hello","v":1,"device":"0123456789abcdef0123456789abcdef","ticket":"a.b.c"}"#,
    r#"{"type":"join","seq":1,"ack":0}"#,
    r#"{"type":"offer","seq":2,"ack":7,"to":"01980c2e-7b1a-7c3e-9d43-0a5d1f4c1b03","sdp":"v=0","from":"me"}"#,
    r#"{"type":"message","seq":3,"data":{"a":[1,null,"\u0000",1e40]},"from":"somebody else"}"#,
    r#"{"type":"chat","seq":4,"text":"吃药了吗?","id":"x"}"#,
    r#"{"type":"ping"}"#,
    r#"{"type":"nothing that is known","id":"y"}"#,
    "[]",
    "{",
    "",
];

#[test]
fn the_reader_of_messages_holds_under_anything() {
    let mut read = 0;
    for message in MESSAGES {
        read += usize::from(message::run(message));
        for seed in 0..INPUTS / 5 {
            let mut random = StdRng::seed_from_u64(seed);
            let mut bytes = message.as_bytes().to_vec();
            for _ in 0..random.random_range(1..3) {
                if !bytes.is_empty() {
                    let at = random.random_range(0..bytes.len());
                    match random.random_range(0..3) {
                        0 => bytes[at] = random.random(),
                        1 => drop(bytes.remove(at)),
                        _ => bytes.insert(at, *br#"{}[]",:\0"#.get(random.random_range(0..9_usize)).unwrap()),
                    }
                }
            }
            read += usize::from(message::run(&String::from_utf8_lossy(&bytes)));
        }
    }
    assert!(read > 20, "{read}");
}
