//! Somebody has died, or has left: visits are called off, and an order that comes later goes back at once.

use sanbao_platform::testing::{TestEngine, on_both};
use serde_json::json;

use crate::visit::world::World;

#[tokio::test]
async fn visits_are_called_off_and_none_is_ordered_again() {
    on_both(|engine: TestEngine| async move {
        let world = World::new(engine).await;
        let (planned, there) = (world.order(json!({})).await, world.order(json!({})).await);
        world.schedule(&planned, &world.caregivers[0], 60, 120).await.expect(200);
        world.schedule(&there, &world.caregivers[1], 5, 30).await.expect(200);
        let proof = json!({ "method": "manual", "note": "门口" });
        world.post(&world.caregivers[1], &format!("/v1/visits/{there}/check-in"), proof).await.expect(200);
        let found = world.get(&world.dispatcher, "/v1/persons?q=13800138000").await.expect(200);
        let elder = found["items"][0]["id"].as_str().unwrap().to_owned();
        let body = json!({ "kind": "died", "on": "2026-11-20" });
        let ended = world.post(&world.dispatcher, &format!("/v1/persons/{elder}/end"), body).await.expect(200);
        assert_eq!(ended["open"][0]["id"], json!(there), "{ended}");
        let state = async |id: &str| {
            world.get(&world.dispatcher, &format!("/v1/visits/{id}")).await.expect(200)["state"].clone()
        };
        assert_eq!((state(&planned).await, state(&there).await), (json!("cancelled"), json!("in_service")));
        world
            .post(&world.dispatcher, &format!("/v1/visits/{planned}/repeat"), json!({}))
            .await
            .refused(409, "person-ended");
        let late = world.order(json!({})).await;
        let gone = world.get(&world.dispatcher, &format!("/v1/visits/{late}")).await.expect(200);
        assert_eq!(gone["state"], "cancelled");
        assert!(gone.to_string().contains("去世或离开"), "{gone}");
    })
    .await;
}
