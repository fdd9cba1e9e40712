//! A consult over real WebSockets.

use crate::support::{config, device, person, relay, relay_with};
use sanbao_platform::testing::on_both;
use serde_json::json;

#[tokio::test]
async fn hello_join_offer_answer_candidate() {
    let relay = relay().await;
    let mut host = relay.join(1, 10, "host").await;
    let mut doctor = relay.join(1, 20, "clinician").await;
    let came = host.hear("peer_joined").await;
    assert_eq!((&came["peer"], &came["role"]), (&json!(doctor.peer), &json!("clinician")));

    doctor.say(json!({ "type": "offer", "id": "o1", "to": host.peer, "sdp": "v=0 offer" })).await;
    assert_eq!(doctor.hear("ok").await["re"], "o1");
    let offer = host.hear("offer").await;
    assert_eq!((&offer["from"], &offer["sdp"]), (&json!(doctor.peer), &json!("v=0 offer")));

    host.say(json!({ "type": "answer", "to": doctor.peer, "sdp": "v=0 answer" })).await;
    assert_eq!(doctor.hear("answer").await["sdp"], "v=0 answer");

    let candidate = json!({ "candidate": "candidate:1 1 udp 1 192.0.2.1 9 typ relay", "sdpMid": "0", "sdpMLineIndex": 0, "usernameFragment": "a" });
    host.say(json!({ "type": "candidate", "to": doctor.peer, "candidate": candidate })).await;
    let heard = doctor.hear("candidate").await;
    assert_eq!((&heard["candidate"], &heard["from"]), (&candidate, &json!(host.peer)));
}

#[tokio::test]
async fn welcome_says_all_that_a_client_needs() {
    let relay = relay().await;
    let ticket = relay.ticket_with(1, 10, "guest", json!({ "phone": "0574-00000000", "unknown": { "deep": [1] } }));
    let guest = relay.hello(&ticket).await;
    let w = &guest.welcome;
    assert_eq!(w["v"], 1);
    assert_eq!((&w["lobby"], &w["phone"]), (&json!(true), &json!("0574-00000000")));
    assert_eq!(
        w["you"],
        json!({
            "peer": guest.peer, "name": "guest 10", "role": "guest",
            "permissions": ["audio", "video", "chat", "observe"],
            "audio": false, "video": false, "screen": false, "hand": false, "away": false,
            "consent": { "recording": false, "transcription": false },
        })
    );
    assert_eq!(
        (&w["resumed"], &w["place"], &w["ack"], &w["seq"]),
        (&json!("new"), &json!("hall"), &json!(0), &json!(0))
    );
    assert_eq!(w["secret"].as_str().unwrap().len(), 43, "32 bytes");
    assert_eq!(w["room"]["people_max"], 6);
    assert_eq!(w["heartbeat"], json!({ "interval_ms": 25000, "timeout_ms": 60000 }));
    assert_eq!(w["limits"]["message_bytes_max"], 65536);
    assert_eq!(w["ice_servers"], json!([]));
}

#[tokio::test]
async fn a_guest_rings_and_is_admitted_or_refused() {
    let relay = relay().await;
    let mut host = relay.join(1, 10, "host").await;
    let mut guest = relay.join(1, 30, "guest").await;
    let ring = host.hear("ring").await;
    assert_eq!((&ring["peer"], &ring["name"]), (&json!(guest.peer), &json!("guest 30")));
    host.say(json!({ "type": "admit", "id": "a", "peer": guest.peer })).await;
    assert_eq!(host.hear("ok").await["re"], "a");
    assert_eq!(host.hear("ring_over").await["because"], "admitted");
    assert_eq!(host.hear("peer_joined").await["peer"], guest.peer.as_str());
    assert_eq!(guest.hear("joined").await["room"]["people"], 2);

    let mut other = relay.join(1, 40, "guest").await;
    host.hear("ring").await;
    host.say(json!({ "type": "refuse", "peer": other.peer })).await;
    other.hear("refused").await;
    assert_eq!(other.closed().await, Some(4101));
}

#[tokio::test]
async fn consults_do_not_hear_each_other() {
    let relay = relay().await;
    let mut here = relay.join(1, 10, "host").await;
    let mut there = relay.join(2, 20, "host").await;
    there.say(json!({ "type": "offer", "id": "x", "to": here.peer, "sdp": "s" })).await;
    assert_eq!(there.hear("error").await["code"], "no-such-peer");
    here.silence().await;
}

#[tokio::test]
async fn a_broken_connection_is_told_and_hanging_up_is_told_apart() {
    let relay = relay().await;
    let mut host = relay.join(1, 10, "host").await;
    let doctor = relay.join(1, 20, "clinician").await;
    host.hear("peer_joined").await;
    let peer = doctor.peer.clone();
    drop(doctor);
    let away = host.hear("peer_away").await;
    assert_eq!((&away["peer"], &away["since"]), (&json!(peer), &json!("2026-11-23T06:00:00Z")));
    relay.clock.advance(std::time::Duration::from_mins(1));
    let left = host.hear("peer_left").await;
    assert_eq!((&left["peer"], &left["because"]), (&json!(peer), &json!("dropped")));

    let mut doctor = relay.join(1, 20, "clinician").await;
    host.hear("peer_joined").await;
    doctor.say(json!({ "type": "leave", "id": "bye" })).await;
    doctor.hear("ok").await;
    assert_eq!(doctor.closed().await, Some(1000));
    assert_eq!(host.hear("peer_left").await["because"], "left");
}

