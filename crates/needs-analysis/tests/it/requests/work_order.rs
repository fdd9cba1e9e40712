//! The work order's life: its steps and their permissions, the effects of visits, and its clock.

use std::time::Duration;

use sanbao_needs_analysis::area::AreaCode;
use sanbao_needs_analysis::request::directory;
use sanbao_platform::on;
use sanbao_platform::testing::on_both;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::requests::house::{
    CHENGDONG, House, administrator, agency, agency_id, analyst, other_agency, other_agency_id, street,
};

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
async fn nothing_is_sent_to_an_agency_that_was_closed() {
    on_both(|engine| async move {
        let house = House::open(&engine).await;
        let id = house.take_down(json!({})).await;
        let end = json!({"organisation_id": agency_id(), "kind": "home_care_agency"});
        house.hear("booking.organisation.closed", agency_id(), end.clone()).await;
        house.step(&street(), &id, "triage", json!({})).await;
        let path = format!("/v1/requests/{id}/dispatch");
        let dispatch = async || house.post(&street(), &path, json!({"agency_id": agency_id()})).await;
        let offered = async || {
            let page =
                house.call(Some(&street()), "GET", &format!("/requests/{id}"), None, &[("accept", "text/html")]).await;
            let page = page.checked(200).text;
            (page.contains("甲机构"), page.contains("乙机构"))
        };
        assert_eq!(dispatch().await.refused(422, "invalid").body["errors"][0]["pointer"], "/agency_id");
        assert_eq!(offered().await, (false, true));
        house.hear("booking.organisation.reopened", agency_id(), end).await;
        assert_eq!(offered().await, (true, true));
        dispatch().await.checked(200);
        assert_eq!(house.parked().await, 0);
    })
    .await;
}

