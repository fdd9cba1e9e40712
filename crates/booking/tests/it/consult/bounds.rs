//! Bounds from both sides, and hours that overlap, which are no hours twice.

use chrono::{DateTime, TimeDelta, Utc};
use sanbao_booking::calendar::{self, Booking, Interval, Terms};
use sanbao_booking::consult::jobs::forget_holds;
use sanbao_platform::id::uuid_v7;
use sanbao_platform::testing::{Answer, on_both};
use serde_json::{Value, json};

use crate::consult::holds::ROWS;
use crate::consult::world::World;

const DAY: &str = "2026-11-25";

fn pointer(answer: &Answer) -> &str {
    answer.body["errors"][0]["pointer"].as_str().unwrap_or_default()
}

#[tokio::test]
async fn an_invitation_reaches_ninety_days_both_ways_and_no_further() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        let at = |days: i64, seconds: i64| w.clock.now() + TimeDelta::days(days) + TimeDelta::seconds(seconds);
        let invite = async |from: DateTime<Utc>, until: DateTime<Utc>| {
            let mut body = w.invitation(0);
            body["wanted_from"] = json!(from);
            body["wanted_until"] = json!(until);
            w.post(&w.nurse, "/v1/consults", body).await
        };
        invite(at(-90, 0), at(90, 0)).await.expect(201);
        for (from, until, wrong) in [
            (at(0, 0), at(90, 1), "/wanted_until"),
            (at(-90, -1), at(1, 0), "/wanted_from"),
            (at(2, 0), at(1, 0), "/wanted_until"),
            (at(1, 0), at(1, 0), "/wanted_until"),
            (at(-2, 0), at(-1, 0), "/wanted_until"),
            (at(0, 0), at(365_000, 0), "/wanted_until"),
        ] {
            let refused = invite(from, until).await;
            assert_eq!((refused.status.as_u16(), pointer(&refused)), (422, wrong), "{from} {until}: {}", refused.text);
        }
        assert_eq!(w.count("select count(*) from consult").await, 1, "{}", w.engine);
    })
    .await;
}

#[tokio::test]
async fn a_delay_is_of_four_hours_at_most() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        let id = w.scheduled().await;
        for minutes in [-1, 241, i32::MAX] {
            let refused = w.step(&w.nurse, &id, "delay", json!({ "minutes": minutes })).await;
            assert_eq!((refused.status.as_u16(), pointer(&refused)), (422, "/minutes"), "{minutes}: {}", refused.text);
        }
        for minutes in [240, 0] {
            let told = w.step(&w.nurse, &id, "delay", json!({ "minutes": minutes })).await.expect(200);
            assert_eq!(told["appointment"]["delay_minutes"], minutes, "{}", w.engine);
        }
    })
    .await;
}

#[tokio::test]
async fn twenty_family_links_stand_and_their_fields_are_bounded() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        let links = format!("/v1/consults/{}/guest-links", w.scheduled().await);
        let guest = |name: &str, relation: &str| json!({ "name": name, "relation": relation });
        let long = "陈".repeat(61);
        for (new, wrong) in [(guest(&long, "女儿"), "/name"), (guest("陈女士", &long), "/relation")] {
            let refused = w.post(&w.nurse, &links, new).await;
            assert_eq!((refused.status.as_u16(), pointer(&refused)), (422, wrong), "{}", refused.text);
        }
        let mut first = Value::Null;
        for n in 0..20 {
            first = w.post(&w.nurse, &links, guest(&"陈".repeat(60), &format!("女儿{n}"))).await.expect(201);
        }
        w.post(&w.nurse, &links, guest("陈女士", "孙女")).await.refused(409, "conflict");
        let one = format!("{links}/{}", first["id"].as_str().unwrap());
        w.call(Some(&w.nurse), "DELETE", &one, None, &[]).await.checked(204);
        w.post(&w.nurse, &links, guest("陈女士", "孙女")).await.expect(201);
        for length in [128, 129, 1_000_000] {
            let token = Some(json!({ "token": "a".repeat(length) }));
            let answer = w.call(None, "POST", "/v1/guest-tickets", token, &[]).await;
            assert!(matches!(answer.status.as_u16(), 404 | 413), "{length}: {} {}", answer.status, answer.text);
        }
    })
    .await;
}

