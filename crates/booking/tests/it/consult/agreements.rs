//! Agreements between a care home and a hospital: proposed, answered, changed, ended and over by their days.

use std::time::Duration;

use sanbao_platform::id::uuid_v7;
use sanbao_platform::on;
use sanbao_platform::testing::{Person, on_both};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::consult::holds::{FIRST, asking};
use crate::consult::world::World;
use crate::network::{member, organisation};

pub const AFFILIATIONS: &str = "/v1/affiliations";
const STANDS: &str = "insert into affiliation (id, inviting_id, invited_id, number, valid_from, valid_until, books_at_once,
    proposed_by, proposed_at, state, version) values ($1, $2, $3, '镇医合 2026-1', $4, $5, $6, 'inviting', $7, 'active', 1)";

const WITHDRAWN: &str =
    "insert into affiliation (id, inviting_id, invited_id, number, valid_from, valid_until, books_at_once,
    proposed_by, proposed_at, state, version) values ($1, $2, $3, '镇医合 2026-0', $4, $4, $5, 'inviting', $6, 'withdrawn', 2)";
const CLOSE: &str = "update organisation set state = 'closed' where id = $1";

/// An agreement of the home and the hospital that stands from one day to another; its id.
pub async fn agree(w: &World, books_at_once: bool, (from, until): (&str, &str)) -> Uuid {
    let (id, now) = (uuid_v7(w.clock.now()), w.clock.now());
    let [from, until]: [chrono::NaiveDate; 2] = [from, until].map(|day| day.parse().unwrap());
    let mut tx = w.db.begin().await.unwrap();
    on!(tx, |c| {
        let row = sqlx::query(STANDS).bind(id).bind(w.home).bind(w.hospital).bind(from).bind(until);
        row.bind(books_at_once).bind(now).execute(c).await.map(drop)
    })
    .unwrap();
    tx.commit().await.unwrap();
    id
}

/// An administrator of the home.
pub async fn home_admin(w: &World) -> Person {
    let mut tx = w.db.begin().await.unwrap();
    let admin = member(&mut tx, w.clock.now(), w.home, &["administrator"], "院长").await;
    tx.commit().await.unwrap();
    admin
}

/// The body of a proposal.
fn proposal(with: impl serde::Serialize, from: &str, until: &str) -> Value {
    json!({ "with": with, "number": "镇医合 2026-017", "valid_from": from, "valid_until": until })
}

async fn step(w: &World, who: &Person, id: &str, step: &str, body: Value) -> sanbao_platform::testing::Answer {
    w.post(who, &format!("{AFFILIATIONS}/{id}/{step}"), body).await
}

