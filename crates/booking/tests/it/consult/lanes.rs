//! Rooms in which several consults can be at once: each has a lane of its own, and a time is taken where all lanes are.

use std::sync::Arc;

use sanbao_booking::calendar::capacity::{self, CAPACITY_MAX, CapacityError};
use sanbao_booking::calendar::{self, Booking, Interval, ReserveError};
use sanbao_platform::id::uuid_v7;
use sanbao_platform::on;
use sanbao_platform::testing::{Answer, Person, on_both, patiently, postgres, until};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::consult::holds::{FIRST, HOLDS, SECOND, view, wish};
use crate::consult::world::World;
use crate::network::member;

const LANES: &str = "select lane from occupancy where resource_id = $1 order by lane";
const CAPACITIES: &str = "select count(*) from resource_capacity";
const WAITING: &str =
    "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'";

pub async fn admin(w: &World) -> Person {
    let mut tx = w.db.begin().await.unwrap();
    let admin = member(&mut tx, w.clock.now(), w.home, &["administrator"], "院长").await;
    tx.commit().await.unwrap();
    admin
}

async fn resize(w: &World, admin: &Person, room: Uuid, capacity: i32) -> Answer {
    w.post(admin, &format!("/v1/locations/{room}/resize"), json!({ "capacity": capacity })).await
}

async fn lanes(w: &World, resource: Uuid) -> Vec<i32> {
    let mut conn = w.db.read().await.unwrap();
    on!(conn, |c| sqlx::query_scalar(LANES).bind(resource).fetch_all(c).await).unwrap()
}

/// Takes half an hour of some resources for something else.
async fn take(w: &World, resources: &[Uuid], starts_at: &str) -> Result<(), ReserveError> {
    let (now, mut tx) = (w.clock.now(), w.db.begin().await.unwrap());
    let interval = Interval::of_minutes(starts_at.parse().unwrap(), 30).unwrap();
    let booking = Booking { holder_kind: "consult", holder_id: uuid_v7(now), resources, interval };
    calendar::reserve(&mut tx, now, &booking).await?;
    tx.commit().await.unwrap();
    Ok(())
}

/// Every promise of the calendar, but for what these tests take for nobody.
async fn whole_but(w: &World) {
    let mut checked = sanbao_booking::verify::verify(&w.db).await.unwrap();
    checked.retain(|one| one.promise != "nothing in the calendar is held by anything else" && !one.broken.is_empty());
    assert!(checked.is_empty(), "{}: {checked:?}", w.engine);
}

/// A consult of the second doctor and the second resident, booked in the first room.
async fn second(w: &World, starts_at: &str) -> (String, Answer) {
    let body = w.post(&w.nurse, "/v1/consults", w.invitation(1)).await.expect(201);
    let id = body["id"].as_str().unwrap().to_owned();
    w.step(&w.second_doctor, &id, "accept", Value::Null).await.expect(200);
    let booked = w.step(&w.nurse, &id, "schedule", w.at(starts_at)).await;
    (id, booked)
}

async fn free_at(w: &World, query: &str) -> Vec<String> {
    let path = format!("/v1/slots?specialty=cardiology&from=2026-11-23T00:00:00Z&to=2026-11-23T02:00:00Z&{query}");
    let found = w.get(&w.nurse, &path).await.expect(200);
    found["items"].as_array().unwrap().iter().map(|slot| slot["starts_at"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn two_consults_are_in_a_hall_with_two_booths_at_once() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        let (admin, hall) = (admin(&w).await, w.rooms[0]);
        let first = w.scheduled().await;
        let (id, refused) = second(&w, FIRST).await;
        refused.refused(409, "slot-taken");
        let room = format!("room_id={hall}");
        assert!(!free_at(&w, &room).await.contains(&FIRST.to_owned()), "one booth, and it is taken");
        resize(&w, &admin, hall, 2).await.expect(200);
        assert!(free_at(&w, &room).await.contains(&FIRST.to_owned()), "a booth is left");
        w.step(&w.nurse, &id, "schedule", w.at(FIRST)).await.expect(200);
        assert_eq!(lanes(&w, hall).await, [0, 1], "{}", w.engine);
        assert!(matches!(take(&w, &[hall], FIRST).await, Err(ReserveError::Taken)), "no third booth");
        take(&w, &[w.rooms[1]], FIRST).await.unwrap();
        assert!(free_at(&w, "any_room=true").await.iter().all(|at| at != FIRST), "no room is left");
        // What is given up is the lowest that is free again.
        w.step(&w.nurse, &first, "cancel", json!({ "reason": "另有安排" })).await.expect(200);
        assert!(free_at(&w, &room).await.contains(&FIRST.to_owned()));
        take(&w, &[hall], FIRST).await.unwrap();
        assert_eq!(lanes(&w, hall).await, [0, 1]);
    })
    .await;
}