#[tokio::test]
async fn finish_is_durable_and_told_as_events() {
    on_both(|engine| async move {
        let mut relay = relay_with(config(), engine.clone()).await;
        let mut host = relay.join(7, 10, "host").await;
        let mut doctor = relay.join(7, 20, "clinician").await;
        host.hear("peer_joined").await;
        relay.clock.advance(std::time::Duration::from_secs(61));
        doctor.say(json!({ "type": "finish" })).await;
        for client in [&mut host, &mut doctor] {
            let finished = client.hear("finished").await;
            assert_eq!((&finished["together_seconds"], &finished["by"]), (&json!(61), &json!("clinician 20")));
            assert_eq!(client.closed().await, Some(4100));
        }
        let events = relay.events(6).await;
        let seen: Vec<(&str, &serde_json::Value)> = events.iter().map(|e| (e.kind.as_str(), &e.data)).collect();
        let kinds: Vec<&str> = seen.iter().map(|(kind, _)| kind.strip_prefix("signalling.consult.").unwrap()).collect();
        assert_eq!(kinds, ["attendance", "attendance", "started", "attendance", "attendance", "finished"]);
        assert!(events.iter().all(|e| e.subject == person(7)));
        let started = json!({ "consult_id": person(7), "at": "2026-11-23T06:00:00Z" });
        assert_eq!(seen[2].1, &started);
        let came = json!({ "consult_id": person(7), "person": person(10), "role": "host", "change": "joined", "at": "2026-11-23T06:00:00Z" });
        assert_eq!(seen[0].1, &came);
        let over = json!({ "consult_id": person(7), "by": person(20), "at": "2026-11-23T06:01:01Z", "together_seconds": 61 });
        assert_eq!(seen[5].1, &over);

        // The visit stays finished for a process that never knew the room.
        relay.stop().await;
        let again = relay_with(config(), engine).await;
        let mut late = again.open().await;
        let hello = json!({ "type": "hello", "v": 1, "device": device(9), "ticket": again.ticket(7, 10, "host") });
        late.say_unnumbered(hello).await;
        assert_eq!(late.hear("error").await["code"], "finished");
        assert_eq!(late.closed().await, Some(4100));
    })
    .await;
}

#[tokio::test]
async fn control_characters_in_a_chat_are_left_out_and_the_record_goes_on() {
    on_both(|engine| async move {
        let relay = relay_with(config(), engine).await;
        let mut host = relay.join(7, 10, "host").await;
        let mut doctor = relay.join(7, 20, "clinician").await;
        host.hear("peer_joined").await;
        // No PostgreSQL takes a NUL in text or in jsonb.
        doctor.say(json!({ "type": "chat", "text": "a\u{0}b\u{1b}c\r\nd\te\u{85}" })).await;
        assert_eq!(host.hear("chat").await["text"], "abc\nd\te");
        doctor.hear("chat").await;
        doctor.say(json!({ "type": "chat", "text": " \u{0}\u{7f}" })).await;
        assert_eq!(doctor.hear("error").await["code"], "bad-message");
        doctor.say(json!({ "type": "finish" })).await;
        doctor.hear("finished").await;
        let events = relay.events(7).await;
        let of = |kind: &str| events.iter().find(|e| e.kind == format!("signalling.consult.{kind}"));
        assert_eq!(of("chat").unwrap().data["text"], "abc\nd\te");
        assert!(of("finished").is_some());
    })
    .await;
}

#[tokio::test]
async fn on_drain_clients_are_told_to_move_and_to_try_again() {
    let mut relay = relay().await;
    let mut host = relay.join(1, 10, "host").await;
    let mut silent = relay.open().await;
    relay.stop().await;
    host.hear("move").await;
    assert_eq!(host.closed().await, Some(4000));
    assert_eq!(silent.closed().await, Some(4000));
}

#[tokio::test]
async fn a_lobby_wait_ends_after_its_bound() {
    let mut config = config();
    config.limits.room.lobby_wait_ms_max = 60_000;
    let relay = relay_with(config, sanbao_platform::testing::sqlite()).await;
    let mut host = relay.join(1, 10, "host").await;
    let mut guest = relay.join(1, 30, "guest").await;
    host.hear("ring").await;
    relay.clock.advance(std::time::Duration::from_mins(1));
    assert_eq!(guest.hear("error").await["code"], "lobby-timeout");
    assert_eq!(guest.closed().await, Some(4005));
    assert_eq!(host.hear("ring_over").await["because"], "expired");
}
