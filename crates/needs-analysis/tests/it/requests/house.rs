//! A street office, its agencies and their people around one running service.

use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode};
use chrono::{DateTime, Utc};
use http_body_util::BodyExt as _;
use sanbao_needs_analysis::{App, Config, MIGRATIONS, area, build, request};
use sanbao_platform::auth::{AccessClaims, Keys};
use sanbao_platform::bus::{Consumer, Outbox, publish};
use sanbao_platform::clock::Clock;
use sanbao_platform::db::{Db, Migrations};
use sanbao_platform::http::finish;
use sanbao_platform::id::{OrganisationId, SubjectId};
use sanbao_platform::on;
use sanbao_platform::testing::TestEngine;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;
use uuid::Uuid;

/// A Monday, 12:00 in Ningbo.
pub const NOON: &str = "2026-11-23T04:00:00Z";
pub const STREET: &str = "330211001";
pub const CHENGDONG: &str = "330211001001";
pub const XIMEN: &str = "330211001007";

const NO_TABLES: Migrations = Migrations { sqlite: &[], postgres: &[] };

/// A service with the street seeded, two agencies known, and the log of a neighbour.
pub struct House {
    pub app: App,
    pub clock: Clock,
    router: Router,
    consumers: Vec<Consumer>,
    booking: Db,
    keys: Keys,
}

/// Somebody with a token.
#[derive(Clone, Debug)]
pub struct Person {
    claims: AccessClaims,
}

pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Value,
    pub text: String,
}

fn id(n: u128) -> Uuid {
    Uuid::from_u128(n)
}

pub fn person(n: u128, organisation: u128, role: &str, areas: &[&str]) -> Person {
    let areas = areas.iter().map(|a| (*a).to_owned()).collect();
    let (sub, org, sid) = (SubjectId(id(n)), OrganisationId(id(organisation)), id(n + 1000));
    Person { claims: AccessClaims { sub, org, roles: vec![role.to_owned()], areas, name: "测试".into(), sid } }
}

/// The street office's dispatcher.
pub fn street() -> Person {
    person(1, 100, "dispatcher", &[STREET])
}

/// The dispatcher of the first agency.
pub fn agency() -> Person {
    person(2, 200, "dispatcher", &[])
}

/// The dispatcher of another agency.
pub fn other_agency() -> Person {
    person(3, 201, "dispatcher", &[])
}

pub fn administrator() -> Person {
    person(4, 100, "administrator", &[STREET])
}

pub fn analyst() -> Person {
    person(5, 100, "analyst", &[STREET])
}

pub fn agency_id() -> Uuid {
    id(200)
}

pub fn other_agency_id() -> Uuid {
    id(201)
}

impl House {
    pub async fn open(engine: &TestEngine) -> Self {
        let clock = Clock::manual(NOON.parse().unwrap());
        let deps = engine.deps("needs_analysis", &MIGRATIONS, clock.clone()).await;
        let booking = engine.database("booking", &NO_TABLES).await;
        let app = App { deps: deps.clone(), config: Config::default() };
        let mut tx = deps.db.begin().await.unwrap();
        area::seed::zhaobaoshan(&mut tx, clock.now()).await.unwrap();
        area::seed::demo_subdivision(&mut tx, clock.now()).await.unwrap();
        for (n, name) in [(200, "甲机构"), (201, "乙机构")] {
            request::store::put_agency(&mut tx, OrganisationId(id(n)), name, "An agency", clock.now()).await.unwrap();
        }
        tx.commit().await.unwrap();
        let keys = deps.keys.clone();
        let service = build(Config::default(), deps);
        let router = finish(service.routes.router, clock.clone(), CancellationToken::new(), false);
        Self { app, clock, router, consumers: service.consumers, booking, keys }
    }

    pub fn token(&self, person: &Person) -> String {
        self.keys.sign_access(self.clock.now(), &person.claims).unwrap()
    }

    pub async fn send(&self, request: Request<Body>) -> Answer {
        let answer = self.router.clone().oneshot(request).await.unwrap();
        let (status, headers) = (answer.status(), answer.headers().clone());
        let bytes = answer.into_body().collect().await.unwrap().to_bytes();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let body = serde_json::from_str(&text).unwrap_or(Value::Null);
        Answer { status, headers, body, text }
    }

    /// Calls with a body of JSON, or none.
    pub async fn call(&self, who: &Person, method: &str, path: &str, body: Option<Value>) -> Answer {
        self.call_with(who, method, path, body, &[]).await
    }

