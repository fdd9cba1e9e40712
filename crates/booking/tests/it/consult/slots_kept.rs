//! The free times that are kept in memory are those of the database, whatever was written, by whichever process.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use sanbao_booking::calendar::{self, Booking, Interval, Terms, changes};
use sanbao_booking::{Config, build};
use sanbao_platform::id::uuid_v7;
use sanbao_platform::on;
use sanbao_platform::testing::{Person, Site, on_both};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::consult::world::{NOW, World};

const RANGE: &str = "from=2026-11-23T00:00:00Z&to=2026-11-30T00:00:00Z";
/// Sequences on each engine, and changes in each.
const SEQUENCES: usize = 3;
const CHANGES: usize = 30;

/// Something that is written.
#[derive(Clone, Debug)]
enum Act {
    /// One of the two doctors is taken from a quarter of an hour on, for some of them; held only, where it says so.
    Take {
        doctor: usize,
        quarter: i64,
        quarters: i64,
        held: bool,
    },
    /// One of what is taken is given up, moved, or becomes what stays.
    GiveUp(usize),
    Move(usize, i64),
    Keep(usize),
    Hours {
        doctor: usize,
        from: i64,
        length: i64,
    },
    Closed {
        doctor: usize,
        day: i64,
    },
    Extra {
        doctor: usize,
        day: i64,
    },
    Reopen(usize),
    /// A rule of a doctor, or of the hospital.
    Rule {
        whose: usize,
        minutes: i64,
        day_max: i64,
        notice: i64,
    },
    Workday {
        day: i64,
        works_as: &'static str,
    },
    Disable(usize),
    Enable(usize),
    Later(u64),
}

fn act() -> impl Strategy<Value = Act> {
    let (doctor, quarter) = (0_usize..2, 0_i64..7 * 96);
    prop_oneof![
        6 => (doctor.clone(), quarter.clone(), 1_i64..6, any::<bool>())
            .prop_map(|(doctor, quarter, quarters, held)| Act::Take { doctor, quarter, quarters, held }),
        3 => any::<usize>().prop_map(Act::GiveUp),
        2 => (any::<usize>(), quarter).prop_map(|(nth, quarter)| Act::Move(nth, quarter)),
        1 => any::<usize>().prop_map(Act::Keep),
        2 => (doctor.clone(), 0_i64..20, 1_i64..4)
            .prop_map(|(doctor, from, length)| Act::Hours { doctor, from, length }),
        2 => (doctor.clone(), 0_i64..7).prop_map(|(doctor, day)| Act::Closed { doctor, day }),
        2 => (doctor.clone(), 0_i64..7).prop_map(|(doctor, day)| Act::Extra { doctor, day }),
        1 => any::<usize>().prop_map(Act::Reopen),
        2 => (0_usize..3, 0_i64..40, 1_i64..4, 0_i64..30)
            .prop_map(|(whose, minutes, day_max, notice)| Act::Rule { whose, minutes, day_max, notice }),
        1 => (0_i64..7, prop_oneof![Just("closed"), Just("monday"), Just("sunday")])
            .prop_map(|(day, works_as)| Act::Workday { day, works_as }),
        1 => doctor.clone().prop_map(Act::Disable),
        1 => doctor.prop_map(Act::Enable),
        1 => (1_u64..90).prop_map(Act::Later),
    ]
}

/// The things that were written and can be taken back.
#[derive(Default)]
struct Written {
    taken: Vec<(Uuid, Uuid)>,
    exceptions: Vec<String>,
    /// The versions of the rules.
    rules: [i64; 3],
}

fn at(quarter: i64) -> DateTime<Utc> {
    NOW.parse::<DateTime<Utc>>().unwrap() + TimeDelta::minutes(15 * quarter)
}

async fn take(w: &World, act: (Uuid, i64, i64), expires_at: Option<DateTime<Utc>>, written: &mut Written) {
    let (doctor, quarter, quarters) = act;
    let (now, holder_id, resources) = (w.clock.now(), uuid_v7(w.clock.now()), [doctor]);
    let interval = Interval::of_minutes(at(quarter), 15 * quarters).unwrap();
    let booking = Booking { holder_kind: "consult", holder_id, resources: &resources, interval };
    let mut tx = w.db.begin().await.unwrap();
    if calendar::reserve_with(&mut tx, now, &booking, Terms { expires_at }).await.is_ok() {
        tx.commit().await.unwrap();
        written.taken.push((holder_id, doctor));
    }
}

