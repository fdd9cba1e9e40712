//! The calendar on both engines: a time is taken once, also when several ask for it at once.
use chrono::{DateTime, Utc};
use sanbao_booking::MIGRATIONS;
use sanbao_booking::calendar::{self, Booking, Interval, ReserveError, Terms};
use sanbao_platform::db::Db;
use sanbao_platform::id::uuid_v7;
use sanbao_platform::testing::on_both;
use uuid::Uuid;

fn at(minute: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000 + minute * 60, 0).unwrap()
}

fn slot(minute: i64) -> Interval {
    Interval::of_minutes(at(minute), 30).unwrap()
}

fn ids<const N: usize>() -> [Uuid; N] {
    std::array::from_fn(|_| uuid_v7(at(0)))
}

async fn book(db: &Db, holder: Uuid, resources: &[Uuid], interval: Interval) -> Result<(), ReserveError> {
    let mut tx = db.begin().await?;
    let booking = Booking { holder_kind: "consult", holder_id: holder, resources, interval };
    calendar::reserve(&mut tx, at(0), &booking).await?;
    tx.commit().await?;
    Ok(())
}

async fn busy(db: &Db, resource: Uuid) -> Vec<Interval> {
    let day = Interval::new(at(0), at(24 * 60)).unwrap();
    calendar::busy(&mut db.read().await.unwrap(), at(0), resource, day).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_64_bookers_of_one_slot_one_wins_and_the_others_are_told() {
    on_both(|engine| async move {
        let db = engine.database("booking", &MIGRATIONS).await;
        let [doctor, resident, room] = ids();
        for round in 0..3 {
            let mut tasks = tokio::task::JoinSet::new();
            for booker in 0..64_i64 {
                let db = db.clone();
                // Some overlap by half a slot only, and some list the resources the other way round.
                let interval = slot(round * 60 + 15 * (booker % 2));
                let resources = if booker % 3 == 0 { [room, doctor, resident] } else { [doctor, resident, room] };
                tasks.spawn(async move { book(&db, uuid_v7(at(booker)), &resources, interval).await });
            }
            let (mut won, mut taken) = (0, 0);
            while let Some(outcome) = tasks.join_next().await {
                match outcome.unwrap() {
                    Ok(()) => won += 1,
                    Err(ReserveError::Taken | ReserveError::Full) => taken += 1,
                    Err(ReserveError::Db(e)) => panic!("{}: {e}", engine.name()),
                }
            }
            assert_eq!((won, taken), (1, 63), "{}", engine.name());
        }
        for resource in [doctor, resident, room] {
            assert_eq!(busy(&db, resource).await.len(), 3);
        }
    })
    .await;
}

#[tokio::test]
async fn a_booking_takes_all_or_nothing() {
    on_both(|engine| async move {
        let db = engine.database("booking", &MIGRATIONS).await;
        let [doctor, other_doctor, resident, consult, another] = ids();
        book(&db, consult, &[doctor, resident], slot(0)).await.unwrap();
        // The resident is taken, so the other doctor must stay free, even if the caller commits.
        let mut tx = db.begin().await.unwrap();
        let resources = [other_doctor, resident];
        let booking = Booking { holder_kind: "visit", holder_id: another, resources: &resources, interval: slot(29) };
        let refused = calendar::reserve(&mut tx, at(0), &booking).await;
        assert!(matches!(refused, Err(ReserveError::Taken)));
        tx.commit().await.unwrap();
        assert!(busy(&db, other_doctor).await.is_empty());
        // Half-open: the next one starts when this one ends, and one that ends when it starts fits too.
        book(&db, another, &[doctor, resident], slot(30)).await.unwrap();
        assert_eq!(busy(&db, doctor).await, [slot(0), slot(30)]);
        let mut tx = db.begin().await.unwrap();
        assert_eq!(calendar::release(&mut tx, "consult", consult).await.unwrap(), 2);
        tx.commit().await.unwrap();
        assert_eq!(busy(&db, doctor).await, [slot(30)]);
    })
    .await;
}

#[tokio::test]
async fn an_interval_around_others_and_one_within_are_both_refused() {
    on_both(|engine| async move {
        let db = engine.database("booking", &MIGRATIONS).await;
        let [doctor] = ids();
        for minute in [0, 60, 120] {
            book(&db, uuid_v7(at(0)), &[doctor], slot(minute)).await.unwrap();
        }
        for (from, until) in [(-10, 200), (5, 10), (-10, 1), (29, 31), (45, 75), (80, 121), (60, 90), (149, 300)] {
            let interval = Interval::new(at(from), at(until)).unwrap();
            let refused = book(&db, uuid_v7(at(0)), &[doctor], interval).await;
            assert!(matches!(refused, Err(ReserveError::Taken)), "{from}..{until} on {}", engine.name());
        }
        for (from, until) in [(-10, 0), (30, 60), (90, 120), (150, 300)] {
            let interval = Interval::new(at(from), at(until)).unwrap();
            book(&db, uuid_v7(at(0)), &[doctor], interval).await.unwrap();
        }
    })
    .await;
}

#[tokio::test]
async fn lanes_are_capacity_and_an_expired_hold_is_no_hindrance() {
    on_both(|engine| async move {
        let db = engine.database("booking", &MIGRATIONS).await;
        let [room, first, second, third] = ids();
        let resources = [room];
        let of = |holder_id| Booking { holder_kind: "consult", holder_id, resources: &resources, interval: slot(0) };
        let mut tx = db.begin().await.unwrap();
        let hold = Terms { expires_at: Some(at(5)) };
        calendar::reserve_with(&mut tx, at(0), &of(first), hold).await.unwrap();
        assert!(matches!(calendar::reserve(&mut tx, at(0), &of(second)).await, Err(ReserveError::Taken)));
        calendar::capacity::set(&mut tx, at(0), room, 2).await.unwrap();
        calendar::reserve(&mut tx, at(0), &of(second)).await.unwrap();
        assert!(matches!(calendar::reserve(&mut tx, at(4), &of(third)).await, Err(ReserveError::Taken)));
        calendar::reserve(&mut tx, at(5), &of(third)).await.unwrap();
        assert_eq!(calendar::release(&mut tx, "consult", first).await.unwrap(), 0, "the hold was forgotten");
        tx.commit().await.unwrap();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn moving_keeps_the_old_time_when_the_new_one_is_taken_and_swaps_do_not_lock_up() {
    on_both(|engine| async move {
        let db = engine.database("booking", &MIGRATIONS).await;
        let [doctor, room, first, second] = ids();
        book(&db, first, &[doctor, room], slot(0)).await.unwrap();
        book(&db, second, &[doctor], slot(60)).await.unwrap();
        let relocate = async |holder_id: Uuid, interval: Interval| {
            let resources = [doctor];
            let booking = Booking { holder_kind: "consult", holder_id, resources: &resources, interval };
            let mut tx = db.begin().await?;
            calendar::relocate(&mut tx, at(0), &booking).await?;
            tx.commit().await?;
            Ok::<_, ReserveError>(())
        };
        assert!(matches!(relocate(first, slot(45)).await, Err(ReserveError::Taken)));
        assert_eq!(busy(&db, room).await, [slot(0)], "{}: nothing is lost", engine.name());
        relocate(first, slot(15)).await.unwrap();
        assert_eq!(busy(&db, doctor).await, [slot(15), slot(60)]);
        assert!(busy(&db, room).await.is_empty(), "what is not wanted any more is given up");
        // Each wants the other's time: neither may win a time that the other still has, nobody hangs.
        for _ in 0..20 {
            let (a, b) = tokio::join!(relocate(first, slot(60)), relocate(second, slot(15)));
            for outcome in [a, b] {
                assert!(matches!(outcome, Ok(()) | Err(ReserveError::Taken)), "{}: {outcome:?}", engine.name());
            }
        }
        assert_eq!(busy(&db, doctor).await.len(), 2);
    })
    .await;
}
