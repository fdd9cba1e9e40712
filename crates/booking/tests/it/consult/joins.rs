//! Consults and the calendar when two records of one resident are made one, and two again.

use sanbao_platform::testing::{Answer, Person, TestEngine, on_both};
use serde_json::{Value, json};

use crate::consult::world::World;

/// A consult of a resident with a doctor, in a room of its own, at a time of 23 November in UTC.
async fn booked(world: &World, resident: usize, doctor: &Person, time: &str) -> String {
    let body = world.post(&world.nurse, "/v1/consults", world.invitation(resident)).await.expect(201);
    let id = body["id"].as_str().unwrap().to_owned();
    world.step(doctor, &id, "accept", Value::Null).await.expect(200);
    schedule(world, &id, "schedule", resident, time).await.expect(200);
    id
}

async fn schedule(world: &World, consult: &str, step: &str, room: usize, time: &str) -> Answer {
    let body = json!({ "room_id": world.rooms[room], "starts_at": format!("2026-11-23T{time}:00Z") });
    world.step(&world.nurse, consult, step, body).await
}

/// A consult that has a doctor and no time.
async fn accepted(world: &World, resident: usize, doctor: &Person) -> String {
    let body = world.post(&world.nurse, "/v1/consults", world.invitation(resident)).await.expect(201);
    let id = body["id"].as_str().unwrap().to_owned();
    world.step(doctor, &id, "accept", Value::Null).await.expect(200);
    id
}

async fn resident_of(world: &World, consult: &str) -> Value {
    world.get(&world.nurse, &format!("/v1/consults/{consult}")).await.expect(200)["resident"]["id"].clone()
}

async fn of_persons(world: &World, step: &str) -> Value {
    let (one, other) = (world.residents[0], world.residents[1]);
    world.post(&world.nurse, &format!("/v1/persons/{one}/{step}"), json!({ "other": other })).await.expect(200)
}

async fn conflicts(world: &World) -> Value {
    let joins = world.get(&world.nurse, &format!("/v1/persons/{}/joins", world.residents[0])).await.expect(200);
    joins["conflicts"].clone()
}

#[tokio::test]
async fn consults_move_and_a_conflict_of_times_is_kept_shown_and_mended() {
    on_both(|engine: TestEngine| async move {
        let world = World::new(&engine).await;
        let (doctor, second) = (world.doctor.clone(), world.second_doctor.clone());
        let own = booked(&world, 0, &doctor, "00:30").await;
        let same_time = booked(&world, 1, &second, "00:30").await;
        let later = booked(&world, 1, &second, "01:30").await;
        let consent = world.step(&world.nurse, &later, "consents", World::consent()).await;
        consent.expect(201);
        let joined = of_persons(&world, "join").await;
        assert_eq!((&joined["joins"][0]["consults"], &joined["joins"][0]["visits"]), (&json!(2), &json!(0)));
        let conflict = &joined["conflicts"][0];
        assert_eq!((&conflict["taken"]["id"], &conflict["by"]["id"]), (&json!(same_time), &json!(own)));
        assert_eq!(joined["conflicts"].as_array().unwrap().len(), 1);
        assert_eq!(conflicts(&world).await, joined["conflicts"]);
        for id in [&own, &same_time, &later] {
            let consult = world.get(&world.nurse, &format!("/v1/consults/{id}")).await.expect(200);
            assert_eq!(consult["resident"]["id"], json!(world.residents[0]));
            assert_eq!(consult["state"], "scheduled", "both stand");
        }
        let later_read = world.get(&world.nurse, &format!("/v1/consults/{later}/consents")).await.expect(200);
        assert_eq!(later_read.as_array().unwrap().len(), 1, "consents go with their consult");

        // The time of both records is the person's: neither the moved booking nor the one that stayed is overlapped.
        let third = accepted(&world, 0, &doctor).await;
        schedule(&world, &third, "schedule", 0, "01:30").await.refused(409, "slot-taken");
        world.step(&world.nurse, &own, "cancel", json!({ "reason": "情况有变" })).await.expect(200);
        assert_eq!(conflicts(&world).await, json!([]));
        schedule(&world, &third, "schedule", 0, "00:30").await.refused(409, "slot-taken");
        let slots = "from=2026-11-23T00:00:00Z&to=2026-11-23T04:00:00Z";
        let free = world.get(&world.nurse, &format!("/v1/consults/{third}/slots?{slots}")).await.expect(200);
        let starts: Vec<&str> =
            free["items"].as_array().unwrap().iter().map(|s| s["starts_at"].as_str().unwrap()).collect();
        assert!(!starts.contains(&"2026-11-23T00:30:00Z") && !starts.contains(&"2026-11-23T01:30:00Z"), "{starts:?}");
        assert!(starts.contains(&"2026-11-23T00:00:00Z"), "{starts:?}");

        // Given another time, the one that stayed is the survivor's like any other.
        schedule(&world, &same_time, "reschedule", 1, "02:00").await.expect(200);
        schedule(&world, &third, "schedule", 0, "00:30").await.expect(200);
        let fourth = accepted(&world, 0, &doctor).await;
        schedule(&world, &fourth, "schedule", 0, "02:00").await.refused(409, "slot-taken");
    })
    .await;
}

