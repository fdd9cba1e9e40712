//! All that is kept of somebody, as a file for them: whole, for few, after another proof, written down.

use sanbao_platform::testing::on_both;
use serde_json::{Value, json};

use crate::account::kit::{Browser, Site, audited};

const NUMBER: &str = "11010519491231002X";

/// A resident with a bit of everything; the id.
async fn somebody(site: &Site, nurse: &str) -> String {
    let body = json!({ "name": "谌某香", "national_id": NUMBER, "phone": "13812345678", "address": "丙弄 3 号" });
    let made = site.api(nurse, "POST", "/v1/persons", body).await.expect(201);
    let path = format!("/v1/persons/{}", made["id"].as_str().unwrap());
    let care = json!({ "door": { "access_hint": "门禁 5021#" }, "clinical": { "conditions": "高血压" } });
    site.api_with(nurse, "PUT", &format!("{path}/care"), care, &[("if-match", "\"0\"")]).await.expect(200);
    let consent = json!({ "scope": "keep", "given_by": "guardian", "given_name": "谌小妹", "told": "telephone",
        "given_on": "2026-11-20", "shared_with": "社区医生" });
    site.api(nurse, "POST", &format!("{path}/sharing-consents"), consent).await.expect(201);
    made["id"].as_str().unwrap().to_owned()
}

fn rows<'a>(file: &'a Value, section: &str) -> &'a Vec<Value> {
    let found = file["sections"].as_array().unwrap().iter().find(|s| s["name"] == section);
    found.unwrap_or_else(|| panic!("no {section}"))["rows"].as_array().unwrap()
}

#[tokio::test]
async fn a_person_is_given_all_that_is_kept_of_them() {
    on_both(|engine| async move {
        let site = Site::open(&engine).await;
        let nurse = site.token("nurse").await;
        let id = somebody(&site, &nurse).await;
        let double = json!({ "name": "谌 香", "phone": "13987654321" });
        let double = site.api(&nurse, "POST", "/v1/persons", double).await.expect(201)["id"].clone();
        let join = format!("/v1/persons/{id}/join");
        site.api_with(&nurse, "POST", &join, json!({ "other": double }), &[("if-match", "\"1\"")]).await.expect(200);
        site.get(&nurse, &format!("/v1/persons/{id}")).await.expect(200);
        let answer = site.get(&nurse, &format!("/v1/persons/{id}/export")).await;
        assert!(answer.header("content-disposition").starts_with("attachment; filename=\"sanbao-person-"));
        let file = answer.expect(200);
        assert_eq!((&file["given_by"], &file["papers_whole"]), (&json!("安和怡养院"), &json!(true)));
        assert_eq!(rows(&file, "papers")[0], json!({ "kind": "resident_id", "number": NUMBER }));
        assert_eq!(rows(&file, "care")[0]["clinical"]["conditions"], "高血压");
        let names: Vec<_> = rows(&file, "person").iter().map(|row| row["name"].clone()).collect();
        assert!(names.contains(&json!("谌某香")) && names.contains(&json!("谌香")), "{names:?}");
        let record = rows(&file, "person").iter().find(|row| row["id"] == *id).unwrap();
        assert_eq!((&record["phone"], &record["birth_date"]), (&json!("13812345678"), &json!("1949-12-31")));
        assert_eq!(rows(&file, "person_sharing_consent")[0]["shared_with"], "社区医生");
        assert_eq!(rows(&file, "person_join")[0]["other_id"], double);
        let read = |row: &Value| row["action"] == "GET /v1/persons/{id}" && row["account"] == "林晓月";
        assert!(rows(&file, "audit_shown").iter().any(read), "{}", file["sections"]);
        let changed: Vec<_> = rows(&file, "audit").iter().map(|row| row["action"].clone()).collect();
        assert!(changed.contains(&json!("person.create")) && changed.contains(&json!("person.care")), "{changed:?}");
        assert!(!rows(&file, "outbox").is_empty());
        assert!(file["sections"].as_array().unwrap().iter().all(|section| section["cut"] == false));
        // What is computed to find somebody again is no part of it, nor is a sealed field.
        let text = file.to_string();
        assert!(!text.contains("sealed") && !text.contains("_index"), "{text}");
        assert_eq!(audited(&site, "GET /v1/persons/{id}/export").await, 1);
        assert_eq!(audited(&site, "person.export").await, 1);
    })
    .await;
}

