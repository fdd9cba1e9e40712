//! The credentials that a person of a room is told of: what they reach, and how they end.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sanbao_platform::clock::Clock;
use sanbao_platform::nats::Nats;
use sanbao_platform::testing::sqlite;
use sanbao_signalling::Config;
use sanbao_signalling::cluster::spread;
use sanbao_signalling::turn::{Credentials, TurnControl, TurnGrant, TurnOrder, TurnScope, TurnServer};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::client::{Client, REALM, Running, SILENCE, config, credentials, echo_peer, start_with};
use crate::support::nats::NatsServers;
use crate::support::site::Site;
use crate::support::{self, PATIENCE, Relay, device, relay_with_turn};

/// The server of a relay, as a client of these tests finds it.
fn server_of(config: &Config, clock: Clock) -> Running {
    Running {
        address: config.turn.as_ref().unwrap().listen,
        tls: None,
        credentials: config.credentials(),
        clock,
        stop: CancellationToken::new(),
        task: tokio::spawn(async {}),
    }
}

async fn relay() -> (Relay, Running) {
    let relay = relay_with_turn(|c| REALM.clone_into(&mut c.turn_realm)).await;
    let server = server_of(&relay.config, relay.clock.clone());
    (relay, server)
}

/// The login that a message tells of.
fn login(message: &Value) -> (String, String) {
    let servers = message["ice_servers"].as_array().unwrap_or_else(|| panic!("no servers: {message}"));
    let turn = servers.iter().find(|server| server["username"].is_string()).unwrap();
    (turn["username"].as_str().unwrap().to_owned(), turn["credential"].as_str().unwrap().to_owned())
}

/// Somebody inside, and what `joined` told them.
async fn joined(relay: &Relay, ticket: &str) -> (support::Client, (String, String)) {
    let mut client = relay.hello(ticket).await;
    client.say(json!({ "type": "join", "elsewhere": "both" })).await;
    let joined = client.until("joined").await;
    (client, login(&joined))
}

/// Until what a client has is over.
async fn ended(client: &mut Client) {
    let over = async {
        while client.refresh(600).await == 200 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, over).await.expect("its allocation ends");
    assert_eq!(client.refresh(600).await, 401);
    assert_eq!(client.allocate().await.code, 401, "nothing is opened anew");
}

#[tokio::test]
async fn before_joined_nobody_is_reached_but_peers_of_checks() {
    let (relay, server) = relay().await;
    let waiting = relay.hello(&relay.ticket(1, 1, "host")).await;
    let (_doctor, room) = joined(&relay, &relay.ticket(1, 2, "clinician")).await;
    let mut check = Client::with(&server, login(&waiting.welcome)).await;
    let mut other = Client::tcp_with(&server, login(&waiting.welcome)).await;
    let mut inside = Client::with(&server, room).await;
    let (at_check, at_other, at_inside) = (check.relayed().await, other.relayed().await, inside.relayed().await);
    assert_eq!(check.permit("8.8.8.8:5000".parse().unwrap()).await, 403, "nobody of the internet");
    for peer in [at_inside, at_other] {
        assert_eq!(check.permit(peer).await, 200, "a permission has no port, and peers of checks are there too");
        assert_eq!(check.bind(0x4000, peer).await, 403);
    }
    assert_eq!((inside.permit(at_check).await, other.permit(at_check).await), (200, 200));
    check.indicate(at_inside, b"x").await;
    check.indicate(at_other, b"x").await;
    inside.indicate(at_check, b"x").await;
    for client in [&mut inside, &mut other, &mut check] {
        assert_eq!(client.data_within(SILENCE).await, None);
    }
}

