//! Sessions over broken sockets, reloads, slow readers and restarts: nothing lost, nothing twice, nothing in silence.

use std::time::Duration;

use crate::support::{Client, Relay, config, device, relay, relay_with};
use sanbao_platform::on;
use sanbao_platform::testing::{on_both, sqlite};
use sanbao_signalling::{MIGRATIONS, NAME};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

/// A host and a clinician inside, who know of each other, and the clinician's device.
async fn pair(relay: &Relay) -> (Client, Client, String) {
    let mut host = relay.join(1, 10, "host").await;
    let name = device(20);
    let mut doctor = relay.hello_from(&name, &relay.ticket(1, 20, "clinician")).await;
    doctor.say(json!({ "type": "join", "audio": true, "video": true })).await;
    doctor.hear("joined").await;
    host.hear("peer_joined").await;
    (host, doctor, name)
}

async fn send(from: &mut Client, to: &str, numbers: std::ops::RangeInclusive<u64>) {
    for n in numbers {
        from.say(json!({ "type": "message", "to": to, "data": { "n": n } })).await;
    }
}

async fn expect(client: &mut Client, numbers: std::ops::RangeInclusive<u64>) {
    for n in numbers {
        assert_eq!(client.hear("message").await["data"]["n"], n);
    }
}

#[tokio::test]
async fn after_a_reset_everything_unread_and_everything_sent_meanwhile_comes_once_in_order() {
    let mut config = config();
    config.limits.client.messages_burst_max = 1_000; // the 200 of this test come faster than a person's
    let relay = relay_with(config, sqlite()).await;
    let (mut host, doctor, name) = pair(&relay).await;
    let peer = doctor.peer.clone();
    let mut kept = doctor.resumable(&name);
    send(&mut host, &peer, 1..=100).await; // never read
    doctor.reset();
    host.hear("peer_away").await;
    send(&mut host, &peer, 101..=200).await;
    kept.ticket = None;
    let mut doctor = relay.resume(&kept, false).await;
    let welcome = doctor.welcome.clone();
    assert_eq!((&welcome["resumed"], &welcome["place"]), (&json!("exact"), &json!("inside")));
    assert_eq!((&welcome["seq"], welcome.get("room"), welcome.get("secret")), (&json!(kept.heard), None, None));
    expect(&mut doctor, 1..=200).await;
    host.hear("peer_back").await;
    doctor.silence().await;
    // Both directions go on.
    doctor.say(json!({ "type": "message", "to": host.peer, "data": { "n": 7 } })).await;
    assert_eq!(host.hear("message").await["data"]["n"], 7);
}

#[tokio::test]
async fn what_a_client_sends_again_takes_effect_once() {
    let relay = relay().await;
    let (mut host, mut doctor, name) = pair(&relay).await;
    let kept = doctor.resumable(&name);
    send(&mut doctor, &host.peer, 1..=3).await;
    expect(&mut host, 1..=3).await;
    doctor.reset();
    host.hear("peer_away").await;
    let mut doctor = relay.resume(&kept, false).await;
    assert_eq!(doctor.welcome["ack"], kept.said + 3, "all three had been taken");
    // It does not believe it, and sends them all again, and a new one.
    doctor.said = kept.said;
    send(&mut doctor, &host.peer, 1..=4).await;
    host.hear("peer_back").await;
    expect(&mut host, 4..=4).await;
    host.silence().await;
    loop {
        let ack = doctor.next_raw().await.unwrap();
        if ack["ack"] == doctor.said {
            break;
        }
    }
}

#[tokio::test]
async fn a_reload_resumes_from_a_snapshot_and_the_others_start_over_with_that_peer() {
    let relay = relay().await;
    let (mut host, doctor, name) = pair(&relay).await;
    let (peer, kept) = (doctor.peer.clone(), doctor.resumable(&name));
    host.say(json!({ "type": "chat", "text": "在吗" })).await;
    host.hear("chat").await;
    drop(doctor);
    host.hear("peer_away").await;
    let doctor = relay.resume(&kept, true).await;
    let welcome = &doctor.welcome;
    assert_eq!((&welcome["resumed"], &welcome["because"]), (&json!("snapshot"), &json!("asked")));
    assert_eq!((doctor.peer.as_str(), &welcome["place"]), (peer.as_str(), &json!("inside")));
    assert_eq!(welcome["room"]["peers"].as_array().unwrap().len(), 2);
    assert_eq!(welcome["room"]["chat"][0]["text"], "在吗");
    let told: Vec<Value> = [host.next().await.unwrap(), host.next().await.unwrap()].into();
    let kinds: Vec<&str> = told.iter().map(|m| m["type"].as_str().unwrap()).collect();
    assert!(kinds.contains(&"peer_reset"), "{kinds:?}");
}