fn id_of(view: &Value) -> String {
    view["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn one_side_proposes_the_other_accepts_and_either_ends() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        let (home, hospital) = (&home_admin(&w).await, &w.hospital_admin);
        let new = proposal(w.hospital, "2026-11-01", "2027-10-31");
        let view = w.post(home, AFFILIATIONS, new).await.expect(201);
        let id = id_of(&view);
        assert_eq!((&view["state"], &view["side"]), (&json!("proposed"), &json!("inviting")));
        assert_eq!((&view["books_at_once"], &view["actions"]), (&json!(false), &json!(["withdraw"])));
        let seen = w.get(hospital, AFFILIATIONS).await.expect(200);
        assert_eq!(seen["items"][0]["actions"], json!(["accept", "decline"]));
        step(&w, home, &id, "accept", json!({})).await.refused(403, "forbidden");
        let accepted = step(&w, hospital, &id, "accept", json!({ "books_at_once": true })).await.expect(200);
        assert_eq!((&accepted["standing"], &accepted["books_at_once"]), (&json!("in_force"), &json!(true)));
        assert_eq!((&accepted["actions"], &accepted["invited"]["id"]), (&json!(["change", "end"]), &json!(w.hospital)));
        step(&w, home, &id, "change", json!({ "books_at_once": true })).await.refused(403, "forbidden");
        let changed = step(&w, hospital, &id, "change", json!({ "books_at_once": false })).await.expect(200);
        assert_eq!((&changed["books_at_once"], &changed["version"]), (&json!(false), &json!(3)));
        // What is booked between the two is told, and stays.
        let consult = w.scheduled().await;
        w.post(&w.nurse, "/v1/consults", w.invitation(1)).await.expect(201);
        let told = w.get(home, &format!("{AFFILIATIONS}/{id}")).await.expect(200);
        assert_eq!((&told["booked"], &told["waiting"], &told["actions"]), (&json!(1), &json!(1), &json!(["end"])));
        step(&w, home, &id, "end", json!({ "reason": " " })).await.refused(422, "invalid");
        let ended = step(&w, home, &id, "end", json!({ "reason": "另签新协议" })).await.expect(200);
        assert_eq!((&ended["standing"], &ended["ended_by"]), (&json!("ended"), &json!("inviting")));
        assert_eq!((&ended["reason"], &ended["actions"]), (&json!("另签新协议"), &json!([])));
        step(&w, hospital, &id, "end", json!({ "reason": "也要" })).await.refused(409, "invalid-transition");
        assert_eq!(w.get(&w.nurse, &format!("/v1/consults/{consult}")).await.expect(200)["state"], "scheduled");
        let lines = ended["history"].as_array().unwrap();
        let taken: Vec<_> = lines.iter().map(|line| (line["action"].as_str(), line["side"].as_str())).collect();
        assert_eq!(
            taken,
            [("propose", "inviting"), ("accept", "invited"), ("change", "invited"), ("end", "inviting")]
                .map(|(action, side)| (Some(action), Some(side)))
        );
        let mut audited = w.audited(&id).await;
        audited.retain(|action| action.starts_with("affiliation."));
        audited.sort();
        assert_eq!(audited, ["affiliation.accept", "affiliation.change", "affiliation.end", "affiliation.propose"]);
    })
    .await;
}

#[tokio::test]
async fn who_is_of_neither_side_or_no_administrator_has_no_part_in_it() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        let home = &home_admin(&w).await;
        let id = id_of(&w.post(home, AFFILIATIONS, proposal(w.hospital, "2026-11-01", "2027-10-31")).await.expect(201));
        let path = format!("{AFFILIATIONS}/{id}");
        let mut tx = w.db.begin().await.unwrap();
        let elsewhere = w.stranger_doctor.organisation;
        let stranger = member(&mut tx, w.clock.now(), elsewhere, &["administrator"], "外院管").await;
        tx.commit().await.unwrap();
        for who in [&stranger, &w.nurse, &w.doctor, &w.dispatcher, &w.stranger_nurse] {
            w.get(who, &path).await.refused(404, "not-found");
            for name in ["accept", "withdraw", "decline", "end"] {
                let body = if name == "accept" { json!({}) } else { json!({ "reason": "不" }) };
                step(&w, who, &id, name, body).await.refused(404, "not-found");
            }
        }
        for who in [&w.nurse, &w.doctor] {
            w.get(who, AFFILIATIONS).await.refused(403, "forbidden");
            let new = proposal(w.hospital, "2026-11-01", "2027-10-31");
            w.post(who, AFFILIATIONS, new).await.refused(403, "forbidden");
            w.page(who, "/affiliations").await.checked(403);
        }
        assert_eq!(w.get(&stranger, AFFILIATIONS).await.expect(200)["items"], json!([]));
        // Ids of others: its own side, no organisation of the other side, nobody.
        for with in [json!(w.home), json!(w.stranger_nurse.organisation), json!(w.doctor.id)] {
            let refused = w.post(home, AFFILIATIONS, proposal(with, "2026-11-01", "2027-10-31")).await;
            assert_eq!(refused.refused(422, "invalid").body["errors"][0]["pointer"], "/with");
        }
    })
    .await;
}

