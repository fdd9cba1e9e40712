//! The work of the network by every operation that shows somebody, each answer held against the audit log.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Duration, Utc};
use sanbao_platform::testing::{Answer, eventually};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{audited, callers, kind_of, personal_operations, shown_by, with_people};
use crate::common::flow::{self, text};
use crate::common::{Client, Served};

const LOGINS: &[&str] = &["nurse", "doctor", "desk", "dispatcher", "caregiver", "admin"];

/// The demo's people at work.
pub(super) struct Journey<'a> {
    served: &'a Served,
    /// Pattern by operation: `GET /v1/consults/{id}`.
    operations: Vec<(String, String)>,
    personal: BTreeSet<String>,
    clients: BTreeMap<&'static str, Client>,
    /// The kinds of subjects that each operation named.
    pub(super) kinds: BTreeMap<String, BTreeSet<String>>,
}

/// Whether `path` is one of `pattern`; how many of its parts are named literally.
fn fits(pattern: &str, path: &str) -> Option<usize> {
    let (parts, given): (Vec<_>, Vec<_>) = (pattern.split('/').collect(), path.split('/').collect());
    let literal = |(p, g): &(&&str, &&str)| !p.starts_with('{') && p == g;
    let all = parts.len() == given.len() && parts.iter().zip(&given).all(|(p, g)| p.starts_with('{') || p == g);
    all.then(|| parts.iter().zip(&given).filter(literal).count())
}

impl<'a> Journey<'a> {
    pub(super) async fn new(served: &'a Served, document: &Value) -> Self {
        let operations = sanbao::openapi::operations(document);
        let operations = operations.iter().map(|(path, method, _)| (method.to_uppercase(), (*path).to_owned()));
        let operations = operations.collect();
        let clients = callers(served, LOGINS).await;
        Self { served, operations, personal: personal_operations(document), clients, kinds: BTreeMap::new() }
    }

    /// Lets time pass until `at`; everybody logs in again.
    async fn wait_until(&mut self, at: DateTime<Utc>) {
        let minutes = (at - self.served.clock.now()).num_minutes().max(1);
        self.served.minutes_later(u64::try_from(minutes).unwrap());
        self.clients = callers(self.served, LOGINS).await;
    }

    fn operation(&self, method: &str, path: &str) -> String {
        let path = path.split('?').next().unwrap();
        let of_method = self.operations.iter().filter(|(m, _)| m == method);
        let best = of_method.filter_map(|(_, pattern)| Some((fits(pattern, path)?, pattern))).max();
        format!("{method} {}", best.unwrap_or_else(|| panic!("{method} {path} is no operation")).1)
    }

    /// Calls as `who`, and holds what the audit has against what the answer shows.
    async fn call(&mut self, who: &str, method: &str, path: &str, body: Option<&Value>) -> Value {
        let client = self.clients.get(who).cloned().unwrap_or_else(|| self.served.nobody());
        let request = client.request(method, path);
        let request = if let Some(body) = body { request.json(body) } else { request };
        let answer = client.send(request).await;
        assert!(answer.status.is_success(), "{method} {path}: {} {}", answer.status, answer.text);
        self.check(method, path, &answer).await;
        answer.body
    }

    async fn check(&mut self, method: &str, path: &str, answer: &Answer) {
        let operation = self.operation(method, path);
        let (actions, seen, rows) = audited(self.served, path, answer).await;
        if !self.personal.contains(&operation) {
            assert_eq!(
                rows, 0,
                "{operation} names somebody, and its schema says that it shows nobody: {}",
                answer.text
            );
            return;
        }
        let plain_path = path.split('?').next().unwrap();
        let shown = shown_by(plain_path, &answer.body);
        if operation != "POST /v1/guest-tickets" {
            let kind = kind_of(plain_path).unwrap_or_else(|| panic!("{path} is about no known kind"));
            // The record of somebody has the consults that are about this person.
            let consults = answer.body["consults"].as_array().into_iter().flatten();
            let consults =
                consults.filter_map(|consult| consult["id"].as_str()?.parse().ok()).map(|id| ("consult", id));
            let things = shown.into_iter().map(|id| (kind, id)).chain(consults);
            let expected = with_people(self.served, things).await;
            assert_eq!(seen, expected, "{operation}: {}", answer.text);
        }
        assert!(!seen.is_empty(), "{operation} names nobody: {}", answer.text);
        assert_eq!((rows, actions), (1, BTreeSet::from([operation.clone()])), "one row a call");
        let kinds = seen.into_iter().map(|(kind, _)| kind);
        self.kinds.entry(operation).or_default().extend(kinds);
    }

