//! Somebody was erased: their requests follow when they have been over for five years, and are counted still.

use std::time::Duration;

use sanbao_needs_analysis::request::erased::{self, Over};
use sanbao_platform::retention::Periods;
use sanbao_platform::testing::{everything, on_both};
use serde_json::json;
use uuid::Uuid;

use crate::requests::house::{House, agency, agency_id, street};
use crate::requests::import::{HEADER, by_library};

const ELDER: Uuid = Uuid::from_u128(61);
const YEAR: u64 = 24 * 366;

fn over(house: &House) -> Over {
    Over { now: house.now(), periods: Periods::default() }
}

#[tokio::test]
async fn requests_of_somebody_who_was_erased_are_emptied_after_five_years() {
    on_both(|engine| async move {
        let house = House::open(&engine).await;
        let index = house.app.deps.fields.blind_index("national_id", "11010519491231002X");
        let known = json!({"person_id": ELDER, "organisation_id": null, "area_code": null, "birth_year": 1949,
            "sex": "female", "national_id_index": index});
        house.hear("booking.person.updated", ELDER, known).await;
        let request = house
            .take_down(json!({ "elder_name": "谌独名", "phone": "13812345678", "address": "丙弄 3 号",
            "note": "想洗澡", "national_id": "11010519491231002X" }))
            .await;
        let other = house.take_down(json!({ "elder_name": "别的人", "national_id": null })).await;
        house.step(&street(), &request, "cancel", json!({ "reason": "谌家搬走" })).await;
        let counted = house.counted().await;
        let traces = ["谌独名", "13812345678", "丙弄", "想洗澡", "谌家", index.as_str()];
        let erased = json!({ "person_id": ELDER, "at": house.now() });
        for _ in 0..2 {
            house.hear("booking.person.erased", ELDER, erased.clone()).await;
        }
        // The elder is forgotten at once, the work order is kept for as long as it must be.
        let kept = everything(&house.app.deps.db).await;
        assert!(!kept.lines().any(|line| line.starts_with("elder ")), "{kept}");
        assert!(kept.contains("谌独名"));
        let due = async || erased::empty_all_due(&house.app.deps.db, over(&house)).await.unwrap();
        house.clock.advance(Duration::from_hours(4 * YEAR));
        assert_eq!(due().await, 0);
        house.clock.advance(Duration::from_hours(YEAR));
        assert_eq!((due().await, due().await), (1, 0));
        let after = everything(&house.app.deps.db).await;
        for trace in traces {
            let lines: Vec<&str> = after.lines().filter(|line| line.contains(trace)).collect();
            assert_eq!(lines, [""; 0], "{trace}");
        }
        assert!(after.contains("别的人"), "{other} is of nobody who was erased");
        assert_eq!((house.counted().await, house.miscounted().await), (counted, 0));
        let view = house.get(&street(), &format!("/v1/requests/{request}")).await.expect(200);
        assert_eq!((&view["state"], &view["elder_name"]), (&json!("cancelled"), &json!("")));
        assert_eq!(house.parked().await, 0);
    })
    .await;
}

/// The lines of all rows in which one of these stands.
async fn lines_with(house: &House, traces: &[&str]) -> Vec<String> {
    let all = everything(&house.app.deps.db).await;
    all.lines().filter(|line| traces.iter().any(|trace| line.contains(trace))).map(str::to_owned).collect()
}

