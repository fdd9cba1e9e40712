//! A consult's whole life through the router, on both engines: every step, its event, its audit row,
//! and every step that is not possible.
use sanbao_platform::auth::AccessClaims;
use sanbao_platform::testing::on_both;
use serde_json::{Value, json};
use std::time::Duration;

use crate::consult::world::World;

fn opinion() -> Value {
    json!({
        "impression": "慢性心力衰竭，NYHA III 级", "suggested_treatment": "呋塞米加量至 40 mg 每日两次，三日后复查电解质",
        "risk_notes": "注意低钾",
    })
}

/// The whole life stands in the history, in the events and in the audit.
async fn leaves_its_traces(w: &World, id: &str, archived: &Value) {
    let lines: Vec<&str> =
        archived["history"].as_array().unwrap().iter().map(|l| l["action"].as_str().unwrap()).collect();
    assert_eq!(
        lines,
        [
            "create", "submit", "return", "revise", "submit", "accept", "schedule", "delay", "finish", "sign", "adopt",
            "archive"
        ]
    );
    let events = w.events(id).await;
    let expected = [
        "draft",
        "submitted",
        "returned",
        "revised",
        "submitted",
        "accepted",
        "scheduled",
        "delayed",
        "ticket_revoked",
        "opinion_draft",
        "signed",
        "adopted",
        "archived",
    ]
    .map(|k| format!("booking.consult.{k}"));
    assert_eq!(events, expected, "{}", w.engine);
    let audited = w.audited(id).await;
    let read = "GET /v1/consults/{id}/opinion";
    for action in ["consult.consent", "consult.ticket", "consult.save_opinion", read, "consult.sign"] {
        assert!(audited.iter().any(|a| a == action), "{action} in {audited:?}");
    }
}

#[tokio::test]
async fn from_invitation_to_archived_file() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        let mut draft = w.invitation(0);
        draft["submit"] = json!(false);
        let body = w.post(&w.nurse, "/v1/consults", draft).await.expect(201);
        let id = body["id"].as_str().unwrap();
        assert_eq!((body["state"].as_str(), &body["actions"]), (Some("draft"), &json!(["revise", "submit", "cancel"])));
        w.step(&w.nurse, id, "submit", Value::Null).await.expect(200);
        let reason = json!({ "reason": "请补充近三日体重" });
        let returned = w.step(&w.doctor, id, "return", reason).await.expect(200);
        assert_eq!(
            (returned["state"].as_str(), returned["state_note"].as_str()),
            (Some("returned"), Some("请补充近三日体重"))
        );
        let mut better = w.invitation(0);
        better["case_summary"] = json!("86 岁，三日体重增加 2 kg。");
        let revised = w.put(&w.nurse, &format!("/v1/consults/{id}"), better).await.expect(200);
        assert_eq!((revised["state"].as_str(), revised["state_note"].as_str()), (Some("submitted"), None));
        let accepted = w.step(&w.doctor, id, "accept", Value::Null).await.expect(200);
        assert_eq!(accepted["doctor_name"], "李医生");
        let booked = w.step(&w.nurse, id, "schedule", w.at("2026-11-23T00:30:00Z")).await.expect(200);
        assert_eq!(booked["appointment"]["ends_at"], "2026-11-23T01:00:00Z");
        let late = w.step(&w.doctor, id, "delay", json!({ "minutes": 10 })).await.expect(200);
        assert_eq!(late["appointment"]["expected_at"], "2026-11-23T00:40:00Z");
        w.step(&w.nurse, id, "consents", World::consent()).await.expect(201);
        w.step(&w.nurse, id, "ticket", Value::Null).await.expect(200);
        w.clock.advance(Duration::from_mins(45));
        w.step(&w.doctor, id, "finish", Value::Null).await.expect(200);
        w.put(&w.doctor, &format!("/v1/consults/{id}/opinion"), opinion()).await.expect(200);
        assert_eq!(w.get(&w.nurse, &format!("/v1/consults/{id}/opinion")).await.status, 404, "not before it is signed");
        let signed = w.step(&w.doctor, id, "sign", Value::Null).await.expect(200);
        assert_eq!((signed["state"].as_str(), &signed["actions"]), (Some("signed"), &json!([])), "the doctor is done");
        let read = w.get(&w.nurse, &format!("/v1/consults/{id}/opinion")).await.expect(200);
        assert_eq!(read["signature"]["licence_no"], "110330211000001");
        assert_eq!(read["signature"]["institution"], "镇海示范医院");
        let adoption = json!({ "decision": "partly_adopted", "note": "剂量先加至 30 mg" });
        w.step(&w.nurse, id, "adopt", adoption).await.expect(200);
        let archived = w.step(&w.nurse, id, "archive", Value::Null).await.expect(200);
        leaves_its_traces(&w, id, &archived).await;
    })
    .await;
}