async fn change(w: &World, act: Act, written: &mut Written) {
    let doctors = [&w.doctor, &w.second_doctor];
    let day = |day: i64| (at(96 * day) + TimeDelta::hours(8)).date_naive();
    let nth = |n: usize, of: usize| if of == 0 { None } else { Some(n % of) };
    match act {
        Act::Take { doctor, quarter, quarters, held } => {
            let expires_at = held.then(|| w.clock.now() + TimeDelta::minutes(20));
            take(w, (doctors[doctor].id, quarter, quarters), expires_at, written).await;
        }
        Act::GiveUp(n) => {
            let Some(n) = nth(n, written.taken.len()) else { return };
            let (holder, _) = written.taken.swap_remove(n);
            let mut tx = w.db.begin().await.unwrap();
            calendar::release(&mut tx, "consult", holder).await.unwrap();
            tx.commit().await.unwrap();
        }
        Act::Move(n, quarter) => {
            let Some(n) = nth(n, written.taken.len()) else { return };
            let (holder_id, doctor) = written.taken[n];
            let interval = Interval::of_minutes(at(quarter), 30).unwrap();
            let booking = Booking { holder_kind: "consult", holder_id, resources: &[doctor], interval };
            let mut tx = w.db.begin().await.unwrap();
            if calendar::relocate(&mut tx, w.clock.now(), &booking).await.is_ok() {
                tx.commit().await.unwrap();
            }
        }
        Act::Keep(n) => {
            let Some(n) = nth(n, written.taken.len()) else { return };
            let keep = "update occupancy set expires_at = null where holder_id = $1";
            let mut tx = w.db.begin().await.unwrap();
            on!(tx, |c| sqlx::query(keep).bind(written.taken[n].0).execute(c).await.map(drop)).unwrap();
            tx.commit().await.unwrap();
        }
        Act::Hours { doctor, from, length } => set_hours(w, doctors[doctor], from, length).await,
        Act::Closed { doctor, day: n } => {
            except(w, doctors[doctor], json!({ "kind": "closed", "date": day(n) }), written).await;
        }
        Act::Extra { doctor, day: n } => {
            let extra =
                json!({ "kind": "extra", "date": day(n), "start": "22:00", "end": "24:00", "slot_minutes": 40 });
            except(w, doctors[doctor], extra, written).await;
        }
        Act::Reopen(n) => {
            let Some(n) = nth(n, written.exceptions.len()) else { return };
            let gone = written.exceptions.swap_remove(n);
            w.call(Some(&w.hospital_admin), "DELETE", &gone, None, &[]).await;
        }
        Act::Rule { whose, minutes, day_max, notice } => {
            let rule = json!({ "before_minutes": minutes, "day_max": (day_max > 1).then_some(day_max),
                "session_max": (day_max > 2).then_some(1), "notice_hours": (notice < 20).then_some(notice) });
            set_rule(w, whose, rule, written).await;
        }
        Act::Workday { day: n, works_as } => {
            let path = format!("/v1/organisations/{}/workdays", w.hospital);
            w.put(&w.hospital_admin, &path, json!({ "date": day(n), "works_as": works_as })).await.expect(200);
        }
        Act::Disable(doctor) => {
            w.post(&w.hospital_admin, &format!("/v1/accounts/{}/disable", doctors[doctor].id), Value::Null).await;
        }
        Act::Enable(doctor) => {
            w.post(&w.hospital_admin, &format!("/v1/accounts/{}/enable", doctors[doctor].id), Value::Null).await;
        }
        Act::Later(minutes) => w.clock.advance(Duration::from_mins(minutes)),
    }
}

async fn set_hours(w: &World, who: &Person, from: i64, length: i64) {
    let clock = |hour: i64| format!("{hour:02}:00");
    let line = |weekday: i64| {
        json!({ "weekday": weekday, "start": clock(from), "end": clock(from + length),
            "slot_minutes": 20 + 5 * length, "valid_from": "2026-01-01" })
    };
    let plan = json!({ "weekly": (1..=6).map(line).collect::<Vec<_>>() });
    w.put(&w.hospital_admin, &format!("/v1/practitioners/{}/hours", who.id), plan).await.expect(200);
}

async fn set_rule(w: &World, whose: usize, rule: Value, written: &mut Written) {
    let path = match [&w.doctor, &w.second_doctor].get(whose) {
        Some(doctor) => format!("/v1/practitioners/{}/rules", doctor.id),
        None => format!("/v1/organisations/{}/calendar-rules", w.hospital),
    };
    let version = format!("\"{}\"", written.rules[whose]);
    w.call(Some(&w.hospital_admin), "PUT", &path, Some(rule), &[("if-match", &version)]).await.expect(200);
    written.rules[whose] += 1;
}

