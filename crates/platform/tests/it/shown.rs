//! The people whom an answer shows are written down before it goes out, once a call, with an id of the house's own; so is
//! an account that was refused, within bounds.
use axum::body::Body;
use axum::extract::State;
use axum::http::{Response, StatusCode};
use axum::routing::{get, post};
use chrono::{DateTime, Utc};
use sanbao_platform::audit::{Personal, ROWS_PER_MINUTE_MAX, Subject};
use sanbao_platform::clock::Clock;
use sanbao_platform::db::Migrations;
use sanbao_platform::http::{Ctx, Idempotency, Json, Path, Routes};
use sanbao_platform::id::OrganisationId;
use sanbao_platform::on;
use sanbao_platform::policy::Decision;
use sanbao_platform::problem::Problem;
use sanbao_platform::service::Deps;
use sanbao_platform::testing::{Person, Site, TestEngine, on_both, sqlite};
use serde_json::{Value, json};
use uuid::Uuid;

const NOTHING: Migrations = Migrations { sqlite: &[], postgres: &[] };
const ROWS: &str = "select action, outcome, resource_kind, resource_id, request_id, times from audit order by id";
const SHOWN: &str = "select s.kind, s.id from audit a join audit_shown s on s.shown = a.shown
    where a.request_id = $1 order by s.kind, s.id";

type Row = (String, String, String, Option<Uuid>, String, i64);

fn neighbour(n: u128) -> Subject {
    Subject::new("neighbour", Uuid::from_u128(n))
}

async fn one(ctx: Ctx, Path(id): Path<Uuid>) -> Result<Json<Value>, Problem> {
    let found = Personal::from("陈阿婆".to_owned());
    (if id.is_nil() { Decision::Hide } else { Decision::Allow }).require()?;
    Ok(Json(json!({ "name": found.show(&ctx.shows, &Subject::new("neighbour", id)) })))
}

async fn both(ctx: Ctx) -> Json<Value> {
    let names = [1, 2].map(|n| Personal::from(n.to_string()).shown(&ctx.shows, &neighbour(n)));
    Json(json!(names))
}

async fn looked_at_in_vain(ctx: Ctx) -> Problem {
    Personal::from(()).show(&ctx.shows, &neighbour(1));
    Problem::field("/a", "不对", "Wrong")
}

async fn create(State(deps): State<Deps>, ctx: Ctx, key: Idempotency) -> Result<Response<Body>, Problem> {
    let mut tx = deps.db.begin().await?;
    if let Some(replay) = key.begin(&mut tx, &ctx, "POST /neighbours", &()).await? {
        return Ok(replay);
    }
    let name = Personal::from("许阿婆".to_owned()).shown(&ctx.shows, &neighbour(3));
    let answer = key.finish(&mut tx, &ctx, StatusCode::CREATED, &json!({ "name": name })).await?;
    tx.commit().await?;
    Ok(answer)
}

fn routes() -> Routes<Deps> {
    Routes::new()
        .page("/neighbours", get(both).post(create))
        .page("/neighbours/{id}", get(one))
        .page("/neighbours/{id}/wrong", post(looked_at_in_vain))
}

async fn site(engine: &TestEngine) -> Site {
    let start: DateTime<Utc> = "2026-11-23T06:30:00Z".parse().unwrap();
    let deps = engine.deps("neighbours", &NOTHING, Clock::manual(start)).await;
    Site::over(routes().audited(deps.clone()).router, &deps)
}

fn somebody(n: u128) -> Person {
    Person::new(Uuid::from_u128(n), OrganisationId(Uuid::from_u128(2)), &["care_staff"], "林护工")
}

async fn rows(site: &Site) -> Vec<Row> {
    let mut conn = site.db.read().await.unwrap();
    on!(conn, |c| sqlx::query_as(ROWS).fetch_all(c).await).unwrap()
}

async fn shown(site: &Site, request: &str) -> Vec<u128> {
    let mut conn = site.db.read().await.unwrap();
    let rows: Vec<(String, Uuid)> = on!(conn, |c| sqlx::query_as(SHOWN).bind(request).fetch_all(c).await).unwrap();
    rows.into_iter().map(|(_, id)| id.as_u128()).collect()
}

