//! The events between booking and the relay: tickets that are taken back, attendance, calls for a colleague, lines and
//! checks; and what the pages make of it.
use std::time::Duration;

use sanbao_platform::bus::{self, Outbox};
use sanbao_platform::testing::on_both;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::consult::world::World;

/// A booked consult with consent, at its time.
async fn meeting(w: &World) -> String {
    let id = w.scheduled().await;
    w.step(&w.nurse, &id, "consents", World::consent()).await.expect(201);
    w.clock.advance(Duration::from_mins(30));
    id
}

/// The tickets that the relay was told to turn away, in order: a `person`'s tickets, or one `ticket`.
pub(super) async fn revoked(w: &World, id: &str, what: &str) -> Vec<Uuid> {
    let events = Outbox::new("booking", w.db.clone()).read(0, 1000).await.unwrap();
    let of_consult = events.iter().filter(|e| e.subject.to_string() == id);
    let revoked = of_consult.filter(|e| e.kind == "booking.consult.ticket_revoked");
    let one = |data: &Value| {
        assert!(data["at"].is_string(), "only what was issued before is meant: {data}");
        data[what].as_str().map(|id| id.parse::<Uuid>().unwrap())
    };
    revoked.filter_map(|e| one(&e.data)).collect()
}

async fn state(w: &World, id: &str) -> String {
    let view = w.get(&w.doctor, &format!("/v1/consults/{id}")).await.expect(200);
    view["state"].as_str().unwrap().to_owned()
}

fn claims(w: &World, ticket: &Value) -> Value {
    w.keys.verify("ticket", "signalling", w.clock.now(), ticket["ticket"].as_str().unwrap()).unwrap()
}

/// Tells booking something as the relay does.
pub async fn tell(w: &World, id: &str, kind: &str, mut data: Value) {
    let consumer = w.consumers.iter().find(|c| c.name == "booking-consults").unwrap();
    data["consult_id"] = json!(id);
    data["at"] = json!(w.clock.now().to_rfc3339());
    let mut tx = w.db.begin().await.unwrap();
    let kind = format!("signalling.consult.{kind}");
    bus::publish(&mut tx, w.clock.now(), &kind, id.parse::<Uuid>().unwrap(), &data).await.unwrap();
    tx.commit().await.unwrap();
    consumer.catch_up(&w.outbox()).await.unwrap();
    assert_eq!(consumer.status(&w.outbox()).await.unwrap().parked, 0, "{kind}: {data}");
}

#[tokio::test]
async fn a_link_is_one_ticket_until_it_is_replaced() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        let id = meeting(&w).await;
        let links = format!("/v1/consults/{id}/guest-links");
        let new = json!({ "name": "周先生", "relation": "方言翻译", "role": "interpreter" });
        let link = w.post(&w.nurse, &links, new).await.expect(201);
        let enter = async |token: &Value| {
            w.call(None, "POST", "/v1/guest-tickets", Some(json!({ "token": token })), &[]).await.expect(200)
        };
        let first = claims(&w, &enter(&link["token"]).await);
        w.clock.advance(Duration::from_mins(1));
        let again = claims(&w, &enter(&link["token"]).await);
        assert_eq!((&first["role"], &first["jti"]), (&json!("interpreter"), &again["jti"]));
        assert_eq!(first["permissions"], json!(["audio", "video", "chat", "observe"]));
        let resend = format!("{links}/{}/resend", link["id"].as_str().unwrap());
        let fresh = w.call(Some(&w.nurse), "POST", &resend, None, &[]).await.expect(201);
        assert_eq!(revoked(&w, &id, "ticket").await, [first["jti"].as_str().unwrap().parse::<Uuid>().unwrap()]);
        let other = claims(&w, &enter(&fresh["token"]).await);
        assert_ne!(other["jti"], first["jti"]);
        let person = |claims: &Value| (claims["sub"].clone(), claims["role"].clone(), claims["name"].clone());
        assert_eq!(person(&other), person(&first), "the relay knows the person again");
        // The button was pressed twice, from a page that did not know of the link in between.
        let last = w.call(Some(&w.nurse), "POST", &resend, None, &[]).await.expect(201);
        let gone = Some(json!({ "token": fresh["token"] }));
        assert_eq!(w.call(None, "POST", "/v1/guest-tickets", gone, &[]).await.status, 404, "one link a person");
        assert_eq!(person(&claims(&w, &enter(&last["token"]).await)), person(&first));
        assert!(revoked(&w, &id, "person").await.is_empty(), "the person's next ticket is good");
        // Staff tickets are one for each time they are asked for.
        let staff =
            [w.step(&w.nurse, &id, "ticket", Value::Null).await, w.step(&w.nurse, &id, "ticket", Value::Null).await];
        let [a, b] = staff.map(|answer| answer.expect(200));
        assert_ne!(claims(&w, &a)["jti"], claims(&w, &b)["jti"]);
        let odd = json!({ "name": "x", "relation": "y", "role": "host" });
        assert_eq!(w.post(&w.nurse, &links, odd).await.status, 422, "nobody becomes staff by a link");
    })
    .await;
}

