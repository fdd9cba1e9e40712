//! Visits when two records of one elder are made one: those of all agencies move, and later orders follow.

use sanbao_platform::testing::{TestEngine, on_both};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::held::LeadingOn;
use crate::visit::world::World;

const PHONE: &str = "13800138000";

/// The ids of the elders whom the dispatcher finds by telephone.
async fn elders(world: &World) -> Vec<Value> {
    let page = world.get(&world.dispatcher, &format!("/v1/persons?q={PHONE}")).await.expect(200);
    page["items"].as_array().unwrap().iter().map(|p| p["id"].clone()).collect()
}

#[tokio::test]
async fn visits_and_later_orders_are_the_survivors() {
    on_both(|engine: TestEngine| async move {
        let world = World::new(engine).await;
        let one = world.order(json!({})).await;
        let other = world.order(json!({ "name": "张秀瑛" })).await;
        world.schedule(&one, &world.caregivers[0], 60, 120).await.expect(200);
        world.schedule(&other, &world.caregivers[1], 90, 150).await.expect(200);
        let pairs = world.get(&world.dispatcher, "/v1/persons/pairs").await.expect(200);
        let pair = &pairs["items"][0];
        assert_eq!((&pair["because"], elders(&world).await.len()), (&json!(["same_phone"]), 2));
        let first = pair["person"]["name"] == "张秀英";
        let (survivor, gone) = if first { ("person", "other") } else { ("other", "person") };
        let (survivor, gone) = (&pair[survivor]["id"], &pair[gone]["id"]);
        let path = |step: &str| format!("/v1/persons/{}/{step}", survivor.as_str().unwrap());
        let joined = world.post(&world.dispatcher, &path("join"), json!({ "other": gone })).await.expect(200);
        let conflict = &joined["conflicts"][0];
        assert_eq!((&conflict["taken"]["id"], &conflict["by"]["id"]), (&json!(other), &json!(one)));
        assert_eq!(elders(&world).await, std::slice::from_ref(survivor));
        // What overlaps only the one that stayed is refused too.
        let third = world.order(json!({ "person_id": gone })).await;
        world.schedule(&third, &world.caregivers[2], 125, 145).await.refused(409, "slot-taken");
        world.schedule(&third, &world.caregivers[2], 150, 180).await.expect(200);
        world.order(json!({ "person_id": gone, "name": "张三丰", "phone": null })).await;
        world.order(json!({})).await;
        world.order(json!({ "name": "张秀瑛" })).await;
        assert_eq!(elders(&world).await, std::slice::from_ref(survivor), "no order makes another record");
        world.post(&world.dispatcher, &path("unjoin"), json!({ "other": gone })).await.expect(200);
        assert_eq!(elders(&world).await.len(), 2);
        // The third was ordered for the survivor, and so is its time.
        let clash = world.order(json!({ "person_id": survivor })).await;
        world.schedule(&clash, &world.caregivers[0], 160, 170).await.refused(409, "slot-taken");
        let free = world.order(json!({ "person_id": gone })).await;
        world.schedule(&free, &world.caregivers[0], 160, 170).await.expect(200);
    })
    .await;
}

#[tokio::test]
async fn an_order_that_comes_while_its_elder_is_joined_is_the_survivors() {
    on_both(|engine: TestEngine| async move {
        if engine.name() != "postgres" {
            // One writer: the one has ended before the other begins.
            return;
        }
        let world = World::new(engine).await;
        world.order(json!({})).await;
        world.order(json!({ "name": "李福根", "phone": "13900139000" })).await;
        let of = async |phone: &str| {
            let page = world.get(&world.dispatcher, &format!("/v1/persons?q={phone}")).await.expect(200);
            page["items"][0]["id"].as_str().unwrap().parse::<Uuid>().unwrap()
        };
        let (old, survivor) = (of(PHONE).await, of("13900139000").await);
        let leading_on = LeadingOn::begun(&world.db, old, survivor).await;
        world.accept_request(world.uuid(), json!({ "person_id": old })).await;
        let (taken, ()) = tokio::join!(world.catch_up(), leading_on.when_waited_for(&world.db));
        assert_eq!(taken, 1);
        let under_the_old =
            "select count(*) from visit v join person p on p.id = v.person_id where p.merged_into is not null";
        assert_eq!(world.count(under_the_old).await, 1, "the first one alone");
        assert_eq!(world.count("select count(*) from visit").await, 3);
    })
    .await;
}
