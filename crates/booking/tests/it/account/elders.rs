//! Elders at home: known to the agency that visits them, or did so lately, and to the street that they live in.
//! Registering somebody makes a record of the own, and tells nothing of others'.

use sanbao_platform::id::uuid_v7;
use sanbao_platform::testing::{Neighbour, TestEngine, on_both};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::account::kit::Site;

const PHONE: &str = "13800138000";

/// A second agency and its dispatcher's token.
async fn second_agency(site: &Site) -> String {
    let admin = site.token("admin").await;
    let new = json!({ "kind": "home_care_agency", "name_zh": "别家", "name_en": "Others", "area_code": "330211001" });
    let made = site.api(&admin, "POST", "/v1/organisations", new).await.expect(201);
    let what = json!({ "roles": ["dispatcher"], "areas": ["330211001"] });
    site.newcomer(&admin, made["id"].as_str().unwrap(), "others", what).await
}

/// A request that the demo's agency accepts for an elder of the street.
async fn accepted(site: &Site, needs: &Neighbour) -> Uuid {
    let request = uuid_v7(site.clock.now());
    let data = json!({ "request_id": request, "agency_id": site.network.agency, "person_id": null, "name": "张秀英",
        "phone": PHONE, "address": "胜利路社区 3 幢 201 室", "area_code": "330211001001", "national_id_index": null,
        "category": "bath", "note": null, "wanted_from": null, "wanted_until": null });
    needs.tell(site.clock.now(), "needs.request.accepted", request, &data).await;
    site.catch_up(needs).await;
    request
}

