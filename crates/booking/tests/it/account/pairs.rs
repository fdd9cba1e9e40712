//! Records that may be of one person: proposed to those who may see both, and to nobody else, until they are declined.

use sanbao_platform::testing::{TestEngine, on_both};
use serde_json::{Value, json};

use crate::account::kit::{Browser, Site, audited};

const AREA: &str = "330211001001";

/// Registers somebody, later than those before; the answer.
async fn register(site: &Site, token: &str, person: Value) -> Value {
    site.clock.advance(std::time::Duration::from_secs(1));
    site.api(token, "POST", "/v1/persons", person).await.expect(201)
}

fn id(person: &Value) -> &str {
    person["id"].as_str().unwrap()
}

/// The pairs that are proposed: their ids, the lesser first, and why.
async fn proposed(site: &Site, token: &str) -> Vec<(String, String, Value)> {
    let page = site.get(token, "/v1/persons/pairs?limit=200").await.expect(200);
    assert_eq!(page["next"], Value::Null);
    let of = |pair: &Value| (id(&pair["person"]).to_owned(), id(&pair["other"]).to_owned(), pair["because"].clone());
    page["items"].as_array().unwrap().iter().map(of).collect()
}

#[tokio::test]
async fn a_pair_is_proposed_by_each_of_its_signs_and_by_nothing_less() {
    on_both(|engine: TestEngine| async move {
        let site = Site::open(&engine).await;
        let nurse = site.token("nurse").await;
        assert_eq!(proposed(&site, &nurse).await, []);
        let first = json!({ "name": "许桂兰", "phone": "13812345678", "birth_date": "1940-05-01", "area_code": AREA });
        let first = register(&site, &nurse, first).await;
        assert_eq!(first["perhaps_same"], Value::Null);
        let mut expected = Vec::new();
        for (person, because) in [
            (json!({ "name": "许 桂兰", "phone": "13812345678" }), json!(["same_phone"])),
            (json!({ "name": "许桂芝", "birth_date": "1940-05-01", "area_code": AREA }), json!(["same_birth_date"])),
            (
                json!({ "name": "许·桂兰", "phone": "13812345678", "birth_date": "1940-05-01", "area_code": AREA }),
                json!(["same_phone", "same_birth_date"]),
            ),
            (json!({ "name": "吴桂花", "phone": "13812345678" }), Value::Null),
            (json!({ "name": "许桂兰", "phone": "13812345679" }), Value::Null),
            (json!({ "name": "许桂兰", "birth_date": "1940-05-01" }), Value::Null),
            (json!({ "name": "许桂兰", "birth_date": "1940-05-02", "area_code": AREA }), Value::Null),
        ] {
            let made = register(&site, &nurse, person.clone()).await;
            let named = made["perhaps_same"].as_array().is_some_and(|ids| ids.contains(&first["id"]));
            assert_eq!(named, !because.is_null(), "{person}: {made}");
            if !because.is_null() {
                expected.push((id(&first).to_owned(), id(&made).to_owned(), because));
            }
        }
        let mut of_first = proposed(&site, &nurse).await;
        of_first.retain(|(low, ..)| low == id(&first));
        assert_eq!(of_first, expected);
    })
    .await;
}

#[tokio::test]
async fn a_pair_is_shown_side_by_side_masked_and_audited() {
    on_both(|engine: TestEngine| async move {
        let site = Site::open(&engine).await;
        let nurse = site.token("nurse").await;
        let one = json!({ "name": "许桂兰", "phone": "13812345678", "address": "甲弄 1 号" });
        let one = register(&site, &nurse, one).await;
        let other = json!({ "name": "许桂芝", "phone": "13812345678", "address": "甲弄1号" });
        let other = register(&site, &nurse, other).await;
        let page = site.get(&nurse, "/v1/persons/pairs").await.checked(200);
        assert!(!page.text.contains("13812345678"));
        let pair = &page.body["items"][0];
        assert_eq!((id(&pair["person"]), id(&pair["other"])), (id(&one), id(&other)));
        assert_eq!(pair["differing"], json!(["name", "address"]));
        assert_eq!(audited(&site, "GET /v1/persons/pairs").await, 1);
        let mut browser = Browser::new();
        browser.log_in(&site, "nurse").await;
        let drawn = browser.open(&site, "/persons/pairs").await.checked(200).text;
        for part in ["许桂兰", "许桂芝", "138****5678", "甲弄 1 号", "电话相同"] {
            assert!(drawn.contains(part), "{part}");
        }
        assert_eq!(audited(&site, "GET /persons/pairs").await, 1);
    })
    .await;
}

