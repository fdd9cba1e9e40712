//! Papers of every kind: kept, found again, opened by few; and names of which characters were lost.

use sanbao_platform::on;
use sanbao_platform::testing::on_both;
use serde_json::{Value, json};

use crate::account::kit::{Browser, Site, audited};

async fn register(site: &Site, token: &str, body: Value) -> Value {
    site.api(token, "POST", "/v1/persons", body).await.expect(201)
}

#[tokio::test]
async fn no_paper_costs_the_record() {
    on_both(|engine| async move {
        let site = Site::open(&engine).await;
        let nurse = site.token("nurse").await;
        for (typed, kind, mask, warning) in [
            ("E12345678", "passport", json!("E****5678"), None),
            ("H12345678", "home_return_permit", json!("H****5678"), None),
            ("无", "none_yet", json!(null), None),
            ("330211193501011000", "other", json!("3*************1000"), Some("paper_rounded")),
            ("3.30211E+17", "other", json!("3******E+17"), Some("paper_rounded")),
            ("证件丢了", "other", json!("****"), Some("paper_unreadable")),
        ] {
            let person = register(&site, &nurse, json!({ "name": "试某", "national_id": typed })).await;
            assert_eq!(person["papers"], json!([{ "kind": kind, "number": mask }]), "{typed}");
            assert_eq!(person["national_id"], Value::Null);
            assert_eq!(person.get("warnings"), warning.map(|w| json!([w])).as_ref(), "{typed}");
        }
        // A mistyped digit is told to the person who can look again.
        let mistyped = json!({ "name": "试某", "national_id": "110105194912310021" });
        site.api(&nurse, "POST", "/v1/persons", mistyped).await.refused(422, "invalid");
        let mut browser = Browser::new();
        browser.log_in(&site, "nurse").await;
        let page = browser.open(&site, "/residents").await.checked(200).text;
        for words in ["证件号被表格软件截断", "证件号认不出", "护照 E****5678", "暂无证件"] {
            assert!(page.contains(words), "{words}");
        }
    })
    .await;
}

#[tokio::test]
async fn kind_and_number_are_kept_sealed_and_opened_by_few() {
    on_both(|engine| async move {
        let site = Site::open(&engine).await;
        let (nurse, dispatcher) = (site.token("nurse").await, site.token("dispatcher").await);
        let body = json!({ "name": "试某", "paper_kind": "taiwan_permit", "paper_number": "0012345678(B)" });
        let person = register(&site, &nurse, body).await;
        assert_eq!(person["papers"], json!([{ "kind": "taiwan_permit", "number": "0******678B" }]));
        let path = format!("/v1/persons/{}", person["id"].as_str().unwrap());
        let whole = site.get(&nurse, &format!("{path}/papers")).await.expect(200);
        assert_eq!(whole, json!({ "papers": [{ "kind": "taiwan_permit", "number": "0012345678B" }] }));
        assert_eq!(audited(&site, "GET /v1/persons/{id}/papers").await, 1);
        site.get(&dispatcher, &format!("{path}/papers")).await.refused(404, "not-found");
        let (tag, both) = ([("if-match", "\"1\"")], json!({ "national_id": "11010519491231002X" }));
        let person = site.api_with(&nurse, "PATCH", &path, both, &tag).await.expect(200);
        assert_eq!(person["papers"][0], json!({ "kind": "resident_id", "number": "110105********002X" }));
        assert_eq!(person["papers"].as_array().unwrap().len(), 2);
        let (tag, out) = ([("if-match", "\"2\"")], json!({ "paper_number": null }));
        let person = site.api_with(&nurse, "PATCH", &path, out, &tag).await.expect(200);
        assert_eq!(person["papers"].as_array().unwrap().len(), 1);
        let mut conn = site.deps.db.read().await.unwrap();
        let kept: i64 = on!(conn, |c| {
            sqlx::query_scalar("select count(*) from person where paper_sealed is not null").fetch_one(c).await
        })
        .unwrap();
        assert_eq!(kept, 0);
    })
    .await;
}

