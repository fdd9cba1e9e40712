//! The day of a house by room: who is brought where, by whom, and what is amiss; and the same on paper.

use std::time::Duration;

use sanbao_platform::on;
use sanbao_platform::testing::{Person, on_both};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::consult::world::World;
use crate::network::member;

/// The rooms of the list's first day, each with the rows below its name.
fn rooms(text: &str) -> Vec<(String, Vec<String>)> {
    let day = text.split_once("<h2>").unwrap().1.split("<h2>").next().unwrap();
    let of_room = |part: &str| {
        let (name, rows) = part.split_once("</h3>").unwrap();
        (name.to_owned(), rows.split("<article").skip(1).map(str::to_owned).collect())
    };
    day.split("<h3 class=\"room-name\">").skip(1).map(of_room).collect()
}

async fn page(w: &World, who: &Person, path: &str, lang: &str) -> String {
    let answer = w.call(Some(who), "GET", path, None, &[("accept-language", lang), ("accept", "text/html")]).await;
    assert_eq!(answer.status, 200, "{path}: {}", answer.text);
    answer.text
}

/// Books the second room at a time, with the second resident.
async fn in_the_other_room(w: &World, starts_at: &str) -> String {
    let body = w.post(&w.nurse, "/v1/consults", w.invitation(1)).await.expect(201);
    let id = body["id"].as_str().unwrap().to_owned();
    w.step(&w.second_doctor, &id, "accept", Value::Null).await.expect(200);
    let time = json!({ "room_id": w.rooms[1], "starts_at": starts_at });
    w.step(&w.nurse, &id, "schedule", time).await.expect(200);
    id
}

pub async fn colleague(w: &World) -> Person {
    let mut tx = w.db.begin().await.unwrap();
    let colleague = member(&mut tx, w.clock.now(), w.home, &["care_staff"], "周护士").await;
    tx.commit().await.unwrap();
    colleague
}

async fn leave(w: &World, who: &Person, id: &str, status: u16) {
    w.call(Some(who), "DELETE", &format!("/v1/consults/{id}/fetch"), None, &[]).await.expect(status);
}

async fn fetcher(w: &World, who: &Person, id: &str) -> Value {
    w.get(who, &format!("/v1/consults/{id}")).await.expect(200)["fetcher"]["name"].clone()
}

#[tokio::test]
async fn a_houses_day_stands_room_by_room_with_what_is_amiss() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        let (first, other) = (w.scheduled().await, in_the_other_room(&w, "2026-11-23T01:00:00Z").await);
        w.step(&w.nurse, &first, "consents", World::consent()).await.expect(201);
        w.step(&w.second_doctor, &other, "delay", json!({ "minutes": 15 })).await.expect(200);
        let text = page(&w, &w.nurse, "/consults", "zh-CN").await;
        let rooms = rooms(&text);
        let names: Vec<&str> = rooms.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["会诊室 0", "会诊室 1"], "{text}");
        let (mine, late) = (&rooms[0].1[0], &rooms[1].1[0]);
        assert!(mine.contains(&first) && mine.contains(">08:30<") && mine.contains("还有 30 分钟"), "{mine}");
        assert!(mine.contains("李医生") && mine.contains("陈奶奶0") && mine.contains("女 86"), "{mine}");
        assert!(!mine.contains("未登记同意") && mine.contains("我去接") && mine.contains("接下来"), "{mine}");
        assert!(late.contains(&other) && late.contains("未登记同意"), "{late}");
        let expected = late.replace("<time datetime=\"2026-11-23T01:15:00+00:00\">", "").replace("</time>", "");
        assert!(expected.contains("预计 09:15 开始（晚 15 分钟）"), "{late}");
        let doctors = page(&w, &w.second_doctor, "/consults", "en").await;
        assert!(!doctors.contains("room-name") && !doctors.contains("/fetch"), "by time: {doctors}");
        let expected = doctors.replace("<time datetime=\"2026-11-23T01:15:00+00:00\">", "").replace("</time>", "");
        assert!(expected.contains("Expected at 09:15 (15 min late)"), "{doctors}");
        let detail = page(&w, &w.nurse, &format!("/consults/{other}"), "zh-CN").await;
        assert!(detail.contains(">今天 09:15<") && detail.contains("开始（晚 15 分钟）"), "{detail}");
    })
    .await;
}

