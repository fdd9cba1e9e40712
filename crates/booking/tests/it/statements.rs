//! How many statements a booking makes. Each of them is a way to the server and back, or to the thread of the embedded engine:
//! that is most of what a booking costs.
use std::collections::HashMap;
use std::sync::{LazyLock, Mutex};
use std::thread::{self, ThreadId};

use sanbao_platform::on;
use sanbao_platform::testing::{StatementListener, on_both};
use serde_json::{Value, json};

use crate::consult::world::{World, fresh_key};

/// From this statement on a thread is listened to.
const MARK: &str = "select 'listened to'";

/// The statements of the threads that are listened to: a test's own, and that of its embedded writer.
static HEARD: LazyLock<Mutex<HashMap<ThreadId, Vec<String>>>> = LazyLock::new(Mutex::default);

/// Takes a statement down, if its thread is listened to.
fn hear(said: String) {
    let mut heard = HEARD.lock().unwrap();
    let thread = thread::current().id();
    if said.contains(MARK) {
        heard.entry(thread).or_default();
    }
    // A fresh connection asks once for types that it does not know.
    if let Some(heard) = heard.get_mut(&thread).filter(|_| !said.contains("pg_type")) {
        heard.push(said);
    }
}

async fn mark(w: &World) {
    let mut tx = w.db.begin().await.unwrap();
    on!(tx, |c| sqlx::query(MARK).execute(c).await.map(drop)).unwrap();
    tx.commit().await.unwrap();
}

/// The statements between the last two marks. Those that make the marks' own transactions are among them.
fn between() -> Vec<String> {
    let heard = HEARD.lock().unwrap();
    let of_one = |all: &Vec<String>| {
        let marks: Vec<usize> = (0..all.len()).filter(|n| all[*n].contains(MARK)).collect();
        let [.., from, to] = marks[..] else { return Vec::new() };
        all[from + 1..to].to_vec()
    };
    heard.values().map(of_one).max_by_key(Vec::len).unwrap_or_default()
}

/// How many statements a request makes, and which.
async fn counted(w: &World, path: &str, body: Value) -> (usize, Vec<String>) {
    HEARD.lock().unwrap().clear();
    mark(w).await;
    mark(w).await;
    let own = between().len();
    let key = fresh_key();
    let answer = w.call(Some(&w.nurse), "POST", path, Some(body), &[("idempotency-key", &key)]).await;
    assert!(answer.status.is_success(), "{path}: {}", answer.text);
    mark(w).await;
    let all = between();
    (all.len() - own, all)
}

#[tokio::test]
async fn a_booking_makes_few_statements() {
    tracing::subscriber::set_global_default(StatementListener(hear)).unwrap();
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        let (first, second) = (w.accepted().await, w.accepted().await);
        let slot = |starts_at: &str, room: bool| {
            let mut body = json!({ "starts_at": starts_at });
            if room {
                body["room_id"] = json!(w.rooms[0]);
            }
            body
        };
        let hold = json!({ "resident_id": w.residents[1], "hospital_id": w.hospital, "doctor_id": w.second_doctor.id,
            "starts_at": "2026-11-24T02:00:00Z" });
        let mut asking = w.invitation(1);
        asking["asked"] = json!({ "doctor_id": w.second_doctor.id, "starts_at": "2026-11-24T02:00:00Z" });
        // On PostgreSQL a savepoint stands before any room that is tried.
        // On SQLite the beginning of the transaction is one, and its end two; on PostgreSQL the end alone is heard.
        for (path, body, [sqlite, postgres]) in [
            (format!("/v1/consults/{first}/schedule"), slot("2026-11-23T00:30:00Z", true), [13, 12]),
            (format!("/v1/consults/{second}/schedule"), slot("2026-11-23T01:00:00Z", false), [14, 15]),
            (format!("/v1/consults/{first}/reschedule"), slot("2026-11-23T02:00:00Z", true), [16, 14]),
            ("/v1/consult-holds".to_owned(), hold, [14, 18]),
            ("/v1/consults".to_owned(), asking, [25, 27]),
        ] {
            let (count, all) = counted(&w, &path, body).await;
            let most = if w.engine == "sqlite" { sqlite } else { postgres };
            assert!(count > most / 2, "{}: {path}: only {count} of its statements were heard", w.engine);
            assert!(count <= most, "{}: {count} statements, at most {most}: {all:#?}", w.engine);
        }
    })
    .await;
}
