//! Taking requests down, and each caller's view of them.

use sanbao_platform::page::address;
use sanbao_platform::testing::on_both;
use serde_json::json;

use crate::requests::house::{
    CHENGDONG, House, STREET, XIMEN, administrator, agency, agency_id, analyst, carer, officer, other_agency, sample,
    street,
};

#[tokio::test]
async fn a_request_is_taken_down_once_and_counted() {
    on_both(|engine| async move {
        let house = House::open(&engine).await;
        let key = [("idempotency-key", "call-1")];
        let first = house.call(Some(&street()), "POST", "/v1/requests", Some(sample(json!({}))), &key).await;
        let again = house.call(Some(&street()), "POST", "/v1/requests", Some(sample(json!({}))), &key).await;
        assert_eq!(first.status, 201, "{}", first.text);
        assert_eq!(first.body, again.body);
        assert_eq!(first.body["state"], "received");
        assert_eq!(first.body["national_id"], "110105********002X");
        assert_eq!(first.body["phone"], "19900000001");
        assert_eq!(first.body["sla"]["status"], "on_track");
        assert!(!first.text.contains("19491231"), "the resident id is never shown whole");
        assert_eq!(house.counted().await, (1, 1));
        let other =
            house.call(Some(&street()), "POST", "/v1/requests", Some(sample(json!({"note": "别的"}))), &key).await;
        assert_eq!(other.status, 422);
    })
    .await;
}

#[tokio::test]
async fn each_bad_field_is_pointed_at_and_nothing_is_stored() {
    on_both(|engine| async move {
        let house = House::open(&engine).await;
        for (field, value) in [
            ("area_code", json!("nowhere")),
            ("area_code", json!(null)),
            ("category", json!("")),
            ("urgency", json!("asap")),
            ("elder_name", json!("  ")),
            ("elder_name", json!("长".repeat(51))),
            ("phone", json!("12345")),
            ("national_id", json!("110105194912310021")),
            ("received_at", json!("2031-01-01T00:00:00Z")),
            ("received_at", json!("1900-01-01")),
            ("received_at", json!("31/12/2026")),
            ("wanted_from", json!("2099-01-01T00:00:00Z")),
            ("note", json!("a\u{0}b")),
            ("address", json!("长".repeat(201))),
        ] {
            let answer = house.post(&street(), "/v1/requests", sample(json!({field: value}))).await;
            assert_eq!(answer.status, 422, "{field}: {}", answer.text);
            assert_eq!(answer.body["errors"][0]["pointer"], format!("/{field}"), "{}", answer.text);
            assert!(!answer.text.contains("110105194912310021"), "no personal value comes back");
        }
        let unknown = house.post(&street(), "/v1/requests", sample(json!({"state": "closed"}))).await;
        assert_eq!(unknown.status, 422);
        let mistyped = house.post(&street(), "/v1/requests", sample(json!({"phone": 19_900_000_001_i64}))).await;
        assert_eq!((mistyped.status.as_u16(), &mistyped.body["errors"][0]["pointer"]), (422, &json!("/phone")));
        assert_eq!(house.counted().await, (0, 0));
    })
    .await;
}

#[tokio::test]
async fn sql_and_html_are_only_words() {
    on_both(|engine| async move {
        let house = House::open(&engine).await;
        let nasty = "'); drop table request; --<script>alert(1)</script>";
        let id = house
            .take_down(json!({"elder_name": "<b>'\"%_</b>", "address": nasty, "note": nasty, "category": nasty}))
            .await;
        let shown = house.get(&street(), &format!("/v1/requests/{id}")).await.body;
        assert_eq!(shown["elder_name"], "<b>'\"%_</b>");
        assert_eq!(
            (&shown["address"], &shown["note"], &shown["category_raw"]),
            (&json!(nasty), &json!(nasty), &json!(nasty))
        );
        assert_eq!(shown["category"], "other");
        house.take_down(json!({"elder_name": "林某"})).await;
        for (q, hits) in [("%25", 1), ("_", 1), ("%27", 1), ("drop+table", 1), ("%E6%9E%97", 1), ("zzz", 0), ("%5C", 0)]
        {
            let found = house.get(&street(), &format!("/v1/requests?q={q}")).await;
            assert_eq!(found.body["items"].as_array().unwrap().len(), hits, "{q}: {}", found.text);
        }
    })
    .await;
}

