//! Each limit crossed one by one, and each kind of bad input: a typed answer, and the room unharmed.

use std::time::Duration;

use crate::support::{PATIENCE, Relay, claims, device, relay, relay_config as with};
use chrono::TimeDelta;
use futures_util::SinkExt as _;
use sanbao_platform::config::RootSecret;
use serde_json::json;
use tokio_tungstenite::tungstenite::Message;

#[tokio::test]
async fn each_bad_ticket_has_its_own_error_and_close() {
    let relay = relay().await;
    let now = relay.clock.now();
    let hour = TimeDelta::hours(1);
    let good = || claims(1, 10, "host", json!({}));
    let with = |more| claims(1, 10, "host", more);
    let sign = |purpose: &str, audience: &str, from, to, c| relay.sign(purpose, audience, from, to, &c);
    let foreign_keys = RootSecret::from_bytes([7; 32]).keys().unwrap();
    let scope = sanbao_platform::auth::Scope {
        purpose: "ticket",
        audience: "signalling",
        not_before: now,
        expires: now + hour,
    };
    let forged = foreign_keys.sign(scope, now, &good()).unwrap();
    let mut altered = relay.ticket(1, 10, "host");
    altered.replace_range(altered.len() - 6.., "AAAAAA");
    let unsigned = "eyJ0eXAiOiJ0aWNrZXQiLCJhbGciOiJub25lIn0.e30.".to_owned();
    for (what, ticket, error, close) in [
        ("expired", sign("ticket", "signalling", now - hour * 2, now - hour, good()), "ticket-expired", 4103),
        ("early", sign("ticket", "signalling", now + hour, now + hour * 2, good()), "ticket-not-yet-valid", 4104),
        ("audience", sign("ticket", "booking", now, now + hour, good()), "ticket-foreign", 4102),
        ("purpose", sign("at+jwt", "signalling", now, now + hour, good()), "ticket-foreign", 4102),
        ("forged", forged, "ticket-wrong-key", 4102),
        ("altered", altered, "ticket-wrong-key", 4102),
        ("unsigned", unsigned, "ticket-malformed", 4102),
        ("rubbish", "rubbish".to_owned(), "ticket-malformed", 4102),
        ("empty", String::new(), "ticket-malformed", 4102),
        ("long", "a.".repeat(10_000), "ticket-malformed", 4102),
        (
            "role",
            sign("ticket", "signalling", now, now + hour, with(json!({ "role": "king" }))),
            "ticket-malformed",
            4102,
        ),
        (
            "consult",
            sign("ticket", "signalling", now, now + hour, with(json!({ "consult": "1" }))),
            "ticket-malformed",
            4102,
        ),
        (
            "no lobby",
            sign("ticket", "signalling", now, now + hour, with(json!({ "lobby": null }))),
            "ticket-malformed",
            4102,
        ),
    ] {
        let mut client = relay.open().await;
        let hello = json!({ "type": "hello", "id": "h", "v": 1, "device": device(1), "ticket": ticket });
        client.say_unnumbered(hello).await;
        let answer = client.hear("error").await;
        assert_eq!((answer["code"].as_str(), answer["re"].as_str()), (Some(error), Some("h")), "{what}");
        assert_eq!(client.closed().await, Some(close), "{what}");
    }
}

#[tokio::test]
async fn the_first_message_must_be_hello_of_this_version() {
    let relay = relay().await;
    let ticket = relay.ticket(1, 10, "host");
    for (first, error) in [
        (json!({ "type": "join", "id": "1", "seq": 1 }), "hello-expected"),
        (json!({ "type": "hello", "id": "1", "v": 2, "device": device(1), "ticket": ticket }), "unsupported-version"),
        (json!({ "type": "hello", "id": "1", "v": 1, "device": device(1) }), "bad-message"),
        (json!({ "type": "hello", "id": "1", "v": 1, "ticket": ticket }), "bad-message"),
        (json!({ "type": "helo", "id": "1" }), "unknown-type"),
    ] {
        let mut client = relay.open().await;
        client.say_unnumbered(first).await;
        let answer = client.hear("error").await;
        assert_eq!((answer["code"].as_str(), answer["re"].as_str()), (Some(error), Some("1")));
        assert_eq!(client.closed().await, Some(4106));
    }
}

