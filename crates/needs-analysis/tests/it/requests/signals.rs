//! Signals of machines: a call told to the desks of its area, an alarm filed once; forged, old and repeated ones.

use axum::body::Body;
use axum::http::Request;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sanbao_needs_analysis::Config;
use sanbao_needs_analysis::signal::{Hooks, SIGNAL_BYTES_MAX};
use sanbao_platform::crypto::derive;
use sanbao_platform::testing::{Answer, TestEngine, on_both};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::requests::house::{CHENGDONG, House, XIMEN, agency, officer, street};

const SECRET: &[u8] = b"a secret of thirty-two bytes ...";

async fn house(engine: &TestEngine) -> House {
    let secret = format!("whsec_{}", STANDARD.encode(SECRET));
    let file =
        json!([{ "name": "pbx", "organisation_id": Uuid::from_u128(100), "area_code": CHENGDONG, "secret": secret }]);
    let hooks = Hooks::read(&file.to_string()).unwrap();
    House::with(engine, Config { hooks, ..Config::default() }).await
}

/// A signal as its sender signs it, `late` seconds ago.
async fn sent(house: &House, path: &str, id: &str, body: &Value, late: i64, secret: &[u8]) -> Answer {
    let (time, body) = (house.now().timestamp() - late, body.to_string());
    let signature = STANDARD.encode(derive(secret, format!("{id}.{time}.{body}").as_bytes()));
    let request = Request::post(path)
        .header("content-type", "application/json")
        .header("webhook-id", id)
        .header("webhook-timestamp", time.to_string())
        .header("webhook-signature", format!("v1,{signature}"))
        .body(Body::from(body))
        .unwrap();
    house.send(request).await
}

#[tokio::test]
async fn a_call_is_told_to_the_desks_of_its_area_and_to_no_others() {
    on_both(|engine| async move {
        let house = house(&engine).await;
        house.take_down(json!({ "phone": "19900000001", "elder_name": "林某兰" })).await;
        let call = json!({ "phone": "199-0000-0001" });
        let first = sent(&house, "/v1/calls", "evt_1", &call, 0, SECRET).await.expect(200);
        let again = sent(&house, "/v1/calls", "evt_1", &call, 10, SECRET).await.expect(200);
        assert_eq!((&first["taken"], &again["taken"]), (&json!(true), &json!(false)));
        for page in ["/requests/calls", "/requests/new"] {
            let told = house.page(&street(), page).await.text;
            assert_eq!(told.matches("data-ringing=\"19900000001\"").count(), 1, "{told}");
            assert!(told.contains("来电 19900000001：林某兰"), "{told}");
        }
        let elsewhere = house.page(&officer(9, 100, "dispatcher", &[XIMEN]), "/requests/calls").await;
        assert!(!elsewhere.text.contains("data-ringing"), "{}", elsewhere.text);
        assert_eq!(house.page(&agency(), "/requests/calls").await.status, 403);
        house.clock.advance(std::time::Duration::from_mins(11));
        assert!(!house.page(&street(), "/requests/calls").await.text.contains("data-ringing"), "it rings no more");
        let unknown = json!({ "phone": "0000" });
        sent(&house, "/v1/calls", "evt_2", &unknown, 0, SECRET).await.refused(422, "invalid");
        sent(&house, "/v1/calls", "evt_3", &json!({ "number": 1 }), 0, SECRET).await.refused(422, "invalid");
    })
    .await;
}

#[tokio::test]
async fn an_alarm_is_an_urgent_request_once_whatever_it_lacks() {
    on_both(|engine| async move {
        let house = house(&engine).await;
        let full = json!({ "device_id": "SOS-0042", "kind": "sos", "elder_name": "林某兰", "phone": "19900000001",
            "address": "城东东苑 2 幢", "area_code": format!("{CHENGDONG}-C1-G1") });
        for _ in 0..2 {
            sent(&house, "/v1/alarms", "evt_1", &full, 0, SECRET).await.checked(201);
        }
        let bare =
            json!({ "device_id": "S-7", "kind": "smoke", "phone": "12", "area_code": XIMEN, "person_id": Uuid::nil() });
        assert_eq!(sent(&house, "/v1/alarms", "evt_2", &bare, 0, SECRET).await.expect(201)["taken"], true);
        let all = house.get(&street(), "/v1/requests?urgency=emergency").await.body;
        let items = all["items"].as_array().unwrap();
        assert_eq!(items.len(), 2, "each signal once: {all}");
        let of = |id: &str| items.iter().find(|r| r["external_id"] == format!("pbx:{id}")).unwrap();
        let (first, second) = (of("evt_1"), of("evt_2"));
        assert_eq!(
            (&first["source"], &first["category"], &first["state"]),
            (&json!("alarm"), &json!("emergency"), &json!("received"))
        );
        assert!(first["note"].as_str().unwrap().contains("一键呼叫，设备 SOS-0042"), "{first}");
        assert_eq!((&second["area_code"], &second["elder_name"]), (&json!(CHENGDONG), &json!("设备S-7的老人")));
        assert!(second["note"].as_str().unwrap().contains("电话：12"), "what cannot be called is kept: {second}");
        assert_eq!(house.counted().await, (2, 2));
    })
    .await;
}

