//! The search for free times: every doctor who fits, the earliest first, by all that can be asked for.

use std::collections::BTreeSet;

use sanbao_booking::calendar::{self, Booking, Interval};
use sanbao_platform::id::{OrganisationId, uuid_v7};
use sanbao_platform::on;
use sanbao_platform::testing::{Person, on_both};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::consult::world::{World, practise};
use crate::network::{member, organisation};

const DAY: &str = "from=2026-11-23T00:00:00Z&to=2026-11-24T00:00:00Z";
const WEEK: &str = "from=2026-11-23T00:00:00Z&to=2026-11-30T00:00:00Z";
const HOURS: &str = "insert into practitioner_hours
    (id, account_id, weekday, start_minute, end_minute, slot_minutes, valid_from, valid_to, organisation_id)
    values ($1, $2, 1, 480, 540, 30, $3, null, null)";

async fn found(w: &World, who: &Person, query: &str) -> Vec<Value> {
    let page = w.get(who, &format!("/v1/slots?{query}&limit=200")).await.expect(200);
    assert!(page["next"].is_null(), "{query}");
    page["items"].as_array().unwrap().clone()
}

/// The times that are found, in minutes of the first day's morning in Shanghai.
async fn starts(w: &World, query: &str) -> Vec<String> {
    let hour = |slot: &Value| slot["starts_at"].as_str().unwrap()[11..16].to_owned();
    found(w, &w.nurse, query).await.iter().map(hour).collect()
}

/// Something else has these for some minutes from then on.
async fn take(w: &World, resources: &[Uuid], from: &str, minutes: i64) {
    let now = w.clock.now();
    let interval = Interval::of_minutes(from.parse().unwrap(), minutes).unwrap();
    let booking = Booking { holder_kind: "consult", holder_id: uuid_v7(now), resources, interval };
    let mut tx = w.db.begin().await.unwrap();
    calendar::reserve(&mut tx, now, &booking).await.unwrap();
    tx.commit().await.unwrap();
}

/// How many of the geriatricians see patients.
const AT_WORK: usize = 120;

/// So many geriatricians of a hospital of their own; the last of them have two times on Monday each.
pub async fn geriatricians(w: &World, count: usize) -> OrganisationId {
    let now = w.clock.now();
    let mut tx = w.db.begin().await.unwrap();
    let hospital = organisation(&mut tx, now, "hospital", "老年医院", "Asia/Shanghai").await;
    for n in 0..count {
        let doctor = member(&mut tx, now, hospital, &["doctor"], "老年科医生").await;
        practise(&mut tx, now, &doctor, "geriatrics", "老年医学科").await;
        if n + AT_WORK < count {
            continue;
        }
        let from: chrono::NaiveDate = "2026-01-01".parse().unwrap();
        on!(tx, |c| sqlx::query(HOURS).bind(uuid_v7(now)).bind(doctor.id).bind(from).execute(c).await.map(drop))
            .unwrap();
    }
    tx.commit().await.unwrap();
    hospital
}

#[tokio::test]
async fn of_a_thousand_doctors_each_is_searched_and_the_pages_tell_every_time_once() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        geriatricians(&w, 1001).await;
        let (mut seen, mut after) = (Vec::new(), String::new());
        loop {
            let page =
                w.get(&w.nurse, &format!("/v1/slots?{WEEK}&specialty=geriatrics&limit=200{after}")).await.expect(200);
            let items = page["items"].as_array().unwrap();
            seen.extend(items.iter().map(|slot| {
                (slot["starts_at"].as_str().unwrap().to_owned(), slot["doctor_id"].as_str().unwrap().to_owned())
            }));
            let Some(next) = page["next"].as_str() else { break };
            after = format!("&after={next}");
        }
        assert!(seen.is_sorted(), "by time, then by doctor");
        let doctors: BTreeSet<&String> = seen.iter().map(|(_, doctor)| doctor).collect();
        assert_eq!((seen.len(), doctors.len()), (2 * AT_WORK, AT_WORK), "{}", w.engine);
        // One time of one doctor, who stands behind a thousand others.
        let last = seen.last().unwrap().1.clone();
        let one = found(&w, &w.nurse, &format!("{DAY}&specialty=geriatrics&doctor={last}")).await;
        assert_eq!(one.len(), 2);
        let few = w.get(&w.nurse, &format!("/v1/slots?{WEEK}&limit=1")).await.expect(200);
        assert!(few["next"].is_string() && few["items"].as_array().unwrap().len() == 1, "{few}");
        w.get(&w.nurse, &format!("/v1/slots?{WEEK}&after=nonsense")).await.refused(422, "invalid");
    })
    .await;
}