#[tokio::test]
async fn the_hospital_alone_says_that_its_hours_are_booked_at_once() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        let (home, hospital) = (&home_admin(&w).await, &w.hospital_admin);
        let with_word = |with: Value, word: bool| {
            let mut new = proposal(with, "2026-11-01", "2027-10-31");
            new["books_at_once"] = json!(word);
            new
        };
        for word in [true, false] {
            let refused = w.post(home, AFFILIATIONS, with_word(json!(w.hospital), word)).await.refused(422, "invalid");
            assert_eq!(refused.body["errors"][0]["pointer"], "/books_at_once");
        }
        // A hospital knows the homes that have invited it, and no others.
        let unknown = w.post(hospital, AFFILIATIONS, with_word(json!(w.home), true)).await.refused(422, "invalid");
        assert_eq!(unknown.body["errors"][0]["pointer"], "/with");
        let page = w.page(hospital, "/affiliations").await.checked(200).text;
        assert!(!page.contains(&w.home.to_string()) && page.contains("还没有合作协议"), "{page}");
        w.submitted().await;
        let page = w.page(hospital, "/affiliations").await.checked(200).text;
        assert!(page.contains(&w.home.to_string()) && !page.contains("海港养老院"), "{page}");
        // It proposes, with its word; the home accepts that as it stands.
        let view = w.post(hospital, AFFILIATIONS, with_word(json!(w.home), true)).await.expect(201);
        let id = id_of(&view);
        assert_eq!((&view["side"], &view["books_at_once"]), (&json!("invited"), &json!(true)));
        step(&w, hospital, &id, "change", json!({ "books_at_once": false })).await.refused(409, "invalid-transition");
        step(&w, home, &id, "accept", json!({ "books_at_once": true })).await.refused(422, "invalid");
        let accepted = step(&w, home, &id, "accept", json!({})).await.expect(200);
        assert_eq!((&accepted["standing"], &accepted["books_at_once"]), (&json!("in_force"), &json!(true)));
        let page = w.page(home, &format!("/affiliations/{id}")).await.checked(200).text;
        assert!(!page.contains("name=\"books_at_once\"") && page.contains("可直接约定医生的时间"), "{page}");
        let page = w.page(hospital, &format!("/affiliations/{id}")).await.checked(200).text;
        assert!(page.contains("name=\"books_at_once\"") && page.contains("结束协议"), "{page}");
    })
    .await;
}

#[tokio::test]
async fn two_have_one_proposal_and_one_agreement_at_a_time() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        let (home, hospital) = (&home_admin(&w).await, &w.hospital_admin);
        let first = w.post(home, AFFILIATIONS, proposal(w.hospital, "2026-11-01", "2026-12-31")).await.expect(201);
        // From either side, whatever the days.
        let other = proposal(w.home, "2027-01-01", "2027-12-31");
        w.post(hospital, AFFILIATIONS, other.clone()).await.refused(409, "affiliation-proposed");
        step(&w, hospital, &id_of(&first), "decline", json!({ "reason": "编号不对" })).await.expect(200);
        let again = w.post(home, AFFILIATIONS, proposal(w.hospital, "2026-11-01", "2026-12-31")).await.expect(201);
        step(&w, home, &id_of(&again), "withdraw", json!({})).await.expect(200);
        let third = w.post(home, AFFILIATIONS, proposal(w.hospital, "2026-11-01", "2026-12-31")).await.expect(201);
        step(&w, hospital, &id_of(&third), "accept", json!({})).await.expect(200);
        for (from, until) in [("2026-12-31", "2027-12-31"), ("2026-10-01", "2026-11-30"), ("2026-11-25", "2026-11-26")]
        {
            let refused = w.post(home, AFFILIATIONS, proposal(w.hospital, from, until)).await;
            refused.refused(409, "affiliation-overlaps");
        }
        // A renewal begins on the day after the last, and counts only then.
        let renewal = w.post(hospital, AFFILIATIONS, other).await.expect(201);
        let renewed = step(&w, home, &id_of(&renewal), "accept", json!({})).await.expect(200);
        assert_eq!(renewed["standing"], "coming");
        let page = w.page(home, "/affiliations").await.checked(200).text;
        for words in ["尚未生效", "生效中", "未同意", "已撤回"] {
            assert!(page.contains(words), "{words}: {page}");
        }
    })
    .await;
}

