//! The records: found by person, doctor, state and period, page by page, within one's own side.

use std::collections::BTreeSet;
use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
use chrono::{DateTime, TimeDelta, Utc};
use sanbao_platform::on;
use sanbao_platform::page::encode;
use sanbao_platform::testing::{Answer, Person, on_both};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::consult::day::many;
use crate::consult::world::World;

const RECORDS: &str = "/consults/records";
const LEAD_ON: &str = "update person set merged_into = $2 where id = $1";

/// The page by what was filled in.
pub async fn asked(w: &World, who: &Person, fields: &[(&str, &str)]) -> Answer {
    let pairs: Vec<String> = fields.iter().map(|(name, value)| format!("{name}={}", encode(value))).collect();
    let request = Request::post(RECORDS).header("authorization", format!("Bearer {}", w.token(who)));
    let request = request.header("content-type", "application/x-www-form-urlencoded");
    w.send(request.body(Body::from(pairs.join("&"))).unwrap()).await
}

/// The consults of the rows, in their order.
pub fn rows(answer: &Answer) -> Vec<String> {
    assert_eq!(answer.status, 200, "{}", answer.text);
    let table = answer.text.split_once("<tbody>").map(|(_, rows)| rows).unwrap_or_default();
    let links = table.split("href=\"/consults/").skip(1);
    links.map(|rest| rest[..36].to_owned()).collect()
}

async fn found(w: &World, who: &Person, fields: &[(&str, &str)]) -> Vec<String> {
    rows(&asked(w, who, fields).await)
}

/// Consults of two residents with two doctors, in several states.
pub struct Cases {
    pub w: World,
    /// 许桂兰: booked with 李医生 on Monday the 23rd at 08:30.
    booked: String,
    /// 沈根宝: booked with 赵医生 on Tuesday at 09:00.
    others: String,
    /// 许桂兰: waits for any doctor.
    waiting: String,
    /// 沈根宝: called off before it was booked, so that it is no doctor's.
    off: String,
    /// 沈根宝: not sent.
    draft: String,
    pub people: [String; 2],
}

impl Cases {
    pub async fn of(w: World) -> Self {
        let mut people = Vec::new();
        for (name, guardian) in [("许桂兰", "许建军"), ("沈根宝", "沈立新")] {
            let body = json!({ "name": name, "phone": "13812345678", "guardian_name": guardian });
            let person = w.post(&w.nurse, "/v1/persons", body).await.expect(201);
            people.push(person["id"].as_str().unwrap().to_owned());
        }
        let (first, second) = (people[0].clone(), people[1].clone());
        let booked = invited(&w, &first, true).await;
        let others = invited(&w, &second, true).await;
        let waiting = invited(&w, &first, true).await;
        let off = invited(&w, &second, true).await;
        let draft = invited(&w, &second, false).await;
        for (who, id) in [(&w.doctor, &booked), (&w.second_doctor, &others), (&w.doctor, &off)] {
            w.step(who, id, "accept", Value::Null).await.expect(200);
        }
        w.step(&w.nurse, &booked, "schedule", w.at("2026-11-23T00:30:00Z")).await.expect(200);
        w.step(&w.nurse, &others, "schedule", w.at("2026-11-24T01:00:00Z")).await.expect(200);
        w.step(&w.nurse, &off, "cancel", json!({ "reason": "家属不同意" })).await.expect(200);
        Self { booked, others, waiting, off, draft, people: [first, second], w }
    }

    /// Those of them that were found, by name, in the order of the page.
    pub async fn named(&self, who: &Person, fields: &[(&str, &str)]) -> Vec<&'static str> {
        let name = |id: &String| match id {
            id if *id == self.booked => "booked",
            id if *id == self.others => "others",
            id if *id == self.waiting => "waiting",
            id if *id == self.off => "off",
            id if *id == self.draft => "draft",
            _ => "another",
        };
        found(&self.w, who, fields).await.iter().map(name).collect()
    }
}