#[tokio::test]
async fn street_offices_are_known_with_their_areas_until_they_are_closed() {
    on_both(|engine| async move {
        let house = House::open(&engine).await;
        let office = Uuid::from_u128(100);
        let known = async || directory::offices(&mut house.app.deps.db.read().await.unwrap()).await.unwrap();
        let mut data =
            json!({"organisation_id": office, "kind": "street_office", "name_zh": "甲街道", "name_en": "First"});
        // An event of the release before names no area.
        house.hear("booking.organisation.registered", office, data.clone()).await;
        assert_eq!(known().await[0].area_code, None);
        data["area_code"] = json!(CHENGDONG);
        house.hear("booking.organisation.registered", office, data.clone()).await;
        let offices = known().await;
        assert_eq!(offices.len(), 1);
        assert_eq!(offices[0].area_code.as_ref().map(AreaCode::as_str), Some(CHENGDONG));
        house.hear("booking.organisation.closed", office, data).await;
        assert_eq!((known().await.len(), house.parked().await), (0, 0));
    })
    .await;
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
        assert_eq!((&closed["state"], &closed["legal"], &closed["sla"]), (&json!("closed"), &json!(["reopen", "comment"]), &Value::Null));
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
        assert_eq!(
            answer.body["legal"],
            json!(["triage", "resolve", "cancel", "escalate", "merge", "edit", "comment", "assign", "pause"])
        );
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

/// A visit called off, as booking tells it.
async fn called_off(house: &House, id: &str, visit: u128, more: Value) {
    let mut data = json!({"visit_id": Uuid::from_u128(visit), "request_id": id, "at": house.now()});
    for (key, value) in more.as_object().unwrap() {
        data[key] = value.clone();
    }
    house.hear("booking.visit.cancelled", Uuid::from_u128(visit), data).await;
}

#[tokio::test]
async fn a_reopened_request_that_is_accepted_again_takes_a_new_visit() {
    on_both(|engine| async move {
        let house = House::open(&engine).await;
        let id = accepted(&house).await;
        for what in ["scheduled", "started", "completed"] {
            visit(&house, &id, what).await;
        }
        house.step(&street(), &id, "reopen", json!({"reason": "没打扫完"})).await;
        house.step(&street(), &id, "triage", json!({})).await;
        house.step(&street(), &id, "dispatch", json!({"agency_id": agency_id()})).await;
        house.step(&agency(), &id, "accept", json!({})).await;
        let kinds: Vec<_> = house.published().await.into_iter().map(|(kind, _)| kind).collect();
        assert_eq!(kinds, ["needs.request.accepted", "needs.request.accepted"]);
        let second = Uuid::from_u128(78);
        for (what, state) in [("scheduled", "scheduled"), ("started", "in_service"), ("completed", "done")] {
            let data = json!({"visit_id": second, "request_id": id, "at": house.now()});
            house.hear(&format!("booking.visit.{what}"), second, data).await;
            assert_eq!(house.state(&id).await, state);
            visit(&house, &id, "no_show").await;
            assert_eq!(house.state(&id).await, state, "the first visit has nothing to say any more");
        }
        assert_eq!((house.counted().await, house.parked().await), ((1, 1), 0));
    })
    .await;
}

#[tokio::test]
async fn an_order_that_its_agency_calls_off_before_it_has_a_time_goes_back_to_the_street() {
    on_both(|engine| async move {
        let house = House::open(&engine).await;
        let id = accepted(&house).await;
        called_off(&house, &id, 77, json!({})).await;
        assert_eq!(house.state(&id).await, "accepted", "older events were of visits that had a time");
        called_off(&house, &id, 77, json!({"was_scheduled": false, "reason": "本周没有照护员"})).await;
        let shown = house.get(&street(), &format!("/v1/requests/{id}")).await.body;
        assert_eq!((&shown["state"], &shown["agency_id"]), (&json!("rejected"), &json!(agency_id())));
        let last = shown["history"].as_array().unwrap().last().unwrap();
        assert_eq!((&last["step"], &last["reason"]), (&json!("order-cancelled"), &json!("本周没有照护员")));
        assert!(last["actor"].is_null());
        let (kind, data) = house.published().await.pop().unwrap();
        assert_eq!((kind.as_str(), data), ("needs.request.cancelled", json!({"request_id": id})));
        assert_eq!(house.miscounted().await, 0);
        house.step(&street(), &id, "dispatch", json!({"agency_id": other_agency_id()})).await;
        house.step(&other_agency(), &id, "accept", json!({})).await;
    })
    .await;
}

#[tokio::test]
async fn an_order_that_the_street_has_withdrawn_moves_its_request_no_more() {
    on_both(|engine| async move {
        let house = House::open(&engine).await;
        let id = accepted(&house).await;
        let long_ago = house.now() - Duration::from_secs(1);
        house.step(&agency(), &id, "reject", json!({"reason": "护理员生病"})).await;
        called_off(&house, &id, 77, json!({"was_scheduled": false, "withdrawn": true, "reason": "需求已取消"})).await;
        assert_eq!(house.state(&id).await, "rejected");
        house.step(&street(), &id, "dispatch", json!({"agency_id": agency_id()})).await;
        house.step(&agency(), &id, "accept", json!({})).await;
        for late in [
            json!({"was_scheduled": false, "withdrawn": true}),
            json!({"was_scheduled": false, "withdrawn": false, "at": long_ago}),
        ] {
            called_off(&house, &id, 77, late.clone()).await;
            assert_eq!(house.state(&id).await, "accepted", "{late}");
        }
        let second = Uuid::from_u128(78);
        let data = json!({"visit_id": second, "request_id": id, "at": house.now()});
        house.hear("booking.visit.scheduled", second, data).await;
        called_off(&house, &id, 77, json!({"was_scheduled": false})).await;
        assert_eq!(house.state(&id).await, "scheduled", "the order that has a time is another one");
        called_off(&house, &id, 78, json!({"was_scheduled": true, "reason": "老人不在家"})).await;
        assert_eq!(house.state(&id).await, "accepted", "the order stands and can be repeated");
        called_off(&house, &id, 79, json!({"was_scheduled": false})).await;
        assert_eq!(house.state(&id).await, "rejected");
        house.step(&street(), &id, "cancel", json!({"reason": "住院了"})).await;
        called_off(&house, &id, 79, json!({"was_scheduled": false})).await;
        assert_eq!((house.state(&id).await.as_str(), house.parked().await), ("cancelled", 0));
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
async fn a_number_that_cannot_be_read_is_said_and_hides_no_request() {
    on_both(|engine| async move {
        let house = House::open(&engine).await;
        let broken = house.take_down(json!({})).await;
        let whole = house.take_down(json!({})).await;
        let mut tx = house.app.deps.db.begin().await.unwrap();
        let spoilt = on!(tx, |c| {
            let row = sqlx::query("update request set national_id_sealed = $2 where id = $1");
            let row = row.bind(broken.parse::<Uuid>().unwrap()).bind(b"not what was sealed here".to_vec());
            row.execute(c).await.map(|done| done.rows_affected())
        });
        assert_eq!(spoilt.unwrap(), 1);
        tx.commit().await.unwrap();
        let list = house.get(&street(), "/v1/requests").await;
        assert_eq!(list.status, 200);
        let of = |id: &str| list.body["items"].as_array().unwrap().iter().find(|r| r["id"] == id).unwrap().clone();
        let (broken, whole) = (of(&broken), of(&whole));
        assert_eq!((&broken["national_id"], &broken["national_id_unreadable"]), (&Value::Null, &json!(true)));
        assert!(whole["national_id"].is_string() && whole["national_id_unreadable"].is_null());
    })
    .await;
}

#[tokio::test]
async fn an_elder_is_recognised_whichever_event_comes_first() {
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
        house.take_down(json!({"national_id": null})).await;
        assert_eq!(house.count("select count(*) from request where person_id is not null").await, 2);
        for id in [before, after] {
            let told = house.get(&street(), &format!("/v1/requests/{id}")).await.checked(200);
            assert!(!told.text.contains(&elder.to_string()), "who is registered somewhere is not told: {}", told.text);
        }
        let organisation = json!({"organisation_id": Uuid::from_u128(333), "kind": "home_care_agency", "name_zh": "丙机构", "name_en": "C"});
        house.hear("booking.organisation.registered", Uuid::from_u128(333), organisation).await;
        assert_eq!(house.count("select count(*) from agency").await, 3);
        assert_eq!(house.parked().await, 0);
    })
    .await;
}