#[tokio::test]
async fn a_hall_is_held_moved_and_exchanged_in_like_two_rooms() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        let (admin, hall) = (admin(&w).await, w.rooms[0]);
        resize(&w, &admin, hall, 2).await.expect(200);
        take(&w, &[w.rooms[1]], FIRST).await.unwrap();
        let held = w.post(&w.nurse, HOLDS, wish(&w, 0, &w.doctor, FIRST)).await.expect(201);
        assert_eq!(held["room_id"], json!(hall), "any room is the one with a booth left");
        w.call(Some(&w.nurse), "DELETE", &format!("{HOLDS}/{}", held["id"].as_str().unwrap()), None, &[])
            .await
            .expect(204);
        let (one, (two, booked)) = (w.scheduled().await, second(&w, SECOND).await);
        booked.expect(200);
        // Both at once for a while: neither is late for the other's booth.
        w.step(&w.nurse, &two, "reschedule", w.at(FIRST)).await.expect(200);
        let delayed = w.step(&w.doctor, &one, "delay", json!({ "minutes": 20 })).await.expect(200);
        assert_eq!(delayed["conflicts_with"], json!([]));
        w.step(&w.nurse, &two, "reschedule", w.at(SECOND)).await.expect(200);
        let delayed = w.step(&w.doctor, &one, "delay", json!({ "minutes": 30 })).await.expect(200);
        assert_eq!(delayed["conflicts_with"][0]["shared"], json!(["room"]), "the same booth: {delayed}");
        w.step(&w.doctor, &one, "delay", json!({ "minutes": 0 })).await.expect(200);
        whole_but(&w).await;
        let swapped = w.step(&w.nurse, &one, "exchange", json!({ "with": two })).await;
        swapped.expect(200);
        assert_eq!(view(&w, &one).await["appointment"]["starts_at"], SECOND);
        // Who has the other booth is in nobody's way, and two who have both are.
        take(&w, &[hall], FIRST).await.unwrap();
        w.step(&w.nurse, &one, "exchange", json!({ "with": two })).await.expect(200);
        take(&w, &[hall], SECOND).await.unwrap();
        w.step(&w.nurse, &one, "exchange", json!({ "with": two })).await.expect(200);
        whole_but(&w).await;
    })
    .await;
}

#[tokio::test]
async fn an_exchange_names_those_who_have_every_booth() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        let (admin, hall) = (admin(&w).await, w.rooms[0]);
        resize(&w, &admin, hall, 2).await.expect(200);
        let one = w.scheduled().await;
        let body = w.post(&w.nurse, "/v1/consults", w.invitation(1)).await.expect(201);
        let two = body["id"].as_str().unwrap().to_owned();
        w.step(&w.second_doctor, &two, "accept", Value::Null).await.expect(200);
        let elsewhere = json!({ "room_id": w.rooms[1], "starts_at": SECOND });
        w.step(&w.nurse, &two, "schedule", elsewhere).await.expect(200);
        take(&w, &[hall], SECOND).await.unwrap();
        take(&w, &[hall], SECOND).await.unwrap();
        let refused = w.step(&w.nurse, &one, "exchange", json!({ "with": two })).await;
        let refused = refused.refused(409, "slot-taken");
        let named = refused.body["conflicts_with"].as_array().unwrap();
        assert_eq!(named.len(), 2, "both booths: {}", refused.text);
        assert!(named.iter().all(|one| one["shared"] == json!(["room"])), "{}", refused.text);
        resize(&w, &admin, hall, 3).await.expect(200);
        w.step(&w.nurse, &one, "exchange", json!({ "with": two })).await.expect(200);
    })
    .await;
}

