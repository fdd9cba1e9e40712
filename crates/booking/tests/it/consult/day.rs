//! The list of consults: what is next is what is next, and nothing that is open falls out of it by its age.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use sanbao_platform::id::uuid_v7;
use sanbao_platform::on;
use sanbao_platform::testing::{Person, on_both};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::consult::meeting::tell;
use crate::consult::world::World;

pub const ANOTHER: &str = "insert into consult (id, inviting_id, invited_id, resident_id, requested_by, reason, purpose,
        wanted_from, wanted_until, case_summary, wanted_specialty, state, state_since, doctor_id, room_id, starts_at, ends_at,
        delay_minutes, created_at, version)
    select $2, inviting_id, invited_id, resident_id, requested_by, reason, purpose, wanted_from, wanted_until,
        case_summary, wanted_specialty, $3, $4, doctor_id, room_id, $4, $5, 0, created_at, 1 from consult where id = $1";

/// The headings of a list, each with the consults below it, and the one that is next.
struct List {
    groups: Vec<(String, Vec<String>)>,
    next: Option<String>,
    text: String,
}

impl List {
    fn of(text: String) -> Self {
        let id_of = |row: &str| row.split_once("href=\"/consults/").map(|(_, rest)| rest[..36].to_owned());
        let mut groups = Vec::new();
        for part in text.split("<h2>").skip(1) {
            let heading = part.split(" <span").next().unwrap();
            let heading = heading.rsplit_once("</time>").map_or(heading, |(before, _)| before);
            let heading = heading.rsplit('>').next().unwrap().to_owned();
            groups.push((heading, part.split("<article").skip(1).filter_map(id_of).collect()));
        }
        let next = text.split_once("<article class=\"row next\"").and_then(|(_, row)| id_of(row));
        Self { groups, next, text }
    }

    /// The consults under a heading that begins so.
    fn under(&self, heading: &str) -> Vec<&str> {
        let group = self.groups.iter().find(|(h, _)| h.starts_with(heading));
        group.into_iter().flat_map(|(_, ids)| ids).map(String::as_str).collect()
    }
}

async fn list(w: &World, who: &Person) -> List {
    let answer = w.get(who, "/consults").await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    List::of(answer.text)
}

/// Books another time for a new consult.
async fn booked(w: &World, starts_at: &str) -> String {
    let id = w.accepted().await;
    w.step(&w.nurse, &id, "schedule", w.at(starts_at)).await.expect(200);
    id
}

async fn comes(w: &World, id: &str, who: &Person, role: &str) {
    tell(w, id, "attendance", json!({ "person": who.id, "role": role, "change": "joined" })).await;
}

/// Copies of a consult in a state, an hour apart before a moment.
pub async fn many(w: &World, like: &str, state: &str, before: DateTime<Utc>, count: i32) {
    let (mut tx, like): (_, Uuid) = (w.db.begin().await.unwrap(), like.parse().unwrap());
    for n in 1..=count {
        let at = before - TimeDelta::hours(i64::from(n));
        let (id, until) = (uuid_v7(at), at + TimeDelta::minutes(30));
        on!(tx, |c| {
            let row = sqlx::query(ANOTHER).bind(like).bind(id).bind(state).bind(at).bind(until);
            row.execute(c).await.map(drop)
        })
        .unwrap();
    }
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn a_missed_consult_is_never_next_and_stands_with_what_to_do() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        let missed = w.scheduled().await;
        let (later, next) = (booked(&w, "2026-11-26T03:00:00Z").await, booked(&w, "2026-11-26T01:00:00Z").await);
        let tomorrow = booked(&w, "2026-11-27T01:00:00Z").await;
        w.clock.advance(Duration::from_hours(72));
        for who in [&w.nurse, &w.doctor, &w.hospital_admin] {
            let list = list(&w, who).await;
            assert_eq!(list.next.as_ref(), Some(&next), "{} {}: {}", w.engine, who.name, list.text);
            assert_eq!(list.under("今天 11月26日"), [next.as_str(), later.as_str()], "{}", list.text);
            assert_eq!(list.under("错过了时间"), [missed.as_str()], "{}", list.text);
            assert_eq!(list.under("明天 11月27日"), [tomorrow.as_str()], "{}", list.text);
            let hint = list.text.contains("请逐一登记未遇，或另约时间");
            assert_eq!(hint, who.name != w.hospital_admin.name, "to those who can");
        }
        // One that is late is still today's, until its time is over.
        w.clock.advance(Duration::from_mins(75));
        let late = list(&w, &w.nurse).await;
        assert_eq!((late.next.as_ref(), late.under("今天").len()), (Some(&next), 2), "{}", late.text);
        w.clock.advance(Duration::from_mins(15));
        let over = list(&w, &w.nurse).await;
        assert_eq!(over.next.as_ref(), Some(&later), "{}", over.text);
        assert_eq!(over.under("错过了时间"), [next.as_str(), missed.as_str()], "the last one first: {}", over.text);
    })
    .await;
}

