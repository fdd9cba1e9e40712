//! The check before the visit over real sockets: a WebRTC client of its own, through the TURN server.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use crate::support::{Relay, http, relay_with_turn};
use async_trait::async_trait;
use bytes::BytesMut;
use sanbao_signalling::turn::{PortsWatch, TurnGrant, TurnScope};
use serde_json::{Value, json};
use tokio::sync::Notify;
use uuid::Uuid;
use webrtc::data_channel::{DataChannel, DataChannelEvent, RTCDataChannelInit};
use webrtc::peer_connection::{
    PeerConnection, PeerConnectionBuilder, PeerConnectionEventHandler, RTCConfigurationBuilder, RTCIceGatheringState,
    RTCIceServer, RTCIceTransportPolicy, RTCSessionDescription, SettingEngineBuilder,
};

/// Nothing here takes longer; a wait that does has failed.
const PATIENCE: Duration = Duration::from_mins(1);

struct Handler {
    gathered: Notify,
}

#[async_trait]
impl PeerConnectionEventHandler for Handler {
    async fn on_ice_gathering_state_change(&self, state: RTCIceGatheringState) {
        if state == RTCIceGatheringState::Complete {
            self.gathered.notify_one();
        }
    }
}

/// A peer connection as a browser behind a firewall makes it: relay only.
struct Browser {
    connection: Arc<dyn PeerConnection>,
    channel: Arc<dyn DataChannel>,
    offer: String,
}

async fn firewalled(relay: &Relay) -> Browser {
    // As `welcome` gives them, before `joined`.
    let grant = TurnGrant { subject: "browser", ticket: Uuid::nil(), scope: TurnScope::Check, until: None };
    let servers = relay.config.ice(PortsWatch::all()).servers_for(&grant, relay.clock.now());
    let turn = servers.iter().find(|s| s.username.is_some()).unwrap();
    let server = RTCIceServer {
        urls: turn.urls.clone(),
        username: turn.username.clone().unwrap(),
        credential: turn.credential.clone().unwrap(),
    };
    let configuration = RTCConfigurationBuilder::new()
        .with_ice_servers(vec![server])
        .with_ice_transport_policy(RTCIceTransportPolicy::Relay)
        .build();
    let handler = Arc::new(Handler { gathered: Notify::new() });
    let building = PeerConnectionBuilder::new()
        .with_configuration(configuration)
        .with_handler(Arc::<Handler>::clone(&handler))
        .with_setting_engine(SettingEngineBuilder::new().with_relay_acceptance_min_wait(Some(Duration::ZERO)).build())
        .with_udp_addrs(vec![SocketAddr::from(([127, 0, 0, 1], 0))])
        .build();
    let connection: Arc<dyn PeerConnection> = Arc::new(Box::pin(building).await.unwrap());
    let loose = RTCDataChannelInit { ordered: false, max_retransmits: Some(0), ..RTCDataChannelInit::default() };
    let channel = connection.create_data_channel("precheck", Some(loose)).await.unwrap();
    let offer = connection.create_offer(None).await.unwrap();
    connection.set_local_description(offer).await.unwrap();
    tokio::time::timeout(PATIENCE, handler.gathered.notified()).await.unwrap();
    let offer = connection.local_description().await.unwrap().sdp;
    Browser { connection, channel, offer }
}