#[tokio::test]
async fn tickets_are_taken_back_by_the_own_side_only() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        let id = meeting(&w).await;
        for who in [&w.nurse, &w.doctor] {
            w.step(who, &id, "ticket", Value::Null).await.expect(200);
            w.step(who, &id, "ticket", Value::Null).await.expect(200);
        }
        let tickets = format!("/v1/consults/{id}/tickets");
        let own = w.get(&w.nurse, &tickets).await.expect(200);
        assert_eq!(
            (own.as_array().unwrap().len(), &own[0]["person"], &own[0]["tickets"]),
            (1, &json!(w.nurse.id), &json!(2))
        );
        let revoke = async |who, person: Uuid| {
            w.step(who, &id, "tickets/revoke", json!({ "person": person })).await.status.as_u16()
        };
        assert_eq!(revoke(&w.nurse, w.doctor.id).await, 404, "of the other side");
        assert_eq!(revoke(&w.stranger_nurse, w.nurse.id).await, 404);
        assert_eq!(revoke(&w.second_doctor, w.doctor.id).await, 404);
        assert_eq!(revoke(&w.nurse, w.nurse.id).await, 204);
        assert_eq!(revoke(&w.nurse, w.nurse.id).await, 404, "once");
        assert_eq!(revoke(&w.hospital_admin, w.doctor.id).await, 204);
        assert_eq!(revoked(&w, &id, "person").await, [w.nurse.id, w.doctor.id]);
        w.step(&w.nurse, &id, "ticket", Value::Null).await.expect(200);
        assert!(w.audited(&id).await.contains(&"consult.ticket.revoke".to_owned()));
    })
    .await;
}

#[tokio::test]
async fn what_makes_tickets_void_takes_them_back_at_once() {
    on_both(|engine| async move {
        // Withdrawn consent, a cancelled consult, a no-show, another time, another doctor.
        for (step, body, who) in [
            ("withdraw", Value::Null, "both"),
            ("cancel", json!({ "reason": "改日再约" }), "both"),
            ("no-show", json!({ "reason": "医生未到" }), "both"),
            ("reschedule", json!("2026-11-23T02:00:00Z"), "both"),
            ("reschedule", json!("2026-11-23T00:30:00Z"), "doctor"),
            ("delay", json!({ "minutes": 20 }), "nobody"),
        ] {
            let w = World::new(&engine).await;
            let id = meeting(&w).await;
            for person in [&w.nurse, &w.doctor] {
                w.step(person, &id, "ticket", Value::Null).await.expect(200);
            }
            let (step, body) = match step {
                "withdraw" => {
                    let consents = w.get(&w.nurse, &format!("/v1/consults/{id}/consents")).await.expect(200);
                    (format!("consents/{}/withdraw", consents[0]["id"].as_str().unwrap()), body)
                }
                "reschedule" => {
                    let mut wanted = w.at(body.as_str().unwrap());
                    wanted["doctor_id"] = json!(w.second_doctor.id);
                    (step.to_owned(), wanted)
                }
                _ => (step.to_owned(), body),
            };
            w.step(&w.nurse, &id, &step, body).await.expect(200);
            let mut expected = match who {
                "both" => vec![w.nurse.id, w.doctor.id],
                "doctor" => vec![w.doctor.id],
                _ => vec![],
            };
            let mut told = revoked(&w, &id, "person").await;
            told.sort_unstable();
            expected.sort_unstable();
            assert_eq!(told, expected, "{step}");
        }
    })
    .await;
}