    async fn get(&mut self, who: &str, path: &str) -> Value {
        self.call(who, "GET", path, None).await
    }

    async fn post(&mut self, who: &str, path: &str, body: Value) -> Value {
        self.call(who, "POST", path, Some(&body)).await
    }

    /// All of it.
    pub(super) async fn go(&mut self) {
        self.people().await;
        self.erased().await;
        self.moves().await;
        self.consult_to_the_end().await;
        self.consults_that_end_early().await;
        self.emergency().await;
        self.visits().await;
        self.requests().await;
        self.doors().await;
    }

    async fn doors(&mut self) {
        let round =
            json!({ "title": "走访", "area_code": "330211001001", "starts_on": "2026-01-01", "ends_on": "2026-01-01" });
        let today = (self.served.clock.now() + Duration::hours(8)).date_naive().to_string();
        let days = json!({ "starts_on": today, "ends_on": today });
        let mut new = round;
        new.as_object_mut().unwrap().extend(days.as_object().unwrap().clone());
        let round = text(&self.post("desk", "/v1/door-rounds", new).await, "/id");
        let door = json!({ "area_code": "330211001001-C1-G1", "elder_name": "林某兰" });
        let door = text(&self.post("desk", &format!("/v1/door-rounds/{round}/doors"), door).await, "/id");
        for (step, body) in [("not-met", json!({})), ("well", json!({})), ("help", json!({})), ("undo", json!({}))] {
            self.post("desk", &format!("/v1/doors/{door}/{step}"), body).await;
        }
        self.get("desk", &format!("/v1/doors?round={round}")).await;
    }

    async fn emergency(&mut self) {
        let body = json!({ "number": "13800000011", "reason": "急诊：昏迷送来" });
        let opened = self.post("doctor", "/v1/emergency-accesses", body).await;
        let access = format!("/v1/emergency-accesses/{}", text(&opened, "/accesses/0"));
        self.get("doctor", &access).await;
        let record = self.get("doctor", &format!("{access}/record")).await;
        assert!(!record["consults"].as_array().unwrap().is_empty(), "{record}");
        self.get("doctor", "/v1/emergency-accesses").await;
        self.get("admin", "/v1/emergency-accesses?waiting=true").await;
        self.post("admin", &format!("{access}/review"), json!({ "remark": "已与科室核实" })).await;
    }

    async fn people(&mut self) {
        let new = json!({ "name": "许阿婆", "national_id": "11010519491231002X", "phone": "13812345678" });
        let id = text(&self.post("nurse", "/v1/persons", new).await, "/id");
        self.call("nurse", "PATCH", &format!("/v1/persons/{id}"), Some(&json!({ "phone": "13912345678" }))).await;
        self.get("nurse", &format!("/v1/persons/{id}")).await;
        self.get("nurse", &format!("/v1/persons/{id}/national-id")).await;
        self.get("nurse", &format!("/v1/persons/{id}/papers")).await;
        self.get("nurse", &format!("/v1/persons/{id}/export")).await;
        self.get("nurse", "/v1/persons?limit=2").await;
        self.get("nurse", "/v1/persons/lookup?q=139123").await;
        let double = json!({ "name": "许 阿婆", "phone": "13912345678" });
        let other = text(&self.post("nurse", "/v1/persons", double).await, "/id");
        self.get("nurse", "/v1/persons/pairs").await;
        for step in ["join", "unjoin", "join"] {
            self.post("nurse", &format!("/v1/persons/{id}/{step}"), json!({ "other": other })).await;
        }
        self.get("nurse", &format!("/v1/persons/{id}/joins")).await;
        self.get("nurse", &format!("/v1/persons/{id}/holds")).await;
        let draft = format!("/v1/consult-drafts/{}", Uuid::from_u128(0xd4af));
        self.call("nurse", "PUT", &draft, Some(&json!({ "resident_id": id, "reason": "气促" }))).await;
        self.get("nurse", &draft).await;
        self.get("nurse", "/v1/consult-drafts").await;
        let end = json!({ "kind": "died", "on": self.served.clock.now().date_naive() });
        self.post("nurse", &format!("/v1/persons/{id}/end"), end).await;
        self.post("nurse", &format!("/v1/persons/{id}/restore"), json!({ "reason": "登记错了人" })).await;
    }

