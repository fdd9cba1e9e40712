//! The peers that the server reaches on the machine that it runs on, and from which address.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use super::client::{Client, SILENCE, config, echo_peer, start_with};
use tokio::net::UdpSocket;

/// The datagrams that arrive within the time of silence.
async fn arrives(socket: &UdpSocket) -> Option<SocketAddr> {
    let mut buffer = [0; 100];
    tokio::time::timeout(SILENCE, socket.recv_from(&mut buffer)).await.ok()?.ok().map(|(_, from)| from)
}

#[tokio::test]
async fn what_the_operator_denies_is_out_of_reach_although_allowed() {
    let mut settings = config(&["127.0.0.0/8"]);
    settings.deny_peers = vec!["127.0.0.7/32".parse().unwrap()];
    let server = start_with(settings);
    let (denied, beside) = (UdpSocket::bind("127.0.0.7:0").await.unwrap(), echo_peer("127.0.0.8:0").await);
    let mut client = Client::udp(&server, "a").await;
    let relayed = client.relayed().await;
    let peer = denied.local_addr().unwrap();
    assert_eq!((client.permit(peer).await, client.bind(0x4000, peer).await), (403, 403));
    client.indicate(peer, b"x").await;
    client.channel(0x4000, b"x").await;
    assert_eq!(arrives(&denied).await, None);
    denied.send_to(b"x", relayed).await.unwrap();
    assert_eq!(client.data_within(SILENCE).await, None);
    assert_eq!(client.permit(beside).await, 200);
    client.indicate(beside, b"hello").await;
    assert_eq!(client.data().await, (beside, b"hello".to_vec()), "its neighbour is allowed");
}

#[tokio::test]
async fn the_addresses_of_this_machine_and_of_its_cloud_are_refused() {
    let mut settings = config(&[]);
    settings.public_ips = vec!["127.0.0.1".parse().unwrap(), "::1".parse().unwrap()];
    let server = start_with(settings);
    let mut client = Client::udp(&server, "a").await;
    client.relayed().await;
    let others = if_addrs::get_if_addrs().unwrap().into_iter().map(|i| i.ip()).filter(|ip| !ip.is_loopback());
    let clouds = ["168.63.129.16", "::ffff:168.63.129.16", "64:ff9b::a83f:8110"].map(|ip| ip.parse().unwrap());
    for ip in others.chain(clouds) {
        assert_eq!(client.permit((ip, 80).into()).await, 403, "{ip}");
        assert_eq!(client.bind(0x4000, (ip, 80).into()).await, 403, "{ip}");
    }
}

/// A port of the relay's range that it has not opened: whatever else listens there is out of reach.
#[tokio::test]
async fn a_program_on_a_port_of_the_range_is_out_of_reach() {
    for (allow, reached) in [(&[][..], false), (&["127.0.0.1/32"], true)] {
        let settings = config(allow);
        let program = UdpSocket::bind(("127.0.0.1", settings.relay_ports.0)).await.unwrap();
        let peer = program.local_addr().unwrap();
        let server = start_with(settings);
        let mut client = Client::udp(&server, "a").await;
        let relayed = client.relayed().await;
        // The address is the relay's own, so it is let in; that nobody has the port is found out with the data.
        assert_eq!((client.permit(peer).await, client.bind(0x4000, peer).await), (200, 200));
        client.indicate(peer, b"x").await;
        client.channel(0x4000, b"x").await;
        assert_eq!(arrives(&program).await, reached.then_some(relayed), "{allow:?}");
        program.send_to(b"back", relayed).await.unwrap();
        assert_eq!(client.receive_within(SILENCE).await.is_some(), reached, "{allow:?}");
    }
}

#[tokio::test]
async fn with_all_of_loopback_allowed_the_server_is_still_no_peer_of_itself() {
    let mut settings = config(&["127.0.0.0/8"]);
    settings.listen = "0.0.0.0:0".parse().unwrap();
    let server = start_with(settings);
    let mut client = Client::udp(&server, "a").await;
    client.relayed().await;
    let port = server.address.port();
    let machine = if_addrs::get_if_addrs().unwrap().into_iter().map(|i| i.ip()).filter(IpAddr::is_ipv4);
    for ip in machine.chain(["127.0.0.1".parse().unwrap(), "127.0.0.2".parse().unwrap()]) {
        assert_eq!(client.bind(0x4000, (ip, port).into()).await, 403, "{ip}: a loop");
    }
}

#[tokio::test]
async fn a_relayed_port_is_open_at_the_public_address_only() {
    let mut settings = config(&["127.0.0.0/8"]);
    settings.public_ips = vec!["127.0.0.9".parse().unwrap()];
    let server = start_with(settings);
    let mut client = Client::udp(&server, "a").await;
    let relayed = client.relayed().await;
    assert_eq!(relayed.ip(), "127.0.0.9".parse::<IpAddr>().unwrap());
    assert!(UdpSocket::bind(relayed).await.is_err(), "it is open there");
    UdpSocket::bind(("127.0.0.1", relayed.port())).await.expect("and nowhere else");
    let peer = UdpSocket::bind("127.0.0.8:0").await.unwrap();
    assert_eq!(client.permit(peer.local_addr().unwrap()).await, 200);
    client.indicate(peer.local_addr().unwrap(), b"x").await;
    let (_, from) = tokio::time::timeout(Duration::from_secs(30), peer.recv_from(&mut [0; 10])).await.unwrap().unwrap();
    assert_eq!(from, relayed, "peers see the relayed address");
}

#[tokio::test]
async fn behind_a_nat_the_relayed_port_is_open_wherever_it_leads() {
    let mut settings = config(&["127.0.0.0/8"]);
    // An address that no machine has.
    settings.public_ips = vec!["192.0.2.1".parse().unwrap()];
    let server = start_with(settings);
    let peer = echo_peer("127.0.0.1:0").await;
    let mut client = Client::udp(&server, "a").await;
    client.relayed().await;
    assert_eq!(client.permit(peer).await, 200);
    client.indicate(peer, b"x").await;
    assert_eq!(client.data().await, (peer, b"x".to_vec()));
}

#[tokio::test]
async fn a_port_is_given_back_when_its_time_is_over() {
    let mut settings = config(&[]);
    settings.limits.allocation_lifetime_s_max = 1;
    let server = start_with(settings);
    let mut client = Client::udp(&server, "a").await;
    let relayed = client.relayed().await;
    assert!(UdpSocket::bind(relayed).await.is_err(), "it is open");
    let freed = async {
        while UdpSocket::bind(relayed).await.is_err() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), freed).await.expect("the port is free again");
    assert_eq!(client.refresh(600).await, 437);
    assert_eq!(client.allocate().await.code, 200, "the same client may begin again");
}
