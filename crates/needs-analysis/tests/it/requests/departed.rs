//! Somebody has died or left: the requests for them say so, until it is taken back.

use sanbao_platform::testing::on_both;
use serde_json::json;
use uuid::Uuid;

use crate::requests::house::{House, street};

const ELDER: Uuid = Uuid::from_u128(61);

#[tokio::test]
async fn a_request_for_somebody_who_has_died_says_so_until_it_is_taken_back() {
    on_both(|engine| async move {
        let house = House::open(&engine).await;
        let index = house.app.deps.fields.blind_index("national_id", "11010519491231002X");
        let known = json!({"person_id": ELDER, "organisation_id": null, "area_code": null, "birth_year": 1949,
            "sex": "female", "national_id_index": index});
        house.hear("booking.person.updated", ELDER, known).await;
        let request = house.take_down(json!({})).await;
        let path = format!("/v1/requests/{request}");
        assert_eq!(house.get(&street(), &path).await.expect(200).get("departed"), None);
        let ended = json!({"person_id": ELDER, "kind": "died", "on": "2026-11-20", "at": "2026-11-23T00:00:00Z"});
        for _ in 0..2 {
            house.hear("booking.person.ended", ELDER, ended.clone()).await;
        }
        let departed = json!({ "kind": "died", "on": "2026-11-20" });
        assert_eq!(house.get(&street(), &path).await.expect(200)["departed"], departed);
        let list = house.get(&street(), &format!("/v1/requests?person={ELDER}")).await.expect(200);
        assert_eq!(list["items"][0]["departed"], departed);
        let nobody = house.get(&street(), &format!("/v1/requests?person={}", Uuid::from_u128(62))).await.expect(200);
        assert_eq!(nobody["items"], json!([]));
        let back = json!({"person_id": ELDER, "kind": null, "on": null, "at": "2026-11-23T01:00:00Z"});
        house.hear("booking.person.restored", ELDER, back).await;
        assert_eq!(house.get(&street(), &path).await.expect(200).get("departed"), None);
        assert_eq!(house.parked().await, 0);
    })
    .await;
}
