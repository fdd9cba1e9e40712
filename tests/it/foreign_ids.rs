//! Ids of other organisations in every field that takes an id, of every operation over consults, holds, exchanges, fetching,
//! rooms and hours: refused at the field, and nothing changes. The fields come from the document, so none can be forgotten.

use std::collections::{BTreeMap, BTreeSet};

use sanbao_platform::testing::{self, Answer};
use serde_json::{Value, json};

use crate::bad_input::{rows, settled};
use crate::common::world::{STRANGERS, World};
use crate::common::{Client, Served, flow, sample};

/// Filters by what is known to every care home: which doctors a hospital has, and when they are free.
const OPEN: &[&str] = &[
    "get /v1/slots ?doctor",
    "get /v1/slots ?hospital",
    "get /v1/practitioners ?hospital",
    // A draft only keeps them; the invitation that is made of it refuses them.
    "put /v1/consult-drafts/{id} /hospital_id",
    "put /v1/consult-drafts/{id} /asked/doctor_id",
    "put /v1/consult-drafts/{id} /asked/room_id",
    "put /v1/consult-drafts/{id} /device_ids/0",
    // A draft that is not the caller's is like one that has ended: nothing ends with the invitation.
    "post /v1/consults /draft_id",
    "put /v1/consults/{id} /draft_id",
];

/// The places of ids in a value that a schema describes: `/asked/doctor_id`.
fn ids(document: &Value, schema: &Value, place: &str, found: &mut BTreeSet<String>) {
    let schema = schema["$ref"].as_str().map_or(schema, |reference| sample::resolve(document, reference));
    if schema["format"] == "uuid" {
        found.insert(place.to_owned());
    }
    for choice in ["oneOf", "anyOf", "allOf"] {
        schema[choice].as_array().into_iter().flatten().for_each(|part| ids(document, part, place, found));
    }
    for (name, part) in schema["properties"].as_object().into_iter().flatten() {
        ids(document, part, &format!("{place}/{name}"), found);
    }
    if schema["items"].is_object() {
        ids(document, &schema["items"], &format!("{place}/0"), found);
    }
}

/// Every field of an operation over consults that takes an id: `post /v1/consult-holds /room_id`.
fn fields(document: &Value) -> Vec<(String, String, String)> {
    let mut all = Vec::new();
    for (path, method, operation) in sanbao::openapi::operations(document) {
        if operation["tags"][0] != "consults" {
            continue;
        }
        let mut found = BTreeSet::new();
        if let Some(schema) = operation.pointer("/requestBody/content/application~1json/schema") {
            ids(document, schema, "", &mut found);
        }
        for parameter in operation["parameters"].as_array().into_iter().flatten().filter(|p| p["in"] == "query") {
            ids(document, &parameter["schema"], &format!("?{}", flow::text(parameter, "/name")), &mut found);
        }
        all.extend(found.into_iter().map(|field| (method.to_owned(), path.to_owned(), field)));
    }
    all
}

/// Things of another care home and another hospital.
struct Foreign {
    resident: String,
    room: String,
    device: String,
    consult: String,
    doctor: String,
    nurse: String,
    home: String,
}

impl Foreign {
    /// Made by the strangers themselves; the consult is booked with the demo's doctor.
    async fn of(served: &Served, world: &World, own: &Own) -> Self {
        let of = |name: &str| &world.strangers[STRANGERS.iter().position(|(stranger, ..)| *stranger == name).unwrap()];
        let (nurse, hospital) = (of("home"), of("hosp"));
        let me = nurse.get("/v1/me").await.expect(200);
        let home = flow::text(&nurse.get("/v1/me/organisations").await.expect(200), "/0/organisation_id");
        let resident = nurse.post("/v1/persons", &json!({ "name": "外院老人" })).await.expect(201);
        let locations = format!("/v1/organisations/{home}/locations");
        let room = nurse.post(&locations, &json!({ "name": "外院会诊室" })).await.expect(201);
        let devices = format!("/v1/organisations/{home}/devices");
        let device = nurse.post(&devices, &json!({ "name": "外院心电图机" })).await.expect(201);
        let device = flow::text(&device, "/id");
        let doctor = flow::text(&hospital.get("/v1/me").await.expect(200), "/id");
        let licence = json!({ "specialty": "geriatrics", "title": "chief", "licence_no": "110330211000009" });
        let register = hospital.request("put", &format!("/v1/practitioners/{doctor}")).json(&licence);
        hospital.send(register).await.expect(200);
        let (resident, room) = (flow::text(&resident, "/id"), flow::text(&room, "/id"));
        let consult = flow::accepted_between(served, (nurse, &own.doctor), &own.hospital, &resident).await;
        let wanted = json!({ "room_id": room, "starts_at": own.times[0] });
        nurse.post(&format!("/v1/consults/{consult}/schedule"), &wanted).await.expect(200);
        Self { resident, room, device, consult, doctor, nurse: flow::text(&me, "/id"), home }
    }

