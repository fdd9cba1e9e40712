//! The dispatcher's pages: each reader's view, and that typed text stays text.

use axum::body::Body;
use axum::http::Request;
use sanbao_platform::on;
use sanbao_platform::testing::{Answer, Person, on_both};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::requests::house::{
    CHENGDONG, House, XIMEN, administrator, agency, agency_id, analyst, carer, officer, sample, street,
};

async fn page(house: &House, who: &Person, path: &str, lang: &str) -> Answer {
    house.call(Some(who), "GET", path, None, &[("accept", "text/html"), ("accept-language", lang)]).await
}

const DONE: &str = "select count(*) from audit where action = 'GET /requests/{id}' and outcome = 'done'";
const REFUSED: &str = "select count(*) from audit where action = 'GET /requests/{id}' and outcome = 'refused'";

#[tokio::test]
async fn the_list_shows_state_clock_and_the_next_step() {
    on_both(|engine| async move {
        let house = House::open(&engine).await;
        let empty = page(&house, &street(), "/requests", "zh").await;
        assert_eq!(empty.status, 200);
        assert!(empty.text.contains("登记新需求") && empty.text.contains("没有符合条件的工单"), "{}", empty.text);
        let id = house.take_down(json!({"urgency": "urgent"})).await;
        let list = page(&house, &street(), "/requests?state=&category=meal&area=&open=true&q=", "zh").await;
        for words in [
            "林某兰",
            "19900000001",
            "已受理",
            "加急",
            "今天 12:00",
            "还剩 30 分钟",
            "data-live=\"/v1/requests/events\"",
        ] {
            assert!(list.text.contains(words), "{words} in {}", list.text);
        }
        assert!(!list.text.contains("<style") && !list.text.contains("style="), "nothing is styled inline");
        house.step(&street(), &id, "triage", json!({})).await;
        house.step(&street(), &id, "dispatch", json!({"agency_id": agency_id()})).await;
        let theirs = page(&house, &agency(), "/requests", "en").await;
        let accept = format!("data-send=\"POST /v1/requests/{id}/accept\" data-version=\"3\"");
        assert!(theirs.text.contains(&accept), "{}", theirs.text);
        assert!(!theirs.text.contains("/requests/new"), "an agency takes no requests down");
        assert!(theirs.text.contains("Dispatched") && theirs.text.contains("甲机构"));
        let nobody = page(&house, &carer(8, 300, "caregiver"), "/requests", "zh").await;
        assert_eq!(nobody.status, 404);
        assert!(nobody.text.contains("没有找到"));
        let request = Request::get("/requests").header("accept", "text/html").body(Body::empty()).unwrap();
        let unknown = house.send(request).await;
        assert_eq!(
            (unknown.status.as_u16(), &unknown.headers["location"]),
            (303, &"/session/renew?next=/requests".parse().unwrap())
        );
        assert_eq!(page(&house, &street(), "/requests?state=lost", "zh").await.status, 422);
    })
    .await;
}

#[tokio::test]
async fn a_category_that_nobody_knows_is_told_with_its_words() {
    on_both(|engine| async move {
        let house = House::open(&engine).await;
        let path = format!("/requests/{}", house.take_down(json!({"category": "遛狗"})).await);
        let told = page(&house, &street(), &path, "zh").await.text;
        assert!(told.contains("其他（遛狗）"), "{told}");
        let told = page(&house, &street(), &path, "en").await.text;
        assert!(told.contains("Other (遛狗)"), "{told}");
    })
    .await;
}

