//! Legal holds, and erasing somebody: refused while it must be, whole when it is done, with a proof that names nobody.

use sanbao_booking::account::person::erasure::Erasure;
use sanbao_platform::testing::{everything, on_both};
use serde_json::{Value, json};

use crate::account::kit::{Browser, Site, audited, published};

const NUMBER: &str = "11010519491231002X";
/// Words that people wrote of somebody, or would know them by.
const TRACES: &[&str] = &[
    "谌独名",
    "独名",
    "13812345678",
    "12345678",
    "13987654321",
    "丙弄",
    "谌小妹",
    "社区医生",
    "门禁",
    "高血压",
    "投诉在查",
    "查完了",
    "搬去外地",
    "谌写错",
    "chenduming",
];

/// An elder at home with a bit of everything; the path.
async fn elder(site: &Site, dispatcher: &str) -> String {
    let body = json!({ "name": "谌独名", "national_id": NUMBER, "phone": "13812345678", "address": "丙弄 3 号",
        "area_code": "330211001001", "guardian_name": "谌小妹", "guardian_phone": "13987654321" });
    let made = site.api(dispatcher, "POST", "/v1/persons", body).await.expect(201);
    let path = format!("/v1/persons/{}", made["id"].as_str().unwrap());
    let care = json!({ "door": { "access_hint": "门禁 5021#" }, "manner": { "allergies": "高血压" } });
    site.api_with(dispatcher, "PUT", &format!("{path}/care"), care, &[("if-match", "\"0\"")]).await.checked(200);
    let consent = json!({ "scope": "keep", "given_by": "guardian", "given_name": "谌小妹", "told": "telephone",
        "given_on": "2026-11-20", "shared_with": "社区医生" });
    site.api(dispatcher, "POST", &format!("{path}/sharing-consents"), consent).await.checked(201);
    let double = json!({ "name": "谌写错", "phone": "13812345678", "area_code": "330211001001" });
    let double = site.api(dispatcher, "POST", "/v1/persons", double).await.expect(201)["id"].clone();
    let body = json!({ "other": double });
    site.api_with(dispatcher, "POST", &format!("{path}/join"), body, &[("if-match", "\"1\"")]).await.checked(200);
    path
}

async fn end(site: &Site, dispatcher: &str, path: &str) {
    let version = site.get(dispatcher, path).await.expect(200)["version"].to_string();
    let tag = format!("\"{version}\"");
    let body = json!({ "kind": "left", "on": "2026-11-20", "note": "搬去外地" });
    site.api_with(dispatcher, "POST", &format!("{path}/end"), body, &[("if-match", &tag)]).await.checked(200);
}

