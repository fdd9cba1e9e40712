//! The whole main job by the API on both engines: a consult from invitation to adopted opinion, and a
//! home-care request from the telephone to a checked-out visit and its place in the counts.

use chrono::{DateTime, Duration, Utc};
use sanbao::role::Role;
use sanbao_platform::testing::{self, eventually};
use serde_json::json;

use crate::common::{self, Served, flow};

#[tokio::test]
async fn a_request_becomes_a_visit_and_a_number() {
    testing::on_both(async |engine| {
        let served = Served::demo(engine).await;
        let nobody = served.nobody();
        let request = flow::accepted_request(&nobody, "腿脚不便，需要上门助浴").await;
        let dispatcher = nobody.demo("dispatcher").await;
        let visit = flow::text(&flow::visit_of(&dispatcher, &request).await, "/id");
        let agency = flow::organisation(&nobody, "home_care_agency").await;
        let caregiver = flow::account(&nobody, &agency, "caregiver").await;
        // Tomorrow: the demo's own visits are today's.
        let starts_at: DateTime<Utc> = served.clock.now() + Duration::hours(26);
        let slot = json!({ "caregiver": caregiver, "starts_at": starts_at, "ends_at": starts_at + Duration::hours(1) });
        let path = |step: &str| format!("/v1/visits/{visit}/{step}");
        dispatcher.post(&path("schedule"), &slot).await.expect(200);
        flow::request_is(&dispatcher, &request, "scheduled").await;
        served.minutes_later(26 * 60);
        let caregiver = nobody.demo("caregiver").await;
        let today = caregiver.get("/v1/visits/today").await.expect(200);
        assert!(today.to_string().contains(&visit), "the visit is in the day's list: {today}");
        let place = json!({ "method": "gps", "latitude": 29.9556, "longitude": 121.7158, "accuracy_m": 12.0 });
        caregiver.post(&path("check-in"), &place).await.expect(200);
        let dispatcher = nobody.demo("dispatcher").await;
        flow::request_is(&dispatcher, &request, "in_service").await;
        served.minutes_later(50);
        let caregiver = nobody.demo("caregiver").await;
        let done = caregiver.post(&path("check-out"), &place).await.expect(200);
        assert_eq!(done["state"], "completed", "{done}");
        let again = caregiver.post(&path("check-out"), &place).await;
        assert_eq!((again.status.as_u16(), again.problem()), (409, "invalid-transition"));
        let desk = nobody.demo("desk").await;
        flow::request_is(&desk, &request, "done").await;
        for (step, state) in [("follow-up", "followed_up"), ("close", "closed")] {
            let answer = desk.post(&format!("/v1/requests/{request}/{step}"), &json!({})).await.expect(200);
            assert_eq!(answer["state"], state);
        }
        let needs = served.network.stores.of(Role::NeedsAnalysis).unwrap();
        let report = sanbao_needs_analysis::rollup::verify(needs, |_, _| {}).await.unwrap();
        assert!(report.cells > 0 && report.differences.is_empty(), "{report:?}");
        served.stop().await;
    })
    .await;
}

/// Lets the relay say what happened in a consult's room, in the words of its own events.
async fn relay_says(served: &Served, consult: &str, kind: &str) {
    let db = served.network.stores.of(Role::Signalling).unwrap();
    let (now, id) = (served.clock.now(), consult.parse::<uuid::Uuid>().unwrap());
    let said = json!({ "consult_id": id, "at": now, "by": id, "together_seconds": 600 });
    let mut tx = db.begin().await.unwrap();
    sanbao_platform::bus::publish(&mut tx, now, kind, id, &said).await.unwrap();
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn an_invitation_becomes_an_adopted_opinion() {
    testing::on_both(async |engine| {
        let served = Served::demo(engine).await;
        let nobody = served.nobody();
        let nurse = nobody.demo("nurse").await;
        let resident = flow::residents(&nurse).await.remove(1);
        let room = flow::rooms(&nobody, &nurse).await.remove(0);
        let consult = flow::accepted_consult(&served, &resident).await;
        let path = |step: &str| format!("/v1/consults/{consult}/{step}");
        let slot = flow::slots(&served, &nurse, &consult, &room).await.remove(0);
        let starts_at: DateTime<Utc> = slot["starts_at"].as_str().unwrap().parse().unwrap();
        let wanted = json!({ "room_id": room, "starts_at": starts_at });
        assert_eq!(nurse.post(&path("schedule"), &wanted).await.expect(200)["state"], "scheduled");
        assert_eq!(nurse.post(&path("ticket"), &json!({})).await.problem(), "consent-missing");
        let consent = json!({ "given_by": "guardian", "name": "王晓东", "relation": "儿子", "method": "written" });
        nurse.post(&path("consents"), &consent).await.expect(201);
        let minutes = (starts_at - served.clock.now()).num_minutes().max(0);
        served.minutes_later(u64::try_from(minutes).unwrap());
        let (nurse, doctor) = (nobody.demo("nurse").await, nobody.demo("doctor").await);
        let ticket = nurse.post(&path("ticket"), &json!({})).await.expect(200);
        let keys = &served.network.keys;
        let claims: serde_json::Value =
            keys.verify("ticket", "signalling", served.clock.now(), ticket["ticket"].as_str().unwrap()).unwrap();
        assert_eq!((&claims["consult"], &claims["role"]), (&json!(consult), &json!("host")));
        doctor.post(&path("ticket"), &json!({})).await.expect(200);
        relay_says(&served, &consult, "signalling.consult.started").await;
        consult_is(&nurse, &consult, "in_session").await;
        served.minutes_later(10);
        relay_says(&served, &consult, "signalling.consult.finished").await;
        let (nurse, doctor) = (nobody.demo("nurse").await, nobody.demo("doctor").await);
        consult_is(&nurse, &consult, "opinion_draft").await;
        assert_eq!(nurse.get(&path("opinion")).await.status, 404, "a draft is the doctor's alone");
        let opinion = json!({ "impression": "血压控制不佳", "suggested_treatment": "氨氯地平加至 10 mg 每日一次",
            "follow_up": "一周后复测", "risk_notes": "注意体位性低血压" });
        doctor.send(doctor.request("put", &path("opinion")).json(&opinion)).await.expect(200);
        let early = nurse.post(&path("adopt"), &json!({ "decision": "adopted" })).await;
        assert_eq!(early.problem(), "invalid-transition");
        assert!(early.body["legal"].is_array(), "{}", early.text);
        assert_eq!(doctor.post(&path("sign"), &json!({})).await.expect(200)["state"], "signed");
        let read = nurse.get(&path("opinion")).await.expect(200);
        assert_eq!(read["impression"], "血压控制不佳");
        let adopted = nurse.post(&path("adopt"), &json!({ "decision": "adopted", "note": "" })).await.expect(200);
        assert_eq!(adopted["state"], "adopted");
        assert_eq!(nurse.post(&path("archive"), &json!({})).await.expect(200)["state"], "archived");
        served.stop().await;
    })
    .await;
}

async fn consult_is(client: &common::Client, consult: &str, state: &str) {
    eventually(&format!("the consult is {state}"), async || {
        let view = client.get(&format!("/v1/consults/{consult}")).await.expect(200);
        (view["state"] == state).then_some(())
    })
    .await;
}
