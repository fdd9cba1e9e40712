//! Times that are held: while an invitation is written, and from its sending until the hospital answers; and any free room.

use std::sync::Arc;
use std::time::Duration;

use sanbao_booking::calendar::{self, Booking, Interval};
use sanbao_booking::consult::jobs::{expire, forget_holds};
use sanbao_platform::id::uuid_v7;
use sanbao_platform::testing::{Answer, Person, on_both};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::consult::world::{World, fresh_key};
use crate::network::member;

const HOLDS: &str = "/v1/consult-holds";
const ROWS: &str = "select count(*) from occupancy";
const ENDING: &str = "select count(*) from occupancy where expires_at is not null";
const FIRST: &str = "2026-11-23T00:30:00Z";
const SECOND: &str = "2026-11-23T01:00:00Z";

/// The body that holds a doctor's time for a resident.
fn wish(w: &World, resident: usize, doctor: &Person, starts_at: &str) -> Value {
    json!({ "resident_id": w.residents[resident], "hospital_id": doctor.organisation, "doctor_id": doctor.id,
        "starts_at": starts_at })
}

/// An invitation that asks for a doctor's time.
fn asking(w: &World, resident: usize, doctor: &Person, starts_at: &str) -> Value {
    let mut invitation = w.invitation(resident);
    invitation["asked"] = json!({ "doctor_id": doctor.id, "starts_at": starts_at });
    invitation
}

async fn nurses(w: &World, count: usize) -> Vec<Person> {
    let mut tx = w.db.begin().await.unwrap();
    let mut nurses = Vec::new();
    for _ in 0..count {
        nurses.push(member(&mut tx, w.clock.now(), w.home, &["care_staff"], "护士").await);
    }
    tx.commit().await.unwrap();
    nurses
}

/// Sends an invitation that asks for 08:30 with the first doctor; the consult's id.
async fn sent(w: &World) -> String {
    let view = w.post(&w.nurse, "/v1/consults", asking(w, 0, &w.doctor, FIRST)).await.expect(201);
    assert_eq!((&view["state"], &view["asked"]["starts_at"]), (&json!("submitted"), &json!(FIRST)));
    view["id"].as_str().unwrap().to_owned()
}

async fn view(w: &World, id: &str) -> Value {
    w.get(&w.nurse, &format!("/v1/consults/{id}")).await.expect(200)
}

fn starts(answer: &Answer) -> Vec<String> {
    let slots = answer.body["alternatives"].as_array().unwrap();
    slots.iter().map(|slot| slot["starts_at"].as_str().unwrap().to_owned()).collect()
}

async fn whole(w: &World) {
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
        assert_eq!(
            w.audited(held["id"].as_str().unwrap()).await,
            ["consult.time_hold.create", "consult.time_hold.revoke"]
        );
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
        // Whoever takes a time clears its resources; the job clears the rest.
        assert_eq!(w.count(ROWS).await, 4);
        whole(&w).await;
        assert_eq!(forget_holds(&w.db, &w.clock).await.unwrap(), 1);
        assert_eq!((w.count(ROWS).await, w.count("select count(*) from consult_hold").await), (3, 3));
        w.clock.advance(Duration::from_mins(60));
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
        w.clock.advance(Duration::from_mins(60));
        w.post(&w.nurse, HOLDS, wish(&w, 0, &w.doctor, "2026-11-23T02:00:00Z")).await.expect(201);
    })
    .await;
}