    /// An elder of the street whose record is held, and who is erased after that.
    async fn erased(&mut self) {
        let person = self.registered("dispatcher", "110105193802010013").await;
        let path = format!("/v1/persons/{person}");
        let why = json!({ "reason": "投诉在查" });
        for step in ["hold", "lift-hold"] {
            self.post("admin", &format!("{path}/{step}"), why.clone()).await;
        }
        let end = json!({ "kind": "left", "on": self.served.clock.now().date_naive() });
        self.post("dispatcher", &format!("{path}/end"), end).await;
        self.post("admin", &format!("{path}/erase"), json!({ "cause": "demand" })).await;
        self.get("admin", "/v1/erasures").await;
    }

    /// A person whom a side has registered with a paper; the id.
    async fn registered(&mut self, who: &str, paper: &str) -> String {
        let new = json!({ "name": "顾阿婆", "national_id": paper, "area_code": "330211001001" });
        text(&self.post(who, "/v1/persons", new).await, "/id")
    }

    /// A transfer that the nurse asks for; its path.
    async fn asked(&mut self, person: &str) -> String {
        let wish = json!({ "person_id": person, "agreed_by": "person", "agreed_name": "顾阿婆",
            "agreed_how": "in_person", "agreed_on": "2026-11-20" });
        format!("/v1/transfers/{}", text(&self.post("nurse", "/v1/transfers", wish).await, "/id"))
    }

    async fn moves(&mut self) {
        let (one, two) = ("110101194901010026", "110105194005010023");
        let person = self.registered("nurse", one).await;
        let path = format!("/v1/persons/{person}");
        let facts = json!({ "door": { "access_hint": "门禁 5021#" } });
        self.call("nurse", "PUT", &format!("{path}/care"), Some(&facts)).await;
        self.get("nurse", &format!("{path}/care")).await;
        let consent = json!({ "scope": "keep", "given_by": "person", "given_name": "顾阿婆", "told": "in_person",
            "given_on": "2026-11-20" });
        let consent = text(&self.post("nurse", &format!("{path}/sharing-consents"), consent).await, "/id");
        self.get("nurse", &format!("{path}/sharing-consents")).await;
        self.post("nurse", &format!("/v1/sharing-consents/{consent}/withdraw"), json!({})).await;
        let transfer = self.asked(&person).await;
        self.get("nurse", &transfer).await;
        self.get("nurse", "/v1/transfers?list=asked_by").await;
        self.post("nurse", &format!("{transfer}/withdraw"), json!({})).await;
        let transfer = self.asked(&person).await;
        self.registered("dispatcher", one).await;
        self.post("dispatcher", &format!("{transfer}/decline"), json!({ "reason": "没有同意" })).await;
        let other = self.registered("nurse", two).await;
        let transfer = self.asked(&other).await;
        self.registered("dispatcher", two).await;
        self.post("dispatcher", &format!("{transfer}/accept"), json!({})).await;
        let home = json!({ "agreed_by": "person", "agreed_name": "顾阿婆", "agreed_how": "in_person",
            "agreed_on": "2026-11-20", "address": "乙弄 2 号", "area_code": "330211001001" });
        self.post("nurse", &format!("/v1/persons/{other}/discharge"), home).await;
    }

    fn invitation(&self, resident: &str, hospital: &str, submit: bool) -> Value {
        let mut body = flow::invitation(resident, hospital, "geriatrics", self.served.clock.now());
        body["submit"] = json!(submit);
        body
    }

    /// A draft's id, with the ids of a room and of the hospital.
    async fn draft(&mut self, submit: bool) -> (String, String, String) {
        let nobody = self.served.nobody();
        let resident = flow::residents(&self.clients["nurse"]).await.remove(0);
        let room = flow::rooms(&nobody, &self.clients["nurse"]).await.remove(0);
        let hospital = flow::organisation(&nobody, "hospital").await;
        let body = self.invitation(&resident, &hospital, submit);
        let id = text(&self.post("nurse", "/v1/consults", body).await, "/id");
        (id, room, resident)
    }

    async fn slot(&self, consult: &str, room: &str, n: usize) -> Value {
        let slots = flow::slots(self.served, &self.clients["nurse"], consult, room).await;
        slots[n]["starts_at"].clone()
    }

    /// A consult that has its time; the id and when it begins.
    async fn booked(&mut self) -> (String, DateTime<Utc>) {
        let (id, room, _) = self.draft(true).await;
        let at = |step: &str| format!("/v1/consults/{id}/{step}");
        self.post("doctor", &at("accept"), json!({})).await;
        let starts_at = self.slot(&id, &room, 0).await;
        self.post("nurse", &at("schedule"), json!({ "room_id": room, "starts_at": starts_at })).await;
        let starts_at = self.slot(&id, &room, 1).await;
        self.post("nurse", &at("reschedule"), json!({ "room_id": room, "starts_at": starts_at })).await;
        let starts_at = starts_at.as_str().unwrap().parse().unwrap();
        (id, starts_at)
    }

