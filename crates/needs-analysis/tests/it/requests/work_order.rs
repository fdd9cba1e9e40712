//! The work order's life: its steps, who may take them, what follows from visits, and its clock.

use std::time::Duration;

use sanbao_platform::testing::on_both;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::requests::house::{House, administrator, agency, agency_id, analyst, other_agency, other_agency_id, street};

async fn accepted(house: &House) -> String {
    let id = house.take_down(json!({})).await;
    house.step(&street(), &id, "triage", json!({"urgency": "urgent"})).await;
    house.step(&street(), &id, "dispatch", json!({"agency_id": agency_id()})).await;
    house.step(&agency(), &id, "accept", json!({})).await;
    id
}

async fn visit(house: &House, id: &str, what: &str) {
    let data = json!({"visit_id": Uuid::from_u128(77), "request_id": id, "at": house.now()});
    house.hear(&format!("booking.visit.{what}"), Uuid::from_u128(77), data).await;
}

#[tokio::test]
async fn a_request_goes_from_the_telephone_to_a_closed_file() {
    on_both(|engine| async move {
        let house = House::open(&engine).await;
        let id = accepted(&house).await;
        let (kind, data) = house.published().await.pop().unwrap();
        assert_eq!(kind, "needs.request.accepted");
        assert_eq!(data["request_id"], json!(id));
        assert_eq!(data["agency_id"], json!(agency_id()));
        assert_eq!((&data["name"], &data["phone"]), (&json!("林某兰"), &json!("19900000001")));
        assert!(data["national_id_index"].as_str().unwrap().len() == 64);
        for (what, state) in [("scheduled", "scheduled"), ("started", "in_service"), ("completed", "done")] {
            visit(&house, &id, what).await;
            assert_eq!(house.state(&id).await, state);
        }
        house.step(&street(), &id, "follow-up", json!({"note": "满意"})).await;
        let closed = house.step(&street(), &id, "close", json!({})).await;
        assert_eq!((&closed["state"], &closed["legal"], &closed["sla"]), (&json!("closed"), &json!([]), &Value::Null));
        let shown = house.get(&street(), &format!("/v1/requests/{id}")).await.body;
        let steps: Vec<_> = shown["history"].as_array().unwrap().iter().map(|h| h["step"].as_str().unwrap().to_owned()).collect();
        let expected =
            ["receive", "triage", "dispatch", "accept", "visit-scheduled", "visit-started", "visit-completed", "follow-up", "close"];
        assert_eq!(steps, expected);
        assert_eq!(house.counted().await, (1, 1));
        assert_eq!(house.count("select cast(n as bigint) from rollup where area_code = '330211001' and grain = 'day' and state = 'closed'").await, 1);
        assert!(house.count("select count(*) from audit where action like 'request.%'").await >= 9);
    })
    .await;
}

#[tokio::test]
async fn an_illegal_step_says_what_would_be_legal() {
    on_both(|engine| async move {
        let house = House::open(&engine).await;
        let id = house.take_down(json!({})).await;
        let answer = house.post(&street(), &format!("/v1/requests/{id}/close"), json!({})).await;
        assert_eq!(answer.status, 409);
        assert_eq!(answer.body["type"], "/problems/invalid-transition");
        assert_eq!(answer.body["state"], "received");
        assert_eq!(answer.body["legal"], json!(["triage", "resolve", "cancel", "escalate", "merge"]));
        for (step, body, pointer) in [
            ("cancel", json!({}), "/reason"),
            ("cancel", json!({"reason": " "}), "/reason"),
            ("escalate", json!({"reason": "长".repeat(2001)}), "/reason"),
            ("merge", json!({}), "/into"),
            ("merge", json!({"into": id}), "/into"),
            ("merge", json!({"into": Uuid::from_u128(5)}), "/into"),
            ("triage", json!({"urgency": "soon"}), "/urgency"),
        ] {
            let answer = house.post(&street(), &format!("/v1/requests/{id}/{step}"), body).await;
            assert_eq!(
                (answer.status.as_u16(), &answer.body["errors"][0]["pointer"]),
                (422, &json!(pointer)),
                "{}",
                answer.text
            );
        }
        house.step(&street(), &id, "triage", json!({})).await;
        for agency in [json!({}), json!({"agency_id": Uuid::from_u128(999)})] {
            assert_eq!(house.post(&street(), &format!("/v1/requests/{id}/dispatch"), agency).await.status, 422);
        }
        assert_eq!(house.state(&id).await, "triaged");
        assert_eq!(
            house.post(&street(), &format!("/v1/requests/{}/close", Uuid::from_u128(1)), json!({})).await.status,
            404
        );
    })
    .await;
}