/// The elders whom a search by telephone finds.
async fn found(site: &Site, token: &str) -> Vec<String> {
    let page = site.get(token, &format!("/v1/persons?q={PHONE}")).await.expect(200);
    page["items"].as_array().unwrap().iter().map(|p| p["id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn an_agency_knows_only_whom_it_visits_or_visited_lately() {
    on_both(|engine: TestEngine| async move {
        let site = Site::open(&engine).await;
        let needs = Neighbour::new(&engine, "needs-analysis", "needs_analysis").await;
        let others = second_agency(&site).await;
        let request = accepted(&site, &needs).await;
        let dispatcher = site.token("dispatcher").await;
        let elder = found(&site, &dispatcher).await.remove(0);
        let path = format!("/v1/persons/{elder}");
        site.get(&dispatcher, &path).await.checked(200);
        assert_eq!(found(&site, &others).await, Vec::<String>::new());
        site.get(&others, &path).await.refused(404, "not-found");
        site.api(&others, "PATCH", &path, json!({ "name": "x" })).await.refused(404, "not-found");
        site.get(&others, &format!("{path}/national-id")).await.refused(404, "not-found");
        needs.tell(site.clock.now(), "needs.request.cancelled", request, &json!({ "request_id": request })).await;
        site.catch_up(&needs).await;
        for (days, status) in [(89, 200), (2, 404)] {
            site.minutes_pass(days * 24 * 60);
            let dispatcher = site.token("dispatcher").await;
            site.get(&dispatcher, &path).await.checked(status);
            assert_eq!(found(&site, &dispatcher).await.len(), usize::from(status == 200));
            let change = site.api(&dispatcher, "PATCH", &path, json!({ "address": "x" })).await;
            change.checked(status);
        }
    })
    .await;
}

#[tokio::test]
async fn a_street_knows_whom_lives_in_its_area() {
    on_both(|engine: TestEngine| async move {
        let site = Site::open(&engine).await;
        let needs = Neighbour::new(&engine, "needs-analysis", "needs_analysis").await;
        accepted(&site, &needs).await;
        let (desk, admin) = (site.token("desk").await, site.token("admin").await);
        let (office, second) = site.second_office("330211002").await;
        let what = json!({ "roles": ["dispatcher"], "areas": ["330211002"] });
        let elsewhere = site.newcomer(&second, office, "elsewhere", what).await;
        let elder = found(&site, &desk).await.remove(0);
        assert_eq!(found(&site, &admin).await, std::slice::from_ref(&elder));
        let path = format!("/v1/persons/{elder}");
        site.api(&desk, "PATCH", &path, json!({ "address": "搬了家" })).await.checked(200);
        site.get(&admin, &path).await.checked(200);
        site.api(&admin, "PATCH", &path, json!({ "address": "x" })).await.refused(403, "forbidden");
        for stranger in [&elsewhere, &second] {
            assert_eq!(found(&site, stranger).await, Vec::<String>::new());
            site.get(stranger, &path).await.refused(404, "not-found");
            site.api(stranger, "PATCH", &path, json!({ "address": "x" })).await.refused(404, "not-found");
        }
        let analyst = site.token("analyst").await;
        site.get(&analyst, &path).await.refused(404, "not-found");
    })
    .await;
}

#[tokio::test]
async fn registering_somebody_makes_an_own_record_though_others_have_one() {
    on_both(|engine: TestEngine| async move {
        let site = Site::open(&engine).await;
        let needs = Neighbour::new(&engine, "needs-analysis", "needs_analysis").await;
        let (nurse, dispatcher) = (site.token("nurse").await, site.token("dispatcher").await);
        let others = second_agency(&site).await;
        let person = json!({ "name": "许阿婆", "national_id": "11010519491231002X", "phone": PHONE });
        let mut made = Vec::new();
        for token in [&nurse, &dispatcher, &others] {
            let body = site.api(token, "POST", "/v1/persons", person.clone()).await.expect(201);
            assert_eq!(found(&site, token).await, [body["id"].as_str().unwrap()], "the own one and no other");
            site.api(token, "POST", "/v1/persons", person.clone()).await.refused(409, "national-id-taken");
            made.push(body["id"].as_str().unwrap().to_owned());
        }
        for (n, token) in [&nurse, &dispatcher, &others].into_iter().enumerate() {
            for (other, id) in made.iter().enumerate().filter(|(other, _)| *other != n) {
                site.get(token, &format!("/v1/persons/{id}")).await.refused(404, "not-found");
                assert_ne!(other, n);
            }
        }
        let twin = json!({ "name": "乙" });
        let twin = site.api(&dispatcher, "POST", "/v1/persons", twin).await.expect(201);
        let twin = format!("/v1/persons/{}", twin["id"].as_str().unwrap());
        let same = json!({ "national_id": "11010519491231002X" });
        site.api(&dispatcher, "PATCH", &twin, same).await.refused(409, "national-id-taken");
        // An order of one agency is for that agency's record, whatever the request knew.
        let request = uuid_v7(site.clock.now());
        let data = json!({ "request_id": request, "agency_id": site.network.agency, "person_id": made[2],
            "name": "许阿婆", "phone": PHONE, "address": null, "area_code": "330211001001", "category": "bath" });
        needs.tell(site.clock.now(), "needs.request.accepted", request, &data).await;
        site.catch_up(&needs).await;
        assert_eq!(found(&site, &dispatcher).await, [made[1].clone()]);
        site.get(&dispatcher, &format!("/v1/persons/{}", made[2])).await.refused(404, "not-found");
    })
    .await;
}

#[tokio::test]
async fn concurrent_registrations_make_one_record() {
    on_both(|engine: TestEngine| async move {
        let site = Site::open(&engine).await;
        let dispatcher = site.token("dispatcher").await;
        let person = json!({ "name": "许阿婆", "national_id": "11010519491231002X" });
        let tries = (0..6).map(|_| site.api(&dispatcher, "POST", "/v1/persons", person.clone()));
        let answers = futures_util::future::join_all(tries).await;
        assert_eq!(answers.iter().filter(|a| a.status == 201).count(), 1);
        assert!(answers.iter().all(|a| a.status == 201 || a.problem() == "national-id-taken"));
        let found = site.get(&dispatcher, "/v1/persons?q=%E8%AE%B8%E9%98%BF%E5%A9%86").await.expect(200);
        assert_ne!(found["items"], Value::Null);
    })
    .await;
}