#[tokio::test]
async fn a_pair_that_was_declined_is_proposed_no_more() {
    on_both(|engine: TestEngine| async move {
        let site = Site::open(&engine).await;
        let (nurse, dispatcher) = (site.token("nurse").await, site.token("dispatcher").await);
        let person = json!({ "name": "许桂兰", "phone": "13812345678" });
        let one = register(&site, &nurse, person.clone()).await;
        let other = register(&site, &nurse, person.clone()).await;
        let path = |a: &Value, b: &Value| format!("/v1/persons/{}/pairs/{}/decline", id(a), id(b));
        site.api(&dispatcher, "POST", &path(&one, &other), Value::Null).await.refused(404, "not-found");
        site.api(&nurse, "POST", &path(&one, &one), Value::Null).await.refused(404, "not-found");
        assert_eq!(proposed(&site, &nurse).await.len(), 1);
        for _ in 0..2 {
            site.api(&nurse, "POST", &path(&other, &one), Value::Null).await.checked(204);
        }
        assert_eq!(proposed(&site, &nurse).await, []);
        let third = register(&site, &nurse, person).await;
        assert_eq!(third["perhaps_same"].as_array().unwrap().len(), 2, "of a third one it says nothing: {third}");
        assert_eq!(proposed(&site, &nurse).await.len(), 2);
    })
    .await;
}

#[tokio::test]
async fn nobody_learns_of_a_record_outside_the_own_scope() {
    on_both(|engine: TestEngine| async move {
        let site = Site::open(&engine).await;
        let (nurse, dispatcher) = (site.token("nurse").await, site.token("dispatcher").await);
        let (desk, admin) = (site.token("desk").await, site.token("admin").await);
        let (_, stranger) = site.second_office("330211002").await;
        let person = json!({ "name": "许阿婆", "national_id": "11010519491231002X", "phone": "13812345678",
            "area_code": AREA });
        let residents = register(&site, &nurse, person.clone()).await;
        let agencys = register(&site, &dispatcher, person.clone()).await;
        assert_eq!((&residents["perhaps_same"], &agencys["perhaps_same"]), (&Value::Null, &Value::Null));
        let streets = register(&site, &desk, person.clone()).await;
        assert_eq!(
            streets["perhaps_same"],
            json!([agencys["id"]]),
            "the street knows its area, and no home's residents"
        );
        let pair =
            (id(&agencys).to_owned(), id(&streets).to_owned(), json!(["same_paper", "same_phone", "same_birth_date"]));
        for (token, expected) in
            [(&nurse, vec![]), (&dispatcher, vec![]), (&desk, vec![pair.clone()]), (&admin, vec![pair])]
        {
            assert_eq!(proposed(&site, token).await, expected);
        }
        assert_eq!(proposed(&site, &stranger).await, []);
        for login in ["doctor", "caregiver", "analyst"] {
            let token = site.token(login).await;
            site.get(&token, "/v1/persons/pairs").await.refused(403, "forbidden");
        }
        let path = format!("/v1/persons/{}/pairs/{}/decline", id(&agencys), id(&streets));
        site.api(&admin, "POST", &path, Value::Null).await.refused(403, "forbidden");
        site.api(&dispatcher, "POST", &path, Value::Null).await.refused(404, "not-found");
        site.api(&desk, "POST", &path, Value::Null).await.checked(204);
    })
    .await;
}

#[tokio::test]
async fn pairs_are_paged() {
    on_both(|engine: TestEngine| async move {
        let site = Site::open(&engine).await;
        let nurse = site.token("nurse").await;
        for _ in 0..4 {
            register(&site, &nurse, json!({ "name": "许桂兰", "phone": "13812345678" })).await;
            register(&site, &nurse, json!({ "name": "吴阿大", "phone": "13812345678" })).await;
        }
        let whole = proposed(&site, &nurse).await;
        assert_eq!(whole.len(), 6 + 6);
        let (mut found, mut after) = (Vec::new(), String::new());
        loop {
            let page = site.get(&nurse, &format!("/v1/persons/pairs?limit=5{after}")).await.expect(200);
            let items = page["items"].as_array().unwrap();
            found.extend(items.iter().map(|p| (id(&p["person"]).to_owned(), id(&p["other"]).to_owned())));
            let Some(next) = page["next"].as_str() else { break };
            after = format!("&after={next}");
        }
        assert_eq!(found, whole.into_iter().map(|(low, high, _)| (low, high)).collect::<Vec<_>>());
        site.get(&nurse, "/v1/persons/pairs?after=x").await.refused(422, "invalid");
    })
    .await;
}
