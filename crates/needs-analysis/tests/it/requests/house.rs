//! A street office, its agencies and their people around one running service.

use std::ops::Deref;
use std::time::Duration;

use chrono::{DateTime, Utc};
use sanbao_needs_analysis::{App, Config, MIGRATIONS, area, ask, build, import, request};
use sanbao_platform::clock::Clock;
use sanbao_platform::id::OrganisationId;
use sanbao_platform::on;
use sanbao_platform::testing::{Neighbour, Person, Site, TestEngine};
use serde_json::{Value, json};
use uuid::Uuid;

/// A Monday, 12:00 in Ningbo.
pub const NOON: &str = "2026-11-23T04:00:00Z";
pub const STREET: &str = "330211001";
pub const CHENGDONG: &str = "330211001001";
pub const XIMEN: &str = "330211001007";

/// A service with the street seeded, two agencies known, and the log of a neighbour.
pub struct House {
    site: Site,
    pub app: App,
    booking: Neighbour,
}

impl Deref for House {
    type Target = Site;

    fn deref(&self) -> &Site {
        &self.site
    }
}

fn id(n: u128) -> Uuid {
    Uuid::from_u128(n)
}

fn somebody(n: u128, organisation: u128, role: &'static str) -> Person {
    Person::new(id(n), OrganisationId(id(organisation)), &[role], "测试")
}

/// Somebody of a street office.
pub fn officer(n: u128, organisation: u128, role: &'static str, areas: &[&'static str]) -> Person {
    somebody(n, organisation, role).of_a("street_office").in_areas(areas)
}

/// Somebody of a home-care agency.
pub fn carer(n: u128, organisation: u128, role: &'static str) -> Person {
    somebody(n, organisation, role).of_a("home_care_agency")
}

/// The street office's dispatcher.
pub fn street() -> Person {
    officer(1, 100, "dispatcher", &[STREET])
}

/// The dispatcher of the first agency.
pub fn agency() -> Person {
    carer(2, 200, "dispatcher")
}

/// The dispatcher of another agency.
pub fn other_agency() -> Person {
    carer(3, 201, "dispatcher")
}

pub fn administrator() -> Person {
    officer(4, 100, "administrator", &[STREET])
}

pub fn analyst() -> Person {
    officer(5, 100, "analyst", &[STREET])
}

pub fn agency_id() -> Uuid {
    id(200)
}

pub fn other_agency_id() -> Uuid {
    id(201)
}

impl House {
    pub async fn open(engine: &TestEngine) -> Self {
        Self::with(engine, Config::default()).await
    }

    /// The same by an operator's choices.
    pub async fn with(engine: &TestEngine, config: Config) -> Self {
        let clock = Clock::manual(NOON.parse().unwrap());
        let deps = engine.deps("needs_analysis", &MIGRATIONS, clock.clone()).await;
        let booking = Neighbour::new(engine, "booking", "booking").await;
        let (imports, tries) = (import::Imports::default(), ask::Tries::default());
        let app = App { deps: deps.clone(), config: config.clone(), imports, tries };
        let mut tx = deps.db.begin().await.unwrap();
        area::seed::zhaobaoshan(&mut tx, clock.now()).await.unwrap();
        area::seed::demo_subdivision(&mut tx, clock.now()).await.unwrap();
        for (n, name) in [(200, "甲机构"), (201, "乙机构")] {
            request::directory::put_agency(&mut tx, OrganisationId(id(n)), name, "An agency", clock.now())
                .await
                .unwrap();
        }
        tx.commit().await.unwrap();
        let site = Site::of(build(config, deps.clone()), &deps);
        Self { site, app, booking }
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
        self.booking.tell(self.clock.now(), kind, subject, &data).await;
        self.site.catch_up(&self.booking).await;
    }

    /// Kind and data of every event of requests, in their order.
    pub async fn published(&self) -> Vec<(String, Value)> {
        self.told("needs.request.%").await
    }

    /// The data of every event of areas of this kind, in their order.
    pub async fn areas_told(&self, kind: &str) -> Vec<Value> {
        self.told(kind).await.into_iter().map(|(_, data)| data).collect()
    }

    async fn told(&self, kinds: &str) -> Vec<(String, Value)> {
        let mut conn = self.app.deps.db.read().await.unwrap();
        let statement = "select kind, data from outbox where kind like $1 order by seq";
        let rows: Vec<(String, sqlx::types::Json<Value>)> =
            on!(conn, |c| sqlx::query_as(statement).bind(kinds).fetch_all(c).await).unwrap();
        rows.into_iter().map(|(kind, data)| (kind, data.0)).collect()
    }

    /// How many events each consumer gave up on.
    pub async fn parked(&self) -> i64 {
        self.site.parked(&self.booking).await
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
        self.count(
            "select count(*) from (select starts_on, category, state, n from rollup
                where area_code = '330211001' and grain = 'day'
                except select received_on, category, state, count(*) from request group by 1, 2, 3) x",
        )
        .await
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
