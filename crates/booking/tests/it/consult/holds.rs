//! Times that are held while an invitation is written, and any free room.

use std::sync::Arc;
use std::time::Duration;

use sanbao_booking::calendar::{self, Booking, Interval};
use sanbao_booking::consult::jobs::forget_holds;
use sanbao_platform::id::uuid_v7;
use sanbao_platform::testing::{Answer, Person, on_both};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::consult::world::{World, fresh_key};
use crate::network::member;

pub const HOLDS: &str = "/v1/consult-holds";
pub const ROWS: &str = "select count(*) from occupancy";
pub const ENDING: &str = "select count(*) from occupancy where expires_at is not null";
pub const FIRST: &str = "2026-11-23T00:30:00Z";
pub const SECOND: &str = "2026-11-23T01:00:00Z";

/// The body that holds a doctor's time for a resident.
pub fn wish(w: &World, resident: usize, doctor: &Person, starts_at: &str) -> Value {
    json!({ "resident_id": w.residents[resident], "hospital_id": doctor.organisation, "doctor_id": doctor.id,
        "starts_at": starts_at })
}

/// An invitation that asks for a doctor's time.
pub fn asking(w: &World, resident: usize, doctor: &Person, starts_at: &str) -> Value {
    let mut invitation = w.invitation(resident);
    invitation["asked"] = json!({ "doctor_id": doctor.id, "starts_at": starts_at });
    invitation
}

pub async fn nurses(w: &World, count: usize) -> Vec<Person> {
    let mut tx = w.db.begin().await.unwrap();
    let mut nurses = Vec::new();
    for _ in 0..count {
        nurses.push(member(&mut tx, w.clock.now(), w.home, &["care_staff"], "护士").await);
    }
    tx.commit().await.unwrap();
    nurses
}

/// Sends an invitation that asks for 08:30 with the first doctor; the consult's id.
pub async fn sent(w: &World) -> String {
    let view = w.post(&w.nurse, "/v1/consults", asking(w, 0, &w.doctor, FIRST)).await.expect(201);
    assert_eq!((&view["state"], &view["asked"]["starts_at"]), (&json!("submitted"), &json!(FIRST)));
    view["id"].as_str().unwrap().to_owned()
}

pub async fn view(w: &World, id: &str) -> Value {
    w.get(&w.nurse, &format!("/v1/consults/{id}")).await.expect(200)
}

pub fn starts(answer: &Answer) -> Vec<String> {
    let slots = answer.body["alternatives"].as_array().unwrap();
    slots.iter().map(|slot| slot["starts_at"].as_str().unwrap().to_owned()).collect()
}

pub async fn whole(w: &World) {
    let checked = sanbao_booking::verify::verify(&w.db).await.unwrap();
    assert!(checked.iter().all(|checked| checked.broken.is_empty()), "{}: {checked:?}", w.engine);
}

