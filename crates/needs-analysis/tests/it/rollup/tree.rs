//! The common parts of the roll-up's tests: a small tree, and requests written beside their counts.

use chrono::{DateTime, NaiveDate, Utc};
use sanbao_needs_analysis::MIGRATIONS;
use sanbao_needs_analysis::area::store::add;
use sanbao_needs_analysis::area::{Area, AreaCode, Level};
use sanbao_needs_analysis::request::category::Category;
use sanbao_needs_analysis::request::state::RequestStateName;
use sanbao_needs_analysis::rollup::{self, CountChange};
use sanbao_platform::clock::Clock;
use sanbao_platform::db::{Db, Tx};
use sanbao_platform::id::uuid_v7;
use sanbao_platform::on;
use sanbao_platform::testing::TestEngine;
use uuid::Uuid;

pub fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

pub fn code(text: &str) -> AreaCode {
    AreaCode::parse(text).unwrap()
}

/// 2026-11-23 in the street's zone.
pub fn now() -> DateTime<Utc> {
    "2026-11-23T02:00:00Z".parse().unwrap()
}

pub fn clock() -> Clock {
    Clock::manual(now())
}

/// A street `s` of two communities, each of two compounds, each of two grids: `s`, `a`, `a-1`, `a-1-x`.
pub const TREE: [(&str, Level, Option<&str>); 15] = [
    ("s", Level::Street, None),
    ("a", Level::Community, Some("s")),
    ("b", Level::Community, Some("s")),
    ("a-1", Level::Compound, Some("a")),
    ("a-2", Level::Compound, Some("a")),
    ("b-1", Level::Compound, Some("b")),
    ("b-2", Level::Compound, Some("b")),
    ("a-1-x", Level::Grid, Some("a-1")),
    ("a-1-y", Level::Grid, Some("a-1")),
    ("a-2-x", Level::Grid, Some("a-2")),
    ("a-2-y", Level::Grid, Some("a-2")),
    ("b-1-x", Level::Grid, Some("b-1")),
    ("b-1-y", Level::Grid, Some("b-1")),
    ("b-2-x", Level::Grid, Some("b-2")),
    ("b-2-y", Level::Grid, Some("b-2")),
];

pub async fn plant(db: &Db) {
    let mut tx = db.begin().await.unwrap();
    for (text, level, parent) in TREE {
        let area = Area { code: code(text), level, name_zh: format!("{text}区"), name_en: None };
        let parent = parent.map(code);
        let first = parent.as_ref().map(|parent| (parent, day("2000-01-01")));
        assert!(add(&mut tx, now(), &area, first).await.unwrap());
    }
    tx.commit().await.unwrap();
}

/// A database with the tree planted.
pub async fn planted(engine: &TestEngine) -> Db {
    let db = engine.database("needs_analysis", &MIGRATIONS).await;
    plant(&db).await;
    db
}

/// A request, as far as counting cares.
#[derive(Clone, Debug)]
pub struct Request {
    pub id: Uuid,
    pub area: AreaCode,
    pub category: Category,
    pub state: RequestStateName,
    pub day: NaiveDate,
}

impl Request {
    pub fn new(area: &str, category: Category, state: RequestStateName, on: &str) -> Self {
        Self { id: uuid_v7(now()), area: code(area), category, state, day: day(on) }
    }

    pub fn change(&self, from: Option<RequestStateName>, to: Option<RequestStateName>) -> CountChange {
        CountChange { area_code: self.area.clone(), category: self.category, day: self.day, from, to }
    }
}

const INSERT: &str = "insert into request (id, source, received_at, received_on, area_code, category, urgency,
    elder_name, state, state_since, created_at, version) values ($1, 'test', $2, $3, $4, $5, 'normal', '', $6, $2, $2, 1)
    on conflict (id) do update set area_code = $4, category = $5, state = $6";

/// Writes the request as it now stands; the counts are the caller's to keep.
pub async fn write(tx: &mut Tx, r: &Request) {
    on!(tx, |c| {
        let row = sqlx::query(INSERT).bind(r.id).bind(now()).bind(r.day).bind(&r.area);
        row.bind(r.category).bind(r.state).execute(c).await.map(drop)
    })
    .unwrap();
}

/// Writes new requests with their counts, in one transaction.
pub async fn receive(db: &Db, requests: &[Request]) {
    let mut tx = db.begin().await.unwrap();
    for r in requests {
        write(&mut tx, r).await;
    }
    let changes: Vec<CountChange> = requests.iter().map(|r| r.change(None, Some(r.state))).collect();
    rollup::apply_all(&mut tx, &changes).await.unwrap();
    tx.commit().await.unwrap();
}

/// Asserts that a rebuild finds nothing to mend.
pub async fn assert_sound(db: &Db) {
    let report = rollup::verify(db, |_, _| ()).await.unwrap();
    assert_eq!(report.differences, [], "on {}", db.engine_name());
}
