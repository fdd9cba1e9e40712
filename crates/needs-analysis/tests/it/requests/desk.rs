//! The desk: a call taken down and sent, or joined to an open one, on one press; merging by looking, and back.

use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
use sanbao_platform::testing::{Answer, Person, on_both};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::requests::house::{
    CHENGDONG, House, XIMEN, administrator, agency_id, officer, other_agency_id, sample, street,
};

/// A page that is read by what is filled in.
async fn filled(house: &House, who: &Person, path: &str, fields: &str) -> Answer {
    let request = Request::post(path)
        .header("accept", "text/html")
        .header("content-type", "application/x-www-form-urlencoded")
        .header("authorization", format!("Bearer {}", house.token(who)))
        .body(Body::from(fields.to_owned()))
        .unwrap();
    house.send(request).await
}

async fn history(house: &House, id: &str) -> Vec<(String, Value)> {
    let detail = house.get(&street(), &format!("/v1/requests/{id}")).await.body;
    let lines = detail["history"].as_array().unwrap().iter();
    lines.map(|line| (line["step"].as_str().unwrap().to_owned(), line["note"].clone())).collect()
}

#[tokio::test]
async fn a_call_is_taken_down_and_sent_on_one_press_or_not_at_all() {
    on_both(|engine| async move {
        let house = House::open(&engine).await;
        let body = sample(json!({ "channel": "walk_in", "dispatch": { "agency_id": agency_id() } }));
        let key = [("idempotency-key", "press-1")];
        let made = house.call(Some(&street()), "POST", "/v1/requests", Some(body.clone()), &key).await.expect(201);
        assert_eq!(
            (&made["state"], &made["agency_name"], &made["source"]),
            (&json!("dispatched"), &json!("甲机构"), &json!("walk_in"))
        );
        let again = house.call(Some(&street()), "POST", "/v1/requests", Some(body), &key).await.expect(201);
        assert_eq!(made, again, "a second press does it once");
        let steps: Vec<String> = history(&house, made["id"].as_str().unwrap()).await.into_iter().map(|l| l.0).collect();
        assert_eq!(steps, ["receive", "triage", "dispatch"]);
        assert_eq!(house.counted().await, (1, 1));
        for (agency, told) in [(json!(Uuid::nil()), "没有这个机构"), (json!(null), "请选择")] {
            let refused =
                house.post(&street(), "/v1/requests", sample(json!({ "dispatch": { "agency_id": agency } }))).await;
            let refused = refused.refused(422, "invalid");
            assert_eq!(refused.body["errors"][0]["pointer"], "/dispatch/agency_id");
            assert!(refused.text.contains(told), "{}", refused.text);
        }
        let both = json!({ "dispatch": { "agency_id": agency_id() }, "merge": { "into": made["id"] } });
        house.post(&street(), "/v1/requests", sample(both)).await.refused(422, "invalid");
        let sends = sample(json!({ "dispatch": { "agency_id": agency_id() } }));
        house.post(&administrator(), "/v1/requests", sends).await.refused(403, "forbidden");
        house.post(&street(), "/v1/requests", sample(json!({ "channel": "pigeon" }))).await.refused(422, "invalid");
        assert_eq!(house.counted().await, (1, 1), "what is refused leaves nothing");
        assert_eq!(house.miscounted().await, 0);
    })
    .await;
}

#[tokio::test]
async fn another_call_joins_the_open_request_and_comes_out_again() {
    on_both(|engine| async move {
        let house = House::open(&engine).await;
        let open = house.take_down(json!({ "note": "送午饭" })).await;
        let call = sample(json!({ "note": "又来催了", "urgency": "urgent", "merge": { "into": open } }));
        let merged = house.post(&street(), "/v1/requests", call).await.expect(201);
        assert_eq!(
            (&merged["state"], &merged["merged_into"], &merged["legal"]),
            (&json!("merged"), &json!(open), &json!(["separate", "comment"]))
        );
        assert_eq!(history(&house, &open).await[1], ("append".to_owned(), json!("又来催了")));
        let now = house.get(&street(), &format!("/v1/requests/{open}")).await.body;
        assert_eq!(
            (&now["state"], &now["urgency"], &now["version"]),
            (&json!("received"), &json!("urgent"), &json!(2))
        );
        assert_eq!(now["state_since"], now["received_at"], "its clock runs on");
        let id = merged["id"].as_str().unwrap();
        let page = house.page(&street(), &format!("/requests/{open}/merge")).await;
        assert!(
            page.text.contains("又来催了") && page.text.contains(&format!("POST /v1/requests/{id}/separate")),
            "{}",
            page.text
        );
        let back = house.step(&street(), id, "separate", json!({})).await;
        assert_eq!((&back["state"], &back["merged_into"]), (&json!("received"), &Value::Null));
        house
            .post(&street(), &format!("/v1/requests/{id}/separate"), json!({}))
            .await
            .refused(409, "invalid-transition");
        assert_eq!(house.miscounted().await, 0);
        for into in [json!(Uuid::nil()), json!(house.take_down(json!({ "area_code": XIMEN })).await)] {
            let theirs = officer(9, 100, "dispatcher", &[CHENGDONG]);
            let refused = house.post(&theirs, "/v1/requests", sample(json!({ "merge": { "into": into } }))).await;
            assert_eq!(refused.refused(422, "invalid").body["errors"][0]["pointer"], "/merge/into");
        }
    })
    .await;
}

