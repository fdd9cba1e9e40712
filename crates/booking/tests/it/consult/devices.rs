//! Shared devices: asked for with a consult, taken and given up together with doctor, resident and room.

use sanbao_platform::testing::{Answer, Person, on_both};
use serde_json::{Value, json};

use crate::consult::holds::{FIRST, HOLDS, SECOND, asking, starts, view, whole, wish};
use crate::consult::lanes::admin;
use crate::consult::world::World;

const ROWS: &str = "select count(*) from occupancy o join shared_device d on d.id = o.resource_id";

async fn add(w: &World, admin: &Person, name: &str, quantity: i32) -> String {
    let body = json!({ "name": name, "quantity": quantity });
    let made = w.post(admin, &format!("/v1/organisations/{}/devices", w.home), body).await.expect(201);
    assert_eq!((&made["quantity"], &made["state"]), (&json!(quantity), &json!("open")));
    made["id"].as_str().unwrap().to_owned()
}

/// An invitation for a resident that asks for a doctor's time and for devices.
fn needing(w: &World, (resident, doctor): (usize, &Person), starts_at: &str, devices: &[&str]) -> Value {
    let mut invitation = asking(w, resident, doctor, starts_at);
    invitation["device_ids"] = json!(devices);
    invitation
}

async fn invite(w: &World, invitation: Value) -> Answer {
    w.post(&w.nurse, "/v1/consults", invitation).await
}

fn id(body: &Value) -> String {
    body["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_device_goes_with_its_consult_from_the_invitation_to_the_end() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        let admin = admin(&w).await;
        let ecg = add(&w, &admin, "便携心电图机", 1).await;
        let asked = invite(&w, needing(&w, (0, &w.doctor), FIRST, &[&ecg])).await.expect(201);
        assert_eq!(asked["devices"], json!([{ "id": ecg, "name": "便携心电图机" }]));
        assert_eq!(w.count(ROWS).await, 1, "held with the time that is asked for");
        // Another resident, another doctor, another room: the device alone is in the way.
        let other = needing(&w, (1, &w.second_doctor), FIRST, &[&ecg]);
        let refused = invite(&w, other).await;
        let refused = refused.refused(409, "slot-taken");
        assert!(starts(&refused).iter().all(|at| at != FIRST) && !starts(&refused).is_empty(), "{}", refused.text);
        invite(&w, needing(&w, (1, &w.second_doctor), FIRST, &[])).await.expect(201);

        let consult = id(&asked);
        w.step(&w.doctor, &consult, "accept", Value::Null).await.expect(200);
        assert_eq!(view(&w, &consult).await["state"], "scheduled");
        assert_eq!(w.count(ROWS).await, 1, "booked");
        w.step(&w.nurse, &consult, "reschedule", w.at(SECOND)).await.expect(200);
        let at_first = wish_with(&w, FIRST, &ecg);
        let held = w.post(&w.nurse, HOLDS, at_first).await;
        // The second doctor is asked for at that time by the other one.
        held.refused(409, "slot-taken");
        let slots = format!("/v1/slots?specialty=cardiology&from={FIRST}&to=2026-11-23T03:00:00Z&devices={ecg}");
        let found = w.get(&w.nurse, &slots).await.expect(200);
        let found: Vec<&str> =
            found["items"].as_array().unwrap().iter().map(|s| s["starts_at"].as_str().unwrap()).collect();
        assert!(found.contains(&FIRST) && !found.contains(&SECOND), "given up and taken: {found:?}");
        whole(&w).await;
        w.step(&w.nurse, &consult, "cancel", json!({ "reason": "另有安排" })).await.expect(200);
        assert_eq!(w.count(ROWS).await, 0, "given back");
    })
    .await;
}

fn wish_with(w: &World, starts_at: &str, device: &str) -> Value {
    let mut body = wish(w, 1, &w.second_doctor, starts_at);
    body["device_ids"] = json!([device]);
    body
}

#[tokio::test]
async fn two_of_a_device_go_to_two_consults_and_an_exchange_takes_them_along() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        let admin = admin(&w).await;
        let (ecg, echo) = (add(&w, &admin, "心电图机", 2).await, add(&w, &admin, "超声", 1).await);
        let mut booked = Vec::new();
        for (n, (doctor, at)) in [(&w.doctor, FIRST), (&w.second_doctor, FIRST)].into_iter().enumerate() {
            let devices = if n == 0 { vec![ecg.as_str(), echo.as_str()] } else { vec![ecg.as_str()] };
            let made = invite(&w, needing(&w, (n, doctor), at, &devices)).await.expect(201);
            w.step(doctor, &id(&made), "accept", Value::Null).await.expect(200);
            booked.push(id(&made));
        }
        assert_eq!(w.count(ROWS).await, 3);
        w.step(&w.nurse, &booked[1], "reschedule", w.at(SECOND)).await.expect(200);
        w.step(&w.nurse, &booked[0], "exchange", json!({ "with": booked[1] })).await.expect(200);
        whole(&w).await;
        assert_eq!(w.count(ROWS).await, 3);
        // One of two is needed by nobody else at a time: fewer than one is refused nowhere, fewer than are booked is.
        let beside = json!({ "room_id": w.rooms[1], "starts_at": SECOND });
        w.step(&w.nurse, &booked[1], "reschedule", beside).await.expect(200);
        let fewer = w.post(&admin, &format!("/v1/devices/{ecg}/resize"), json!({ "quantity": 1 })).await;
        let fewer = fewer.refused(409, "capacity-in-use");
        assert_eq!(fewer.body["times"][0]["booked"], 2, "{}", fewer.text);
        let delayed = w.step(&w.doctor, &booked[0], "delay", json!({ "minutes": 10 })).await.expect(200);
        assert_eq!(delayed["conflicts_with"], json!([]));
    })
    .await;
}

