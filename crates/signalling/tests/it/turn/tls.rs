//! TLS that is wrong, late or renewed while the server runs.

use std::net::SocketAddr;
use std::time::Duration;

use sanbao_platform::testing::port;

use super::client::{Client, Running, config, start_with};
use crate::support::browser::tls::certificate;
use sanbao_signalling::turn::TurnTls;

/// Nothing here takes longer; a wait that does has failed.
const PATIENCE: Duration = Duration::from_secs(30);

fn free() -> SocketAddr {
    ([127, 0, 0, 1], port()).into()
}

/// The certificate that the server shows at an address, once it shows one that satisfies.
async fn shown(at: SocketAddr, satisfies: impl Fn(&[u8]) -> bool) -> Vec<u8> {
    let until = async {
        loop {
            match Client::tls_certificate(at).await {
                Ok(shown) if satisfies(&shown) => return shown,
                _ => tokio::time::sleep(Duration::from_millis(100)).await,
            }
        }
    };
    tokio::time::timeout(PATIENCE, until).await.expect("TLS is served in the end")
}

async fn serves_udp_and_tcp(server: &Running) {
    assert_eq!(Client::udp(server, "udp").await.allocate().await.code, 200);
    assert_eq!(Client::tcp(server, "tcp").await.allocate().await.code, 200);
}

#[tokio::test]
async fn a_bad_certificate_takes_only_tls_away_and_a_good_one_brings_it_back() {
    let folder = tempfile::tempdir().unwrap();
    let mut settings = config(&[]);
    let tls =
        TurnTls { listen: free(), certificate: folder.path().join("cert.pem"), key: folder.path().join("key.pem") };
    std::fs::write(&tls.certificate, "no certificate").unwrap();
    settings.tls = Some(tls.clone());
    let server = start_with(settings);
    assert_eq!(server.tls, None);
    serves_udp_and_tcp(&server).await;
    certificate(folder.path());
    shown(tls.listen, |_| true).await;
    assert_eq!(Client::tls(&server, tls.listen, "tls").await.allocate().await.code, 200);
}

#[tokio::test]
async fn a_taken_port_of_tls_takes_only_tls_away() {
    let folder = tempfile::tempdir().unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let mut settings = config(&[]);
    let at = taken.local_addr().unwrap();
    settings.tls = Some(TurnTls { listen: at, ..certificate(folder.path()) });
    let server = start_with(settings);
    serves_udp_and_tcp(&server).await;
    drop(taken);
    shown(at, |_| true).await;
}

#[tokio::test]
async fn a_renewed_certificate_is_shown_to_the_next_client() {
    let folder = tempfile::tempdir().unwrap();
    let mut settings = config(&[]);
    settings.tls = Some(certificate(folder.path()));
    let server = start_with(settings);
    let at = server.tls.unwrap();
    let before = shown(at, |_| true).await;
    let mut standing = Client::tls(&server, at, "standing").await;
    assert_eq!(standing.allocate().await.code, 200);
    // Half of a renewal: a certificate without its key is not used.
    let key = std::fs::read(folder.path().join("key.pem")).unwrap();
    certificate(folder.path());
    let new_key = std::fs::read(folder.path().join("key.pem")).unwrap();
    std::fs::write(folder.path().join("key.pem"), key).unwrap();
    assert_eq!(shown(at, |_| true).await, before);
    std::fs::write(folder.path().join("key.pem"), new_key).unwrap();
    assert_ne!(shown(at, |now| now != before).await, before);
    assert_eq!(standing.refresh(600).await, 200, "a client that has a connection keeps it");
}

#[tokio::test]
async fn tcp_and_tls_are_served_over_ipv6() {
    let folder = tempfile::tempdir().unwrap();
    let mut settings = config(&["::1/128"]);
    settings.listen = "[::1]:0".parse().unwrap();
    settings.public_ips = vec!["::1".parse().unwrap()];
    settings.tls = Some(TurnTls { listen: "[::1]:0".parse().unwrap(), ..certificate(folder.path()) });
    let server = start_with(settings);
    let peer = super::client::echo_peer("[::1]:0").await;
    for mut client in [Client::tcp(&server, "tcp").await, Client::tls(&server, server.tls.unwrap(), "tls").await] {
        assert!(client.binding().await.is_ipv6());
        assert!(client.relayed().await.is_ipv6());
        assert_eq!(client.permit(peer).await, 200);
        client.indicate(peer, b"six").await;
        assert_eq!(client.data().await, (peer, b"six".to_vec()));
        assert_eq!(client.bind(0x4000, peer).await, 200);
        client.channel(0x4000, b"seven").await;
        let back = client.receive_within(PATIENCE).await.unwrap();
        assert_eq!(back, [0x40, 0, 0, 5, b's', b'e', b'v', b'e', b'n', 0, 0, 0]);
    }
}