#[tokio::test]
async fn an_illegal_step_is_refused_and_says_what_would_be_legal() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        let id = w.submitted().await;
        let why = json!({ "reason": "原因" });
        let refused = w.step(&w.nurse, &id, "submit", Value::Null).await;
        assert_eq!((refused.status.as_u16(), refused.problem()), (409, "invalid-transition"));
        assert_eq!(refused.body["state"], "submitted");
        assert_eq!(refused.body["legal"], json!(["cancel"]));
        for (who, step, body) in [
            (&w.nurse, "schedule", w.at("2026-11-23T00:30:00Z")),
            (&w.nurse, "reschedule", w.at("2026-11-23T00:30:00Z")),
            (&w.nurse, "delay", json!({ "minutes": 5 })),
            (&w.nurse, "no-show", why.clone()),
            (&w.nurse, "adopt", json!({ "decision": "adopted" })),
            (&w.nurse, "archive", Value::Null),
            (&w.nurse, "ticket", Value::Null),
        ] {
            let refused = w.step(who, &id, step, body).await;
            assert_eq!((refused.status.as_u16(), refused.problem()), (409, "invalid-transition"), "{step}");
        }
        w.step(&w.doctor, &id, "accept", Value::Null).await.expect(200);
        for (step, body) in [
            ("accept", Value::Null),
            ("return", why.clone()),
            ("reject", why.clone()),
            ("finish", Value::Null),
            ("sign", Value::Null),
        ] {
            let refused = w.step(&w.doctor, &id, step, body).await;
            assert_eq!((refused.status.as_u16(), refused.problem()), (409, "invalid-transition"), "{step}");
        }
        let path = format!("/v1/consults/{id}/opinion");
        assert_eq!(w.put(&w.doctor, &path, opinion()).await.problem(), "invalid-transition");
        let before = w.events(&id).await.len();
        w.step(&w.nurse, &id, "cancel", why.clone()).await.expect(200);
        for (step, body) in [("cancel", why.clone()), ("consents", World::consent()), ("submit", Value::Null)] {
            let refused = w.step(&w.nurse, &id, step, body).await;
            assert_eq!((refused.status.as_u16(), &refused.body["legal"]), (409, &json!([])), "{step}");
        }
        assert_eq!(w.events(&id).await.len(), before + 1, "a refused step leaves nothing");
    })
    .await;
}

