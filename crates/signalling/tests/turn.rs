//! The embedded TURN server over real sockets, with the `turn` crate's own client.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use sanbao_platform::clock::Clock;
use sanbao_platform::config::Secret;
use sanbao_signalling::turn::{Credentials, TurnConfig, TurnServer};
use tokio::net::UdpSocket;
use tokio_util::sync::CancellationToken;
use turn::client::{Client, ClientConfig};
use webrtc_util::Conn;

const REALM: &str = "sanbao.test";

struct Running {
    address: SocketAddr,
    credentials: Credentials,
    now: DateTime<Utc>,
    stop: tokio_util::sync::DropGuard,
}

/// A server for each test, on a port range of its own.
async fn start(allow: &[&str], allocations_per_user_max: usize) -> Running {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let slot = NEXT.fetch_add(1, Ordering::Relaxed) + u16::try_from(std::process::id() % 50).unwrap() * 10;
    let first = 40_000 + slot * 20;
    let now = DateTime::UNIX_EPOCH + TimeDelta::days(20_000);
    let clock = Clock::manual(now);
    let credentials = Credentials::new(Secret("s3cret".to_owned()), TimeDelta::hours(1));
    let config = TurnConfig {
        listen: "127.0.0.1:0".parse().unwrap(),
        public_ip: "127.0.0.1".parse().unwrap(),
        realm: REALM.to_owned(),
        relay_ports: (first, first + 19),
        allow_peers: allow.iter().map(|n| n.parse().unwrap()).collect(),
        allocations_per_user_max,
    };
    let server = TurnServer::bind(config, credentials.clone(), clock).await.unwrap();
    let address = server.local_addr();
    let stop = CancellationToken::new();
    tokio::spawn(server.run(stop.clone()));
    Running { address, credentials, now, stop: stop.drop_guard() }
}

async fn client(server: &Running, username: String, password: String) -> Client {
    let conn = Arc::new(UdpSocket::bind("127.0.0.1:0").await.unwrap());
    let client = Client::new(ClientConfig {
        stun_serv_addr: server.address.to_string(),
        turn_serv_addr: server.address.to_string(),
        username,
        password,
        realm: REALM.to_owned(),
        software: String::new(),
        rto_in_ms: 50,
        conn,
        vnet: None,
    })
    .await
    .unwrap();
    client.listen().await.unwrap();
    client
}

async fn user(server: &Running, name: &str) -> Client {
    let (username, password) = server.credentials.issue(name, server.now);
    client(server, username, password).await
}

async fn echo_peer() -> SocketAddr {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let address = socket.local_addr().unwrap();
    tokio::spawn(async move {
        let mut buffer = [0; 2000];
        while let Ok((len, from)) = socket.recv_from(&mut buffer).await {
            let _ = socket.send_to(&buffer[..len], from).await;
        }
    });
    address
}

/// Sends until something comes back: UDP, and the first datagrams go before the channel is bound.
async fn round_trip(conn: &impl Conn, to: SocketAddr) -> Option<Vec<u8>> {
    let mut buffer = [0; 2000];
    for n in 0..10_u8 {
        conn.send_to(&[n; 100], to).await.ok()?;
        let wait = tokio::time::timeout(Duration::from_millis(200), conn.recv_from(&mut buffer)).await;
        if let Ok(Ok((len, from))) = wait {
            assert_eq!(from, to);
            return Some(buffer[..len].to_vec());
        }
    }
    None
}

#[tokio::test]
async fn stun_tells_a_client_its_address() {
    let server = start(&[], 8).await;
    let client = user(&server, "a").await;
    let seen = client.send_binding_request().await.unwrap();
    assert!(seen.ip().is_loopback() && seen.port() != 0);
}

#[tokio::test]
async fn an_allowed_peer_is_relayed_both_ways() {
    let server = start(&["127.0.0.0/8"], 8).await;
    let client = user(&server, "a").await;
    let relay = client.allocate().await.unwrap();
    let peer = echo_peer().await;
    assert_eq!(round_trip(&relay, peer).await.unwrap().len(), 100);
}

