//! TCP and TLS connections that do not behave.

use std::io::Read as _;
use std::net::TcpStream;
use std::time::Duration;

use super::client::{Client, SILENCE, config, start, start_with};
use crate::support::browser::tls::certificate;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

/// Whether the other side has closed.
fn closed(stream: &mut TcpStream) -> bool {
    stream.set_nonblocking(true).unwrap();
    match stream.read(&mut [0; 16]) {
        Ok(0) => true,
        Ok(_) => false,
        Err(e) => e.kind() != std::io::ErrorKind::WouldBlock,
    }
}

#[tokio::test]
async fn a_thousand_half_open_sockets_keep_nobody_out() {
    let folder = tempfile::tempdir().unwrap();
    let mut settings = config(&[]);
    settings.tls = Some(certificate(folder.path()));
    let kept = settings.limits.waiting_connections_per_source_max;
    let server = start_with(settings);
    let mut client = Client::tcp(&server, "early").await;
    client.relayed().await;
    let mut half_open: Vec<TcpStream> = Vec::new();
    for n in 0..1000 {
        let to = if n % 2 == 0 { server.address } else { server.tls.unwrap() };
        half_open.push(TcpStream::connect(to).unwrap());
    }
    assert_eq!(Client::tcp(&server, "late").await.allocate().await.code, 200, "a newcomer is served");
    assert_eq!(client.refresh(600).await, 200, "a client that has an allocation stays");
    let open = |half_open: &mut Vec<TcpStream>| half_open.iter_mut().filter_map(|s| (!closed(s)).then_some(())).count();
    let mut left = open(&mut half_open);
    for _ in 0..50 {
        if left <= kept {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
        left = open(&mut half_open);
    }
    assert!(left <= kept, "{left} connections of one source wait");
}

#[tokio::test]
async fn a_connection_that_never_allocates_is_closed_in_time() {
    let mut settings = config(&[]);
    settings.limits.waiting_connection_ms_max = 500;
    let server = start_with(settings);
    let mut silent = tokio::net::TcpStream::connect(server.address).await.unwrap();
    let mut chatty = Client::tcp(&server, "a").await;
    chatty.relayed().await;
    let end = tokio::time::timeout(Duration::from_secs(30), silent.read(&mut [0; 16])).await.unwrap();
    assert!(matches!(end, Ok(0) | Err(_)), "closed");
    assert_eq!(chatty.refresh(600).await, 200, "one with an allocation is not");
    assert_eq!(chatty.refresh(0).await, 200);
    assert_eq!(chatty.receive_within(Duration::from_secs(30)).await, None, "without it, it is closed too");
}

#[tokio::test]
async fn who_has_an_allocation_takes_no_place_of_those_who_wait() {
    let mut settings = config(&[]);
    settings.limits.waiting_connections_per_source_max = 2;
    let server = start_with(settings);
    let (mut a, mut b) = (Client::tcp(&server, "a").await, Client::tcp(&server, "b").await);
    a.relayed().await;
    b.relayed().await;
    let (mut third, mut fourth) = (Client::tcp(&server, "c").await, Client::tcp(&server, "d").await);
    assert!(fourth.binding().await.ip().is_loopback());
    assert!(third.binding().await.ip().is_loopback(), "two may wait");
}

#[tokio::test]
async fn connections_have_a_bound() {
    let mut settings = config(&[]);
    settings.limits.connections_max = 2;
    let server = start_with(settings);
    let (mut a, mut b) = (Client::tcp(&server, "a").await, Client::tcp(&server, "b").await);
    a.relayed().await;
    b.relayed().await;
    let mut third = tokio::net::TcpStream::connect(server.address).await.unwrap();
    let end = tokio::time::timeout(Duration::from_secs(30), third.read(&mut [0; 16])).await.unwrap();
    assert!(matches!(end, Ok(0) | Err(_)), "closed");
    assert_eq!(a.refresh(600).await, 200);
}

#[tokio::test]
async fn a_stream_that_makes_no_sense_is_closed_and_its_allocation_ends() {
    let server = start(&[]);
    for nonsense in [&b"GET / HTTP/1.1\r\n\r\n"[..], &[0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3], &[0xff; 8]] {
        let mut client = Client::tcp(&server, "a").await;
        client.relayed().await;
        client.send_raw(nonsense).await;
        assert_eq!(client.receive_within(Duration::from_secs(30)).await, None);
    }
    let mut plain = tokio::net::TcpStream::connect(server.address).await.unwrap();
    plain.write_all(&[0x40, 0, 0xff, 0xff]).await.unwrap();
    let end = tokio::time::timeout(Duration::from_secs(30), plain.read(&mut [0; 16])).await.unwrap();
    assert!(matches!(end, Ok(0) | Err(_)), "a frame too long to be taken");
}

#[tokio::test]
async fn frames_may_come_byte_by_byte_or_all_at_once() {
    let server = start(&[]);
    let (mut a, mut b) = (Client::tcp(&server, "a").await, Client::udp(&server, "b").await);
    let (at_a, at_b) = (a.relayed().await, b.relayed().await);
    assert_eq!((a.bind(0x4000, at_b).await, b.permit(at_a).await), (200, 200));
    for byte in [0x40, 0, 0, 5, b'h', b'e', b'l', b'l', b'o', 0, 0, 0] {
        a.send_raw(&[byte]).await;
        tokio::task::yield_now().await;
    }
    assert_eq!(b.data().await, (at_a, b"hello".to_vec()));
    let many: Vec<u8> = (0..50).flat_map(|n| [0x40, 0, 0, 1, n, 0, 0, 0]).collect();
    a.send_raw(&many).await;
    for n in 0..50 {
        assert_eq!(b.data().await, (at_a, vec![n]));
    }
}

#[tokio::test]
async fn a_client_that_reads_slowly_loses_media_and_nobody_else_does() {
    let mut settings = config(&[]);
    settings.limits.connection_send_bytes_max = 64 * 1024;
    let server = start_with(settings);
    let (mut fast, mut slow) = (Client::udp(&server, "fast").await, Client::tcp(&server, "slow").await);
    let mut other = Client::tcp(&server, "other").await;
    let (at_fast, at_slow, at_other) = (fast.relayed().await, slow.relayed().await, other.relayed().await);
    assert_eq!((fast.bind(0x4000, at_slow).await, slow.bind(0x4000, at_fast).await), (200, 200));
    assert_eq!((fast.bind(0x4001, at_other).await, other.bind(0x4000, at_fast).await), (200, 200));
    // Far more than the system's own buffers of a connection hold.
    let mut sent = 0_u32;
    while sent < 40_000 {
        for _ in 0..20 {
            let mut payload = [7; 1000];
            payload[..4].copy_from_slice(&sent.to_be_bytes());
            fast.channel(0x4000, &payload).await;
            sent += 1;
        }
        fast.channel(0x4001, b"beside").await;
        let beside = other.receive_within(Duration::from_secs(30)).await.expect("others are served at once");
        assert_eq!(beside[4..10], *b"beside");
    }
    let (mut received, mut last) = (0, None);
    while let Some(frame) = slow.receive_within(SILENCE).await {
        assert_eq!(frame[..4], [0x40, 0, 0x03, 0xe8], "frames are whole");
        let number = u32::from_be_bytes([frame[4], frame[5], frame[6], frame[7]]);
        assert!(last.is_none_or(|last| number > last), "in order");
        (received, last) = (received + 1, Some(number));
    }
    assert!(received > 60 && received < sent, "{received} of {sent}: some were dropped");
    assert_eq!(slow.refresh(600).await, 200, "it reads again and is served");
}