#[tokio::test]
async fn it_is_over_by_its_days_alone_and_says_so_thirty_days_before() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        let (home, hospital) = (&home_admin(&w).await, &w.hospital_admin);
        let new = proposal(w.hospital, "2026-11-01", "2026-12-24");
        let id = id_of(&w.post(home, AFFILIATIONS, new).await.expect(201));
        step(&w, hospital, &id, "accept", json!({ "books_at_once": true })).await.expect(200);
        let path = format!("{AFFILIATIONS}/{id}");
        let standing = async || {
            let view = w.get(home, &path).await.expect(200);
            (view["standing"].as_str().unwrap().to_owned(), view["days_left"].clone())
        };
        // Monday 2026-11-23, 08:00: 31 days before.
        assert_eq!(standing().await, ("in_force".to_owned(), Value::Null));
        w.clock.advance(Duration::from_hours(24));
        assert_eq!(standing().await, ("ending".to_owned(), json!(30)));
        let page = w.page(home, "/affiliations").await.checked(200).text;
        assert!(page.contains("还有 30 天到期"), "{page}");
        // The last day ends at midnight in the hospital's zone.
        w.clock.advance(Duration::from_hours(30 * 24 + 15));
        assert_eq!(standing().await, ("ending".to_owned(), json!(0)));
        w.clock.advance(Duration::from_hours(1));
        assert_eq!(standing().await, ("over".to_owned(), Value::Null));
        let page = w.page(home, &format!("/affiliations/{id}")).await.checked(200).text;
        assert!(page.contains("协议已到期") && !page.contains("结束协议"), "{page}");
        for (name, body) in [("change", json!({ "books_at_once": false })), ("end", json!({ "reason": "到期" }))] {
            step(&w, hospital, &id, name, body).await.refused(409, "affiliation-over");
        }
        // What nobody has answered in time is only declined or taken back.
        let late = proposal(w.hospital, "2026-12-25", "2026-12-25");
        let late = id_of(&w.post(home, AFFILIATIONS, late).await.expect(201));
        w.clock.advance(Duration::from_hours(24));
        step(&w, hospital, &late, "accept", json!({})).await.refused(409, "affiliation-over");
        step(&w, hospital, &late, "decline", json!({ "reason": "过期了" })).await.expect(200);
    })
    .await;
}

#[tokio::test]
async fn what_nobody_has_answered_in_its_days_gives_way_to_the_next() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        let (home, hospital) = (&home_admin(&w).await, &w.hospital_admin);
        let late = proposal(w.hospital, "2026-11-23", "2026-11-23");
        let late = id_of(&w.post(home, AFFILIATIONS, late).await.expect(201));
        let next = proposal(w.hospital, "2026-12-01", "2027-11-30");
        w.post(home, AFFILIATIONS, next.clone()).await.refused(409, "affiliation-proposed");
        w.clock.advance(Duration::from_hours(24));
        let path = format!("{AFFILIATIONS}/{late}");
        let seen = w.get(hospital, &path).await.expect(200);
        assert_eq!((&seen["state"], &seen["standing"]), (&json!("proposed"), &json!("lapsed")));
        assert_eq!(seen["actions"], json!(["decline"]));
        let page = w.page(hospital, "/affiliations").await.checked(200).text;
        assert!(page.contains("已过期，未答复") && !page.contains("等本机构答复"), "{page}");
        let new = id_of(&w.post(home, AFFILIATIONS, next).await.expect(201));
        let seen = w.get(home, &path).await.expect(200);
        assert_eq!(seen["standing"], "withdrawn");
        let last = seen["history"].as_array().unwrap().last().unwrap().clone();
        assert_eq!((&last["action"], &last["actor_name"]), (&json!("withdraw"), &Value::Null));
        step(&w, hospital, &new, "accept", json!({})).await.expect(200);
    })
    .await;
}

#[tokio::test]
async fn of_two_sides_that_propose_at_the_same_moment_one_does() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        let (home, hospital) = (&home_admin(&w).await, &w.hospital_admin);
        w.submitted().await;
        let (one, other) = tokio::join!(
            w.post(home, AFFILIATIONS, proposal(w.hospital, "2026-12-01", "2027-11-30")),
            w.post(hospital, AFFILIATIONS, proposal(w.home, "2026-12-01", "2027-11-30"))
        );
        let (made, refused) = if one.status.as_u16() == 201 { (one, other) } else { (other, one) };
        made.expect(201);
        refused.refused(409, "affiliation-proposed");
    })
    .await;
}