#[tokio::test]
async fn an_answer_leaves_one_row_with_those_whom_it_shows() {
    on_both(|engine| async move {
        let (site, me) = (site(&engine).await, somebody(1));
        let one = site.get(&me, &format!("/neighbours/{}", Uuid::from_u128(7))).await.checked(200);
        let all = site.get(&me, "/neighbours").await.checked(200);
        let again = site.get(&me, "/neighbours").await.checked(200);
        site.post(&me, &format!("/neighbours/{}/wrong", Uuid::from_u128(7)), json!({})).await.checked(422);
        let mut rows = rows(&site).await;
        rows.sort();
        let expected = [("GET /neighbours/{id}", Some(Uuid::from_u128(7)), &one)];
        let expected = expected.into_iter().chain([&all, &again].map(|answer| ("GET /neighbours", None, answer)));
        let mut expected: Vec<Row> = expected
            .map(|(action, id, answer)| {
                (action.into(), "done".into(), "neighbour".into(), id, answer.header("x-request-id").into(), 1)
            })
            .collect();
        expected.sort();
        assert_eq!(rows, expected, "and nothing of what was refused");
        assert_eq!(shown(&site, one.header("x-request-id")).await, [7]);
        assert_eq!(shown(&site, again.header("x-request-id")).await, [1, 2]);
        let sets = "select count(*) from audit_shown";
        let mut conn = site.db.read().await.unwrap();
        let sets: i64 = on!(conn, |c| sqlx::query_scalar(sets).fetch_one(c).await).unwrap();
        assert_eq!(sets, 3, "the same set is kept once");
    })
    .await;
}

#[tokio::test]
async fn an_answer_that_is_given_again_shows_them_again() {
    on_both(|engine| async move {
        let (site, me) = (site(&engine).await, somebody(1));
        let ask = || site.call(Some(&me), "POST", "/neighbours", None, &[("idempotency-key", "k")]);
        let (first, second) = (ask().await.checked(201), ask().await.checked(201));
        assert_eq!((second.header("idempotent-replayed"), &second.body), ("true", &first.body));
        for answer in [first, second] {
            assert_eq!(shown(&site, answer.header("x-request-id")).await, [3]);
        }
        assert_eq!(rows(&site).await.len(), 2);
    })
    .await;
}

#[tokio::test]
async fn nobody_is_shown_while_it_cannot_be_written_down() {
    on_both(|engine| async move {
        let (site, me) = (site(&engine).await, somebody(1));
        let mut tx = site.db.begin().await.unwrap();
        on!(tx, |c| sqlx::query("drop table audit_shown").execute(c).await.map(drop)).unwrap();
        tx.commit().await.unwrap();
        let answer = site.get(&me, "/neighbours").await.refused(503, "unavailable");
        assert!(answer.body.as_array().is_none(), "{}", answer.text);
        assert_eq!(rows(&site).await, []);
    })
    .await;
}

#[tokio::test]
async fn routes_without_the_audit_show_nobody() {
    let deps = sqlite().deps("neighbours", &NOTHING, Clock::system()).await;
    let site = Site::over(routes().build(deps.clone()).router, &deps);
    let answer = site.get(&somebody(1), "/neighbours").await.refused(500, "internal");
    assert!(answer.body.as_array().is_none());
}

#[tokio::test]
async fn a_callers_own_id_of_a_request_is_not_the_audits() {
    let (site, me) = (site(&sqlite()).await, somebody(1));
    let headers = [("x-request-id", "00000000-0000-7000-8000-000000000000")];
    let answer = site.call(Some(&me), "GET", "/neighbours", None, &headers).await.checked(200);
    let row = rows(&site).await.remove(0);
    assert_eq!(row.4, answer.header("x-request-id"));
    assert_ne!(row.4, headers[0].1);
}

#[tokio::test]
async fn who_is_refused_is_written_down_with_the_account_and_within_bounds() {
    on_both(|engine| async move {
        let (site, me) = (site(&engine).await, somebody(1));
        let hidden = format!("/neighbours/{}", Uuid::nil());
        let often = ROWS_PER_MINUTE_MAX + 30;
        for _ in 0..often {
            site.get(&me, &hidden).await.refused(404, "not-found");
        }
        site.get(&somebody(9), &hidden).await.refused(404, "not-found");
        let nobody = site.call(None, "GET", &hidden, None, &[]).await.checked(401);
        assert!(shown(&site, nobody.header("x-request-id")).await.is_empty());
        let rows = rows(&site).await;
        let of = |outcome: &str| rows.iter().filter(|row| row.1 == outcome).cloned().collect::<Vec<_>>();
        let refused = of("refused");
        assert_eq!(u32::try_from(refused.len()).unwrap(), ROWS_PER_MINUTE_MAX + 1, "each account has its own bound");
        assert_eq!((refused[0].0.as_str(), refused[0].2.as_str()), ("GET /neighbours/{id}", "neighbour"));
        assert_eq!(refused[0].3, Some(Uuid::nil()));
        let counted = of("refused_often");
        assert_eq!(counted.len(), 1);
        assert_eq!((counted[0].3, counted[0].5), (Some(me.id), i64::from(often - ROWS_PER_MINUTE_MAX)));
        assert_eq!(rows.len(), refused.len() + 1, "nobody's tries are not an account's");
    })
    .await;
}