#[tokio::test]
async fn hours_are_of_fifty_lines_at_most_and_those_that_overlap_are_offered_once() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        let (hours, week) =
            (format!("/v1/practitioners/{}/hours", w.doctor.id), format!("/v1/practitioners/{}/week", w.doctor.id));
        let line = |start: &str, end: &str, slot: i32| {
            json!({ "weekday": 3, "start": start, "end": end, "slot_minutes": slot,
            "valid_from": "2026-01-01" })
        };
        let at = |n: usize| format!("{:02}:{:02}", n / 4, n % 4 * 15);
        let lines = |count: usize| (0..count).map(|n| line(&at(n), &at(n + 1), 15)).collect::<Vec<_>>();
        let stretches = |count: usize| {
            let all = (0..count).map(|n| json!({ "weekday": 3, "start": at(n), "end": at(n + 1) }));
            json!({ "valid_from": "2026-11-23", "slot_minutes": 15, "week": all.collect::<Vec<_>>() })
        };
        w.put(&w.doctor, &hours, json!({ "weekly": lines(50) })).await.expect(200);
        let refused = w.put(&w.doctor, &hours, json!({ "weekly": lines(51) })).await;
        assert_eq!((refused.status.as_u16(), pointer(&refused)), (422, "/weekly"), "{}", refused.text);
        w.put(&w.doctor, &week, stretches(50)).await.expect(200);
        let refused = w.put(&w.doctor, &week, stretches(51)).await;
        assert_eq!((refused.status.as_u16(), pointer(&refused)), (422, "/week"), "{}", refused.text);

        let overlapping = [line("08:00", "10:00", 30), line("08:45", "11:00", 20), line("08:00", "10:00", 30)];
        w.put(&w.doctor, &hours, json!({ "weekly": overlapping })).await.expect(200);
        let extra = json!({ "kind": "extra", "date": DAY, "start": "09:10", "end": "10:30", "slot_minutes": 40 });
        w.post(&w.doctor, &format!("/v1/practitioners/{}/exceptions", w.doctor.id), extra).await.expect(201);
        let search = format!("/v1/slots?doctor={}&from={DAY}T00:00:00Z&to={DAY}T12:00:00Z", w.doctor.id);
        let found = w.get(&w.nurse, &search).await.expect(200);
        let moment = |slot: &Value, end: &str| slot[end].as_str().unwrap().parse::<DateTime<Utc>>().unwrap();
        let slots = found["items"].as_array().unwrap();
        let times: Vec<_> = slots.iter().map(|slot| (moment(slot, "starts_at"), moment(slot, "ends_at"))).collect();
        assert!(times.len() >= 4, "{times:?}");
        assert!(times.windows(2).all(|pair| pair[0].1 <= pair[1].0), "{}: {times:?}", w.engine);
    })
    .await;
}

#[tokio::test]
async fn more_ended_holds_than_go_at_once_go_in_one_round() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        let (now, mut tx) = (w.clock.now(), w.db.begin().await.unwrap());
        let terms = Terms { expires_at: Some(now + TimeDelta::minutes(10)) };
        for n in 0..501 {
            let interval = Interval::of_minutes(now + TimeDelta::minutes(30 * n), 30).unwrap();
            let (holder_id, resources) = (uuid_v7(now), [w.rooms[0]]);
            let hold = Booking { holder_kind: "consult", holder_id, resources: &resources, interval };
            calendar::reserve_with(&mut tx, now, &hold, terms).await.unwrap();
        }
        tx.commit().await.unwrap();
        assert_eq!(forget_holds(&w.db, &w.clock).await.unwrap(), 0);
        w.clock.advance(std::time::Duration::from_mins(10));
        assert_eq!((forget_holds(&w.db, &w.clock).await.unwrap(), w.count(ROWS).await), (501, 0), "{}", w.engine);
    })
    .await;
}

#[tokio::test]
async fn the_form_shows_twelve_times_of_half_a_day_and_five_days_and_says_that_there_are_more() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        let of = |slot: i32| {
            let line = |weekday: i32| {
                json!({ "weekday": weekday, "start": "08:00", "end": "12:00", "slot_minutes": slot,
                    "valid_from": "2026-01-01" })
            };
            json!({ "weekly": (1..=7).map(line).collect::<Vec<_>>() })
        };
        w.put(&w.doctor, &format!("/v1/practitioners/{}/hours", w.doctor.id), of(15)).await.expect(200);
        let path = format!("/consults/times?resident={}&wish={}%7Ccardiology", w.residents[0], w.hospital);
        let part = w.page(&w.nurse, &path).await.checked(200).text;
        assert_eq!(
            (part.matches("<details").count(), part.matches("type=\"radio\"").count()),
            (5, 5 * 12 + 1),
            "{part}"
        );
        assert!(part.contains("12 个空闲时间") && part.contains("另有 "), "{part}");
    })
    .await;
}