#[tokio::test]
async fn nobody_agrees_with_one_that_takes_part_no_more() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        let home = &home_admin(&w).await;
        w.submitted().await;
        let new = proposal(w.home, "2026-12-01", "2027-11-30");
        let id = id_of(&w.post(&w.hospital_admin, AFFILIATIONS, new).await.expect(201));
        let mut tx = w.db.begin().await.unwrap();
        on!(tx, |c| sqlx::query(CLOSE).bind(w.hospital).execute(c).await.map(drop)).unwrap();
        tx.commit().await.unwrap();
        step(&w, home, &id, "accept", json!({})).await.refused(409, "partner-closed");
        step(&w, home, &id, "decline", json!({ "reason": "已停办" })).await.expect(200);
    })
    .await;
}

#[tokio::test]
async fn what_stands_is_listed_whatever_was_withdrawn_since_and_more_of_either_is_said() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        let home = &home_admin(&w).await;
        agree(&w, false, ("2026-11-01", "2027-10-31")).await;
        w.clock.advance(Duration::from_mins(1));
        let (now, day): (_, chrono::NaiveDate) = (w.clock.now(), "2026-12-01".parse().unwrap());
        let mut tx = w.db.begin().await.unwrap();
        for n in 0..301 {
            on!(tx, |c| {
                let row = sqlx::query(WITHDRAWN).bind(uuid_v7(now)).bind(w.home).bind(w.hospital).bind(day);
                row.bind(false).bind(now).execute(c).await.map(drop)
            })
            .unwrap();
            organisation(&mut tx, now, "hospital", &format!("医院 {n}"), "Asia/Shanghai").await;
        }
        tx.commit().await.unwrap();
        let page = w.page(home, "/affiliations").await.checked(200).text;
        assert!(page.contains("生效中") && page.contains("共 1 条"), "{page}");
        assert!(page.contains("前 200 条，后面还有") && page.contains("只列出前 300 家"), "{page}");
    })
    .await;
}

#[tokio::test]
async fn the_fields_of_a_proposal_are_told_at_once_and_an_organisation_has_so_many() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        let (home, hospital) = (&home_admin(&w).await, &w.hospital_admin);
        let pointers = async |from: &str, until: &str, number: &str| {
            let mut new = proposal(w.hospital, from, until);
            new["number"] = json!(number);
            let refused = w.post(home, AFFILIATIONS, new).await.refused(422, "invalid");
            let errors = refused.body["errors"].as_array().unwrap().clone();
            errors.iter().map(|e| e["pointer"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(pointers("2026-11-01", "2026-10-31", "").await, ["/number", "/valid_until"]);
        assert_eq!(pointers("2026-11-01", "2026-11-22", "一").await, ["/valid_until"], "yesterday");
        assert_eq!(
            pointers("2016-11-01", "2036-12-31", &"长".repeat(61)).await,
            ["/number", "/valid_from", "/valid_until"]
        );
        for bad in ["0001-01-01", "2026-02-30", "明天"] {
            w.post(home, AFFILIATIONS, proposal(w.hospital, "2026-11-01", bad)).await.refused(422, "invalid");
        }
        // Proposals of others do not count, nor agreements that stand.
        w.submitted().await;
        agree(&w, false, ("2026-11-01", "2026-11-30")).await;
        w.post(hospital, AFFILIATIONS, proposal(w.home, "2027-01-01", "2027-12-31")).await.expect(201);
        let (first, mut hospitals): (chrono::NaiveDate, _) = ("2026-12-01".parse().unwrap(), Vec::new());
        let mut tx = w.db.begin().await.unwrap();
        for n in 0..101 {
            let name = format!("医院 {n}");
            hospitals.push(organisation(&mut tx, w.clock.now(), "hospital", &name, "Asia/Shanghai").await);
        }
        tx.commit().await.unwrap();
        for (n, with) in hospitals[..100].iter().enumerate() {
            let day = (first + chrono::Days::new(u64::try_from(n).unwrap())).to_string();
            w.post(home, AFFILIATIONS, proposal(with, &day, &day)).await.expect(201);
        }
        let more = proposal(hospitals[100], "2028-01-01", "2028-12-31");
        w.post(home, AFFILIATIONS, more.clone()).await.refused(409, "too-many-affiliations");
        // Once the days of one of them are over there is room again.
        w.clock.advance(Duration::from_hours(9 * 24));
        w.post(home, AFFILIATIONS, more).await.expect(201);
        let page = w.get(home, &format!("{AFFILIATIONS}?limit=60")).await.expect(200);
        let rest = w.get(home, &format!("{AFFILIATIONS}?limit=60&after={}", page["next"].as_str().unwrap())).await;
        assert_eq!(rest.expect(200)["items"].as_array().unwrap().len(), 43);
    })
    .await;
}