/// So many times on which doctors and residents are free, one for each resident and doctor at once.
fn times(w: &World, count: usize) -> Vec<(usize, Person, String)> {
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
async fn an_organisation_waits_with_so_many_times_held() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        let mut first = String::new();
        for (resident, doctor, at) in times(&w, 50) {
            let view = w.post(&w.nurse, "/v1/consults", asking(&w, resident, &doctor, &at)).await.expect(201);
            first = view["id"].as_str().unwrap().to_owned();
        }
        let last = asking(&w, 0, &w.doctor, FIRST);
        w.post(&w.nurse, "/v1/consults", last.clone()).await.refused(409, "too-many-held");
        w.post(&w.nurse, "/v1/consults", w.invitation(0)).await.expect(201);
        w.step(&w.nurse, &first, "cancel", json!({ "reason": "好转" })).await.expect(200);
        w.post(&w.nurse, "/v1/consults", last).await.expect(201);
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
async fn the_asked_doctor_books_by_taking_it_on() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        let other = &nurses(&w, 1).await[0];
        w.post(&w.nurse, HOLDS, wish(&w, 0, &w.doctor, FIRST)).await.expect(201);
        let id = sent(&w).await;
        assert_eq!((w.count(ROWS).await, w.count(ENDING).await), (3, 3), "the hold went over into it");
        whole(&w).await;
        let asked = view(&w, &id).await["asked"].clone();
        assert_eq!((&asked["doctor_name"], &asked["ends_at"]), (&json!("李医生"), &json!(SECOND)));
        // It stands longer than ten minutes, and no job takes it.
        w.clock.advance(Duration::from_mins(20));
        assert_eq!(forget_holds(&w.db, &w.clock).await.unwrap(), 0);
        w.post(other, HOLDS, wish(&w, 1, &w.doctor, FIRST)).await.refused(409, "slot-taken");
        let page = w.page(&w.doctor, &format!("/consults/{id}")).await;
        assert!(page.text.contains("所求时间") && page.text.contains("李医生"), "{}", page.text);
        let booked = w.step(&w.doctor, &id, "accept", Value::Null).await.expect(200);
        assert_eq!((&booked["state"], &booked["appointment"]["starts_at"]), (&json!("scheduled"), &json!(FIRST)));
        assert_eq!(booked["appointment"]["room_id"], json!(w.rooms[0]));
        let steps: Vec<&str> =
            booked["history"].as_array().unwrap().iter().map(|line| line["action"].as_str().unwrap()).collect();
        assert_eq!(steps, ["create", "submit", "accept", "schedule"]);
        let events = w.events(&id).await;
        assert_eq!(events[events.len() - 2..], ["booking.consult.accepted", "booking.consult.scheduled"]);
        assert_eq!((w.count(ROWS).await, w.count(ENDING).await), (3, 0));
        whole(&w).await;
        w.step(&w.nurse, &id, "reschedule", json!({ "starts_at": SECOND })).await.expect(200);
        assert_eq!(w.count(ROWS).await, 3);
        whole(&w).await;
    })
    .await;
}

#[tokio::test]
async fn another_doctor_who_takes_it_on_gives_the_time_back() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        let id = sent(&w).await;
        let accepted = w.step(&w.second_doctor, &id, "accept", Value::Null).await.expect(200);
        assert_eq!((&accepted["state"], &accepted["appointment"]), (&json!("accepted"), &Value::Null));
        assert_eq!(w.count(ROWS).await, 0);
        w.step(&w.nurse, &id, "schedule", json!({ "starts_at": FIRST })).await.expect(200);
        whole(&w).await;
    })
    .await;
}

#[tokio::test]
async fn an_answer_of_another_kind_gives_the_time_back() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        let why = json!({ "reason": "资料不全" });
        for (who, step) in [(&w.doctor, "return"), (&w.doctor, "reject"), (&w.nurse, "cancel")] {
            let id = sent(&w).await;
            assert_eq!(w.count(ENDING).await, 3);
            w.step(who, &id, step, why.clone()).await.expect(200);
            assert_eq!(w.count(ROWS).await, 0, "{step}");
        }
        let id = sent(&w).await;
        w.clock.advance(Duration::from_hours(4 * 24 + 11));
        assert_eq!(expire(&w.db, &w.clock).await.unwrap(), 2, "the returned one too");
        assert_eq!((&view(&w, &id).await["state"], w.count(ROWS).await), (&json!("expired"), 0));
        whole(&w).await;
    })
    .await;
}

#[tokio::test]
async fn what_was_returned_asks_anew() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        let other = &nurses(&w, 1).await[0];
        let id = sent(&w).await;
        w.step(&w.doctor, &id, "return", json!({ "reason": "请补充化验" })).await.expect(200);
        // Sent again as it is while somebody else has the time, and with another time.
        w.post(other, HOLDS, wish(&w, 1, &w.doctor, FIRST)).await.expect(201);
        let refused = w.step(&w.nurse, &id, "submit", Value::Null).await.refused(409, "slot-taken");
        assert_eq!(starts(&refused)[0], "2026-11-23T00:00:00Z");
        let path = format!("/v1/consults/{id}");
        let taken = w.put(&w.nurse, &path, asking(&w, 0, &w.doctor, FIRST)).await.refused(409, "slot-taken");
        assert!(!starts(&taken).is_empty());
        assert_eq!(view(&w, &id).await["state"], "returned");
        // About another person, who is held in the place of the first one.
        let again = w.put(&w.nurse, &path, asking(&w, 1, &w.second_doctor, SECOND)).await.expect(200);
        assert_eq!((&again["state"], &again["asked"]["starts_at"]), (&json!("submitted"), &json!(SECOND)));
        assert_eq!(w.count(ENDING).await, 6);
        w.post(&w.nurse, HOLDS, wish(&w, 1, &w.doctor, SECOND)).await.refused(409, "slot-taken");
        w.post(&w.nurse, HOLDS, wish(&w, 0, &w.doctor, SECOND)).await.expect(201);
        // A time that is asked for no more is held no more.
        w.step(&w.doctor, &id, "return", json!({ "reason": "再补充" })).await.expect(200);
        let without = w.put(&w.nurse, &path, w.invitation(1)).await.expect(200);
        assert_eq!((&without["state"], &without["asked"]), (&json!("submitted"), &Value::Null));
        let accepted = w.step(&w.doctor, &id, "accept", Value::Null).await.expect(200);
        assert_eq!(accepted["state"], "accepted");
        whole(&w).await;
    })
    .await;
}

