//! The whole main job by the API on both engines: a consult from invitation to adopted opinion, and a
//! home-care request from the telephone to a checked-out visit and its place in the counts.

#![expect(clippy::unwrap_used, reason = "tests")]

mod common;

use chrono::{DateTime, Duration, Utc};
use common::{Served, flow};
use sanbao_platform::testing;
use serde_json::json;

#[tokio::test]
async fn a_request_becomes_a_visit_and_a_number() {
    testing::on_both(async |engine| {
        let served = Served::demo(engine).await;
        let nobody = served.nobody();
        let request = flow::accepted_request(&nobody, "腿脚不便,需要上门助浴").await;
        let dispatcher = nobody.demo("dispatcher").await;
        let visit = flow::text(&flow::visit_of(&dispatcher, &request).await, "/id");
        let agency = flow::organisation(&nobody, "home_care_agency").await;
        let caregiver = flow::account(&nobody, &agency, "caregiver").await;
        let starts_at: DateTime<Utc> = served.clock.now() + Duration::hours(2);
        let slot = json!({ "caregiver": caregiver, "starts_at": starts_at, "ends_at": starts_at + Duration::hours(1) });
        let path = |step: &str| format!("/v1/visits/{visit}/{step}");
        dispatcher.post(&path("schedule"), &slot).await.expect(200);
        flow::request_is(&dispatcher, &request, "scheduled").await;
        served.minutes_later(120);
        let caregiver = nobody.demo("caregiver").await;
        let today = caregiver.get("/v1/visits/today").await.expect(200);
        assert!(today.to_string().contains(&visit), "the visit is in the day's list: {today}");
        let place = json!({ "method": "gps", "latitude": 29.9556, "longitude": 121.7158, "accuracy_m": 12.0 });
        caregiver.post(&path("check-in"), &place).await.expect(200);
        let dispatcher = nobody.demo("dispatcher").await;
        flow::request_is(&dispatcher, &request, "in_service").await;
        served.minutes_later(50);
        let caregiver = nobody.demo("caregiver").await;
        let done = caregiver.post(&path("check-out"), &place).await.expect(200);
        assert_eq!(done["state"], "completed", "{done}");
        let again = caregiver.post(&path("check-out"), &place).await;
        assert_eq!((again.status.as_u16(), again.problem().as_str()), (409, "invalid-transition"));
        let dispatcher = nobody.demo("dispatcher").await;
        flow::request_is(&dispatcher, &request, "done").await;
        for (step, state) in [("follow-up", "followed_up"), ("close", "closed")] {
            let answer = dispatcher.post(&format!("/v1/requests/{request}/{step}"), &json!({})).await.expect(200);
            assert_eq!(answer["state"], state);
        }
        // VERIFY let report = sanbao_needs_analysis::rollup::verify(&served.network.stores.needs, |_, _| {}).await.unwrap();
        // VERIFY assert!(report.cells > 0 && report.differences.is_empty(), "{report:?}");
        served.stop().await;
    })
    .await;
}
