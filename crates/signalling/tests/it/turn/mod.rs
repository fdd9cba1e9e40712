//! The embedded TURN server over real sockets: by a client of these tests, by coturn's tools, by a browser.

mod advertised;
mod allocations;
mod coturn;
mod granted;
mod names;
mod reach;
mod streams;
mod tls;

use std::net::SocketAddr;
use std::time::Duration;

use crate::support::turn::{self as client, Client, SILENCE, config, credentials, echo_peer, start, start_with};
use chrono::TimeDelta;
use sanbao_platform::config::Secret;
use sanbao_signalling::turn::engine::AMPLIFICATION_MAX;
use sanbao_signalling::turn::stun::{Class, Method, StunWriter, attr};
use sanbao_signalling::turn::{Credentials, TurnConfig, TurnLimits, TurnServer};
use tokio::net::UdpSocket;

#[tokio::test]
async fn stun_tells_a_client_its_address_over_udp_and_tcp() {
    let server = start(&[]);
    assert!(Client::udp(&server, "a").await.binding().await.ip().is_loopback());
    assert!(Client::tcp(&server, "a").await.binding().await.port() != 0);
}

#[tokio::test]
async fn an_allowed_peer_is_relayed_both_ways_by_indication_and_channel() {
    let server = start(&["127.0.0.0/8"]);
    let peer = echo_peer("127.0.0.1:0").await;
    for mut client in [Client::udp(&server, "a").await, Client::tcp(&server, "b").await] {
        client.relayed().await;
        assert_eq!(client.permit(peer).await, 200);
        for len in [0, 1, 3, 1000, 1500, 9000] {
            client.indicate(peer, &vec![7; len]).await;
            assert_eq!(client.data().await, (peer, vec![7; len]));
        }
        assert_eq!(client.bind(0x4001, peer).await, 200);
        for len in [0_u8, 1, 2, 3, 4, 200] {
            client.channel(0x4001, &vec![8; usize::from(len)]).await;
            let back = client.receive_within(Duration::from_secs(30)).await.unwrap();
            assert_eq!(back[..4], [0x40, 1, 0, len]);
            assert_eq!(back[4..4 + usize::from(len)], vec![8; usize::from(len)]);
        }
    }
}

#[tokio::test]
async fn two_relayed_clients_reach_each_other_without_any_allowance() {
    let server = start(&[]);
    let (mut a, mut b) = (Client::udp(&server, "a").await, Client::tcp(&server, "b").await);
    let (at_a, at_b) = (a.relayed().await, b.relayed().await);
    assert_eq!(a.permit(at_b).await, 200);
    a.indicate(at_b, b"too early").await;
    assert_eq!(b.data_within(SILENCE).await, None, "b has not let a in");
    assert_eq!(b.permit(at_a).await, 200);
    a.indicate(at_b, b"hello").await;
    assert_eq!(b.data().await, (at_a, b"hello".to_vec()));
    b.indicate(at_a, b"hello yourself").await;
    assert_eq!(a.data().await, (at_b, b"hello yourself".to_vec()));
}

#[tokio::test]
async fn a_refused_peer_gets_403_for_each_class_of_address() {
    let server = start(&[]);
    let mut client = Client::udp(&server, "a").await;
    client.relayed().await;
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
        let peer: SocketAddr = peer.parse().unwrap();
        assert_eq!(client.permit(peer).await, 403, "{peer}");
        assert_eq!(client.bind(0x4000, peer).await, 403, "{peer}");
    }
}

/// Indications and channels have no answer; so what they must not reach listens.
#[tokio::test]
async fn what_is_refused_is_not_reached_by_indication_either() {
    let server = start(&[]);
    let listener = UdpSocket::bind("127.0.0.2:0").await.unwrap();
    let mut client = Client::udp(&server, "a").await;
    let relayed = client.relayed().await;
    let peer = listener.local_addr().unwrap();
    assert_eq!(client.permit(peer).await, 403);
    client.indicate(peer, b"x").await;
    client.channel(0x4000, b"x").await;
    let mut buffer = [0; 100];
    assert!(tokio::time::timeout(SILENCE, listener.recv_from(&mut buffer)).await.is_err(), "a refused peer got data");
    // Nor does it get in.
    assert_eq!(client.permit((server.address.ip(), relayed.port()).into()).await, 200);
    listener.send_to(b"x", relayed).await.unwrap();
    assert_eq!(client.data_within(SILENCE).await, None);
}

