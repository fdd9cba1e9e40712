//! An agency with its people, needs-analysis as a log of its own, and the real router between them.

use std::ops::Deref;

use chrono::{DateTime, Duration, Utc};
use sanbao_booking::{App, Config, MIGRATIONS, build, role};
use sanbao_platform::clock::Clock;
use sanbao_platform::id::{OrganisationId, uuid_v7};
use sanbao_platform::testing::{Answer, Neighbour, Person, Site, TestEngine};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::network;

const AGENCY: &str = "安康居家服务";
const ZONE: &str = "Asia/Shanghai";

/// The world of a test.
pub struct World {
    site: Site,
    pub engine: TestEngine,
    pub app: App,
    pub needs: Neighbour,
    pub agency: OrganisationId,
    pub other_agency: OrganisationId,
    pub dispatcher: Person,
    pub caregivers: Vec<Person>,
}

/// 14:00 on Monday 23 November 2026 in Ningbo.
pub fn start() -> DateTime<Utc> {
    "2026-11-23T06:00:00Z".parse().unwrap()
}

/// So many minutes after [`start`], as RFC 3339.
pub fn at(minutes: i64) -> String {
    (start() + Duration::minutes(minutes)).to_rfc3339()
}

impl Deref for World {
    type Target = Site;

    fn deref(&self) -> &Site {
        &self.site
    }
}

impl World {
    pub async fn new(engine: TestEngine) -> Self {
        let clock = Clock::manual(start());
        let deps = engine.deps("booking", &MIGRATIONS, clock.clone()).await;
        let needs = Neighbour::new(&engine, "needs-analysis", "needs_analysis").await;
        let app = App::new(Config::default(), deps.clone());
        let site = Site::of(build(Config::default(), deps.clone()), &deps);
        let mut tx = deps.db.begin().await.unwrap();
        let mut agencies = Vec::new();
        for _ in 0..2 {
            agencies.push(network::organisation(&mut tx, start(), "home_care_agency", AGENCY, ZONE).await);
        }
        let agency = agencies[0];
        let dispatcher = network::member(&mut tx, start(), agency, &[role::DISPATCHER], "王调度").await;
        let mut caregivers = Vec::new();
        for name in ["陈阿姨", "李师傅", "周护理"] {
            caregivers.push(network::member(&mut tx, start(), agency, &[role::CAREGIVER], name).await);
        }
        tx.commit().await.unwrap();
        Self { site, engine, app, needs, agency, other_agency: agencies[1], dispatcher, caregivers }
    }

    pub async fn member(&self, organisation: OrganisationId, role: &'static str, name: &'static str) -> Person {
        let mut tx = self.db.begin().await.unwrap();
        let person = network::member(&mut tx, start(), organisation, &[role], name).await;
        tx.commit().await.unwrap();
        person
    }

    /// Somebody has a role in another organisation too.
    pub async fn joins(&self, person: &Person, organisation: OrganisationId, role: &'static str) {
        let mut tx = self.db.begin().await.unwrap();
        network::joins(&mut tx, start(), person.id, organisation, role).await;
        tx.commit().await.unwrap();
    }

    pub async fn organisation(&self, kind: &str) -> OrganisationId {
        let mut tx = self.db.begin().await.unwrap();
        let id = network::organisation(&mut tx, start(), kind, AGENCY, ZONE).await;
        tx.commit().await.unwrap();
        id
    }

    /// needs-analysis says that a request was accepted; not yet read by booking.
    pub async fn accept_request(&self, request: Uuid, more: Value) {
        let mut data = json!({
            "request_id": request, "agency_id": self.agency, "person_id": null, "name": "张秀英", "phone": "13800138000",
            "address": "胜利路社区 3 幢 201 室", "area_code": "330211001002", "national_id_index": null,
            "category": "bath", "note": "需要防滑垫", "wanted_from": null, "wanted_until": null,
        });
        data.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        self.tell("needs.request.accepted", request, &data).await;
    }

    pub async fn cancel_request(&self, request: Uuid) {
        self.tell("needs.request.cancelled", request, &json!({ "request_id": request })).await;
    }

    /// needs-analysis says that a request was corrected.
    pub async fn update_request(&self, request: Uuid, more: Value) {
        let mut data = json!({
            "request_id": request, "name": "张秀英", "phone": "13800138000", "address": "胜利路社区 3 幢 201 室",
            "area_code": "330211001002", "category": "bath", "note": "需要防滑垫", "wanted_from": null,
            "wanted_until": null,
        });
        data.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        self.tell("needs.request.updated", request, &data).await;
    }

    async fn tell(&self, kind: &str, subject: Uuid, data: &Value) {
        self.needs.tell(self.clock.now(), kind, subject, data).await;
    }

    /// Booking reads on in the log of needs-analysis; how many events took effect.
    pub async fn catch_up(&self) -> u64 {
        self.site.catch_up(&self.needs).await
    }

    pub async fn parked(&self) -> i64 {
        self.site.parked(&self.needs).await
    }

    /// A fresh order of another elder; its visit's id.
    pub async fn order(&self, more: Value) -> String {
        let request = self.uuid();
        self.accept_request(request, more).await;
        self.catch_up().await;
        self.visit_of(request).await["id"].as_str().unwrap().to_owned()
    }

    /// The visit of a request, as the dispatcher sees it.
    pub async fn visit_of(&self, request: Uuid) -> Value {
        let list = self.get(&self.dispatcher, "/v1/visits?limit=200").await.expect(200);
        let items = list["items"].as_array().unwrap();
        let mut of_request = items.iter().filter(|v| v["request_id"] == json!(request)).collect::<Vec<_>>();
        // The one that lives, where there is one.
        of_request.sort_by_key(|v| ["cancelled", "completed"].contains(&v["state"].as_str().unwrap()));
        of_request.first().map_or(Value::Null, |v| (*v).clone())
    }

    /// Schedules a visit from `from` to `to` minutes after [`start`].
    pub async fn schedule(&self, visit: &str, caregiver: &Person, from: i64, to: i64) -> Answer {
        self.post(&self.dispatcher, &format!("/v1/visits/{visit}/schedule"), slot(caregiver, from, to)).await
    }

    /// The kinds of the events that booking has published of visits, in order.
    pub async fn events(&self) -> Vec<(String, Value)> {
        self.published().await.into_iter().filter(|(kind, _)| kind.starts_with("booking.visit.")).collect()
    }

    pub async fn kinds(&self) -> Vec<String> {
        let kinds = self.events().await.into_iter().map(|(k, _)| k);
        kinds.map(|k| k.trim_start_matches("booking.visit.").to_owned()).collect()
    }

    pub fn uuid(&self) -> Uuid {
        uuid_v7(self.clock.now())
    }
}

/// The body that gives a visit a caregiver and a time.
pub fn slot(caregiver: &Person, from: i64, to: i64) -> Value {
    json!({ "caregiver": caregiver.id, "starts_at": at(from), "ends_at": at(to) })
}

/// The position that a phone sends.
pub fn gps() -> Value {
    json!({ "method": "gps", "latitude": 29.9504, "longitude": 121.7163, "accuracy_m": 12.5 })
}

impl World {
    /// The visit, as the dispatcher sees it.
    pub async fn visit_of_id(&self, visit: &str) -> Value {
        self.get(&self.dispatcher, &format!("/v1/visits/{visit}")).await.expect(200)
    }
}
