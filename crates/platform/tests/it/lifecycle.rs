//! A small aggregate's whole life on both engines: a step's rows and permission, and that nothing is half done.

mod errand;

use std::future::Future;

use axum::Router;
use axum::body::Body;
use axum::http::{Response, StatusCode};
use axum::routing::post;
use chrono::{DateTime, Utc};
use sanbao_platform::bus::{NewEvent, Outbox};
use sanbao_platform::clock::Clock;
use sanbao_platform::db::{Conn, DbError, Migrations, Script, Tx};
use sanbao_platform::http::{Ctx, Json};
use sanbao_platform::id::OrganisationId;
use sanbao_platform::lifecycle::{
    By, Call, Change, IllegalStep, Lifecycle, Order, State as _, StepError, StepName, StepRequest, actions, advance,
    create, save, step,
};
use sanbao_platform::policy::Decision;
use sanbao_platform::problem::Problem;
use sanbao_platform::service::Deps;
use sanbao_platform::testing::{Person, Site, TestEngine, on_both};
use sanbao_platform::{history, on};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use errand::{BEGUN, ENDED, ErrandId, ErrandState, ErrandStateName, ErrandStep, ErrandStepName, Told};

const MIGRATIONS: Migrations = Migrations {
    sqlite: &[Script {
        version: 100,
        name: "errand",
        sql: "create table errand (id blob primary key, state text not null, reason text, version integer not null) strict;
            create table errand_count (state text primary key, n integer not null) strict;",
    }],
    postgres: &[Script {
        version: 100,
        name: "errand",
        sql: "create table errand (id uuid primary key, state text not null, reason text, version bigint not null);
            create table errand_count (state text primary key, n bigint not null);",
    }],
};
const FIND: &str = "select id, state, reason, version from errand where id = $1";
const INSERT: &str = "insert into errand (id, state, reason, version) values ($1, $2, $3, $4) on conflict do nothing";
const UPDATE: &str = "update errand set state = $3, reason = $4, version = $5 where id = $1 and version = $2";
const COUNT: &str =
    "insert into errand_count (state, n) values ($1, 1) on conflict (state) do update set n = errand_count.n + 1";

#[derive(Clone, Debug)]
struct Errand {
    id: ErrandId,
    state: ErrandState,
    version: i64,
}

#[derive(sqlx_macros::FromRow)]
struct Row {
    id: ErrandId,
    state: ErrandStateName,
    reason: Option<String>,
    version: i64,
}

impl From<Row> for Errand {
    fn from(row: Row) -> Self {
        let state = match row.state {
            ErrandStateName::Open => ErrandState::Open,
            ErrandStateName::Done => ErrandState::Done,
            ErrandStateName::Dropped => ErrandState::Dropped { reason: row.reason.unwrap_or_default() },
        };
        Self { id: row.id, state, version: row.version }
    }
}

impl Lifecycle for Errand {
    const NAME: &'static str = "errand";
    const TOPIC: &'static str = "errands";
    type App = Deps;
    type Id = ErrandId;
    type State = ErrandState;
    type Stance = ();
    type View = Value;

    fn id(&self) -> ErrandId {
        self.id
    }

    fn version(&self) -> i64 {
        self.version
    }

    fn state(&self) -> &ErrandState {
        &self.state
    }

    fn advanced(self, state: ErrandState, _: &ErrandStep, _: DateTime<Utc>) -> Self {
        Self { state, version: self.version + 1, ..self }
    }

    async fn find(conn: &mut Conn, id: ErrandId) -> Result<Option<Self>, DbError> {
        let row: Option<Row> = on!(conn, |c| sqlx::query_as(FIND).bind(id).fetch_optional(c).await)?;
        Ok(row.map(Self::from))
    }