#[tokio::test]
async fn its_own_machine_is_out_of_reach_even_by_the_permission_of_a_relayed_port() {
    let server = start(&[]);
    let mut client = Client::udp(&server, "a").await;
    client.relayed().await;
    // 127.0.0.1 is this server's public address, so permissions for it are given: the port decides.
    let peer = echo_peer("127.0.0.1:0").await;
    for own in [peer, server.address] {
        assert_eq!(client.permit(own).await, 200);
        client.indicate(own, b"x").await;
        assert_eq!(client.data_within(SILENCE).await, None, "{own} was reached");
        assert_eq!(client.bind(0x4000, own).await, 403);
    }
}

#[tokio::test]
async fn only_the_allowed_network_is_opened() {
    let server = start(&["10.1.0.0/16"]);
    let mut client = Client::udp(&server, "a").await;
    client.relayed().await;
    assert_eq!(client.permit("10.2.0.1:9".parse().unwrap()).await, 403);
    assert_eq!(client.permit("10.1.0.1:9".parse().unwrap()).await, 200);
}

#[tokio::test]
async fn expired_foreign_and_malformed_credentials_allocate_nothing() {
    let server = start(&[]);
    let now = server.clock.now();
    let good = credentials().issue("a", now);
    let foreign = Credentials::new(Secret("other".to_owned()), TimeDelta::hours(1)).issue("a", now);
    for (pair, code) in [
        (credentials().issue("a", now - TimeDelta::hours(2)), 401),
        (foreign, 401),
        ((good.0.clone(), "wrong".to_owned()), 401),
        (("alice".to_owned(), good.1.clone()), 401),
        (good, 200),
    ] {
        assert_eq!(Client::with(&server, pair.clone()).await.allocate().await.code, code, "{}", pair.0);
    }
}

#[tokio::test]
async fn a_credential_runs_out_while_it_is_used() {
    let server = start(&[]);
    let mut client = Client::udp(&server, "a").await;
    client.relayed().await;
    server.clock.advance(Duration::from_secs(3599));
    assert_eq!(client.refresh(600).await, 200);
    server.clock.advance(Duration::from_secs(1));
    assert_eq!(client.refresh(600).await, 401);
}

#[tokio::test]
async fn one_user_has_a_quota_over_all_transports_and_another_is_not_hindered_by_it() {
    let mut settings = config(&[]);
    settings.limits.allocations_per_user_max = 2;
    let server = start_with(settings);
    let (mut first, mut second) = (Client::udp(&server, "greedy").await, Client::tcp(&server, "greedy").await);
    first.relayed().await;
    second.relayed().await;
    assert_eq!(Client::udp(&server, "greedy").await.allocate().await.code, 486);
    assert_eq!(Client::tcp(&server, "greedy").await.allocate().await.code, 486);
    assert_eq!(Client::udp(&server, "modest").await.allocate().await.code, 200);
    assert_eq!(first.refresh(0).await, 200);
    assert_eq!(Client::tcp(&server, "greedy").await.allocate().await.code, 200, "a place was given back");
}

#[tokio::test]
async fn the_range_of_ports_ends_with_508_and_a_port_of_another_process_is_passed_over() {
    let mut settings = config(&[]);
    settings.relay_ports.1 = settings.relay_ports.0 + 3;
    let taken = UdpSocket::bind(("127.0.0.1", settings.relay_ports.0 + 1)).await.unwrap();
    let server = start_with(settings);
    let mut kept = Vec::new();
    for _ in 0..3 {
        let mut client = Client::udp(&server, "a").await;
        assert_ne!(client.relayed().await.port(), taken.local_addr().unwrap().port());
        kept.push(client);
    }
    assert_eq!(Client::udp(&server, "a").await.allocate().await.code, 508);
}

/// The answer that a forger of addresses would get sent to a victim.
#[tokio::test]
async fn an_answer_to_nobody_in_particular_is_no_longer_than_three_times_the_request() {
    let server = start(&[]);
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    for method in [Method::Binding, Method::Allocate, Method::Refresh, Method::CreatePermission, Method::ChannelBind] {
        for filling in [0, 8, 100] {
            let mut request = Vec::new();
            let mut writer = StunWriter::new(&mut request, method, Class::Request, [1; 12]);
            writer.attribute(attr::REQUESTED_TRANSPORT, &[17, 0, 0, 0]);
            if filling > 0 {
                writer.attribute(0x7fff, &vec![0; filling]);
            }
            writer.finish(None, false);
            socket.send_to(&request, server.address).await.unwrap();
            let mut answer = [0; 2000];
            let got = tokio::time::timeout(Duration::from_secs(30), socket.recv(&mut answer)).await.unwrap().unwrap();
            assert!(got <= AMPLIFICATION_MAX * request.len(), "{method:?}: {got} for {}", request.len());
        }
    }
}

