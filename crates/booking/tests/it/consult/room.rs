//! Into the room: consent, tickets, family links, the relay's events; and the demo's consults.
use std::time::Duration;

use sanbao_booking::account::{AccountId, LocationId, PersonId};
use sanbao_booking::consult::demo::{self, DemoPeople};
use sanbao_platform::auth::TokenError;
use sanbao_platform::bus;
use sanbao_platform::testing::on_both;
use serde_json::{Value, json};

use crate::consult::world::World;

#[tokio::test]
async fn nobody_enters_without_a_consent_that_stands() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        let id = w.scheduled().await;
        for who in [&w.nurse, &w.doctor] {
            let refused = w.step(who, &id, "ticket", Value::Null).await;
            assert_eq!((refused.status.as_u16(), refused.problem()), (409, "consent-missing"));
        }
        for (body, pointer) in [
            (json!({ "given_by": "guardian", "name": "陈先生", "method": "written" }), "/relation"),
            (json!({ "given_by": "resident", "name": "陈奶奶", "method": "verbal_with_witness" }), "/witness"),
            (json!({ "given_by": "resident", "name": "", "method": "written" }), "/name"),
            (json!({ "given_by": "nobody", "name": "x", "method": "written" }), "/given_by"),
        ] {
            let refused = w.step(&w.nurse, &id, "consents", body).await;
            assert_eq!((refused.status.as_u16(), refused.body["errors"][0]["pointer"].as_str()), (422, Some(pointer)));
        }
        w.step(&w.nurse, &id, "consents", World::consent()).await.expect(201);
        w.step(&w.nurse, &id, "ticket", Value::Null).await.expect(200);
        let consents = w.get(&w.doctor, &format!("/v1/consults/{id}/consents")).await.expect(200);
        assert_eq!(consents[0]["recorded_by_name"], "王护士");
        let withdraw = format!("consents/{}/withdraw", consents[0]["id"].as_str().unwrap());
        w.step(&w.nurse, &id, &withdraw, Value::Null).await.expect(200);
        assert_eq!(w.step(&w.nurse, &id, &withdraw, Value::Null).await.status, 404, "once");
        assert_eq!(w.step(&w.doctor, &id, "ticket", Value::Null).await.problem(), "consent-missing");
    })
    .await;
}

#[tokio::test]
async fn a_ticket_says_who_enters_as_what_and_when() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        let id = w.scheduled().await;
        w.step(&w.nurse, &id, "consents", World::consent()).await.expect(201);
        let claims = async |who, role: &str| {
            let body = w.step(who, &id, "ticket", Value::Null).await.expect(200);
            assert_eq!(body["summary_url"], format!("/consults/{id}/summary"));
            let ticket = body["ticket"].as_str().unwrap().to_owned();
            let claims: Value = w.keys.verify("ticket", "signalling", w.clock.now(), &ticket).unwrap();
            assert_eq!(claims["role"], role);
            let all = json!(["audio", "video", "screen", "chat", "control", "observe"]);
            assert_eq!(
                (&claims["consult"], &claims["permissions"], &claims["lobby"]),
                (&json!(id), &all, &json!(false))
            );
            assert_eq!(claims["phone"].as_str(), Some("0574-8600 0000"));
            (ticket, claims)
        };
        let (ticket, host) = claims(&w.nurse, "host").await;
        assert_eq!(
            (host["sub"].as_str(), host["org"].as_str()),
            (Some(w.nurse.id.to_string().as_str()), Some(w.home.to_string().as_str()))
        );
        let (_, clinician) = claims(&w.doctor, "clinician").await;
        assert_eq!(clinician["name"], "李医生");
        // 08:30 to 09:00 in Shanghai: the room is open from 08:00 to 10:00.
        let at = |text: &str| text.parse::<chrono::DateTime<chrono::Utc>>().unwrap();
        assert_eq!(
            (host["nbf"].as_i64(), host["exp"].as_i64()),
            (Some(at("2026-11-23T00:00:00Z").timestamp()), Some(at("2026-11-23T02:00:00Z").timestamp()))
        );
        assert_eq!(w.step(&w.hospital_admin, &id, "ticket", Value::Null).await.status, 403);
        assert_eq!(w.step(&w.stranger_nurse, &id, "ticket", Value::Null).await.status, 404);
        w.clock.advance(Duration::from_hours(2));
        let late = w.step(&w.nurse, &id, "ticket", Value::Null).await;
        assert_eq!((late.problem(), late.body["closes_at"].as_str()), ("ticket-window", Some("2026-11-23T02:00:00Z")));
        w.clock.advance(Duration::from_secs(6));
        let expired = w.keys.verify::<Value>("ticket", "signalling", w.clock.now(), &ticket);
        assert_eq!(expired, Err(TokenError::Expired));
        let tomorrow = w.accepted().await;
        w.step(&w.nurse, &tomorrow, "schedule", w.at("2026-11-24T00:30:00Z")).await.expect(200);
        w.step(&w.nurse, &tomorrow, "consents", World::consent()).await.expect(201);
        assert_eq!(w.step(&w.nurse, &tomorrow, "ticket", Value::Null).await.problem(), "ticket-window", "too early");
    })
    .await;
}