#[tokio::test]
async fn attendance_gives_the_time_together_and_who_did_not_come() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        let id = meeting(&w).await;
        let path = format!("/v1/consults/{id}/meeting");
        let page = format!("/consults/{id}");
        let view = async || w.get(&w.doctor, &path).await.expect(200);
        assert_eq!(view().await["absent"], Value::Null, "not before it is long past the time");
        w.clock.advance(Duration::from_mins(15));
        assert_eq!(view().await["absent"], "both");
        tell(&w, &id, "attendance", json!({ "person": w.nurse.id, "role": "host", "change": "joined" })).await;
        assert_eq!(view().await["absent"], "clinician");
        let nurses = w.get(&w.nurse, &page).await.text;
        assert!(nurses.contains("医生没有进入会诊室") && nurses.contains("登记为未遇？"), "{nurses}");
        w.clock.advance(Duration::from_mins(1));
        tell(&w, &id, "attendance", json!({ "person": w.doctor.id, "role": "clinician", "change": "joined" })).await;
        tell(&w, &id, "started", json!({})).await;
        assert_eq!(view().await["absent"], Value::Null);
        w.clock.advance(Duration::from_mins(7));
        assert_eq!(view().await["together_seconds"], 420);
        tell(&w, &id, "attendance", json!({ "person": w.doctor.id, "role": "clinician", "change": "left" })).await;
        w.clock.advance(Duration::from_mins(5));
        let seen = view().await;
        assert_eq!((&seen["together_seconds"], &seen["attendance"][1]["name"]), (&json!(420), &json!("李医生")));
        assert!(seen["attendance"][1]["left_at"].is_string() && seen["attendance"][0]["left_at"].is_null());
        tell(&w, &id, "finished", json!({ "by": w.nurse.id, "together_seconds": 415 })).await;
        let seen = view().await;
        assert_eq!(seen["together_seconds"], 415, "the relay's word counts");
        assert!(seen["attendance"][0]["left_at"].is_string(), "nobody stays in a room that is finished");
        let told = w.get(&w.nurse, &page).await.text;
        assert!(told.contains("双方同时在会诊室 6 分钟") && told.contains("王护士（照护员）"), "{told}");
        let told = w.call(Some(&w.nurse), "GET", &page, None, &[("accept-language", "en")]).await.text;
        assert!(told.contains("王护士 (care staff)"), "{told}");
        assert_eq!(w.get(&w.stranger_nurse, &path).await.status, 404);
        assert_eq!(w.get(&w.dispatcher, &path).await.status, 404);
    })
    .await;
}

#[tokio::test]
async fn a_visit_that_was_ended_before_both_sides_met_was_not_held() {
    on_both(|engine| async move {
        for is_held_later in [true, false] {
            let w = World::new(&engine).await;
            let id = meeting(&w).await;
            tell(&w, &id, "attendance", json!({ "person": w.nurse.id, "role": "host", "change": "joined" })).await;
            w.clock.advance(Duration::from_mins(5));
            tell(&w, &id, "finished", json!({ "by": w.nurse.id, "together_seconds": 0 })).await;
            assert_eq!(state(&w, &id).await, "scheduled");
            let path = format!("/v1/consults/{id}/meeting");
            let seen = w.get(&w.doctor, &path).await.expect(200);
            assert!(seen["attendance"][0]["left_at"].is_string(), "{seen}");
            if is_held_later {
                w.step(&w.doctor, &id, "ticket", Value::Null).await.expect(200);
                tell(&w, &id, "started", json!({})).await;
                assert_eq!(state(&w, &id).await, "in_session");
                tell(&w, &id, "finished", json!({ "by": w.nurse.id, "together_seconds": 300 })).await;
                assert_eq!(state(&w, &id).await, "opinion_draft");
                assert_eq!(w.get(&w.doctor, &path).await.expect(200)["together_seconds"], 300);
            } else {
                w.clock.advance(Duration::from_mins(10));
                let page = w.get(&w.nurse, &format!("/consults/{id}")).await.text;
                assert!(page.contains("医生没有进入会诊室") && page.contains("/no-show"), "{page}");
                let missed = w.step(&w.nurse, &id, "no-show", json!({ "reason": "医生未到" })).await.expect(200);
                assert_eq!(missed["state"], "no_show");
            }
        }
    })
    .await;
}