#[tokio::test]
async fn free_times_are_found_in_hospitals_with_an_agreement_on_its_days() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        let found = async |who: &Person, query: &str| {
            let range = "from=2026-11-23T00:00:00Z&to=2026-11-28T00:00:00Z&limit=200";
            let page = w.get(who, &format!("/v1/slots?{range}{query}")).await.expect(200);
            page["items"].as_array().unwrap().clone()
        };
        let only = "&affiliated=true";
        let all = found(&w.nurse, "").await.len();
        assert_eq!(found(&w.nurse, only).await.len(), 0);
        agree(&w, false, ("2026-11-24", "2026-11-25")).await;
        let slots = found(&w.nurse, only).await;
        let days: std::collections::BTreeSet<&str> =
            slots.iter().map(|s| &s["starts_at"].as_str().unwrap()[..10]).collect();
        assert_eq!(days.into_iter().collect::<Vec<_>>(), ["2026-11-24", "2026-11-25"]);
        assert_eq!(found(&w.nurse, "&affiliated=false").await.len(), all);
        assert_eq!(found(&w.nurse, &format!("{only}&doctor={}", w.doctor.id)).await.len(), slots.len() / 2);
        // Of another house, and of the hospital itself.
        assert_eq!(found(&w.stranger_nurse, only).await.len(), 0);
        assert_eq!(found(&w.hospital_admin, only).await.len(), 0);
        // In pages, each time once.
        let range = "from=2026-11-23T00:00:00Z&to=2026-11-28T00:00:00Z&limit=5&affiliated=true";
        let page = w.get(&w.nurse, &format!("/v1/slots?{range}")).await.expect(200);
        assert_eq!(page["items"].as_array().unwrap()[..], slots[..5]);
        let next = w.get(&w.nurse, &format!("/v1/slots?{range}&after={}", page["next"].as_str().unwrap())).await;
        assert_eq!(next.expect(200)["items"].as_array().unwrap()[..], slots[5..10]);
    })
    .await;
}

#[tokio::test]
async fn hospitals_with_an_agreement_stand_first_in_an_invitation_and_are_marked() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        let form = async || w.page(&w.nurse, "/consults/new").await.checked(200).text;
        assert!(!form().await.contains("有合作协议"));
        agree(&w, true, ("2026-11-01", "2026-11-30")).await;
        let form = form().await;
        let choices: Vec<&str> = form.split("<option").filter(|choice| choice.contains("医院 · ")).collect();
        assert!(choices[0].contains("镇海示范医院") && choices[0].contains("（有合作协议）"), "{choices:?}");
        let last = choices.iter().find(|choice| choice.contains("另一家医院")).unwrap();
        assert!(!last.contains("有合作协议"), "{last}");
        let path = format!("/consults/times?resident={}&wish={}%7Ccardiology", w.residents[0], w.hospital);
        let part = w.page(&w.nurse, &path).await.checked(200).text;
        // Fourteen days are shown, and the agreement ends after eight.
        assert!(part.contains("11月30日") && part.contains("无需等待医院答复") && part.contains("及以前"), "{part}");
        let view = w.post(&w.nurse, "/v1/consults", asking(&w, 0, &w.doctor, FIRST)).await.expect(201);
        assert_eq!(view["state"], "scheduled");
    })
    .await;
}