    async fn write(tx: &mut Tx, before: Option<&Self>, after: &Self) -> Result<bool, DbError> {
        let reason = match &after.state {
            ErrandState::Dropped { reason } => Some(reason),
            _ => None,
        };
        let rows = on!(tx, |c| {
            let row = sqlx::query(if before.is_some() { UPDATE } else { INSERT }).bind(after.id);
            let row = if let Some(before) = before { row.bind(before.version) } else { row };
            let row = row.bind(after.state.name()).bind(reason).bind(after.version);
            row.execute(c).await.map(|r| r.rows_affected())
        })?;
        Ok(rows == 1)
    }

    async fn follow_up(tx: &mut Tx, _: &By<'_>, changes: &[Change<Self>]) -> Result<(), DbError> {
        for change in changes {
            on!(tx, |c| sqlx::query(COUNT).bind(change.after.state.name()).execute(c).await.map(drop))?;
        }
        Ok(())
    }

    fn events(by: &By<'_>, change: &Change<Self>) -> Result<Vec<NewEvent>, DbError> {
        let id = change.after.id;
        let kind = if change.before.is_some() { &ENDED } else { &BEGUN };
        Ok(vec![NewEvent::of(by.at(), kind, id, &Told { id })?])
    }

    fn audience(change: &Change<Self>) -> Vec<Uuid> {
        vec![change.after.id.into()]
    }

    async fn stance(&self, _: &Deps, _: &mut Conn, _: &Ctx) -> Result<(), Problem> {
        Ok(())
    }

    fn sees(ctx: &Ctx, (): &()) -> Decision {
        if ctx.actor.has("stranger") { Decision::Hide } else { Decision::Allow }
    }

    fn allows(ctx: &Ctx, (): &(), step: ErrandStepName) -> Decision {
        match step {
            ErrandStepName::Drop if ctx.actor.has("helper") => Decision::Forbid,
            _ => Decision::Allow,
        }
    }

    async fn view(_: &Deps, conn: &mut Conn, ctx: &Ctx, id: ErrandId) -> Result<Value, Problem> {
        let errand = Self::find(conn, id).await?.ok_or_else(Problem::not_found)?;
        let legal = actions(&errand, ctx, &());
        Ok(json!({ "id": id, "state": errand.state.name(), "legal": legal, "version": errand.version }))
    }
}

#[derive(Deserialize, Serialize)]
struct Why {
    reason: String,
}

struct Ordered(ErrandStepName, Why);

impl Serialize for Ordered {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.1.serialize(serializer)
    }
}

impl Order<Errand> for Ordered {
    fn step(&self) -> ErrandStepName {
        self.0
    }

    async fn prepare(&self, _: Call<'_, Errand>, tx: &mut Tx, errand: &Errand) -> Result<ErrandStep, Problem> {
        // Something written before the refusal: it must be undone with it.
        on!(tx, |c| sqlx::query(COUNT).bind(ErrandStateName::Open).execute(c).await.map(drop))
            .map_err(DbError::from)?;
        match (self.0, self.1.reason.as_str()) {
            (ErrandStepName::Drop, "") => Err(Problem::field("/reason", "必填", "This field is required")),
            (ErrandStepName::Drop, reason) => Ok(ErrandStep::Drop { reason: reason.to_owned() }),
            (other, _) => Ok(StepName::example(if errand.version < 0 { ErrandStepName::Lapse } else { other })),
        }
    }

    fn explain(&self, _: Call<'_, Errand>, _: &Errand, problem: Problem) -> impl Future<Output = Problem> + Send {
        std::future::ready(problem.with("explained", true))
    }
}

async fn do_drop(asked: StepRequest<Deps, ErrandId>, Json(body): Json<Why>) -> Result<Response<Body>, Problem> {
    asked.take(Ordered(ErrandStepName::Drop, body)).await
}

async fn do_finish(asked: StepRequest<Deps, ErrandId>, Json(body): Json<Why>) -> Result<Response<Body>, Problem> {
    asked.take(Ordered(ErrandStepName::Finish, body)).await
}

fn start() -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000, 0).unwrap()
}

struct World {
    site: Site,
    errand: ErrandId,
}

