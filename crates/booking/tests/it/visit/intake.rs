//! Orders come from events, once, also after a stop or a repeat.

use std::time::Duration;

use sanbao_platform::testing::on_both;
use serde_json::json;

use crate::visit::world::{World, gps};

#[tokio::test]
async fn a_request_that_is_told_twice_becomes_one_order() {
    on_both(|engine| async move {
        let w = World::new(engine).await;
        let request = w.uuid();
        w.accept_request(request, json!({"wanted_from": "2026-11-24T09:00:00+08:00"})).await;
        w.accept_request(request, json!({})).await;
        assert_eq!(w.catch_up().await, 2);
        assert_eq!(w.catch_up().await, 0, "a second reading finds nothing new");
        assert_eq!(w.count("select count(*) from visit").await, 1);
        let visit = w.visit_of(request).await;
        assert_eq!(visit["state"], "requested");
        assert_eq!(visit["legal"], json!(["schedule", "cancel"]));
        assert_eq!((&visit["name"], &visit["service_type"]), (&json!("张秀英"), &json!("bath")));
        assert_eq!(visit["wanted_from"], "2026-11-24T01:00:00Z");
        assert_eq!(w.count("select count(*) from audit where action = 'visit.order'").await, 1);
    })
    .await;
}

#[tokio::test]
async fn one_elder_is_one_person_over_many_requests() {
    on_both(|engine| async move {
        let w = World::new(engine).await;
        for _ in 0..3 {
            w.accept_request(w.uuid(), json!({})).await;
        }
        w.catch_up().await;
        assert_eq!(w.count("select count(*) from visit").await, 3);
        assert_eq!(w.count("select count(distinct person_id) from visit").await, 1);
    })
    .await;
}

#[tokio::test]
async fn what_happens_while_the_consumer_is_stopped_is_not_lost() {
    on_both(|engine| async move {
        let w = World::new(engine.clone()).await;
        let (first, second, third) = (w.uuid(), w.uuid(), w.uuid());
        w.accept_request(first, json!({})).await;
        w.catch_up().await;
        // Nobody reads; 150 is more than one batch of the log.
        for _ in 0..150 {
            w.accept_request(w.uuid(), json!({"name": "李福根"})).await;
        }
        w.accept_request(second, json!({})).await;
        w.cancel_request(second).await;
        w.accept_request(third, json!({})).await;
        assert_eq!(w.count("select count(*) from visit").await, 1);
        assert_eq!(w.catch_up().await, 153);
        assert_eq!(w.count("select count(*) from visit").await, 153);
        assert_eq!(w.count("select count(*) from visit where state = 'cancelled'").await, 1);
        assert_eq!(w.visit_of(third).await["state"], "requested");
        assert_eq!(w.parked().await, 0);
    })
    .await;
}

#[tokio::test]
async fn a_cancelled_request_calls_off_what_has_not_begun() {
    on_both(|engine| async move {
        let w = World::new(engine).await;
        let (waiting, planned, begun) = (w.uuid(), w.uuid(), w.uuid());
        for request in [waiting, planned, begun] {
            w.accept_request(request, json!({"phone": format!("138{}", &request.simple().to_string()[24..])})).await;
        }
        w.catch_up().await;
        let id = |v: serde_json::Value| v["id"].as_str().unwrap().to_owned();
        let (planned_id, begun_id) = (id(w.visit_of(planned).await), id(w.visit_of(begun).await));
        w.schedule(&planned_id, &w.caregivers[0], 120, 180).await.expect(200);
        w.schedule(&begun_id, &w.caregivers[1], 30, 90).await.expect(200);
        w.post(&w.caregivers[1], &format!("/v1/visits/{begun_id}/check-in"), gps()).await.expect(200);
        for request in [waiting, planned, begun, w.uuid()] {
            w.cancel_request(request).await;
        }
        w.catch_up().await;
        assert_eq!(w.visit_of(waiting).await["state"], "cancelled");
        assert_eq!(w.visit_of(planned).await["state"], "cancelled");
        assert_eq!(w.visit_of(begun).await["state"], "in_service", "the visit is what happens");
        assert_eq!(w.count("select count(*) from audit where outcome = 'too_late'").await, 1);
        // The time is free again, and a new order may follow.
        w.accept_request(planned, json!({})).await;
        w.catch_up().await;
        let again = id(w.visit_of(planned).await);
        assert_ne!(again, planned_id);
        w.schedule(&again, &w.caregivers[0], 120, 180).await.expect(200);
        assert_eq!(w.parked().await, 0);
    })
    .await;
}

