//! Somebody who was erased does not come back by an order that comes later: it goes back at once, and says nothing of them.

use std::collections::BTreeMap;

use sanbao_booking::account::person::erasure::{Erasure, ErasureCause, apply};
use sanbao_platform::testing::{TestEngine, everything, on_both};
use serde_json::json;
use sqlx::types::Json;
use uuid::Uuid;

use crate::visit::world::World;

/// Erases a record as a list does that is applied.
async fn erase(world: &World, person: Uuid) {
    let erasure = Erasure {
        id: world.uuid(),
        person_id: person,
        records: Json(vec![person]),
        requests: None,
        cause: ErasureCause::Demand,
        organisation_id: world.agency.0,
        erased_by: world.dispatcher.id,
        erased_at: world.clock.now(),
        taken: Json(BTreeMap::new()),
        hash: String::new(),
    };
    apply(&world.db, &erasure).await.unwrap();
}

/// The elder of an order that was called off, and its request.
async fn elder(world: &World) -> (Uuid, Uuid) {
    let request = world.uuid();
    world.accept_request(request, json!({})).await;
    world.catch_up().await;
    world.cancel_request(request).await;
    world.catch_up().await;
    let page = world.get(&world.dispatcher, "/v1/persons?q=13800138000").await.expect(200);
    (page["items"][0]["id"].as_str().unwrap().parse().unwrap(), request)
}

#[tokio::test]
async fn an_order_for_somebody_who_was_erased_goes_back_and_names_nobody() {
    on_both(|engine: TestEngine| async move {
        let world = World::new(engine).await;
        let (elder, _) = elder(&world).await;
        erase(&world, elder).await;
        let persons = world.count("select count(*) from person").await;
        let late = world.uuid();
        world.accept_request(late, json!({ "person_id": elder, "national_id_index": "e".repeat(64) })).await;
        world.catch_up().await;
        assert_eq!((world.parked().await, world.count("select count(*) from person").await), (0, persons));
        let kept = everything(&world.db).await;
        for trace in ["张秀英", "13800138000", "胜利路", "防滑垫", "eeeeeeee"] {
            let lines: Vec<&str> = kept.lines().filter(|line| line.contains(trace)).collect();
            assert_eq!(lines, [""; 0], "{trace}");
        }
        let (kind, data) = world.events().await.pop().unwrap();
        assert_eq!(
            (kind.as_str(), &data["request_id"], &data["withdrawn"]),
            ("booking.visit.cancelled", &json!(late), &json!(false))
        );
        assert_eq!(world.count("select count(*) from visit where state <> 'cancelled'").await, 0);
    })
    .await;
}

#[tokio::test]
async fn parked_events_of_somebody_go_when_they_are_erased() {
    on_both(|engine: TestEngine| async move {
        let world = World::new(engine).await;
        let (elder, request) = elder(&world).await;
        // Requests sent to nobody, and one that was corrected into what cannot be read, are parked with all they say.
        let nobody = world.uuid();
        world.accept_request(world.uuid(), json!({ "agency_id": nobody, "person_id": elder })).await;
        world.update_request(request, json!({ "category": 1 })).await;
        world
            .accept_request(
                world.uuid(),
                json!({ "agency_id": nobody, "name": "别的人", "phone": "13900139000",
            "address": "别处", "note": null }),
            )
            .await;
        world.catch_up().await;
        assert_eq!(world.parked().await, 3);
        erase(&world, elder).await;
        assert_eq!(world.parked().await, 1, "that of somebody else stays");
        let kept = everything(&world.db).await;
        for trace in ["张秀英", "13800138000", "胜利路", "防滑垫"] {
            let lines: Vec<&str> = kept.lines().filter(|line| line.contains(trace)).collect();
            assert_eq!(lines, [""; 0], "{trace}");
        }
    })
    .await;
}
