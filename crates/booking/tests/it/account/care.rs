//! Care facts: kept sealed, each part for those who need it, and brought along by a record that leads on.

use sanbao_platform::on;
use sanbao_platform::testing::{TestEngine, on_both};
use serde_json::{Value, json};

use crate::account::kit::{Browser, Site, audited};

const AREA: &str = "330211001001";

fn facts() -> Value {
    json!({
        "door": { "address_detail": "3 单元 502", "access_hint": "门禁 5021#", "place": "29.95，121.72", "key": "邻居 501",
            "pets": "一只猫" },
        "manner": { "hearing": "hard", "sight": "poor", "language": "宁波话", "allergies": "青霉素", "devices": "轮椅",
            "wishes": "希望女护理员" },
        "clinical": { "conditions": "高血压", "ability": "moderate", "ability_on": "2026-10-01" },
        "contacts": [
            { "name": "陈小明", "relation": "儿子", "phone": "139 1234 5678", "guardian": true },
            { "name": "王阿姨", "phone": "0574-86259753" },
        ],
    })
}

async fn register(site: &Site, token: &str, person: Value) -> String {
    let made = site.api(token, "POST", "/v1/persons", person).await.expect(201);
    format!("/v1/persons/{}", made["id"].as_str().unwrap())
}

/// The parts that an answer tells.
fn parts(view: &Value) -> Vec<&str> {
    ["door", "manner", "clinical", "contacts"].into_iter().filter(|part| !view[part].is_null()).collect()
}

#[tokio::test]
async fn what_was_told_is_kept_sealed_and_read_back() {
    on_both(|engine: TestEngine| async move {
        let site = Site::open(&engine).await;
        let nurse = site.token("nurse").await;
        let care = format!("{}/care", register(&site, &nurse, json!({ "name": "陈阿婆" })).await);
        let nothing = site.get(&nurse, &care).await.checked(200);
        assert_eq!((&nothing.body["version"], nothing.etag()), (&json!(0), Some("\"0\"")));
        let kept = site.api_with(&nurse, "PUT", &care, facts(), &[("if-match", "\"0\"")]).await.checked(200);
        assert_eq!(kept.etag(), Some("\"1\""));
        let read = site.get(&nurse, &care).await.expect(200);
        assert_eq!(read, kept.body);
        assert_eq!(parts(&read), ["door", "manner", "clinical", "contacts"]);
        assert_eq!((&read["door"]["latitude"], &read["door"]["longitude"]), (&json!(29.95), &json!(121.72)));
        assert_eq!(read["contacts"][0]["phone"], "13912345678");
        assert_eq!(
            read["contacts"][1],
            json!({ "name": "王阿姨", "relation": null, "phone": "057486259753", "guardian": false })
        );
        let stale = site.api_with(&nurse, "PUT", &care, facts(), &[("if-match", "\"0\"")]).await;
        stale.refused(412, "precondition-failed");
        let pasted = json!({ "door": { "place": "29.948,121.7245", "place_map": "gcj02" } });
        let read = site.api_with(&nurse, "PUT", &care, pasted, &[("if-match", "\"1\"")]).await.expect(200);
        let degrees = |name: &str| read["door"][name].as_f64().unwrap();
        let moved = (degrees("latitude") - 29.948).abs() + (degrees("longitude") - 121.7245).abs();
        assert!((0.001..0.02).contains(&moved), "hundreds of metres: {read}");
        assert_eq!(
            (&read["manner"]["allergies"], &read["contacts"]),
            (&Value::Null, &json!([])),
            "what is left out is emptied"
        );
        assert_eq!(audited(&site, "person.care").await, 2);
        let mut conn = site.deps.db.read().await.unwrap();
        let sealed: Vec<u8> =
            on!(conn, |c| sqlx::query_scalar("select sealed from person_care").fetch_one(c).await).unwrap();
        assert!(!String::from_utf8_lossy(&sealed).contains("29.9"));
    })
    .await;
}

#[tokio::test]
async fn what_is_wrong_is_told_at_its_field() {
    on_both(|engine: TestEngine| async move {
        let site = Site::open(&engine).await;
        let nurse = site.token("nurse").await;
        let care = format!("{}/care", register(&site, &nurse, json!({ "name": "陈阿婆" })).await);
        let contact = json!({ "name": "甲", "phone": "13912345678" });
        for (body, wrong) in [
            (json!({ "door": { "place": "121.72,29.95" } }), vec!["/door/place"]),
            (json!({ "door": { "address_detail": "长".repeat(201) } }), vec!["/door/address_detail"]),
            (
                json!({ "manner": { "language": "话".repeat(61), "wishes": "a\nb" } }),
                vec!["/manner/language", "/manner/wishes"],
            ),
            (json!({ "clinical": { "ability": "mild", "ability_on": "2026-11-24" } }), vec!["/clinical/ability_on"]),
            (json!({ "clinical": { "ability_on": "2026-11-20" } }), vec!["/clinical/ability"]),
            (
                json!({ "contacts": [contact, { "name": " ", "phone": "12" }] }),
                vec!["/contacts/1/name", "/contacts/1/phone"],
            ),
            (json!({ "contacts": vec![&contact; 7] }), vec!["/contacts"]),
        ] {
            let refused = site.api(&nurse, "PUT", &care, body.clone()).await.refused(422, "invalid").body;
            let pointers: Vec<&str> =
                refused["errors"].as_array().unwrap().iter().map(|e| e["pointer"].as_str().unwrap()).collect();
            assert_eq!(pointers, wrong, "{body}");
        }
        assert_eq!(site.get(&nurse, &care).await.expect(200)["version"], 0);
    })
    .await;
}