/// Takes a room at a time for something else.
async fn takes_room(w: &World, room: Uuid, starts_at: &str) {
    let (now, mut tx) = (w.clock.now(), w.db.begin().await.unwrap());
    let interval = Interval::of_minutes(starts_at.parse().unwrap(), 30).unwrap();
    let booking = Booking { holder_kind: "consult", holder_id: uuid_v7(now), resources: &[room], interval };
    calendar::reserve(&mut tx, now, &booking).await.unwrap();
    tx.commit().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_64_who_hold_one_slot_one_does() {
    on_both(|engine| async move {
        let w = Arc::new(World::new(&engine).await);
        let mut tasks = tokio::task::JoinSet::new();
        for nurse in nurses(&w, 64).await {
            let w = Arc::clone(&w);
            tasks.spawn(async move { w.post(&nurse, HOLDS, wish(&w, 0, &w.doctor, FIRST)).await });
        }
        let mut held = 0;
        while let Some(done) = tasks.join_next().await {
            let answer = done.unwrap();
            match answer.status.as_u16() {
                201 => held += 1,
                409 => {
                    assert_eq!(answer.problem(), "slot-taken");
                    assert_eq!(starts(&answer).len(), 5);
                }
                other => panic!("{} {other}: {}", w.engine, answer.text),
            }
        }
        assert_eq!(held, 1, "{}", w.engine);
        assert_eq!((w.count(ROWS).await, w.count(ENDING).await), (3, 3));
        whole(&w).await;
    })
    .await;
}

#[tokio::test]
async fn a_hold_takes_the_place_of_the_one_before_and_is_given_back() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        let other = &nurses(&w, 1).await[0];
        w.post(&w.nurse, HOLDS, wish(&w, 0, &w.doctor, FIRST)).await.expect(201);
        w.post(other, HOLDS, wish(&w, 1, &w.doctor, FIRST)).await.refused(409, "slot-taken");
        let key = fresh_key();
        let again = async || {
            let body = Some(wish(&w, 0, &w.doctor, SECOND));
            w.call(Some(&w.nurse), "POST", HOLDS, body, &[("idempotency-key", &key)]).await.expect(201)
        };
        let held = again().await;
        assert_eq!(again().await, held, "a repeat holds once");
        assert_eq!((&held["starts_at"], &held["room_id"]), (&json!(SECOND), &json!(w.rooms[0])));
        assert_eq!(held["expires_at"], "2026-11-23T00:10:00Z");
        assert_eq!(w.count(ROWS).await, 3, "the first one is given up");
        w.post(other, HOLDS, wish(&w, 1, &w.doctor, FIRST)).await.expect(201);
        // What is held is offered to nobody, and booked by nobody else.
        let id = w.accepted().await;
        let range = "from=2026-11-23T00:00:00Z&to=2026-11-23T04:00:00Z";
        let slots = w.get(&w.nurse, &format!("/v1/consults/{id}/slots?{range}&doctor_id={}", w.doctor.id)).await;
        let offers = |at: &str| slots.text.contains(&format!("\"starts_at\":\"{at}\""));
        assert!(offers("2026-11-23T01:30:00Z") && !offers(FIRST) && !offers(SECOND), "{}", slots.text);
        w.step(&w.nurse, &id, "schedule", w.at(SECOND)).await.refused(409, "slot-taken");
        let path = format!("{HOLDS}/{}", held["id"].as_str().unwrap());
        w.call(Some(other), "DELETE", &path, None, &[]).await.checked(404);
        w.call(Some(&w.nurse), "DELETE", &path, None, &[]).await.checked(204);
        w.call(Some(&w.nurse), "DELETE", &path, None, &[]).await.checked(404);
        w.step(&w.nurse, &id, "schedule", w.at(SECOND)).await.expect(200);
        let mut audited = w.audited(held["id"].as_str().unwrap()).await;
        audited.retain(|action| action.starts_with("consult."));
        // Both stand at one moment of this clock.
        audited.sort();
        assert_eq!(audited, ["consult.time_hold.create", "consult.time_hold.revoke"]);
        whole(&w).await;
    })
    .await;
}

#[tokio::test]
async fn an_ended_hold_is_in_nobodys_way_and_goes() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        let others = nurses(&w, 2).await;
        w.post(&others[0], HOLDS, wish(&w, 0, &w.doctor, FIRST)).await.expect(201);
        let second = w.post(&others[1], HOLDS, wish(&w, 1, &w.doctor, SECOND)).await.expect(201);
        w.clock.advance(Duration::from_mins(10));
        w.post(&w.nurse, HOLDS, wish(&w, 0, &w.doctor, FIRST)).await.expect(201);
        let path = format!("{HOLDS}/{}", second["id"].as_str().unwrap());
        w.call(Some(&others[1]), "DELETE", &path, None, &[]).await.checked(404);
        // The taker of a time clears its resources, and the job the rest.
        assert_eq!(w.count(ROWS).await, 4);
        whole(&w).await;
        assert_eq!(forget_holds(&w.db, &w.clock).await.unwrap(), 1);
        assert_eq!((w.count(ROWS).await, w.count("select count(*) from consult_hold").await), (3, 3));
        w.clock.advance(Duration::from_hours(1));
        assert_eq!(forget_holds(&w.db, &w.clock).await.unwrap(), 3);
        assert_eq!((w.count(ROWS).await, w.count("select count(*) from consult_hold").await), (0, 0));
    })
    .await;
}

#[tokio::test]
async fn an_account_holds_so_often_within_the_hour() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        for n in 0..60 {
            let at = if n % 2 == 0 { FIRST } else { SECOND };
            w.post(&w.nurse, HOLDS, wish(&w, 0, &w.doctor, at)).await.expect(201);
        }
        let refused = w.post(&w.nurse, HOLDS, wish(&w, 0, &w.doctor, FIRST)).await;
        assert_eq!(refused.header("retry-after"), "3601");
        refused.refused(429, "too-many-requests");
        assert_eq!(w.count(ROWS).await, 3, "one of them stands");
        w.clock.advance(Duration::from_hours(1));
        w.post(&w.nurse, HOLDS, wish(&w, 0, &w.doctor, "2026-11-23T02:00:00Z")).await.expect(201);
    })
    .await;
}