#[tokio::test]
async fn two_relayed_clients_reach_each_other_without_any_allowance() {
    let server = start(&[], 8).await;
    let (a, b) = (user(&server, "a").await, user(&server, "b").await);
    let (a, b) = (a.allocate().await.unwrap(), b.allocate().await.unwrap());
    let (a_address, b_address) = (a.local_addr().unwrap(), b.local_addr().unwrap());
    // Each opens the way for the other.
    b.send_to(b"open", a_address).await.unwrap();
    let echo = tokio::spawn(async move {
        let mut buffer = [0; 2000];
        while let Ok((len, from)) = b.recv_from(&mut buffer).await {
            b.send_to(&buffer[..len], from).await.unwrap();
        }
    });
    assert!(round_trip(&a, b_address).await.is_some());
    echo.abort();
}

#[tokio::test]
async fn a_refused_peer_gets_403_for_each_class_of_address() {
    let server = start(&[], 8).await;
    let client = user(&server, "a").await;
    let relay = client.allocate().await.unwrap();
    for peer in [
        "10.0.0.1:80",
        "172.16.5.5:80",
        "192.168.1.1:80",
        "169.254.169.254:80",
        "100.100.100.200:80",
        "127.0.0.2:80",
        "0.0.0.0:80",
        "224.0.0.1:80",
        "255.255.255.255:80",
        "[::1]:80",
        "[fe80::1]:80",
        "[fd00:ec2::254]:80",
        "[::ffff:127.0.0.2]:80",
        "[::ffff:169.254.169.254]:80",
        "[ff02::1]:80",
        "[::]:80",
    ] {
        let refused = relay.send_to(b"x", peer.parse().unwrap()).await.unwrap_err().to_string();
        assert!(refused.contains("403"), "{peer}: {refused}");
    }
}

#[tokio::test]
async fn its_own_machine_is_out_of_reach_even_by_the_permission_of_a_relayed_port() {
    let server = start(&[], 8).await;
    let client = user(&server, "a").await;
    let relay = client.allocate().await.unwrap();
    // 127.0.0.1 is this server's public address, so permissions for it are given: the port decides.
    let peer = echo_peer().await;
    assert!(round_trip(&relay, peer).await.is_none(), "a service on the server's own address was reached");
    assert!(round_trip(&relay, server.address).await.is_none(), "the server relayed to itself");
}

#[tokio::test]
async fn only_the_allowed_network_is_opened() {
    let server = start(&["10.1.0.0/16"], 8).await;
    let client = user(&server, "a").await;
    let relay = client.allocate().await.unwrap();
    assert!(relay.send_to(b"x", "10.2.0.1:9".parse().unwrap()).await.unwrap_err().to_string().contains("403"));
    assert!(relay.send_to(b"x", "10.1.0.1:9".parse().unwrap()).await.is_ok());
}

#[tokio::test]
async fn expired_foreign_and_malformed_credentials_allocate_nothing() {
    let server = start(&["127.0.0.0/8"], 8).await;
    let (expired, expired_password) = server.credentials.issue("a", server.now - TimeDelta::hours(2));
    let (good, good_password) = server.credentials.issue("a", server.now);
    let other = Credentials::new(Secret("other".to_owned()), TimeDelta::hours(1));
    let (foreign, foreign_password) = other.issue("a", server.now);
    for (username, password, works) in [
        (expired, expired_password, false),
        (foreign, foreign_password, false),
        (good.clone(), "wrong".to_owned(), false),
        ("alice".to_owned(), good_password.clone(), false),
        (good, good_password, true),
    ] {
        let client = client(&server, username.clone(), password).await;
        assert_eq!(client.allocate().await.is_ok(), works, "{username}");
    }
}

#[tokio::test]
async fn one_user_has_a_quota_and_another_is_not_hindered_by_it() {
    let server = start(&["127.0.0.0/8"], 2).await;
    let mut kept = Vec::new();
    for _ in 0..2 {
        let client = user(&server, "greedy").await;
        kept.push((client.allocate().await.unwrap(), client));
    }
    let third = user(&server, "greedy").await;
    let refused = third.allocate().await.err().unwrap().to_string();
    assert!(refused.contains("486"), "{refused}");
    assert!(user(&server, "modest").await.allocate().await.is_ok());
}