#[tokio::test]
async fn a_corrected_request_corrects_its_open_order_and_tells_those_who_follow_it() {
    on_both(|engine| async move {
        let w = World::new(engine).await;
        let request = w.uuid();
        w.accept_request(request, json!({})).await;
        w.catch_up().await;
        let id = w.visit_of(request).await["id"].as_str().unwrap().to_owned();
        w.schedule(&id, &w.caregivers[0], 120, 180).await.expect(200);
        let mut changes = w.db.changes();
        let wish = json!({"phone": "13900139000", "address": "镇骆路 8 号", "note": "门铃坏了，请打电话"});
        w.update_request(request, wish.clone()).await;
        w.catch_up().await;
        let visit = w.visit_of_id(&id).await;
        for field in ["phone", "address", "note"] {
            assert_eq!(visit[field], wish[field], "{field}");
        }
        assert_eq!((&visit["state"], &visit["version"]), (&json!("scheduled"), &json!(3)));
        let mut told = Vec::new();
        while let Ok(change) = changes.try_recv() {
            told.extend((change.topic == "visits").then_some(change.key));
        }
        assert_eq!(told, [w.agency.0, w.caregivers[0].id], "dispatcher and caregiver");
        let steps: Vec<_> = visit["history"].as_array().unwrap().iter().map(|line| &line["action"]).collect();
        assert_eq!(steps, ["order", "schedule", "update"]);
        assert_eq!(w.count("select count(*) from audit where action = 'visit.update'").await, 1);
        // An event that says nothing new changes nothing, not even the version that somebody has read.
        w.update_request(request, wish).await;
        w.catch_up().await;
        assert_eq!(w.visit_of_id(&id).await["version"], 3);
        assert_eq!((w.kinds().await, w.parked().await), (vec!["scheduled".to_owned()], 0));
    })
    .await;
}

#[tokio::test]
async fn what_is_over_is_not_rewritten_by_its_request() {
    on_both(|engine| async move {
        let w = World::new(engine).await;
        let (gone, done) = (w.uuid(), w.uuid());
        for (request, phone) in [(gone, "13800000001"), (done, "13800000002")] {
            w.accept_request(request, json!({"phone": phone})).await;
        }
        w.catch_up().await;
        let id = |v: serde_json::Value| v["id"].as_str().unwrap().to_owned();
        let (gone_id, done_id) = (id(w.visit_of(gone).await), id(w.visit_of(done).await));
        w.post(&w.dispatcher, &format!("/v1/visits/{gone_id}/cancel"), json!({"reason": "住院"})).await.expect(200);
        w.schedule(&done_id, &w.caregivers[0], 0, 60).await.expect(200);
        for step in ["check-in", "check-out"] {
            w.post(&w.caregivers[0], &format!("/v1/visits/{done_id}/{step}"), gps()).await.expect(200);
        }
        for request in [gone, done, w.uuid()] {
            w.update_request(request, json!({"phone": "13999999999"})).await;
        }
        w.catch_up().await;
        assert_eq!(w.visit_of_id(&gone_id).await["phone"], "13800000001");
        assert_eq!(w.visit_of_id(&done_id).await["phone"], "13800000002");
        assert_eq!(w.parked().await, 0);
    })
    .await;
}