#[tokio::test]
async fn a_session_is_one_socket_and_the_older_one_is_told_why() {
    let relay = relay().await;
    let (mut host, mut doctor, name) = pair(&relay).await;
    let kept = doctor.resumable(&name);
    let mut again = relay.resume(&kept, false).await;
    assert_eq!(again.welcome["resumed"], "exact");
    assert_eq!(doctor.closed().await, Some(4105));
    again.say(json!({ "type": "message", "to": host.peer, "data": { "n": 1 } })).await;
    assert_eq!(host.until("message").await["data"]["n"], 1);
}

#[tokio::test]
async fn a_forged_secret_another_device_or_another_epoch_opens_nothing() {
    let relay = relay().await;
    let (mut host, doctor, name) = pair(&relay).await;
    let good = doctor.resumable(&name);
    let forged = |change: fn(&mut crate::support::Resumable)| {
        let mut forged = good.clone();
        change(&mut forged);
        forged
    };
    for (what, bad) in [
        ("secret", forged(|r| r.secret = "A".repeat(43))),
        ("empty secret", forged(|r| r.secret = String::new())),
        ("device", forged(|r| r.device = device(21))),
        ("epoch", forged(|r| r.epoch = r.consult.clone())),
        ("session", forged(|r| r.session = r.consult.as_str().unwrap().to_owned())),
        ("consult", forged(|r| r.consult = json!("00000000-0000-0000-0000-0000000000ff"))),
    ] {
        let mut thief = relay.open().await;
        thief.say_unnumbered(bad.hello(false)).await;
        assert_eq!(thief.hear("error").await["code"], "resume-impossible", "{what}");
        assert_eq!(thief.closed().await, Some(4008), "{what}");
    }
    host.silence().await; // the session was not touched
    drop(doctor);
    host.hear("peer_away").await;
    // With a ticket beside it, a new session is what one gets, and is told why.
    let mut unknown = forged(|r| r.session = r.consult.as_str().unwrap().to_owned());
    unknown.ticket = Some(relay.ticket(1, 20, "clinician"));
    let fresh = relay.resume(&unknown, false).await;
    assert_eq!((&fresh.welcome["resumed"], &fresh.welcome["because"]), (&json!("new"), &json!("unknown-session")));
    assert!(fresh.welcome["secret"].is_string());
}

#[tokio::test]
async fn guessing_is_throttled_by_address() {
    let mut config = config();
    config.limits.bad_hellos_burst_max = 3.try_into().unwrap();
    let relay = relay_with(config, sqlite()).await;
    let mut codes = Vec::new();
    for _ in 0..4 {
        let mut guesser = relay.open().await;
        guesser.say_unnumbered(json!({ "type": "hello", "v": 1, "device": device(1), "ticket": "x.y.z" })).await;
        codes.push((guesser.hear("error").await["code"].clone(), guesser.closed().await));
    }
    assert_eq!(codes[2], (json!("ticket-malformed"), Some(4102)));
    assert_eq!(codes[3], (json!("throttled"), Some(4007)));
    let answer = crate::support::http().get(format!("http://{}/v1/signal", relay.address)).send().await.unwrap();
    assert_eq!(answer.status(), 429);
    assert!(answer.headers().contains_key("retry-after"));
}

#[tokio::test]
async fn a_ticket_belongs_to_the_device_that_used_it_first() {
    let relay = relay().await;
    let ticket = relay.ticket(1, 10, "host");
    let _first = relay.hello_from(&device(1), &ticket).await;
    let _same_device = relay.hello_from(&device(1), &ticket).await;
    let mut thief = relay.open().await;
    thief.say_unnumbered(json!({ "type": "hello", "v": 1, "device": device(2), "ticket": ticket })).await;
    assert_eq!(thief.hear("error").await["code"], "ticket-bound");
    assert_eq!(thief.closed().await, Some(4112));
}

