//! A street office reaches the organisations in its area that are no offices. Those that it made elsewhere run
//! themselves.

use futures_util::future::join_all;
use sanbao_platform::testing::on_both;
use serde_json::{Value, json};

use crate::account::kit::Site;

#[tokio::test]
async fn a_second_office_reaches_nothing_of_the_first() {
    on_both(|engine| async move {
        let site = Site::open(&engine).await;
        let (_, second) = site.second_office("330211002").await;
        for login in ["admin", "desk", "doctor", "nurse", "dispatcher"] {
            let account = format!("/v1/accounts/{}", site.account(login));
            site.get(&second, &account).await.refused(404, "not-found");
            site.api(&second, "PATCH", &account, json!({ "display_name": "x" })).await.refused(404, "not-found");
            for step in ["disable", "link"] {
                let answer = site.api(&second, "POST", &format!("{account}/{step}"), Value::Null).await;
                answer.refused(404, "not-found");
            }
        }
        let first = site.network.street_office;
        for organisation in [first, site.network.hospital, site.network.care_home, site.network.agency] {
            let path = format!("/v1/organisations/{organisation}");
            site.get(&second, &path).await.refused(404, "not-found");
            site.get(&second, &format!("{path}/accounts")).await.refused(404, "not-found");
            let room = json!({ "name": "x" });
            site.api(&second, "POST", &format!("{path}/locations"), room).await.refused(404, "not-found");
        }
        // Nor the first of the second.
        let admin = site.token("admin").await;
        let list = site.get(&admin, "/v1/organisations").await.expect(200);
        assert_eq!(list["items"].as_array().unwrap().len(), 4);
    })
    .await;
}

#[tokio::test]
async fn an_office_over_the_same_area_is_no_way_into_the_first() {
    on_both(|engine| async move {
        let site = Site::open(&engine).await;
        let admin = site.token("admin").await;
        let office =
            |area: Value| json!({ "kind": "street_office", "name_zh": format!("某街道 {area}"), "area_code": area });
        site.api(&admin, "POST", "/v1/organisations", office(json!("330211009"))).await.expect(201);
        site.second_office("330211002").await;
        for taken in ["330211002", "330211009"] {
            let refused = site.api(&admin, "POST", "/v1/organisations", office(json!(taken))).await;
            assert_eq!(refused.refused(422, "invalid").body["errors"][0]["pointer"], "/area_code", "{taken}");
        }
        let made = site.api(&admin, "POST", "/v1/organisations", office(json!("330211001001"))).await.expect(201);
        let part =
            site.newcomer(&admin, made["id"].as_str().unwrap(), "part", json!({ "roles": ["administrator"] })).await;
        let first = site.network.street_office;
        site.get(&part, &format!("/v1/organisations/{first}")).await.refused(404, "not-found");
        site.get(&part, &format!("/v1/accounts/{}", site.account("admin"))).await.refused(404, "not-found");
        site.get(&part, &format!("/v1/accounts/{}", site.account("doctor"))).await.refused(404, "not-found");
        // The care home lies in its community.
        site.get(&part, &format!("/v1/accounts/{}", site.account("nurse"))).await.checked(200);
    })
    .await;
}

#[tokio::test]
async fn a_hospital_elsewhere_runs_itself_once_its_administrator_has_come() {
    on_both(|engine| async move {
        let site = Site::open(&engine).await;
        let admin = site.token("admin").await;
        let new = json!({ "kind": "hospital", "name_zh": "远方医院", "name_en": "Far", "area_code": "110101001" });
        let made = site.api(&admin, "POST", "/v1/organisations", new).await.expect(201);
        assert_eq!(made["made_by"], json!(site.network.street_office));
        let path = format!("/v1/organisations/{}", made["id"].as_str().unwrap());
        site.get(&admin, &format!("{path}/accounts")).await.checked(200);
        let chief =
            site.newcomer(&admin, made["id"].as_str().unwrap(), "far", json!({ "roles": ["administrator"] })).await;
        site.get(&admin, &path).await.checked(200);
        site.get(&admin, &format!("{path}/accounts")).await.refused(403, "forbidden");
        let own = site.get(&chief, &format!("{path}/accounts")).await.expect(200);
        let account = format!("/v1/accounts/{}", own["items"][0]["id"].as_str().unwrap());
        site.get(&admin, &account).await.refused(403, "forbidden");
        site.api(&admin, "POST", &format!("{account}/disable"), Value::Null).await.refused(403, "forbidden");
        site.api(&admin, "POST", &format!("{path}/locations"), json!({ "name": "x" })).await.refused(403, "forbidden");
    })
    .await;
}

#[tokio::test]
async fn of_offices_that_ask_for_one_area_at_once_one_gets_it() {
    on_both(|engine| async move {
        let site = Site::open(&engine).await;
        let (first, (_, second)) = (site.token("admin").await, site.second_office("330211002").await);
        for round in 1..=6 {
            // Each lies in the one above.
            let areas = [format!("33029900{round}"), format!("33029900{round}001")];
            let asked = (0..8).map(|n| {
                let token = if n % 2 == 0 { &first } else { &second };
                let name = format!("某街道 {round}-{n}");
                let office = json!({ "kind": "street_office", "name_zh": name, "area_code": areas[n / 4] });
                site.api(token, "POST", "/v1/organisations", office)
            });
            let made = join_all(asked).await;
            let got = made.iter().filter(|answer| answer.status == 201).count();
            let told: Vec<&str> = made.iter().map(|answer| answer.text.as_str()).collect();
            assert_eq!(got, 1, "{told:#?}");
        }
    })
    .await;
}