#[tokio::test]
async fn a_closed_device_is_asked_for_no_more_and_those_who_need_it_are_told() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        let admin = admin(&w).await;
        let ecg = add(&w, &admin, "心电图机", 1).await;
        let asked = invite(&w, needing(&w, (0, &w.doctor), FIRST, &[&ecg])).await.expect(201);
        let mut later = w.invitation(1);
        later["device_ids"] = json!([ecg]);
        later["submit"] = json!(false);
        let draft = invite(&w, later).await.expect(201);
        let closed = w.post(&admin, &format!("/v1/devices/{ecg}/close"), Value::Null).await.expect(200);
        assert_eq!(closed["state"], "closed");
        let needed = json!([{ "consult_id": id(&asked), "state": "submitted", "starts_at": null }]);
        assert_eq!(closed["needed_by"], needed);
        w.step(&w.doctor, &id(&asked), "accept", Value::Null).await.expect(200);
        assert_eq!(view(&w, &id(&asked)).await["state"], "scheduled", "what was agreed stays");
        let sent = w.step(&w.nurse, &id(&draft), "submit", Value::Null).await;
        assert_eq!(sent.refused(422, "invalid").body["errors"][0]["pointer"], "/device_ids");
        for (path, body) in [
            (HOLDS, wish_with(&w, SECOND, &ecg)),
            ("/v1/consults", needing(&w, (1, &w.second_doctor), SECOND, &[&ecg])),
        ] {
            let refused = w.post(&w.nurse, path, body).await.refused(422, "invalid");
            assert_eq!(refused.body["errors"][0]["pointer"], "/device_ids", "{path}: {}", refused.text);
        }
        w.post(&admin, &format!("/v1/devices/{ecg}/reopen"), Value::Null).await.expect(200);
        w.step(&w.nurse, &id(&draft), "submit", Value::Null).await.expect(200);
    })
    .await;
}

#[tokio::test]
async fn devices_have_their_bounds_and_their_house() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        let admin = admin(&w).await;
        let path = format!("/v1/organisations/{}/devices", w.home);
        for (quantity, status) in [(0, 422), (20, 201), (21, 422)] {
            let made = w.post(&admin, &path, json!({ "name": "血压计", "quantity": quantity })).await;
            assert_eq!(made.status, status, "{quantity}: {}", made.text);
        }
        let mut four = Vec::new();
        for name in ["甲", "乙", "丙", "丁"] {
            four.push(add(&w, &admin, name, 1).await);
        }
        let of = |n: usize| four[..n].iter().map(String::as_str).collect::<Vec<_>>();
        let refused = invite(&w, needing(&w, (0, &w.doctor), FIRST, &of(4))).await.refused(422, "invalid");
        assert_eq!(refused.body["errors"][0]["pointer"], "/device_ids");
        let twice = invite(&w, needing(&w, (0, &w.doctor), FIRST, &[&four[0], &four[0]])).await;
        twice.refused(422, "invalid");
        let three = invite(&w, needing(&w, (0, &w.doctor), FIRST, &of(3))).await.expect(201);
        assert_eq!(three["devices"].as_array().unwrap().len(), 3);
        // A device of another house is like one that is not there.
        let mut foreign = asking(&w, 0, &w.second_doctor, SECOND);
        foreign["device_ids"] = json!([uuid::Uuid::from_u128(7)]);
        invite(&w, foreign).await.refused(422, "invalid");
        w.get(&w.stranger_nurse, &path).await.refused(404, "not-found");
        for step in ["close", "reopen"] {
            let step = format!("/v1/devices/{}/{step}", four[3]);
            w.post(&w.nurse, &step, Value::Null).await.refused(403, "forbidden");
            w.post(&w.stranger_nurse, &step, Value::Null).await.refused(404, "not-found");
        }
        let path = format!("/v1/devices/{}", four[0]);
        let renamed = w.call(Some(&admin), "PATCH", &path, Some(json!({ "name": "心电图机" })), &[]);
        assert_eq!(renamed.await.expect(200)["name"], "心电图机");
        assert_eq!(view(&w, &id(&three)).await["devices"][0]["name"], "心电图机", "under its new name");
    })
    .await;
}