#[tokio::test]
async fn rubbish_does_not_stop_the_server() {
    let server = start(&[], 8).await;
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let mut seed = 7_u64;
    for len in 0..600_usize {
        let bytes: Vec<u8> = (0..len)
            .map(|_| {
                seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                seed.to_be_bytes()[0]
            })
            .collect();
        socket.send_to(&bytes, server.address).await.unwrap();
        // The same with a STUN header in front: the magic cookie and a length.
        let mut stun = vec![0, 3, 0, 0, 0x21, 0x12, 0xa4, 0x42];
        stun.extend_from_slice(&bytes);
        let body = u16::try_from(stun.len().saturating_sub(20)).unwrap();
        stun[2..4].copy_from_slice(&body.to_be_bytes());
        socket.send_to(&stun, server.address).await.unwrap();
    }
    let client = user(&server, "a").await;
    assert!(client.send_binding_request().await.is_ok());
    drop(server.stop);
}

/// An independent client: Debian's coturn tools. Two clients send to each other through their relays.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn coturns_own_client_relays_between_its_clients_without_loss() {
    let server = start(&[], 8).await;
    let port = server.address.port().to_string();
    let run = |secret: &'static str| {
        let port = port.clone();
        tokio::process::Command::new("turnutils_uclient")
            .args(["-y", "-c", "-m", "2", "-n", "50", "-l", "500", "-z", "5", "-u", "coturn", "-W", secret, "-p"])
            .args([&port, "127.0.0.1"])
            .kill_on_drop(true)
            .output()
    };
    let good = tokio::time::timeout(Duration::from_secs(30), run("s3cret")).await.unwrap();
    let good = good.expect("turnutils_uclient starts; it comes with coturn");
    let text = String::from_utf8_lossy(&good.stdout).into_owned() + &String::from_utf8_lossy(&good.stderr);
    assert!(good.status.success(), "{text}");
    assert!(text.contains("tot_send_msgs=100, tot_recv_msgs=100"), "{text}");
    let wrong = tokio::time::timeout(Duration::from_secs(30), run("wrong")).await;
    assert!(wrong.is_err() || !wrong.unwrap().unwrap().status.success(), "a wrong secret relays");
}

/// The other way round: our credentials open Debian's coturn with `use-auth-secret`.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_credentials_open_an_external_coturn() {
    let port = std::net::UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let folder = tempfile::tempdir().unwrap();
    let inside = |name: &str| folder.path().join(name).display().to_string();
    let mut coturn = tokio::process::Command::new("turnserver")
        .args([
            "-n",
            "--listening-ip=127.0.0.1",
            "--relay-ip=127.0.0.1",
            "--use-auth-secret",
            "--static-auth-secret=s3cret",
        ])
        .args(["--no-tls", "--no-dtls", "--no-cli", "--min-port=34000", "--max-port=34100", "--log-file=stdout"])
        .args([format!("--realm={REALM}"), format!("--listening-port={port}")])
        .args([format!("--pidfile={}", inside("pid")), format!("--userdb={}", inside("db"))])
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .expect("turnserver starts; it comes with coturn");
    let now = Clock::system().now();
    let server = Running {
        address: ([127, 0, 0, 1], port).into(),
        credentials: Credentials::new(Secret("s3cret".to_owned()), TimeDelta::hours(1)),
        now,
        stop: CancellationToken::new().drop_guard(),
    };
    let mut allocated = false;
    for _ in 0..20 {
        let client = user(&server, "a").await;
        allocated = matches!(tokio::time::timeout(Duration::from_secs(1), client.allocate()).await, Ok(Ok(_)));
        if allocated {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(allocated, "coturn refused our credentials");
    let (expired, password) = server.credentials.issue("a", now - TimeDelta::hours(2));
    let late = client(&server, expired, password).await;
    assert!(late.allocate().await.is_err());
    coturn.kill().await.unwrap();
}
