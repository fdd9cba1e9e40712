//! Coming and leaving with proof: only the assigned caregiver, within the window, once.

use std::time::Duration;

use sanbao_booking::role;
use sanbao_platform::testing::on_both;
use serde_json::{Value, json};

use crate::visit::world::{World, at, gps, slot};

fn minutes(n: u64) -> Duration {
    Duration::from_secs(n * 60)
}

#[tokio::test]
async fn a_visit_is_proved_from_door_to_door() {
    on_both(|engine| async move {
        let w = World::new(engine).await;
        let visit = w.order(json!({})).await;
        let me = &w.caregivers[0];
        w.schedule(&visit, me, 30, 90).await.expect(200);
        let (coming, leaving) = (format!("/v1/visits/{visit}/check-in"), format!("/v1/visits/{visit}/check-out"));
        let told = w.post(me, &leaving, gps()).await.expect(409);
        assert_eq!(told["legal"], json!(["check-in"]), "what a caregiver may do now; nobody was missed yet");
        w.clock.advance(minutes(28));
        let there = w.post(me, &coming, gps()).await.expect(200);
        assert_eq!((&there["state"], &there["checked_in_at"]), (&json!("in_service"), &json!("2026-11-23T06:28:00Z")));
        w.post(me, &coming, gps()).await.expect(409);
        w.post(&w.dispatcher, &format!("/v1/visits/{visit}/cancel"), json!({"reason": "x"})).await.expect(409);
        w.clock.advance(minutes(55));
        let by_word = json!({"method": "manual", "note": "手机没有信号"});
        let done = w.post(me, &leaving, by_word).await.expect(200);
        assert_eq!((&done["state"], &done["legal"]), (&json!("completed"), &json!([])));

        // The six elements: service type, recipient, date, location, worker, start and end.
        let detail = w.get(&w.dispatcher, &format!("/v1/visits/{visit}")).await.expect(200);
        assert_eq!((&detail["service_type"], &detail["name"]), (&json!("bath"), &json!("张秀英")));
        let proofs = detail["proofs"].as_array().unwrap();
        assert_eq!((&proofs[0]["kind"], &proofs[1]["kind"]), (&json!("check_in"), &json!("check_out")));
        assert_eq!(proofs[0]["worker_id"], json!(me.id));
        assert_eq!((&proofs[0]["latitude"], &proofs[0]["longitude"]), (&json!(29.9504), &json!(121.7163)));
        assert_eq!((&proofs[1]["at"], &proofs[1]["note"]), (&json!("2026-11-23T07:23:00Z"), &json!("手机没有信号")));

        assert_eq!(w.kinds().await, ["scheduled", "started", "completed"]);
        let events = w.events().await;
        assert_eq!(
            events[1].1,
            json!({"visit_id": visit, "request_id": done["request_id"], "at": "2026-11-23T06:28:00Z"})
        );
        assert_eq!(
            w.count("select count(*) from audit where action in ('visit.check_in', 'visit.check_out')").await,
            2
        );
        // The rest of the planned hour is free.
        let next = w.order(json!({"phone": "13900000000"})).await;
        w.schedule(&next, me, 85, 120).await.expect(200);
    })
    .await;
}

#[tokio::test]
async fn only_the_assigned_caregiver_comes_and_leaves() {
    on_both(|engine| async move {
        let w = World::new(engine).await;
        let visit = w.order(json!({})).await;
        w.schedule(&visit, &w.caregivers[0], 30, 90).await.expect(200);
        let coming = format!("/v1/visits/{visit}/check-in");
        w.post(&w.caregivers[1], &coming, gps()).await.expect(404);
        w.post(&w.dispatcher, &coming, gps()).await.expect(403);
        let rival = w.member(w.other_agency, role::CAREGIVER, "外人").await;
        w.post(&rival, &coming, gps()).await.expect(404);
        // Given to another, it is no longer the first one's.
        w.post(&w.dispatcher, &format!("/v1/visits/{visit}/reschedule"), slot(&w.caregivers[1], 30, 90))
            .await
            .expect(200);
        w.post(&w.caregivers[0], &coming, gps()).await.expect(404);
        w.post(&w.caregivers[1], &coming, gps()).await.expect(200);
        assert_eq!(w.count("select count(*) from visit_proof").await, 1);
    })
    .await;
}

#[tokio::test]
async fn a_phone_that_was_offline_tells_later_and_once() {
    on_both(|engine| async move {
        let w = World::new(engine).await;
        let visit = w.order(json!({})).await;
        let me = &w.caregivers[0];
        w.schedule(&visit, me, 30, 90).await.expect(200);
        w.clock.advance(minutes(150));
        let with = |mut body: Value, minute: i64| {
            body["at"] = json!(at(minute));
            body
        };
        let (coming, leaving) = (format!("/v1/visits/{visit}/check-in"), format!("/v1/visits/{visit}/check-out"));
        let send = async |path: &str, key: &'static str, minute: i64| {
            w.call(Some(me), "POST", path, Some(with(gps(), minute)), &[("idempotency-key", key)]).await
        };
        let first = send(&coming, "in", 33).await.expect(200);
        assert_eq!(first["checked_in_at"], "2026-11-23T06:33:00Z");
        assert_eq!(send(&coming, "in", 33).await.expect(200), first, "the retry gets the first answer");
        send(&leaving, "early", 32).await.expect(422);
        let done = send(&leaving, "out", 88).await.expect(200);
        assert_eq!(send(&leaving, "out", 88).await.expect(200), done);
        assert_eq!(w.kinds().await, ["scheduled", "started", "completed"]);
        assert_eq!(w.count("select count(*) from visit_proof").await, 2);
    })
    .await;
}