#[tokio::test]
async fn street_and_agency_have_their_own_steps() {
    on_both(|engine| async move {
        let house = House::open(&engine).await;
        let id = house.take_down(json!({})).await;
        let at = |step: &str| format!("/v1/requests/{id}/{step}");
        for (who, status) in [(analyst(), 403), (administrator(), 403), (agency(), 404)] {
            assert_eq!(house.post(&who, &at("triage"), json!({})).await.status, status);
        }
        house.step(&street(), &id, "triage", json!({})).await;
        house.step(&street(), &id, "dispatch", json!({"agency_id": agency_id()})).await;
        assert_eq!(house.post(&street(), &at("accept"), json!({})).await.status, 403);
        assert_eq!(house.post(&other_agency(), &at("accept"), json!({})).await.status, 404);
        assert_eq!(house.post(&agency(), &at("cancel"), json!({"reason": "x"})).await.status, 403);
        house.step(&agency(), &id, "reject", json!({"reason": "人手不够"})).await;
        house.step(&street(), &id, "dispatch", json!({"agency_id": other_agency_id()})).await;
        assert_eq!(house.get(&agency(), &at("")[..at("").len() - 1]).await.status, 404, "it is not theirs any more");
        house.step(&other_agency(), &id, "accept", json!({})).await;
        house.step(&other_agency(), &id, "reject", json!({"reason": "护理员生病"})).await;
        let kinds: Vec<_> = house.published().await.into_iter().map(|(kind, _)| kind).collect();
        assert_eq!(kinds, ["needs.request.accepted", "needs.request.cancelled"]);
    })
    .await;
}

#[tokio::test]
async fn two_people_cannot_both_be_first() {
    on_both(|engine| async move {
        let house = House::open(&engine).await;
        let id = house.take_down(json!({})).await;
        let read = house.get(&street(), &format!("/v1/requests/{id}")).await;
        assert_eq!(read.headers["etag"], "\"1\"");
        house.step(&street(), &id, "triage", json!({})).await;
        let late = house
            .call(
                Some(&street()),
                "POST",
                &format!("/v1/requests/{id}/cancel"),
                Some(json!({"reason": "x"})),
                &[("if-match", "\"1\"")],
            )
            .await;
        assert_eq!(late.status, 412);
        house.step(&street(), &id, "dispatch", json!({"agency_id": agency_id()})).await;
        let (person, path) = (agency(), format!("/v1/requests/{id}/accept"));
        let both = tokio::join!(house.post(&person, &path, json!({})), house.post(&person, &path, json!({})));
        let mut statuses = [both.0.status.as_u16(), both.1.status.as_u16()];
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 409]);
        assert_eq!(house.published().await.len(), 1);
    })
    .await;
}

