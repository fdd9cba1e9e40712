//! Which addresses of one person's device reach another's, over real sockets.

use sanbao_signalling::turn::RelayOnly;
use serde_json::{Value, json};

use crate::support::{Client, Relay, relay, relay_with_turn};

/// One house's staff.
const HOUSE: &str = "01980c2e-7b1a-7c3e-9d43-0a5d1f4c1b01";
const HOSPITAL: &str = "01980c2e-7b1a-7c3e-9d43-0a5d1f4c1b02";
const NAME: &str = "8f6ae5b2-1c3d-4e5f-8a9b-0c1d2e3f4a5b.local";

fn candidate(address: &str, kind: &str) -> Value {
    let line = format!("candidate:1 1 udp 2113937151 {address} 50123 typ {kind}");
    json!({ "candidate": line, "sdpMid": "0", "sdpMLineIndex": 0, "usernameFragment": "Jk3a" })
}

async fn inside(relay: &Relay, person: u128, role: &str, organisation: Option<&str>) -> Client {
    let ticket = relay.ticket_with(1, person, role, json!({ "org": organisation, "lobby": false }));
    let mut client = relay.hello(&ticket).await;
    client.say(json!({ "type": "join" })).await;
    client.until("joined").await;
    client
}

/// Says every candidate and then that no more come; the ones that arrive, of which the last is the end.
async fn arrive(from: &mut Client, to: &mut Client, candidates: &[Value]) -> Vec<Value> {
    for candidate in candidates.iter().chain([&Value::Null]) {
        let id = from.said.to_string();
        from.say(json!({ "type": "candidate", "id": id, "to": to.peer, "candidate": candidate })).await;
        assert_eq!(from.until("ok").await["re"], id, "each is taken");
    }
    let mut arrived = Vec::new();
    loop {
        let heard = to.until("candidate").await;
        assert_eq!(heard["from"], from.peer);
        match heard["candidate"].clone() {
            Value::Null => return arrived,
            candidate => arrived.push(candidate),
        }
    }
}

/// Where no other person's device is.
fn nowhere() -> Vec<Value> {
    let addresses = [
        "169.254.169.254",
        "127.0.0.1",
        "::1",
        "fe80::1",
        "224.0.0.251",
        "0.0.0.0",
        "fd00:ec2::254",
        "::ffff:127.0.0.1",
    ];
    addresses.iter().flat_map(|a| ["host", "srflx", "relay"].map(|kind| candidate(a, kind))).collect()
}

#[tokio::test]
async fn a_guest_makes_no_doctors_browser_knock_at_its_own_network() {
    let relay = relay_with_turn(|_| {}).await;
    let mut doctor = inside(&relay, 2, "clinician", Some(HOSPITAL)).await;
    let mut guest = inside(&relay, 3, "guest", None).await;
    let relayed = candidate("198.51.100.7", "relay");
    let mut said = nowhere();
    for address in ["10.0.0.5", "192.168.1.1", "172.16.0.1", "100.64.0.1", "fd12::1", NAME, "router.lan", "203.0.114.9"]
    {
        said.extend(["host", "srflx"].map(|kind| candidate(address, kind)));
    }
    said.push(candidate("10.0.0.5", "relay"));
    said.push(relayed.clone());
    assert_eq!(arrive(&mut guest, &mut doctor, &said).await, [relayed]);
}

#[tokio::test]
async fn family_does_not_see_where_staff_are() {
    let relay = relay_with_turn(|_| {}).await;
    let mut doctor = inside(&relay, 2, "clinician", Some(HOSPITAL)).await;
    let mut guest = inside(&relay, 3, "guest", None).await;
    let said = [candidate("203.0.114.9", "host"), candidate(NAME, "host"), candidate("203.0.114.9", "srflx")];
    assert_eq!(arrive(&mut doctor, &mut guest, &said).await, [] as [Value; 0]);
    let sdp = "v=0\r\no=- 1 2 IN IP4 203.0.114.9\r\ns=-\r\nt=0 0\r\nm=audio 50123 UDP/TLS/RTP/SAVPF 111\r\n\
c=IN IP4 203.0.114.9\r\na=candidate:1 1 udp 1 203.0.114.9 50123 typ host\r\n\
a=candidate:3 1 udp 1 198.51.100.7 50012 typ relay raddr 203.0.114.9 rport 50123\r\na=end-of-candidates\r\n";
    doctor.say(json!({ "type": "offer", "to": guest.peer, "sdp": sdp })).await;
    let heard = guest.until("offer").await["sdp"].as_str().unwrap().to_owned();
    assert!(!heard.contains("203.0.114.9"), "{heard}");
    let shown = "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\nc=IN IP4 0.0.0.0\r\n\
a=candidate:3 1 udp 1 198.51.100.7 50012 typ relay raddr 0.0.0.0 rport 0\r\na=end-of-candidates\r\n";
    assert!(heard.ends_with(shown), "{heard}");
}