#[tokio::test]
async fn a_reopened_request_that_is_accepted_again_gets_another_visit() {
    on_both(|engine| async move {
        let w = World::new(engine).await;
        let request = w.uuid();
        w.accept_request(request, json!({})).await;
        w.catch_up().await;
        let first = w.visit_of(request).await["id"].as_str().unwrap().to_owned();
        w.schedule(&first, &w.caregivers[0], 0, 60).await.expect(200);
        let by_word = json!({"method": "manual", "note": "手机没有信号"});
        for step in ["check-in", "check-out"] {
            w.post(&w.caregivers[0], &format!("/v1/visits/{first}/{step}"), by_word.clone()).await.expect(200);
        }
        // 没打扫完: reopened, and accepted once more.
        w.clock.advance(Duration::from_mins(5));
        w.accept_request(request, json!({})).await;
        w.accept_request(request, json!({})).await;
        w.catch_up().await;
        assert_eq!(w.count("select count(*) from visit").await, 2, "one more, and one only");
        let second = w.visit_of(request).await;
        assert_eq!((&second["state"], &second["legal"]), (&json!("requested"), &json!(["schedule", "cancel"])));
        assert_eq!(w.visit_of_id(&first).await["state"], "completed");
        let second = second["id"].as_str().unwrap();
        w.schedule(second, &w.caregivers[0], 120, 180).await.expect(200);
        assert_eq!(w.kinds().await, ["scheduled", "started", "completed", "scheduled"]);
        // Called off, it may be ordered again: what was done before does not stand in the way.
        w.post(&w.dispatcher, &format!("/v1/visits/{second}/cancel"), json!({"reason": "改天"})).await.expect(200);
        w.post(&w.dispatcher, &format!("/v1/visits/{second}/repeat"), json!({})).await.expect(201);
        assert_eq!(w.visit_of_id(second).await["legal"], json!([]), "another order follows it already");
        assert_eq!(w.parked().await, 0);
    })
    .await;
}

#[tokio::test]
async fn who_calls_off_an_order_says_whether_it_was_planned_and_why() {
    on_both(|engine| async move {
        let w = World::new(engine).await;
        let (undated, planned) = (w.order(json!({})).await, w.order(json!({"phone": "13900000000"})).await);
        w.schedule(&planned, &w.caregivers[0], 120, 180).await.expect(200);
        for visit in [&undated, &planned] {
            let reason = json!({"reason": "本周没有人手"});
            w.post(&w.dispatcher, &format!("/v1/visits/{visit}/cancel"), reason).await.expect(200);
        }
        let told: Vec<_> = w.events().await.into_iter().filter(|(kind, _)| kind.ends_with(".cancelled")).collect();
        for ((_, data), (visit, was_scheduled)) in told.iter().zip([(&undated, false), (&planned, true)]) {
            assert_eq!(data["visit_id"], json!(visit));
            assert_eq!((&data["was_scheduled"], &data["reason"]), (&json!(was_scheduled), &json!("本周没有人手")));
        }
        assert_eq!(told.len(), 2);
    })
    .await;
}

#[tokio::test]
async fn an_order_for_nobody_is_parked_and_the_next_goes_on() {
    on_both(|engine| async move {
        let w = World::new(engine).await;
        let hospital = w.organisation("hospital").await;
        w.accept_request(w.uuid(), json!({"agency_id": w.uuid()})).await;
        w.accept_request(w.uuid(), json!({"agency_id": hospital})).await;
        w.accept_request(w.uuid(), json!({"name": 7})).await;
        w.accept_request(w.uuid(), json!({})).await;
        assert_eq!(w.catch_up().await, 1);
        assert_eq!(w.parked().await, 3);
        assert_eq!(w.count("select count(*) from visit").await, 1);
    })
    .await;
}

#[tokio::test]
async fn the_demo_plans_a_day_and_leaves_some_orders_to_the_dispatcher() {
    on_both(|engine| async move {
        let w = World::new(engine).await;
        for n in 0..15 {
            w.accept_request(w.uuid(), json!({"name": format!("老人{n}"), "phone": null, "address": null})).await;
        }
        let log = w.needs.log();
        let caregivers: Vec<_> = w.caregivers.iter().map(|c| c.id).collect();
        let planned = sanbao_booking::visit::demo::fill(&w.app, &log, w.agency.0, &caregivers).await.unwrap();
        assert_eq!(planned, 9);
        assert_eq!(w.catch_up().await, 0);
        for (state, count) in [("completed", 2), ("in_service", 2), ("scheduled", 5), ("requested", 6)] {
            let list = w.get(&w.dispatcher, &format!("/v1/visits?state={state}")).await.expect(200);
            assert_eq!(list["items"].as_array().unwrap().len(), count, "{state}");
        }
        assert_eq!(w.get(&w.caregivers[0], "/v1/visits/today").await.expect(200)["items"].as_array().unwrap().len(), 4);
    })
    .await;
}