#[tokio::test]
async fn a_signed_opinion_never_changes() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        let id = w.scheduled().await;
        let path = format!("/v1/consults/{id}/opinion");
        w.clock.advance(Duration::from_hours(1));
        w.step(&w.doctor, &id, "finish", Value::Null).await.expect(200);
        assert_eq!(w.step(&w.doctor, &id, "sign", Value::Null).await.status, 422, "nothing to sign");
        w.put(&w.doctor, &path, json!({ "impression": "心衰" })).await.expect(200);
        let short = w.step(&w.doctor, &id, "sign", Value::Null).await;
        assert_eq!(short.body["errors"][0]["pointer"], "/suggested_treatment");
        // Over an existing draft one must say which one was read.
        assert_eq!(w.put(&w.doctor, &path, opinion()).await.status, 412);
        let stale = w.call(Some(&w.doctor), "PUT", &path, Some(opinion()), &[("if-match", "\"7\"")]).await;
        assert_eq!(stale.status, 412);
        let saved = w.call(Some(&w.doctor), "PUT", &path, Some(opinion()), &[("if-match", "\"1\"")]).await;
        assert_eq!((saved.status.as_u16(), saved.etag()), (200, Some("\"2\"")));
        let sign = format!("/v1/consults/{id}/sign");
        assert_eq!(w.call(Some(&w.doctor), "POST", &sign, None, &[("if-match", "\"1\"")]).await.status, 412);
        // A screen that was left open signs nothing: the doctor proves who it is first.
        let proved_at = w.clock.now() - chrono::Duration::minutes(10);
        let claims = AccessClaims { auth_time: proved_at.timestamp(), ..w.doctor.claims() };
        let left_open = w.keys.sign_access(w.clock.now(), &claims).unwrap();
        let refused = w.call_with(Some(&left_open), "POST", &sign, None, &[("if-match", "\"2\"")]).await;
        refused.refused(401, "step-up-required");
        w.call(Some(&w.doctor), "POST", &sign, None, &[("if-match", "\"2\"")]).await.expect(200);
        let signed = w.get(&w.doctor, &path).await.expect(200);
        for version in ["\"2\"", "\"3\""] {
            let refused = w.call(Some(&w.doctor), "PUT", &path, Some(opinion()), &[("if-match", version)]).await;
            assert_eq!(refused.problem(), "invalid-transition");
        }
        assert_eq!(w.step(&w.doctor, &id, "sign", Value::Null).await.problem(), "invalid-transition");
        // Not even by hand.
        let mut tx = w.db.begin().await.unwrap();
        let forged = sanbao_platform::on!(tx, |c| sqlx::query("update consult_opinion set impression = 'x'")
            .execute(c)
            .await
            .map(drop));
        assert!(forged.is_err(), "{}", w.engine);
        drop(tx);
        assert_eq!(w.get(&w.doctor, &path).await.expect(200), signed);
        assert_eq!(signed["signature"]["content_hash"].as_str().unwrap().len(), 64);
    })
    .await;
}

#[tokio::test]
async fn a_stranger_sees_nothing_and_a_wrong_role_is_told() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        let id = w.submitted().await;
        let path = format!("/v1/consults/{id}");
        assert_eq!(w.call(None, "GET", &path, None, &[]).await.status, 401);
        for stranger in [&w.stranger_nurse, &w.stranger_doctor, &w.skin_doctor, &w.dispatcher] {
            assert_eq!(w.get(stranger, &path).await.status, 404, "{}", stranger.name);
            assert_eq!(w.step(stranger, &id, "accept", Value::Null).await.status, 404, "{}", stranger.name);
        }
        for wanted in [&w.doctor, &w.second_doctor, &w.hospital_admin, &w.nurse] {
            w.get(wanted, &path).await.expect(200);
        }
        assert_eq!(w.step(&w.nurse, &id, "accept", Value::Null).await.status, 403);
        assert_eq!(w.step(&w.hospital_admin, &id, "accept", Value::Null).await.status, 403);
        w.step(&w.doctor, &id, "accept", Value::Null).await.expect(200);
        assert_eq!(w.get(&w.second_doctor, &path).await.status, 404, "somebody else took it on");
        assert_eq!(w.step(&w.doctor, &id, "consents", World::consent()).await.status, 403);
        assert_eq!(w.step(&w.hospital_admin, &id, "sign", Value::Null).await.status, 403);
        assert_eq!(w.get(&w.dispatcher, "/v1/consults").await.status, 403);
        assert_eq!(w.post(&w.doctor, "/v1/consults", w.invitation(0)).await.status, 403);
        let list = async |who| w.get(who, "/v1/consults").await.expect(200)["items"].as_array().unwrap().len();
        assert_eq!(list(&w.nurse).await, 1);
        assert_eq!(list(&w.doctor).await, 1);
        assert_eq!(list(&w.second_doctor).await, 0);
        assert_eq!(list(&w.hospital_admin).await, 1);
        assert_eq!(list(&w.stranger_nurse).await, 0);
        let mut draft = w.invitation(1);
        draft["submit"] = json!(false);
        let draft = w.post(&w.nurse, "/v1/consults", draft).await.expect(201)["id"].as_str().unwrap().to_owned();
        assert_eq!(w.get(&w.doctor, &format!("/v1/consults/{draft}")).await.status, 404, "a draft is the writer's own");
        assert_eq!(list(&w.hospital_admin).await, 1);
        let items = w.get(&w.nurse, "/v1/consults").await.text;
        assert!(!items.contains("射血分数"), "no clinical text in lists");
    })
    .await;
}