pub async fn invited(w: &World, resident: &str, submit: bool) -> String {
    w.clock.advance(Duration::from_secs(1));
    let mut body = w.invitation(0);
    body["resident_id"] = json!(resident);
    body["submit"] = json!(submit);
    w.post(&w.nurse, "/v1/consults", body).await.expect(201)["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn consults_are_found_by_person_doctor_state_and_period() {
    on_both(|engine| async move {
        let cases = Cases::of(World::new(&engine).await).await;
        let w = &cases.w;
        let nurse = &w.nurse;
        let others = vec!["others"];
        assert_eq!(cases.named(nurse, &[]).await, ["others", "booked", "draft", "off", "waiting"]);
        for typed in ["许桂兰", "桂兰", "xuguilan", "XGL", " 许桂兰 "] {
            assert_eq!(cases.named(nurse, &[("person", typed)]).await, ["booked", "waiting"], "{typed} {}", w.engine);
        }
        for typed in ["赵医生", "赵", "zhao"] {
            assert_eq!(cases.named(nurse, &[("doctor", typed)]).await, others, "{typed} {}", w.engine);
        }
        assert_eq!(cases.named(nurse, &[("doctor", "医生")]).await, ["others", "booked"]);
        assert_eq!(cases.named(nurse, &[("state", "cancelled")]).await, ["off"]);
        let tuesday = [("from", "2026-11-24"), ("until", "2026-11-24")];
        assert_eq!(cases.named(nurse, &tuesday).await, others);
        assert_eq!(cases.named(nurse, &[("until", "2026-11-23")]).await, ["booked", "draft", "off", "waiting"]);
        assert!(cases.named(nurse, &[("until", "2026-11-22")]).await.is_empty());
        let together = [("person", "沈"), ("doctor", "赵"), ("state", "scheduled"), tuesday[0], tuesday[1]];
        assert_eq!(cases.named(nurse, &together).await, others);
        assert_eq!(cases.named(&w.hospital_admin, &together).await, others);
        for (at, other) in [(0, "许"), (1, "李"), (2, "submitted"), (3, "2026-11-25")] {
            let mut fields = together;
            fields[at].1 = other;
            if at == 3 {
                fields[4].1 = other;
            }
            assert!(cases.named(nurse, &fields).await.is_empty(), "{fields:?}");
        }
        let page = asked(w, nurse, &[("person", "没有人"), ("doctor", "赵")]).await;
        assert!(page.text.contains("没有符合条件的会诊") && page.text.contains("value=\"没有人\""), "{}", page.text);
        let line = "/v1/consults?order=newest&limit=2";
        let api = w.get(nurse, line).await.expect(200);
        assert_eq!(
            (api["items"][0]["id"].as_str(), api["items"][1]["id"].as_str()),
            (Some(&*cases.others), Some(&*cases.booked))
        );
    })
    .await;
}

#[tokio::test]
async fn one_persons_consults_stand_together_also_those_of_a_record_that_went_into_the_other() {
    on_both(|engine| async move {
        let cases = Cases::of(World::new(&engine).await).await;
        let w = &cases.w;
        let sheet = w.get(&w.nurse, &format!("/persons/{}", cases.people[0])).await.text;
        assert!(sheet.contains(&format!("{RECORDS}?resident={}", cases.people[0])), "{sheet}");
        let one = async |who: &Person, person: &str| {
            rows(&w.get(who, &format!("{RECORDS}?resident={person}")).await).into_iter().collect::<BTreeSet<_>>()
        };
        let of = |ids: &[&String]| ids.iter().map(|id| (*id).clone()).collect::<BTreeSet<_>>();
        let first = of(&[&cases.booked, &cases.waiting]);
        assert_eq!(one(&w.nurse, &cases.people[0]).await, first, "{}", w.engine);
        assert_eq!(one(&w.doctor, &cases.people[0]).await, first);
        assert_eq!(one(&w.second_doctor, &cases.people[0]).await, of(&[&cases.waiting]));
        assert!(one(&w.stranger_nurse, &cases.people[0]).await.is_empty());
        for (who, words) in [(&w.nurse, "只列出许桂兰的会诊"), (&w.stranger_nurse, "没有您能看到的这位老人的会诊")]
        {
            let page = w.get(who, &format!("{RECORDS}?resident={}", cases.people[0])).await.text;
            assert!(page.contains(words), "{page}");
            assert_eq!(page.contains("许桂兰"), who.name == w.nurse.name, "{page}");
        }
        let ids: Vec<Uuid> = cases.people.iter().map(|id| id.parse().unwrap()).collect();
        let mut tx = w.db.begin().await.unwrap();
        on!(tx, |c| sqlx::query(LEAD_ON).bind(ids[1]).bind(ids[0]).execute(c).await.map(drop)).unwrap();
        tx.commit().await.unwrap();
        let all = of(&[&cases.booked, &cases.waiting, &cases.others, &cases.off, &cases.draft]);
        for person in &cases.people {
            assert_eq!(one(&w.nurse, person).await, all, "{}", w.engine);
        }
        let api = async |query: &str| {
            let list = w.get(&w.nurse, &format!("/v1/consults?{query}")).await.expect(200);
            list["items"].as_array().unwrap().iter().map(|c| c["id"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
        };
        for order in ["oldest", "newest"] {
            let by_person = api(&format!("resident_id={}&order={order}", cases.people[0])).await;
            assert_eq!(by_person.into_iter().collect::<BTreeSet<_>>(), first, "{order}");
            let both = api(&format!("resident_id={}&doctor_id={}&order={order}", cases.people[0], w.doctor.id)).await;
            assert_eq!(both, [cases.booked.as_str()], "{order}");
        }
    })
    .await;
}

#[tokio::test]
async fn nobody_finds_what_their_list_does_not_show() {
    on_both(|engine| async move {
        let cases = Cases::of(World::new(&engine).await).await;
        let w = &cases.w;
        let readers = [
            (&w.nurse, vec!["others", "booked", "draft", "off", "waiting"]),
            (&w.doctor, vec!["booked", "off", "waiting"]),
            (&w.second_doctor, vec!["others", "off", "waiting"]),
            (&w.skin_doctor, vec![]),
            (&w.hospital_admin, vec!["others", "booked", "off", "waiting"]),
            (&w.stranger_nurse, vec![]),
            (&w.stranger_doctor, vec![]),
        ];
        for (who, expected) in readers {
            let seen: BTreeSet<_> = expected.iter().copied().collect();
            assert_eq!(cases.named(who, &[]).await, expected, "{} {}", w.engine, who.name);
            for order in ["oldest", "newest"] {
                let list = w.get(who, &format!("/v1/consults?order={order}")).await.expect(200);
                assert_eq!(list["items"].as_array().unwrap().len(), expected.len(), "{order} {}", who.name);
            }
            for fields in [
                [("person", "许")],
                [("person", "沈")],
                [("doctor", "医生")],
                [("state", "draft")],
                [("state", "submitted")],
            ] {
                let found: BTreeSet<_> = cases.named(who, &fields).await.into_iter().collect();
                assert!(found.is_subset(&seen), "{fields:?} {}: {found:?}", who.name);
            }
            let both = [("person", "许"), ("doctor", "李")];
            let found = cases.named(who, &both).await;
            let own = if seen.contains("booked") { vec!["booked"] } else { vec![] };
            assert_eq!(found, own, "{}", who.name);
        }
        for typed in ["许建军", "13812345678", "5678", "", "%", "_"] {
            let found = cases.named(&w.hospital_admin, &[("person", typed)]).await;
            assert_eq!(
                found.is_empty(),
                !typed.is_empty(),
                "a guardian and a telephone are nobody's name here: {typed}"
            );
        }
        assert_eq!(asked(w, &w.dispatcher, &[]).await.status, 403);
        assert_eq!(w.call(None, "GET", RECORDS, None, &[("accept", "text/html")]).await.status, 303, "to the log-in");
        let own = w.get(&w.nurse, &format!("{RECORDS}?person=%E8%AE%B8&state=cancelled")).await;
        assert_eq!(rows(&own), [cases.off.as_str()], "a name in an address asks for nothing");
        assert!(!own.text.contains("value=\"许\""), "{}", own.text);
    })
    .await;
}

#[tokio::test]
async fn the_pages_of_the_records_have_each_consult_once() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        let like = w.scheduled().await;
        // Two of each moment.
        for state in ["no_show", "cancelled"] {
            many(&w, &like, state, w.clock.now(), 35).await;
        }
        for (who, fields) in [
            (&w.nurse, vec![]),
            (&w.doctor, vec![]),
            (&w.hospital_admin, vec![("doctor", "李医生")]),
            (&w.hospital_admin, vec![("until", "2026-11-23")]),
        ] {
            let (mut all, mut after, mut pages, mut counts) = (Vec::new(), String::new(), Vec::new(), Vec::new());
            loop {
                let page = asked(&w, who, &[fields.clone(), vec![("after", after.as_str())]].concat()).await;
                let found = rows(&page);
                pages.push(found.len());
                let counted = page.text.split("<p class=\"faint\">").find(|part| part.contains(" 条")).unwrap();
                counts.push(counted.split("</p>").next().unwrap().to_owned());
                all.extend(found);
                let Some((_, next)) = page.text.split_once("name=\"after\" value=\"") else { break };
                after = next.split('"').next().unwrap().to_owned();
            }
            assert_eq!(pages, [30, 30, 11], "{} {} {fields:?}", w.engine, who.name);
            assert_eq!(counts, ["前 30 条，后面还有", "本页 30 条", "本页 11 条"], "{} {}", w.engine, who.name);
            let distinct: BTreeSet<_> = all.iter().collect();
            assert_eq!(distinct.len(), 71);
        }
        let (mut times, mut next) = (Vec::<DateTime<Utc>>::new(), String::new());
        while times.len() < 71 {
            let list = w.get(&w.nurse, &format!("/v1/consults?order=newest&limit=20{next}")).await.expect(200);
            let items = list["items"].as_array().unwrap();
            times.extend(
                items.iter().map(|c| c["appointment"]["starts_at"].as_str().unwrap().parse::<DateTime<Utc>>().unwrap()),
            );
            next = list["next"].as_str().map(|marker| format!("&after={marker}")).unwrap_or_default();
            assert_eq!(next.is_empty(), times.len() == 71, "{list}");
        }
        assert!(times.is_sorted_by(|a, b| a >= b), "the newest first");
        let first = asked(&w, &w.nurse, &[]).await.text;
        assert!(first.contains("前 30 条，后面还有") && first.contains("下一页"), "{first}");
        let old = w.clock.now() - TimeDelta::days(400);
        many(&w, &like, "no_show", old, 1).await;
        let past = asked(&w, &w.nurse, &[("until", "2025-12-31")]).await.text;
        assert!(past.contains("2025年10月") && past.contains("共 1 条"), "{past}");
        let list = w.get(&w.nurse, "/consults").await.text;
        assert!(list.contains("href=\"/consults/records\""), "{list}");
    })
    .await;
}