    async fn consult_to_the_end(&mut self) {
        let (id, starts_at) = self.booked().await;
        let at = |step: &str| format!("/v1/consults/{id}/{step}");
        self.post("doctor", &at("delay"), json!({ "minutes": 5 })).await;
        let consent = json!({ "given_by": "resident", "name": "陈桂香", "method": "written" });
        self.post("nurse", &at("consents"), consent).await;
        self.get("doctor", &at("consents")).await;
        self.post("nurse", &at("fetch"), json!({})).await;
        self.call("nurse", "DELETE", &at("fetch"), None).await;
        let link = self.post("nurse", &at("guest-links"), json!({ "name": "陈立新", "relation": "儿子" })).await;
        self.get("nurse", &at("guest-links")).await;
        self.wait_until(starts_at - Duration::minutes(10)).await;
        self.post("nurse", &at("ticket"), json!({})).await;
        self.post("nobody", "/v1/guest-tickets", json!({ "token": link["token"] })).await;
        self.get("nurse", &at("tickets")).await;
        self.get("doctor", &at("meeting")).await;
        self.get("doctor", &format!("/v1/consults/{id}")).await;
        self.get("nurse", "/v1/consults").await;
        let handed_over = self.post("nurse", "/v1/shift-handovers", json!({})).await;
        self.get("nurse", &format!("/v1/shift-handovers/{}", text(&handed_over, "/id"))).await;
        self.get("doctor", "/v1/consults").await;
        self.wait_until(starts_at + Duration::minutes(1)).await;
        self.post("doctor", &at("finish"), json!({})).await;
        let opinion = json!({ "impression": "高血压", "suggested_treatment": "加量" });
        self.call("doctor", "PUT", &at("opinion"), Some(&opinion)).await;
        self.post("doctor", &at("sign"), json!({})).await;
        self.get("nurse", &at("opinion")).await;
        self.post("nurse", &at("adopt"), json!({ "decision": "adopted", "note": "已执行" })).await;
        self.post("nurse", &at("archive"), json!({})).await;
    }

    async fn consults_that_end_early(&mut self) {
        let why = json!({ "reason": "情况有变" });
        let (returned, _, resident) = self.draft(false).await;
        let at = |step: &str| format!("/v1/consults/{returned}/{step}");
        self.post("nurse", &at("submit"), json!({})).await;
        self.post("doctor", &at("return"), why.clone()).await;
        let hospital = flow::organisation(&self.served.nobody(), "hospital").await;
        let revised = self.invitation(&resident, &hospital, true);
        self.call("nurse", "PUT", &format!("/v1/consults/{returned}"), Some(&revised)).await;
        self.post("doctor", &at("reject"), why.clone()).await;
        let (called_off, _) = self.booked().await;
        let at = |step: &str| format!("/v1/consults/{called_off}/{step}");
        let consent = json!({ "given_by": "resident", "name": "陈桂香", "method": "written" });
        self.post("nurse", &at("consents"), consent).await;
        let consents = self.get("nurse", &at("consents")).await;
        self.post("nurse", &at(&format!("consents/{}/withdraw", text(&consents, "/0/id"))), json!({})).await;
        self.post("nurse", &at("cancel"), why.clone()).await;
        let (missed, starts_at) = self.booked().await;
        let (other, _) = self.booked().await;
        for _ in 0..2 {
            self.post("nurse", &format!("/v1/consults/{missed}/exchange"), json!({ "with": other })).await;
        }
        self.wait_until(starts_at + Duration::minutes(20)).await;
        self.post("nurse", &format!("/v1/consults/{missed}/no-show"), why).await;
    }

    /// An order of the agency for an accepted request.
    async fn ordered(&mut self, note: &str) -> String {
        let request = flow::accepted_request(&self.served.nobody(), note).await;
        text(&flow::visit_of(&self.clients["dispatcher"], &request).await, "/id")
    }

    async fn schedule(&mut self, visit: &str, step: &str, caregiver: &str, in_minutes: i64) {
        let starts_at = self.served.clock.now() + Duration::minutes(in_minutes);
        let slot =
            json!({ "caregiver": caregiver, "starts_at": starts_at, "ends_at": starts_at + Duration::minutes(30) });
        self.post("dispatcher", &format!("/v1/visits/{visit}/{step}"), slot).await;
    }

