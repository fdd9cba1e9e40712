//! A database of the release before is brought to this one.

use sanbao_needs_analysis::MIGRATIONS;
use sanbao_platform::history::{self, Line};
use sanbao_platform::on;
use sanbao_platform::testing::on_both;
use uuid::Uuid;

const NAME: &str = "needs_analysis";
const AREA: &str = "insert into area (code, level, name_zh, created_at) values ('1', 'street', '街', $1)";
const REQUEST: &str = "insert into request (id, source, received_at, received_on, area_code, category, urgency,
    elder_name, state, state_since, created_at, version)
    values ($1, 'test', $2, $3, '1', 'meal', 'normal', '林', 'received', $2, $2, 2)";
const STEP: &str = "insert into request_history
    (request_id, seq, at, actor, organisation, step, state_before, state_after, reason, note)
    values ($1, $2, $3, $4, $4, $5, $6, $7, $8, null)";
const TRIAGED: &str = "select count(*) from request where triaged and id = $1";

#[tokio::test]
async fn old_lines_move_into_the_history_and_triage_is_remembered() {
    on_both(|engine| async move {
        let db = engine.database(NAME, &MIGRATIONS.before(400)).await;
        let at: chrono::DateTime<chrono::Utc> = "2026-11-23T04:00:00.123456Z".parse().unwrap();
        let (triaged, fresh) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let mut tx = db.begin().await.unwrap();
        on!(tx, |c| sqlx::query(AREA).bind(at).execute(c).await.map(drop)).unwrap();
        for (id, steps) in [(triaged, &["receive", "triage"][..]), (fresh, &["receive"][..])] {
            on!(tx, |c| sqlx::query(REQUEST).bind(id).bind(at).bind(at.date_naive()).execute(c).await.map(drop))
                .unwrap();
            for (n, step) in (1_i64..).zip(steps) {
                let state = (n > 1).then_some("received");
                on!(tx, |c| {
                    let row =
                        sqlx::query(STEP).bind(id).bind(n).bind(at).bind(Uuid::from_u128(9)).bind(*step).bind(state);
                    row.bind(if n > 1 { "triaged" } else { "received" }).bind("why").execute(c).await.map(drop)
                })
                .unwrap();
            }
        }
        tx.commit().await.unwrap();
        db.close().await;
        let db = engine.database(NAME, &MIGRATIONS).await;
        let mut conn = db.read().await.unwrap();
        let lines = history::of(&mut conn, "request", triaged).await.unwrap().into_unseen();
        let told: Vec<_> = lines.iter().map(|l| (l.version, l.step.as_str(), l.from_state.as_deref(), l.at)).collect();
        assert_eq!(told, [(1, "receive", None, at), (2, "triage", Some("received"), at)]);
        assert_eq!((lines[1].actor, lines[1].reason.as_deref()), (Some(Uuid::from_u128(9)), Some("why")));
        for (id, expected) in [(triaged, 1_i64), (fresh, 0)] {
            let n: i64 = on!(conn, |c| sqlx::query_scalar(TRIAGED).bind(id).fetch_one(c).await).unwrap();
            assert_eq!(n, expected);
        }
    })
    .await;
}

const NUMBERED: &str = "insert into request (id, source, external_id, received_at, received_on, area_code, category,
    urgency, elder_name, state, state_since, merged_into, created_at, version)
    values ($1, 'excel', $2, $3, $4, '1', 'meal', 'normal', '林', 'received', $3, $5, $3, 2)";
const OWNERS: &str = "select id, external_id, organisation_id, merged_into from request order by id";
const OLD_LINES: &str = "select count(*) from request_history h join request r on r.id = h.request_id";
const LOOSE: &str = "insert into request_history (request_id, seq, at, step, state_after)
    values ($1, 9, $2, 'triage', 'triaged')";

