//! Following a request without an account: how far it is, and nothing of whom it is for; guessing is stopped.

use axum::body::Body;
use axum::http::Request;
use sanbao_platform::page::encode;
use sanbao_platform::testing::{Answer, on_both};
use serde_json::json;

use super::house::{House, agency_id, street};

async fn asked(house: &House, number: &str, phone: &str) -> Answer {
    let form = Request::post("/ask/follow").header("content-type", "application/x-www-form-urlencoded");
    let body = format!("number={}&phone={}", encode(number), encode(phone));
    house.send(form.body(Body::from(body)).unwrap()).await
}

/// A request with its number, and a number that nobody has.
async fn taken_down(house: &House) -> (String, String, String) {
    let id = house.take_down(json!({})).await;
    let view = house.get(&street(), &format!("/v1/requests/{id}")).await;
    let number = view.body["number"].as_str().unwrap().to_owned();
    (id, number, "1123-9876".to_owned())
}

#[tokio::test]
async fn a_family_follows_a_request_and_is_told_nothing_else() {
    on_both(|engine| async move {
        let house = House::open(&engine).await;
        let (id, number, _) = taken_down(&house).await;
        let form = house.call(None, "GET", "/ask/follow", None, &[]).await.checked(200).text;
        assert!(form.contains("查询办理进度") && form.contains("120"), "{form}");
        let first = asked(&house, &number, "0001").await.checked(200).text;
        assert!(first.contains("已收到") && first.contains("11月23日 周一 12:00"), "{first}");
        house.clock.advance(std::time::Duration::from_mins(5));
        house.step(&street(), &id, "triage", json!({})).await;
        house.step(&street(), &id, "dispatch", json!({"agency_id": agency_id(), "note": "先打电话"})).await;
        for (number, phone) in [
            (number.as_str(), "０００１"),
            (&number.replace('-', ""), "199 0000 0001"),
            (&format!("2026{number}"), "0001"),
        ] {
            let told = asked(&house, number, phone).await.checked(200).text;
            assert!(told.contains("已派给服务机构") && told.contains("甲机构"), "{told}");
            for hidden in ["林某兰", "东苑", "送午饭", "先打电话", "19900000001", "测试", id.as_str()] {
                assert!(!told.contains(hidden), "{hidden}: {told}");
            }
        }
        house.step(&street(), &id, "cancel", json!({"reason": "老人住院"})).await;
        let off = asked(&house, &number, "0001").await.checked(200).text;
        assert!(off.contains("已取消") && !off.contains("住院") && !off.contains("甲机构"), "{off}");
    })
    .await;
}

#[tokio::test]
async fn a_wrong_pair_is_answered_as_a_number_that_nobody_has() {
    on_both(|engine| async move {
        let house = House::open(&engine).await;
        let (_, number, nobodys) = taken_down(&house).await;
        let wrong = asked(&house, &number, "9999").await.checked(404).text;
        let unknown = asked(&house, &nobodys, "9999").await.checked(404).text;
        assert!(wrong.contains("没有查到"), "{wrong}");
        assert_eq!(wrong.replace(&number, "…"), unknown.replace(&nobodys, "…"));
        let faults = asked(&house, "0042", "12").await.checked(422).text;
        assert!(faults.contains("编号是八位数字") && faults.contains("后四位"), "{faults}");
        assert!(faults.contains(r#"value="0042""#) && faults.contains(r#"value="12""#), "typed words stay: {faults}");
        let elsewhere = Request::post("/ask/follow").header("content-type", "application/x-www-form-urlencoded");
        let elsewhere = elsewhere.header("sec-fetch-site", "cross-site").body(Body::from("number=1")).unwrap();
        house.send(elsewhere).await.checked(403);
    })
    .await;
}

#[tokio::test]
async fn a_number_is_locked_after_five_wrong_tries_whether_there_is_one_or_not() {
    on_both(|engine| async move {
        let house = House::open(&engine).await;
        let (_, number, nobodys) = taken_down(&house).await;
        for tried in [&number, &nobodys] {
            for wrong in 0..5 {
                asked(&house, tried, &format!("900{wrong}")).await.checked(404);
            }
            // Nor does the right one tell anything then, by whichever way the number is written.
            let locked = asked(&house, &format!("2026{tried}"), "0001").await.checked(429);
            assert!(locked.text.contains("这个编号输错次数过多") && !locked.text.contains("已收到"), "{}", locked.text);
            assert!(locked.text.contains("街道服务热线"), "{}", locked.text);
        }
        // Ten from one address: no other number either, for an hour.
        assert!(asked(&house, "1123-8888", "0001").await.checked(429).text.contains("输错次数过多"));
        house.clock.advance(std::time::Duration::from_hours(1));
        asked(&house, "1123-8888", "0001").await.checked(404);
        asked(&house, &number, "0001").await.checked(429);
        house.clock.advance(std::time::Duration::from_hours(23));
        asked(&house, &number, "0001").await.checked(200);
    })
    .await;
}
