//! Rooms on several nodes of one process each, over a real `nats-server`.

use std::time::Duration;

use crate::support::site::Site;
use crate::support::steady::Counts;
use futures_util::{SinkExt as _, StreamExt as _};
use sanbao_platform::bus::{Outbox, publish};
use sanbao_platform::clock::Clock;
use sanbao_platform::config::Secret;
use sanbao_signalling::id::ConsultId;
use sanbao_signalling::log::{JetStreamLimits, JetStreamLog, Position, RoomLog as _};
use sanbao_signalling::{Config, NAME};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::protocol::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};
use uuid::Uuid;

/// Nothing takes longer; a wait that does has failed.
const PATIENCE: Duration = Duration::from_secs(90);

fn text(n: u32) -> Value {
    json!({ "type": "message", "data": { "n": n } })
}

#[tokio::test(flavor = "multi_thread")]
async fn two_on_two_nodes_are_in_one_room() {
    let Some(site) = Site::start(2).await else { return };
    let mut host = site.join(0, 1, 1, "host").await;
    let mut doctor = site.join(1, 1, 2, "clinician").await;
    let joined = host.next("peer_joined").await;
    assert_eq!(joined["name"], "clinician 2", "{joined}");
    for n in 0..100 {
        host.say(text(n));
        doctor.say(text(n));
    }
    for n in 0..100 {
        assert_eq!(doctor.next("message").await["data"]["n"], n);
        assert_eq!(host.next("message").await["data"]["n"], n);
    }
    site.nothing_lost();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_goes_on_at_another_node_with_exactly_what_it_missed() {
    let mut config = Config::new(Secret("test".to_owned()));
    config.limits.client.messages_burst_max = 1_000;
    let Some(mut site) = Site::start_with(3, config).await else { return };
    let mut host = site.join(0, 1, 1, "host").await;
    let mut doctor = site.join(1, 1, 2, "clinician").await;
    for n in 0..300 {
        host.say(text(n));
        doctor.say(text(n));
        if n == 100 {
            // Its clients are told to move, and the node goes.
            site.nodes[1].stop().await;
        }
        // Now and then many at once, and many are under way when the node goes.
        if n % 40 == 39 {
            tokio::time::sleep(Duration::from_millis(120)).await;
        }
    }
    for n in 0..300 {
        assert_eq!(doctor.next("message").await["data"]["n"], n);
        assert_eq!(host.next("message").await["data"]["n"], n);
    }
    site.nothing_lost();
    assert_eq!(Counts::of(&site.counts.moves), 1);
    assert_eq!(Counts::of(&site.counts.snapshots), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_was_away_for_a_while_has_lost_nothing_that_was_acknowledged() {
    let Some(mut site) = Site::start(2).await else { return };
    let mut host = site.join(0, 1, 1, "host").await;
    let mut doctor = site.join(1, 1, 2, "clinician").await;
    for n in 0..600 {
        host.say(text(n));
        doctor.say(text(n));
        match n {
            100 => site.servers.kill(0),
            200 => site.servers.restart(0),
            _ => {}
        }
        tokio::time::sleep(Duration::from_millis(3)).await;
    }
    for n in 0..600 {
        assert_eq!(doctor.next("message").await["data"]["n"], n);
        assert_eq!(host.next("message").await["data"]["n"], n);
    }
    site.nothing_lost();
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_log_is_away_for_long_clients_are_told_to_try_again_and_nothing_is_half_done() {
    let Some(mut site) = Site::start(2).await else { return };
    let mut host = site.join(0, 1, 1, "host").await;
    let mut doctor = site.join(1, 1, 2, "clinician").await;
    site.servers.kill(0);
    for n in 0..20 {
        host.say(text(n));
        doctor.say(text(n));
    }
    let told = async {
        while Counts::of(&site.counts.refused) < 4 {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(PATIENCE, told).await.unwrap();
    site.servers.restart(0);
    for n in 0..20 {
        assert_eq!(doctor.next("message").await["data"]["n"], n);
        assert_eq!(host.next("message").await["data"]["n"], n);
    }
    site.nothing_lost();
}

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// Says hello with a ticket at a node; the socket, and the first message that comes back.
async fn hello(site: &Site, node: usize, ticket: &str, device: &str) -> (Socket, Value) {
    let address = site.nodes[node].address;
    let mut request = format!("ws://{address}/v1/signal").into_client_request().unwrap();
    request.headers_mut().insert("sec-websocket-protocol", "sanbao.signal.v1".parse().unwrap());
    let (mut socket, _) = tokio_tungstenite::connect_async(request).await.unwrap();
    let hello = json!({ "type": "hello", "v": 1, "ticket": ticket, "device": device });
    socket.send(Message::text(hello.to_string())).await.unwrap();
    let first = read(&mut socket).await;
    (socket, first)
}

/// The next message on a socket.
async fn read(socket: &mut Socket) -> Value {
    loop {
        match socket.next().await.unwrap().unwrap() {
            Message::Text(text) => return serde_json::from_str(&text).unwrap(),
            Message::Close(close) => panic!("{close:?}"),
            _ => {}
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_removed_at_one_node_enters_at_none() {
    let Some(site) = Site::start(3).await else { return };
    let mut host = site.join(0, 1, 1, "host").await;
    let mut guest = site.client(1, 1, 2, "guest");
    guest.say(json!({ "type": "join", "audio": true, "video": true }));
    guest.next("lobby").await;
    let peer = host.next("ring").await["peer"].clone();
    host.say(json!({ "type": "admit", "peer": peer }));
    guest.next("joined").await;
    host.say(json!({ "type": "kick", "peer": peer }));
    let left = host.next("peer_left").await;
    assert_eq!((&left["peer"], left["because"].as_str()), (&peer, Some("removed")));
    for node in 0..3 {
        let ticket = site.ticket(1, 2, "guest");
        let (_, answer) = hello(&site, node, &ticket, "another-device-of-theirs").await;
        assert_eq!((answer["type"].as_str(), answer["code"].as_str()), (Some("error"), Some("removed")), "{answer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_nodes_that_open_a_room_at_once_open_one() {
    let Some(site) = Site::start(3).await else { return };
    for round in 0..10 {
        let consult = 100 + round;
        let (mut one, mut two, mut three) = tokio::join!(
            site.join(0, consult, 1, "host"),
            site.join(1, consult, 2, "clinician"),
            site.join(2, consult, 3, "clinician"),
        );
        one.say(text(1));
        two.say(text(2));
        three.say(text(3));
        for client in [&mut one, &mut two, &mut three] {
            let heard =
                [client.next("message").await["data"]["n"].clone(), client.next("message").await["data"]["n"].clone()];
            assert_ne!(heard[0], heard[1]);
        }
    }
    site.nothing_lost();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_room_is_snapshotted_its_log_stays_short_and_a_newcomer_knows_all() {
    let mut config = Config::new(Secret("test".to_owned()));
    (config.cluster.driver.snapshot_entries, config.cluster.driver.tail_check_ms) = (40, 500);
    config.limits.room.away_ms_max = 10_000;
    let Some(mut site) = Site::start_with(3, config).await else { return };
    let mut host = site.join(0, 1, 1, "host").await;
    let mut doctor = site.join(1, 1, 2, "clinician").await;
    for n in 0..400 {
        host.say(json!({ "type": "chat", "text": format!("line {n}") }));
        doctor.say(text(n));
        doctor.next("chat").await;
        host.next("message").await;
    }
    let log = JetStreamLog::open(site.servers.connect().await, JetStreamLimits::default()).await.unwrap();
    let room = ConsultId(Uuid::from_u128(1));
    let short = async {
        while log.read(room, Position::START).await.unwrap().len() > 200 {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(PATIENCE, short).await.unwrap();
    // A node that never held the room goes on from the snapshot: exactly, for a session that moves there…
    site.nodes[1].stop().await;
    host.say(text(1000));
    assert_eq!(doctor.next("message").await["data"]["n"], 1000);
    // …and whole, for somebody new.
    let mut guest = site.client(2, 1, 3, "clinician");
    guest.say(json!({ "type": "join", "audio": true, "video": true }));
    let joined = guest.next("joined").await;
    let chat = joined["room"]["chat"].as_array().unwrap();
    assert_eq!(chat.last().unwrap()["text"], "line 399");
    site.nothing_lost();
    assert_eq!(Counts::of(&site.counts.snapshots), 0);
    // When everybody is gone, there is nothing to keep but how the room stands.
    drop((host, doctor, guest));
    let shorter = async {
        while log.read(room, Position::START).await.unwrap().len() > 2 {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(PATIENCE, shorter).await.unwrap();
}

fn impatient() -> Config {
    let mut config = Config::new(Secret("test".to_owned()));
    config.limits.room.away_ms_max = 1_000;
    (config.cluster.heartbeat_ms, config.cluster.silent_ms_max, config.cluster.adopt_every_ms) = (200, 2_000, 300);
    config
}

#[tokio::test(flavor = "multi_thread")]
async fn who_was_on_a_node_that_died_is_away_and_then_gone() {
    let Some(mut site) = Site::start_with(2, impatient()).await else { return };
    let mut host = site.join(0, 1, 1, "host").await;
    let doctor = site.join(1, 1, 2, "clinician").await;
    let peer = host.next("peer_joined").await["peer"].clone();
    site.nodes[1].kill();
    drop(doctor);
    assert_eq!(host.next("peer_away").await["peer"], peer);
    let left = host.next("peer_left").await;
    assert_eq!((&left["peer"], left["because"].as_str()), (&peer, Some("dropped")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_room_whose_only_node_died_is_looked_after_by_another() {
    let Some(mut site) = Site::start_with(2, impatient()).await else { return };
    let host = site.join(1, 1, 1, "host").await;
    let doctor = site.join(1, 1, 2, "clinician").await;
    site.nodes[1].kill();
    drop((host, doctor));
    let both_left = async {
        loop {
            let attendance = told(&site, "signalling.consult.attendance", 2).await;
            if attendance.iter().filter(|event| event["change"] == "left").count() == 2 {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(PATIENCE, both_left).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn who_acknowledges_a_few_large_messages_is_not_taken_for_a_slow_reader() {
    let mut config = Config::new(Secret("test".to_owned()));
    // The load is more than anybody may say at once; what is unread is bounded as ever.
    (config.limits.client.bytes_per_s_max, config.limits.client.bytes_burst_max) = (16 << 20, 16 << 20);
    let Some(site) = Site::start_with(2, config).await else { return };
    let host = site.join(0, 1, 1, "host").await;
    // Says nothing more, so that nothing carries its acknowledgements but `ack`.
    let mut doctor = site.join(1, 1, 2, "clinician").await;
    let large = "x".repeat(60_000);
    for n in 0..100 {
        host.say(json!({ "type": "message", "data": { "n": n, "large": large } }));
        assert_eq!(doctor.next("message").await["data"]["n"], n);
        // An acknowledgement waits for 40 ms at most.
        if n % 5 == 4 {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
    site.nothing_lost();
    assert_eq!((Counts::of(&site.counts.snapshots), Counts::of(&site.counts.resumes)), (0, 0), "{:?}", site.counts);
}

/// The events of a kind that the nodes have told, once there are so many.
async fn told(site: &Site, kind: &str, count: usize) -> Vec<Value> {
    let outbox = Outbox::new(NAME, site.deps.db.clone());
    let told = async {
        loop {
            let events = outbox.read(0, 1_000).await.unwrap();
            let events: Vec<Value> = events.into_iter().filter(|e| e.kind == kind).map(|e| e.data).collect();
            if events.len() >= count {
                return events;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(PATIENCE, told).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_connection_adds_up_of_its_line_is_kept_although_its_node_goes() {
    let Some(mut site) = Site::start(1).await else { return };
    let _host = site.join(0, 1, 1, "host").await;
    let ticket = site.ticket(1, 2, "clinician");
    let (mut socket, welcome) = hello(&site, 0, &ticket, "a-device-that-takes-its-time").await;
    let sample = json!({ "peer": welcome["peer"], "direction": "in", "kind": "audio", "rtt_ms": 60, "loss": 0.0 });
    let report = json!({ "type": "quality", "samples": [sample] });
    socket.send(Message::text(report.to_string())).await.unwrap();
    while read(&mut socket).await["type"] != "quality_line" {}
    // It is told to move and takes its time; its last words come while the node goes.
    let leaves = async {
        while read(&mut socket).await["type"] != "move" {}
        tokio::time::sleep(Duration::from_secs(1)).await;
        socket.close(None).await.unwrap();
    };
    tokio::join!(site.nodes[0].stop(), leaves);
    assert_eq!(told(&site, "signalling.consult.quality", 1).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ticket_that_is_taken_back_opens_nothing_at_any_node() {
    let Some(site) = Site::start(3).await else { return };
    let mut host = site.join(0, 1, 1, "host").await;
    let ticket = site.ticket(1, 2, "clinician");
    let (_doctor, welcome) = hello(&site, 1, &ticket, "a-device-of-the-doctor").await;
    assert_eq!(welcome["type"], "welcome", "{welcome}");
    let (consult, now) = (Uuid::from_u128(1), Clock::system().now());
    let data = json!({ "consult_id": consult, "ticket": null, "person": Uuid::from_u128(2) });
    let mut tx = site.booking.begin().await.unwrap();
    publish(&mut tx, now, "booking.consult.ticket_revoked", consult, &data).await.unwrap();
    tx.commit().await.unwrap();
    for node in 0..3 {
        let refused = async {
            loop {
                let (_, answer) = hello(&site, node, &ticket, "a-device-of-the-doctor").await;
                if answer["type"] == "error" {
                    return answer;
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        let answer = tokio::time::timeout(PATIENCE, refused).await.unwrap();
        assert_eq!(answer["code"], "ticket-revoked", "{answer}");
    }
    host.say(json!({ "type": "chat", "text": "…" }));
    host.next("chat").await;
}