#[tokio::test]
async fn every_request_is_kept_and_its_source_is_of_the_organisation_that_brought_it() {
    on_both(|engine| async move {
        let db = engine.database(NAME, &MIGRATIONS.before(600)).await;
        let at: chrono::DateTime<chrono::Utc> = "2026-11-23T04:00:00.123456Z".parse().unwrap();
        let ids: Vec<Uuid> = (1..=3).map(Uuid::from_u128).collect();
        let office = Uuid::from_u128(100);
        let mut tx = db.begin().await.unwrap();
        on!(tx, |c| sqlx::query(AREA).bind(at).execute(c).await.map(drop)).unwrap();
        // The second goes on in the third; nobody's name is kept with the last.
        for (id, into) in [(ids[2], None), (ids[1], Some(ids[2])), (ids[0], None)] {
            on!(tx, |c| {
                let row = sqlx::query(NUMBERED).bind(id).bind(format!("N-{}", id.as_u128())).bind(at);
                row.bind(at.date_naive()).bind(into).execute(c).await.map(drop)
            })
            .unwrap();
            let line = Line {
                version: 1,
                at,
                actor: None,
                actor_name: None,
                organisation: (id != ids[2]).then_some(office),
                step: "receive".to_owned(),
                from_state: None,
                to_state: "received".to_owned(),
                reason: None,
                note: None,
            };
            history::add(&mut tx, "request", &[(id, line)]).await.unwrap();
            on!(tx, |c| {
                let row = sqlx::query(STEP).bind(id).bind(1_i64).bind(at).bind(office).bind("receive");
                row.bind(None::<&str>).bind("received").bind("why").execute(c).await.map(drop)
            })
            .unwrap();
        }
        tx.commit().await.unwrap();
        db.close().await;
        let db = engine.database(NAME, &MIGRATIONS).await;
        let mut conn = db.read().await.unwrap();
        let rows: Vec<(Uuid, String, Option<Uuid>, Option<Uuid>)> =
            on!(conn, |c| sqlx::query_as(OWNERS).fetch_all(c).await).unwrap();
        let row = |n: usize, owner, into| (ids[n], format!("N-{}", n + 1), owner, into);
        assert_eq!(rows, [row(0, Some(office), None), row(1, Some(office), Some(ids[2])), row(2, None, None)]);
        let lines: i64 = on!(conn, |c| sqlx::query_scalar(OLD_LINES).fetch_one(c).await).unwrap();
        assert_eq!(lines, 3, "the lines of before are kept, too");
        drop(conn);
        // What pointed to the table points to the new one.
        let mut tx = db.begin().await.unwrap();
        let loose = on!(tx, |c| sqlx::query(LOOSE).bind(Uuid::from_u128(9)).bind(at).execute(c).await.map(drop));
        assert!(loose.is_err(), "a line of no request");
    })
    .await;
}

const NAMED: &str = "insert into request (id, source, received_at, received_on, area_code, category, urgency,
    elder_name, state, state_since, created_at, version)
    values ($1, 'test', $2, $3, '1', 'meal', 'normal', $4, 'received', $2, $2, 2)";
const NAMES: &str = "select elder_name from request order by id";

#[tokio::test]
async fn names_from_before_are_found_by_every_spelling() {
    on_both(|engine| async move {
        let db = engine.database(NAME, &MIGRATIONS.before(800)).await;
        let at: chrono::DateTime<chrono::Utc> = "2026-11-23T04:00:00Z".parse().unwrap();
        let names =
            ["张 三", "李\u{3000}四", "阿卜杜拉・买买提", "阿卜杜拉.买买提", "Anna Maria", "王 A. 某", "陈桂香"];
        let mut tx = db.begin().await.unwrap();
        on!(tx, |c| sqlx::query(AREA).bind(at).execute(c).await.map(drop)).unwrap();
        for (n, name) in (1_u128..).zip(names) {
            on!(tx, |c| {
                let row = sqlx::query(NAMED).bind(Uuid::from_u128(n)).bind(at).bind(at.date_naive());
                row.bind(name).execute(c).await.map(drop)
            })
            .unwrap();
        }
        tx.commit().await.unwrap();
        db.close().await;
        let db = engine.database(NAME, &MIGRATIONS).await;
        let mut conn = db.read().await.unwrap();
        let kept: Vec<String> = on!(conn, |c| sqlx::query_scalar(NAMES).fetch_all(c).await).unwrap();
        let one = ["张三", "李四", "阿卜杜拉·买买提", "阿卜杜拉·买买提", "Anna Maria", "王 A. 某", "陈桂香"];
        assert_eq!(kept, one);
    })
    .await;
}