#[tokio::test]
async fn the_same_number_under_the_same_kind_is_the_same_person() {
    on_both(|engine| async move {
        let site = Site::open(&engine).await;
        let nurse = site.token("nurse").await;
        let passport = |name: &str, number: &str| json!({ "name": name, "paper_number": number });
        let first = register(&site, &nurse, passport("甲某", "E12345678")).await;
        let again = register(&site, &nurse, passport("乙某", " e1234-5678")).await;
        assert_eq!(again["perhaps_same"], json!([first["id"]]), "{again}");
        let pairs = site.get(&nurse, "/v1/persons/pairs").await.expect(200);
        assert!(pairs["items"].as_array().unwrap().iter().any(|p| p["because"] == json!(["same_paper"])), "{pairs}");
        let other = json!({ "name": "丙某", "paper_kind": "other", "paper_number": "E12345678" });
        assert_eq!(register(&site, &nurse, other).await.get("perhaps_same"), None);
        let id = first["id"].as_str().unwrap();
        let body = json!({ "other": again["id"] });
        let path = format!("/v1/persons/{id}/join");
        site.api_with(&nurse, "POST", &path, body, &[("if-match", "\"1\"")]).await.expect(200);
        let bare = register(&site, &nurse, json!({ "name": "丁某" })).await;
        let path = format!("/v1/persons/{}/join", bare["id"].as_str().unwrap());
        let with = [("if-match", "\"1\"")];
        let joined = site.api_with(&nurse, "POST", &path, json!({ "other": id }), &with).await.expect(200);
        assert_eq!(
            joined["person"]["papers"],
            json!([{ "kind": "passport", "number": "E****5678" }]),
            "sealed for the survivor"
        );
        let path = format!("/v1/persons/{}/unjoin", bare["id"].as_str().unwrap());
        let with = [("if-match", "\"2\"")];
        let apart = site.api_with(&nurse, "POST", &path, json!({ "other": id }), &with).await.expect(200);
        assert_eq!(apart["person"]["papers"], json!([]));
        assert_eq!(apart["other"]["papers"], json!([{ "kind": "passport", "number": "E****5678" }]));
    })
    .await;
}

#[tokio::test]
async fn a_residence_permit_is_a_paper_like_a_resident_id() {
    on_both(|engine| async move {
        let site = Site::open(&engine).await;
        let nurse = site.token("nurse").await;
        let permit = sanbao_platform::cn::ResidentId::compose("810000", "1951-03-04".parse().unwrap(), 16).unwrap();
        let body = json!({ "name": "试某", "paper_kind": "residence_permit", "paper_number": permit.as_str() });
        let person = register(&site, &nurse, body.clone()).await;
        assert_eq!(person["papers"][0]["kind"], "residence_permit");
        assert_eq!((&person["birth_date"], &person["sex"]), (&json!("1951-03-04"), &json!("female")));
        site.api(&nurse, "POST", "/v1/persons", body).await.refused(409, "national-id-taken");
    })
    .await;
}

#[tokio::test]
async fn lost_characters_of_a_name_are_a_warning_and_rare_ones_survive() {
    on_both(|engine| async move {
        let site = Site::open(&engine).await;
        let nurse = site.token("nurse").await;
        for name in ["王?", "王\u{fffd}", "王\u{e5c5}"] {
            let person = register(&site, &nurse, json!({ "name": name })).await;
            assert_eq!((&person["name"], &person["warnings"]), (&json!(name), &json!(["name_doubtful"])));
            let path = format!("/v1/persons/{}", person["id"].as_str().unwrap());
            let (tag, right) = ([("if-match", "\"1\"")], json!({ "name": "王䶮" }));
            let mended = site.api_with(&nurse, "PATCH", &path, right, &tag).await.expect(200);
            assert_eq!((&mended["name"], mended.get("warnings")), (&json!("王䶮"), None));
        }
        register(&site, &nurse, json!({ "name": "𠮷某" })).await;
        register(&site, &nurse, json!({ "name": "错?" })).await;
        for (part, found) in [("䶮", 3), ("𠮷", 1)] {
            let path = format!("/v1/persons?q={}", sanbao_platform::page::encode(part));
            let list = site.get(&nurse, &path).await.expect(200);
            assert_eq!(list["items"].as_array().unwrap().len(), found, "{part}");
        }
        let mut browser = Browser::new();
        browser.log_in(&site, "nurse").await;
        let page = browser.open(&site, "/residents").await.checked(200).text;
        assert!(page.contains("𠮷某") && page.contains("王䶮") && page.contains("姓名有字丢失"));
    })
    .await;
}