#[tokio::test]
async fn fewer_places_than_are_booked_are_refused_with_the_times() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        let (admin, hall) = (admin(&w).await, w.rooms[0]);
        let path = format!("/v1/organisations/{}/locations", w.home);
        for (capacity, status) in [(0, 422), (1, 201), (10, 201), (11, 422)] {
            let body = json!({ "name": format!("大厅 {capacity}"), "capacity": capacity });
            let made = w.post(&admin, &path, body).await;
            assert_eq!(made.status, status, "{capacity}: {}", made.text);
            if status == 201 {
                assert_eq!(made.body["capacity"], json!(capacity));
            }
            assert_eq!(resize(&w, &admin, hall, capacity).await.status, if status == 201 { 200 } else { 422 });
        }
        for _ in 0..3 {
            take(&w, &[hall], FIRST).await.unwrap();
        }
        take(&w, &[hall], SECOND).await.unwrap();
        let refused = resize(&w, &admin, hall, 2).await;
        let refused = refused.refused(409, "capacity-in-use");
        let times = json!([{ "starts_at": FIRST, "ends_at": SECOND, "booked": 3 }]);
        assert_eq!(refused.body["times"], times, "{}", refused.text);
        assert!(refused.text.contains("11月23日 周一 08:30–09:00 已约 3 个"), "{}", refused.text);
        let listed = w.get(&admin, &path).await.expect(200);
        let room = listed["items"].as_array().unwrap().iter().find(|room| room["id"] == json!(hall)).unwrap().clone();
        assert_eq!(room["capacity"], 10, "nothing is changed: {room}");
        resize(&w, &admin, hall, 3).await.expect(200);
        assert!(matches!(take(&w, &[hall], FIRST).await, Err(ReserveError::Taken)));
        // What is over is in nobody's way; and one place is what is said of no row.
        w.clock.advance(std::time::Duration::from_hours(2));
        resize(&w, &admin, hall, 1).await.expect(200);
        assert_eq!(w.count(CAPACITIES).await, 1, "the new hall alone");
        let nurse = resize(&w, &w.nurse, hall, 2).await;
        nurse.refused(403, "forbidden");
        w.post(&admin, &format!("/v1/locations/{hall}/close"), Value::Null).await.expect(200);
        let closed = resize(&w, &admin, hall, 2).await;
        closed.refused(409, "invalid-transition");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_32_who_take_a_hall_as_many_as_it_has_places_do() {
    on_both(|engine| async move {
        let w = Arc::new(World::new(&engine).await);
        let (hall, places) = (uuid_v7(w.clock.now()), CAPACITY_MAX);
        let mut tx = w.db.begin().await.unwrap();
        capacity::write(&mut tx, hall, places).await.unwrap();
        tx.commit().await.unwrap();
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..32 {
            let w = Arc::clone(&w);
            tasks.spawn(async move { take(&w, &[hall], FIRST).await.is_ok() });
        }
        let taken = tasks.join_all().await.into_iter().filter(|took| *took).count();
        assert_eq!(taken, usize::try_from(places).unwrap(), "{}", w.engine);
        assert_eq!(lanes(&w, hall).await, (0..places).collect::<Vec<_>>());
    })
    .await;
}

/// A place is taken and not yet committed while the number is lowered: the lowering waits, and then sees it.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_place_that_is_being_taken_is_not_taken_away() {
    let Some(engine) = postgres().await else { return };
    let w = Arc::new(World::new(&engine).await);
    let (hall, now) = (uuid_v7(w.clock.now()), w.clock.now());
    let mut tx = w.db.begin().await.unwrap();
    capacity::write(&mut tx, hall, 2).await.unwrap();
    tx.commit().await.unwrap();
    take(&w, &[hall], FIRST).await.unwrap();
    let mut one = w.db.begin().await.unwrap();
    let interval = Interval::of_minutes(FIRST.parse().unwrap(), 30).unwrap();
    let booking = Booking { holder_kind: "consult", holder_id: uuid_v7(now), resources: &[hall], interval };
    calendar::reserve(&mut one, now, &booking).await.unwrap();
    let lowering = {
        let w = Arc::clone(&w);
        tokio::spawn(async move {
            let mut tx = w.db.begin().await.unwrap();
            capacity::set(&mut tx, w.clock.now(), hall, 1).await
        })
    };
    until("the lowering waits", async || w.count(WAITING).await == 1).await;
    one.commit().await.unwrap();
    let lowered = patiently("the lowering is answered", async { lowering.await.unwrap() }).await;
    assert!(matches!(lowered, Err(CapacityError::Booked(over)) if over[0].booked == 2));
}