impl World {
    async fn on(engine: &TestEngine) -> Self {
        let deps = engine.deps("errands", &MIGRATIONS, Clock::manual(start())).await;
        let routes =
            Router::new().route("/errands/{id}/drop", post(do_drop)).route("/errands/{id}/finish", post(do_finish));
        let errand = ErrandId::new(start());
        let mut tx = deps.db.begin().await.unwrap();
        create(&mut tx, &automatic("begin"), open(errand)).await.unwrap();
        tx.commit().await.unwrap();
        Self { site: Site::over(routes.with_state(deps.clone()), &deps), errand }
    }

    async fn post(
        &self,
        role: &'static str,
        step: &str,
        headers: &[(&str, &str)],
        reason: &str,
    ) -> (StatusCode, Value) {
        let who = Person::new(Uuid::from_u128(1), OrganisationId(Uuid::from_u128(2)), &[role], "林护工");
        let (path, body) = (format!("/errands/{}/{step}", self.errand), json!({ "reason": reason }));
        let answer = self.site.call(Some(&who), "POST", &path, Some(body), headers).await;
        (answer.status, answer.body)
    }

    /// How many lines, events, audit rows and counts there are.
    async fn written(&self) -> [i64; 4] {
        [
            self.site.count("select count(*) from history").await,
            self.site.count("select count(*) from outbox").await,
            self.site.count("select count(*) from audit").await,
            self.site.count("select cast(sum(n) as bigint) from errand_count").await,
        ]
    }
}

fn automatic(cause: &str) -> By<'_> {
    By::Automatic { cause, at: start(), actor: None }
}

fn open(id: ErrandId) -> Errand {
    Errand { id, state: ErrandState::Open, version: 1 }
}

#[tokio::test]
async fn a_step_writes_all_that_belongs_to_it_and_tells_lists_after_the_commit() {
    on_both(|engine| async move {
        let world = World::on(&engine).await;
        assert_eq!(world.written().await, [1, 1, 1, 1], "begun");
        let mut changes = world.site.db.changes();
        let (status, body) = world.post("boss", "drop", &[], "rain").await;
        assert_eq!((status, &body["state"], &body["legal"]), (StatusCode::OK, &json!("dropped"), &json!([])));
        assert_eq!(world.written().await, [2, 2, 2, 3], "and what the order itself counted");
        let topics: Vec<_> = std::iter::from_fn(|| changes.try_recv().ok()).map(|c| c.topic).collect();
        assert!(topics.contains(&"errands"), "{topics:?}");
        let mut conn = world.site.db.read().await.unwrap();
        let lines = history::of(&mut conn, "errand", world.errand).await.unwrap().into_unseen();
        let told: Vec<_> = lines.iter().map(|l| (l.version, l.step.as_str(), l.to_state.as_str())).collect();
        assert_eq!(told, [(1, "create", "open"), (2, "drop", "dropped")]);
        assert_eq!((lines[1].reason.as_deref(), lines[1].from_state.as_deref()), (Some("rain"), Some("open")));
        assert_eq!((lines[0].actor, lines[1].actor_name.as_deref()), (None, Some("林护工")));
        let events = Outbox::new("errands", world.site.db.clone()).read(0, 10).await.unwrap();
        assert_eq!(events[1].kind, ENDED.name);
    })
    .await;
}