#[tokio::test]
async fn what_is_looked_for_stands_in_no_address() {
    on_both(|engine| async move {
        let house = House::open(&engine).await;
        for n in 0..31 {
            house.take_down(json!({"elder_name": format!("林某{n}")})).await;
        }
        let found = async |fields: &str| {
            let request =
                Request::post("/requests").header("authorization", format!("Bearer {}", house.token(&street())));
            let request = request.header("content-type", "application/x-www-form-urlencoded");
            let answer = house.send(request.body(Body::from(fields.to_owned())).unwrap()).await;
            assert_eq!(answer.status, 200, "{}", answer.text);
            answer.text
        };
        let one = found("q=%E6%9E%97%E6%9F%90%37&open=true&state=&category=&area=").await;
        assert!(one.contains("林某7<") && !one.contains("林某8<") && one.contains("共 1 条"), "{one}");
        assert!(one.contains("id=\"filters\" method=\"post\"") && one.contains("data-live-form=\"filters\""), "{one}");
        let first = found("q=%E6%9E%97%E6%9F%90&open=true").await;
        assert!(first.contains("前 30 条") && !first.contains("?q="), "{first}");
        let after = first.split("name=\"after\" value=\"").nth(1).unwrap().split('"').next().unwrap();
        let second = found(&format!("q=%E6%9E%97%E6%9F%90&open=true&after={after}")).await;
        assert!(second.contains("本页 1 条") && !second.contains("共 1 条"), "{second}");
        assert!(second.contains("回到第一页"), "{second}");
    })
    .await;
}

#[tokio::test]
async fn what_was_typed_is_shown_as_text() {
    on_both(|engine| async move {
        let house = House::open(&engine).await;
        let nasty = "\"><script>alert(1)</script>'";
        let changes =
            json!({"elder_name": nasty, "address": nasty, "note": nasty, "category": nasty, "external_id": nasty});
        let id = house.take_down(changes).await;
        house.step(&street(), &id, "escalate", json!({"reason": nasty})).await;
        for path in ["/requests?q=%22%3E%3Cscript%3E".to_owned(), format!("/requests/{id}")] {
            let shown = page(&house, &street(), &path, "zh").await;
            assert_eq!(shown.status, 200);
            assert!(!shown.text.contains("<script>alert"), "{}", shown.text);
            assert!(shown.text.contains("&lt;script&gt;alert(1)"), "{}", shown.text);
        }
    })
    .await;
}

#[tokio::test]
async fn one_request_offers_what_its_caller_may_do() {
    on_both(|engine| async move {
        let house = House::open(&engine).await;
        let id = house.take_down(json!({})).await;
        let path = format!("/requests/{id}");
        house.step(&street(), &id, "triage", json!({})).await;
        let shown = page(&house, &street(), &path, "zh").await.text;
        for words in [
            "派单",
            "甲机构",
            "乙机构",
            &format!("POST /v1/requests/{id}/dispatch"),
            "110105********002X",
            "确认分类",
            "tel:19900000001",
        ] {
            assert!(shown.contains(words), "{words} in {shown}");
        }
        let masked = page(&house, &analyst(), &path, "zh").await.text;
        assert!(
            masked.contains("林**")
                && masked.contains("脱敏")
                && !masked.contains("林某兰")
                && !masked.contains("data-send")
        );
        assert_eq!(page(&house, &agency(), &path, "zh").await.status, 404);
        assert_eq!(page(&house, &officer(9, 900, "dispatcher", &[XIMEN]), &path, "zh").await.status, 404);
        assert_eq!(page(&house, &street(), "/requests/nonsense", "zh").await.status, 404);
        assert_eq!((house.count(DONE).await, house.count(REFUSED).await), (2, 3), "masked or not; and the refused");
    })
    .await;
}