#[tokio::test]
async fn which_time_is_offered_does_not_depend_on_who_asks_from_when() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        let extra =
            json!({ "kind": "extra", "date": "2026-11-23", "start": "08:15", "end": "08:45", "slot_minutes": 30 });
        w.post(&w.doctor, &format!("/v1/practitioners/{}/exceptions", w.doctor.id), extra).await.expect(201);
        let of = format!("doctor={}&to=2026-11-23T01:00:00Z", w.doctor.id);
        assert_eq!(starts(&w, &format!("{of}&from=2026-11-23T00:00:00Z")).await, ["00:00", "00:30"]);
        assert_eq!(starts(&w, &format!("{of}&from=2026-11-23T00:10:00Z")).await, ["00:30"]);
    })
    .await;
}

#[tokio::test]
async fn a_rank_at_least_is_not_a_rank_exactly() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        let profile = json!({ "specialty": "cardiology", "title": "attending", "licence_no": "110330211000001" });
        let second = format!("/v1/practitioners/{}", w.second_doctor.id);
        w.put(&w.hospital_admin, &second, profile).await.expect(200);
        for (wanted, doctors) in [
            ("title_min=resident", 2),
            ("title_min=attending", 2),
            ("title_min=associate_chief", 1),
            ("title_min=chief", 1),
            ("title=attending", 1),
            ("title=associate_chief", 0),
            ("title=attending&title_min=chief", 0),
        ] {
            let free = found(&w, &w.nurse, &format!("{DAY}&specialty=cardiology&{wanted}")).await;
            let found: BTreeSet<&str> = free.iter().map(|slot| slot["doctor_id"].as_str().unwrap()).collect();
            assert_eq!(found.len(), doctors, "{wanted}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_resident_and_a_room_must_be_free_too_where_they_are_asked_for() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        let of = format!("{DAY}&doctor={}", w.doctor.id);
        let all = starts(&w, &of).await;
        assert_eq!(all.len(), 8);
        let without = |gone: &[&str]| all.iter().filter(|at| !gone.contains(&at.as_str())).cloned().collect::<Vec<_>>();
        take(&w, &[w.residents[0], w.rooms[0]], "2026-11-23T00:30:00Z", 60).await;
        take(&w, &[w.residents[1], w.rooms[1]], "2026-11-23T01:00:00Z", 30).await;
        let resident = format!("{of}&resident_id={}", w.residents[0]);
        assert_eq!(starts(&w, &resident).await, without(&["00:30", "01:00"]));
        assert_eq!(starts(&w, &format!("{of}&room_id={}", w.rooms[1])).await, without(&["01:00"]));
        assert_eq!(starts(&w, &format!("{of}&any_room=true")).await, without(&["01:00"]));
        let rooms = found(&w, &w.nurse, &format!("{of}&any_room=true")).await;
        let of_half_past = rooms.iter().find(|slot| slot["starts_at"] == "2026-11-23T00:30:00Z").unwrap();
        assert_eq!(of_half_past["room_id"], json!(w.rooms[1]), "the one that is free");
        assert!(found(&w, &w.nurse, &of).await[0]["room_id"].is_null());
        // A hold takes the time until it ends.
        let now = w.clock.now();
        let interval = Interval::of_minutes("2026-11-23T02:00:00Z".parse().unwrap(), 30).unwrap();
        let (resources, holder_id) = ([w.residents[0]], uuid_v7(now));
        let booking = Booking { holder_kind: "consult", holder_id, resources: &resources, interval };
        let expires_at = Some(now + chrono::Duration::minutes(10));
        let mut tx = w.db.begin().await.unwrap();
        calendar::reserve_with(&mut tx, now, &booking, calendar::Terms { expires_at }).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(starts(&w, &resident).await, without(&["00:30", "01:00", "02:00"]));
        w.clock.advance(std::time::Duration::from_mins(10));
        assert!(starts(&w, &resident).await.contains(&"02:00".to_owned()));
    })
    .await;
}

#[tokio::test]
async fn length_part_of_the_day_and_weekdays_are_those_of_the_zone_that_is_meant() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        let hours = |weekday: i32, start: &str, end: &str, slot_minutes: i32| {
            json!({ "weekday": weekday, "start": start, "end": end, "slot_minutes": slot_minutes, "valid_from": "2026-01-01" })
        };
        let plan = json!({ "weekly": [hours(1, "10:00", "12:00", 20), hours(1, "14:00", "15:00", 60), hours(2, "10:00", "11:00", 60)] });
        w.put(&w.doctor, &format!("/v1/practitioners/{}/hours", w.doctor.id), plan).await.expect(200);
        let of = format!("{WEEK}&doctor={}", w.doctor.id);
        for (asked, times) in [
            ("", 8),
            ("&minutes=20", 8),
            ("&minutes=21", 2),
            ("&part=am", 7),
            ("&part=pm", 1),
            ("&part=am&time_zone=Europe/Berlin", 8),
            ("&part=pm&time_zone=Pacific/Auckland", 8),
            ("&weekdays=1", 7),
            ("&weekdays=2,3", 1),
            ("&weekdays=3", 0),
            ("&weekdays=1,2&part=am&minutes=30", 1),
        ] {
            assert_eq!(found(&w, &w.nurse, &format!("{of}{asked}")).await.len(), times, "{asked}");
        }
    })
    .await;
}