#[tokio::test]
async fn the_one_in_session_stands_first_and_then_who_waits_in_the_room() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        let (first, second) = (w.scheduled().await, booked(&w, "2026-11-23T01:00:00Z").await);
        for id in [&first, &second] {
            w.step(&w.nurse, id, "consents", World::consent()).await.expect(201);
        }
        w.clock.advance(Duration::from_mins(35));
        comes(&w, &second, &w.nurse, "host").await;
        let waiting = list(&w, &w.doctor).await;
        assert_eq!(waiting.next.as_ref(), Some(&second), "{}", waiting.text);
        assert_eq!(waiting.under("正在会诊室等您"), [second.as_str()], "{}", waiting.text);
        assert_eq!(list(&w, &w.nurse).await.next.as_ref(), Some(&first), "her own presence is nobody's waiting");
        comes(&w, &first, &w.doctor, "clinician").await;
        assert_eq!(list(&w, &w.nurse).await.under("医生已在会诊室"), [first.as_str()]);
        comes(&w, &second, &w.doctor, "clinician").await;
        for who in [&w.nurse, &w.doctor] {
            let list = list(&w, who).await;
            assert_eq!((list.next.as_ref(), list.under("正在会诊")), (Some(&second), vec![second.as_str()]));
        }
    })
    .await;
}

#[tokio::test]
async fn somebody_who_was_left_in_a_room_waits_for_nobody_when_its_time_is_over() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        let (left, moved) = (w.scheduled().await, booked(&w, "2026-11-23T01:00:00Z").await);
        for id in [&left, &moved] {
            w.step(&w.nurse, id, "consents", World::consent()).await.expect(201);
            comes(&w, id, &w.nurse, "host").await;
        }
        w.step(&w.nurse, &moved, "reschedule", w.at("2026-11-26T01:00:00Z")).await.expect(200);
        w.clock.advance(Duration::from_hours(72));
        let list = list(&w, &w.doctor).await;
        assert_eq!(list.next.as_ref(), Some(&moved), "{}", list.text);
        assert_eq!((list.under("今天"), list.under("错过了时间")), (vec![moved.as_str()], vec![left.as_str()]));
        assert!(list.under("正在会诊室等您").is_empty(), "{}", list.text);
    })
    .await;
}

#[tokio::test]
async fn what_is_called_off_or_kept_stands_among_what_is_over() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        let id = w.accepted().await;
        w.step(&w.nurse, &id, "cancel", json!({ "reason": "家属不同意" })).await.expect(200);
        for who in [&w.nurse, &w.doctor, &w.second_doctor, &w.hospital_admin] {
            let list = list(&w, who).await;
            assert_eq!(list.under("最近结束"), [id.as_str()], "{} {}: {}", w.engine, who.name, list.text);
        }
        assert!(!list(&w, &w.skin_doctor).await.text.contains(&id), "another specialty's");
        assert!(!list(&w, &w.stranger_nurse).await.text.contains(&id));
    })
    .await;
}

#[tokio::test]
async fn what_is_open_stays_on_the_list_whatever_its_age() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        let id = w.scheduled().await;
        w.step(&w.nurse, &id, "consents", World::consent()).await.expect(201);
        w.clock.advance(Duration::from_mins(30));
        tell(&w, &id, "started", json!({})).await;
        w.step(&w.doctor, &id, "finish", Value::Null).await.expect(200);
        for days in [15, 400] {
            w.clock.advance(Duration::from_hours(24 * days));
            assert_eq!(list(&w, &w.doctor).await.under("等您处理"), [id.as_str()], "{} {days}", w.engine);
            assert_eq!(list(&w, &w.nurse).await.under("等对方处理"), [id.as_str()], "{} {days}", w.engine);
        }
    })
    .await;
}