#[tokio::test]
async fn visits_move_the_order_once_and_old_news_changes_nothing() {
    on_both(|engine| async move {
        let house = House::open(&engine).await;
        let id = accepted(&house).await;
        for (what, state) in [
            ("scheduled", "scheduled"),
            ("cancelled", "accepted"),
            ("scheduled", "scheduled"),
            ("scheduled", "scheduled"),
            ("no_show", "no_show"),
            ("cancelled", "no_show"),
            ("scheduled", "scheduled"),
            ("completed", "done"),
            ("started", "done"),
        ] {
            visit(&house, &id, what).await;
            assert_eq!(house.state(&id).await, state, "{what}");
        }
        house.step(&street(), &id, "reopen", json!({"reason": "没有擦干净"})).await;
        visit(&house, &id, "completed").await;
        assert_eq!(house.state(&id).await, "reopened");
        assert_eq!(house.parked().await, 0);
        let stray = json!({"visit_id": Uuid::from_u128(78), "request_id": null, "at": house.now()});
        house.hear("booking.visit.started", Uuid::from_u128(78), stray).await;
        assert_eq!(house.parked().await, 0);
        visit(&house, &Uuid::from_u128(4711).to_string(), "started").await;
        assert_eq!(house.parked().await, 1, "a visit of a request that nobody knows waits for an operator");
        assert_eq!(house.counted().await, (1, 1));
    })
    .await;
}

#[tokio::test]
async fn a_cancelled_or_merged_request_frees_the_agency() {
    on_both(|engine| async move {
        let house = House::open(&engine).await;
        let id = accepted(&house).await;
        house.step(&street(), &id, "cancel", json!({"reason": "住院了"})).await;
        assert_eq!(
            house.published().await.pop().unwrap(),
            ("needs.request.cancelled".into(), json!({"request_id": id}))
        );
        let (first, second) = (house.take_down(json!({})).await, house.take_down(json!({})).await);
        let merged = house.step(&street(), &second, "merge", json!({"into": first})).await;
        assert_eq!((&merged["state"], &merged["merged_into"]), (&json!("merged"), &json!(first)));
        let into_ended = house.post(&street(), &format!("/v1/requests/{first}/merge"), json!({"into": second})).await;
        assert_eq!(into_ended.status, 422);
        let answered = house.step(&street(), &first, "resolve", json!({"note": "已告知"})).await;
        assert_eq!(answered["state"], "done");
    })
    .await;
}

#[tokio::test]
async fn the_clock_of_a_request_runs() {
    on_both(|engine| async move {
        let house = House::open(&engine).await;
        let id = house.take_down(json!({"urgency": "emergency"})).await;
        for (minutes, status) in [(0, "on_track"), (4, "at_risk"), (2, "breached")] {
            house.clock.advance(Duration::from_secs(minutes * 60));
            let shown = house.get(&street(), &format!("/v1/requests/{id}")).await;
            assert_eq!(shown.body["sla"]["status"], status, "{}", shown.text);
        }
    })
    .await;
}

#[tokio::test]
async fn an_elder_is_recognised_whoever_comes_first() {
    on_both(|engine| async move {
        let house = House::open(&engine).await;
        let before = house.take_down(json!({})).await;
        let index = house.app.deps.fields.blind_index("national_id", "11010519491231002X");
        let elder = Uuid::from_u128(42);
        let data = json!({"person_id": elder, "organisation_id": null, "area_code": null, "birth_year": 1949,
            "sex": "female", "national_id_index": index});
        house.hear("booking.person.registered", elder, data.clone()).await;
        house.hear("booking.person.updated", elder, data).await;
        let after = house.take_down(json!({})).await;
        for id in [before, after] {
            assert_eq!(house.get(&street(), &format!("/v1/requests/{id}")).await.body["person_id"], json!(elder));
        }
        let stranger = house.take_down(json!({"national_id": null})).await;
        assert!(house.get(&street(), &format!("/v1/requests/{stranger}")).await.body["person_id"].is_null());
        let organisation = json!({"organisation_id": Uuid::from_u128(333), "kind": "home_care_agency", "name_zh": "丙机构", "name_en": "C"});
        house.hear("booking.organisation.registered", Uuid::from_u128(333), organisation).await;
        assert_eq!(house.count("select count(*) from agency").await, 3);
        assert_eq!(house.parked().await, 0);
    })
    .await;
}