#[tokio::test]
async fn a_family_link_leads_to_the_lobby_until_it_is_revoked_or_replaced() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        let id = w.scheduled().await;
        let links = format!("/v1/consults/{id}/guest-links");
        let guest = json!({ "name": "陈女士", "relation": "女儿" });
        assert_eq!(w.post(&w.doctor, &links, guest.clone()).await.status, 403);
        let link = w.post(&w.nurse, &links, guest).await.expect(201);
        let token = link["token"].as_str().unwrap();
        assert_eq!(link["path"], format!("/guest#{token}"));
        let enter =
            async |token: &str| w.call(None, "POST", "/v1/guest-tickets", Some(json!({ "token": token })), &[]).await;
        assert_eq!(enter(token).await.problem(), "consent-missing");
        w.step(&w.nurse, &id, "consents", World::consent()).await.expect(201);
        let body = enter(token).await.expect(200);
        assert!(body.get("summary_url").is_none(), "no case summary for guests");
        let claims: Value =
            w.keys.verify("ticket", "signalling", w.clock.now(), body["ticket"].as_str().unwrap()).unwrap();
        assert_eq!(
            (&claims["role"], &claims["lobby"], &claims["org"], &claims["name"]),
            (&json!("guest"), &json!(true), &Value::Null, &json!("陈女士（女儿）"))
        );
        assert_eq!(claims["permissions"], json!(["audio", "video", "chat", "observe"]));
        let listed = w.get(&w.nurse, &links).await;
        assert!(!listed.text.contains(token), "a secret is told once");
        let one = format!("{links}/{}", link["id"].as_str().unwrap());
        let fresh = w.call(Some(&w.nurse), "POST", &format!("{one}/resend"), None, &[]).await.expect(201);
        assert_eq!(enter(token).await.status, 404, "replaced");
        enter(fresh["token"].as_str().unwrap()).await.expect(200);
        let two = format!("{links}/{}", fresh["id"].as_str().unwrap());
        assert_eq!(w.call(Some(&w.stranger_nurse), "DELETE", &two, None, &[]).await.status, 404);
        assert_eq!(w.call(Some(&w.nurse), "DELETE", &two, None, &[]).await.status, 204);
        assert_eq!(enter(fresh["token"].as_str().unwrap()).await.status, 404, "revoked");
        assert_eq!(enter("guessed").await.status, 404);
        let mut refused = None;
        for _ in 0..200 {
            let answer = enter("guessed").await;
            if answer.status == 429 {
                refused = Some(answer);
                break;
            }
        }
        assert!(refused.is_some(), "guessing is slowed down");
        let stored =
            w.count("select count(*) from consult_guest where token_hash like '%-%' or length(token_hash) <> 64").await;
        assert_eq!(stored, 0, "only hashes are kept");
    })
    .await;
}

#[tokio::test]
async fn a_family_link_lives_until_a_day_after_the_consult_wherever_it_is_moved() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        let id = w.accepted().await;
        w.step(&w.nurse, &id, "consents", World::consent()).await.expect(201);
        let links = format!("/v1/consults/{id}/guest-links");
        let link = w.post(&w.nurse, &links, json!({ "name": "陈女士", "relation": "女儿" })).await.expect(201);
        let enter = async || {
            let token = Some(json!({ "token": link["token"] }));
            w.call(None, "POST", "/v1/guest-tickets", token, &[]).await
        };
        let ends = async || w.get(&w.nurse, &links).await.expect(200)[0]["expires_at"].clone();
        assert_eq!((&ends().await, &link["expires_at"]), (&json!("2026-11-28T10:00:00Z"), &ends().await), "wanted by");
        w.clock.advance(Duration::from_hours(25));
        assert_eq!(enter().await.problem(), "invalid-transition", "not booked yet, and the link is good");
        w.step(&w.nurse, &id, "schedule", w.at("2026-11-25T00:30:00Z")).await.expect(200);
        assert_eq!(ends().await, "2026-11-26T01:00:00Z");
        assert_eq!(enter().await.problem(), "ticket-window");
        w.step(&w.nurse, &id, "reschedule", w.at("2026-11-27T00:30:00Z")).await.expect(200);
        assert_eq!(ends().await, "2026-11-28T01:00:00Z");
        w.clock.advance(Duration::from_hours(71));
        enter().await.expect(200);
        w.clock.advance(Duration::from_hours(26));
        assert_eq!(enter().await.status, 404, "a day after the consult");
    })
    .await;
}

