//! Telephones, names and papers as people write them: taken at every counter alike, and found again by every spelling.

use sanbao_platform::page::address;
use sanbao_platform::testing::on_both;
use serde_json::{Value, json};

use crate::account::kit::Site;

/// Registers somebody and reads the whole answer.
async fn register(site: &Site, who: &str, body: Value) -> Value {
    site.api(who, "POST", "/v1/persons", body).await.expect(201)
}

/// How many people a search finds.
async fn found(site: &Site, who: &str, q: &str) -> usize {
    let list = site.get(who, &address("/v1/persons", &[("q", Some(q))])).await.expect(200);
    list["items"].as_array().unwrap().len()
}

#[tokio::test]
async fn any_telephone_that_can_be_called_is_taken_and_found() {
    on_both(|engine| async move {
        let site = Site::open(&engine).await;
        let nurse = site.token("nurse").await;
        let phones: [(&str, &str, &[&str]); 6] = [
            ("0574-86251234", "057*****1234", &["057486251234", "86251234", "(0574) 8625 1234"]),
            ("0574-86259999-803", "057*****9999", &["0574-86259999转803", "86259999-803"]),
            ("4008001234", "400***1234", &["400-800-1234"]),
            ("+852 2345 6789", "+85*****6789", &["00852 23456789"]),
            ("\u{202d}13800131111\u{202c}", "138****1111", &["138−0013−1111", "138.0013.1111", "13800131111\u{200e}"]),
            ("95588", "*****", &["95588"]),
        ];
        for (typed, mask, spellings) in phones {
            let person =
                register(&site, &nurse, json!({ "name": "试某", "phone": typed, "guardian_phone": typed })).await;
            assert_eq!((&person["phone"], &person["guardian_phone"]), (&json!(mask), &json!(mask)), "{typed}");
            for spelling in spellings.iter().chain([&typed]) {
                assert_eq!(found(&site, &nurse, spelling).await, 1, "{typed} by {spelling}");
            }
        }
        for (typed, words) in [("1.38001E+10", "表格软件"), ("13800138000、13900139000", "一个电话"), ("无", "手机号")]
        {
            let body = json!({ "name": "试某", "phone": typed });
            let refused = site.api(&nurse, "POST", "/v1/persons", body).await.refused(422, "invalid").body;
            let detail = refused["errors"][0]["detail"].as_str().unwrap();
            assert!(detail.contains(words), "{typed}: {detail}");
        }
    })
    .await;
}

#[tokio::test]
async fn what_was_wrong_is_taken_out_again() {
    on_both(|engine| async move {
        let site = Site::open(&engine).await;
        let nurse = site.token("nurse").await;
        for nothing in [json!(null), json!(""), json!("  ")] {
            let body = json!({ "name": "试某", "phone": "13800131111", "guardian_phone": "13800131112",
                "address": "东苑 2 幢", "guardian_name": "试某某" });
            let person = register(&site, &nurse, body).await;
            let path = format!("/v1/persons/{}", person["id"].as_str().unwrap());
            let tag = [("if-match", "\"1\"")];
            let out =
                json!({ "phone": nothing, "guardian_phone": nothing, "address": nothing, "guardian_name": nothing });
            let now = site.api_with(&nurse, "PATCH", &path, out, &tag).await.expect(200);
            for field in ["phone", "guardian_phone", "address", "guardian_name"] {
                assert_eq!(now[field], Value::Null, "{field} by {nothing}");
            }
            assert_eq!((&now["name"], &now["version"]), (&json!("试某"), &json!(2)));
            let other =
                site.api_with(&nurse, "PATCH", &path, json!({ "sex": "female" }), &[("if-match", "\"2\"")]).await;
            assert_eq!(other.expect(200)["name"], "试某", "what is left out stays");
        }
    })
    .await;
}

#[tokio::test]
async fn every_spelling_of_a_name_finds_each() {
    on_both(|engine| async move {
        let site = Site::open(&engine).await;
        let nurse = site.token("nurse").await;
        let names: [(&str, &[&str]); 3] = [
            ("试三", &["试 三", "试\u{3000}三", "\u{200b}试三"]),
            ("阿卜杜拉·买买提", &["阿卜杜拉•买买提", "阿卜杜拉・买买提", "阿卜杜拉．买买提", "阿卜杜拉.买买提"]),
            ("𠮷某", &["𠮷 某"]),
        ];
        for (name, spellings) in names {
            for spelling in spellings {
                assert_eq!(register(&site, &nurse, json!({ "name": spelling })).await["name"], name);
            }
            for spelling in spellings.iter().chain([&name]) {
                assert_eq!(found(&site, &nurse, spelling).await, spellings.len(), "{spelling}");
            }
        }
    })
    .await;
}

#[tokio::test]
async fn an_old_number_of_fifteen_digits_is_the_same_persons() {
    on_both(|engine| async move {
        let site = Site::open(&engine).await;
        let nurse = site.token("nurse").await;
        let person = register(&site, &nurse, json!({ "name": "试某", "national_id": "330211350101123" })).await;
        assert_eq!((&person["birth_date"], &person["sex"]), (&json!("1935-01-01"), &json!("male")));
        let path = format!("/v1/persons/{}/national-id", person["id"].as_str().unwrap());
        let whole = site.get(&nurse, &path).await.checked(200);
        let number = whole.body["national_id"].as_str().map(str::to_owned);
        for spelling in number.iter().map(String::as_str).chain(["330211350101123", " 330211 350101 123"]) {
            assert_eq!(found(&site, &nurse, spelling).await, 1, "{spelling}");
        }
    })
    .await;
}

#[tokio::test]
async fn every_telephone_of_a_person_finds_them_not_the_first_alone() {
    on_both(|engine| async move {
        let site = Site::open(&engine).await;
        let (nurse, desk) = (site.token("nurse").await, site.token("desk").await);
        let phones = json!([{ "number": "13812345678" }, { "number": "0574-86251234", "whose": "daughter" }]);
        let person =
            json!({ "name": "试某", "phones": phones, "guardian_phone": "13912345678", "area_code": "330211001001" });
        for who in [&nurse, &desk] {
            register(&site, who, person.clone()).await;
            for number in ["13812345678", "0574-86251234", "13912345678"] {
                assert_eq!(found(&site, who, number).await, 1, "{number}");
            }
            for nobody in ["13812345679", "2345678", "0574-86251235"] {
                assert_eq!(found(&site, who, nobody).await, 0, "{nobody}");
            }
        }
        assert_eq!(found(&site, &site.token("dispatcher").await, "13812345678").await, 0, "strangers never show");
    })
    .await;
}
