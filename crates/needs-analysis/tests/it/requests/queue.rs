//! The queues of the desk, their counts, the number that people say, and the search.

use std::time::Duration;

use sanbao_needs_analysis::request::queue::{Queue, place_all};
use sanbao_needs_analysis::request::words;
use sanbao_platform::on;
use sanbao_platform::page::encode;
use sanbao_platform::testing::{Person, on_both};
use serde_json::{Value, json};

use super::house::{CHENGDONG, House, agency, agency_id, officer, other_agency, sample, street};

/// The elders' names of a list, in its order.
async fn names(house: &House, who: &Person, query: &str) -> Vec<String> {
    let query: Vec<String> = query
        .split('&')
        .map(|pair| pair.split_once('=').map_or_else(String::new, |(key, value)| format!("{key}={}", encode(value))))
        .collect();
    let page = house.get(who, &format!("/v1/requests?{}", query.join("&"))).await;
    assert_eq!(page.status, 200, "{query:?}: {}", page.text);
    let items = page.body["items"].as_array().unwrap().clone();
    items.iter().map(|r| r["elder_name"].as_str().unwrap().to_owned()).collect()
}

async fn counts(house: &House, who: &Person) -> Value {
    house.get(who, "/v1/requests/queues").await.body
}

/// One of each: what waits for the office, for an agency, for the elder, for a word, and what has ended.
async fn filled(house: &House) {
    let named = |name: &str, urgency: &str| json!({"elder_name": name, "urgency": urgency, "national_id": null});
    house.take_down(named("甲普通", "normal")).await;
    house.take_down(named("乙紧急", "emergency")).await;
    let sent = house.take_down(named("丙加急", "urgent")).await;
    let done = house.take_down(named("丁完成", "normal")).await;
    let ended = house.take_down(named("戊取消", "normal")).await;
    let waits = house.take_down(named("己等人", "normal")).await;
    house.step(&street(), &sent, "triage", json!({})).await;
    house.step(&street(), &sent, "dispatch", json!({"agency_id": agency_id()})).await;
    house.step(&street(), &done, "resolve", json!({})).await;
    house.step(&street(), &ended, "cancel", json!({"reason": "不需要了"})).await;
    house.step(&street(), &waits, "pause", json!({"until": "2026-11-25 09:00", "reason": "老人住院"})).await;
}

#[tokio::test]
async fn a_queue_holds_what_its_name_says_and_what_is_due_first_is_on_top() {
    on_both(|engine| async move {
        let house = House::open(&engine).await;
        filled(&house).await;
        let open = ["乙紧急", "丙加急", "甲普通", "丁完成", "己等人"];
        for (queue, expected) in [
            ("open", &open[..]),
            ("urgent", &["乙紧急", "丙加急"]),
            ("dispatch", &["乙紧急", "甲普通", "己等人"]),
            ("answer", &["丙加急"]),
            ("service", &[]),
            ("follow_up", &["丁完成"]),
            ("paused", &["己等人"]),
            ("mine", &[]),
        ] {
            assert_eq!(names(&house, &street(), &format!("queue={queue}")).await, expected, "{queue}");
            assert_eq!(counts(&house, &street()).await[queue], json!(expected.len()), "{queue}");
        }
        assert_eq!(names(&house, &street(), "limit=10").await.len(), 6, "the list of all has the ended one too");
        // Each page goes on where the one before ended, and none is shown twice.
        let (mut seen, mut next) = (Vec::new(), String::new());
        loop {
            let page = house.get(&street(), &format!("/v1/requests?queue=open&limit=2&after={next}")).await.body;
            seen.extend(page["items"].as_array().unwrap().iter().map(|r| r["elder_name"].as_str().unwrap().to_owned()));
            match page["next"].as_str() {
                Some(after) => after.clone_into(&mut next),
                None => break,
            }
        }
        assert_eq!(seen, open);
        let wrong = house.get(&street(), "/v1/requests?queue=later").await;
        assert_eq!((wrong.status.as_u16(), &wrong.body["errors"][0]["pointer"]), (422, &json!("?queue")));
    })
    .await;
}