#[tokio::test]
async fn what_joined_tells_reaches_the_others_over_udp_and_tcp_and_is_told_again_to_who_comes_back() {
    let (relay, server) = relay().await;
    let home = device(7);
    let mut host = relay.hello_from(&home, &relay.ticket(1, 1, "host")).await;
    assert_eq!(login(&host.welcome).0.rsplit('.').next(), Some("check"));
    host.say(json!({ "type": "join" })).await;
    let of_host = login(&host.until("joined").await);
    let (_doctor, of_doctor) = joined(&relay, &relay.ticket(1, 2, "clinician")).await;
    let (mut a, mut b) = (Client::with(&server, of_host.clone()).await, Client::tcp_with(&server, of_doctor).await);
    let (at_a, at_b) = (a.relayed().await, b.relayed().await);
    assert_eq!((a.permit(at_b).await, b.permit(at_a).await), (200, 200));
    a.indicate(at_b, b"hello").await;
    assert_eq!(b.data().await, (at_a, b"hello".to_vec()));
    let back = relay.resume(&host.resumable(&home), false).await;
    assert_eq!(login(&back.welcome).0.rsplit('.').next(), Some("room"), "{}", back.welcome);
    // The window's end is what stands in front.
    let ends = (relay.clock.now() + chrono::TimeDelta::hours(1)).timestamp();
    assert_eq!(of_host.0.split_once(':').unwrap().0, ends.to_string());
}

#[tokio::test]
async fn a_person_who_is_sent_away_loses_what_turn_gave_them_over_udp_and_tcp() {
    let (relay, server) = relay().await;
    let (mut host, of_host) = joined(&relay, &relay.ticket(1, 1, "host")).await;
    let (doctor, of_doctor) = joined(&relay, &relay.ticket(1, 2, "clinician")).await;
    let mut stays = Client::with(&server, of_host).await;
    let (mut udp, mut tcp) =
        (Client::with(&server, of_doctor.clone()).await, Client::tcp_with(&server, of_doctor).await);
    for client in [&mut stays, &mut udp, &mut tcp] {
        client.relayed().await;
    }
    host.say(json!({ "type": "kick", "peer": doctor.peer })).await;
    ended(&mut udp).await;
    ended(&mut tcp).await;
    assert_eq!(stays.refresh(600).await, 200);
    // A person who is let in again later has new ones.
    host.say(json!({ "type": "lift", "removal": 1 })).await;
    relay.clock.advance(Duration::from_secs(1));
    host.until("removed_list").await;
    let (_doctor, again) = joined(&relay, &relay.ticket(1, 2, "clinician")).await;
    Client::with(&server, again).await.relayed().await;
}

#[tokio::test]
async fn a_ticket_that_is_taken_back_takes_its_allocations_along() {
    let (relay, server) = relay().await;
    let ticket = relay.ticket(1, 2, "clinician");
    let (_doctor, of_doctor) = joined(&relay, &ticket).await;
    let (_other, by_another_ticket) = joined(&relay, &relay.ticket(1, 2, "clinician")).await;
    let mut udp = Client::with(&server, of_doctor.clone()).await;
    let mut other = Client::with(&server, by_another_ticket).await;
    udp.relayed().await;
    other.relayed().await;
    let claims: Value =
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(ticket.split('.').nth(1).unwrap()).unwrap()).unwrap();
    let id: Uuid = claims["jti"].as_str().unwrap().parse().unwrap();
    relay.revoke(1, Some(id), None).await;
    ended(&mut udp).await;
    assert_eq!(other.refresh(600).await, 200, "another ticket of the same person stands");
    // A room that nobody is in: the person who left kept their log-in.
    let (mut left, kept) = joined(&relay, &relay.ticket(9, 5, "host")).await;
    left.say(json!({ "type": "leave" })).await;
    let mut after = Client::tcp_with(&server, kept).await;
    after.relayed().await;
    relay.revoke(9, None, Some(5)).await;
    ended(&mut after).await;
}

