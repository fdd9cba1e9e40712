//! Somebody who is handed over takes the open requests along, across the two services.

use sanbao::role::Role;
use sanbao_platform::on;
use sanbao_platform::testing::{self, eventually};
use serde_json::json;
use uuid::Uuid;

use crate::common::flow::Dispatchers;
use crate::common::{Served, flow};

const ID: &str = "110101194901010026";
const KNOWN: &str = "select count(*) from elder where person_id = $1";
const PERSON: &str = "select person_id from request where id = $1";

#[tokio::test]
async fn a_request_follows_the_elder_who_moves_into_a_care_home() {
    testing::on_both(async |engine| {
        let served = Served::demo(engine).await;
        let nobody = served.nobody();
        let (nurse, desk) = (nobody.demo("nurse").await, Dispatchers::of(&nobody).await.desk);
        let needs = served.network.stores.of(Role::NeedsAnalysis).unwrap();
        let elder = json!({ "name": "顾阿婆", "national_id": ID, "area_code": "330211001001" });
        let elder = flow::text(&desk.post("/v1/persons", &elder).await.expect(201), "/id");
        let id: Uuid = elder.parse().unwrap();
        eventually("needs-analysis knows the elder", async || {
            let mut conn = needs.read().await.unwrap();
            let known: i64 = on!(conn, |c| sqlx::query_scalar(KNOWN).bind(id).fetch_one(c).await).unwrap();
            (known == 1).then_some(())
        })
        .await;
        let mut request = flow::new_request("量血压");
        (request["elder_name"], request["national_id"]) = (json!("顾阿婆"), json!(ID));
        let request = flow::text(&desk.post("/v1/requests", &request).await.expect(201), "/id");
        let request_id: Uuid = request.parse().unwrap();
        let of = async || -> Option<Uuid> {
            let mut conn = needs.read().await.unwrap();
            on!(conn, |c| sqlx::query_scalar(PERSON).bind(request_id).fetch_one(c).await).unwrap()
        };
        assert_eq!(of().await, Some(id));

        let resident = json!({ "name": "顾阿婆", "national_id": ID });
        let resident = flow::text(&nurse.post("/v1/persons", &resident).await.expect(201), "/id");
        let wish = json!({ "person_id": resident, "agreed_by": "person", "agreed_name": "顾阿婆",
            "agreed_how": "in_person", "agreed_on": served.clock.now().date_naive() });
        let asked = flow::text(&nurse.post("/v1/transfers", &wish).await.expect(201), "/id");
        let accepted = desk.post(&format!("/v1/transfers/{asked}/accept"), &json!({})).await.expect(200);
        assert_eq!(accepted["state"], "accepted");
        let resident: Uuid = resident.parse().unwrap();
        eventually("the request is the resident's", async || (of().await == Some(resident)).then_some(())).await;
        desk.get(&format!("/v1/requests/{request}")).await.expect(200);
        served.stop().await;
    })
    .await;
}