#[tokio::test]
async fn a_flood_of_unproved_requests_is_answered_at_its_rate_and_hinders_no_allocation() {
    let mut settings = config(&["127.0.0.0/8"]);
    let limits =
        TurnLimits { unproved_answers_burst_max: 20, unproved_answers_per_s_max: 1, ..settings.limits.clone() };
    settings.limits = limits;
    let server = start_with(settings);
    let mut client = Client::udp(&server, "a").await;
    client.relayed().await;
    let flood = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let mut binding = Vec::new();
    StunWriter::new(&mut binding, Method::Binding, Class::Request, [1; 12]).finish(None, false);
    for _ in 0..200 {
        flood.send_to(&binding, server.address).await.unwrap();
    }
    let (mut answers, mut buffer) = (0, [0; 200]);
    while tokio::time::timeout(SILENCE, flood.recv(&mut buffer)).await.is_ok() {
        answers += 1;
    }
    assert!((10..=25).contains(&answers), "{answers}");
    assert_eq!(client.refresh(600).await, 200, "a client that has proved itself is served");
}

/// The answer of a closed port comes back to the relayed socket as an error.
#[tokio::test]
async fn an_unreachable_peer_does_not_harm_the_allocation() {
    let server = start(&["127.0.0.0/8"]);
    let mut client = Client::udp(&server, "a").await;
    client.relayed().await;
    let closed = UdpSocket::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let peer = echo_peer("127.0.0.1:0").await;
    assert_eq!(client.permit(peer).await, 200);
    for _ in 0..20 {
        client.indicate(closed, b"nobody").await;
        client.indicate(peer, b"somebody").await;
        assert_eq!(client.data().await, (peer, b"somebody".to_vec()));
    }
}

#[tokio::test]
async fn rubbish_does_not_stop_the_server() {
    let server = start(&[]);
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
    assert_eq!(Client::udp(&server, "a").await.allocate().await.code, 200);
}

#[tokio::test]
async fn ipv6_clients_and_peers_are_served_beside_ipv4() {
    let mut settings = config(&["::1/128", "127.0.0.0/8"]);
    settings.listen = "[::]:0".parse().unwrap();
    settings.public_ips.push("::1".parse().unwrap());
    let server = start_with(settings);
    let peer = echo_peer("[::1]:0").await;
    let mut client = Client::udp(&server, "a").await;
    assert!(client.binding().await.is_ipv6());
    let v6 = |w: &mut StunWriter<'_>| {
        w.attribute(attr::REQUESTED_TRANSPORT, &[17, 0, 0, 0]);
        w.attribute(attr::REQUESTED_ADDRESS_FAMILY, &[2, 0, 0, 0]);
    };
    let relayed = client.request(Method::Allocate, v6).await.address(attr::XOR_RELAYED_ADDRESS);
    assert!(relayed.is_ipv6());
    assert_eq!(client.permit(peer).await, 200);
    client.indicate(peer, b"six").await;
    assert_eq!(client.data().await, (peer, b"six".to_vec()));
    assert_eq!(client.permit("127.0.0.1:5".parse().unwrap()).await, 443);
    // The same socket serves IPv4, and answers from the address that was asked.
    let old = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    old.connect(("127.0.0.1", server.address.port())).await.unwrap();
    let mut binding = Vec::new();
    StunWriter::new(&mut binding, Method::Binding, Class::Request, [1; 12]).finish(None, false);
    old.send(&binding).await.unwrap();
    let mut answer = [0; 100];
    let len = tokio::time::timeout(Duration::from_secs(30), old.recv(&mut answer)).await.unwrap().unwrap();
    assert_eq!(len, 32, "an IPv4 address, not one in IPv6 clothes");
}

#[tokio::test]
async fn a_taken_port_is_refused_and_free_again_after_the_stop() {
    let server = start(&[]);
    let mut settings = config(&[]);
    settings.listen = server.address;
    let clock = server.clock.clone();
    assert!(TurnServer::bind(settings.clone(), credentials(), clock.clone()).is_err());
    let mut running = server;
    Client::udp(&running, "a").await.relayed().await;
    running.stop.cancel();
    (&mut running.task).await.unwrap();
    assert!(TurnServer::bind(settings, credentials(), clock).is_ok());
}

#[tokio::test]
async fn a_configuration_that_cannot_work_is_refused() {
    let changes: [fn(&mut TurnConfig); 5] = [
        |c| c.relay_ports = (5000, 5000),
        |c| c.public_ips.clear(),
        |c| c.public_ips.push("127.0.0.2".parse().unwrap()),
        |c| c.realm = "r".repeat(33),
        |c| c.realm.clear(),
    ];
    for change in changes {
        let mut settings = config(&[]);
        change(&mut settings);
        let clock = sanbao_platform::clock::Clock::system();
        let refused = TurnServer::bind(settings, credentials(), clock).unwrap_err();
        assert_eq!(refused.kind(), std::io::ErrorKind::InvalidInput);
    }
}
