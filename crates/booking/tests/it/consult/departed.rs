//! Somebody has died, or has left: what that closes and stops, and that it can be taken back.

use std::time::Duration;

use sanbao_platform::on;
use sanbao_platform::testing::{TestEngine, on_both};
use serde_json::{Value, json};

use crate::consult::world::World;

fn died() -> Value {
    json!({ "kind": "died", "on": "2026-11-20", "note": "家属来电" })
}

async fn end(world: &World, body: Value) -> sanbao_platform::testing::Answer {
    world.post(&world.nurse, &format!("/v1/persons/{}/end", world.residents[0]), body).await
}

#[tokio::test]
async fn a_death_calls_off_what_has_not_begun_and_lists_what_has() {
    on_both(|engine: TestEngine| async move {
        let world = World::new(&engine).await;
        let begin = async || {
            let made = world.post(&world.nurse, "/v1/consults", world.invitation(0)).await.expect(201);
            made["id"].as_str().unwrap().to_owned()
        };
        let (submitted, scheduled, held) = (begin().await, begin().await, begin().await);
        for (id, time) in [(&scheduled, "01:00"), (&held, "00:30")] {
            world.step(&world.doctor, id, "accept", Value::Null).await.expect(200);
            let when = json!({ "room_id": world.rooms[0], "starts_at": format!("2026-11-23T{time}:00Z") });
            world.step(&world.nurse, id, "schedule", when).await.expect(200);
        }
        world.clock.advance(Duration::from_mins(30));
        world.step(&world.doctor, &held, "finish", Value::Null).await.expect(200);
        let of_other = world.post(&world.nurse, "/v1/consults", world.invitation(1)).await.expect(201);

        let ended = end(&world, died()).await.expect(200);
        assert_eq!((&ended["state"], &ended["ended_on"]), (&json!("died"), &json!("2026-11-20")));
        let open: Vec<_> = ended["open"].as_array().unwrap().iter().map(|o| &o["id"]).collect();
        assert_eq!(open, [&json!(held)], "{ended}");
        for id in [&submitted, &scheduled] {
            let consult = world.get(&world.doctor, &format!("/v1/consults/{id}")).await.expect(200);
            assert_eq!(consult["state"], "cancelled");
            assert!(consult.to_string().contains("本人已于 2026-11-20 去世"), "{consult}");
        }
        let still = world.get(&world.nurse, &format!("/v1/consults/{held}")).await.expect(200);
        assert_eq!(still["state"], "opinion_draft");
        let untouched = format!("/v1/consults/{}", of_other["id"].as_str().unwrap());
        assert_eq!(world.get(&world.nurse, &untouched).await.expect(200)["state"], of_other["state"]);
        // The time in the calendar is free again.
        let mut conn = world.app.deps.db.read().await.unwrap();
        let taken: i64 = on!(conn, |c| {
            sqlx::query_scalar("select count(*) from occupancy where resource_id = $1 and starts_at > $2")
                .bind(world.residents[0])
                .bind("2026-11-23T00:45:00Z".parse::<chrono::DateTime<chrono::Utc>>().unwrap())
                .fetch_one(c)
                .await
        })
        .unwrap();
        assert_eq!(taken, 0);
        assert_eq!(world.events(&world.residents[0].to_string()).await, ["booking.person.ended"]);
    })
    .await;
}

#[tokio::test]
async fn nothing_new_is_begun_until_it_is_taken_back() {
    on_both(|engine: TestEngine| async move {
        let world = World::new(&engine).await;
        for (kind, state) in [("died", "died"), ("left", "left")] {
            let ended = end(&world, json!({ "kind": kind, "on": "2026-11-22" })).await.expect(200);
            assert_eq!(ended["state"], state);
            world.post(&world.nurse, "/v1/consults", world.invitation(0)).await.refused(409, "person-ended");
            end(&world, died()).await.refused(409, "invalid-transition");
            let path = format!("/v1/persons/{}", world.residents[0]);
            assert_eq!(world.get(&world.nurse, &path).await.expect(200)["state"], state);
            let back = world.post(&world.nurse, &format!("{path}/restore"), json!({ "reason": "登记错了人" })).await;
            assert_eq!(back.expect(200)["state"], "registered");
            let again = world.post(&world.nurse, "/v1/consults", world.invitation(0)).await.expect(201);
            world.step(&world.doctor, again["id"].as_str().unwrap(), "accept", Value::Null).await.expect(200);
        }
        let kinds = world.events(&world.residents[0].to_string()).await;
        assert_eq!(kinds.iter().filter(|kind| *kind == "booking.person.restored").count(), 2);
    })
    .await;
}

#[tokio::test]
async fn the_day_is_possible_and_strangers_learn_nothing() {
    on_both(|engine: TestEngine| async move {
        let world = World::new(&engine).await;
        for on in ["2026-11-24", "1940-04-30", "2001-01-01"] {
            let refused = end(&world, json!({ "kind": "died", "on": on })).await.refused(422, "invalid").body;
            assert_eq!(refused["errors"][0]["pointer"], "/on", "{on}");
        }
        let path = format!("/v1/persons/{}", world.residents[0]);
        for who in [&world.stranger_nurse, &world.doctor, &world.dispatcher] {
            world.post(who, &format!("{path}/end"), died()).await.refused(404, "not-found");
            world.post(who, &format!("{path}/restore"), json!({ "reason": "x" })).await.refused(404, "not-found");
        }
        let (one, other) = (world.residents[0], world.residents[1]);
        end(&world, died()).await.expect(200);
        let join = format!("/v1/persons/{one}/join");
        world.post(&world.nurse, &join, json!({ "other": other })).await.refused(422, "invalid");
    })
    .await;
}