#[tokio::test]
async fn the_forms_are_for_those_who_may_use_them() {
    on_both(|engine| async move {
        let house = House::open(&engine).await;
        for (path, who, status) in [
            ("/requests/new", street(), 200),
            ("/requests/new", agency(), 403),
            ("/requests/new", analyst(), 403),
            ("/requests/new?person=01980c2e-7b1a-7c3e-9d43-0a5d1f4c1b02", street(), 200),
            ("/requests/new?person=01980c2e-7b1a-7c3e-9d43-0a5d1f4c1b02", agency(), 403),
            ("/requests/import", street(), 200),
            ("/requests/import", administrator(), 200),
            ("/requests/import", agency(), 403),
            ("/requests/import", carer(8, 300, "caregiver"), 404),
        ] {
            assert_eq!(page(&house, &who, path, "zh").await.status, status, "{path} {who:?}");
        }
        let form = page(&house, &officer(9, 100, "dispatcher", &[XIMEN]), "/requests/new", "zh").await.text;
        assert!(form.contains("西门社区") && form.contains("西门东苑") && !form.contains("城东"), "{form}");
        let import = page(&house, &street(), "/requests/import", "zh").await.text;
        for part in [r#"data-import="/v1/imports""#, "/static/import.js", r#"data-facts="total created"#, "XLSX"] {
            assert!(import.contains(part), "{part}: {import}");
        }
        let answer = page(&house, &street(), "/static/needs-analysis/requests.js", "zh").await;
        assert_eq!((answer.status.as_u16(), answer.header("content-type")), (200, "text/javascript; charset=utf-8"));
    })
    .await;
}

/// The elder whose record a request stands with.
async fn person_of(house: &House, request: Uuid) -> Option<Uuid> {
    let mut conn = house.app.deps.db.read().await.unwrap();
    let of = "select person_id from request where id = $1";
    on!(conn, |c| sqlx::query_scalar(of).bind(request).fetch_one(c).await).unwrap()
}

#[tokio::test]
async fn a_request_from_the_page_of_an_elder_is_that_elders() {
    on_both(|engine| async move {
        let house = House::open(&engine).await;
        let [here, resident, elsewhere, nobody] = [51, 52, 53, 54].map(Uuid::from_u128);
        let office = officer(9, 100, "dispatcher", &[XIMEN]);
        for (person, home, area) in [
            (here, Value::Null, XIMEN),
            (resident, json!(Uuid::from_u128(9)), XIMEN),
            (elsewhere, Value::Null, CHENGDONG),
        ] {
            let data = json!({ "person_id": person, "organisation_id": home, "area_code": area, "birth_year": 1949,
                "sex": "female", "national_id_index": (person == here).then(|| "a".repeat(64)) });
            house.hear("booking.person.registered", person, data).await;
        }
        let form = page(&house, &office, &format!("/requests/new?person={here}"), "zh").await.text;
        for part in [format!(r#"data-person="{here}""#), "/static/needs-analysis/new-request.js".to_owned()] {
            assert!(form.contains(&part), "{part}: {form}");
        }
        let plain = page(&house, &office, "/requests/new", "zh").await.text;
        assert!(!plain.contains("data-person"));
        assert_eq!(page(&house, &office, "/static/needs-analysis/new-request.js", "zh").await.status, 200);
        let body = |person: Uuid| {
            sample(json!({ "area_code": format!("{XIMEN}-C1-G1"), "national_id": null, "person_id": person }))
        };
        let made = house.post(&office, "/v1/requests", body(here)).await.expect(201);
        let id: Uuid = made["id"].as_str().unwrap().parse().unwrap();
        assert_eq!(person_of(&house, id).await, Some(here));
        let refused = house.post(&office, "/v1/requests", body(elsewhere)).await.refused(422, "invalid");
        assert_eq!(refused.body["errors"][0]["pointer"], "/person_id");
        // With whom nothing can be said of, a request is as one without a record; so is one whose resident id is of another.
        let mut other = body(here);
        other["national_id"] = json!("11010519491231002X");
        for unsure in [body(resident), body(nobody), other] {
            let made = house.post(&office, "/v1/requests", unsure).await.expect(201);
            let id: Uuid = made["id"].as_str().unwrap().parse().unwrap();
            assert_eq!(person_of(&house, id).await, None);
        }
    })
    .await;
}
