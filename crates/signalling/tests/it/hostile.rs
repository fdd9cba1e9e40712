//! Clients that mean harm: frames that are none, hellos that never come, floods of sockets.

use std::time::Duration;

use crate::support::{relay, relay_config as with};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio_tungstenite::tungstenite::Message;

#[tokio::test]
async fn binary_frames_and_invalid_utf8_close_for_good() {
    let relay = relay().await;
    let mut client = relay.join(1, 10, "host").await;
    client.send(Message::Binary(vec![1, 2, 3].into())).await;
    assert_eq!(client.closed().await, Some(4109));
    for before_hello in [true, false] {
        let client = if before_hello { relay.open().await } else { relay.join(1, 11, "host").await };
        // A masked text frame of two bytes that are not UTF-8, written past the library.
        let tokio_tungstenite::MaybeTlsStream::Plain(mut tcp) = client.socket.into_inner() else { panic!("plain") };
        tcp.write_all(&[0x81, 0x82, 0, 0, 0, 0, 0xc3, 0x28]).await.unwrap();
        assert_eq!(close_code(&mut tcp).await, Some(4107));
    }
}

/// The code of the close frame among the frames of a raw socket.
async fn close_code(tcp: &mut (impl AsyncRead + Unpin)) -> Option<u16> {
    let mut all = Vec::new();
    let mut buffer = [0; 4096];
    for _ in 0..50 {
        let read = tokio::time::timeout(Duration::from_secs(30), tcp.read(&mut buffer)).await.unwrap().unwrap_or(0);
        all.extend_from_slice(&buffer[..read]);
        let mut at = 0;
        while at + 2 <= all.len() {
            let (opcode, short) = (all[at] & 0x0f, usize::from(all[at + 1] & 0x7f));
            let (len, head) = match short {
                126 => (usize::from(u16::from_be_bytes([*all.get(at + 2)?, *all.get(at + 3)?])), 4),
                n => (n, 2),
            };
            if opcode == 8 {
                return Some(u16::from_be_bytes([*all.get(at + head)?, *all.get(at + head + 1)?]));
            }
            at += head + len;
        }
        if read == 0 {
            return None;
        }
    }
    None
}

#[tokio::test]
async fn a_frame_that_claims_64_mib_is_refused_by_its_header() {
    let relay = relay().await;
    let client = relay.join(1, 10, "host").await;
    let tokio_tungstenite::MaybeTlsStream::Plain(mut tcp) = client.socket.into_inner() else { panic!("plain") };
    let mut frame = vec![0x81, 0xff];
    frame.extend_from_slice(&(64_u64 << 20).to_be_bytes());
    frame.extend_from_slice(&[0, 0, 0, 0, b'x']);
    tcp.write_all(&frame).await.unwrap();
    assert_eq!(close_code(&mut tcp).await, Some(4107));
}

/// A client's frame with a mask of zeroes.
fn frame(fin: bool, opcode: u8, payload: &[u8]) -> Vec<u8> {
    let len = u16::try_from(payload.len()).unwrap();
    let mut frame = vec![(u8::from(fin) << 7) | opcode];
    match u8::try_from(len) {
        Ok(short) if short < 126 => frame.push(0x80 | short),
        _ => {
            frame.push(0x80 | 0x7e);
            frame.extend_from_slice(&len.to_be_bytes());
        }
    }
    frame.extend_from_slice(&[0; 4]);
    frame.extend_from_slice(payload);
    frame
}

#[tokio::test]
async fn what_comes_in_fragments_is_charged_as_it_comes() {
    let relay = relay().await;
    let (begin, go_on) = (frame(false, 1, b"{"), frame(false, 0, b""));
    let kib = [b' '; 1024];
    for (consult, (what, before_hello, once, again, code)) in (1..).zip([
        ("64 MiB in parts of one message", false, &begin, frame(false, 0, &kib), [4107, 4108]),
        ("empty parts without end", false, &begin, go_on.repeat(100), [4108, 4108]),
        ("the same before hello", true, &begin, go_on.repeat(100), [4108, 4108]),
    ]) {
        let client = if before_hello { relay.open().await } else { relay.join(consult, 10, "host").await };
        let tokio_tungstenite::MaybeTlsStream::Plain(tcp) = client.socket.into_inner() else { panic!("plain") };
        let (mut read, mut write) = tcp.into_split();
        let once = once.clone();
        let flood = tokio::spawn(async move {
            let _ = write.write_all(&once).await;
            for _ in 0..64 * 1024 {
                if write.write_all(&again).await.is_err() {
                    return;
                }
            }
            std::future::pending::<()>().await;
        });
        let closed = close_code(&mut read).await;
        assert!(closed.is_some_and(|c| code.contains(&c)), "{what}: {closed:?}");
        flood.abort();
    }
}

#[tokio::test]
async fn a_hello_that_trickles_in_byte_by_byte_is_not_waited_for() {
    let relay = with(|c| c.limits.hello_wait_ms_max = 300).await;
    let client = relay.open().await;
    let tokio_tungstenite::MaybeTlsStream::Plain(mut tcp) = client.socket.into_inner() else { panic!("plain") };
    // The head of a frame of 60,000 bytes, then its payload, a byte at a time.
    tcp.write_all(&[0x81, 0xfe, 0xea, 0x60, 0, 0, 0, 0]).await.unwrap();
    let (mut read, mut write) = tcp.into_split();
    let trickle = tokio::spawn(async move {
        while write.write_all(b" ").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    });
    let mut all = Vec::new();
    tokio::time::timeout(Duration::from_secs(30), read.read_to_end(&mut all)).await.unwrap().unwrap_or_default();
    let all = String::from_utf8_lossy(&all);
    assert!(all.contains("hello-timeout"), "{all}");
    trickle.abort();
}

#[tokio::test]
async fn a_thousand_sockets_that_say_nothing_keep_nobody_out_and_are_gone_in_time() {
    let relay = with(|c| {
        c.limits.hello_wait_ms_max = 2_000;
        c.limits.connections_max = 510; // those who have only connected hold no place
        c.limits.arrivals_per_address_max = 510;
    })
    .await;
    // Half of them have only connected, half have asked for the upgrade and said nothing.
    let mut silent = Vec::new();
    for n in 0..1_000 {
        let mut tcp = tokio::net::TcpStream::connect(relay.address).await.unwrap();
        if n % 2 == 0 {
            let request = "GET /v1/signal HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
                sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
                sec-websocket-protocol: sanbao.signal.v1\r\n\r\n";
            tcp.write_all(request.as_bytes()).await.unwrap();
        }
        silent.push(tcp);
    }
    let mut host = relay.join(1, 10, "host").await;
    let _doctor = relay.join(1, 20, "clinician").await;
    host.hear("peer_joined").await;
    for tcp in silent.iter_mut().step_by(2) {
        assert_eq!(close_code_after_upgrade(tcp).await, Some(4001));
    }
}

/// As [`close_code`], behind the answer to the upgrade.
async fn close_code_after_upgrade(tcp: &mut tokio::net::TcpStream) -> Option<u16> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(tokio::time::timeout(Duration::from_secs(30), tcp.read_u8()).await.unwrap().unwrap());
    }
    assert!(head.starts_with(b"HTTP/1.1 101"), "{}", String::from_utf8_lossy(&head));
    close_code(tcp).await
}
