//! Legal holds, and erasing somebody: refused while it must be, whole when it is done, with a proof that names nobody.

use sanbao_booking::account::person::erasure::{Erasure, strangers};
use sanbao_platform::testing::{Neighbour, everything, on_both};
use serde_json::{Value, json};
use sqlx::types::Json;
use uuid::Uuid;

use crate::account::kit::{Browser, Site, audited, published};
use crate::held::LeadingOn;

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

#[tokio::test]
async fn the_requests_of_somebody_who_is_erased_are_told_with_it() {
    on_both(|engine| async move {
        let site = Site::open(&engine).await;
        let needs = Neighbour::new(&engine, "needs-analysis", "needs_analysis").await;
        let dispatcher = site.token("dispatcher").await;
        let path = elder(&site, &dispatcher).await;
        let request = Uuid::from_u128(7);
        let order = json!({ "request_id": request, "agency_id": site.network.agency, "person_id": null, "name": "谌独名",
            "phone": "13812345678", "address": "丙弄 3 号", "area_code": "330211001001", "national_id_index": null,
            "category": "bath", "note": null, "wanted_from": null, "wanted_until": null });
        needs.tell(site.clock.now(), "needs.request.accepted", request, &order).await;
        needs.tell(site.clock.now(), "needs.request.cancelled", request, &json!({ "request_id": request })).await;
        site.catch_up(&needs).await;
        end(&site, &dispatcher, &path).await;
        site.minutes_pass(6 * 366 * 24 * 60);
        let admin = site.token("admin").await;
        let proof = site.api(&admin, "POST", &format!("{path}/erase"), json!({ "cause": "retention" })).await.expect(200);
        assert_eq!(proof["requests"], json!([request]));
        let kept: Erasure = serde_json::from_value(proof).unwrap();
        assert_eq!(kept.hashed(), kept.hash);
        let older = Erasure { requests: None, ..kept.clone() };
        assert_ne!(older.hashed(), kept.hash, "they are part of the proof");
        let told = everything(&site.deps.db).await;
        let told = told.lines().filter(|line| line.starts_with("outbox ") && line.contains("booking.person.erased"));
        let told: Vec<bool> = told.map(|line| line.contains(&request.to_string())).collect();
        assert_eq!(told.iter().filter(|tells| **tells).count(), 1, "{told:?}");
    })
    .await;
}

/// The administrator of the care home: the token.
async fn home_admin(site: &Site) -> String {
    let admin = site.token("admin").await;
    site.newcomer(&admin, site.network.care_home, "home.admin", json!({ "roles": ["administrator"] })).await
}

#[tokio::test]
async fn a_hold_is_lifted_by_those_who_set_it_also_when_the_person_is_anothers() {
    on_both(|engine| async move {
        let site = Site::open(&engine).await;
        let (nurse, admin, desk) = (site.token("nurse").await, site.token("admin").await, site.token("desk").await);
        let home = home_admin(&site).await;
        let resident = json!({ "name": "谌独名", "national_id": NUMBER });
        let resident = site.api(&nurse, "POST", "/v1/persons", resident).await.expect(201)["id"].clone();
        let path = format!("/v1/persons/{}", resident.as_str().unwrap());
        let (why, post) = (json!({ "reason": "投诉在查" }), async |who: &str, step: &str, body: &Value| {
            site.api(who, "POST", &format!("{path}/{step}"), body.clone()).await
        });
        post(&home, "hold", &why).await.checked(200);
        let away = json!({ "agreed_by": "person", "agreed_name": "谌独名", "agreed_how": "writing", "agreed_on": "2026-11-22",
            "address": "乙弄 2 号", "area_code": "330211001001" });
        site.minutes_pass(1);
        post(&nurse, "discharge", &away).await.checked(201);
        post(&admin, "hold", &why).await.checked(200);
        // It reads its own hold, not that the street has one; nobody else of it does either step.
        let own = site.get(&home, &format!("{path}/holds")).await.expect(200);
        assert_eq!((own.as_array().unwrap().len(), &own[0]["own"]), (1, &json!(true)), "{own}");
        for step in ["hold", "lift-hold"] {
            post(&nurse, step, &why).await.refused(403, "forbidden");
        }
        post(&admin, "lift-hold", &why).await.checked(200);
        end(&site, &desk, &path).await;
        let erase = json!({ "cause": "demand" });
        post(&admin, "erase", &erase).await.refused(409, "person-held");
        post(&home, "lift-hold", &why).await.checked(200);
        post(&home, "lift-hold", &why).await.refused(409, "hold-not-set");
        // The record as it had it is held anew, and that is a hold on the person.
        post(&home, "hold", &why).await.checked(200);
        post(&admin, "erase", &erase).await.refused(409, "person-held");
        post(&home, "erase", &erase).await.refused(404, "not-found");
        post(&home, "lift-hold", &why).await.checked(200);
        post(&admin, "erase", &erase).await.checked(200);
        post(&home, "hold", &why).await.refused(404, "not-found");
    })
    .await;
}

