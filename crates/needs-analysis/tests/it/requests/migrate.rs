//! A database of the release before is brought to this one.

use sanbao_needs_analysis::MIGRATIONS;
use sanbao_platform::db::Migrations;
use sanbao_platform::testing::on_both;
use sanbao_platform::{history, on};
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
        // The one before the last; the last is of a later release.
        let before = |scripts: &'static [_]| &scripts[..scripts.len() - 2];
        let old = Migrations { sqlite: before(MIGRATIONS.sqlite), postgres: before(MIGRATIONS.postgres) };
        let db = engine.database(NAME, &old).await;
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