#[tokio::test]
async fn what_was_moved_goes_back_with_its_time_and_nothing_else_does() {
    on_both(|engine: TestEngine| async move {
        let world = World::new(&engine).await;
        let (doctor, second) = (world.doctor.clone(), world.second_doctor.clone());
        let own = booked(&world, 0, &doctor, "00:30").await;
        let same_time = booked(&world, 1, &second, "00:30").await;
        let moved = booked(&world, 1, &second, "01:00").await;
        of_persons(&world, "join").await;
        let since = booked(&world, 0, &doctor, "03:00").await;
        schedule(&world, &moved, "reschedule", 1, "02:00").await.expect(200);
        let undone = of_persons(&world, "unjoin").await;
        assert_eq!(undone["other"]["id"], json!(world.residents[1]));
        for (consult, resident) in [(&own, 0), (&since, 0), (&same_time, 1), (&moved, 1)] {
            assert_eq!(resident_of(&world, consult).await, json!(world.residents[resident]));
        }
        // Each is taken at its own times, and free at the other's.
        for (resident, who, room, time, status) in [
            (1, &doctor, 0, "02:00", 409),
            (0, &doctor, 0, "02:00", 200),
            (0, &second, 1, "03:00", 409),
            (1, &second, 1, "03:00", 200),
            (1, &doctor, 0, "00:00", 200),
        ] {
            let consult = accepted(&world, resident, who).await;
            schedule(&world, &consult, "schedule", room, time).await.checked(status);
        }
        of_persons(&world, "join").await;
        assert_eq!(conflicts(&world).await.as_array().unwrap().len(), 3, "joined again, all is there again");
    })
    .await;
}

#[tokio::test]
async fn a_step_that_was_read_before_does_not_write_the_old_person_back() {
    on_both(|engine: TestEngine| async move {
        let world = World::new(&engine).await;
        let id = booked(&world, 1, &world.second_doctor.clone(), "00:30").await;
        let read = world.get(&world.nurse, &format!("/v1/consults/{id}")).await.checked(200);
        of_persons(&world, "join").await;
        let headers = [("if-match", read.etag().unwrap())];
        let body = json!({ "minutes": 5 });
        let path = format!("/v1/consults/{id}/delay");
        let stale = world.call(Some(&world.nurse), "POST", &path, Some(body.clone()), &headers).await;
        stale.refused(412, "precondition-failed");
        world.post(&world.nurse, &path, body).await.expect(200);
        assert_eq!(resident_of(&world, &id).await, json!(world.residents[0]));
    })
    .await;
}