#[tokio::test]
async fn the_page_follows_who_comes_and_who_does_not() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        let id = meeting(&w).await;
        let part = async || w.get(&w.nurse, &format!("/consults/{id}/status")).await.text;
        let state_of = |part: &str| part.split("data-state=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
        let before = part().await;
        assert!(before.contains("data-state") && !before.contains("李医生"), "{before}");
        let page = w.get(&w.nurse, &format!("/consults/{id}")).await.text;
        assert!(page.contains("data-live-seconds"), "time alone makes somebody absent: {page}");
        w.clock.advance(Duration::from_mins(16));
        assert_ne!(state_of(&part().await), state_of(&before), "the page is read anew, with the way to record it");
        tell(&w, &id, "attendance", json!({ "person": w.nurse.id, "role": "host", "change": "joined" })).await;
        let inside = part().await;
        assert!(inside.contains("王护士") && inside.contains("在会诊室"), "{inside}");
        tell(&w, &id, "attendance", json!({ "person": w.nurse.id, "role": "host", "change": "left" })).await;
        assert!(!part().await.contains("王护士"));
        w.clock.advance(Duration::from_mins(1));
        w.step(&w.doctor, &id, "ticket", Value::Null).await.expect(200);
        tell(&w, &id, "attendance", json!({ "person": w.doctor.id, "role": "clinician", "change": "joined" })).await;
        let seen = w.get(&w.doctor, &format!("/v1/consults/{id}/meeting")).await.expect(200);
        assert_eq!(seen["absent"], "apart", "both came, and did not meet");
        let page = w.get(&w.doctor, &format!("/consults/{id}")).await.text;
        assert!(page.contains("没有同时在会诊室") && page.contains("登记为未遇？"), "{page}");
        tell(&w, &id, "started", json!({})).await;
        assert_eq!(w.get(&w.doctor, &format!("/v1/consults/{id}/meeting")).await.expect(200)["absent"], Value::Null);
    })
    .await;
}

#[tokio::test]
async fn an_opinion_begun_during_the_visit_is_offered_to_be_signed_once_it_is_over() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        let id = meeting(&w).await;
        w.step(&w.doctor, &id, "ticket", Value::Null).await.expect(200);
        tell(&w, &id, "started", json!({})).await;
        let offered = async |who| {
            let page = w.get(who, &format!("/consults/{id}")).await.text;
            let form = page.split("data-sign-now").nth(1).map(|rest| !rest.starts_with(" hidden"));
            (form, w.get(who, &format!("/consults/{id}/status")).await.text.contains("data-can-sign"))
        };
        assert_eq!(offered(&w.doctor).await, (Some(false), false));
        tell(&w, &id, "finished", json!({ "by": w.doctor.id, "together_seconds": 300 })).await;
        assert_eq!(offered(&w.doctor).await, (Some(true), true));
        assert_eq!(offered(&w.nurse).await, (None, false), "the doctor's alone");
    })
    .await;
}

#[tokio::test]
async fn a_no_show_gives_everybody_the_rest_of_the_time_back() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        let id = meeting(&w).await;
        w.clock.advance(Duration::from_mins(5));
        let instead = w.accepted().await;
        let now = w.at("2026-11-23T00:30:00Z");
        assert_eq!(w.step(&w.nurse, &instead, "schedule", now.clone()).await.problem(), "slot-taken");
        w.step(&w.nurse, &id, "no-show", json!({ "reason": "医生未到" })).await.expect(200);
        w.step(&w.nurse, &instead, "schedule", now).await.expect(200);
    })
    .await;
}

#[tokio::test]
async fn who_waits_too_long_rings_at_the_colleagues_until_somebody_comes() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        let id = meeting(&w).await;
        let link = json!({ "name": "陈女士", "relation": "女儿" });
        let link = w.post(&w.nurse, &format!("/v1/consults/{id}/guest-links"), link).await.expect(201);
        let rings = async |who| w.get(who, "/consults").await.text.contains("data-bell");
        assert!(!rings(&w.nurse).await);
        let since = w.clock.now();
        w.clock.advance(Duration::from_mins(3));
        let call = json!({ "person": link["id"], "role": "guest", "since": since.to_rfc3339() });
        tell(&w, &id, "escalated", call.clone()).await;
        let list = w.get(&w.nurse, "/consults").await.text;
        assert!(
            list.contains("陈女士 在会诊室门口等了 3 分钟") && list.contains(&format!("/room?consult={id}")),
            "{list}"
        );
        assert!(list.contains("role=\"alert\"") && list.contains("/static/booking/consult-bell.js"));
        assert!(!rings(&w.doctor).await && !rings(&w.stranger_nurse).await, "the inviting side lets family in");
        tell(&w, &id, "attendance", json!({ "person": link["id"], "role": "guest", "change": "joined" })).await;
        assert!(!rings(&w.nurse).await);
        for because in ["refused", "left", "expired", "admitted"] {
            tell(&w, &id, "escalated", call.clone()).await;
            let other = json!({ "person": w.nurse.id, "because": because });
            tell(&w, &id, "wait_over", other).await;
            assert!(rings(&w.nurse).await, "somebody else's wait");
            tell(&w, &id, "wait_over", json!({ "person": link["id"], "because": because })).await;
            assert!(!rings(&w.nurse).await, "{because}");
        }
        tell(&w, &id, "escalated", call).await;
        assert!(rings(&w.nurse).await);
        w.clock.advance(Duration::from_mins(31));
        assert!(!rings(&w.nurse).await, "a call that nobody answered is over at some time");
    })
    .await;
}

