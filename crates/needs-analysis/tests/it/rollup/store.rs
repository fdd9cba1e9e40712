//! Counts stay equal to what the requests say: through steps, imports, moves, and many writers at once.

use std::collections::{BTreeMap, HashMap};

use chrono::{Days, NaiveDate};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use sanbao_needs_analysis::area::{AreaCode, Level, store};
use sanbao_needs_analysis::request::category::Category;
use sanbao_needs_analysis::request::state::RequestStateName;
use sanbao_needs_analysis::rollup::{self, cell::Grain};
use sanbao_platform::db::Db;
use sanbao_platform::id::uuid_v7;
use sanbao_platform::on;
use sanbao_platform::testing::on_both;

use crate::rollup::tree::{Request, TREE, assert_sound, code, day, now, planted, receive, write};

type Key = (String, &'static str, NaiveDate, Category, RequestStateName);

/// The same counting, done the slow and plain way.
#[derive(Default)]
struct Model {
    /// Child, and its parents with the day from which each holds.
    parents: HashMap<String, Vec<(NaiveDate, String)>>,
    requests: Vec<Request>,
}

impl Model {
    fn planted() -> Self {
        let since = day("2000-01-01");
        let parents = TREE.iter().filter_map(|(c, _, p)| p.map(|p| ((*c).to_owned(), vec![(since, p.to_owned())])));
        Self { parents: parents.collect(), requests: Vec::new() }
    }

    fn counts(&self) -> BTreeMap<Key, i64> {
        let mut counts = BTreeMap::new();
        for r in &self.requests {
            let mut area = r.area.to_string();
            loop {
                for (grain, name) in [(Grain::Day, "day"), (Grain::Month, "month")] {
                    let key = (area.clone(), name, grain.start(r.day), r.category, r.state);
                    *counts.entry(key).or_default() += 1;
                }
                let Some(parents) = self.parents.get(&area) else { break };
                area = parents.iter().rev().find(|(from, _)| *from <= r.day).unwrap().1.clone();
            }
        }
        counts
    }
}

async fn stored(db: &Db) -> BTreeMap<Key, i64> {
    let mut conn = db.read().await.unwrap();
    let rows: Vec<(String, String, NaiveDate, Category, RequestStateName, i64)> =
        on!(conn, |c| sqlx::query_as("select area_code, grain, starts_on, category, state, n from rollup")
            .fetch_all(c)
            .await)
        .unwrap();
    rows.into_iter().map(|(a, g, d, c, s, n)| ((a, if g == "day" { "day" } else { "month" }, d, c, s), n)).collect()
}

struct Player {
    rng: StdRng,
    model: Model,
}

impl Player {
    fn pick<T: Clone>(&mut self, from: &[T]) -> T {
        from[self.rng.random_range(0..from.len())].clone()
    }

    fn request(&mut self) -> Request {
        Request {
            id: uuid_v7(now()),
            area: code(self.pick(&TREE).0),
            category: self.pick(&Category::ALL[..4]),
            state: RequestStateName::Received,
            day: day("2026-08-15") + Days::new(self.rng.random_range(0..100)),
        }
    }

    async fn intake(&mut self, db: &Db, n: usize) {
        let new: Vec<Request> = (0..n).map(|_| self.request()).collect();
        receive(db, &new).await;
        self.model.requests.extend(new);
    }

    /// A step, or another category and area: what goes and what comes, counted together.
    async fn change(&mut self, db: &Db, refile: bool) {
        let at = self.rng.random_range(0..self.model.requests.len());
        let before = self.model.requests[at].clone();
        let mut after = before.clone();
        after.state = self.pick(RequestStateName::ALL);
        if refile {
            (after.area, after.category) = (code(self.pick(&TREE).0), self.pick(&Category::ALL[..4]));
        }
        let changes = if refile {
            vec![before.change(Some(before.state), None), after.change(None, Some(after.state))]
        } else {
            vec![after.change(Some(before.state), Some(after.state))]
        };
        let mut tx = db.begin().await.unwrap();
        write(&mut tx, &after).await;
        rollup::apply_all(&mut tx, &changes).await.unwrap();
        tx.commit().await.unwrap();
        self.model.requests[at] = after;
    }

    /// A grid moves to another compound, or a compound to another community, from a day gone by or to come.
    async fn relocate(&mut self, db: &Db) {
        let (level, above) = self.pick(&[(Level::Grid, Level::Compound), (Level::Compound, Level::Community)]);
        let of = |level: Level| TREE.iter().filter(move |(_, l, _)| *l == level).map(|(c, ..)| *c).collect::<Vec<_>>();
        let (child, parent) = (self.pick(&of(level)), self.pick(&of(above)));
        let last = self.model.parents[child].last().unwrap().0;
        let from = last.max(day("2026-08-10")) + Days::new(self.rng.random_range(1..20));
        let mut tx = db.begin().await.unwrap();
        let running = store::latest_placement(&mut tx, &code(child)).await.unwrap().unwrap();
        store::relocate(&mut tx, now(), &code(child), &running, &code(parent), from).await.unwrap();
        rollup::reparented(&mut tx, from).await.unwrap();
        tx.commit().await.unwrap();
        self.model.parents.get_mut(child).unwrap().push((from, parent.to_owned()));
    }
}

#[tokio::test]
async fn whatever_happens_the_counts_are_those_of_a_rebuild() {
    on_both(|engine| async move {
        let db = planted(&engine).await;
        for seed in [1, 2] {
            let base = if seed == 1 { Model::planted() } else { continue_from(&db).await };
            let mut player = Player { rng: StdRng::seed_from_u64(seed), model: base };
            player.intake(&db, 20).await;
            for step in 0..120 {
                match player.rng.random_range(0..20) {
                    0..=5 => player.intake(&db, 1).await,
                    6 => player.intake(&db, 40).await,
                    7..=13 => player.change(&db, false).await,
                    14..=17 => player.change(&db, true).await,
                    _ => player.relocate(&db).await,
                }
                if step % 20 == 19 {
                    assert_eq!(stored(&db).await, player.model.counts(), "seed {seed}, step {step}");
                    assert_sound(&db).await;
                }
            }
        }
    })
    .await;
}

/// The model of what the first run left behind: a second one goes on over moved areas.
async fn continue_from(db: &Db) -> Model {
    let mut conn = db.read().await.unwrap();
    let links: Vec<(String, NaiveDate, String)> =
        on!(conn, |c| sqlx::query_as("select child, valid_from, parent from area_parent order by child, valid_from")
            .fetch_all(c)
            .await)
        .unwrap();
    let rows: Vec<(uuid::Uuid, AreaCode, Category, RequestStateName, NaiveDate)> =
        on!(conn, |c| sqlx::query_as("select id, area_code, category, state, received_on from request")
            .fetch_all(c)
            .await)
        .unwrap();
    let mut model = Model::default();
    for (child, from, parent) in links {
        model.parents.entry(child).or_default().push((from, parent));
    }
    model.requests =
        rows.into_iter().map(|(id, area, category, state, day)| Request { id, area, category, state, day }).collect();
    model
}

#[tokio::test]
async fn writers_on_the_same_cells_neither_block_in_a_circle_nor_lose_a_count() {
    const WRITERS: usize = 32;
    const ROUNDS: usize = 6;
    on_both(|engine| async move {
        let db = planted(&engine).await;
        let mut tasks = tokio::task::JoinSet::new();
        for w in 0..WRITERS {
            let db = db.clone();
            tasks.spawn(async move {
                // Each in an order of its own, all on the same cells.
                let mut areas = ["a-1-x", "b-2-y", "a", "s", "a-1-y"];
                areas.rotate_left(w % 5);
                let mut mine: Vec<Request> = areas
                    .iter()
                    .map(|a| Request::new(a, Category::Meal, RequestStateName::Received, "2026-11-20"))
                    .collect();
                if w % 2 == 0 {
                    mine.reverse();
                }
                receive(&db, &mine).await;
                for round in 1..ROUNDS {
                    let mut tx = db.begin().await.unwrap();
                    let mut changes = Vec::new();
                    for r in &mut mine {
                        let from = r.state;
                        r.state = RequestStateName::ALL[round];
                        write(&mut tx, r).await;
                        changes.push(r.change(Some(from), Some(r.state)));
                    }
                    rollup::apply_all(&mut tx, &changes).await.unwrap();
                    tx.commit().await.unwrap();
                }
            });
        }
        let mover = db.clone();
        tasks.spawn(async move {
            for (n, parent) in ["b-1", "a-2", "b-2", "a-1", "b-1"].into_iter().enumerate() {
                let from = day("2026-11-10") + Days::new(n as u64);
                let grid = code("a-1-x");
                let mut tx = mover.begin().await.unwrap();
                let running = store::latest_placement(&mut tx, &grid).await.unwrap().unwrap();
                store::relocate(&mut tx, now(), &grid, &running, &code(parent), from).await.unwrap();
                rollup::reparented(&mut tx, from).await.unwrap();
                tx.commit().await.unwrap();
            }
        });
        while let Some(done) = tasks.join_next().await {
            done.unwrap();
        }
        assert_sound(&db).await;
        let counts = stored(&db).await;
        let cell =
            |area: &str| counts[&(area.to_owned(), "day", day("2026-11-20"), Category::Meal, RequestStateName::ALL[5])];
        let each = i64::try_from(WRITERS).unwrap();
        assert_eq!([cell("s"), cell("a"), cell("b"), cell("b-1")], [5 * each, 2 * each, 2 * each, each]);
    })
    .await;
}

#[tokio::test]
async fn a_broken_cell_is_found_named_and_mended() {
    on_both(|engine| async move {
        let db = planted(&engine).await;
        receive(
            &db,
            &[
                Request::new("a-1-x", Category::Meal, RequestStateName::Received, "2026-10-05"),
                Request::new("a-1-x", Category::Bath, RequestStateName::Closed, "2026-11-05"),
            ],
        )
        .await;
        assert_sound(&db).await;
        let before = stored(&db).await;
        for statement in [
            "update rollup set n = 7 where area_code = 'a' and grain = 'day' and category = 'meal'",
            "delete from rollup where area_code = 's' and grain = 'month' and category = 'bath'",
            "insert into rollup (area_code, grain, starts_on, category, state, n)
                select 'b', 'day', starts_on, category, state, 3 from rollup
                where area_code = 'a' and grain = 'day' and category = 'bath'",
        ] {
            let mut tx = db.begin().await.unwrap();
            let touched = on!(tx, |c| sqlx::query(statement).execute(c).await.map(|r| r.rows_affected())).unwrap();
            assert_eq!(touched, 1, "{statement}");
            tx.commit().await.unwrap();
        }
        let mut heard = Vec::new();
        let report = rollup::verify(&db, |done, all| heard.push((done, all))).await.unwrap();
        assert_eq!(heard, [(1, 2), (2, 2)]);
        let found: Vec<String> = report
            .differences
            .iter()
            .map(|d| {
                let c = &d.cell;
                let state = c.state.as_str();
                format!(
                    "{} {:?} {} {} {state}: {} {}",
                    c.area_code,
                    c.grain,
                    c.starts_on,
                    c.category.as_str(),
                    d.stored,
                    d.rebuilt
                )
            })
            .collect();
        assert_eq!(
            found,
            [
                "a Day 2026-10-05 meal received: 7 1",
                "b Day 2026-11-05 bath closed: 3 0",
                "s Month 2026-11-01 bath closed: 0 1",
            ]
        );
        let mended = rollup::repair(&db, |_, _| ()).await.unwrap();
        assert_eq!(mended.differences, report.differences);
        assert_sound(&db).await;
        assert_eq!(stored(&db).await, before);
    })
    .await;
}

#[tokio::test]
async fn a_cell_that_falls_to_zero_is_gone() {
    on_both(|engine| async move {
        let db = planted(&engine).await;
        let r = Request::new("a-1-x", Category::Meal, RequestStateName::Received, "2026-10-05");
        receive(&db, std::slice::from_ref(&r)).await;
        let mut tx = db.begin().await.unwrap();
        rollup::apply(&mut tx, &r.change(Some(RequestStateName::Received), Some(RequestStateName::Triaged)))
            .await
            .unwrap();
        tx.commit().await.unwrap();
        let rows = stored(&db).await;
        assert_eq!(rows.len(), 8, "four levels by day and month");
        assert!(rows.keys().all(|k| k.4 == RequestStateName::Triaged) && rows.values().all(|n| *n == 1));
        let mut tx = db.begin().await.unwrap();
        rollup::apply(&mut tx, &r.change(Some(RequestStateName::Triaged), None)).await.unwrap();
        tx.commit().await.unwrap();
        assert!(stored(&db).await.is_empty());
    })
    .await;
}

#[tokio::test]
async fn an_undone_transaction_counts_nothing() {
    on_both(|engine| async move {
        let db = planted(&engine).await;
        let r = Request::new("a-1-x", Category::Meal, RequestStateName::Received, "2026-10-05");
        let mut tx = db.begin().await.unwrap();
        write(&mut tx, &r).await;
        rollup::apply(&mut tx, &r.change(None, Some(RequestStateName::Received))).await.unwrap();
        drop(tx);
        assert!(stored(&db).await.is_empty());
        assert_sound(&db).await;
    })
    .await;
}