#[tokio::test]
async fn two_of_one_house_on_one_network_meet_directly() {
    let private = [candidate("10.0.0.5", "host"), candidate("fd12::1", "host"), candidate(NAME, "host")];
    for with_turn in [false, true] {
        let relay = if with_turn { relay_with_turn(|_| {}).await } else { relay().await };
        let mut host = inside(&relay, 1, "host", Some(HOUSE)).await;
        let mut nurse = inside(&relay, 2, "clinician", Some(HOUSE)).await;
        let said = [&private[..], &nowhere()].concat();
        assert_eq!(arrive(&mut host, &mut nurse, &said).await, private, "TURN: {with_turn}");
    }
}

#[tokio::test]
async fn staff_of_two_houses_meet_by_public_addresses() {
    let relay = relay_with_turn(|_| {}).await;
    let mut host = inside(&relay, 1, "host", Some(HOUSE)).await;
    let mut doctor = inside(&relay, 2, "clinician", Some(HOSPITAL)).await;
    let public = [candidate("203.0.114.9", "srflx"), candidate("2400:3200::1", "host")];
    let said = [&[candidate("10.0.0.5", "host"), candidate(NAME, "host")], &public[..]].concat();
    assert_eq!(arrive(&mut host, &mut doctor, &said).await, public);
}

#[tokio::test]
async fn without_turn_a_guest_in_the_house_is_reached_there_and_nowhere_else() {
    let relay = relay().await;
    let mut host = inside(&relay, 1, "host", Some(HOUSE)).await;
    let mut guest = inside(&relay, 3, "guest", None).await;
    let private = [candidate("192.168.1.9", "host"), candidate(NAME, "host")];
    let said = [&nowhere()[..], &private].concat();
    assert_eq!(arrive(&mut guest, &mut host, &said).await, private);
    assert_eq!(arrive(&mut host, &mut guest, &said).await, private);
}

#[tokio::test]
async fn the_operator_says_whose_media_goes_through_turn_only() {
    let reflexive = [candidate("203.0.114.9", "srflx")];
    for (relay_only, to_doctor, to_guest) in
        [(RelayOnly::Nobody, 1, 1), (RelayOnly::Guests, 1, 0), (RelayOnly::Everybody, 0, 0)]
    {
        let relay = relay_with_turn(|c| c.relay_only = relay_only).await;
        let mut host = inside(&relay, 1, "host", Some(HOUSE)).await;
        let mut doctor = inside(&relay, 2, "clinician", Some(HOSPITAL)).await;
        let mut guest = inside(&relay, 3, "guest", None).await;
        assert_eq!(arrive(&mut host, &mut doctor, &reflexive).await.len(), to_doctor, "{relay_only:?}");
        assert_eq!(arrive(&mut host, &mut guest, &reflexive).await.len(), to_guest, "{relay_only:?}");
    }
}

#[tokio::test]
async fn a_relayed_address_of_the_house_passes_though_it_is_private() {
    let relay = relay_with_turn(|_| {}).await;
    let port = relay.config.turn.as_ref().unwrap().relay_ports.0;
    let mut doctor = inside(&relay, 2, "clinician", Some(HOSPITAL)).await;
    let mut guest = inside(&relay, 3, "guest", None).await;
    let at = |port: u16| {
        let line = format!("candidate:1 1 udp 1 127.0.0.1 {port} typ relay raddr 0.0.0.0 rport 0");
        json!({ "candidate": line, "sdpMid": "0", "sdpMLineIndex": 0 })
    };
    assert_eq!(arrive(&mut guest, &mut doctor, &[at(22), at(port)]).await, [at(port)]);
}
