//! A request that is put right, waited for, and opened again.

use std::time::Duration;

use sanbao_platform::testing::on_both;
use serde_json::{Value, json};

use super::house::{House, agency, agency_id, street};

async fn last_line(house: &House, id: &str) -> Value {
    let shown = house.get(&street(), &format!("/v1/requests/{id}")).await.body;
    shown["history"].as_array().unwrap().last().unwrap().clone()
}

#[tokio::test]
async fn what_is_put_right_stands_in_the_history_with_what_stood_there_before() {
    on_both(|engine| async move {
        let house = House::open(&engine).await;
        let id = house.take_down(json!({})).await;
        let edit = json!({"phone": "199 0000 0002", "address": "", "urgency": "urgent", "reason": "老人女儿来电"});
        let now = house.step(&street(), &id, "edit", edit).await;
        assert_eq!(
            (&now["phone"], &now["address"], &now["urgency"]),
            (&json!("19900000002"), &Value::Null, &json!("urgent"))
        );
        assert_eq!((&now["elder_name"], &now["note"]), (&json!("林某兰"), &json!("送午饭")), "what is not told stays");
        assert!(now["national_id"].as_str().is_some(), "so does the resident id");
        let line = last_line(&house, &id).await;
        let note = "电话：19900000001 → 19900000002\n地址：城东东苑 2 幢 1 单元 → （无）\n紧急程度：普通 → 加急";
        assert_eq!(
            (&line["step"], &line["reason"], &line["note"]),
            (&json!("edit"), &json!("老人女儿来电"), &json!(note))
        );
        assert_eq!(line["actor_name"], json!("测试"));
        assert_eq!(house.miscounted().await, 0);
        for (body, pointer) in [
            (json!({"phone": "12"}), "/phone"),
            (json!({"elder_name": " "}), "/elder_name"),
            (json!({"area_code": "330211001999"}), "/area_code"),
            (json!({"area_code": "330211002001"}), "/area_code"),
            (json!({"national_id": "123"}), "/national_id"),
            (json!({"note": "长".repeat(2001)}), "/note"),
            (json!({"reason": "长".repeat(2001), "note": "软些"}), "/reason"),
            (json!({"urgency": "urgent"}), "/"),
        ] {
            let refused = house.post(&street(), &format!("/v1/requests/{id}/edit"), body.clone()).await;
            assert_eq!(
                (refused.status.as_u16(), &refused.body["errors"][0]["pointer"]),
                (422, &json!(pointer)),
                "{body}"
            );
        }
        let unknown = house.post(&street(), &format!("/v1/requests/{id}/edit"), json!({"state": "closed"})).await;
        assert_eq!(unknown.status, 422);
    })
    .await;
}

#[tokio::test]
async fn an_agency_that_has_taken_it_is_told_what_was_put_right() {
    on_both(|engine| async move {
        let house = House::open(&engine).await;
        let id = house.take_down(json!({})).await;
        house.step(&street(), &id, "triage", json!({})).await;
        house.step(&street(), &id, "dispatch", json!({"agency_id": agency_id()})).await;
        house.step(&agency(), &id, "accept", json!({})).await;
        house.step(&street(), &id, "edit", json!({"address": "城东东苑 3 幢"})).await;
        let (kind, data) = house.published().await.pop().unwrap();
        assert_eq!((kind.as_str(), &data["address"]), ("needs.request.updated", &json!("城东东苑 3 幢")));
        let refused = house.post(&agency(), &format!("/v1/requests/{id}/edit"), json!({"note": "不"})).await;
        assert_eq!(refused.status, 403);
        house.step(&agency(), &id, "comment", json!({"note": "到了敲三下"})).await;
        assert_eq!(last_line(&house, &id).await["note"], json!("到了敲三下"));
        let empty = house.post(&agency(), &format!("/v1/requests/{id}/comment"), json!({"note": " "})).await;
        assert_eq!((empty.status.as_u16(), &empty.body["errors"][0]["pointer"]), (422, &json!("/note")));
    })
    .await;
}