    /// The foreign id that a field could be about.
    fn id(&self, field: &str) -> &str {
        match field.trim_end_matches("/0").rsplit(['/', '?']).next().unwrap() {
            "resident_id" => &self.resident,
            "room_id" => &self.room,
            "device_ids" => &self.device,
            "with" => &self.consult,
            "doctor_id" | "doctor" => &self.doctor,
            "account_id" | "person" => &self.nurse,
            // Every hospital may be invited; another home is none.
            "hospital_id" | "hospital" => &self.home,
            other => panic!("nothing foreign is known for {other}: add it"),
        }
    }
}

/// The nurse's own things, with which every call would be right.
struct Own {
    nurse: Client,
    doctor: Client,
    hospital: String,
    resident: String,
    room: String,
    doctor_id: String,
    /// Beginnings of free times, each for one use.
    times: Vec<Value>,
    /// A consult in each state that an operation asks for.
    consults: BTreeMap<&'static str, String>,
}

impl Own {
    async fn of(served: &Served) -> Self {
        let nobody = served.nobody();
        let (nurse, doctor) = (nobody.demo("nurse").await, nobody.demo("doctor").await);
        let (resident, room) = (flow::residents(&nurse).await.remove(0), flow::rooms(&nobody, &nurse).await.remove(0));
        let hospital = flow::organisation(&nobody, "hospital").await;
        let doctor_id = flow::account(&nobody, &hospital, "doctor").await;
        let mut own =
            Self { nurse, doctor, hospital, resident, room, doctor_id, times: Vec::new(), consults: BTreeMap::new() };
        for state in ["accepted", "scheduled", "other"] {
            let id = flow::accepted_between(served, (&own.nurse, &own.doctor), &own.hospital, &own.resident).await;
            own.consults.insert(state, id);
        }
        let slots = flow::slots(served, &own.nurse, &own.consults["accepted"], &own.room).await;
        // The last ones are for the world.
        own.times = slots.into_iter().rev().skip(4).map(|slot| slot["starts_at"].clone()).collect();
        for (state, time) in [("scheduled", 5), ("other", 6)] {
            let wanted = json!({ "room_id": own.room, "starts_at": own.times[time] });
            let path = format!("/v1/consults/{}/schedule", own.consults[state]);
            own.nurse.post(&path, &wanted).await.expect(200);
        }
        let fetch = format!("/v1/consults/{}/fetch", own.consults["scheduled"]);
        own.nurse.post(&fetch, &json!({})).await.expect(200);
        let mut draft = flow::invitation(&own.resident, &own.hospital, "geriatrics", served.clock.now());
        draft["submit"] = json!(false);
        let draft = own.nurse.post("/v1/consults", &draft).await.expect(201);
        own.consults.insert("draft", flow::text(&draft, "/id"));
        own
    }

