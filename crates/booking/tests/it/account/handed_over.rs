//! Records that were handed over: whose they are not any more.

use sanbao_platform::testing::{TestEngine, on_both};
use serde_json::{Value, json};

use crate::account::kit::Site;

const ID: &str = "11010519491231002X";
const PHONE: &str = "13812345678";
const AREA: &str = "330211001001";

fn id(answer: &Value) -> String {
    answer["id"].as_str().unwrap().to_owned()
}

async fn register(site: &Site, token: &str, person: Value) -> String {
    site.minutes_pass(1);
    id(&site.api(token, "POST", "/v1/persons", person).await.expect(201))
}

/// A wish for a person by those who have registered one with the same paper.
async fn ask(site: &Site, token: &str, person: &str) -> String {
    let wish = json!({ "person_id": person, "agreed_by": "person", "agreed_name": "许桂兰", "agreed_how": "in_person",
        "agreed_on": "2026-11-22" });
    format!("/v1/transfers/{}", id(&site.api(token, "POST", "/v1/transfers", wish).await.expect(201)))
}

fn home(area: &str) -> Value {
    json!({ "agreed_by": "person", "agreed_name": "许桂兰", "agreed_how": "writing", "agreed_on": "2026-11-22",
        "address": "乙弄 2 号", "area_code": area })
}

/// The people whom a list has.
async fn items(site: &Site, token: &str, path: &str) -> Vec<Value> {
    site.get(token, path).await.expect(200)["items"].as_array().unwrap().clone()
}

/// An elder whom `registrar` has registered goes into the care home, and home again into `area`: the ids of the record that was
/// had, and of the one that lives.
async fn there_and_back(site: &Site, registrar: &str, area: &str) -> (String, String) {
    let nurse = site.token("nurse").await;
    let elder = json!({ "name": "许桂兰", "national_id": ID, "phone": PHONE, "area_code": AREA });
    let elder = register(site, registrar, elder).await;
    let resident = register(site, &nurse, json!({ "name": "许桂兰", "national_id": ID })).await;
    let asked = ask(site, &nurse, &resident).await;
    site.api(registrar, "POST", &format!("{asked}/accept"), Value::Null).await.checked(200);
    site.api(&nurse, "POST", &format!("/v1/persons/{resident}/discharge"), home(area)).await.checked(201);
    let mut conn = site.deps.db.read().await.unwrap();
    let living = "select merged_into from person where id = $1";
    let living: Option<uuid::Uuid> = sanbao_platform::on!(conn, |c| {
        sqlx::query_scalar(living).bind(resident.parse::<uuid::Uuid>().unwrap()).fetch_one(c).await
    })
    .unwrap();
    (elder, living.unwrap().to_string())
}

/// The registrar reads the record as it was had, and nothing of the one that lives.
async fn knows_it_as_it_was(site: &Site, registrar: &str, elder: &str, living: &str) {
    let had = site.get(registrar, &format!("/v1/persons/{elder}")).await.expect(200);
    assert_eq!((&had["id"], &had["organisation_id"]), (&json!(elder), &Value::Null), "as it was had");
    for (method, path) in [
        ("PATCH", format!("/v1/persons/{elder}")),
        ("PATCH", format!("/v1/persons/{living}")),
        ("GET", format!("/v1/persons/{living}")),
        ("GET", format!("/v1/persons/{living}/care")),
        ("GET", format!("/v1/persons/{living}/sharing-consents")),
        ("GET", format!("/v1/persons/{living}/joins")),
    ] {
        let body = if method == "GET" { Value::Null } else { json!({ "address": "丙弄" }) };
        let answer = site.api(registrar, method, &path, body).await;
        assert_eq!(answer.status, 404, "{method} {path}: {}", answer.text);
    }
    for path in ["/v1/persons?q=%E8%AE%B8%E6%A1%82%E5%85%B0", "/v1/persons/lookup?q=%E8%AE%B8%E6%A1%82%E5%85%B0"] {
        assert_eq!(items(site, registrar, path).await, Vec::<Value>::new(), "{path}");
    }
    let other = json!({ "name": "许桂兰", "phone": PHONE });
    let other = site.api(registrar, "POST", "/v1/persons", other).await.expect(201);
    assert_eq!(other["perhaps_same"], Value::Null, "no record of others is named");
    assert_eq!(items(site, registrar, "/v1/persons/pairs").await, Vec::<Value>::new());
}

#[tokio::test]
async fn an_agency_that_has_handed_somebody_over_knows_nothing_of_her_at_home_again() {
    on_both(|engine: TestEngine| async move {
        let site = Site::open(&engine).await;
        let (agency, desk) = (site.token("dispatcher").await, site.token("desk").await);
        let (elder, living) = there_and_back(&site, &agency, AREA).await;
        let seen = site.get(&desk, &format!("/v1/persons/{elder}")).await.expect(200);
        assert_eq!(seen["id"], json!(living), "the street of the area knows her");
        knows_it_as_it_was(&site, &agency, &elder, &living).await;
        // What it registers anew is its own.
        let again = json!({ "name": "许桂兰", "national_id": ID });
        let again = register(&site, &agency, again).await;
        assert_eq!(site.get(&agency, &format!("/v1/persons/{again}")).await.expect(200)["id"], json!(again));
    })
    .await;
}

#[tokio::test]
async fn an_office_that_has_handed_somebody_over_knows_nothing_of_her_in_anothers_area() {
    on_both(|engine: TestEngine| async move {
        let site = Site::open(&engine).await;
        site.second_office("330211002").await;
        let desk = site.token("desk").await;
        let (elder, living) = there_and_back(&site, &desk, "330211002").await;
        knows_it_as_it_was(&site, &desk, &elder, &living).await;
    })
    .await;
}

