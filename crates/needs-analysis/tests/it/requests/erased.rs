//! Somebody was erased: their requests follow when they have been over for five years, and are counted still.

use std::time::Duration;

use sanbao_needs_analysis::request::erased;
use sanbao_platform::testing::{everything, on_both};
use serde_json::json;
use uuid::Uuid;

use crate::requests::house::{House, street};

const ELDER: Uuid = Uuid::from_u128(61);
const YEAR: u64 = 24 * 366;

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
        let due = async || erased::empty_all_due(&house.app.deps.db, house.now()).await.unwrap();
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