#[tokio::test]
async fn everybody_sees_their_own_and_only_as_much_as_they_need() {
    on_both(|engine| async move {
        let house = House::open(&engine).await;
        let id = house.take_down(json!({})).await;
        let path = format!("/v1/requests/{id}");
        let elsewhere = officer(9, 900, "dispatcher", &[XIMEN]);
        let community = officer(10, 100, "dispatcher", &[CHENGDONG]);
        let nowhere = officer(11, 100, "dispatcher", &[]);
        for (who, status) in [
            (&street(), 200),
            (&community, 200),
            (&elsewhere, 404),
            (&nowhere, 404),
            (&agency(), 404),
            (&analyst(), 200),
            (&administrator(), 200),
            (&carer(12, 100, "caregiver"), 404),
            (&officer(13, 100, "doctor", &[STREET]), 404),
            // An area in the token of another kind of organisation opens nothing.
            (&carer(14, 200, "dispatcher").in_areas(&[STREET]), 404),
            (&carer(15, 200, "administrator").in_areas(&[STREET]), 404),
        ] {
            assert_eq!(house.get(who, &path).await.status, status, "{who:?}");
            let list = house.get(who, "/v1/requests").await;
            let seen = list.body["items"].as_array().map_or(0, Vec::len);
            assert_eq!(seen, usize::from(status == 200), "{who:?} {}", list.text);
        }
        for who in [analyst(), administrator()] {
            let seen = house.get(&who, &path).await;
            assert_eq!(seen.body["elder_name"], "林**");
            assert_eq!(seen.body["phone"], "199****0001");
            assert!(seen.body["address"].is_null() && seen.body["note"].is_null());
            assert_eq!(seen.body["legal"], json!([]));
            for leak in ["林某兰", "19900000001", "送午饭"] {
                assert!(!seen.text.contains(leak), "{leak}");
            }
        }
        house.step(&street(), &id, "triage", json!({})).await;
        house.step(&street(), &id, "dispatch", json!({"agency_id": agency_id()})).await;
        assert_eq!(house.get(&agency(), &path).await.body["elder_name"], "林某兰");
        assert_eq!(house.get(&other_agency(), &path).await.status, 404);
        assert_eq!(house.get(&street(), "/v1/requests/not-an-id").await.status, 404);
    })
    .await;
}

#[tokio::test]
async fn lists_filter_and_page() {
    on_both(|engine| async move {
        let house = House::open(&engine).await;
        for n in 0..7 {
            let area = if n % 2 == 0 { CHENGDONG } else { XIMEN };
            let category = if n < 3 { "meal" } else { "bath" };
            house.take_down(json!({"area_code": area, "category": category, "external_id": format!("x{n}")})).await;
        }
        let twice = house.post(&street(), "/v1/requests", sample(json!({"external_id": "x1"}))).await;
        assert_eq!(twice.status, 409);
        for (query, count) in [
            ("", 7),
            ("state=received", 7),
            ("state=closed", 0),
            ("open=true", 7),
            ("state=", 7),
            ("category=meal", 3),
            (&format!("area={XIMEN}"), 3),
            (&format!("area={XIMEN}&category=meal"), 1),
            ("q=x3", 1),
            ("urgency=urgent", 0),
        ] {
            let page = house.get(&street(), &format!("/v1/requests?{query}")).await;
            assert_eq!(page.body["items"].as_array().map(Vec::len), Some(count), "{query}: {}", page.text);
        }
        let (mut seen, mut after) = (std::collections::BTreeSet::new(), String::new());
        loop {
            let page = house.get(&street(), &format!("/v1/requests?limit=3&after={after}")).await.body;
            seen.extend(page["items"].as_array().unwrap().iter().map(|r| r["id"].to_string()));
            match page["next"].as_str() {
                Some(next) => next.clone_into(&mut after),
                None => break,
            }
        }
        assert_eq!(seen.len(), 7);
        for bad in ["state=lost", "category=x", "limit=0", "after=!!", "area=%27"] {
            assert_eq!(house.get(&street(), &format!("/v1/requests?{bad}")).await.status, 422, "{bad}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_caller_is_found_by_every_spelling_of_a_name_and_a_number() {
    on_both(|engine| async move {
        let house = House::open(&engine).await;
        let phones = [
            ("0574-86251234", "057486251234"),
            ("86251235", "057486251235"),
            ("0574-86251236转803", "057486251236-803"),
            ("4008001234", "4008001234"),
            ("+852 2345 6789", "+85223456789"),
            ("\u{202d}13800138000\u{202c}", "13800138000"),
            ("\u{2060}13800138001", "13800138001"),
            ("138−0013−8002", "13800138002"),
            ("138.0013.8003", "13800138003"),
        ];
        for (typed, kept) in phones {
            let made = house
                .post(&street(), "/v1/requests", sample(json!({"phone": typed, "elder_name": "阿卜 杜拉・买买提"})))
                .await;
            assert_eq!((made.status.as_u16(), &made.body["phone"]), (201, &json!(kept)), "{}", made.text);
            assert_eq!(made.body["elder_name"], "阿卜杜拉·买买提");
            let list = house.get(&street(), &address("/v1/requests", &[("q", Some(typed))])).await.body;
            assert_eq!(list["items"].as_array().map(Vec::len), Some(1), "{typed}");
        }
        for name in ["阿卜杜拉·买买提", "阿卜杜拉.买买提", "杜拉 • 买", "买买提"] {
            let list = house.get(&street(), &address("/v1/requests", &[("q", Some(name))])).await.body;
            assert_eq!(list["items"].as_array().map(Vec::len), Some(phones.len()), "{name}");
        }
    })
    .await;
}
