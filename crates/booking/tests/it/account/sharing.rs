//! Consents to keep and to hand over: written down, listed, withdrawn, and what a withdrawn one refuses.

use sanbao_platform::testing::{TestEngine, on_both};
use serde_json::{Value, json};

use crate::account::kit::{Browser, Site, audited};
use crate::held::LeadingOn;

const AREA: &str = "330211001001";

async fn register(site: &Site, token: &str) -> String {
    let person = json!({ "name": "许桂兰", "national_id": "11010519491231002X" });
    let made = site.api(token, "POST", "/v1/persons", person).await.expect(201);
    format!("/v1/persons/{}", made["id"].as_str().unwrap())
}

fn consent(scope: &str) -> Value {
    json!({ "scope": scope, "shared_with": "本街道的养老机构", "given_by": "person", "given_name": "许桂兰",
        "told": "in_person", "given_on": "2026-11-22" })
}

async fn give(site: &Site, token: &str, person: &str, scope: &str) -> Value {
    site.minutes_pass(1);
    site.api(token, "POST", &format!("{person}/sharing-consents"), consent(scope)).await.expect(201)
}

fn withdraw(consent: &Value) -> String {
    format!("/v1/sharing-consents/{}/withdraw", consent["id"].as_str().unwrap())
}

#[tokio::test]
async fn it_is_written_down_and_withdrawn_as_easily() {
    on_both(|engine: TestEngine| async move {
        let site = Site::open(&engine).await;
        let (nurse, doctor) = (site.token("nurse").await, site.token("dispatcher").await);
        let person = register(&site, &nurse).await;
        let path = format!("{person}/sharing-consents");
        let mut wrong = consent("keep");
        (wrong["given_name"], wrong["given_on"]) = (json!(""), json!("2026-11-24"));
        let refused = site.api(&nurse, "POST", &path, wrong).await.refused(422, "invalid").body;
        let pointers: Vec<&Value> = refused["errors"].as_array().unwrap().iter().map(|e| &e["pointer"]).collect();
        assert_eq!(pointers, [&json!("/given_name"), &json!("/given_on")]);
        let given = give(&site, &nurse, &person, "keep").await;
        assert_eq!((&given["state"], &given["actions"]), (&json!("given"), &json!(["withdraw"])));
        assert_eq!(site.get(&nurse, &path).await.expect(200), json!([given]));
        for method in ["GET", "POST"] {
            let body = if method == "GET" { Value::Null } else { consent("keep") };
            site.api(&doctor, method, &path, body).await.refused(404, "not-found");
        }
        site.api(&doctor, "POST", &withdraw(&given), Value::Null).await.refused(404, "not-found");
        let key = [("idempotency-key", "w"), ("if-match", "\"1\"")];
        let gone = site.api_with(&nurse, "POST", &withdraw(&given), Value::Null, &key).await.expect(200);
        assert_eq!((&gone["state"], &gone["actions"]), (&json!("withdrawn"), &json!([])));
        let again = site.api_with(&nurse, "POST", &withdraw(&given), Value::Null, &key).await.expect(200);
        assert_eq!(again, gone);
        site.api(&nurse, "POST", &withdraw(&given), Value::Null).await.refused(409, "invalid-transition");
        assert_eq!(
            (audited(&site, "sharing_consent.give").await, audited(&site, "sharing_consent.withdraw").await),
            (1, 1)
        );
    })
    .await;
}

#[tokio::test]
async fn what_it_was_about_is_refused_until_it_is_given_anew() {
    on_both(|engine: TestEngine| async move {
        let site = Site::open(&engine).await;
        let nurse = site.token("nurse").await;
        let person = register(&site, &nurse).await;
        let care = format!("{person}/care");
        let facts = json!({ "door": { "key": "邻居 501" } });
        site.api(&nurse, "PUT", &care, facts.clone()).await.checked(200);
        let keep = give(&site, &nurse, &person, "keep").await;
        let hand_over = give(&site, &nurse, &person, "hand_over").await;
        site.api(&nurse, "POST", &withdraw(&keep), Value::Null).await.checked(200);
        site.api(&nurse, "PUT", &care, facts.clone()).await.refused(409, "sharing-withdrawn");
        assert_eq!(site.get(&nurse, &care).await.expect(200)["door"]["key"], "邻居 501", "what is there stays");
        let home = json!({ "agreed_by": "person", "agreed_name": "许桂兰", "agreed_how": "in_person",
            "agreed_on": "2026-11-22", "address": "乙弄 2 号", "area_code": AREA });
        site.api(&nurse, "POST", &withdraw(&hand_over), Value::Null).await.checked(200);
        let discharge = format!("{person}/discharge");
        site.api(&nurse, "POST", &discharge, home.clone()).await.refused(409, "sharing-withdrawn");
        give(&site, &nurse, &person, "keep").await;
        site.api(&nurse, "PUT", &care, facts).await.checked(200);
        site.api(&nurse, "POST", &discharge, home.clone()).await.refused(409, "sharing-withdrawn");
        give(&site, &nurse, &person, "hand_over").await;
        site.api(&nurse, "POST", &discharge, home).await.checked(201);
        // They stay with those to whom they were given.
        let ours = site.get(&nurse, &format!("{person}/sharing-consents")).await.expect(200);
        assert_eq!((ours.as_array().unwrap().len(), &ours[0]["actions"]), (4, &json!([])));
        let desk = site.token("desk").await;
        assert_eq!(site.get(&desk, &format!("{person}/sharing-consents")).await.expect(200), json!([]));
        site.api(&desk, "POST", &withdraw(&ours[0]), Value::Null).await.refused(404, "not-found");
        let brought = site.get(&desk, &care).await.expect(200);
        assert_eq!(brought["door"]["key"], "邻居 501", "care facts go along");
    })
    .await;
}

