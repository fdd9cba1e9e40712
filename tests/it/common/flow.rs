//! The work of the network step by step, as people do it by the API.

use chrono::{DateTime, Duration, Utc};
use sanbao_platform::clock::Clock;
use sanbao_platform::testing::eventually;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Client, Served};

/// The text at `pointer`.
pub fn text(value: &Value, pointer: &str) -> String {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_else(|| panic!("no {pointer} in {value}")).to_owned()
}

/// An organisation's id by its kind.
pub async fn organisation(nobody: &Client, kind: &str) -> String {
    let all = nobody.demo("admin").await.get("/v1/organisations").await.expect(200);
    let found = all["items"].as_array().unwrap().iter().find(|o| o["kind"] == kind);
    text(found.unwrap_or_else(|| panic!("no {kind}")), "/id")
}

/// An account's id by its log-in.
pub async fn account(nobody: &Client, organisation: &str, login: &str) -> String {
    let path = format!("/v1/organisations/{organisation}/accounts?limit=200");
    let all = nobody.demo("admin").await.get(&path).await.expect(200);
    let found = all["items"].as_array().unwrap().iter().find(|a| a["login"] == login);
    text(found.unwrap_or_else(|| panic!("no {login} in {all}")), "/id")
}

/// A request as somebody on the telephone gives it.
pub fn new_request(note: &str) -> Value {
    json!({ "area_code": "330211001001", "category": "bath", "urgency": "normal", "elder_name": "林某兰",
        "phone": "19900000001", "address": "城东东苑 2 幢 1 单元 101", "note": note })
}

/// Both sides of an order: the street's desk and the agency.
#[derive(Clone)]
pub struct Dispatchers {
    /// Takes requests down and hands them out.
    pub desk: Client,
    /// Accepts them and plans who goes.
    pub agency: Client,
}

impl Dispatchers {
    /// Those of the demo.
    pub async fn of(nobody: &Client) -> Self {
        Self { desk: nobody.demo("desk").await, agency: nobody.demo("dispatcher").await }
    }

    /// The side that takes a step of a request.
    pub fn taking(&self, step: &str) -> &Client {
        if matches!(step, "accept" | "reject") { &self.agency } else { &self.desk }
    }
}

/// A request taken down, sent to the agency and accepted by it; its id.
pub async fn accepted_request(nobody: &Client, note: &str) -> String {
    let agency = organisation(nobody, "home_care_agency").await;
    let dispatchers = Dispatchers::of(nobody).await;
    let request = dispatchers.desk.post("/v1/requests", &new_request(note)).await.expect(201);
    let id = text(&request, "/id");
    for (step, body) in [("triage", json!({})), ("dispatch", json!({ "agency_id": agency })), ("accept", json!({}))] {
        let path = format!("/v1/requests/{id}/{step}");
        // The agency is known to needs-analysis once booking's event has come.
        eventually(step, async || {
            let answer = dispatchers.taking(step).post(&path, &body).await;
            assert!(answer.status == 200 || step == "dispatch", "{step}: {}", answer.text);
            (answer.status == 200).then_some(())
        })
        .await;
    }
    id
}

/// The visit that came of a request, as its dispatcher sees it.
pub async fn visit_of(dispatcher: &Client, request: &str) -> Value {
    eventually("an accepted request becomes a visit", async || {
        let mut after = String::new();
        loop {
            let page = dispatcher.get(&format!("/v1/visits?limit=200{after}")).await.expect(200);
            let found = page["items"].as_array().unwrap().iter().find(|v| v["request_id"] == request).cloned();
            match (found, page["next"].as_str()) {
                (Some(visit), _) => return Some(visit),
                (None, None) => return None,
                (None, Some(next)) => after = format!("&after={next}"),
            }
        }
    })
    .await
}