#[tokio::test]
async fn an_answer_after_the_end_of_what_was_held_books_only_what_is_free() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        let late = |resident| {
            let mut invitation = asking(&w, resident, &w.doctor, FIRST);
            invitation["wanted_until"] = json!("2026-11-23T00:40:00Z");
            invitation
        };
        let first = w.post(&w.nurse, "/v1/consults", late(0)).await.expect(201);
        w.clock.advance(Duration::from_mins(41));
        let second = w.post(&w.nurse, "/v1/consults", w.invitation(1)).await.expect(201);
        let [first, second] = [&first, &second].map(|view| view["id"].as_str().unwrap().to_owned());
        w.step(&w.second_doctor, &second, "accept", Value::Null).await.expect(200);
        let body = json!({ "starts_at": FIRST, "doctor_id": w.doctor.id });
        w.step(&w.nurse, &second, "schedule", body).await.expect(200);
        let answered = w.step(&w.doctor, &first, "accept", Value::Null).await.expect(200);
        assert_eq!((&answered["state"], &answered["appointment"]), (&json!("accepted"), &Value::Null));
        assert_eq!(w.count(ROWS).await, 3);
        whole(&w).await;
    })
    .await;
}

#[tokio::test]
async fn a_joined_resident_keeps_what_is_held() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        let staff = nurses(&w, 2).await;
        let invitation = asking(&w, 1, &w.doctor, FIRST);
        let id = w.post(&w.nurse, "/v1/consults", invitation).await.expect(201)["id"].as_str().unwrap().to_owned();
        // An ended hold of the survivor at the same time is in nobody's way; one that stands is not overlapped.
        w.post(&staff[0], HOLDS, wish(&w, 0, &w.second_doctor, FIRST)).await.expect(201);
        w.clock.advance(Duration::from_mins(11));
        w.post(&staff[1], HOLDS, wish(&w, 0, &w.second_doctor, SECOND)).await.expect(201);
        let join = json!({ "other": w.residents[1] });
        let joined = w.post(&w.nurse, &format!("/v1/persons/{}/join", w.residents[0]), join).await.expect(200);
        assert_eq!(joined["conflicts"], json!([]));
        w.post(&w.nurse, HOLDS, wish(&w, 0, &w.second_doctor, FIRST)).await.refused(409, "slot-taken");
        w.post(&w.nurse, HOLDS, wish(&w, 0, &w.doctor, SECOND)).await.refused(409, "slot-taken");
        let booked = w.step(&w.doctor, &id, "accept", Value::Null).await.expect(200);
        assert_eq!((&booked["state"], &booked["resident"]["id"]), (&json!("scheduled"), &json!(w.residents[0])));
        forget_holds(&w.db, &w.clock).await.unwrap();
        assert_eq!((w.count(ROWS).await, w.count(ENDING).await), (6, 3));
        whole(&w).await;
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