#[tokio::test]
async fn each_sees_the_parts_that_they_need() {
    on_both(|engine: TestEngine| async move {
        let site = Site::open(&engine).await;
        let token = async |login: &str| site.token(login).await;
        let (nurse, dispatcher, desk) = (token("nurse").await, token("dispatcher").await, token("desk").await);
        let resident = format!("{}/care", register(&site, &nurse, json!({ "name": "陈阿婆" })).await);
        let elder = json!({ "name": "吴婆婆", "area_code": AREA });
        let elder = format!("{}/care", register(&site, &dispatcher, elder).await);
        site.api(&nurse, "PUT", &resident, facts()).await.checked(200);
        site.api(&dispatcher, "PUT", &elder, facts()).await.checked(200);
        for login in ["doctor", "dispatcher", "desk", "caregiver", "analyst", "admin"] {
            site.get(&token(login).await, &resident).await.refused(404, "not-found");
            site.api(&token(login).await, "PUT", &resident, facts()).await.refused(404, "not-found");
        }
        for login in ["doctor", "caregiver", "analyst", "nurse"] {
            site.get(&token(login).await, &elder).await.refused(404, "not-found");
        }
        let seen = site.get(&desk, &elder).await.expect(200);
        assert_eq!((parts(&seen), &seen["may_write"]), (vec!["door", "manner", "contacts"], &json!(true)));
        site.api(&desk, "PUT", &elder, facts()).await.refused(403, "forbidden");
        let mut plain = facts();
        plain.as_object_mut().unwrap().remove("clinical");
        plain["door"]["pets"] = json!("没有了");
        site.api(&desk, "PUT", &elder, plain.clone()).await.checked(200);
        let read = site.get(&dispatcher, &elder).await.expect(200);
        assert_eq!((&read["clinical"]["conditions"], &read["door"]["pets"]), (&json!("高血压"), &json!("没有了")));
        let admin = token("admin").await;
        let seen = site.get(&admin, &elder).await.expect(200);
        assert_eq!((parts(&seen), &seen["may_write"]), (vec!["door", "manner", "contacts"], &json!(false)));
        site.api(&admin, "PUT", &elder, plain).await.refused(403, "forbidden");
    })
    .await;
}

#[tokio::test]
async fn a_joined_record_brings_them_along_and_takes_them_back() {
    on_both(|engine: TestEngine| async move {
        let site = Site::open(&engine).await;
        let nurse = site.token("nurse").await;
        let (one, other) = (json!({ "name": "陈阿婆" }), json!({ "name": "陈阿婆" }));
        let (one, other) = (register(&site, &nurse, one).await, register(&site, &nurse, other).await);
        site.api(&nurse, "PUT", &format!("{other}/care"), facts()).await.checked(200);
        let body = json!({ "other": other.rsplit('/').next().unwrap() });
        site.api(&nurse, "POST", &format!("{one}/join"), body.clone()).await.checked(200);
        let read = site.get(&nurse, &format!("{one}/care")).await.expect(200);
        assert_eq!(read["door"]["access_hint"], "门禁 5021#");
        site.api(&nurse, "POST", &format!("{one}/unjoin"), body).await.checked(200);
        assert_eq!(site.get(&nurse, &format!("{one}/care")).await.expect(200)["version"], 0);
        assert_eq!(site.get(&nurse, &format!("{other}/care")).await.expect(200)["version"], 1);
    })
    .await;
}

#[tokio::test]
async fn they_stand_on_the_page_with_the_form_that_changes_them() {
    on_both(|engine: TestEngine| async move {
        let site = Site::open(&engine).await;
        let nurse = site.token("nurse").await;
        let person = register(&site, &nurse, json!({ "name": "陈阿婆" })).await;
        let care = format!("{person}/care");
        site.api(&nurse, "PUT", &care, facts()).await.checked(200);
        let mut browser = Browser::new();
        browser.log_in(&site, "nurse").await;
        let page = browser.open(&site, person.strip_prefix("/v1").unwrap()).await.checked(200).text;
        for words in [
            "照护信息",
            "门禁 5021#",
            "重听",
            "中度失能",
            "29.950000,121.720000",
            "tel:13912345678",
            "监护人",
            &format!("PUT {care}"),
            r#"name="door.access_hint""#,
            r#"name="contacts.0.phone""#,
        ] {
            assert!(page.contains(words), "{words}");
        }
    })
    .await;
}