    /// The path and body of an operation as it would be right.
    fn call(&self, served: &Served, method: &str, path: &str) -> (String, Value) {
        let asked = json!({ "doctor_id": self.doctor_id, "room_id": self.room, "starts_at": self.times[1] });
        let mut invitation = flow::invitation(&self.resident, &self.hospital, "geriatrics", served.clock.now());
        invitation["asked"] = asked;
        invitation["submit"] = json!(false);
        let with = json!({ "with": self.consults["other"] });
        let at =
            |time: usize| json!({ "doctor_id": self.doctor_id, "room_id": self.room, "starts_at": self.times[time] });
        let (state, body) = match (method, path) {
            ("post", "/v1/consult-holds") => {
                let mut hold = at(2);
                hold["resident_id"] = json!(self.resident);
                hold["hospital_id"] = json!(self.hospital);
                ("draft", hold)
            }
            ("post", "/v1/consults") | ("put", "/v1/consults/{id}") => ("draft", invitation),
            ("put", "/v1/consult-drafts/{id}") => {
                ("draft", json!({ "resident_id": self.resident, "hospital_id": self.hospital, "reason": "复查" }))
            }
            ("post", "/v1/consults/{id}/exchange") => ("scheduled", with),
            ("post", "/v1/consults/{id}/schedule") => ("accepted", at(3)),
            ("post", "/v1/consults/{id}/reschedule") => ("scheduled", at(4)),
            ("post", "/v1/consults/{id}/tickets/revoke") => ("scheduled", json!({})),
            ("delete", "/v1/consults/{id}/fetch") => ("scheduled", Value::Null),
            ("get", "/v1/consults" | "/v1/slots" | "/v1/practitioners" | "/v1/consults/{id}/slots") => {
                ("accepted", Value::Null)
            }
            _ => panic!("how is {method} {path} called? Add it"),
        };
        (sample::path(path, |_| Some(self.consults[state].clone())), body)
    }
}

fn put(body: &mut Value, field: &str, id: &str) {
    // A list has this one alone in it.
    let (field, value) = field.strip_suffix("/0").map_or((field, json!(id)), |list| (list, json!([id])));
    let (parent, name) = field.rsplit_once('/').unwrap();
    body.pointer_mut(parent).unwrap()[name] = value;
}

/// Whether a list has nothing in it.
fn is_empty(answer: &Answer) -> bool {
    let list = answer.body.get("items").unwrap_or(&answer.body);
    answer.status == 200 && list.as_array().is_some_and(Vec::is_empty)
}

async fn send(client: &Client, method: &str, url: &str, body: &Value) -> Answer {
    let request = client.request(method, url);
    client.send(if body.is_null() { request } else { request.json(body) }).await
}

#[tokio::test]
async fn an_id_of_another_organisation_is_refused_in_every_field() {
    testing::on_both(async |engine| {
        let served = Served::demo(engine).await;
        let own = Own::of(&served).await;
        let world = World::of(&served).await;
        let foreign = Foreign::of(&served, &world, &own).await;
        let document = served.nobody().get("/openapi.json").await.expect(200);
        let span = format!("from={}&to={}", flow::stamp(served.clock.now()), "2026-11-30T00:00:00Z");
        let before = settled(&served).await;
        let (fields, mut tried) = (fields(&document), 0);
        for (method, path, field) in &fields {
            let what = format!("{method} {path} {field}");
            if OPEN.contains(&what.as_str()) {
                continue;
            }
            tried += 1;
            let ((mut url, mut body), id) = (own.call(&served, method, path), foreign.id(field));
            match field.strip_prefix('?') {
                Some(name) if path.ends_with("/slots") => url = format!("{url}?{span}&{name}={id}"),
                Some(name) => url = format!("{url}?{name}={id}"),
                None => put(&mut body, field, id),
            }
            let answer = send(&own.nurse, method, &url, &body).await;
            let refused = answer.status.is_client_error() && answer.status != 429;
            assert!(refused || (method == "get" && is_empty(&answer)), "{what}: {} {}", answer.status, answer.text);
            if answer.status == 422 {
                let (pointer, name) = (
                    flow::text(&answer.body, "/errors/0/pointer"),
                    field.trim_end_matches("/0").rsplit('/').next().unwrap(),
                );
                // The doctor whom the body names is none of another institution.
                let is_of_another = name == "hospital_id" && pointer.ends_with("doctor_id");
                assert!(pointer.ends_with(name) || is_of_another, "{what}: {}", answer.text);
            }
            assert!(!answer.text.contains("外院"), "{what} tells of others: {}", answer.text);
        }
        assert!(tried > 15, "{fields:?}");
        assert_eq!(rows(&served).await, before, "nothing has changed");
        // With the own ids alone each is taken, so that it was the foreign one that was refused.
        for (method, path) in fields.iter().map(|(method, path, _)| (method, path)).collect::<BTreeSet<_>>() {
            if ["post", "put"].contains(&method.as_str()) && !path.ends_with("/tickets/revoke") {
                let (url, body) = own.call(&served, method, path);
                let answer = send(&own.nurse, method, &url, &body).await;
                assert!(answer.status.is_success(), "{method} {url}: {} {}", answer.status, answer.text);
            }
        }
        served.stop().await;
    })
    .await;
}