#[tokio::test]
async fn what_is_asked_for_is_bounded() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        let foreign = w.foreign_room().await;
        let asked = |doctor: Uuid, starts_at: &str| json!({ "doctor_id": doctor, "starts_at": starts_at });
        let mut elsewhere = asked(w.doctor.id, FIRST);
        elsewhere["room_id"] = json!(foreign);
        for (asked, pointer) in [
            (asked(w.doctor.id, "2026-11-22T00:30:00Z"), "/asked/starts_at"),
            (asked(w.doctor.id, "2026-11-28T00:30:00Z"), "/asked/starts_at"),
            (asked(w.doctor.id, "2026-11-23T00:40:00Z"), "/asked/starts_at"),
            (asked(w.skin_doctor.id, FIRST), "/asked/doctor_id"),
            (asked(w.stranger_doctor.id, FIRST), "/asked/doctor_id"),
            (asked(w.nurse.id, FIRST), "/asked/doctor_id"),
            (elsewhere, "/asked/room_id"),
        ] {
            let mut body = w.invitation(0);
            body["asked"] = asked;
            let refused = w.post(&w.nurse, "/v1/consults", body).await.refused(422, "invalid");
            assert_eq!(refused.body["errors"][0]["pointer"], pointer, "{}", refused.text);
        }
        let mut room = wish(&w, 0, &w.doctor, FIRST);
        room["room_id"] = json!(foreign);
        let mut resident = wish(&w, 0, &w.doctor, FIRST);
        resident["resident_id"] = json!(w.doctor.id);
        for (body, pointer) in [
            (room, "/room_id"),
            (resident, "/resident_id"),
            (wish(&w, 0, &w.nurse, FIRST), "/doctor_id"),
            (wish(&w, 0, &w.doctor, "2026-11-23T00:40:00Z"), "/starts_at"),
            (wish(&w, 0, &w.doctor, "9999-11-23T00:30:00Z"), "/starts_at"),
        ] {
            let refused = w.post(&w.nurse, HOLDS, body).await.refused(422, "invalid");
            assert_eq!(refused.body["errors"][0]["pointer"], pointer, "{}", refused.text);
        }
        for who in [&w.doctor, &w.hospital_admin] {
            w.post(who, HOLDS, wish(&w, 0, &w.doctor, FIRST)).await.refused(403, "forbidden");
        }
        let stranger = w.post(&w.stranger_nurse, HOLDS, wish(&w, 0, &w.doctor, FIRST)).await.refused(422, "invalid");
        assert_eq!(stranger.body["errors"][0]["pointer"], "/resident_id");
        assert_eq!(w.count(ENDING).await, 0);
    })
    .await;
}

#[tokio::test]
async fn what_is_urgent_is_answered_first() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        let mut ids = Vec::new();
        for urgency in [None, Some("urgent"), Some("stat"), Some("routine")] {
            let mut invitation = w.invitation(0);
            if let Some(urgency) = urgency {
                invitation["urgency"] = json!(urgency);
            }
            let view = w.post(&w.nurse, "/v1/consults", invitation).await.expect(201);
            assert_eq!(view["urgency"], urgency.unwrap_or("routine"));
            ids.push(view["id"].as_str().unwrap().to_owned());
            w.clock.advance(Duration::from_mins(1));
        }
        for who in [&w.doctor, &w.hospital_admin] {
            let page = w.page(who, "/consults").await.text;
            let places: Vec<_> =
                [2, 1, 0, 3].map(|n: usize| page.find(&format!("/consults/{}\"", ids[n])).unwrap()).into();
            assert!(places.is_sorted(), "{places:?}");
            assert!(page.contains("特急"));
        }
        let mut invitation = w.invitation(0);
        invitation["urgency"] = json!("whenever");
        w.post(&w.nurse, "/v1/consults", invitation).await.refused(422, "invalid");
    })
    .await;
}

#[tokio::test]
async fn the_next_free_times_are_offered_with_the_question() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        w.post(&w.nurse, HOLDS, wish(&w, 0, &w.doctor, FIRST)).await.expect(201);
        let path = format!("/consults/times?resident={}&wish={}%7Ccardiology&title=chief", w.residents[1], w.hospital);
        let part = w.page(&w.nurse, &path).await.checked(200).text;
        let offers = |doctor: &Person, at: &str| part.contains(&format!("value=\"{}|{}", doctor.id, &at[..19]));
        assert!(offers(&w.second_doctor, FIRST) && offers(&w.doctor, SECOND) && !offers(&w.doctor, FIRST), "{part}");
        assert!(part.contains("11月23日") && part.contains("上午") && !part.contains("下午"));
        assert!(
            !w.page(&w.nurse, &path.replace(&w.residents[1].to_string(), &w.residents[0].to_string()))
                .await
                .text
                .contains(&format!("value=\"{}|{}", w.second_doctor.id, &FIRST[..19]))
        );
        w.page(&w.nurse, &path.replace("cardiology", "nothing")).await.checked(200);
        w.page(&w.nurse, "/consults/times?wish=nonsense").await.checked(404);
        w.page(&w.stranger_nurse, &path).await.checked(404);
        w.page(&w.doctor, &path).await.checked(403);
        // One that was returned has its own urgency and time chosen.
        let mut invitation = asking(&w, 1, &w.doctor, SECOND);
        invitation["urgency"] = json!("stat");
        let view = w.post(&w.nurse, "/v1/consults", invitation).await.expect(201);
        let id = view["id"].as_str().unwrap();
        w.step(&w.doctor, id, "return", json!({ "reason": "请补充化验" })).await.expect(200);
        let form = w.page(&w.nurse, &format!("/consults/new?id={id}")).await.checked(200).text;
        assert!(form.contains("value=\"stat\" checked"), "{form}");
        let chosen = form.split("name=\"asked\"").find(|input| input.split('>').next().unwrap().contains(" checked"));
        assert!(chosen.unwrap().contains(&SECOND[..19]), "{form}");
    })
    .await;
}