    async fn visits(&mut self) {
        let agency = flow::organisation(&self.served.nobody(), "home_care_agency").await;
        let caregiver = flow::account(&self.served.nobody(), &agency, "caregiver").await;
        let done = self.ordered("助浴").await;
        let tomorrow = 24 * 60;
        self.schedule(&done, "schedule", &caregiver, tomorrow + 60).await;
        self.schedule(&done, "reschedule", &caregiver, tomorrow + 120).await;
        let missed = self.ordered("送餐").await;
        self.schedule(&missed, "schedule", &caregiver, tomorrow + 180).await;
        for _ in 0..2 {
            self.post("dispatcher", &format!("/v1/visits/{done}/exchange"), json!({ "with": missed })).await;
        }
        self.post("dispatcher", &format!("/v1/visits/{missed}/cancel"), json!({ "reason": "老人住院" })).await;
        let again = self.post("dispatcher", &format!("/v1/visits/{missed}/repeat"), json!({})).await;
        let again = text(&again, "/id");
        self.schedule(&again, "schedule", &caregiver, tomorrow + 180).await;
        self.wait_until(self.served.clock.now() + Duration::minutes(tomorrow + 110)).await;
        self.get("caregiver", "/v1/visits/today").await;
        let proof = json!({ "method": "manual", "note": "手机没有信号" });
        self.post("caregiver", &format!("/v1/visits/{done}/check-in"), proof.clone()).await;
        self.wait_until(self.served.clock.now() + Duration::minutes(30)).await;
        self.post("caregiver", &format!("/v1/visits/{done}/check-out"), proof).await;
        self.get("dispatcher", &format!("/v1/visits/{done}")).await;
        self.get("dispatcher", "/v1/visits?limit=3").await;
        self.wait_until(self.served.clock.now() + Duration::minutes(60)).await;
        self.post("dispatcher", &format!("/v1/visits/{again}/no-show"), json!({ "reason": "没人应门" })).await;
    }

    async fn request(&mut self, note: &str) -> String {
        text(&self.post("desk", "/v1/requests", flow::new_request(note)).await, "/id")
    }

    async fn requests(&mut self) {
        let agency = flow::organisation(&self.served.nobody(), "home_care_agency").await;
        let why = json!({ "reason": "家属来电" });
        let id = self.request("换药").await;
        let at = |step: &str| format!("/v1/requests/{id}/{step}");
        self.post("desk", &at("triage"), json!({})).await;
        for (step, who) in [("accept", "dispatcher"), ("reject", "dispatcher")] {
            let (path, body) = (at("dispatch"), json!({ "agency_id": agency }));
            let desk = self.clients["desk"].clone();
            eventually("the agency is known", async || {
                let agency: Uuid = agency.parse().unwrap();
                let page = desk.request("get", &format!("/requests/{id}"));
                desk.send(page).await.text.contains(&agency.to_string()).then_some(())
            })
            .await;
            self.post("desk", &path, body).await;
            self.post(who, &at(step), why.clone()).await;
            if step == "accept" {
                self.post(who, &at("reject"), why.clone()).await;
            }
        }
        self.post("desk", &at("escalate"), why.clone()).await;
        self.post("desk", &at("edit"), json!({ "note": "要软的" })).await;
        self.post("desk", &at("comment"), json!({ "note": "女儿来过电话" })).await;
        self.post("desk", &at("assign"), json!({})).await;
        self.post(
            "desk",
            &at("pause"),
            json!({ "until": self.served.clock.now() + Duration::hours(2), "reason": "老人住院" }),
        )
        .await;
        self.post("desk", &at("resume"), json!({})).await;
        self.get("desk", "/v1/requests/queues").await;
        self.get("desk", "/v1/requests/people").await;
        self.post("desk", &at("resolve"), json!({})).await;
        self.post("desk", &at("reopen"), why.clone()).await;
        self.post("desk", &at("resolve"), json!({})).await;
        self.post("desk", &at("follow-up"), json!({})).await;
        self.post("desk", &at("close"), json!({})).await;
        self.get("desk", &format!("/v1/requests/{id}")).await;
        self.get("desk", "/v1/requests?limit=3").await;
        let person = super::pages::somebody_asked_for(self.served).await;
        self.get("desk", &format!("/v1/requests/export?person={person}")).await;
        let (other, merged) = (self.request("量血压").await, self.request("再量一次").await);
        self.post("desk", &format!("/v1/requests/{merged}/merge"), json!({ "into": other })).await;
        self.post("desk", &format!("/v1/requests/{merged}/separate"), json!({})).await;
        self.post("desk", &format!("/v1/requests/{other}/cancel"), why).await;
    }
}
