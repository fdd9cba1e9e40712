//! Consults of somebody who is handed over to another care home: what is done stays, what is not goes on.

use sanbao_platform::testing::{TestEngine, on_both};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::consult::world::World;
use crate::held::LeadingOn;

const ID: &str = "110105194005010023";

#[tokio::test]
async fn no_booking_is_lost_and_each_side_sees_its_own() {
    on_both(|engine: TestEngine| async move {
        let world = World::new(&engine).await;
        let (done, open) = (world.submitted().await, world.scheduled().await);
        world.step(&world.nurse, &done, "cancel", json!({ "reason": "不需要了" })).await.expect(200);
        let old = format!("/v1/persons/{}", world.residents[0]);
        let number = [("idempotency-key", "number")];
        let patch = json!({ "national_id": ID });
        world.call(Some(&world.nurse), "PATCH", &old, Some(patch), &number).await.expect(200);
        let new = json!({ "name": "陈奶奶", "national_id": ID });
        let new = world.post(&world.stranger_nurse, "/v1/persons", new).await.expect(201)["id"].clone();
        let wish = json!({ "person_id": new, "agreed_by": "person", "agreed_name": "陈奶奶", "agreed_how": "in_person",
            "agreed_on": "2026-11-22" });
        let asked = world.post(&world.stranger_nurse, "/v1/transfers", wish).await.expect(201);
        assert_eq!(asked["open"], json!([]));
        let path = format!("/v1/transfers/{}", asked["id"].as_str().unwrap());
        let of_us = world.get(&world.nurse, &path).await.expect(200);
        assert_eq!(of_us["open"][0]["id"], json!(open));
        let accepted = world.post(&world.nurse, &format!("{path}/accept"), Value::Null).await.expect(200);
        assert_eq!(accepted["open"][0]["id"], json!(open), "it goes on");

        let theirs = world.get(&world.stranger_nurse, &path).await.expect(200);
        let there = &theirs["open"][0];
        assert_eq!(
            (&there["kind"], &there["id"], &there["at"]),
            (&json!("consult"), &Value::Null, &json!("2026-11-23T00:30:00Z"))
        );
        world.get(&world.stranger_nurse, &format!("/v1/consults/{open}")).await.refused(404, "not-found");
        for (consult, resident) in [(&done, json!(world.residents[0])), (&open, new.clone())] {
            let read = world.get(&world.nurse, &format!("/v1/consults/{consult}")).await.expect(200);
            assert_eq!(read["resident"]["id"], resident);
        }
        let page = world.get(&world.nurse, &old).await.expect(200);
        assert_eq!(page["name"], "陈奶奶0", "the record as it was had");
        // Her time is taken for those who have her now, and the old side's consult still goes its way.
        let late = json!({ "room_id": world.rooms[0], "starts_at": "2026-11-23T01:30:00Z" });
        world.step(&world.nurse, &open, "reschedule", late).await.expect(200);
        let theirs = world.get(&world.stranger_nurse, &path).await.expect(200);
        assert_eq!(theirs["open"][0]["at"], "2026-11-23T01:30:00Z");
        world.post(&world.nurse, "/v1/consults", world.invitation(0)).await.refused(422, "invalid");
    })
    .await;
}

#[tokio::test]
async fn a_consult_that_is_begun_while_its_person_is_handed_over_is_not_left_with_the_old_record() {
    on_both(|engine: TestEngine| async move {
        if engine.name() != "postgres" {
            // One writer: the one has ended before the other begins.
            return;
        }
        let world = World::new(&engine).await;
        let new = world.post(&world.stranger_nurse, "/v1/persons", json!({ "name": "陈奶奶" })).await.expect(201);
        let new: Uuid = new["id"].as_str().unwrap().parse().unwrap();
        let leading_on = LeadingOn::begun(&world.db, world.residents[0], new).await;
        let begin = world.post(&world.nurse, "/v1/consults", world.invitation(0));
        let (begun, ()) = tokio::join!(begin, leading_on.when_waited_for(&world.db));
        begun.refused(422, "invalid");
        assert_eq!(world.count("select count(*) from consult").await, 0, "nothing is under the old record");
    })
    .await;
}

#[tokio::test]
async fn a_draft_that_takes_somebody_who_is_handed_over_meanwhile_is_refused() {
    on_both(|engine: TestEngine| async move {
        if engine.name() != "postgres" {
            return;
        }
        let world = World::new(&engine).await;
        let mut draft = world.invitation(1);
        draft["submit"] = json!(false);
        let draft = world.post(&world.nurse, "/v1/consults", draft).await.expect(201);
        let path = format!("/v1/consults/{}", draft["id"].as_str().unwrap());
        let new = world.post(&world.stranger_nurse, "/v1/persons", json!({ "name": "陈奶奶" })).await.expect(201);
        let new: Uuid = new["id"].as_str().unwrap().parse().unwrap();
        let leading_on = LeadingOn::begun(&world.db, world.residents[0], new).await;
        let revise = world.put(&world.nurse, &path, world.invitation(0));
        let (revised, ()) = tokio::join!(revise, leading_on.when_waited_for(&world.db));
        revised.refused(422, "invalid");
    })
    .await;
}
