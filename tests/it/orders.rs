//! The news that a request's order must hear of the request, and the request of its order, across the two services.

use chrono::{DateTime, Duration, Utc};
use sanbao_platform::testing::{self, eventually};
use serde_json::{Value, json};

use crate::common::flow::Dispatchers;
use crate::common::{Client, Served, flow};

const HEADER: &str = "external_id,received_at,area_code,category,elder_name,phone,address,note";

async fn import(dispatcher: &Client, row: &str) -> Value {
    let request = dispatcher.request("post", "/v1/imports?source=street-excel&dry_run=false");
    let request = request.header("content-type", "text/csv").body(format!("{HEADER}\n{row}\n"));
    dispatcher.send(request).await.expect(200)
}

/// The one request of this elder, as the list shows it.
async fn request_of(dispatcher: &Client, elder: &str) -> String {
    let page = dispatcher.get("/v1/requests?limit=200").await.expect(200);
    let found = page["items"].as_array().unwrap().iter().find(|r| r["elder_name"] == elder);
    flow::text(found.unwrap_or_else(|| panic!("no request of {elder}")), "/id")
}

async fn step(client: &Client, request: &str, step: &str, body: Value) {
    client.post(&format!("/v1/requests/{request}/{step}"), &body).await.expect(200);
}

/// All visits of a request, the oldest first.
async fn visits_of(dispatcher: &Client, request: &str) -> Vec<Value> {
    let page = dispatcher.get("/v1/visits?limit=200").await.expect(200);
    let mut visits: Vec<Value> =
        page["items"].as_array().unwrap().iter().filter(|v| v["request_id"] == request).cloned().collect();
    visits.sort_by_key(|v| v["id"].as_str().unwrap().to_owned());
    visits
}

#[tokio::test]
async fn a_second_import_reaches_the_visit_and_keeps_what_triage_decided() {
    testing::on_both(async |engine| {
        let served = Served::demo(engine).await;
        let nobody = served.nobody();
        let agency = flow::organisation(&nobody, "home_care_agency").await;
        let Dispatchers { desk, agency: dispatcher } = Dispatchers::of(&nobody).await;
        import(&desk, "A-1,2026-11-22 09:00,330211001001,meal,孟某一,19900003003,丙弄3号,要软食").await;
        let request = request_of(&desk, "孟某一").await;
        step(&desk, &request, "triage", json!({ "category": "nursing" })).await;
        step(&desk, &request, "dispatch", json!({ "agency_id": agency })).await;
        step(&dispatcher, &request, "accept", json!({})).await;
        let visit = flow::visit_of(&dispatcher, &request).await;
        assert_eq!((&visit["phone"], &visit["service_type"]), (&json!("19900003003"), &json!("nursing")));
        let report = import(&desk, "A-1,2026-11-22 09:00,330211001001,meal,孟某一,19900003999,丙弄33号,要软食").await;
        assert_eq!((&report["updated"], &report["failed"]), (&json!(1), &json!(0)), "{report}");
        let read = dispatcher.get(&format!("/v1/requests/{request}")).await.expect(200);
        assert_eq!((&read["phone"], &read["address"]), (&json!("19900003999"), &json!("丙弄33号")));
        assert_eq!(read["category"], "nursing", "a person has decided that");
        let path = format!("/v1/visits/{}", flow::text(&visit, "/id"));
        eventually("the visit has the new telephone and address", async || {
            let visit = dispatcher.get(&path).await.expect(200);
            let told = (visit["phone"].as_str(), visit["address"].as_str());
            (told == (Some("19900003999"), Some("丙弄33号"))).then_some(())
        })
        .await;
        served.stop().await;
    })
    .await;
}

#[tokio::test]
async fn a_reopened_request_gets_a_second_visit() {
    testing::on_both(async |engine| {
        let served = Served::demo(engine).await;
        let nobody = served.nobody();
        let request = flow::accepted_request(&nobody, "打扫").await;
        let agency = flow::organisation(&nobody, "home_care_agency").await;
        let dispatcher = nobody.demo("dispatcher").await;
        let first = flow::text(&flow::visit_of(&dispatcher, &request).await, "/id");
        let account = flow::account(&nobody, &agency, "caregiver").await;
        let starts_at: DateTime<Utc> = served.clock.now() + Duration::hours(26);
        let slot = json!({ "caregiver": account, "starts_at": starts_at, "ends_at": starts_at + Duration::hours(1) });
        dispatcher.post(&format!("/v1/visits/{first}/schedule"), &slot).await.expect(200);
        served.minutes_later(26 * 60);
        let caregiver = nobody.demo("caregiver").await;
        for press in ["check-in", "check-out"] {
            let proof = json!({ "method": "manual", "note": "定位不可用" });
            caregiver.post(&format!("/v1/visits/{first}/{press}"), &proof).await.expect(200);
        }
        let Dispatchers { desk, agency: dispatcher } = Dispatchers::of(&nobody).await;
        flow::request_is(&dispatcher, &request, "done").await;
        step(&desk, &request, "reopen", json!({ "reason": "没打扫完" })).await;
        step(&desk, &request, "triage", json!({})).await;
        step(&desk, &request, "dispatch", json!({ "agency_id": agency })).await;
        step(&dispatcher, &request, "accept", json!({})).await;
        let visits = eventually("a second visit", async || {
            let visits = visits_of(&dispatcher, &request).await;
            (visits.len() == 2).then_some(visits)
        })
        .await;
        assert_eq!((&visits[0]["state"], &visits[1]["state"]), (&json!("completed"), &json!("requested")));
        let starts_at: DateTime<Utc> = served.clock.now() + Duration::hours(26);
        let slot = json!({ "caregiver": account, "starts_at": starts_at, "ends_at": starts_at + Duration::hours(1) });
        let second = flow::text(&visits[1], "/id");
        dispatcher.post(&format!("/v1/visits/{second}/schedule"), &slot).await.expect(200);
        flow::request_is(&dispatcher, &request, "scheduled").await;
        served.stop().await;
    })
    .await;
}

#[tokio::test]
async fn an_order_that_its_agency_calls_off_before_it_has_a_time_goes_back_to_the_street() {
    testing::on_both(async |engine| {
        let served = Served::demo(engine).await;
        let nobody = served.nobody();
        let request = flow::accepted_request(&nobody, "陪诊").await;
        let dispatcher = nobody.demo("dispatcher").await;
        let visit = flow::text(&flow::visit_of(&dispatcher, &request).await, "/id");
        let why = json!({ "reason": "本周没有照护员" });
        dispatcher.post(&format!("/v1/visits/{visit}/cancel"), &why).await.expect(200);
        let read = flow::request_is(&dispatcher, &request, "rejected").await;
        assert!(read.to_string().contains("本周没有照护员"), "the street reads why: {read}");
        served.stop().await;
    })
    .await;
}