async fn except(w: &World, who: &Person, line: Value, written: &mut Written) {
    let path = format!("/v1/practitioners/{}/exceptions", who.id);
    let answer = w.post(&w.hospital_admin, &path, line).await;
    if answer.status == 201 {
        written.exceptions.push(format!("{path}/{}", answer.body["id"].as_str().unwrap()));
    }
}

/// The free times of the hospital's heart doctors, as a process has them in memory.
async fn kept(site: &Site, who: &Person, hospital: &Value) -> Vec<Value> {
    let search = format!("/v1/slots?{RANGE}&specialty=cardiology&hospital={}&limit=200", hospital.as_str().unwrap());
    let (mut all, mut after) = (Vec::new(), String::new());
    loop {
        let page = site.get(who, &format!("{search}{after}")).await.expect(200);
        all.extend(page["items"].as_array().unwrap().iter().cloned());
        let Some(next) = page["next"].as_str() else { return all };
        after = format!("&after={next}");
    }
}

#[tokio::test]
async fn after_any_changes_every_process_finds_what_the_database_says() {
    on_both(|engine| async move {
        let mut runner = TestRunner::deterministic();
        for _ in 0..SEQUENCES {
            let acts = vec(act(), CHANGES).new_tree(&mut runner).unwrap().current();
            let w = World::new(&engine).await;
            let other = Site::of(build(Config::default(), w.app.deps.clone()), &w.app.deps);
            // The index is made for more doctors than these few, of whom a day that is not there would be read from the database.
            crate::consult::slots::geriatricians(&w, 60).await;
            let all = format!("/v1/slots?{RANGE}&part=pm&weekdays=7&time_zone=Asia/Tokyo");
            for site in [&*w, &other] {
                site.get(&w.nurse, &all).await.expect(200);
            }
            let mut invitation = w.invitation(1);
            invitation["wanted_title"] = Value::Null;
            let consult = w.post(&w.nurse, "/v1/consults", invitation).await.expect(201);
            let id = consult["id"].as_str().unwrap();
            w.step(&w.doctor, id, "accept", Value::Null).await.expect(200);
            let mut written = Written::default();
            for (n, act) in acts.into_iter().enumerate() {
                let what = format!("{}: {n}: {act:?}", w.engine);
                change(&w, act, &mut written).await;
                let told = w.get(&w.nurse, &format!("/v1/consults/{id}/slots?{RANGE}&limit=200")).await.expect(200);
                let told = told["items"].as_array().unwrap();
                let hospital = json!(w.hospital);
                assert_eq!(&kept(&w, &w.nurse, &hospital).await, told, "{what}");
                // Another process does not look each time.
                if n % 3 == 0 {
                    assert_eq!(&kept(&other, &w.nurse, &hospital).await, told, "of another process: {what}");
                }
            }
        }
    })
    .await;
}

#[tokio::test]
async fn a_change_that_is_committed_late_is_not_missed() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        crate::consult::slots::geriatricians(&w, 60).await;
        let day = "from=2026-11-23T00:00:00Z&to=2026-11-24T00:00:00Z&limit=200";
        let found = async |doctor: &Person| {
            let page = w.get(&w.nurse, &format!("/v1/slots?{day}&doctor={}", doctor.id)).await.expect(200);
            page["items"].as_array().unwrap().len()
        };
        w.get(&w.nurse, &format!("/v1/slots?{day}")).await.expect(200);
        let before = (found(&w.doctor).await, found(&w.second_doctor).await);
        let now = w.clock.now();
        let interval = Interval::of_minutes(now, 60).unwrap();
        let (first, second) = ([w.doctor.id], [w.second_doctor.id]);
        let booking = |resources| Booking { holder_kind: "consult", holder_id: uuid_v7(now), resources, interval };
        let mut early = w.db.begin().await.unwrap();
        calendar::reserve(&mut early, now, &booking(&first)).await.unwrap();
        if w.engine == "postgres" {
            // A later transaction is done before the earlier one, and is seen.
            let mut late = w.db.begin().await.unwrap();
            calendar::reserve(&mut late, now, &booking(&second)).await.unwrap();
            late.commit().await.unwrap();
            assert_eq!((found(&w.doctor).await, found(&w.second_doctor).await), (before.0, before.1 - 2));
        }
        assert_eq!(found(&w.doctor).await, before.0, "not yet");
        early.commit().await.unwrap();
        assert_eq!(found(&w.doctor).await, before.0 - 2, "{}", w.engine);
    })
    .await;
}