#[tokio::test]
async fn one_of_the_house_fetches_and_takes_it_back() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        let (id, colleague) = (w.scheduled().await, colleague(&w).await);
        let later = || w.clock.advance(Duration::from_mins(1));
        let told = w.step(&w.nurse, &id, "fetch", Value::Null).await.expect(200);
        assert_eq!(told["fetcher"], json!({ "account_id": w.nurse.id, "name": "王护士" }), "{}", w.engine);
        w.step(&w.nurse, &id, "fetch", Value::Null).await.expect(200);
        let refused = w.step(&colleague, &id, "fetch", Value::Null).await;
        assert_eq!(refused.status, 409, "{}", refused.text);
        assert!(refused.text.contains("王护士已经去接了"), "{}", refused.text);
        let own = page(&w, &w.nurse, "/consults", "zh-CN").await;
        assert!(own.contains("王护士 去接") && own.contains("我不去了") && !own.contains("我去接"), "{own}");
        let others = page(&w, &colleague, &format!("/consults/{id}"), "zh-CN").await;
        assert!(
            others.contains("王护士 去接") && others.contains("换人去接") && others.contains("data-confirm"),
            "{others}"
        );
        assert_eq!(fetcher(&w, &w.doctor, &id).await, Value::Null, "the home's own business");
        later();
        leave(&w, &colleague, &id, 204).await;
        leave(&w, &colleague, &id, 404).await;
        later();
        w.step(&colleague, &id, "fetch", Value::Null).await.expect(200);
        assert_eq!(fetcher(&w, &w.nurse, &id).await, "周护士");
        // A page that still shows the nurse takes nobody else's word back.
        let stale = format!("/v1/consults/{id}/fetch?account_id={}", w.nurse.id);
        let refused = w.call(Some(&w.nurse), "DELETE", &stale, None, &[]).await;
        assert!(refused.status == 409 && refused.text.contains("周护士"), "{}", refused.text);
        let audited = w.audited(&id).await;
        let of_fetching: Vec<&str> =
            audited.iter().map(String::as_str).filter(|a| a.starts_with("consult.fetch")).collect();
        assert_eq!(of_fetching, ["consult.fetch", "consult.fetch.withdraw", "consult.fetch"], "{}", w.engine);
        let history = page(&w, &w.nurse, &format!("/consults/{id}"), "zh-CN").await;
        for words in ["办理记录", "说好去接老人", "不再去接", "原来由 王护士 去接"] {
            assert!(history.contains(words), "{words}: {history}");
        }
        let doctors = page(&w, &w.doctor, &format!("/consults/{id}"), "zh-CN").await;
        assert!(!doctors.contains("去接"), "{doctors}");
    })
    .await;
}

#[tokio::test]
async fn a_word_to_fetch_is_for_one_time_and_by_care_staff_alone() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        let accepted = w.accepted().await;
        let early = w.step(&w.nurse, &accepted, "fetch", Value::Null).await;
        assert!(early.status == 409 && early.text.contains("只有约好了时间"), "{}", early.text);
        let id = w.scheduled().await;
        for (who, status) in
            [(&w.doctor, 403), (&w.hospital_admin, 403), (&w.stranger_nurse, 404), (&w.dispatcher, 404)]
        {
            assert_eq!(w.step(who, &id, "fetch", Value::Null).await.status, status, "{} {}", w.engine, who.name);
            leave(&w, who, &id, status).await;
        }
        w.step(&w.nurse, &id, "fetch", Value::Null).await.expect(200);
        w.step(&w.nurse, &id, "reschedule", w.at("2026-11-24T01:00:00Z")).await.expect(200);
        assert_eq!(fetcher(&w, &w.nurse, &id).await, Value::Null, "nobody has said so of the new time");
        leave(&w, &w.nurse, &id, 404).await;
        w.step(&w.nurse, &id, "reschedule", w.at("2026-11-23T00:30:00Z")).await.expect(200);
        assert_eq!(fetcher(&w, &w.nurse, &id).await, Value::Null, "nor of the old one anew");
        w.step(&w.nurse, &id, "fetch", Value::Null).await.expect(200);
        assert_eq!(fetcher(&w, &w.nurse, &id).await, "王护士");
        w.step(&w.nurse, &id, "cancel", json!({ "reason": "家属不同意" })).await.expect(200);
        assert_eq!(w.step(&w.nurse, &id, "fetch", Value::Null).await.status, 409);
        leave(&w, &w.nurse, &id, 409).await;
    })
    .await;
}