#[tokio::test]
async fn a_refusal_leaves_nothing_and_says_what_this_caller_may_do() {
    on_both(|engine| async move {
        let world = World::on(&engine).await;
        let before = world.written().await;
        for (role, step, headers, reason, status, slug) in [
            ("stranger", "drop", &[][..], "rain", 404, "not-found"),
            ("helper", "drop", &[], "rain", 403, "forbidden"),
            ("boss", "drop", &[("if-match", "\"7\"")], "rain", 412, "precondition-failed"),
            ("boss", "drop", &[], "", 422, "invalid"),
        ] {
            let (got, body) = world.post(role, step, headers, reason).await;
            assert_eq!((got.as_u16(), &body["type"]), (status, &json!(format!("/problems/{slug}"))), "{role}");
            assert_eq!(world.written().await, before, "{slug}");
        }
        assert_eq!(world.post("boss", "drop", &[], "").await.1["explained"], true, "after the transaction");
        assert_eq!(world.post("helper", "finish", &[("if-match", "\"1\"")], "").await.0, StatusCode::OK);
        let (status, body) = world.post("boss", "drop", &[], "rain").await;
        assert_eq!((status, &body["type"]), (StatusCode::CONFLICT, &json!("/problems/invalid-transition")));
        assert_eq!((&body["state"], &body["action"], &body["legal"]), (&json!("done"), &json!("drop"), &json!([])));
    })
    .await;
}

#[tokio::test]
async fn a_key_is_asked_after_permission_and_stands_for_one_step() {
    on_both(|engine| async move {
        let world = World::on(&engine).await;
        let key = [("idempotency-key", "k1")];
        let first = world.post("boss", "finish", &key, "").await;
        assert_eq!(first.0, StatusCode::OK);
        let written = world.written().await;
        assert_eq!(world.post("boss", "finish", &key, "").await, first, "the first answer again");
        assert_eq!(world.written().await, written);
        // The same account with another role: the answer that is stored must not pass the policy by.
        assert_eq!(world.post("stranger", "finish", &key, "").await.0, StatusCode::NOT_FOUND);
        let (status, body) = world.post("boss", "drop", &key, "").await;
        assert_eq!((status.as_u16(), &body["type"]), (422, &json!("/problems/idempotency-mismatch")));
    })
    .await;
}

#[tokio::test]
async fn of_two_who_read_the_same_version_one_is_told_and_writes_nothing() {
    on_both(|engine| async move {
        let world = World::on(&engine).await;
        let stale = open(world.errand);
        assert_eq!(world.post("boss", "finish", &[], "").await.0, StatusCode::OK);
        let before = world.written().await;
        let mut tx = world.site.db.begin().await.unwrap();
        let refused = advance(&mut tx, &automatic("timer"), stale.clone(), ErrandStep::Lapse).await;
        assert!(matches!(refused, Err(StepError::Overtaken)), "{refused:?}");
        assert!(matches!(create(&mut tx, &automatic("begin"), stale).await, Err(StepError::Overtaken)));
        tx.commit().await.unwrap();
        assert_eq!(world.written().await, before);
    })
    .await;
}

#[tokio::test]
async fn many_are_written_at_once_and_those_that_are_overtaken_are_left_out() {
    on_both(|engine| async move {
        let world = World::on(&engine).await;
        let (by, mut orders) = (automatic("file"), vec![Change::created(open(world.errand))]);
        orders.extend((0..50).map(|_| Change::created(open(ErrandId::new(start()))).because("file 7")));
        let mut tx = world.site.db.begin().await.unwrap();
        let saved = save(&mut tx, &by, orders).await.unwrap();
        assert_eq!(saved.len(), 50, "one was there already");
        let lines = history::of(&mut tx, "errand", saved[0].after.id).await.unwrap().into_unseen();
        assert_eq!(lines[0].reason.as_deref(), Some("file 7"));
        let ended = saved.into_iter().map(|c| step(c.after, ErrandStep::Lapse, start()).unwrap()).collect();
        assert_eq!(save(&mut tx, &by, ended).await.unwrap().len(), 50);
        tx.commit().await.unwrap();
        assert_eq!(world.written().await, [101, 101, 101, 101]);
    })
    .await;
}

#[test]
fn what_is_legal_is_what_apply_takes() {
    use ErrandStepName::{Drop, Finish, Lapse};
    assert_eq!(ErrandState::Open.legal(), [Finish, Drop, Lapse]);
    assert_eq!(ErrandState::Done.legal(), []);
    let refused = ErrandState::Done.apply(ErrandStep::Lapse);
    assert_eq!(refused, Err(IllegalStep { state: "done", step: "lapse" }));
}