#[tokio::test]
async fn changes_that_another_server_numbered_are_told_only_until_the_first_round() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        if w.engine != "postgres" {
            return;
        }
        let far = "insert into _calendar_change (change, kind, resource_id) values (4000000000000, 'hospital', $1)";
        let mut tx = w.db.begin().await.unwrap();
        on!(tx, |c| sqlx::query(far).bind(w.hospital.0).execute(c).await.map(drop)).unwrap();
        tx.commit().await.unwrap();
        let mut conn = w.db.read().await.unwrap();
        let mark = changes::mark(&mut conn).await.unwrap();
        let told = changes::since(&mut conn, &mark).await.unwrap();
        assert_eq!(told.1.len(), 1, "{told:?}");
        changes::forget(&w.db, 0).await.unwrap();
        assert_eq!(changes::since(&mut conn, &mark).await.unwrap().1, []);
        // One that is being written stays: nobody has seen it yet.
        let mut open = w.db.begin().await.unwrap();
        let interval = Interval::of_minutes(w.clock.now(), 60).unwrap();
        let booking =
            Booking { holder_kind: "consult", holder_id: uuid_v7(w.clock.now()), resources: &[w.doctor.id], interval };
        calendar::reserve(&mut open, w.clock.now(), &booking).await.unwrap();
        changes::forget(&w.db, 0).await.unwrap();
        open.commit().await.unwrap();
        assert_eq!(changes::since(&mut conn, &mark).await.unwrap().1.len(), 1);
    })
    .await;
}

#[tokio::test]
async fn more_days_and_more_changes_than_are_kept_leave_the_answers_right() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        crate::consult::slots::geriatricians(&w, 60).await;
        let hospital = json!(w.hospital);
        let before = kept(&w, &w.nurse, &hospital).await;
        assert!(!before.is_empty());
        // A hundred days are kept: these are a hundred and twenty-four, of which nothing fits, so that each is looked at.
        for month in 0..4 {
            let day = |n: i64| (at(0) + TimeDelta::days(31 * (month + n))).format("%Y-%m-%dT%H:%M:%SZ").to_string();
            let all = format!("/v1/slots?from={}&to={}&minutes=240&limit=200", day(0), day(1));
            assert_eq!(w.get(&w.nurse, &all).await.expect(200)["items"], json!([]), "{}", w.engine);
        }
        assert_eq!(kept(&w, &w.nurse, &hospital).await, before, "{}", w.engine);
        // Each of these leaves the places of sixty doctors behind, of which a thousand are kept.
        for round in 0..20 {
            let mut tx = w.db.begin().await.unwrap();
            let touch = "update practitioner set created_at = created_at";
            on!(tx, |c| sqlx::query(touch).execute(c).await.map(drop)).unwrap();
            tx.commit().await.unwrap();
            assert_eq!(kept(&w, &w.nurse, &hospital).await, before, "{}: {round}", w.engine);
        }
    })
    .await;
}

#[tokio::test]
async fn a_process_that_keeps_free_times_answers_before_it_has_read_them_and_after() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        crate::consult::slots::geriatricians(&w, 60).await;
        let (hospital, index) = (json!(w.hospital), &w.app.free_times);
        let fresh = Site::of(build(Config::default(), w.app.deps.clone()), &w.app.deps);
        let as_read = kept(&fresh, &w.nurse, &hospital).await;
        assert!(!as_read.is_empty());
        index.keep(&w.db, w.clock.now()).await.unwrap();
        assert_eq!(kept(&w, &w.nurse, &hospital).await, as_read, "{}: kept", w.engine);
        let mut written = Written::default();
        take(&w, (w.doctor.id, 0, 2), None, &mut written).await;
        index.keep(&w.db, w.clock.now()).await.unwrap();
        let without = kept(&w, &w.nurse, &hospital).await;
        assert!(without.len() < as_read.len(), "{}: what was taken since is followed", w.engine);
        // After so long nothing that is in memory counts any more: a few doctors are read by themselves, many wait for all.
        w.clock.advance(Duration::from_mins(20));
        let fresh = Site::of(build(Config::default(), w.app.deps.clone()), &w.app.deps);
        assert_eq!(kept(&w, &w.nurse, &hospital).await, kept(&fresh, &w.nurse, &hospital).await, "{}: old", w.engine);
        index.keep(&w.db, w.clock.now()).await.unwrap();
        assert_eq!(kept(&w, &w.nurse, &hospital).await, kept(&fresh, &w.nurse, &hospital).await, "{}: anew", w.engine);
    })
    .await;
}