    pub async fn call_with(
        &self,
        who: &Person,
        method: &str,
        path: &str,
        body: Option<Value>,
        headers: &[(&str, &str)],
    ) -> Answer {
        let mut request =
            Request::builder().method(method).uri(path).header("authorization", format!("Bearer {}", self.token(who)));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let body = match body {
            Some(json) => {
                request = request.header("content-type", "application/json");
                Body::from(json.to_string())
            }
            None => Body::empty(),
        };
        self.send(request.body(body).unwrap()).await
    }

    pub async fn get(&self, who: &Person, path: &str) -> Answer {
        self.call(who, "GET", path, None).await
    }

    pub async fn post(&self, who: &Person, path: &str, body: Value) -> Answer {
        self.call(who, "POST", path, Some(body)).await
    }

    /// Takes a request down and gives its id.
    pub async fn take_down(&self, changes: Value) -> String {
        let answer = self.post(&street(), "/v1/requests", sample(changes)).await;
        assert_eq!(answer.status, 201, "{}", answer.text);
        answer.body["id"].as_str().unwrap().to_owned()
    }

    /// A step that must succeed.
    pub async fn step(&self, who: &Person, id: &str, step: &str, body: Value) -> Value {
        let answer = self.post(who, &format!("/v1/requests/{id}/{step}"), body).await;
        assert_eq!(answer.status, 200, "{step}: {}", answer.text);
        self.clock.advance(Duration::from_mins(1));
        answer.body
    }

    pub async fn state(&self, id: &str) -> String {
        self.get(&street(), &format!("/v1/requests/{id}")).await.body["state"].as_str().unwrap().to_owned()
    }

    /// Writes an event of the neighbour and lets the consumers read.
    pub async fn hear(&self, kind: &str, subject: Uuid, data: Value) {
        let mut tx = self.booking.begin().await.unwrap();
        publish(&mut tx, self.clock.now(), kind, subject, &data).await.unwrap();
        tx.commit().await.unwrap();
        for consumer in &self.consumers {
            consumer.catch_up(&Outbox::new("booking", self.booking.clone())).await.unwrap();
        }
    }

    /// How many events each consumer gave up on.
    pub async fn parked(&self) -> i64 {
        let mut parked = 0;
        for consumer in &self.consumers {
            parked += consumer.status(&Outbox::new("booking", self.booking.clone())).await.unwrap().parked;
        }
        parked
    }

    /// The events this service has published, in order.
    pub async fn published(&self) -> Vec<(String, Value)> {
        let log = Outbox::new("needs-analysis", self.app.deps.db.clone());
        log.read(0, 1000).await.unwrap().into_iter().map(|e| (e.kind, e.data)).collect()
    }

    /// The street's counts: the sum over its cells, and the sum over all requests.
    pub async fn counted(&self) -> (i64, i64) {
        let mut conn = self.app.deps.db.read().await.unwrap();
        let cells: Option<i64> = on!(conn, |c| sqlx::query_scalar(
            "select cast(sum(n) as bigint) from rollup where area_code = '330211001' and grain = 'month'"
        )
        .fetch_one(c)
        .await)
        .unwrap();
        let rows: i64 = on!(conn, |c| sqlx::query_scalar("select count(*) from request").fetch_one(c).await).unwrap();
        (cells.unwrap_or(0), rows)
    }

    /// Cells of the street's days that a count of the requests themselves does not give.
    pub async fn miscounted(&self) -> i64 {
        self.number(
            "select count(*) from (select starts_on, category, state, n from rollup
                where area_code = '330211001' and grain = 'day'
                except select received_on, category, state, count(*) from request group by 1, 2, 3) x",
        )
        .await
    }

    /// One number from the database.
    pub async fn number(&self, sql: &'static str) -> i64 {
        let mut conn = self.app.deps.db.read().await.unwrap();
        on!(conn, |c| sqlx::query_scalar(sql).fetch_one(c).await).unwrap()
    }

    pub fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }
}

/// A good request with some fields changed.
#[expect(clippy::needless_pass_by_value, reason = "reads better at the call: sample(json!({..}))")]
pub fn sample(changes: Value) -> Value {
    let mut body = json!({
        "area_code": format!("{CHENGDONG}-C1-G1"), "category": "meal", "urgency": "normal",
        "elder_name": "林某兰", "phone": "199 0000 0001", "national_id": "11010519491231002X",
        "address": "城东东苑 2 幢 1 单元", "note": "送午饭",
    });
    for (key, value) in changes.as_object().unwrap() {
        body[key] = value.clone();
    }
    body
}
