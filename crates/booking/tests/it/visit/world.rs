//! An agency with its people, needs-analysis as a log of its own, and the real router between them.

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use chrono::{DateTime, Duration, Utc};
use http_body_util::BodyExt as _;
use sanbao_booking::{App, Config, MIGRATIONS, build, role};
use sanbao_platform::auth::{AccessClaims, Keys, Throttle};
use sanbao_platform::bus::{Consumer, Outbox, publish};
use sanbao_platform::clock::Clock;
use sanbao_platform::db::{Db, Migrations};
use sanbao_platform::http::finish;
use sanbao_platform::id::{OrganisationId, SubjectId, uuid_v7};
use sanbao_platform::on;
use sanbao_platform::testing::TestEngine;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;
use uuid::Uuid;

const NONE: Migrations = Migrations { sqlite: &[], postgres: &[] };
const ORGANISATION: &str = "insert into organisation (id, kind, name_zh, name_en, time_zone, created_at)
    values ($1, $2, '安康居家服务', 'Ankang Home Care', 'Asia/Shanghai', $3)";
const ACCOUNT: &str =
    "insert into account (id, login, display_name, password_hash, status, failed_count, created_at, version)
    values ($1, $2, $3, '-', 'active', 0, $4, 1)";
const MEMBER: &str = "insert into membership (account_id, organisation_id, role, created_at) values ($1, $2, $3, $4)";

/// Somebody with a role in an organisation.
#[derive(Clone)]
pub struct Who {
    pub id: Uuid,
    pub organisation: OrganisationId,
    pub name: &'static str,
    pub role: &'static str,
}

/// What a test works with.
pub struct World {
    pub engine: TestEngine,
    pub router: Router,
    pub app: App,
    pub db: Db,
    pub needs: Db,
    pub clock: Clock,
    pub agency: OrganisationId,
    pub other_agency: OrganisationId,
    pub dispatcher: Who,
    pub caregivers: Vec<Who>,
    consumers: Vec<Consumer>,
    keys: Keys,
}

/// An answer: its status and its body.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub body: Value,
    pub text: String,
}

impl Answer {
    pub fn expect(self, status: u16) -> Value {
        assert_eq!(self.status.as_u16(), status, "{} {}", self.body, self.text);
        self.body
    }
}

/// 14:00 on Monday 23 November 2026 in Ningbo.
pub fn start() -> DateTime<Utc> {
    "2026-11-23T06:00:00Z".parse().unwrap()
}

/// So many minutes after [`start`], as RFC 3339.
pub fn at(minutes: i64) -> String {
    (start() + Duration::minutes(minutes)).to_rfc3339()
}

impl World {
    pub async fn new(engine: TestEngine) -> Self {
        let clock = Clock::manual(start());
        let deps = engine.deps("booking", &MIGRATIONS, clock.clone()).await;
        let needs = engine.database("needs_analysis", &NONE).await;
        let (db, keys) = (deps.db.clone(), deps.keys.clone());
        let config = Config::default();
        let throttle = Throttle::new(config.login_per_minute_max, config.login_burst_max);
        let app = App { deps: deps.clone(), config: config.clone(), throttle };
        let service = build(config, deps);
        let router = finish(service.routes.router, clock.clone(), CancellationToken::new(), false);
        let consumers = service.consumers.into_iter().filter(|c| c.publisher == "needs-analysis").collect();
        let agency = organisation(&db, "home_care_agency").await;
        let other_agency = organisation(&db, "home_care_agency").await;
        let dispatcher = member(&db, agency, role::DISPATCHER, "王调度").await;
        let mut caregivers = Vec::new();
        for name in ["陈阿姨", "李师傅", "周护理"] {
            caregivers.push(member(&db, agency, role::CAREGIVER, name).await);
        }
        Self { engine, router, app, db, needs, clock, agency, other_agency, dispatcher, caregivers, consumers, keys }
    }

    pub async fn member(&self, organisation: OrganisationId, role: &'static str, name: &'static str) -> Who {
        member(&self.db, organisation, role, name).await
    }

    pub async fn organisation(&self, kind: &str) -> OrganisationId {
        organisation(&self.db, kind).await
    }

    fn token(&self, who: &Who) -> String {
        let claims = AccessClaims {
            sub: SubjectId(who.id),
            org: who.organisation,
            roles: vec![who.role.to_owned()],
            areas: Vec::new(),
            name: who.name.to_owned(),
            sid: Uuid::nil(),
        };
        self.keys.sign_access(self.clock.now(), &claims).unwrap()
    }