/// So many times on which doctors and residents are free, one for each resident and doctor at once.
pub fn times(w: &World, count: usize) -> Vec<(usize, Person, String)> {
    let days = (24..=26).flat_map(|day| (0..8).map(move |slot| (day, slot)));
    let times = days.map(|(day, slot)| format!("2026-11-{day}T{:02}:{:02}:00Z", slot / 2, slot % 2 * 30));
    let both = times.flat_map(|at| [(0, w.doctor.clone(), at.clone()), (1, w.second_doctor.clone(), at)]);
    both.chain([(0, w.doctor.clone(), SECOND.to_owned()), (1, w.second_doctor.clone(), SECOND.to_owned())])
        .chain([(0, w.doctor.clone(), FIRST.to_owned())])
        .take(count)
        .collect()
}

#[tokio::test]
async fn an_organisation_holds_so_many_times_at_once() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        let staff = nurses(&w, 51).await;
        for (nurse, (resident, doctor, at)) in staff.iter().zip(times(&w, 50)) {
            w.post(nurse, HOLDS, wish(&w, resident, &doctor, &at)).await.expect(201);
        }
        let last = wish(&w, 0, &w.doctor, FIRST);
        w.post(&staff[50], HOLDS, last.clone()).await.refused(409, "too-many-held");
        w.post(&staff[0], HOLDS, last.clone()).await.expect(201);
        w.clock.advance(Duration::from_mins(10));
        w.post(&staff[50], HOLDS, last).await.expect(201);
    })
    .await;
}

#[tokio::test]
async fn a_hold_that_ends_while_one_writes_is_lost_only_to_somebody() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        let other = &nurses(&w, 1).await[0];
        w.post(&w.nurse, HOLDS, wish(&w, 0, &w.doctor, FIRST)).await.expect(201);
        w.clock.advance(Duration::from_mins(11));
        let id = sent(&w).await;
        assert_eq!(w.count(ENDING).await, 3);
        w.step(&w.nurse, &id, "cancel", json!({ "reason": "好转" })).await.expect(200);
        assert_eq!(w.count(ROWS).await, 0);

        w.post(&w.nurse, HOLDS, wish(&w, 0, &w.doctor, SECOND)).await.expect(201);
        w.clock.advance(Duration::from_mins(11));
        w.post(other, HOLDS, wish(&w, 1, &w.doctor, SECOND)).await.expect(201);
        let before = w.count("select count(*) from consult").await;
        let refused = w.post(&w.nurse, "/v1/consults", asking(&w, 0, &w.doctor, SECOND)).await;
        let refused = refused.refused(409, "slot-taken");
        assert!(!starts(&refused).contains(&SECOND.to_owned()) && starts(&refused).contains(&FIRST.to_owned()));
        assert_eq!(w.count("select count(*) from consult").await, before, "nothing is written");
    })
    .await;
}

#[tokio::test]
async fn any_free_room_will_do() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        let first = w.accepted().await;
        let second = w.post(&w.nurse, "/v1/consults", w.invitation(1)).await.expect(201);
        let second = second["id"].as_str().unwrap().to_owned();
        w.step(&w.second_doctor, &second, "accept", Value::Null).await.expect(200);
        let at = |starts_at: &str| json!({ "starts_at": starts_at });
        let (a, b) = tokio::join!(
            w.step(&w.nurse, &first, "schedule", at(FIRST)),
            w.step(&w.nurse, &second, "schedule", at(FIRST))
        );
        let rooms = [a.expect(200), b.expect(200)].map(|view| view["appointment"]["room_id"].clone());
        assert_ne!(rooms[0], rooms[1], "{}", w.engine);
        // The room that it has is kept at another time, though one before it by name is free.
        let moved = w.step(&w.nurse, &first, "reschedule", at("2026-11-24T00:30:00Z")).await.expect(200);
        assert_eq!(moved["appointment"]["room_id"], rooms[0]);
        for room in &w.rooms {
            takes_room(&w, *room, SECOND).await;
        }
        let refused = w.step(&w.nurse, &second, "reschedule", at(SECOND)).await.refused(409, "no-room-free");
        let free = starts(&refused);
        assert!(free.len() == 5 && !free.contains(&SECOND.to_owned()), "{free:?}");
        assert_eq!(view(&w, &second).await["appointment"]["starts_at"], FIRST, "the old time is kept");
        let page = w.page(&w.nurse, &format!("/consults/{second}")).await;
        assert!(page.text.contains("<option value=\"\">任一空闲会诊室</option>"), "{}", page.text);
        assert!(page.text.contains("2026-11-23T01:30:00") && !page.text.contains("|2026-11-23T01:00:00"));
        w.post(&w.nurse, HOLDS, wish(&w, 0, &w.doctor, SECOND)).await.refused(409, "no-room-free");
    })
    .await;
}
