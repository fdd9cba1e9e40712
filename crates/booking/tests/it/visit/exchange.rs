//! Two visits take each other's time in one step: both, or neither.

use std::sync::Arc;

use sanbao_booking::role;
use sanbao_platform::testing::on_both;
use serde_json::{Value, json};

use crate::visit::world::{World, at};

/// Visits whose calendar does not say what they say.
const ASTRAY: &str = "select count(*) from visit v where v.state = 'scheduled' and 2 <>
    (select count(*) from occupancy o where o.holder_id = v.id and o.starts_at = v.starts_at and o.ends_at = v.ends_at)";

fn elder(n: u32) -> Value {
    json!({ "name": format!("老人{n}"), "phone": format!("1390013{n:04}") })
}

/// A visit to another elder by the caregiver of this number.
async fn planned(w: &World, n: u32, caregiver: usize, from: i64, to: i64) -> String {
    let visit = w.order(elder(n)).await;
    w.schedule(&visit, &w.caregivers[caregiver], from, to).await.expect(200);
    visit
}

fn moment(text: &Value) -> chrono::DateTime<chrono::Utc> {
    text.as_str().unwrap().parse().unwrap()
}

async fn times(w: &World, visit: &str) -> (Value, Value) {
    let seen = w.visit_of_id(visit).await;
    let minutes = |field: &str| json!((moment(&seen[field]) - crate::visit::world::start()).num_minutes());
    (minutes("starts_at"), minutes("ends_at"))
}

#[tokio::test]
async fn an_exchange_moves_both_and_each_keeps_its_caregiver_and_length() {
    on_both(|engine| async move {
        let w = World::new(engine).await;
        let (one, two) = (planned(&w, 1, 0, 60, 90).await, planned(&w, 2, 0, 120, 180).await);
        let told =
            w.post(&w.dispatcher, &format!("/v1/visits/{one}/exchange"), json!({ "with": two })).await.expect(200);
        assert_eq!((&told["id"], &told["with"]["id"]), (&json!(one), &json!(two)));
        assert_eq!(times(&w, &one).await, (json!(120), json!(150)));
        assert_eq!(times(&w, &two).await, (json!(60), json!(120)));
        assert_eq!(w.kinds().await, ["scheduled", "scheduled", "rescheduled", "rescheduled"]);
        for (id, other) in [(&one, &two), (&two, &one)] {
            let history = w.visit_of_id(id).await["history"].clone();
            let last = history.as_array().unwrap().last().unwrap().clone();
            assert_eq!((&last["action"], &last["note"]), (&json!("exchange"), &json!(other)));
        }
        assert_eq!(w.count("select count(*) from audit where action = 'visit.exchange'").await, 2);
        assert_eq!(w.count(ASTRAY).await, 0);
        // Of two caregivers as well.
        let three = planned(&w, 3, 1, 300, 360).await;
        w.post(&w.dispatcher, &format!("/v1/visits/{three}/exchange"), json!({ "with": one })).await.expect(200);
        assert_eq!((times(&w, &three).await.0, times(&w, &one).await.0), (json!(120), json!(300)));
        assert_eq!(w.visit_of_id(&three).await["caregiver_name"], "李师傅");
    })
    .await;
}

#[tokio::test]
async fn a_third_visit_in_the_way_is_named_and_nothing_changes() {
    on_both(|engine| async move {
        let w = World::new(engine).await;
        let (one, two) = (planned(&w, 1, 0, 60, 120).await, planned(&w, 2, 1, 180, 240).await);
        let third = planned(&w, 3, 0, 200, 260).await;
        let path = format!("/v1/visits/{one}/exchange");
        let refused = w.post(&w.dispatcher, &path, json!({ "with": two })).await.refused(409, "slot-taken");
        let conflict = &refused.body["conflicts_with"][0];
        assert_eq!((&conflict["moving"], &conflict["visit_id"]), (&json!(one), &json!(third)), "{}", refused.text);
        assert_eq!(
            (moment(&conflict["starts_at"]).to_rfc3339(), &conflict["shared"]),
            (at(200), &json!(["caregiver"]))
        );
        assert_eq!((times(&w, &one).await.0, times(&w, &two).await.0), (json!(60), json!(180)));
        // Lengths that differ may leave no room between the two themselves.
        let (long, short) = (planned(&w, 4, 2, 180, 300).await, planned(&w, 5, 2, 150, 180).await);
        let path = format!("/v1/visits/{short}/exchange");
        let refused = w.post(&w.dispatcher, &path, json!({ "with": long })).await.refused(409, "slot-taken");
        let named: Vec<_> = refused.body["conflicts_with"].as_array().unwrap().iter().map(|c| &c["visit_id"]).collect();
        assert_eq!(named, [&json!(long), &json!(short)], "{}", refused.text);
        assert_eq!(w.count(ASTRAY).await, 0);
    })
    .await;
}