#[tokio::test]
async fn nobody_is_erased_while_a_hold_stands_and_few_may_do_either() {
    on_both(|engine| async move {
        let site = Site::open(&engine).await;
        let (nurse, dispatcher, admin) =
            (site.token("nurse").await, site.token("dispatcher").await, site.token("admin").await);
        let path = elder(&site, &dispatcher).await;
        let (why, erase) = (json!({ "reason": "投诉在查" }), json!({ "cause": "demand" }));
        let post = async |who: &str, step: &str, body: &Value| {
            site.api(who, "POST", &format!("{path}/{step}"), body.clone()).await
        };
        for step in ["hold", "lift-hold"] {
            post(&nurse, step, &why).await.refused(404, "not-found");
            post(&dispatcher, step, &why).await.refused(403, "forbidden");
        }
        post(&dispatcher, "erase", &erase).await.refused(403, "forbidden");
        post(&nurse, "erase", &erase).await.refused(404, "not-found");
        post(&admin, "lift-hold", &why).await.refused(409, "hold-not-set");
        let held = post(&admin, "hold", &why).await.expect(200);
        assert_eq!(
            (&held[0]["reason"], &held[0]["own"], &held[0]["lifted_at"]),
            (&why["reason"], &json!(true), &Value::Null)
        );
        post(&admin, "hold", &why).await.refused(409, "already-held");
        // Another organisation learns that it is held, and not why.
        let seen = site.get(&dispatcher, &format!("{path}/holds")).await.expect(200);
        assert_eq!((&seen[0]["reason"], &seen[0]["own"]), (&Value::Null, &json!(false)));
        assert!(seen[0]["organisation"].as_str().unwrap().contains("招宝山"), "{seen}");
        let mut browser = Browser::new();
        browser.log_in(&site, "admin").await;
        let page = browser.open(&site, path.trim_start_matches("/v1")).await.checked(200).text;
        assert!(
            page.contains("保全中") && page.contains("解除本机构的保全") && !page.contains("抹除这个人的资料"),
            "{page}"
        );

        end(&site, &dispatcher, &path).await;
        post(&admin, "erase", &erase).await.refused(409, "person-held");
        post(&admin, "lift-hold", &json!({ "reason": "查完了" })).await.checked(200);
        assert!(
            browser.open(&site, path.trim_start_matches("/v1")).await.checked(200).text.contains("抹除这个人的资料")
        );
        site.minutes_pass(11);
        post(&admin, "erase", &erase).await.refused(401, "step-up-required");
        for action in ["person.hold", "person.lift_hold"] {
            assert_eq!(audited(&site, action).await, 1, "{action}");
        }
        assert_eq!(audited(&site, "person.erase").await, 0);
    })
    .await;
}

#[tokio::test]
async fn somebody_who_is_erased_is_nowhere_and_the_proof_names_nobody() {
    on_both(|engine| async move {
        let site = Site::open(&engine).await;
        let (dispatcher, admin) = (site.token("dispatcher").await, site.token("admin").await);
        let path = elder(&site, &dispatcher).await;
        let erase = json!({ "cause": "demand" });
        let step = format!("{path}/erase");
        site.api(&admin, "POST", &step, erase.clone()).await.refused(409, "person-present");
        end(&site, &dispatcher, &path).await;
        let before = everything(&site.deps.db).await;
        for trace in ["谌独名", "13812345678", "丙弄", "谌小妹", "社区医生", "搬去外地", "谌写错"] {
            assert!(before.contains(trace), "{trace} was never there");
        }
        let proof = site.api(&admin, "POST", &step, erase.clone()).await.expect(200);
        let after = everything(&site.deps.db).await;
        for trace in TRACES {
            let lines: Vec<&str> = after.lines().filter(|line| line.contains(trace)).collect();
            assert_eq!(lines, [""; 0], "{trace}");
        }
        let index = site.deps.fields.blind_index("national_id", NUMBER);
        assert!(before.contains(&index) && !after.contains(&index), "nor is the index of the paper");

        let kept: Erasure = serde_json::from_value(proof.clone()).unwrap();
        assert_eq!(kept.hashed(), kept.hash);
        assert_eq!(kept.records.len(), 2, "the record that was joined into it as well");
        for table in ["person", "person_key", "person_care", "person_sharing_consent", "history", "outbox"] {
            assert!(kept.taken.get(table).is_some_and(|rows| *rows > 0), "{table}: {proof}");
        }
        assert_eq!(site.get(&admin, "/v1/erasures").await.expect(200), json!([proof]));
        site.get(&dispatcher, "/v1/erasures").await.refused(403, "forbidden");
        for who in [&dispatcher, &admin] {
            site.get(who, &path).await.refused(404, "not-found");
        }
        site.api(&admin, "POST", &step, erase).await.refused(404, "not-found");
        assert_eq!(audited(&site, "person.erase").await, 1);
        assert_eq!(published(&site, "booking.person.erased").await, 2);
        let number = json!({ "name": "谌某", "national_id": NUMBER });
        site.api(&dispatcher, "POST", "/v1/persons", number).await.checked(201);
    })
    .await;
}