#[tokio::test]
async fn a_slow_reader_is_cut_off_its_peers_learn_it_and_it_goes_on_from_a_snapshot() {
    let mut config = config();
    config.limits.client.messages_burst_max = 100_000;
    config.limits.client.bytes_burst_max = u32::MAX;
    let relay = relay_with(config, sqlite()).await;
    let (mut host, mut slow, name) = pair(&relay).await;
    let kept = slow.resumable(&name);
    let big = "x".repeat(60_000);
    let mut told = None;
    for _ in 0..2000 {
        host.say(json!({ "type": "message", "to": slow.peer, "data": big })).await;
        if let Ok(Some(message)) = tokio::time::timeout(Duration::from_millis(1), host.next()).await {
            told = Some(message);
            break;
        }
    }
    let told = told.expect("the others are told");
    assert_eq!((&told["type"], &told["peer"]), (&json!("peer_away"), &json!(slow.peer)));
    assert_eq!(slow.closed().await, Some(4003), "it learns why when it reads again");
    let again = relay.resume(&kept, false).await;
    assert_eq!((&again.welcome["resumed"], &again.welcome["because"]), (&json!("snapshot"), &json!("log-trimmed")));
}

#[tokio::test]
async fn who_reads_and_never_acknowledges_is_cut_off_too() {
    let mut config = config();
    config.limits.room.unread_messages_max = 50;
    let relay = relay_with(config, sqlite()).await;
    let (mut host, mut doctor, _) = pair(&relay).await;
    send(&mut host, &doctor.peer, 1..=60).await;
    assert_eq!(doctor.closed().await, Some(4003));
    host.hear("peer_away").await;
}

#[tokio::test]
async fn acknowledgements_come_in_time_and_free_what_was_kept() {
    let mut config = config();
    config.limits.room.unread_messages_max = 50;
    config.limits.client.messages_burst_max = 1_000;
    let relay = relay_with(config, sqlite()).await;
    let (mut host, mut doctor, _) = pair(&relay).await;
    for round in 0..10 {
        send(&mut host, &doctor.peer, 1..=40).await;
        expect(&mut doctor, 1..=40).await;
        doctor.acknowledge().await;
        doctor.say_unnumbered(json!({ "type": "ping" })).await;
        doctor.hear("pong").await;
        loop {
            let ack = host.next_raw().await.unwrap();
            assert_eq!(ack["type"], "ack", "{round}");
            if ack["ack"] == host.said {
                break;
            }
        }
    }
}

#[tokio::test]
async fn a_relay_that_runs_alone_goes_on_exactly_after_a_restart() {
    on_both(|engine| async move {
        let mut relay = relay_with(config(), engine.clone()).await;
        let (mut host, mut doctor, name) = pair(&relay).await;
        let (mut kept_host, peer) = (host.resumable(""), doctor.peer.clone());
        send(&mut host, &peer, 1..=10).await;
        let kept = doctor.resumable(&name); // none of the ten was read
        send(&mut doctor, &host.peer, 1..=1).await;
        expect(&mut host, 1..=1).await;
        kept_host.said = host.said;
        relay.stop().await;
        let again = relay_with(config(), engine).await;
        let mut doctor = again.resume(&kept, false).await;
        assert_eq!((&doctor.welcome["resumed"], doctor.peer), (&json!("exact"), peer));
        for n in 1..=10 {
            assert_eq!(doctor_hears(&mut doctor.socket).await["data"]["n"], n);
        }
    })
    .await;
}

async fn doctor_hears(
    socket: &mut tokio_tungstenite::WebSocketStream<tokio_tungstenite::MaybeTlsStream<tokio::net::TcpStream>>,
) -> Value {
    use futures_util::StreamExt as _;
    loop {
        if let Message::Text(text) = socket.next().await.unwrap().unwrap() {
            let message: Value = serde_json::from_str(&text).unwrap();
            if message["type"] == "message" {
                return message;
            }
        }
    }
}

#[tokio::test]
async fn a_revoked_ticket_closes_its_session_and_opens_nothing() {
    let relay = relay().await;
    let (mut host, mut doctor, name) = pair(&relay).await;
    let kept = doctor.resumable(&name);
    relay.revoke(1, None, Some(20)).await;
    assert_eq!(doctor.closed().await, Some(4111));
    assert_eq!(host.until("peer_left").await["because"], "revoked");
    let mut back = relay.open().await;
    back.say_unnumbered(kept.hello(false)).await;
    assert_eq!(back.hear("error").await["code"], "resume-impossible");
}