#[tokio::test]
async fn hundreds_of_consults_hide_none_of_today() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        let today = w.scheduled().await;
        let now = w.clock.now();
        many(&w, &today, "scheduled", now, 201).await;
        many(&w, &today, "cancelled", now - TimeDelta::days(20), 201).await;
        for who in [&w.hospital_admin, &w.nurse, &w.doctor] {
            let list = list(&w, who).await;
            assert_eq!(list.next.as_ref(), Some(&today), "{} {}: {}", w.engine, who.name, list.text);
            assert_eq!(list.under("今天"), [today.as_str()]);
            assert_eq!(list.under("最近结束").len(), 20);
            assert_eq!(list.under("错过了时间").len(), 100);
            assert!(list.text.contains("后面还有"), "{}", list.text);
            let missed = "href=\"/consults/records?state=scheduled&amp;until=2026-11-22\"";
            assert!(list.text.contains(missed), "the rest of what was missed: {}", list.text);
            assert!(list.text.contains("在会诊记录里查找"), "what is over has several states: {}", list.text);
            let rest = w.get(who, "/consults/records?state=scheduled&until=2026-11-22").await;
            assert!(rest.status == 200 && !rest.text.contains(&today), "{}", rest.text);
        }
    })
    .await;
}

#[tokio::test]
async fn those_whose_doctor_is_gone_are_listed_for_the_hospital_until_another_one_has_them() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        let (taken_on, set) = (w.accepted().await, booked(&w, "2026-11-24T00:30:00Z").await);
        let gone = "医生已停用或离开";
        assert!(list(&w, &w.hospital_admin).await.under(gone).is_empty());
        let disable = "update account set status = 'disabled' where id = $1";
        let leave = "delete from membership where account_id = $1";
        for (away, back) in [(disable, Some("update account set status = 'active' where id = $1")), (leave, None)] {
            for statement in back.into_iter().chain([away]) {
                let mut tx = w.db.begin().await.unwrap();
                on!(tx, |c| sqlx::query(statement).bind(w.doctor.id).execute(c).await.map(drop)).unwrap();
                tx.commit().await.unwrap();
            }
            let listed = list(&w, &w.hospital_admin).await;
            let (mut found, mut both) = (listed.under(gone), [taken_on.as_str(), set.as_str()]);
            found.sort_unstable();
            both.sort_unstable();
            assert_eq!(found, both, "{}", listed.text);
            assert!(list(&w, &w.nurse).await.under(gone).is_empty(), "it is for the hospital to find another one");
        }
        let mut colleague = w.at("2026-11-24T00:30:00Z");
        colleague["doctor_id"] = json!(w.second_doctor.id);
        w.step(&w.hospital_admin, &set, "reschedule", colleague).await.expect(200);
        assert_eq!(list(&w, &w.hospital_admin).await.under(gone), [taken_on.as_str()]);
    })
    .await;
}

#[tokio::test]
async fn of_a_doctor_who_is_gone_what_is_being_held_or_written_stands_in_its_place() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        let taken_on = w.accepted().await;
        let (later, sooner) = (booked(&w, "2026-11-25T00:30:00Z").await, booked(&w, "2026-11-24T00:30:00Z").await);
        let (held, written) = (booked(&w, "2026-11-23T00:30:00Z").await, booked(&w, "2026-11-23T01:00:00Z").await);
        let mut tx = w.db.begin().await.unwrap();
        for (statement, id) in [
            ("update consult set state = 'in_session', started_at = starts_at where id = $1", held.parse().unwrap()),
            (
                "update consult set state = 'opinion_draft', finished_at = ends_at where id = $1",
                written.parse().unwrap(),
            ),
            ("delete from membership where account_id = $1", w.doctor.id),
        ] {
            let id: Uuid = id;
            on!(tx, |c| sqlx::query(statement).bind(id).execute(c).await.map(drop)).unwrap();
        }
        tx.commit().await.unwrap();
        let list = list(&w, &w.hospital_admin).await;
        let gone = list.under("医生已停用或离开");
        assert_eq!(gone, [sooner.as_str(), later.as_str(), taken_on.as_str()], "{}", list.text);
        assert_eq!(list.under("正在会诊"), [held.as_str()], "{}", list.text);
        assert_eq!(list.under("等您处理"), [written.as_str()], "{}", list.text);
    })
    .await;
}
