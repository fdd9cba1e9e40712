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
        cause: ErasureCause::Demand,
        organisation_id: world.agency.0,
        erased_by: world.dispatcher.id,
        erased_at: world.clock.now(),
        taken: Json(BTreeMap::new()),
        hash: String::new(),
    };
    apply(&world.db, &erasure).await.unwrap();
}

/// The elder of an order that was called off.
async fn elder(world: &World) -> Uuid {
    let request = world.uuid();
    world.accept_request(request, json!({})).await;
    world.catch_up().await;
    world.cancel_request(request).await;
    world.catch_up().await;
    let page = world.get(&world.dispatcher, "/v1/persons?q=13800138000").await.expect(200);
    page["items"][0]["id"].as_str().unwrap().parse().unwrap()
}

#[tokio::test]
async fn an_order_for_somebody_who_was_erased_goes_back_and_names_nobody() {
    on_both(|engine: TestEngine| async move {
        let world = World::new(engine).await;
        let elder = elder(&world).await;
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