/// Waits until a request is in `state`.
pub async fn request_is(dispatcher: &Client, id: &str, state: &str) -> Value {
    eventually(&format!("the request is {state}"), async || {
        let request = dispatcher.get(&format!("/v1/requests/{id}")).await.expect(200);
        (request["state"] == state).then_some(request)
    })
    .await
}

/// A care home's invitation to the hospital, to be held within the coming week.
pub fn invitation(resident: &str, hospital: &str, specialty: &str, now: DateTime<Utc>) -> Value {
    json!({ "resident_id": resident, "hospital_id": hospital,
        "reason": "近一周血压波动，夜间头晕两次", "purpose": "调整降压方案",
        "wanted_from": now, "wanted_until": now + Duration::days(7),
        "case_summary": "高血压十年，现服氨氯地平 5 mg 每日一次。今晨 168/92 mmHg，心率 78 次/分。",
        "wanted_specialty": specialty, "submit": true })
}

/// The care home's residents, by id.
pub async fn residents(nurse: &Client) -> Vec<String> {
    let all = nurse.get("/v1/persons").await.expect(200);
    all["items"].as_array().unwrap().iter().map(|p| text(p, "/id")).collect()
}

/// An accepted consult about `resident`; its id.
pub async fn accepted_consult(served: &Served, resident: &str) -> String {
    let nobody = served.nobody();
    let (nurse, doctor) = (nobody.demo("nurse").await, nobody.demo("doctor").await);
    let hospital = organisation(&nobody, "hospital").await;
    accepted_between(served, (&nurse, &doctor), &hospital, resident).await
}

/// The same by people who are logged in already.
pub async fn accepted_between(
    served: &Served,
    (nurse, doctor): (&Client, &Client),
    hospital: &str,
    resident: &str,
) -> String {
    let wanted = invitation(resident, hospital, "geriatrics", served.clock.now());
    let consult = nurse.post("/v1/consults", &wanted).await.expect(201);
    let id = text(&consult, "/id");
    doctor.post(&format!("/v1/consults/{id}/accept"), &json!({})).await.expect(200);
    id
}

/// The first free slots of a consult in `room`.
pub async fn slots(served: &Served, nurse: &Client, consult: &str, room: &str) -> Vec<Value> {
    let (from, to) = (served.clock.now(), served.clock.now() + Duration::days(7));
    let query = format!("from={}&to={}&room_id={room}", stamp(from), stamp(to));
    let slots = nurse.get(&format!("/v1/consults/{consult}/slots?{query}")).await.expect(200);
    slots["items"].as_array().unwrap().clone()
}

/// A time in a query.
pub fn stamp(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// The care home's rooms, by id.
pub async fn rooms(nobody: &Client, nurse: &Client) -> Vec<String> {
    let home = organisation(nobody, "care_home").await;
    let all = nurse.get(&format!("/v1/organisations/{home}/locations")).await.expect(200);
    all["items"].as_array().unwrap().iter().map(|r| text(r, "/id")).collect()
}

/// A consult that has its doctor, room and time.
pub async fn scheduled_consult(nobody: &Client, nurse: &Client, doctor: &Client) -> Uuid {
    let (resident, room) = (residents(nurse).await.remove(0), rooms(nobody, nurse).await.remove(0));
    let hospital = organisation(nobody, "hospital").await;
    let now = Clock::system().now();
    let wanted = invitation(&resident, &hospital, "geriatrics", now);
    let id = text(&nurse.post("/v1/consults", &wanted).await.expect(201), "/id");
    doctor.post(&format!("/v1/consults/{id}/accept"), &json!({})).await.expect(200);
    let span = format!("from={}&to={}", stamp(now), stamp(now + Duration::days(7)));
    let slots = nurse.get(&format!("/v1/consults/{id}/slots?{span}&room_id={room}")).await.expect(200);
    let starts_at = &slots["items"][0]["starts_at"];
    let wanted = json!({ "room_id": room, "starts_at": starts_at });
    nurse.post(&format!("/v1/consults/{id}/schedule"), &wanted).await.expect(200);
    id.parse().unwrap()
}