#[tokio::test]
async fn nothing_that_an_alarm_says_wrongly_keeps_help_away() {
    on_both(|engine| async move {
        let house = house(&engine).await;
        let good = json!({ "device_id": "S-7", "kind": "sos" });
        let cases = [
            ("elder_name", json!("\u{200b}")),
            ("elder_name", json!("\u{0}")),
            ("elder_name", json!("长".repeat(200))),
            ("phone", json!("1".repeat(300))),
            ("phone", json!("199\u{0}0000")),
            ("phone", json!("19900000001\n19900000002")),
            ("address", json!("长".repeat(2_000))),
            ("note", json!("长\u{7}".repeat(1_500))),
            ("device_id", json!("S".repeat(5_000))),
            ("person_id", json!("42")),
            ("area_code", json!("no such")),
            ("kind", json!("水浸")),
            ("battery", json!(7)),
        ];
        for (n, (field, value)) in cases.iter().enumerate() {
            let mut alarm = good.clone();
            alarm[*field] = value.clone();
            let answer = sent(&house, "/v1/alarms", &format!("evt_{n}"), &alarm, 0, SECRET).await;
            assert_eq!(answer.status, 201, "{field}: {}", answer.text);
        }
        let all = house.get(&street(), "/v1/requests?urgency=emergency").await.body;
        let items = all["items"].as_array().unwrap();
        assert_eq!(items.len(), cases.len(), "{all}");
        let of = |n: usize| items.iter().find(|r| r["external_id"] == format!("pbx:evt_{n}")).unwrap();
        assert!(of(0)["elder_name"].as_str().unwrap().contains("S-7"), "{}", of(0));
        assert_eq!(of(5)["phone"], "19900000001");
        assert!(of(11)["note"].as_str().unwrap().starts_with("水浸，设备"), "{}", of(11));
    })
    .await;
}

#[tokio::test]
async fn a_signal_is_short_and_calls_of_a_busy_area_hide_no_others() {
    on_both(|engine| async move {
        let secret = format!("whsec_{}", STANDARD.encode(SECRET));
        let sender = |name: &str, area: &str, secret: &str| json!({ "name": name, "organisation_id": Uuid::from_u128(100), "area_code": area, "secret": secret });
        let other = [7; 32];
        let file = json!([sender("pbx", CHENGDONG, &secret), sender("west", XIMEN, &format!("whsec_{}", STANDARD.encode(other)))]);
        let hooks = Hooks::read(&file.to_string()).unwrap();
        let house = House::with(&engine, Config { hooks, ..Config::default() }).await;
        let call = json!({ "phone": "19900000001" });
        sent(&house, "/v1/calls", "west_1", &call, 0, &other).await.expect(200);
        for n in 0..101 {
            let call = json!({ "phone": format!("1990000{n:04}") });
            sent(&house, "/v1/calls", &format!("evt_{n}"), &call, 0, SECRET).await.expect(200);
        }
        let west = house.page(&officer(9, 100, "dispatcher", &[XIMEN]), "/requests/calls").await.text;
        assert_eq!(west.matches("data-ringing=\"19900000001\"").count(), 1, "{west}");
        let east = house.page(&officer(10, 100, "dispatcher", &[CHENGDONG]), "/requests/calls").await.text;
        assert_eq!(east.matches("data-ringing").count(), 5, "the latest: {east}");
        for path in ["/v1/calls", "/v1/alarms"] {
            let long = json!({ "note": "n".repeat(SIGNAL_BYTES_MAX) });
            sent(&house, path, "evt_long", &long, 0, SECRET).await.refused(413, "too-large");
        }
    })
    .await;
}

#[tokio::test]
async fn a_forged_or_an_old_signal_does_nothing() {
    on_both(|engine| async move {
        let house = house(&engine).await;
        let body = json!({ "device_id": "S-7", "kind": "sos" });
        for path in ["/v1/alarms", "/v1/calls"] {
            sent(&house, path, "evt_1", &body, 301, SECRET).await.refused(401, "unauthenticated");
            sent(&house, path, "evt_1", &body, -301, SECRET).await.refused(401, "unauthenticated");
            sent(&house, path, "evt_1", &body, 0, b"another secret").await.refused(401, "unauthenticated");
            house.call(None, "POST", path, Some(body.clone()), &[]).await.refused(401, "unauthenticated");
            house.call(Some(&street()), "POST", path, Some(body.clone()), &[]).await.refused(401, "unauthenticated");
        }
        assert_eq!(house.counted().await, (0, 0));
        let nobody = House::open(&engine).await;
        sent(&nobody, "/v1/alarms", "evt_1", &body, 0, SECRET).await.refused(401, "unauthenticated");
    })
    .await;
}
