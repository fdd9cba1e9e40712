//! Reports of lines and devices over real sockets: who is told, and what the record keeps.

use crate::support::{Client, Relay, person, relay};
use serde_json::{Value, json};

async fn report(client: &mut Client, about: &str, loss: f64) {
    let sample =
        |direction: &str| json!({"peer": about, "direction": direction, "kind": "audio", "rtt_ms": 60, "loss": loss});
    client.say_unnumbered(json!({ "type": "quality", "samples": [sample("in"), sample("out")] })).await;
}

/// Events of a kind, once there are so many.
async fn told(relay: &Relay, kind: &str, count: usize) -> Vec<Value> {
    for all in 1.. {
        let events = relay.events(all).await;
        let of_kind: Vec<Value> = events.iter().filter(|e| e.kind == kind).map(|e| e.data.clone()).collect();
        if of_kind.len() >= count {
            return of_kind;
        }
    }
    Vec::new()
}

#[tokio::test]
async fn a_bad_line_is_told_to_its_owner_and_to_those_with_control() {
    let relay = relay().await;
    let mut host = relay.join(1, 1, "host").await;
    let mut clinician = relay.join(1, 2, "clinician").await;
    host.until("peer_joined").await;
    let peer = host.peer.clone();
    report(&mut clinician, &peer, 0.4).await;
    let own = clinician.until("quality_line").await;
    assert_eq!((&own["verdict"], &own["cause"], &own["seq"]), (&json!("bad"), &json!("loss"), &Value::Null));
    assert_eq!(own["advice"], json!(["nearer_to_router", "picture_off", "use_telephone"]));
    let seen = host.until("quality").await;
    assert_eq!((&seen["peer"], &seen["verdict"]), (&json!(clinician.peer), &json!("bad")));
    assert!(seen["seq"].is_u64() && seen["mos"].as_f64().unwrap() < 2.6, "{seen}");
    // Two may come close together, the third is too soon; the connection stays.
    report(&mut clinician, &peer, 0.4).await;
    report(&mut clinician, &peer, 0.4).await;
    assert_eq!(clinician.until("quality_line").await["error"]["code"], "too-soon");
    clinician.say_unnumbered(json!({"type": "quality", "samples": [{"peer": 1}]})).await;
    assert_eq!(clinician.until("quality_line").await["error"]["code"], "bad-message");
    clinician.say(json!({ "type": "hand", "up": true })).await;
    assert_eq!(host.until("state").await["hand"], true);
}

#[tokio::test]
async fn the_record_of_a_visit_merges_connections_and_is_told_when_one_ends() {
    let relay = relay().await;
    let host = relay.join(1, 1, "host").await;
    for _ in 0..2 {
        let mut clinician = relay.join(1, 2, "clinician").await;
        report(&mut clinician, &host.peer, 0.0).await;
        clinician.until("quality_line").await;
        clinician.say(json!({ "type": "leave" })).await;
        while clinician.next().await.is_some() {}
    }
    let events = told(&relay, "signalling.consult.quality", 2).await;
    let lines = events[1]["lines"].as_array().unwrap();
    assert_eq!(lines.len(), 2, "in and out of one person: {lines:?}");
    for line in lines {
        assert_eq!((&line["person"], &line["reconnects"]), (&json!(person(2)), &json!(0)), "left and came again");
        assert_eq!((&line["rtt_ms"], &line["loss"]), (&json!(75.0), &json!(0.0)));
        assert!(line["mos_worst"].as_f64().unwrap() > 4.0);
    }
}

#[tokio::test]
async fn a_check_made_before_entering_is_seen_by_staff_and_told_to_the_booking_side() {
    let relay = relay().await;
    let mut host = relay.join(1, 1, "host").await;
    let mut guest = relay.hello(&relay.ticket(1, 3, "guest")).await;
    let way = json!({"ok": true, "connect_ms": 120, "rtt_ms": 31.4, "jitter_ms": 2, "loss": 0});
    guest
        .say_unnumbered(json!({
            "type": "precheck", "camera": "busy", "microphone": "ok",
            "paths": {"direct": {"ok": false}, "udp": {"ok": false}, "tls": way},
        }))
        .await;
    let own = guest.until("precheck_line").await;
    assert_eq!((&own["verdict"], &own["rtt_ms"]), (&json!("fair"), &json!(31.0)));
    assert_eq!(own["findings"], json!(["no_camera", "udp_blocked"]));
    guest.say(json!({ "type": "join", "audio": true, "video": false })).await;
    let seen = host.until("precheck").await;
    assert_eq!((&seen["peer"], &seen["findings"]), (&json!(guest.peer), &own["findings"]));
    let mut clinician = relay.join(1, 2, "clinician").await;
    assert_eq!(clinician.until("precheck").await["camera"], "busy", "a person who comes later sees it too");
    let events = told(&relay, "signalling.consult.precheck", 1).await;
    assert_eq!((&events[0]["person"], &events[0]["role"]), (&json!(person(3)), &json!("guest")));
    assert_eq!((&events[0]["verdict"], &events[0]["paths"]["tls"]["ok"]), (&json!("fair"), &json!(true)));
}