#[tokio::test]
async fn the_clock_stands_still_while_the_elder_is_waited_for() {
    on_both(|engine| async move {
        let house = House::open(&engine).await;
        let id = house.take_down(json!({})).await;
        let path = format!("/v1/requests/{id}/pause");
        for (until, right) in
            [("2026-12-07 12:00", true), ("2026-12-07 12:05", false), ("2026-11-23 12:00", false), ("后天", false)]
        {
            let body = json!({"until": until, "reason": "老人住院"});
            let answer = house.post(&street(), &path, body).await;
            assert_eq!(answer.status, if right { 200 } else { 422 }, "{until}: {}", answer.text);
            if right {
                house.step(&street(), &id, "resume", json!({})).await;
            }
        }
        let paused =
            house.step(&street(), &id, "pause", json!({"until": "2026-11-23 14:01", "reason": "下午再打"})).await;
        assert_eq!(paused["sla"]["status"], json!("paused"));
        assert!(paused["legal"].as_array().unwrap().contains(&json!("resume")));
        let again = house.post(&street(), &path, json!({"until": "2026-11-23 15:00", "reason": "再等"})).await;
        assert_eq!(again.status, 409);
        let reasonless = house.post(&street(), &path, json!({"until": "2026-11-23 15:00"})).await;
        assert_eq!(reasonless.status, 422);
        house.clock.advance(Duration::from_hours(2));
        let now = house.get(&street(), &format!("/v1/requests/{id}")).await.body;
        assert_eq!(now["sla"]["status"], json!("on_track"), "it went on by itself");
        assert!(now["legal"].as_array().unwrap().contains(&json!("pause")));
        let refused = house.post(&street(), &format!("/v1/requests/{id}/resume"), json!({})).await;
        assert_eq!(refused.status, 409);
    })
    .await;
}

#[tokio::test]
async fn a_closed_file_is_opened_again_for_thirty_days() {
    on_both(|engine| async move {
        let house = House::open(&engine).await;
        let closed = async |satisfaction: Value| {
            let id = house.take_down(json!({})).await;
            house.step(&street(), &id, "resolve", json!({})).await;
            house.step(&street(), &id, "follow-up", satisfaction).await;
            house.step(&street(), &id, "close", json!({})).await;
            id
        };
        let id = closed(json!({"satisfaction": "satisfied"})).await;
        let late = closed(json!({"satisfaction": "unsatisfied", "reason": "没打扫干净"})).await;
        assert_eq!(
            house.get(&street(), &format!("/v1/requests/{late}")).await.body["satisfaction"],
            json!("unsatisfied")
        );
        house.clock.advance(Duration::from_hours(30 * 24 - 1));
        let again = house.step(&street(), &id, "reopen", json!({"reason": "又坏了"})).await;
        assert_eq!((&again["state"], &again["satisfaction"]), (&json!("reopened"), &Value::Null));
        assert_eq!(house.miscounted().await, 0);
        house.clock.advance(Duration::from_hours(2));
        let refused = house.post(&street(), &format!("/v1/requests/{late}/reopen"), json!({"reason": "又坏了"})).await;
        assert_eq!(refused.status, 409, "{}", refused.text);
        let legal = house.get(&street(), &format!("/v1/requests/{late}")).await.body["legal"].clone();
        assert_eq!(legal, json!(["comment"]));
        let id = house.take_down(json!({})).await;
        house.step(&street(), &id, "resolve", json!({})).await;
        let path = format!("/v1/requests/{id}/follow-up");
        let reasonless = house.post(&street(), &path, json!({"satisfaction": "unsatisfied"})).await;
        assert_eq!((reasonless.status.as_u16(), &reasonless.body["errors"][0]["pointer"]), (422, &json!("/reason")));
    })
    .await;
}