#[tokio::test]
async fn no_join_is_undone_while_a_hold_stands_and_a_list_names_those_who_were_joined_then() {
    on_both(|engine| async move {
        let site = Site::open(&engine).await;
        let (dispatcher, admin) = (site.token("dispatcher").await, site.token("admin").await);
        let path = elder(&site, &dispatcher).await;
        let joins = site.get(&dispatcher, &format!("{path}/joins")).await.expect(200);
        let undo = json!({ "other": joins["joins"][0]["other"] });
        let why = json!({ "reason": "投诉在查" });
        let post = async |who: &str, step: &str, body: &Value| {
            site.api(who, "POST", &format!("{path}/{step}"), body.clone()).await
        };
        post(&admin, "hold", &why).await.checked(200);
        post(&dispatcher, "unjoin", &undo).await.refused(409, "person-held");
        post(&admin, "lift-hold", &why).await.checked(200);

        // As in a backup from before a join was undone.
        let ids: [Uuid; 2] =
            [path.rsplit('/').next().unwrap(), undo["other"].as_str().unwrap()].map(|id| id.parse().unwrap());
        let erasure = |records: &[Uuid]| Erasure { records: Json(records.to_vec()), ..blank(records[0]) };
        let named = async |records: &[Uuid]| strangers(&site.deps.db, &erasure(records)).await.unwrap();
        assert_eq!((named(&ids[..1]).await, named(&ids[1..]).await), (vec![ids[1]], vec![ids[0]]));
        assert!(named(&ids).await.is_empty());
        post(&dispatcher, "unjoin", &undo).await.checked(200);
        assert!(named(&ids[..1]).await.is_empty());
    })
    .await;
}

fn blank(person: Uuid) -> Erasure {
    let blank = json!({ "id": person, "person_id": person, "records": [], "cause": "demand", "organisation_id": person,
        "erased_by": person, "erased_at": "2026-11-23T00:30:00Z", "taken": {}, "hash": "" });
    serde_json::from_value(blank).unwrap()
}

#[tokio::test]
async fn nobody_is_erased_or_held_as_they_were_before_somebody_else_changed_that() {
    on_both(|engine| async move {
        if engine.name() != "postgres" {
            // One writer: the one has ended before the other begins.
            return;
        }
        let site = Site::open(&engine).await;
        let (dispatcher, admin) = (site.token("dispatcher").await, site.token("admin").await);
        for (step, body) in [("erase", json!({ "cause": "demand" })), ("hold", json!({ "reason": "投诉在查" }))] {
            let register = async |name: &str| {
                let body = json!({ "name": name, "area_code": "330211001001" });
                let made = site.api(&dispatcher, "POST", "/v1/persons", body).await.expect(201);
                format!("/v1/persons/{}", made["id"].as_str().unwrap())
            };
            let (gone, survivor) = (register(&format!("谌{step}")).await, register(&format!("许{step}")).await);
            end(&site, &dispatcher, &gone).await;
            let [from, to] = [&gone, &survivor].map(|path| path.rsplit('/').next().unwrap().parse().unwrap());
            let leading_on = LeadingOn::begun(&site.deps.db, from, to).await;
            let asked = format!("{gone}/{step}");
            let (answer, ()) =
                tokio::join!(site.api(&admin, "POST", &asked, body), leading_on.when_waited_for(&site.deps.db));
            answer.refused(409, "conflict");
        }
    })
    .await;
}
