//! An upgrade from the schema of before people had one record, with data in every table that there was: nothing of it is lost
//! or altered, what is kept twice agrees, and the API shows the same.

use std::collections::BTreeMap;

use sanbao::compose::{Found, Purpose};
use sanbao::role::Role;
use sanbao::settings::Storage;
use sanbao_needs_analysis::rollup;
use sanbao_platform::clock::Clock;
use sanbao_platform::db::Db;
use sanbao_platform::db::copy::{Cell, CopyError, Digest, Sink, Snapshot, Table};
use sanbao_platform::testing::{TestEngine, eventually, on_both};
use serde_json::Value;

use crate::common::world::World;
use crate::common::{self, Served};

/// The last migration of the platform's own tables that the old release had.
const PLATFORM_LAST: i64 = 7;
/// The last one of each service.
const fn last(role: Role) -> i64 {
    match role {
        Role::Booking => 1200,
        Role::Signalling => 103,
        Role::NeedsAnalysis => 800,
    }
}

/// Tables that are always empty, because a row in them is of one transaction.
const EMPTY: &[&str] = &["booking.write_probe", "signalling.write_probe", "needs_analysis.write_probe"];
/// An account that nobody logs in with here.
const NOBODYS_LOGIN: &str = "victim";

/// The rows of the tables of one database that were written so far.
#[derive(Default)]
struct Written(BTreeMap<String, Vec<Vec<Cell>>>);

impl Written {
    /// The key of a row of a table by its number.
    fn key(&self, table: &str, row: usize) -> Cell {
        let rows = self.0.get(table).unwrap_or_else(|| panic!("{table} is not written yet"));
        rows[row][0].clone()
    }

    fn nobodys_account(&self) -> Cell {
        let rows = &self.0["account"];
        rows.iter().find(|row| row.contains(&Cell::Text(NOBODYS_LOGIN.to_owned()))).unwrap()[0].clone()
    }

    /// Two people, the lower id first.
    fn person(&self, second: bool) -> Cell {
        let Cell::Bytes(one) = self.key("person", 0) else { panic!("no id") };
        let Cell::Bytes(other) = self.key("person", 1) else { panic!("no id") };
        Cell::Bytes(if second { one.max(other) } else { one.min(other) })
    }

    /// The value of a column in a row that is made up, because no way through the API of now leads to one.
    fn made_up(&self, table: &str, column: &str) -> Cell {
        let text = |text: &str| Cell::Text(text.to_owned());
        match (table, column) {
            ("audit", "request_id") => text("old"),
            (_, "consult_id") => self.key("consult", 0),
            (_, "request_id") if self.0.contains_key("request") => self.key("request", 0),
            ("practitioner_exception", "account_id") => self.key("practitioner", 0),
            (_, "account_id" | "declined_by" | "joined_by" | "recorded_by") => self.nobodys_account(),
            (_, "organisation_id") => self.key("organisation", 0),
            (_, "device_id") => self.key("device", 0),
            (_, "join_id") => self.key("person_join", 0),
            (_, "low_id" | "survivor_id") => self.person(false),
            (_, "high_id" | "other_id") => self.person(true),
            (_, "separated_at" | "separated_by" | "start_minute" | "end_minute" | "slot_minutes") => Cell::Null,
            ("room_snapshot", "data") | (_, "secret_sealed") => Cell::Bytes(vec![7; 40]),
            (_, "data" | "result" | "quality" | "totals" | "body") => text("{}"),
            (_, "errors") => text("[]"),
            (_, "on_date") => text("2026-11-23"),
            (_, "at" | "until") => text("2026-11-22T08:00:00.000000+00:00"),
            (_, at) if at.ends_with("_at") || at.ends_with("_since") => text("2026-11-22T08:00:00.000000+00:00"),
            ("practitioner_exception", "kind") => text("closed"),
            ("person_join_moved", "kind") => text("consult"),
            ("device", "kind") => text("own"),
            (_, "direction") => text("in"),
            (_, "decision") => text("adopted"),
            (
                _,
                "id" | "person" | "consult" | "ticket" | "session" | "segment" | "epoch" | "actor" | "organisation"
                | "subject" | "shown",
            ) => id(),
            (_, id_) if id_.ends_with("_id") || id_.ends_with("_person") => id(),
            (_, number) if NUMBERS.contains(&number) || number.ends_with("_seconds") => Cell::Int(1),
            _ => text("old"),
        }
    }
}