#[tokio::test]
async fn few_take_it_and_after_another_proof() {
    on_both(|engine| async move {
        let site = Site::open(&engine).await;
        let (nurse, dispatcher, admin) =
            (site.token("nurse").await, site.token("dispatcher").await, site.token("admin").await);
        let id = somebody(&site, &nurse).await;
        let path = format!("/v1/persons/{id}/export");
        for stranger in [&dispatcher, &admin] {
            site.get(stranger, &path).await.refused(404, "not-found");
        }
        // The agency that registered an elder gives the file, in which papers are masked; the street's administrator does not.
        let elder = json!({ "name": "周某", "national_id": NUMBER, "area_code": "330211001001" });
        let elder = site.api(&dispatcher, "POST", "/v1/persons", elder).await.expect(201);
        let at_home = format!("/v1/persons/{}/export", elder["id"].as_str().unwrap());
        let file = site.get(&dispatcher, &at_home).await.expect(200);
        assert_eq!(file["papers_whole"], false);
        assert_eq!(rows(&file, "papers")[0]["number"], "110105********002X");
        assert!(!file.to_string().contains(NUMBER));
        site.get(&admin, &at_home).await.refused(403, "forbidden");
        site.minutes_pass(11);
        site.get(&nurse, &path).await.refused(401, "step-up-required");
        assert_eq!(audited(&site, "person.export").await, 1);
    })
    .await;
}

#[tokio::test]
async fn the_page_shows_it_on_demand() {
    on_both(|engine| async move {
        let site = Site::open(&engine).await;
        let nurse = site.token("nurse").await;
        let id = somebody(&site, &nurse).await;
        let mut browser = Browser::new();
        browser.log_in(&site, "nurse").await;
        let link = format!("/persons/{id}/export");
        assert!(browser.open(&site, &format!("/persons/{id}")).await.checked(200).text.contains(&link));
        let page = browser.open(&site, &link).await.checked(200).text;
        assert!(page.contains("个人信息保护法") && !page.contains("谌某香"), "{page}");
        let part = browser.open(&site, &format!("{link}/part")).await.checked(200).text;
        for words in ["谌某香", NUMBER, "门禁 5021#", "谁看过", "监护人", "谌小妹", "安和怡养院", "保存照护信息"]
        {
            assert!(part.contains(words), "{words} in {part}");
        }
        let mut doctor = Browser::new();
        doctor.log_in(&site, "doctor").await;
        assert_eq!(doctor.open(&site, &link).await.status, 404);
        site.minutes_pass(11);
        assert_eq!(browser.open(&site, &format!("{link}/part")).await.status, 401);
    })
    .await;
}

#[tokio::test]
async fn a_record_that_leads_on_gives_the_page_of_the_one_that_lives() {
    on_both(|engine| async move {
        let site = Site::open(&engine).await;
        let dispatcher = site.token("dispatcher").await;
        let elder = json!({ "name": "周某", "national_id": NUMBER, "area_code": "330211001001" });
        let mut made = Vec::new();
        for person in [elder, json!({ "name": "周某", "phone": "13987654321", "area_code": "330211001001" })] {
            let person = site.api(&dispatcher, "POST", "/v1/persons", person).await.expect(201);
            made.push(person["id"].as_str().unwrap().to_owned());
        }
        let join = format!("/v1/persons/{}/join", made[0]);
        site.api_with(&dispatcher, "POST", &join, json!({ "other": made[1] }), &[("if-match", "\"1\"")])
            .await
            .expect(200);
        let mut browser = Browser::new();
        browser.log_in(&site, "dispatcher").await;
        let page = browser.open(&site, &format!("/persons/{}/export", made[1])).await.checked(200).text;
        assert!(page.contains(&format!("/requests/export/part?person={}", made[0])), "{page}");
        assert!(!page.contains(&made[1]), "{page}");
    })
    .await;
}

#[tokio::test]
async fn of_what_others_did_the_organisation_and_the_time_are_told() {
    on_both(|engine| async move {
        let site = Site::open(&engine).await;
        let (dispatcher, desk, admin) =
            (site.token("dispatcher").await, site.token("desk").await, site.token("admin").await);
        let elder = json!({ "name": "周某", "national_id": NUMBER, "area_code": "330211001001" });
        let elder = site.api(&dispatcher, "POST", "/v1/persons", elder).await.expect(201);
        let path = format!("/v1/persons/{}", elder["id"].as_str().unwrap());
        site.api(&desk, "PATCH", &path, json!({ "address": "丙弄 3 号" })).await.checked(200);
        site.get(&desk, &path).await.checked(200);
        site.api(&admin, "POST", &format!("{path}/hold"), json!({ "reason": "纠纷" })).await.checked(200);
        let file = site.get(&dispatcher, &format!("{path}/export")).await.expect(200);
        for section in ["audit", "audit_shown"] {
            let told = |name: &str| rows(&file, section).iter().filter(|row| row["account"] == *name).count();
            assert!(told("方佳宁") > 0, "{section}: {file}");
            let nameless = rows(&file, section).iter().filter(|row| row["account"].is_null());
            assert!(nameless.clone().count() > 0, "{section}: {file}");
            assert!(nameless.clone().all(|row| row["organisation"].is_string() && row["occurred_at"].is_string()));
        }
        assert!(!file.to_string().contains("石清扬"), "{file}");
        assert!(rows(&file, "audit").iter().all(|row| row["action"] != "person.hold"), "{file}");
        let own = site.get(&desk, &format!("{path}/export")).await.expect(200);
        assert!(rows(&own, "audit").iter().any(|row| row["action"] == "person.hold"), "the street's own");
    })
    .await;
}