#[tokio::test]
async fn a_person_with_a_ticket_from_after_the_revocation_comes_in_and_stays() {
    on_both(|engine| async move {
        let relay = relay_with(config(), engine).await;
        let (mut host, mut doctor, name) = pair(&relay).await;
        let old = relay.ticket(1, 20, "clinician");
        relay.revoke(1, None, Some(20)).await;
        assert_eq!(doctor.closed().await, Some(4111));
        host.until("peer_left").await;
        relay.clock.advance(Duration::from_secs(1));
        let mut back = relay.open().await;
        back.say_unnumbered(json!({ "type": "hello", "v": 1, "device": name, "ticket": old })).await;
        assert_eq!(back.hear("error").await["code"], "ticket-revoked");
        assert_eq!(back.closed().await, Some(4111));
        let mut doctor = relay.join(1, 20, "clinician").await;
        assert_eq!(host.until("peer_joined").await["peer"], doctor.peer.as_str());
        let mut interpreter = relay.join(1, 30, "interpreter").await;
        doctor.hear("peer_joined").await;
        relay.clock.advance(Duration::from_secs(1));
        // Another's revocation is no reason to say the old one again.
        relay.revoke(1, None, Some(30)).await;
        assert_eq!(interpreter.closed().await, Some(4111));
        assert_eq!(doctor.hear("peer_left").await["peer"], interpreter.peer.as_str());
        host.until("peer_left").await;
        send(&mut doctor, &host.peer, 1..=1).await;
        expect(&mut host, 1..=1).await;
    })
    .await;
}

/// The event that the relay's own reader of revocations writes; here it was written as the process ended.
const TAKEN_BACK: &str =
    "insert into ticket_revocation (event_id, consult, person, revoked_at) values ($1, $2, $3, $4)";

#[tokio::test]
async fn a_ticket_taken_back_as_a_relay_stopped_opens_nothing_when_the_room_is_woken_up() {
    on_both(|engine| async move {
        let mut relay = relay_with(config(), engine.clone()).await;
        let (_host, doctor, name) = pair(&relay).await;
        let kept = doctor.resumable(&name);
        relay.stop().await;
        let db = engine.database(NAME, &MIGRATIONS).await;
        let (consult, doctor, now) = (crate::support::person(1), crate::support::person(20), relay.clock.now());
        let mut tx = db.begin().await.unwrap();
        on!(tx, |c| {
            let insert = sqlx::query(TAKEN_BACK).bind(uuid::Uuid::from_u128(1)).bind(consult).bind(doctor);
            insert.bind(now).execute(c).await.map(drop)
        })
        .unwrap();
        tx.commit().await.unwrap();
        let again = relay_with(config(), engine).await;
        let mut back = again.open().await;
        back.say_unnumbered(kept.hello(false)).await;
        assert_eq!(back.hear("error").await["code"], "resume-impossible");
        let room = again.hello(&again.ticket(1, 30, "clinician")).await.welcome["room"].clone();
        assert_eq!(room["people"], 1, "the host is still inside, the doctor is not");
    })
    .await;
}

#[tokio::test]
async fn a_kick_holds_over_reconnects_new_tickets_and_a_restart_until_it_is_lifted() {
    on_both(|engine| async move {
        let mut relay = relay_with(config(), engine.clone()).await;
        let (mut host, mut doctor, _) = pair(&relay).await;
        host.say(json!({ "type": "kick", "peer": doctor.peer })).await;
        assert_eq!(doctor.closed().await, Some(4110));
        let refused = async |relay: &Relay| {
            let mut back = relay.open().await;
            let ticket = relay.ticket(1, 20, "clinician");
            back.say_unnumbered(json!({ "type": "hello", "v": 1, "device": device(5), "ticket": ticket })).await;
            assert_eq!(back.hear("error").await["code"], "removed");
            assert_eq!(back.closed().await, Some(4110));
        };
        refused(&relay).await;
        host.say(json!({ "type": "leave" })).await;
        assert_eq!(host.closed().await, Some(1000));
        relay.stop().await;
        let again = relay_with(config(), engine).await;
        refused(&again).await;
        let mut host = again.join(1, 10, "host").await;
        let removal = host.welcome["room"]["removed"][0]["removal"].clone();
        host.say(json!({ "type": "lift", "removal": removal })).await;
        host.until("removed_list").await;
        again.hello(&again.ticket(1, 20, "clinician")).await;
    })
    .await;
}
