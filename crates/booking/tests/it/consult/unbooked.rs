//! The asked time that could not be booked when the invitation was taken on: which it was and why, and whom a closed day leaves so.

use std::time::Duration;

use sanbao_platform::testing::on_both;
use serde_json::{Value, json};

use crate::consult::holds::{FIRST, ROWS, asking, sent};
use crate::consult::world::World;

const DAY: &str = "2026-11-23";

/// Takes an invitation on: the words of that line of the history.
async fn taken_on(w: &World, who: &sanbao_platform::testing::Person, id: &str) -> String {
    let view = w.step(who, id, "accept", Value::Null).await.expect(200);
    assert_eq!((&view["state"], &view["appointment"]), (&json!("accepted"), &Value::Null), "{}", w.engine);
    assert_eq!(w.count(ROWS).await, 0, "nothing of it is held");
    let line = view["history"].as_array().unwrap().iter().rfind(|line| line["action"] == "accept").unwrap();
    line["note"].as_str().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn a_day_that_was_closed_since_is_told_as_the_reason() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        let id = sent(&w).await;
        let exceptions = format!("/v1/practitioners/{}/exceptions", w.doctor.id);
        let told = w.post(&w.doctor, &exceptions, json!({ "kind": "closed", "date": DAY })).await.expect(201);
        let [held] = told["affected"].as_array().unwrap().as_slice() else { panic!("{told}") };
        let named = (&held["consult_id"], &held["starts_at"], &held["held"]);
        assert_eq!(named, (&json!(id), &json!(FIRST), &json!(true)));
        assert!(held["actions"].as_array().unwrap().contains(&json!("accept")), "{told}");
        let page = w.page(&w.doctor, &format!("/practitioners/{}", w.doctor.id)).await.text;
        assert!(page.contains("申请中，还没有答复") && page.contains(&format!("/consults/{id}\"")), "{page}");
        assert_eq!(taken_on(&w, &w.doctor, &id).await, format!("{FIRST} not booked: not_offered"));
        for who in [&w.nurse, &w.doctor] {
            let page = w.page(who, &format!("/consults/{id}")).await.text;
            let told = "所求时间 11月23日 周一 08:30 没有约上：医生这个时间不出诊了";
            assert_eq!(page.matches(told).count(), 2, "once as what to mend, once in the history: {page}");
        }
        let later = json!({ "room_id": w.rooms[0], "starts_at": "2026-11-24T00:30:00Z" });
        w.step(&w.nurse, &id, "schedule", later).await.expect(200);
        let page = w.page(&w.nurse, &format!("/consults/{id}")).await.text;
        assert_eq!(page.matches("没有约上").count(), 1, "with a time it is history: {page}");
    })
    .await;
}

#[tokio::test]
async fn another_doctor_and_a_time_that_is_over_are_told_too() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        let id = sent(&w).await;
        assert_eq!(taken_on(&w, &w.second_doctor, &id).await, format!("{FIRST} not booked: other_doctor"));
        let id = sent(&w).await;
        w.clock.advance(Duration::from_hours(2));
        assert_eq!(taken_on(&w, &w.doctor, &id).await, format!("{FIRST} not booked: past"));
        let unasked = w.submitted().await;
        assert_eq!(taken_on(&w, &w.doctor, &unasked).await, "");
    })
    .await;
}

#[tokio::test]
async fn a_day_on_which_the_hospital_does_not_work_names_what_is_held() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        let id = sent(&w).await;
        let mut of_other = asking(&w, 1, &w.second_doctor, FIRST);
        of_other["asked"]["room_id"] = json!(w.rooms[1]);
        let other = w.post(&w.nurse, "/v1/consults", of_other).await.expect(201)["id"].clone();
        let path = format!("/v1/organisations/{}/workdays", w.hospital);
        let closed = json!({ "date": DAY, "works_as": "closed" });
        let told = w.call(Some(&w.hospital_admin), "PUT", &path, Some(closed), &[]).await.expect(200);
        let mut named: Vec<&Value> = told["affected"].as_array().unwrap().iter().map(|a| &a["consult_id"]).collect();
        named.sort_by_key(ToString::to_string);
        let mut expected = [json!(id), other];
        expected.sort_by_key(Value::to_string);
        assert_eq!(named, expected.iter().collect::<Vec<_>>(), "{}: {told}", w.engine);
        assert!(told["affected"].as_array().unwrap().iter().all(|a| a["held"] == true));
    })
    .await;
}