async fn post(relay: &Relay, ticket: &str, sdp: &str) -> (u16, Value) {
    let url = format!("http://{}/v1/prechecks", relay.address);
    let answer = http().post(url).json(&json!({ "ticket": ticket, "sdp": sdp })).send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

impl Browser {
    /// Takes the answer and waits until the channel is open.
    async fn connect(&self, answer: &Value) {
        let answer = RTCSessionDescription::answer(answer["sdp"].as_str().unwrap().to_owned()).unwrap();
        self.connection.set_remote_description(answer).await.unwrap();
        let opened = async { while !matches!(self.channel.poll().await.unwrap(), DataChannelEvent::OnOpen) {} };
        tokio::time::timeout(PATIENCE, opened).await.expect("the channel opens");
    }

    /// The next echo, or `None` when the channel or the connection is over.
    async fn echo(&self) -> Option<Vec<u8>> {
        loop {
            match tokio::time::timeout(PATIENCE, self.channel.poll()).await.expect("an echo in time")? {
                DataChannelEvent::OnMessage(message) => return Some(message.data.to_vec()),
                DataChannelEvent::OnClose => return None,
                _ => {}
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_browser_that_can_only_relay_hears_its_own_messages() {
    let relay = relay_with_turn(|_| {}).await;
    let browser = firewalled(&relay).await;
    let (status, answer) = post(&relay, &relay.ticket(1, 1, "host"), &browser.offer).await;
    assert_eq!(status, 201, "{answer}");
    assert_eq!((&answer["lifetime_ms"], &answer["messages_max"]), (&json!(30_000), &json!(1_000)));
    let sdp = answer["sdp"].as_str().unwrap();
    let candidates: Vec<_> = sdp.lines().filter(|l| l.starts_with("a=candidate")).collect();
    assert!(!candidates.is_empty() && candidates.iter().all(|c| c.contains(" typ relay")), "{candidates:?}");
    browser.connect(&answer).await;
    for n in 0..5_u8 {
        browser.channel.send(BytesMut::from(&[n; 100][..])).await.unwrap();
        assert_eq!(browser.echo().await.unwrap(), [n; 100]);
    }
    browser.connection.close().await.unwrap();
}

/// Asks until there is a place.
async fn place(relay: &Relay, ticket: &str, offer: &str) -> Value {
    let again = async {
        loop {
            let (status, answer) = post(relay, ticket, offer).await;
            if status == 201 {
                return answer;
            }
            assert_eq!(status, 503, "{answer}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(PATIENCE, again).await.expect("a place in time")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_so_many_messages_of_a_length_come_back() {
    let relay = relay_with_turn(|c| (c.precheck.messages_max, c.precheck.message_bytes_max) = (3, 100)).await;
    let browser = firewalled(&relay).await;
    let (_, answer) = post(&relay, &relay.ticket(1, 1, "host"), &browser.offer).await;
    browser.connect(&answer).await;
    // One that is too long first: it would come back first.
    for (n, len) in [(0, 101), (1, 100), (2, 1), (3, 1), (4, 1)] {
        browser.channel.send(BytesMut::from(&vec![n; len][..])).await.unwrap();
        if (1..=3).contains(&n) {
            assert_eq!(browser.echo().await.unwrap(), vec![n; len]);
        }
    }
    browser.connection.close().await.unwrap();
    assert_eq!(browser.echo().await, None, "neither the long one nor the fourth");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_check_that_ends_or_whose_time_is_over_frees_its_place() {
    let relay = relay_with_turn(|c| (c.precheck.checks_max, c.precheck.lifetime_ms_max) = (1, 6_000)).await;
    let ticket = relay.ticket(1, 1, "host");
    let first = firewalled(&relay).await;
    let (_, answer) = post(&relay, &ticket, &first.offer).await;
    let (status, problem) = post(&relay, &ticket, &first.offer).await;
    assert_eq!(status, 503, "one at a time: {problem}");
    first.connect(&answer).await;
    first.connection.close().await.unwrap();
    let second = firewalled(&relay).await;
    place(&relay, &ticket, &second.offer).await;
    // Nobody connects to that one: its time frees the place.
    place(&relay, &ticket, &second.offer).await;
}

#[tokio::test]
async fn what_is_no_check_is_refused_by_kind() {
    let relay = relay_with_turn(|c| (c.precheck.checks_per_ticket_max, c.precheck.sdp_bytes_max) = (0, 8_000)).await;
    let ticket = relay.ticket(1, 1, "guest");
    let data = "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\nm=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n";
    for (ticket, sdp, status) in [
        ("nonsense", data, 401),
        (&*ticket, "", 422),
        (&*ticket, "v=0", 422),
        (&*ticket, &*format!("{data}m=audio 9 UDP/TLS/RTP/SAVPF 111\r\n"), 422),
        (&*ticket, &*format!("{data}{}", "a=x\r\n".repeat(2_000)), 422),
        (&*ticket, data, 429),
    ] {
        let (got, problem) = post(&relay, ticket, sdp).await;
        assert_eq!(got, status, "{sdp:.60}: {problem}");
    }
    let none = crate::support::relay().await;
    assert_eq!(post(&none, &none.ticket(1, 1, "host"), data).await.0, 503, "without TURN there is nothing to try");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_offer_the_library_cannot_take_leaves_no_place_taken() {
    let relay = relay_with_turn(|c| c.precheck.checks_max = 1).await;
    let ticket = relay.ticket(1, 1, "host");
    let broken =
        "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\nm=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n";
    for _ in 0..3 {
        let (status, problem) = post(&relay, &ticket, broken).await;
        assert_eq!(status, 422, "{problem}");
    }
}

const DATA: &str =
    "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\nm=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n";

/// Asks until the check is refused in this way.
async fn refused(relay: &Relay, ticket: &str, status: u16) {
    let again = async {
        while post(relay, ticket, DATA).await.0 != status {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, again).await.expect("the ticket opens nothing any more");
}

#[tokio::test]
async fn a_ticket_that_was_taken_back_opens_no_check() {
    let relay = relay_with_turn(|_| {}).await;
    let ticket = relay.ticket(1, 20, "guest");
    assert_eq!(post(&relay, &ticket, DATA).await.0, 422, "good, but for the offer");
    relay.revoke(1, None, Some(20)).await;
    refused(&relay, &ticket, 401).await;
    assert_eq!(post(&relay, &relay.ticket(1, 21, "guest"), DATA).await.0, 422, "another person's is good");
}

#[tokio::test]
async fn somebody_who_was_sent_away_opens_no_check() {
    let relay = relay_with_turn(|_| {}).await;
    let mut host = relay.join(1, 1, "host").await;
    let guest = relay.join(1, 20, "guest").await;
    host.until("ring").await;
    host.say(json!({ "type": "kick", "peer": guest.peer })).await;
    refused(&relay, &relay.ticket(1, 20, "guest"), 401).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_person_takes_no_more_than_their_part_of_the_checks() {
    let relay = relay_with_turn(|c| (c.precheck.checks_max, c.precheck.checks_per_person_max) = (3, 2)).await;
    let (first, second) = (firewalled(&relay).await, firewalled(&relay).await);
    for browser in [&first, &second] {
        assert_eq!(post(&relay, &relay.ticket(1, 1, "host"), &browser.offer).await.0, 201);
    }
    let third = firewalled(&relay).await;
    let (status, problem) = post(&relay, &relay.ticket(2, 1, "host"), &third.offer).await;
    assert_eq!(status, 429, "a third ticket of the same person: {problem}");
    assert_eq!(post(&relay, &relay.ticket(1, 2, "host"), &third.offer).await.0, 201, "a place is left for others");
}