#[tokio::test]
async fn a_merge_is_taken_back_to_where_it_was_and_only_for_a_month() {
    on_both(|engine| async move {
        let house = House::open(&engine).await;
        let open = house.take_down(json!({})).await;
        let sent = sample(json!({ "note": "送晚饭", "dispatch": { "agency_id": agency_id() } }));
        let sent = house.post(&street(), "/v1/requests", sent).await.expect(201);
        let id = sent["id"].as_str().unwrap().to_owned();
        let page = house.page(&street(), &format!("/requests/{id}/merge")).await;
        assert!(page.text.contains(&format!("value=\"{open}\"")) && page.text.contains("送午饭"), "{}", page.text);
        for _ in 0..2 {
            house.step(&street(), &id, "merge", json!({ "into": open })).await;
            let back = house.step(&street(), &id, "separate", json!({})).await;
            assert_eq!((&back["state"], &back["agency_id"]), (&json!("dispatched"), &json!(agency_id())));
        }
        house.step(&street(), &id, "merge", json!({ "into": open })).await;
        house.clock.advance(Duration::from_hours(24 * 30 + 1));
        let late = house.post(&street(), &format!("/v1/requests/{id}/separate"), json!({})).await;
        assert!(late.refused(409, "conflict").text.contains("30 天"));
        assert_eq!(house.miscounted().await, 0);
    })
    .await;
}

#[tokio::test]
async fn while_one_types_open_requests_and_the_nearest_agency_are_told() {
    on_both(|engine| async move {
        let house = House::open(&engine).await;
        for (name, agency) in [("林某兰", agency_id()), ("王某", other_agency_id()), ("赵某", other_agency_id())]
        {
            let phone = if name == "林某兰" { "19900000001" } else { "19900000009" };
            let body = json!({ "elder_name": name, "phone": phone, "note": format!("{name}的午饭"), "national_id": null,
                "dispatch": { "agency_id": agency } });
            house.post(&street(), "/v1/requests", sample(body)).await.expect(201);
        }
        let told = async |who: &Person, fields: &str| filled(&house, who, "/requests/new", fields).await;
        let by_phone = told(&street(), "phone=199-0000-0001&area_code=330211001001-C1-G1").await.text;
        assert!(
            by_phone.contains("林某兰的午饭") && by_phone.contains("同一个电话") && !by_phone.contains("王某的午饭"),
            "{by_phone}"
        );
        let chosen = |id: Uuid| format!("value=\"{id}\" selected");
        assert!(by_phone.contains(&chosen(agency_id())) && by_phone.contains("上次为这位老人服务"), "{by_phone}");
        let by_name = told(&street(), "elder_name=%E7%8E%8B%E6%9F%90&area_code=330211001001").await.text;
        assert!(by_name.contains("王某的午饭") && by_name.contains("姓名相同或相近"), "{by_name}");
        assert!(by_name.contains(&chosen(other_agency_id())) && by_name.contains("近期在本社区服务"), "{by_name}");
        let elsewhere = told(&street(), "elder_name=%E7%8E%8B%E6%9F%90&area_code=330211001007").await.text;
        assert!(!elsewhere.contains("王某的午饭") && !elsewhere.contains("selected"), "{elsewhere}");
        let nothing = told(&street(), "phone=12&area_code=%27&person_id=x").await;
        assert_eq!((nothing.status.as_u16(), nothing.text.contains("午饭")), (200, false));
        let ximen = told(&officer(9, 100, "dispatcher", &[XIMEN]), "phone=19900000001").await.text;
        assert!(!ximen.contains("林某兰"), "what is not in one's areas is not told: {ximen}");
        let administers = told(&administrator(), "phone=19900000001").await.text;
        assert!(!administers.contains("data-into") && !administers.contains("agency_id\""), "{administers}");
    })
    .await;
}

#[tokio::test]
async fn an_area_is_found_by_typing_within_ones_own() {
    on_both(|engine| async move {
        let house = House::open(&engine).await;
        let page = house.page(&street(), "/requests/new").await.text;
        assert!(page.contains("城东社区") && !page.contains("网格"), "{page}");
        let found = filled(&house, &street(), "/requests/areas", "q=xmdy").await.text;
        assert!(found.contains("西门东苑") && !found.contains("城东"), "{found}");
        let theirs = officer(9, 100, "dispatcher", &[CHENGDONG]);
        assert_eq!(filled(&house, &theirs, "/requests/areas", "q=ximen").await.text, "<select></select>");
        assert_eq!(filled(&house, &crate::requests::house::agency(), "/requests/areas", "q=x").await.status, 403);
    })
    .await;
}