#[tokio::test]
async fn an_exchange_is_for_the_agencys_dispatchers() {
    on_both(|engine| async move {
        let w = World::new(engine).await;
        let (one, two) = (planned(&w, 1, 0, 60, 120).await, planned(&w, 2, 1, 180, 240).await);
        let (path, body) = (format!("/v1/visits/{one}/exchange"), json!({ "with": two }));
        let foreign = w.member(w.other_agency, role::DISPATCHER, "外调度").await;
        assert_eq!(w.post(&foreign, &path, body.clone()).await.status, 404);
        assert_eq!(w.post(&w.caregivers[0], &path, body.clone()).await.status, 403);
        for with in [json!(one), json!(w.uuid())] {
            let refused = w.post(&w.dispatcher, &path, json!({ "with": with })).await.refused(422, "invalid");
            assert_eq!(refused.body["errors"][0]["pointer"], "/with", "{}", refused.text);
        }
        let waiting = w.order(elder(3)).await;
        w.post(&w.dispatcher, &path, json!({ "with": waiting })).await.refused(409, "invalid-transition");
        w.post(&w.dispatcher, &path, json!({ "with": two, "version": 1 })).await.expect(412);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_two_exchanges_at_once_one_is_made() {
    on_both(|engine| async move {
        let w = Arc::new(World::new(engine).await);
        let (one, two) = (planned(&w, 1, 0, 60, 120).await, planned(&w, 2, 0, 180, 240).await);
        for _ in 0..4 {
            // Both are asked for by what was read before either.
            let versions = [w.visit_of_id(&one).await, w.visit_of_id(&two).await];
            let [first, second] = versions.map(|v| v["version"].as_i64().unwrap());
            let mut tasks = tokio::task::JoinSet::new();
            for (id, other, mine, theirs) in
                [(one.clone(), two.clone(), first, second), (two.clone(), one.clone(), second, first)]
            {
                let w = Arc::clone(&w);
                tasks.spawn(async move {
                    let (tag, path) = (format!("\"{mine}\""), format!("/v1/visits/{id}/exchange"));
                    let body = json!({ "with": other, "version": theirs });
                    w.call(Some(&w.dispatcher), "POST", &path, Some(body), &[("if-match", &tag)]).await
                });
            }
            let mut statuses = Vec::new();
            while let Some(done) = tasks.join_next().await {
                statuses.push(done.unwrap().status.as_u16());
            }
            statuses.sort_unstable();
            assert!(matches!(statuses[..], [200, 409 | 412]), "{statuses:?}");
            assert_eq!(w.count(ASTRAY).await, 0);
        }
    })
    .await;
}

#[tokio::test]
async fn a_visit_whose_time_has_begun_is_not_exchanged() {
    on_both(|engine| async move {
        let w = World::new(engine).await;
        let (one, two) = (planned(&w, 1, 0, 60, 120).await, planned(&w, 2, 1, 180, 240).await);
        w.clock.advance(std::time::Duration::from_hours(1));
        for (id, other) in [(&one, &two), (&two, &one)] {
            let path = format!("/v1/visits/{id}/exchange");
            let refused = w.post(&w.dispatcher, &path, json!({ "with": other })).await.refused(409, "outside-window");
            assert_eq!(refused.body["visit_id"], json!(one), "{}", refused.text);
        }
        for (id, may) in [(&one, false), (&two, true)] {
            let actions = w.visit_of_id(id).await["legal"].clone();
            assert_eq!(actions.as_array().unwrap().contains(&json!("exchange")), may, "{actions}");
        }
        assert_eq!((times(&w, &one).await.0, times(&w, &two).await.0), (json!(60), json!(180)));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn who_takes_time_and_who_frees_it_never_wait_for_each_other() {
    on_both(|engine| async move {
        let w = Arc::new(World::new(engine).await);
        for n in 0..8 {
            let (one, two) = (planned(&w, 2 * n, 0, 60, 120).await, planned(&w, 2 * n + 1, 0, 180, 240).await);
            let why = json!({ "reason": "老人住院" });
            let mut tasks = tokio::task::JoinSet::new();
            for (id, step, body) in [
                (&one, "exchange", json!({ "with": two })),
                (&two, "exchange", json!({ "with": one })),
                (&one, "cancel", why.clone()),
                (&two, "cancel", why.clone()),
            ] {
                let (w, path) = (Arc::clone(&w), format!("/v1/visits/{id}/{step}"));
                tasks.spawn(async move { w.post(&w.dispatcher, &path, body).await });
            }
            while let Some(done) = tasks.join_next().await {
                let answer = done.unwrap();
                assert!(matches!(answer.status.as_u16(), 200 | 409 | 422), "{}", answer.text);
            }
            assert_eq!(w.count(ASTRAY).await, 0);
            for id in [one, two] {
                w.post(&w.dispatcher, &format!("/v1/visits/{id}/cancel"), why.clone()).await;
            }
        }
    })
    .await;
}