#[tokio::test]
async fn of_two_who_press_at_once_one_goes() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        let (id, colleague) = (w.scheduled().await, colleague(&w).await);
        let (a, b) =
            tokio::join!(w.step(&w.nurse, &id, "fetch", Value::Null), w.step(&colleague, &id, "fetch", Value::Null));
        let mut both = [a.status, b.status];
        both.sort_unstable();
        assert_eq!(both, [200, 409], "{}: {} {}", w.engine, a.text, b.text);
        let taken = "select count(*) from consult_fetch where consult_id = $1 and withdrawn_at is null";
        let (mut conn, id): (_, Uuid) = (w.db.read().await.unwrap(), id.parse().unwrap());
        let count: i64 = on!(conn, |c| sqlx::query_scalar(taken).bind(id).fetch_one(c).await).unwrap();
        assert_eq!(count, 1);
    })
    .await;
}

#[tokio::test]
async fn the_sheet_of_the_day_has_what_a_house_needs_without_electricity() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        let empty = page(&w, &w.nurse, "/consults/day-sheet", "zh-CN").await;
        assert!(empty.contains("今天没有约好的会诊") && !empty.contains("<table"), "{empty}");
        let (first, other) = (w.scheduled().await, in_the_other_room(&w, "2026-11-23T01:00:00Z").await);
        let tomorrow = w.accepted().await;
        w.step(&w.nurse, &tomorrow, "schedule", w.at("2026-11-24T00:30:00Z")).await.expect(200);
        w.step(&w.nurse, &first, "consents", World::consent()).await.expect(201);
        w.step(&w.nurse, &first, "fetch", Value::Null).await.expect(200);
        w.step(&w.second_doctor, &other, "delay", json!({ "minutes": 15 })).await.expect(200);
        let sheet = page(&w, &w.nurse, "/consults/day-sheet", "zh-CN").await;
        for words in ["招宝山颐养院 · 11月23日 周一", "停电或断网时", "data-action=\"print\""] {
            assert!(sheet.contains(words), "{words}: {sheet}");
        }
        let rows: Vec<&str> = sheet.split("<tr>").skip(2).collect();
        assert_eq!(rows.len(), 2, "today's alone: {sheet}");
        for words in
            ["08:30–09:00", "会诊室 0", "陈奶奶0", "女 86 岁", "李医生", "电话 0574-8600 0000", "王护士", "已同意"]
        {
            assert!(rows[0].contains(words) && rows[0].contains(&first), "{words}: {}", rows[0]);
        }
        for words in ["预计 <strong>09:15</strong> 开始（晚 15 分钟）", "会诊室 1", "还没有人", "未登记同意"]
        {
            assert!(rows[1].contains(words) && rows[1].contains(&other), "{words}: {}", rows[1]);
        }
        assert!(page(&w, &w.nurse, "/consults/day-sheet", "en").await.contains("as of 08:00"));
        for who in [&w.doctor, &w.hospital_admin, &w.dispatcher] {
            assert_eq!(w.get(who, "/consults/day-sheet").await.status, 403, "{}", who.name);
        }
        assert!(page(&w, &w.nurse, "/consults", "zh-CN").await.contains("href=\"/consults/day-sheet\""));
    })
    .await;
}