#[tokio::test]
async fn times_and_places_out_of_range_are_refused() {
    on_both(|engine| async move {
        let w = World::new(engine).await;
        let visit = w.order(json!({})).await;
        let me = &w.caregivers[0];
        w.schedule(&visit, me, 90, 150).await.expect(200);
        let coming = format!("/v1/visits/{visit}/check-in");
        let early = w.post(me, &coming, gps()).await.expect(409);
        assert_eq!(
            (&early["type"], &early["from"]),
            (&json!("/problems/outside-window"), &json!("2026-11-23T06:30:00Z"))
        );
        w.clock.advance(minutes(90));
        let changed = |change: Value| {
            let mut body = gps();
            body.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
            body
        };
        for (change, pointer) in [
            (json!({"at": at(93)}), "/at"),
            (json!({"at": "yesterday"}), "/at"),
            (json!({"latitude": 91}), "/latitude"),
            (json!({"latitude": null}), "/longitude"),
            (json!({"longitude": -181}), "/longitude"),
            (json!({"accuracy_m": -1}), "/accuracy_m"),
            (json!({"method": "magic"}), "/method"),
            (json!({"method": "manual"}), "/note"),
            (json!({"method": "phone", "note": " "}), "/note"),
            (json!({"note": "字".repeat(501)}), "/note"),
        ] {
            let told = w.post(me, &coming, changed(change.clone())).await.expect(422);
            assert_eq!(told["errors"][0]["pointer"], pointer, "{change} {told}");
        }
        w.post(me, &coming, changed(json!({"at": at(29)}))).await.expect(409);
        assert_eq!(w.count("select count(*) from visit_proof").await, 0);
        w.clock.advance(minutes(60 + 121));
        let late = w.post(me, &coming, gps()).await.expect(409);
        assert_eq!(late["type"], "/problems/outside-window");
        let script = json!({"reason": "<script>alert(1)</script>'; drop table visit; --"});
        let gone = w.post(me, &format!("/v1/visits/{visit}/no-show"), script.clone()).await.expect(200);
        assert_eq!((&gone["state"], &gone["closed_reason"]), (&json!("no_show"), &script["reason"]));
        assert_eq!(w.kinds().await, ["scheduled", "no_show"]);
    })
    .await;
}

#[tokio::test]
async fn a_caregivers_day_is_the_agencys_and_shows_people_of_today_and_tomorrow_only() {
    on_both(|engine| async move {
        let w = World::new(engine).await;
        let me = &w.caregivers[0];
        let mut visits = Vec::new();
        // Today 16:00, tomorrow 00:30 there (still today in UTC), tomorrow 10:00, the day after.
        for (n, from) in [120, 630, 1200, 2880].into_iter().enumerate() {
            let visit = w.order(json!({"phone": format!("1390000000{n}")})).await;
            w.schedule(&visit, me, from, from + 60).await.expect(200);
            visits.push(visit);
        }
        let today = w.get(me, "/v1/visits/today").await.expect(200);
        assert_eq!((&today["day"], &today["time_zone"]), (&json!("2026-11-23"), &json!("Asia/Shanghai")));
        let ids: Vec<&Value> = today["items"].as_array().unwrap().iter().map(|v| &v["id"]).collect();
        assert_eq!(ids, [&json!(visits[0])]);
        assert_eq!(today["items"][0]["address"], "胜利路社区 3 幢 201 室");
        let seen = async |n: usize| w.get(me, &format!("/v1/visits/{}", visits[n])).await.expect(200);
        assert_eq!(seen(2).await["phone"], "13900000002");
        let far = seen(3).await;
        assert_eq!((&far["name"], &far["phone"]), (&json!("张**"), &json!("139****0003")));
        assert_eq!((&far["address"], &far["note"]), (&Value::Null, &Value::Null));
        // A visit that runs past midnight stays on the list until it is left.
        w.clock.advance(minutes(120));
        w.post(me, &format!("/v1/visits/{}/check-in", visits[0]), gps()).await.expect(200);
        w.clock.advance(minutes(9 * 60));
        let night = w.get(me, "/v1/visits/today").await.expect(200);
        let ids: Vec<&Value> = night["items"].as_array().unwrap().iter().map(|v| &v["id"]).collect();
        assert_eq!(ids, [&json!(visits[0]), &json!(visits[1]), &json!(visits[2])]);
        assert_eq!(night["items"][1]["late_minutes"], 30);
    })
    .await;
}