/// Columns of whole numbers.
const NUMBERS: &[&str] = &[
    "version",
    "n",
    "position",
    "seq",
    "node",
    "status",
    "attempts",
    "times",
    "wrong_pin_count",
    "last_step",
    "rows_total",
    "rows_done",
    "created",
    "updated",
    "unchanged",
    "failed",
    "other",
    "error_count",
    "ended",
];

/// An id that is nobody's.
fn id() -> Cell {
    Cell::Bytes(vec![9; 16])
}

/// The lines that some callers of the demo are shown by lists, in the fields that the old release had.
async fn shown(served: &Served) -> BTreeMap<String, Vec<[Value; 3]>> {
    let nobody = served.nobody();
    let mut all = BTreeMap::new();
    for (login, path) in [
        ("nurse", "/v1/persons?limit=200"),
        ("nurse", "/v1/consults?limit=200"),
        ("doctor", "/v1/consults?limit=200"),
        ("desk", "/v1/requests?limit=200"),
        ("dispatcher", "/v1/visits?limit=200"),
        ("admin", "/v1/organisations?limit=200"),
    ] {
        let list = nobody.demo(login).await.get(path).await.expect(200);
        let line = |item: &Value| ["id", "state", "name"].map(|field| item[field].clone());
        let items: Vec<_> = list["items"].as_array().unwrap().iter().map(line).collect();
        assert!(!items.is_empty(), "{login} sees nothing at {path}");
        all.insert(format!("{login} {path}"), items);
    }
    all
}

/// The columns of `old` out of a row of `whole`.
struct Part {
    old: Table,
    whole: Table,
    places: Vec<usize>,
}

impl Part {
    fn of(old: &Table, tables: &[Table]) -> Self {
        let whole = tables.iter().find(|table| table.name == old.name);
        let whole = whole.unwrap_or_else(|| panic!("the table {} is gone", old.name)).clone();
        let place = |name: &str| whole.columns.iter().position(|column| column.name == name);
        let found = |name: &str| place(name).unwrap_or_else(|| panic!("the column {}.{name} is gone", old.name));
        let places = old.columns.iter().map(|column| found(&column.name)).collect();
        Self { old: old.clone(), whole, places }
    }

    /// Reads the part out of every row.
    async fn rows(&self, snapshot: &mut Snapshot) -> Vec<Vec<Cell>> {
        let mut rows = Vec::new();
        let each = async |row: Vec<Cell>| {
            rows.push(self.places.iter().map(|place| row[*place].clone()).collect());
            Ok::<_, CopyError>(())
        };
        snapshot.rows(&self.whole, each).await.unwrap();
        rows
    }
}

fn sum(table: &Table, rows: &[Vec<Cell>]) -> Digest {
    let mut digest = Digest::default();
    for row in rows {
        digest.take(table, row);
    }
    digest
}

/// The old tables of all services.
type Tables = Vec<(Role, Table)>;

/// The sums of the old tables' columns in databases of any later version.
async fn sums(databases: &[(Role, Db)], old: &Tables) -> BTreeMap<String, Digest> {
    let mut sums = BTreeMap::new();
    for (role, db) in databases {
        let mut snapshot = Snapshot::of_one(db).await.unwrap();
        let tables = snapshot.tables().await.unwrap();
        for (_, table) in old.iter().filter(|(of, _)| of == role) {
            let part = Part::of(table, &tables);
            let rows = part.rows(&mut snapshot).await;
            sums.insert(format!("{}.{}", role.schema(), table.name), sum(table, &rows));
        }
    }
    sums
}