#[tokio::test]
async fn a_queue_ages_by_the_clock_alone() {
    on_both(|engine| async move {
        let house = House::open(&engine).await;
        filled(&house).await;
        let told = async || {
            let all = counts(&house, &street()).await;
            (all["soon"].as_i64().unwrap(), all["overdue"].as_i64().unwrap())
        };
        // Five minutes for the emergency are over; half an hour of the urgent one is not yet in its last quarter.
        house.clock.advance(Duration::from_mins(1));
        assert_eq!(told().await, (0, 1));
        assert_eq!(names(&house, &street(), "queue=overdue").await, ["乙紧急"]);
        house.clock.advance(Duration::from_mins(20));
        assert_eq!(told().await, (1, 1));
        assert_eq!(names(&house, &street(), "queue=soon").await, ["丙加急"]);
        house.clock.advance(Duration::from_hours(4));
        assert_eq!(told().await, (0, 3));
        assert_eq!(names(&house, &street(), "queue=paused").await, ["己等人"], "its clock stands still");
        // The pause is over, and the four hours of before go on.
        house.clock.advance(Duration::from_hours(41));
        assert_eq!(counts(&house, &street()).await["paused"], json!(0));
    })
    .await;
}

#[tokio::test]
async fn everybody_has_queues_of_their_own_requests_alone() {
    on_both(|engine| async move {
        let house = House::open(&engine).await;
        filled(&house).await;
        assert_eq!(names(&house, &agency(), "queue=open").await, ["丙加急"]);
        assert_eq!(counts(&house, &agency()).await["answer"], json!(1));
        assert_eq!(counts(&house, &agency()).await["dispatch"], json!(0));
        let elsewhere = officer(9, 100, "dispatcher", &["330211001007"]);
        for who in [&other_agency(), &elsewhere] {
            assert!(names(&house, who, "queue=open").await.is_empty());
            let counts = counts(&house, who).await;
            assert!(Queue::ALL.iter().all(|queue| counts[queue.as_str()] == json!(0)), "{counts}");
            assert!(names(&house, who, "q=1123-0001").await.is_empty(), "a number opens nothing");
        }
    })
    .await;
}

#[tokio::test]
async fn a_request_is_found_by_its_number_its_telephone_and_parts_of_name_and_address() {
    on_both(|engine| async move {
        let house = House::open(&engine).await;
        let first = house
            .post(&street(), "/v1/requests", sample(json!({"elder_name": "欧阳某秀", "phone": "199 1234 5678"})))
            .await
            .expect(201);
        assert_eq!(first["number"], json!("1123-0001"));
        let second = house.take_down(json!({"elder_name": "陈某%", "address": "西门 9 号"})).await;
        house.step(&street(), &second, "cancel", json!({"reason": "不需要了"})).await;
        for q in
            ["1123-0001", "11230001", "１１２３－０００１", "20261123-0001", "19912345678", "5678", "阳某", "欧阳某秀"]
        {
            assert_eq!(names(&house, &street(), &format!("q={q}")).await, ["欧阳某秀"], "{q}");
        }
        for q in ["1123-0002", "%", "西门", "门 9"] {
            assert_eq!(names(&house, &street(), &format!("q={q}")).await, ["陈某%"], "{q}: one that has ended too");
        }
        assert_eq!(names(&house, &street(), "q=城东东苑").await, ["欧阳某秀"]);
        for q in ["1123-0003", "20251123-0001", "678", "某某", "_", "9999"] {
            assert!(names(&house, &street(), &format!("q={q}")).await.is_empty(), "{q}");
        }
        // The next day counts anew.
        house.clock.advance(Duration::from_hours(24));
        let next = house.post(&street(), "/v1/requests", sample(json!({}))).await.expect(201);
        assert_eq!(next["number"], json!("1124-0001"));
    })
    .await;
}

#[tokio::test]
async fn a_part_of_very_many_names_is_found_as_well() {
    on_both(|engine| async move {
        let house = House::open(&engine).await;
        for n in 0..210 {
            house.take_down(json!({"elder_name": format!("林某{n}"), "national_id": null})).await;
        }
        let found = names(&house, &street(), "q=林某&limit=200").await;
        assert_eq!(found.iter().collect::<std::collections::BTreeSet<_>>().len(), 200);
        assert_eq!(names(&house, &street(), "q=某20&limit=200").await.len(), 11);
    })
    .await;
}