#[tokio::test]
async fn a_relay_that_began_anew_still_knows_whom_the_room_sent_away() {
    let engine = sqlite();
    let mut settings = support::browser::site::with_turn();
    settings.turn_realm = REALM.to_owned();
    let mut before = support::relay_with(settings.clone(), engine.clone()).await;
    let (mut host, _) = joined(&before, &before.ticket(1, 1, "host")).await;
    let (doctor, of_doctor) = joined(&before, &before.ticket(1, 2, "clinician")).await;
    host.say(json!({ "type": "kick", "peer": doctor.peer })).await;
    host.until("removed_list").await;
    before.stop().await;
    let after = support::relay_with(settings, engine).await;
    let server = server_of(&after.config, after.clock.clone());
    let (_host, of_host) = joined(&after, &after.ticket(1, 1, "host")).await;
    Client::with(&server, of_host).await.relayed().await;
    assert_eq!(Client::with(&server, of_doctor).await.allocate().await.code, 401);
}

#[tokio::test]
async fn what_is_over_a_users_rate_is_dropped_over_udp_and_tcp() {
    let mut bounded = config(&["127.0.0.0/8"]);
    // It gains nothing in the time of a test.
    (bounded.limits.bytes_per_s_per_user_max, bounded.limits.bytes_burst_per_user_max) = (1, 3_000);
    let server = start_with(bounded);
    let peer = echo_peer("127.0.0.1:0").await;
    for mut client in [Client::udp(&server, "a").await, Client::tcp(&server, "b").await] {
        client.relayed().await;
        assert_eq!(client.permit(peer).await, 200);
        let mut echoes = 0;
        for _ in 0..6 {
            client.indicate(peer, &[7; 500]).await;
            echoes += u32::from(client.data_within(SILENCE).await.is_some());
        }
        assert!((1..=3).contains(&echoes), "what goes and what comes count: {echoes}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kick_at_one_node_ends_the_allocation_at_another() {
    let Some(mut site) = Site::start(1).await else { return };
    let mut with_turn = support::browser::site::with_turn();
    with_turn.turn_realm = REALM.to_owned();
    site.add(with_turn.clone()).await;
    let server = server_of(&with_turn, Clock::system());
    let mut host = site.join(0, 1, 1, "host").await;
    let mut doctor = site.client(1, 1, 2, "clinician");
    doctor.say(json!({ "type": "join" }));
    let mut client = Client::with(&server, login(&doctor.next("joined").await)).await;
    let peer = host.next("peer_joined").await["peer"].clone();
    client.relayed().await;
    host.say(json!({ "type": "kick", "peer": peer }));
    ended(&mut client).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_reaches_the_server_of_a_node_that_knows_nothing_of_the_room() {
    let Some(servers) = NatsServers::start(1) else { return };
    let (here, there, stop) = (TurnControl::default(), TurnControl::default(), CancellationToken::new());
    for (control, name) in [(&here, "here"), (&there, "there")] {
        let nats = Nats::connect(&servers.config(), name).await.unwrap();
        tokio::spawn(spread(nats, control.clone(), stop.clone()));
    }
    let clock = Clock::system();
    let server = TurnServer::bind(config(&[]), credentials(), clock.clone()).unwrap().obeying(there);
    let (address, credentials) = (server.local_addr(), credentials());
    let task = tokio::spawn(server.run(stop.clone()));
    let running = Running { address, tls: None, credentials: credentials.clone(), clock, stop, task };
    let grant = TurnGrant { subject: "1 2", ticket: Uuid::nil(), scope: TurnScope::Room, until: None };
    let login = credentials.grant(&grant, running.clock.now());
    let mut client = Client::with(&running, login).await;
    client.relayed().await;
    let order = async {
        // Until both have subscribed.
        for until_ms in running.clock.now().timestamp_millis().. {
            here.order(&TurnOrder::EndUser { name: name_of(&credentials), until_ms });
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::select! {
        () = ended(&mut client) => {}
        () = order => {}
    }
}

fn name_of(credentials: &Credentials) -> String {
    credentials.name_for("1 2")
}
