//! Any free room, asked for by many at the same moment: who finds that room taken tries the next, and nobody waits for
//! somebody who waits for them.

use std::sync::Arc;

use sanbao_booking::calendar::{self, Booking, Interval, ReserveError};
use sanbao_platform::db::Tx;
use sanbao_platform::id::uuid_v7;
use sanbao_platform::on;
use sanbao_platform::testing::{on_both, patiently, postgres, until};
use serde_json::json;
use uuid::Uuid;

use crate::consult::holds::{FIRST, HOLDS, SECOND, nurses, whole, wish};
use crate::consult::world::World;

const CLOSE_ALL: &str = "update location set state = 'closed'";
const ROOM: &str = "insert into location (id, organisation_id, name, created_at) values ($1, $2, $3, $4)";
const WAITING: &str =
    "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'";

async fn takes(w: &World, tx: &mut Tx, resources: &[Uuid]) -> Result<(), ReserveError> {
    let (now, holder_id) = (w.clock.now(), uuid_v7(w.clock.now()));
    let interval = Interval::of_minutes(FIRST.parse().unwrap(), 30).unwrap();
    calendar::reserve(tx, now, &Booking { holder_kind: "consult", holder_id, resources, interval }).await
}

/// The only rooms of the house, by their names in this order.
async fn only_rooms(w: &World, rooms: [Uuid; 2]) {
    let mut tx = w.db.begin().await.unwrap();
    on!(tx, |c| sqlx::query(CLOSE_ALL).execute(c).await.map(drop)).unwrap();
    for (room, name) in rooms.into_iter().zip(["会诊室 A", "会诊室 B"]) {
        on!(tx, |c| {
            let row = sqlx::query(ROOM).bind(room).bind(w.home).bind(name).bind(w.clock.now());
            row.execute(c).await.map(drop)
        })
        .unwrap();
    }
    tx.commit().await.unwrap();
}

/// Somebody takes the first room and is not done; the nurse, who takes doctor and resident, waits for it. A third, who has
/// the other room, waits for the doctor. When the first is done, the nurse tries the other room.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn who_tries_another_room_keeps_nobody_waiting_meanwhile() {
    let Some(engine) = postgres().await else { return };
    let w = Arc::new(World::new(&engine).await);
    // The first by name is the last in the order of ids, and the other way round.
    let (first, other) = (Uuid::from_u128(u128::MAX), Uuid::from_u128(1));
    only_rooms(&w, [first, other]).await;
    let mut one = w.db.begin().await.unwrap();
    takes(&w, &mut one, &[first]).await.unwrap();
    let nurse = {
        let w = Arc::clone(&w);
        tokio::spawn(async move { w.post(&w.nurse, HOLDS, wish(&w, 0, &w.doctor, FIRST)).await })
    };
    until("the nurse waits for the room", async || w.count(WAITING).await == 1).await;
    let third = {
        let w = Arc::clone(&w);
        tokio::spawn(async move {
            let mut tx = w.db.begin().await.unwrap();
            takes(&w, &mut tx, &[other, w.doctor.id]).await?;
            tx.commit().await?;
            Ok::<_, ReserveError>(())
        })
    };
    until("the third waits for the doctor", async || w.count(WAITING).await == 2).await;
    one.commit().await.unwrap();
    let (nurse, third) = patiently("both are answered", async { (nurse.await.unwrap(), third.await.unwrap()) }).await;
    third.unwrap();
    nurse.refused(409, "no-room-free");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_16_who_take_any_room_or_one_each_is_seated_or_told() {
    on_both(|engine| async move {
        let w = Arc::new(World::new(&engine).await);
        let staff = nurses(&w, 16).await;
        for round in 0..8 {
            let mut tasks = tokio::task::JoinSet::new();
            for (n, nurse) in staff.iter().cloned().enumerate() {
                let w = Arc::clone(&w);
                let (doctor, at) = if n % 2 == 0 { (&w.doctor, FIRST) } else { (&w.second_doctor, SECOND) };
                let mut body = wish(&w, n / 2 % 2, doctor, if round % 2 == 0 { at } else { FIRST });
                if n % 3 == 0 {
                    body["room_id"] = json!(w.rooms[n / 3 % 2]);
                }
                tasks.spawn(async move { w.post(&nurse, HOLDS, body).await });
            }
            while let Some(done) = tasks.join_next().await {
                let answer = done.unwrap();
                let taken = matches!(answer.problem(), "slot-taken" | "no-room-free");
                assert!(answer.status == 201 || taken, "{} {}: {}", w.engine, answer.status, answer.text);
            }
            whole(&w).await;
        }
    })
    .await;
}