#[tokio::test]
async fn what_cannot_be_searched_is_refused_with_its_place() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        for (query, pointer) in [
            ("from=2026-11-24T00:00:00Z&to=2026-11-23T00:00:00Z".to_owned(), "?to"),
            ("from=2026-11-23T00:00:00Z&to=2026-11-23T00:00:00Z".to_owned(), "?to"),
            ("from=2026-11-23T00:00:00Z&to=2026-12-24T00:00:01Z".to_owned(), "?to"),
            ("from=1900-01-01T00:00:00Z&to=2199-12-31T00:00:00Z".to_owned(), "?to"),
            (format!("{DAY}&minutes=4"), "?minutes"),
            (format!("{DAY}&minutes=241"), "?minutes"),
            (format!("{DAY}&minutes=-9223372036854775808"), "?minutes"),
            (format!("{DAY}&weekdays=0"), "?weekdays"),
            (format!("{DAY}&weekdays=monday"), "?weekdays"),
            (format!("{DAY}&time_zone=Mars/Olympus"), "?time_zone"),
            (format!("{DAY}&any_room=true&room_id={}", w.rooms[0]), "?any_room"),
            (format!("{DAY}&limit=201"), "?limit"),
            (format!("{DAY}&limit=0"), "?limit"),
        ] {
            let refused = w.get(&w.nurse, &format!("/v1/slots?{query}")).await.refused(422, "invalid");
            assert_eq!(refused.body["errors"][0]["pointer"], pointer, "{query}: {}", refused.text);
        }
        for query in [
            "from=1926-11-23T00:00:00Z&to=2926-11-24T00:00:00Z".to_owned(),
            "from=soon&to=later".to_owned(),
            format!("{DAY}&part=night"),
            format!("{DAY}&title_min=professor"),
            format!("{DAY}&minutes=half"),
            format!("{DAY}&resident_id=1"),
            format!("{DAY}&any_room=perhaps"),
        ] {
            w.get(&w.nurse, &format!("/v1/slots?{query}")).await.refused(422, "invalid");
        }
        let past = "from=2026-11-01T00:00:00Z&to=2026-11-20T00:00:00Z";
        assert_eq!(found(&w, &w.nurse, past).await.len(), 0, "nobody is offered what has passed");
    })
    .await;
}

#[tokio::test]
async fn what_belongs_to_others_is_like_what_is_not_there() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        let (nobody, foreign_room) = (uuid_v7(w.clock.now()).to_string(), w.foreign_room().await);
        let refused = async |who: &Person, query: String| {
            let mut answer = w.get(who, &format!("/v1/slots?{DAY}&{query}")).await.refused(422, "invalid");
            answer.body.as_object_mut().unwrap().remove("request_id");
            answer.body
        };
        let absent = refused(&w.nurse, format!("resident_id={nobody}")).await;
        let of_first = |who: &Person| (who.clone(), format!("resident_id={}", w.residents[0]));
        for (who, query) in [of_first(&w.stranger_nurse), of_first(&w.doctor), of_first(&w.hospital_admin)] {
            assert_eq!(refused(&who, query).await, absent, "{}", who.name);
        }
        let absent = refused(&w.nurse, format!("room_id={nobody}")).await;
        assert_eq!(refused(&w.nurse, format!("room_id={foreign_room}")).await, absent);
        assert_eq!(refused(&w.doctor, format!("room_id={}", w.rooms[0])).await, absent);
        // A doctor or a hospital of others shows nothing to a hospital's people, as one that is not there.
        let mut tx = w.db.begin().await.unwrap();
        let now = w.clock.now();
        practise_elsewhere(&mut tx, now, &w).await;
        tx.commit().await.unwrap();
        for query in [format!("doctor={}", w.stranger_doctor.id), format!("doctor={nobody}")] {
            assert_eq!(found(&w, &w.hospital_admin, &format!("{DAY}&{query}")).await, [json!(null); 0], "{query}");
        }
        let own = found(&w, &w.doctor, &format!("{DAY}&hospital={}", w.stranger_doctor.organisation)).await;
        assert!(!own.is_empty() && own.iter().all(|slot| slot["hospital_id"] == json!(w.hospital)));
        let abroad = found(&w, &w.nurse, &format!("{DAY}&hospital={}", w.stranger_doctor.organisation)).await;
        assert_eq!(abroad.len(), 2, "a care home sees every hospital");
        assert_eq!(w.get(&w.dispatcher, &format!("/v1/slots?{DAY}")).await.status, 403);
    })
    .await;
}

/// The doctor of the other hospital has two times on Monday.
async fn practise_elsewhere(tx: &mut sanbao_platform::db::Tx, now: chrono::DateTime<chrono::Utc>, w: &World) {
    let from: chrono::NaiveDate = "2026-01-01".parse().unwrap();
    on!(tx, |c| {
        sqlx::query(HOURS).bind(uuid_v7(now)).bind(w.stranger_doctor.id).bind(from).execute(c).await.map(drop)
    })
    .unwrap();
}