/// The databases of an old release at `storage`, with the rows of `now` as far as that release had columns for them.
async fn old_network(storage: &Storage, now: &[(Role, Db)]) -> Tables {
    let found = Found::open(storage, Role::ALL, Purpose::Serve).await.unwrap();
    let databases = found.databases();
    for (role, db) in &databases {
        let known = db.known(role.migrations()).into_iter();
        let old: Vec<i64> =
            known.filter(|version| *version <= PLATFORM_LAST || (100..=last(*role)).contains(version)).collect();
        db.migrate_to(role.migrations(), &old).await.unwrap();
    }
    let with_schema: Vec<_> = databases.iter().map(|(role, db)| (db.clone(), role.schema())).collect();
    let mut sink = Sink::open(&with_schema).await.unwrap();
    let (mut all, mut empty) = (Vec::new(), Vec::new());
    for (at, (role, db)) in now.iter().enumerate() {
        let tables = sink.enter(at).await.unwrap();
        let mut snapshot = Snapshot::of_one(db).await.unwrap();
        let whole = snapshot.tables().await.unwrap();
        let mut written = Written::default();
        for table in tables {
            let part = Part::of(&table, &whole);
            let (mut rows, name) = (part.rows(&mut snapshot).await, format!("{}.{}", role.schema(), table.name));
            rows.iter_mut().flatten().for_each(of_then);
            if rows.is_empty() && !EMPTY.contains(&name.as_str()) {
                rows.push(table.columns.iter().map(|column| written.made_up(&table.name, &column.name)).collect());
            }
            if rows.is_empty() {
                empty.push(name);
            }
            for row in rows.clone() {
                sink.write(&part.old, row).await.unwrap();
            }
            sink.finish(&part.old).await.unwrap();
            written.0.insert(table.name.clone(), rows);
            all.push((*role, table));
        }
        sink.leave().await.unwrap();
    }
    sink.commit().await.unwrap();
    found.close().await;
    assert_eq!(empty, EMPTY, "tables without a row");
    all
}

/// A word that the old release did not know is one that it knew.
fn of_then(cell: &mut Cell) {
    if matches!(cell, Cell::Text(word) if word == "area_leader") {
        *cell = Cell::Text("analyst".to_owned());
    }
}

async fn opened(storage: &Storage) -> Found {
    Found::open(storage, Role::ALL, Purpose::Work).await.unwrap()
}

/// A network of now with something of every kind in it; what its people are shown.
async fn filled(engine: &TestEngine) -> BTreeMap<String, Vec<[Value; 3]>> {
    let served = Served::demo(engine.clone()).await;
    let world = World::of(&served).await;
    let shown = shown(&served).await;
    drop(world);
    served.stop().await;
    shown
}

#[tokio::test]
async fn nothing_of_an_old_release_is_lost_by_an_upgrade() {
    on_both(|engine| async move {
        let before = filled(&engine).await;
        let now = opened(&common::storage(&engine)).await;
        // Another place on the same engine.
        let place = match &engine {
            TestEngine::Sqlite(_) => sanbao_platform::testing::sqlite(),
            TestEngine::Postgres(_) => sanbao_platform::testing::postgres().await.unwrap(),
        };
        let storage = common::storage(&place);
        let tables = old_network(&storage, &now.databases()).await;
        now.close().await;
        let old = opened(&storage).await;
        let kept = sums(&old.databases(), &tables).await;
        old.close().await;
        common::stores(&storage).await.close().await;
        let new = opened(&storage).await;
        for (name, digest) in sums(&new.databases(), &tables).await {
            assert_eq!(kept[&name], digest, "{name} on {}", engine.name());
        }
        for (role, db) in new.databases() {
            assert!(db.pending(role.migrations()).await.unwrap().is_empty());
            let checked = match role {
                Role::Booking => sanbao_booking::verify::verify(&db).await.unwrap(),
                Role::NeedsAnalysis => sanbao_needs_analysis::verify::verify(&db).await.unwrap(),
                Role::Signalling => Vec::new(),
            };
            for one in checked {
                assert!(one.broken.is_empty(), "{}: {:?}", one.promise, one.broken);
            }
            if role == Role::NeedsAnalysis {
                assert!(rollup::verify(&db, |_, _| {}).await.unwrap().differences.is_empty());
            }
        }
        new.close().await;
        let parts = common::parts_at(&storage, Clock::manual(common::morning())).await;
        let served = Served::of(place, parts).await;
        assert_eq!(shown(&served).await, before, "{}", engine.name());
        // What the new release keeps beside is filled in from what was there.
        let (nurse, name) = (served.nobody().demo("nurse").await, before["nurse /v1/persons?limit=200"][0][2].clone());
        let typed: String = name.as_str().unwrap().chars().take(1).collect();
        eventually("somebody is found by a name from before", async || {
            let found = nurse.get(&format!("/v1/persons/lookup?q={typed}")).await.expect(200);
            (!found["people"].as_array().or(found["items"].as_array())?.is_empty()).then_some(())
        })
        .await;
        served.stop().await;
    })
    .await;
}