#[tokio::test]
async fn the_relays_events_move_a_consult_once() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        let id = w.scheduled().await;
        w.clock.advance(Duration::from_mins(35));
        let consumer = w.consumers.iter().find(|c| c.name == "booking-consults").unwrap();
        let log = w.outbox();
        let tell = async |kind: &str, data: Value| {
            let mut tx = w.db.begin().await.unwrap();
            bus::publish(&mut tx, w.clock.now(), kind, id.parse::<uuid::Uuid>().unwrap(), &data).await.unwrap();
            tx.commit().await.unwrap();
            consumer.catch_up(&log).await.unwrap();
            let view = w.get(&w.doctor, &format!("/v1/consults/{id}")).await.expect(200);
            (view["state"].as_str().unwrap().to_owned(), view["version"].as_i64().unwrap())
        };
        let now = || w.clock.now().to_rfc3339();
        let started = json!({ "consult_id": id, "at": now(), "more": "than is read" });
        let (state, version) = tell("signalling.consult.started", started.clone()).await;
        assert_eq!(state, "in_session");
        let again = tell("signalling.consult.started", started.clone()).await;
        assert_eq!(again, ("in_session".to_owned(), version), "a second start is none");
        w.put(&w.doctor, &format!("/v1/consults/{id}/opinion"), json!({ "impression": "边看边写" })).await.expect(200);
        let finished = json!({ "consult_id": id, "by": w.doctor.id, "at": now(), "together_seconds": 600 });
        let (state, version) = tell("signalling.consult.finished", finished.clone()).await;
        assert_eq!(state, "opinion_draft");
        assert_eq!(tell("signalling.consult.finished", finished).await, ("opinion_draft".to_owned(), version));
        assert_eq!(
            tell("signalling.consult.started", started).await,
            ("opinion_draft".to_owned(), version),
            "too late"
        );
        // An event that names no consult is parked, and the next one goes on.
        tell("signalling.consult.started", json!({ "consult_id": w.doctor.id, "at": now() })).await;
        assert_eq!(consumer.status(&log).await.unwrap().parked, 1);
        let history = w.get(&w.doctor, &format!("/v1/consults/{id}")).await.expect(200)["history"].clone();
        let by_the_house = history.as_array().unwrap().iter().filter(|l| l["actor_name"].is_null()).count();
        assert_eq!(by_the_house, 2);
    })
    .await;
}

#[tokio::test]
async fn what_nobody_answers_in_time_expires() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        let (waiting, booked) = (w.submitted().await, w.scheduled().await);
        assert_eq!(sanbao_booking::consult::jobs::expire(&w.db, &w.clock).await.unwrap(), 0);
        w.clock.advance(Duration::from_hours(120));
        assert_eq!(sanbao_booking::consult::jobs::expire(&w.db, &w.clock).await.unwrap(), 1);
        let state = async |id: &str| w.get(&w.nurse, &format!("/v1/consults/{id}")).await.expect(200)["state"].clone();
        assert_eq!((state(&waiting).await, state(&booked).await), (json!("expired"), json!("scheduled")));
        let missed = w.step(&w.nurse, &booked, "no-show", json!({ "reason": "医生未到" })).await.expect(200);
        assert_eq!(missed["state"], "no_show");
    })
    .await;
}

#[tokio::test]
async fn the_demo_has_a_consult_that_one_can_enter_at_once() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        let people = DemoPeople {
            care_home: w.home,
            hospital: w.hospital,
            rooms: w.rooms.iter().map(|r| LocationId(*r)).collect(),
            care_staff: AccountId(w.nurse.id),
            doctors: vec![
                (AccountId(w.doctor.id), "geriatrics".to_owned()),
                (AccountId(w.second_doctor.id), "cardiology".to_owned()),
            ],
            residents: w.residents.iter().map(|r| PersonId(*r)).collect(),
        };
        demo::fill(&w.app, &people).await.unwrap();
        let list = w.get(&w.nurse, "/v1/consults").await.expect(200);
        let items = list["items"].as_array().unwrap();
        let mut states: Vec<&str> = items.iter().map(|i| i["state"].as_str().unwrap()).collect();
        states.sort_unstable();
        assert_eq!(states, ["scheduled", "scheduled", "signed", "submitted"]);
        let mut entered = 0;
        for item in items.iter().filter(|i| i["state"] == "scheduled") {
            let id = item["id"].as_str().unwrap();
            entered += u32::from(w.step(&w.nurse, id, "ticket", Value::Null).await.status == 200);
        }
        assert!(entered >= 1);
        assert_eq!(w.get(&w.doctor, "/v1/consults").await.expect(200)["items"].as_array().unwrap().len(), 4);
    })
    .await;
}