#[tokio::test]
async fn who_says_nothing_is_closed_in_time() {
    let relay = with(|c| c.limits.hello_wait_ms_max = 100).await;
    let mut client = relay.open().await;
    assert_eq!(client.hear("error").await["code"], "hello-expected");
    assert_eq!(client.closed().await, Some(4001));
}

#[tokio::test]
async fn who_goes_silent_is_given_up() {
    let relay = with(|c| {
        c.limits.heartbeat.interval_ms = 500;
        c.limits.heartbeat.timeout_ms = 3_000;
    })
    .await;
    let mut talker = relay.join(1, 10, "host").await;
    // In a task of its own: reading answers the pings, whatever this one waits for.
    let talking = tokio::spawn(async move { talker.until("peer_away").await });
    let mut silent = relay.join(1, 20, "clinician").await; // its socket is not read, so pings stay unanswered
    let away = talking.await.unwrap();
    assert_eq!(away["peer"], json!(silent.peer));
    assert_eq!(silent.closed().await, Some(4002));
}

#[tokio::test]
async fn after_bad_messages_the_connection_goes_on() {
    let relay = relay().await;
    let mut host = relay.join(1, 10, "host").await;
    let nobody = "00000000-0000-0000-0000-000000000000";
    for (message, error) in [
        (json!({ "type": "dance", "id": "a" }), "unknown-type"),
        (json!({ "type": "admit", "id": "a", "peer": "x" }), "bad-message"),
        (json!({ "type": "join", "id": "a" }), "already-joined"),
        (
            json!({ "type": "offer", "id": "a", "to": nobody, "sdp": "'; drop table consult_room; --<script>" }),
            "no-such-peer",
        ),
    ] {
        host.say(message.clone()).await;
        let answer = host.hear("error").await;
        assert_eq!((&answer["code"], &answer["re"]), (&json!(error), &json!("a")), "{message}");
    }
    host.say_unnumbered(json!({ "type": "ping" })).await;
    host.hear("pong").await;
}

#[tokio::test]
async fn without_its_number_a_message_ends_the_connection_and_the_session_goes_on() {
    let relay = relay().await;
    for (text, error) in [
        ("{".to_owned(), "bad-message"),
        (json!({ "type": "hand", "up": true }).to_string(), "bad-message"),
        (json!({ "type": "hand", "up": true, "seq": 9 }).to_string(), "sequence-gap"),
        (json!({ "type": "hello", "v": 1, "device": device(1), "ticket": "x" }).to_string(), "hello-expected"),
        (json!({ "type": "ack", "ack": 1_000 }).to_string(), "bad-message"),
    ] {
        let ticket = relay.ticket(1, 10, "host");
        let mut host = relay.hello_from(&device(1), &ticket).await;
        let kept = host.resumable(&device(1));
        host.send(Message::Text(text.clone().into())).await;
        let answer = host.hear("error").await;
        assert_eq!((&answer["code"], answer.get("seq")), (&json!(error), None), "{text}");
        assert_eq!(host.closed().await, Some(4106), "{text}");
        let again = relay.resume(&kept, false).await;
        assert_eq!(again.welcome["resumed"], "exact", "{text}");
    }
}