#[tokio::test]
async fn requests_that_were_open_are_called_off_and_follow_in_any_state() {
    on_both(|engine| async move {
        let house = House::open(&engine).await;
        let index = house.app.deps.fields.blind_index("national_id", "11010519491231002X");
        let known = json!({"person_id": ELDER, "organisation_id": null, "area_code": null, "birth_year": 1949,
            "sex": "female", "national_id_index": index});
        house.hear("booking.person.updated", ELDER, known).await;
        let named = |note: &str| json!({ "elder_name": "谌独名", "phone": "13812345678", "note": note });
        let open = house.take_down(named("想洗澡")).await;
        let taken = house.take_down(named("想理发")).await;
        house.step(&street(), &taken, "triage", json!({})).await;
        house.step(&street(), &taken, "dispatch", json!({ "agency_id": agency_id() })).await;
        house.step(&agency(), &taken, "accept", json!({})).await;
        let done = house.take_down(named("问过了")).await;
        house.step(&street(), &done, "resolve", json!({})).await;
        house.hear("booking.person.erased", ELDER, json!({ "person_id": ELDER, "at": house.now() })).await;
        for (request, state) in [(&open, "cancelled"), (&taken, "cancelled"), (&done, "done")] {
            assert_eq!(house.state(request).await, state);
        }
        let told: Vec<String> = house.published().await.into_iter().map(|(kind, _)| kind).collect();
        assert_eq!(told, ["needs.request.accepted", "needs.request.cancelled"], "the agency's order ends with it");
        house.clock.advance(Duration::from_hours(5 * YEAR));
        assert_eq!(erased::empty_all_due(&house.app.deps.db, over(&house)).await.unwrap(), 3);
        let left = lines_with(&house, &["谌独名", "13812345678", "想洗澡", "想理发", "问过了", &index]).await;
        assert_eq!(left, [""; 0]);
        assert_eq!((house.miscounted().await, house.parked().await), (0, 0));
    })
    .await;
}

#[tokio::test]
async fn requests_that_name_nobody_follow_by_their_visits_and_parked_news_goes_with_them() {
    on_both(|engine| async move {
        let house = House::open(&engine).await;
        let nameless = json!({ "elder_name": "谌独名", "phone": "13812345678", "national_id": null });
        let request = house.take_down(nameless).await;
        let other = house.take_down(json!({ "elder_name": "别的人", "national_id": null })).await;
        house.step(&street(), &request, "cancel", json!({ "reason": "谌家搬走" })).await;
        let told = json!({ "person_id": ELDER, "at": house.now(), "requests": [request, Uuid::from_u128(62)] });
        house.hear("booking.person.erased", ELDER, told).await;
        // News without what must be there is parked, with all its words.
        let parked = json!({ "visit_id": "no id", "request_id": request, "reason": "谌家没人" });
        house.hear("booking.visit.cancelled", Uuid::from_u128(63), parked).await;
        let elsewhere = json!({ "visit_id": "no id", "request_id": other, "reason": "下雨" });
        house.hear("booking.visit.cancelled", Uuid::from_u128(64), elsewhere).await;
        assert_eq!(house.parked().await, 2);
        house.clock.advance(Duration::from_hours(5 * YEAR));
        assert_eq!(erased::empty_all_due(&house.app.deps.db, over(&house)).await.unwrap(), 1);
        assert_eq!(lines_with(&house, &["谌独名", "13812345678", "谌家"]).await, [""; 0]);
        assert_eq!(house.parked().await, 1, "that of another request stays");
        assert!(!lines_with(&house, &["别的人"]).await.is_empty());
    })
    .await;
}

#[tokio::test]
async fn a_row_that_comes_again_does_not_take_a_request_from_its_person() {
    on_both(|engine| async move {
        let house = House::open(&engine).await;
        let index = house.app.deps.fields.blind_index("national_id", "11010519491231002X");
        let known = json!({"person_id": ELDER, "organisation_id": null, "area_code": null, "birth_year": 1949,
            "sex": "female", "national_id_index": index});
        house.hear("booking.person.updated", ELDER, known).await;
        let row = "e1,2026-11-01 09:00,330211001001,助餐,普通,谌独名,13812345678,11010519491231002X,丙弄 3 号,\n";
        let file = format!("{HEADER}{row}");
        by_library(&house, file.as_bytes(), false).await;
        let requests = house.get(&street(), "/v1/requests").await.expect(200);
        let request = requests["items"][0]["id"].as_str().unwrap().to_owned();
        house.step(&street(), &request, "resolve", json!({})).await;
        house.hear("booking.person.erased", ELDER, json!({ "person_id": ELDER, "at": house.now() })).await;
        let again = by_library(&house, file.replace("3 号", "4 号").as_bytes(), false).await;
        assert_eq!((again.created, again.updated), (0, 1));
        house.clock.advance(Duration::from_hours(5 * YEAR));
        assert_eq!(erased::empty_all_due(&house.app.deps.db, over(&house)).await.unwrap(), 1);
    })
    .await;
}
