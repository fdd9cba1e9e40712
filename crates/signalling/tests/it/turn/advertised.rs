//! Clients are told of the addresses that answer at that moment, and of no others.

use std::net::{SocketAddr, TcpListener, UdpSocket};

use sanbao_platform::testing::port;
use sanbao_signalling::Config;
use sanbao_signalling::config::{EmbeddedTurn, EmbeddedTurnTls};
use sanbao_signalling::turn::{OpenPorts, TurnServer, TurnTls, ports};
use tokio_util::sync::CancellationToken;

use super::client::{Client, config, credentials};
use crate::support::browser::tls::certificate;
use crate::support::{PATIENCE, Relay, config as relay_settings, relay_before_turn, relay_config};

/// An address of UDP and TCP that is free now.
fn free() -> SocketAddr {
    ([127, 0, 0, 1], port()).into()
}

fn embedded(listen: SocketAddr, tls: Option<TurnTls>) -> EmbeddedTurn {
    let settings = config(&[]);
    EmbeddedTurn {
        listen,
        tls: tls.map(|server| EmbeddedTurnTls { server, host: "localhost".to_owned() }),
        public_ips: settings.public_ips,
        relay_ports: settings.relay_ports,
        allow_peers: Vec::new(),
        deny_peers: Vec::new(),
    }
}

/// Every address that a client which says hello now is told.
async fn told(relay: &Relay, person: u128) -> Vec<String> {
    let client = relay.hello(&relay.ticket(1, person, "host")).await;
    let servers = client.welcome["ice_servers"].as_array().unwrap().clone();
    let urls = servers.iter().flat_map(|server| server["urls"].as_array().unwrap().clone());
    urls.map(|url| url.as_str().unwrap().to_owned()).collect()
}

/// The servers that clients are told of in the end.
async fn told_in_the_end(relay: &Relay, satisfies: impl Fn(&[String]) -> bool) -> Vec<String> {
    let until = async {
        for person in 100.. {
            let told = told(relay, person).await;
            if satisfies(&told) {
                return told;
            }
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
        Vec::new()
    };
    tokio::time::timeout(PATIENCE, until).await.unwrap()
}

#[tokio::test]
async fn tls_is_told_of_from_when_its_taken_port_is_free_and_the_rest_all_the_while() {
    let folder = tempfile::tempdir().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let (at, plain) = (taken.local_addr().unwrap(), free());
    let tls = TurnTls { listen: at, ..certificate(folder.path()) };
    let relay = relay_config(|c| c.turn = Some(embedded(plain, Some(tls)))).await;
    let rest = [format!("stun:{plain}"), format!("turn:{plain}?transport=udp"), format!("turn:{plain}?transport=tcp")];
    assert_eq!(told(&relay, 1).await, rest, "of the first client");
    drop(taken);
    let all = told_in_the_end(&relay, |told| told.len() > rest.len()).await;
    let turns = format!("turns:localhost:{}?transport=tcp", at.port());
    assert_eq!((&all[..3], &all[3..]), (&rest[..], &[turns][..]));
    assert!(Client::tls_certificate(at).await.is_ok(), "what is told of answers");
}

#[tokio::test]
async fn without_its_port_the_embedded_server_is_not_told_of_and_an_external_one_is() {
    let plain = free();
    let taken = UdpSocket::bind(plain).unwrap();
    let external = "turn:192.0.2.1:3478?transport=udp".to_owned();
    let relay = relay_config(|c: &mut Config| {
        c.turn = Some(embedded(plain, None));
        c.turn_urls = vec![external.clone()];
    })
    .await;
    assert_eq!(told(&relay, 1).await, std::slice::from_ref(&external));
    drop(taken);
    let all = told_in_the_end(&relay, |told| told.len() > 1).await;
    let own = [format!("turn:{plain}?transport=udp"), format!("turn:{plain}?transport=tcp")];
    assert_eq!(all, [&[format!("stun:{plain}"), external][..], &own].concat());
}

#[tokio::test]
async fn a_server_says_what_it_has_open_and_nothing_once_it_has_ended() {
    let folder = tempfile::tempdir().unwrap();
    let mut settings = config(&[]);
    settings.tls = Some(certificate(folder.path()));
    let (said, seen) = ports();
    assert_eq!(seen.now(), OpenPorts::default(), "nobody has said anything");
    let clock = sanbao_platform::clock::Clock::system();
    let server = TurnServer::bind(settings, credentials(), clock).unwrap().reporting(said);
    assert_eq!(seen.now(), OpenPorts { plain: true, tls: true });
    let stop = CancellationToken::new();
    let running = tokio::spawn(server.run(stop.clone()));
    stop.cancel();
    running.await.unwrap();
    assert_eq!(seen.now(), OpenPorts::default());
}

/// A client that comes back right after a restart would have no relay for as long as that connection lasts.
#[tokio::test]
async fn a_hello_before_the_server_has_tried_its_ports_waits_for_it() {
    let plain = free();
    let mut settings = relay_settings();
    settings.turn = Some(embedded(plain, None));
    let (relay, turn) = relay_before_turn(settings).await;
    let hello = async { told(&relay, 1).await };
    tokio::pin!(hello);
    assert!(tokio::time::timeout(super::client::SILENCE, &mut hello).await.is_err(), "it was welcomed too soon");
    let stop = CancellationToken::new();
    let running = tokio::spawn(turn(stop.clone()));
    assert!(hello.await.contains(&format!("turn:{plain}?transport=udp")));
    stop.cancel();
    running.await.unwrap();
}