#[tokio::test]
async fn a_message_over_the_limit_is_refused_and_one_just_under_it_passes() {
    let relay = relay().await;
    let mut host = relay.join(1, 10, "host").await;
    let mut doctor = relay.join(1, 20, "clinician").await;
    host.hear("peer_joined").await;
    let frame = |seq: u64, len: usize| {
        let head = format!(r#"{{"type":"offer","seq":{seq},"to":"{}","sdp":""#, host.peer);
        format!("{head}{}\"}}", "x".repeat(len - head.len() - 2))
    };
    let (fits, over) = (frame(2, 65_536), frame(3, 65_537));
    doctor.send(Message::Text(fits.into())).await;
    assert!(host.hear("offer").await["sdp"].as_str().unwrap().len() > 65_000);
    doctor.send(Message::Text(over.into())).await;
    assert_eq!(doctor.hear("error").await["code"], "message-too-large");
    assert_eq!(doctor.closed().await, Some(4107));
    host.hear("peer_away").await;
}

#[tokio::test]
async fn a_flood_is_told_and_closed_and_the_room_lives_on() {
    let relay = with(|c| {
        c.limits.client.messages_per_s_max = 1;
        c.limits.client.messages_burst_max = 5;
    })
    .await;
    let mut host = relay.join(1, 10, "host").await;
    let mut flood = relay.join(1, 20, "clinician").await;
    host.hear("peer_joined").await;
    for _ in 0..4 {
        flood.say_unnumbered(json!({ "type": "ping" })).await;
        flood.hear("pong").await;
    }
    // The burst is used up. A slow machine gives a message back for each second, and no more: so many at once are
    // beyond it anyhow.
    for _ in 0..100 {
        flood.socket.feed(Message::text(json!({ "type": "ping" }).to_string())).await.unwrap();
    }
    flood.socket.flush().await.unwrap();
    assert_eq!(flood.until("error").await["code"], "rate-limited");
    assert_eq!(flood.closed().await, Some(4108));
    host.hear("peer_away").await;
}

/// The headers that a WebSocket asks with, besides its subprotocol.
const UPGRADE: [(&str, &str); 4] = [
    ("connection", "upgrade"),
    ("upgrade", "websocket"),
    ("sec-websocket-version", "13"),
    ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
];

async fn handshake(relay: &Relay, headers: &[(&str, &str)]) -> reqwest::Response {
    let client = crate::support::http();
    let mut request = client.get(format!("http://{}/v1/signal", relay.address));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.send().await.unwrap()
}

#[tokio::test]
async fn the_handshake_is_refused_to_other_sites_and_without_the_subprotocol() {
    let relay = with(|c| c.origins = vec!["https://care.example".to_owned()]).await;
    let own = format!("http://{}", relay.address);
    for (protocol, origin, status) in [
        (Some("sanbao.signal.v1"), None, 101),
        (Some("other, sanbao.signal.v1"), Some(own.as_str()), 101),
        (Some("sanbao.signal.v1"), Some("https://care.example"), 101),
        (Some("sanbao.signal.v1"), Some("https://evil.example"), 403),
        (Some("sanbao.signal.v1"), Some("null"), 403),
        (Some("sanbao.signal.v2"), None, 400),
        (None, None, 400),
    ] {
        let mut headers = UPGRADE.to_vec();
        headers.extend(protocol.map(|p| ("sec-websocket-protocol", p)));
        headers.extend(origin.map(|o| ("origin", o)));
        assert_eq!(handshake(&relay, &headers).await.status().as_u16(), status, "{protocol:?} {origin:?}");
    }
    assert_eq!(handshake(&relay, &[]).await.status(), 400, "not a WebSocket at all");
}

#[tokio::test]
async fn connections_and_rooms_are_bounded() {
    let relay = with(|c| {
        c.limits.connections_max = 2;
        c.limits.rooms_max = 1;
    })
    .await;
    let _first = relay.join(1, 10, "host").await;
    let mut second = relay.open().await;
    assert_eq!(relay.try_open().await.err(), Some(503));
    let hello = json!({ "type": "hello", "v": 1, "device": device(2), "ticket": relay.ticket(2, 20, "host") });
    second.say_unnumbered(hello).await;
    assert_eq!(second.hear("error").await["code"], "busy");
    assert_eq!(second.closed().await, Some(4004));
    drop(second);
    // Its place is free again, once the relay has seen it go.
    let mut third = relay.open_when_free().await;
    third.hello(&device(3), &relay.ticket(1, 30, "clinician")).await;
}

#[tokio::test]
async fn one_address_holds_so_many_places_before_its_welcome_and_no_more() {
    let relay = with(|c| c.limits.arrivals_per_address_max = 3).await;
    let mut welcome = Vec::new();
    for n in 0..5 {
        welcome.push(relay.join(1, 10 + n, "clinician").await); // these no longer count
    }
    let mut silent = Vec::new();
    for _ in 0..3 {
        silent.push(relay.open().await);
    }
    let mut headers = UPGRADE.to_vec();
    headers.push(("sec-websocket-protocol", "sanbao.signal.v1"));
    let refused = handshake(&relay, &headers).await;
    assert_eq!((refused.status().as_u16(), refused.headers()["retry-after"].to_str().unwrap()), (429, "1"));
    // One says hello, which makes room for another.
    silent[0].hello(&device(1), &relay.ticket(2, 20, "host")).await;
    silent.push(relay.open_when_free().await);
    assert_eq!(relay.try_open().await.err(), Some(429));
    // And one goes.
    drop(silent.pop());
    relay.open_when_free().await;
}

#[tokio::test]
async fn an_empty_room_is_forgotten_with_whom_it_admitted() {
    let relay = with(|c| c.limits.room_idle_ms_max = 60_000).await;
    let mut host = relay.join(1, 10, "host").await;
    let mut guest = relay.join(1, 30, "guest").await;
    host.hear("ring").await;
    host.say(json!({ "type": "admit", "peer": guest.peer })).await;
    guest.hear("joined").await;
    for client in [&mut host, &mut guest] {
        client.say(json!({ "type": "leave" })).await;
        client.closed().await;
    }
    relay.clock.advance(Duration::from_secs(30));
    let sweeps = || tokio::time::sleep(Duration::from_millis(700));
    sweeps().await;
    let mut back = relay.hello(&relay.ticket(1, 30, "guest")).await;
    assert_eq!(back.welcome["lobby"], false, "still remembered");
    let forgotten = async {
        while back.welcome["lobby"] == false {
            back.say(json!({ "type": "leave" })).await;
            back.closed().await;
            relay.clock.advance(Duration::from_mins(1));
            sweeps().await;
            back = relay.hello(&relay.ticket(1, 30, "guest")).await;
        }
    };
    tokio::time::timeout(PATIENCE, forgotten).await.unwrap();
}

#[tokio::test]
async fn bytes_have_a_budget_of_their_own() {
    let relay = with(|c| {
        c.limits.client.bytes_burst_max = 10_000;
        c.limits.client.bytes_per_s_max = 1;
    })
    .await;
    let mut host = relay.join(1, 10, "host").await;
    let mut flood = relay.join(1, 20, "clinician").await;
    host.hear("peer_joined").await;
    let big = "x".repeat(6_000);
    flood.say(json!({ "type": "message", "to": host.peer, "data": big })).await;
    host.hear("message").await;
    flood.say(json!({ "type": "message", "to": host.peer, "data": big })).await;
    assert_eq!(flood.hear("error").await["code"], "rate-limited");
    assert_eq!(flood.closed().await, Some(4108));
}

#[tokio::test]
async fn a_socket_that_takes_nothing_is_given_up_though_little_waits_for_it() {
    let relay = with(|c| {
        c.limits.write_wait_ms_max = 300;
        c.limits.heartbeat.interval_ms = 400;
        c.limits.client.messages_burst_max = 100_000;
        c.limits.client.bytes_burst_max = u32::MAX;
        c.limits.room.unread_messages_max = usize::MAX;
        c.limits.room.unread_bytes_max = usize::MAX;
        c.limits.room.unread_room_bytes_max = usize::MAX;
    })
    .await;
    let mut host = relay.join(1, 10, "host").await;
    let slow = relay.join(1, 20, "clinician").await; // never reads again
    host.hear("peer_joined").await;
    let big = "x".repeat(60_000);
    for _ in 0..400 {
        host.say(json!({ "type": "message", "to": slow.peer, "data": big })).await;
    }
    assert_eq!(host.hear("peer_away").await["peer"], json!(slow.peer));
}

#[tokio::test]
async fn a_crowd_of_facts_shorter_than_a_sweep_stops_nobody_for_longer() {
    // Every fact is one too many, until it is written a moment later.
    let relay = with(|c| c.limits.facts_queue_max = 0).await;
    for n in 0..4 {
        let mut host = relay.join(n, 10, "host").await;
        host.say(json!({ "type": "chat", "text": "在吗" })).await;
        host.hear("chat").await;
        host.say_unnumbered(json!({ "type": "ping" })).await;
        host.hear("pong").await;
    }
}

#[tokio::test]
async fn the_same_person_on_a_second_device_is_asked_what_to_do() {
    let relay = relay().await;
    let mut first = relay.join(1, 10, "host").await;
    let mut second = relay.hello(&relay.ticket(1, 10, "host")).await;
    second.say(json!({ "type": "join", "id": "j" })).await;
    let asked = second.hear("error").await;
    assert_eq!((&asked["code"], &asked["re"]), (&json!("elsewhere"), &json!("j")));
    assert_eq!(asked["detail"]["since"], "2026-11-23T06:00:00Z");
    first.silence().await; // nothing has happened

    let mut third = relay.hello(&relay.ticket(1, 10, "host")).await;
    third.say(json!({ "type": "join", "elsewhere": "both" })).await;
    third.hear("joined").await;
    first.hear("peer_joined").await;

    second.say(json!({ "type": "join", "elsewhere": "take_over" })).await;
    assert_eq!(second.hear("joined").await["room"]["people"], 1);
    for older in [&mut first, &mut third] {
        assert_eq!(older.closed().await, Some(4105));
    }
}