#[tokio::test]
async fn lines_and_checks_are_told_in_words() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        let id = meeting(&w).await;
        w.step(&w.doctor, &id, "ticket", Value::Null).await.expect(200);
        let check = json!({
            "person": w.doctor.id, "role": "clinician", "verdict": "fair", "findings": ["udp_blocked", "new_one"],
            "rtt_ms": 38.0, "loss": 0.0, "camera": "ok", "microphone": "ok", "paths": { "tls": { "ok": true } },
        });
        tell(&w, &id, "precheck", check).await;
        let line = |direction: &str, poor: u64| {
            json!({
                "person": w.doctor.id, "direction": direction, "reconnects": 2, "rtt_ms": 50.0, "jitter_ms": 5.0,
                "loss": 0.01, "mos": 4.2, "mos_worst": 2.9, "seconds": { "good": 500, "fair": 0, "poor": poor, "bad": 0 },
            })
        };
        tell(&w, &id, "quality", json!({ "lines": [line("in", 0), line("out", 100)] })).await;
        let seen = w.get(&w.nurse, &format!("/v1/consults/{id}/meeting")).await.expect(200);
        assert_eq!((&seen["lines"][1]["name"], &seen["lines"][1]["seconds"]["poor"]), (&json!("李医生"), &json!(100)));
        assert_eq!((&seen["checks"][0]["name"], &seen["checks"][0]["verdict"]), (&json!("李医生"), &json!("fair")));
        let page = w.get(&w.nurse, &format!("/consults/{id}")).await.text;
        for words in [
            "防火墙只放行网页流量", "李医生 · 发出的", "不好的时间共 100 秒", "最差时语音评分 2.9", "断线重连 2 次",
        ] {
            assert!(page.contains(words), "{words}: {page}");
        }
        // A later, fuller sum takes the place of the first.
        tell(&w, &id, "quality", json!({ "lines": [line("in", 0)] })).await;
        let seen = w.get(&w.nurse, &format!("/v1/consults/{id}/meeting")).await.expect(200);
        assert_eq!(seen["lines"].as_array().unwrap().len(), 1);
    })
    .await;
}

/// Tells this service's own consumer of tickets what its log has.
async fn heed(w: &World) {
    let consumer = w.consumers.iter().find(|c| c.name == "booking-tickets").unwrap();
    let log = Outbox::new("booking", w.db.clone());
    consumer.catch_up(&log).await.unwrap();
    assert_eq!(consumer.status(&log).await.unwrap().parked, 0);
}

#[tokio::test]
async fn tickets_go_with_the_log_in_that_they_were_given_to() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        let id = meeting(&w).await;
        let mut tickets = Vec::new();
        for who in [&w.nurse, &w.doctor] {
            let ticket = w.step(who, &id, "ticket", Value::Null).await.expect(200);
            tickets.push(claims(&w, &ticket)["jti"].as_str().unwrap().parse::<Uuid>().unwrap());
        }
        // The token of a person of this world belongs to a log-in of that id.
        let now = w.clock.now();
        let data = json!({ "session_id": w.nurse.id, "account_id": w.nurse.id });
        let mut tx = w.db.begin().await.unwrap();
        bus::publish(&mut tx, now, "booking.session.ended", w.nurse.id, &data).await.unwrap();
        tx.commit().await.unwrap();
        heed(&w).await;
        assert_eq!(revoked(&w, &id, "ticket").await, tickets[..1]);
        let data = json!({ "account_id": w.doctor.id, "version": 2 });
        let mut tx = w.db.begin().await.unwrap();
        bus::publish(&mut tx, now, "booking.account.rights_lost", w.doctor.id, &data).await.unwrap();
        tx.commit().await.unwrap();
        heed(&w).await;
        heed(&w).await;
        assert_eq!(revoked(&w, &id, "ticket").await, tickets, "each once");
    })
    .await;
}
