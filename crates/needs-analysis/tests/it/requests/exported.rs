//! All that is kept of somebody: given by those who have a request of theirs, and nothing said to others.

use sanbao_platform::testing::on_both;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::requests::house::{House, agency, agency_id, other_agency, street};

const OLD: Uuid = Uuid::from_u128(41);
const SURVIVOR: Uuid = Uuid::from_u128(42);
const LAST: Uuid = Uuid::from_u128(43);
const NOBODY: Uuid = Uuid::from_u128(44);
const EXPORTS: &str = "select count(*) from audit where action = 'person.export'";

fn path(person: Uuid) -> String {
    format!("/v1/requests/export?person={person}")
}

async fn known(house: &House, person: Uuid, index: Option<&str>) {
    let data = json!({"person_id": person, "organisation_id": null, "area_code": null, "birth_year": 1949,
        "sex": "female", "national_id_index": index});
    house.hear("booking.person.updated", person, data).await;
}

/// A request of the elder, and its id.
async fn asked(house: &House) -> String {
    let index = house.app.deps.fields.blind_index("national_id", "11010519491231002X");
    known(house, OLD, Some(&index)).await;
    house.take_down(json!({})).await
}

#[tokio::test]
async fn an_agency_without_a_request_of_somebody_learns_nothing_of_others() {
    on_both(|engine| async move {
        let house = House::open(&engine).await;
        let request = asked(&house).await;
        house.step(&street(), &request, "triage", json!({})).await;
        house.step(&street(), &request, "dispatch", json!({ "agency_id": agency_id() })).await;
        let own = house.get(&agency(), &path(OLD)).await.checked(200);
        assert_eq!((&own.body["items"][0]["id"], &own.body["others"]), (&json!(request), &json!(0)));
        let answers = [house.get(&other_agency(), &path(OLD)).await, house.get(&other_agency(), &path(NOBODY)).await];
        for answer in answers {
            answer.refused(404, "not-found");
        }
        let part = |person: Uuid| format!("/requests/export/part?person={person}");
        let parts = [house.get(&other_agency(), &part(OLD)).await, house.get(&other_agency(), &part(NOBODY)).await];
        assert_eq!(parts[0].text, parts[1].text);
        assert_eq!(house.count(EXPORTS).await, 1, "nothing was given to the other");
    })
    .await;
}

#[tokio::test]
async fn a_record_that_leads_on_gives_the_requests_of_the_last_one() {
    on_both(|engine| async move {
        let house = House::open(&engine).await;
        let request = asked(&house).await;
        known(&house, SURVIVOR, None).await;
        known(&house, LAST, None).await;
        for (survivor, other) in [(SURVIVOR, OLD), (LAST, SURVIVOR)] {
            let data: Value = json!({"person_id": survivor, "other_id": other, "at": "2026-11-23T00:00:00Z"});
            house.hear("booking.person.joined", survivor, data).await;
        }
        for person in [OLD, SURVIVOR, LAST] {
            let file = house.get(&street(), &path(person)).await.checked(200).body;
            assert_eq!((&file["person_id"], &file["items"][0]["id"]), (&json!(LAST), &json!(request)), "{person}");
        }
    })
    .await;
}