async fn run(house: &House, statement: &'static str) {
    let mut tx = house.app.deps.db.begin().await.unwrap();
    on!(&mut tx, |c| sqlx::query(statement).execute(c).await.map(drop)).unwrap();
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn what_an_older_version_has_written_gets_its_place() {
    on_both(|engine| async move {
        let house = House::open(&engine).await;
        filled(&house).await;
        // Those of one moment may be numbered in another order.
        let shown = async || {
            let mut page = house.get(&street(), "/v1/requests?queue=open").await.body;
            let items = page["items"].as_array_mut().unwrap();
            let mut numbers: Vec<Value> = items.iter_mut().map(|r| r["number"].take()).collect();
            numbers.sort_by_key(Value::to_string);
            (page, numbers.iter().all(Value::is_string))
        };
        let before = shown().await;
        let texts = house.count("select count(*) from request_text").await;
        run(&house, "update request set number_day = null, number = null, queue_at = null, waits_for = null").await;
        run(&house, "update request set phone_end = null, risk_at = null").await;
        run(&house, "delete from request_text").await;
        run(&house, "delete from request_day").await;
        assert!(names(&house, &street(), "queue=open").await.is_empty());
        assert_eq!(place_all(&house.app.deps.db).await.unwrap(), 6);
        assert_eq!(place_all(&house.app.deps.db).await.unwrap(), 0, "once is enough");
        assert_eq!(shown().await, before);
        assert_eq!(house.count("select count(distinct number) from request").await, 6);
        assert_eq!(house.count("select count(*) from request_text").await, texts);
        // One that was closed by it leaves the queues.
        run(&house, "update request set state = 'closed' where elder_name = '甲普通'").await;
        assert_eq!(place_all(&house.app.deps.db).await.unwrap(), 1);
        assert_eq!(counts(&house, &street()).await["open"], json!(4));
        // Other rules set all clocks anew.
        run(&house, "update request_rules set rules = 0").await;
        run(&house, "update request set queue_at = received_at where queue_at is not null").await;
        assert_eq!(place_all(&house.app.deps.db).await.unwrap(), 4);
        assert_eq!(names(&house, &street(), "queue=open").await, ["乙紧急", "丙加急", "丁完成", "己等人"]);
    })
    .await;
}

#[tokio::test]
async fn a_name_that_no_request_has_any_more_is_forgotten() {
    on_both(|engine| async move {
        let house = House::open(&engine).await;
        let id = house.take_down(json!({"elder_name": "错某某", "address": "错路 1 号"})).await;
        house.take_down(json!({"elder_name": "林某兰", "address": "对路 1 号"})).await;
        let edit = json!({"elder_name": "林某兰", "address": "对路 1 号"});
        house.step(&street(), &id, "edit", edit).await;
        assert_eq!(house.count("select count(*) from request_text").await, 4);
        assert_eq!(words::sweep(&house.app.deps.db).await.unwrap(), 2);
        assert_eq!(words::sweep(&house.app.deps.db).await.unwrap(), 0);
        let left = house.count("select count(*) from request_text where text in ('林某兰', '对路 1 号')").await;
        assert_eq!((left, house.count("select count(*) from request_text").await), (2, 2));
    })
    .await;
}

#[tokio::test]
async fn two_dispatchers_on_one_queue_do_not_take_the_same_request() {
    on_both(|engine| async move {
        let house = House::open(&engine).await;
        let id = house.take_down(json!({})).await;
        let (one, two) = (street(), officer(8, 100, "dispatcher", &[CHENGDONG]));
        house.step(&two, &id, "comment", json!({"note": "我来看看"})).await;
        let people = house.get(&one, "/v1/requests/people").await.body;
        assert_eq!(people["items"].as_array().unwrap().len(), 2, "who has worked at the desk, and oneself");
        let version = house.get(&one, &format!("/v1/requests/{id}")).await.body["version"].clone();
        let mine = json!({"assignee": one.id});
        house.step(&one, &id, "assign", mine).await;
        let path = format!("/v1/requests/{id}/assign");
        let late = house
            .call(
                Some(&two),
                "POST",
                &path,
                Some(json!({"assignee": two.id})),
                &[("if-match", &format!("\"{version}\""))],
            )
            .await;
        assert_eq!(late.status, 412, "{}", late.text);
        assert_eq!(
            (names(&house, &one, "queue=mine").await.len(), names(&house, &two, "queue=mine").await.len()),
            (1, 0)
        );
        house.step(&one, &id, "assign", json!({"assignee": two.id})).await;
        assert_eq!(
            (counts(&house, &one).await["mine"].clone(), counts(&house, &two).await["mine"].clone()),
            (json!(0), json!(1))
        );
        let stranger = house.post(&one, &path, json!({"assignee": "00000000-0000-0000-0000-00000000ffff"})).await;
        assert_eq!((stranger.status.as_u16(), &stranger.body["errors"][0]["pointer"]), (422, &json!("/assignee")));
        house.step(&one, &id, "assign", json!({})).await;
        assert_eq!(counts(&house, &two).await["mine"], json!(0));
    })
    .await;
}
