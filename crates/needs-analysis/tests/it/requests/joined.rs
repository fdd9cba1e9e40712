//! Requests follow their person: into another record, and back.

use sanbao_platform::on;
use sanbao_platform::testing::on_both;
use serde_json::json;
use uuid::Uuid;

use crate::requests::house::{House, street};

const OLD: Uuid = Uuid::from_u128(41);
const SURVIVOR: Uuid = Uuid::from_u128(42);
const LAST: Uuid = Uuid::from_u128(43);
const PERSON: &str = "select person_id from request where id = $1";

async fn person_of(house: &House, request: &str) -> Option<Uuid> {
    let mut conn = house.app.deps.db.read().await.unwrap();
    let id: Uuid = request.parse().unwrap();
    on!(conn, |c| sqlx::query_scalar(PERSON).bind(id).fetch_one(c).await).unwrap()
}

async fn known(house: &House, person: Uuid, index: Option<&str>) {
    let data = json!({"person_id": person, "organisation_id": null, "area_code": null, "birth_year": 1949,
        "sex": "female", "national_id_index": index});
    house.hear("booking.person.updated", person, data).await;
}

async fn joined(house: &House, kind: &str, survivor: Uuid, other: Uuid) {
    let data = json!({"person_id": survivor, "other_id": other, "at": "2026-11-23T00:00:00Z"});
    house.hear(&format!("booking.person.{kind}"), survivor, data).await;
}

#[tokio::test]
async fn requests_go_with_a_joined_record_and_come_back() {
    on_both(|engine| async move {
        let house = House::open(&engine).await;
        let index = house.app.deps.fields.blind_index("national_id", "11010519491231002X");
        known(&house, OLD, Some(&index)).await;
        known(&house, SURVIVOR, None).await;
        let before = house.take_down(json!({})).await;
        assert_eq!(person_of(&house, &before).await, Some(OLD));
        let read = house.get(&street(), &format!("/v1/requests/{before}")).await.checked(200);
        for _ in 0..2 {
            joined(&house, "joined", SURVIVOR, OLD).await;
        }
        known(&house, SURVIVOR, Some(&index)).await;
        assert_eq!(person_of(&house, &before).await, Some(SURVIVOR));
        let now = house.get(&street(), &format!("/v1/requests/{before}")).await.checked(200);
        assert_ne!(now.etag(), read.etag(), "a step that was read before is refused");
        let since = house.take_down(json!({})).await;
        assert_eq!(person_of(&house, &since).await, Some(SURVIVOR), "the old record is recognised no more");
        joined(&house, "joined", LAST, SURVIVOR).await;
        assert_eq!(person_of(&house, &before).await, Some(LAST));
        joined(&house, "separated", LAST, SURVIVOR).await;
        for _ in 0..2 {
            joined(&house, "separated", SURVIVOR, OLD).await;
        }
        known(&house, SURVIVOR, None).await;
        known(&house, OLD, Some(&index)).await;
        assert_eq!(person_of(&house, &before).await, Some(OLD));
        assert_eq!(person_of(&house, &since).await, Some(SURVIVOR), "it never was the other's");
        let again = house.take_down(json!({})).await;
        assert_eq!(person_of(&house, &again).await, Some(OLD));
        assert_eq!(house.parked().await, 0);
    })
    .await;
}

#[tokio::test]
async fn requests_go_with_somebody_who_is_handed_over_and_once_more() {
    on_both(|engine| async move {
        let house = House::open(&engine).await;
        let index = house.app.deps.fields.blind_index("national_id", "11010519491231002X");
        known(&house, OLD, Some(&index)).await;
        let before = house.take_down(json!({})).await;
        assert_eq!(person_of(&house, &before).await, Some(OLD));
        known(&house, SURVIVOR, Some(&index)).await;
        for _ in 0..2 {
            joined(&house, "moved", SURVIVOR, OLD).await;
        }
        assert_eq!(person_of(&house, &before).await, Some(SURVIVOR), "told twice, it changes nothing");
        let since = house.take_down(json!({})).await;
        assert_eq!(person_of(&house, &since).await, Some(SURVIVOR), "the old record is recognised no more");
        known(&house, LAST, Some(&index)).await;
        joined(&house, "moved", LAST, SURVIVOR).await;
        for request in [&before, &since] {
            assert_eq!(person_of(&house, request).await, Some(LAST));
        }
    })
    .await;
}