    pub async fn send(
        &self,
        who: &Who,
        method: &str,
        path: &str,
        body: Option<Value>,
        headers: &[(&str, &str)],
    ) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        request = request.header(header::AUTHORIZATION, format!("Bearer {}", self.token(who)));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let body = match body {
            Some(value) => {
                request = request.header(header::CONTENT_TYPE, "application/json");
                Body::from(value.to_string())
            }
            None => Body::empty(),
        };
        let answer = self.router.clone().oneshot(request.body(body).unwrap()).await.unwrap();
        let status = answer.status();
        let bytes = answer.into_body().collect().await.unwrap().to_bytes();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        Answer { status, body: serde_json::from_str(&text).unwrap_or(Value::Null), text }
    }

    pub async fn get(&self, who: &Who, path: &str) -> Answer {
        self.send(who, "GET", path, None, &[]).await
    }

    pub async fn post(&self, who: &Who, path: &str, body: Value) -> Answer {
        self.send(who, "POST", path, Some(body), &[]).await
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

    async fn tell(&self, kind: &str, subject: Uuid, data: &Value) {
        let mut tx = self.needs.begin().await.unwrap();
        publish(&mut tx, self.clock.now(), kind, subject, data).await.unwrap();
        tx.commit().await.unwrap();
    }

    /// Booking reads on in the log of needs-analysis; how many events took effect.
    pub async fn catch_up(&self) -> u64 {
        let log = Outbox::new("needs-analysis", self.needs.clone());
        let mut taken = 0;
        for consumer in &self.consumers {
            taken += consumer.catch_up(&log).await.unwrap();
        }
        taken
    }

    pub async fn parked(&self) -> i64 {
        let log = Outbox::new("needs-analysis", self.needs.clone());
        let mut parked = 0;
        for consumer in &self.consumers {
            parked += consumer.status(&log).await.unwrap().parked;
        }
        parked
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
        of_request.sort_by_key(|v| v["state"] == "cancelled");
        of_request.first().map_or(Value::Null, |v| (*v).clone())
    }

    /// Schedules a visit from `from` to `to` minutes after [`start`].
    pub async fn schedule(&self, visit: &str, caregiver: &Who, from: i64, to: i64) -> Answer {
        self.post(&self.dispatcher, &format!("/v1/visits/{visit}/schedule"), slot(caregiver, from, to)).await
    }

    /// The kinds of the events that booking has published of visits, in order.
    pub async fn events(&self) -> Vec<(String, Value)> {
        let log = Outbox::new("booking", self.db.clone());
        let events = log.read(0, 1000).await.unwrap();
        events.into_iter().filter(|e| e.kind.starts_with("booking.visit.")).map(|e| (e.kind, e.data)).collect()
    }

    pub async fn kinds(&self) -> Vec<String> {
        let kinds = self.events().await.into_iter().map(|(k, _)| k);
        kinds.map(|k| k.trim_start_matches("booking.visit.").to_owned()).collect()
    }

    /// The number that a counting statement gives.
    pub async fn count(&self, statement: &'static str) -> i64 {
        let mut conn = self.db.read().await.unwrap();
        on!(conn, |c| sqlx::query_scalar(statement).fetch_one(c).await).unwrap()
    }

    pub fn uuid(&self) -> Uuid {
        uuid_v7(self.clock.now())
    }
}

/// The body that gives a visit a caregiver and a time.
pub fn slot(caregiver: &Who, from: i64, to: i64) -> Value {
    json!({ "caregiver": caregiver.id, "starts_at": at(from), "ends_at": at(to) })
}

/// What a phone with a position sends.
pub fn gps() -> Value {
    json!({ "method": "gps", "latitude": 29.9504, "longitude": 121.7163, "accuracy_m": 12.5 })
}

async fn organisation(db: &Db, kind: &str) -> OrganisationId {
    let id = OrganisationId::new(start());
    let mut tx = db.begin().await.unwrap();
    on!(tx, |c| sqlx::query(ORGANISATION).bind(id).bind(kind).bind(start()).execute(c).await.map(drop)).unwrap();
    tx.commit().await.unwrap();
    id
}

async fn member(db: &Db, organisation: OrganisationId, role: &'static str, name: &'static str) -> Who {
    let id = uuid_v7(start());
    let mut tx = db.begin().await.unwrap();
    on!(tx, |c| {
        let row = sqlx::query(ACCOUNT).bind(id).bind(id.to_string()).bind(name).bind(start());
        row.execute(c).await.map(drop)
    })
    .unwrap();
    on!(tx, |c| {
        sqlx::query(MEMBER).bind(id).bind(organisation).bind(role).bind(start()).execute(c).await.map(drop)
    })
    .unwrap();
    tx.commit().await.unwrap();
    Who { id, organisation, name, role }
}

impl World {
    /// The visit, as the dispatcher sees it.
    pub async fn visit_of_id(&self, visit: &str) -> Value {
        self.get(&self.dispatcher, &format!("/v1/visits/{visit}")).await.expect(200)
    }
}