#[tokio::test]
async fn what_is_no_search_is_said_at_its_field_and_stays_typed() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        w.submitted().await;
        let long = "许".repeat(61);
        for (fields, words) in [
            (vec![("from", "23.11.2026")], "日期不对"),
            (vec![("until", "9999-01-01")], "日期不对"),
            (vec![("from", "2026-11-24"), ("until", "2026-11-23")], "结束的日期早于开始的日期"),
            (vec![("state", "done")], "没有这个状态"),
            (vec![("person", long.as_str())], "最多 60 个字"),
            (vec![("doctor", "a\u{0}b")], "不能使用的字符"),
            (vec![("resident", "1")], "没有这个人"),
            (vec![("after", "x")], "翻页标记无效"),
        ] {
            let page = asked(&w, &w.nurse, &[fields.clone(), vec![("doctor", "李")]].concat()).await;
            // A field that is sent twice is none of the form.
            if fields[0].0 == "doctor" {
                assert_eq!(page.status, 422, "{}", page.text);
                continue;
            }
            assert_eq!(page.status, 422, "{fields:?} {}: {}", w.engine, page.text);
            assert!(page.text.contains(words) && page.text.contains("value=\"李\""), "{fields:?}: {}", page.text);
            assert!(!page.text.contains("<tbody>"), "{fields:?}");
        }
        let nul = asked(&w, &w.nurse, &[("doctor", "a\u{0}b")]).await;
        assert!(nul.status == 422 && nul.text.contains("不能使用的字符"), "{}", nul.text);
        assert_eq!(w.get(&w.nurse, "/v1/consults?order=random").await.status, 422);
        assert_eq!(w.get(&w.nurse, "/v1/consults?doctor_id=1").await.status, 422);
    })
    .await;
}