#[tokio::test]
async fn an_older_one_that_is_withdrawn_counts_though_a_newer_one_stands() {
    on_both(|engine: TestEngine| async move {
        let site = Site::open(&engine).await;
        let nurse = site.token("nurse").await;
        let person = register(&site, &nurse).await;
        let first = give(&site, &nurse, &person, "keep").await;
        give(&site, &nurse, &person, "keep").await;
        site.minutes_pass(1);
        site.api(&nurse, "POST", &withdraw(&first), Value::Null).await.checked(200);
        let facts = json!({ "door": { "key": "邻居 501" } });
        site.api(&nurse, "PUT", &format!("{person}/care"), facts.clone()).await.refused(409, "sharing-withdrawn");
        give(&site, &nurse, &person, "keep").await;
        site.api(&nurse, "PUT", &format!("{person}/care"), facts).await.checked(200);
    })
    .await;
}

#[tokio::test]
async fn the_page_asks_and_lists_them() {
    on_both(|engine: TestEngine| async move {
        let site = Site::open(&engine).await;
        let nurse = site.token("nurse").await;
        let person = register(&site, &nurse).await;
        let mut browser = Browser::new();
        browser.log_in(&site, "nurse").await;
        let page = browser.open(&site, "/residents").await.checked(200).text;
        assert!(page.contains("/persons/{id}#sharing"), "registering leads to the question");
        let path = person.strip_prefix("/v1").unwrap();
        let page = browser.open(&site, path).await.checked(200).text;
        assert!(page.contains("还没有全部问过") && page.contains(&format!("POST {person}/sharing-consents")));
        let keep = give(&site, &nurse, &person, "keep").await;
        give(&site, &nurse, &person, "hand_over").await;
        let page = browser.open(&site, path).await.checked(200).text;
        assert!(
            !page.contains("还没有全部问过") && page.contains(&withdraw(&keep)) && page.contains("本人许桂兰当面同意")
        );
        site.api(&nurse, "POST", &withdraw(&keep), Value::Null).await.checked(200);
        let page = browser.open(&site, path).await.checked(200).text;
        assert!(page.contains("已撤回") && !page.contains(&withdraw(&keep)));
    })
    .await;
}

#[tokio::test]
async fn what_is_written_while_the_person_is_handed_over_is_not_left_with_the_old_record() {
    on_both(|engine: TestEngine| async move {
        if engine.name() != "postgres" {
            // One writer: the one has ended before the other begins.
            return;
        }
        let site = Site::open(&engine).await;
        let nurse = site.token("nurse").await;
        let facts = json!({ "door": { "key": "邻居 501" } });
        for (n, (method, part, body)) in
            [("POST", "sharing-consents", consent("keep")), ("PUT", "care", facts)].into_iter().enumerate()
        {
            let person = register(&site, &nurse).await;
            let other = json!({ "name": format!("许某 {n}") });
            let other = site.api(&nurse, "POST", "/v1/persons", other).await.expect(201);
            let [old, new] = [person.rsplit('/').next().unwrap(), other["id"].as_str().unwrap()];
            let leading_on = LeadingOn::begun(&site.deps.db, old.parse().unwrap(), new.parse().unwrap()).await;
            let path = format!("{person}/{part}");
            let write = site.api(&nurse, method, &path, body);
            let (_, ()) = tokio::join!(write, leading_on.when_waited_for(&site.deps.db));
            let mut conn = site.deps.db.read().await.unwrap();
            let left = "select (select count(*) from person_care c join person p on p.id = c.person_id
                    where p.merged_into is not null)
                + (select count(*) from person_sharing_consent c join person p on p.id = c.person_id
                    where p.merged_into is not null)";
            let left: i64 = sanbao_platform::on!(conn, |c| sqlx::query_scalar(left).fetch_one(c).await).unwrap();
            assert_eq!(left, 0, "{part}");
        }
    })
    .await;
}
