//! Imports that go on beside the request that began them: answered with an id, gone on with after a kill, listed, taken back.

use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
use futures_util::FutureExt as _;
use sanbao_needs_analysis::import;
use sanbao_platform::on;
use sanbao_platform::testing::{Answer, TestEngine, on_both, until};
use serde_json::{Value, json};

use crate::requests::house::{CHENGDONG, House, administrator, agency, agency_id, officer, street};
use crate::requests::import::{HEADER, counts, id_of, options, send};

const PATH: &str = "/v1/imports?dry_run=false&source=street-excel";

fn file(from: usize, to: usize, note: &str) -> Vec<u8> {
    let row = |n: usize| format!("u{n},2026-11-01 09:00,{CHENGDONG},助餐,,林某{n},,,,{note}\n");
    format!("{HEADER}{}", (from..to).map(row).collect::<String>()).into_bytes()
}

async fn asking_for_the_id(house: &House, body: Vec<u8>) -> Answer {
    let request = Request::post(PATH).header("authorization", format!("Bearer {}", house.token(&street())));
    let request = request.header("content-type", "text/csv").header("prefer", "respond-async");
    house.send(request.body(Body::from(body)).unwrap()).await
}

async fn report(house: &House, id: &str) -> Value {
    house.get(&street(), &format!("/v1/imports/{id}")).await.expect(200)
}

fn text(value: &Value, key: &str) -> String {
    value[key].as_str().unwrap().to_owned()
}

async fn answered_at_once(engine: TestEngine) {
    let house = House::open(&engine).await;
    let mut bytes = file(0, 1_500, "一");
    bytes.extend_from_slice(format!("bad,昨天,{CHENGDONG},助餐,,林某,,,,x\n").as_bytes());
    let begun = asking_for_the_id(&house, bytes).await.checked(202);
    let id = text(&begun.body, "id");
    assert_eq!(begun.headers["location"].to_str().unwrap(), format!("/v1/imports/{id}"));
    until("it has ended", async || report(&house, &id).await["state"] == "finished").await;
    until("the rows to mend are there", async || report(&house, &id).await["mend"].is_string()).await;
    let done = report(&house, &id).await;
    assert_eq!((counts(&done), &done["done"]), ([1_500, 0, 0, 1], &json!(1_501)));
    assert_eq!(done["summary"], "文件共 1501 行：新登记 1500 条，1 行有错误，没有收下。");
    assert!(text(&done, "mend").contains("昨天"));
    assert_eq!(house.count("select count(*) from _import_part where part >= 0").await, 0, "the file is kept no longer");
    house.clock.advance(Duration::from_hours(25));
    assert_eq!(report(&house, &id).await["mend"], Value::Null);
}

#[tokio::test]
async fn an_import_is_answered_with_its_id_and_goes_on() {
    on_both(answered_at_once).await;
}

/// An import that was killed behind its first chunks: its rows up to there are in, and the file is kept.
async fn killed(house: &House, bytes: Vec<u8>, at: u64) -> String {
    let (deps, options) = (&house.app.deps, options(false));
    let stop = |done, _| assert!(done < at, "killed here");
    let run = import::run(&deps.db, &deps.clock, &deps.fields, bytes.as_slice(), &options, stop);
    assert!(std::panic::AssertUnwindSafe(run).catch_unwind().await.is_err());
    let runs = house.get(&street(), "/v1/imports").await.expect(200);
    text(&runs["items"][0], "id")
}

async fn goes_on(engine: TestEngine) {
    let house = House::open(&engine).await;
    let bad = format!("bad,昨天,{CHENGDONG},助餐,,林某,,,,x\nu3,2026-11-01,{CHENGDONG},助餐,,别人,,,,又是三号\n");
    let id = killed(&house, [file(0, 1_200, "一"), bad.into_bytes()].concat(), 500).await;
    let half = report(&house, &id).await;
    assert_eq!((&half["state"], &half["done"], counts(&half)), (&json!("running"), &json!(500), [500, 0, 0, 0]));
    house.post(&street(), &format!("/v1/imports/{id}/undo"), json!({})).await.refused(409, "import-under-way");
    import::go_on(&house.app).await.unwrap();
    assert_eq!(report(&house, &id).await["done"], 500, "it is another process's still");
    house.clock.advance(Duration::from_secs(31));
    import::go_on(&house.app).await.unwrap();
    let done = report(&house, &id).await;
    assert_eq!((&done["state"], &done["done"], counts(&done)), (&json!("finished"), &json!(1_202), [1_200, 0, 0, 2]));
    assert_eq!(done["errors"][1]["code"], "duplicate_in_file", "what was read before the kill is known");
    assert_eq!((house.counted().await, house.miscounted().await), ((1_200, 1_200), 0));
    assert_eq!(house.count("select count(*) from _import_part where part >= 0").await, 0);
    import::go_on(&house.app).await.unwrap();
}

#[tokio::test]
async fn an_import_that_was_killed_goes_on_by_itself() {
    on_both(goes_on).await;
}

#[tokio::test]
async fn one_whose_file_is_gone_is_broken_and_can_be_taken_back() {
    on_both(|engine| async move {
        let house = House::open(&engine).await;
        let id = killed(&house, file(0, 700, "一"), 500).await;
        let mut tx = house.app.deps.db.begin().await.unwrap();
        on!(tx, |c| sqlx::query("delete from _import_part").execute(c).await.map(drop)).unwrap();
        tx.commit().await.unwrap();
        house.clock.advance(Duration::from_secs(31));
        import::go_on(&house.app).await.unwrap();
        assert_eq!(report(&house, &id).await["state"], "broken");
        let undone = house.post(&street(), &format!("/v1/imports/{id}/undo"), json!({})).await.expect(200);
        assert_eq!((&undone["state"], &undone["undo"]["taken_back"]), (&json!("undone"), &json!(500)));
        assert_eq!(house.counted().await, (0, 0));
    })
    .await;
}

async fn taken_back(engine: TestEngine) {
    let house = House::open(&engine).await;
    send(&house, &street(), PATH, "text/csv", file(0, 2, "旧")).await.expect(200);
    house.clock.advance(Duration::from_mins(1));
    let second = send(&house, &street(), PATH, "text/csv", file(0, 5, "新")).await.expect(200);
    assert_eq!(counts(&second), [3, 2, 0, 0]);
    let (id, worked_on, into) = (text(&second, "id"), id_of(&house, "u2").await, id_of(&house, "u3").await);
    house.step(&street(), &worked_on, "triage", json!({})).await;
    house.step(&street(), &worked_on, "dispatch", json!({"agency_id": agency_id()})).await;
    let path = format!("/v1/imports/{id}/undo");
    for (who, status) in [(agency(), 403), (officer(10, 999, "administrator", &[CHENGDONG]), 404)] {
        assert_eq!(house.post(&who, &path, json!({})).await.status, status);
    }
    let undone = house.post(&street(), &path, json!({})).await.expect(200);
    let undo = &undone["undo"];
    assert_eq!((&undo["taken_back"], &undo["kept"], &undo["by"]), (&json!(2), &json!(3), &json!("测试")));
    let mut kept: Vec<(String, String)> =
        undo["kept_first"].as_array().unwrap().iter().map(|k| (text(k, "external_id"), text(k, "reason"))).collect();
    // Numbers of one millisecond have no order.
    kept.sort();
    let [one, two] = ["u0", "u1"].map(|id| (id.to_owned(), "updated".to_owned()));
    assert_eq!(kept, [one, two, ("u2".to_owned(), "worked_on".to_owned())]);
    assert_eq!(undone["summary"], "已撤销：删除 2 条没有人处理过的工单，保留 3 条。");
    house.get(&street(), &format!("/v1/requests/{into}")).await.refused(404, "not-found");
    assert_eq!((house.counted().await, house.miscounted().await), ((3, 3), 0));
    assert_eq!(house.post(&street(), &path, json!({})).await.expect(200)["undo"], *undo, "again it answers the same");
    let again = send(&house, &street(), PATH, "text/csv", file(0, 5, "新")).await.expect(200);
    assert_eq!(counts(&again), [2, 0, 3, 0], "what is gone can come again");
    house.clock.advance(Duration::from_mins(11));
    let runs = house.get(&administrator(), "/v1/imports").await.expect(200);
    let states: Vec<_> = runs["items"].as_array().unwrap().iter().map(|run| text(run, "state")).collect();
    assert_eq!(states, ["finished", "undone", "finished"]);
    assert_eq!(runs["items"][0]["by"], "测试");
    let page = house.get(&street(), &format!("/requests/imports/{id}")).await.text;
    assert!(page.contains("已撤销") && page.contains("u2"), "{page}");
    let list = house.get(&street(), "/requests/imports").await.text;
    assert!(list.contains("street-excel") && list.contains("已完成"), "{list}");
}

#[tokio::test]
async fn an_import_is_taken_back_as_far_as_nobody_has_worked_on_it() {
    on_both(taken_back).await;
}

#[tokio::test]
async fn one_into_which_another_goes_on_stays_and_an_interrupted_undo_goes_on() {
    on_both(|engine| async move {
        let house = House::open(&engine).await;
        let first = send(&house, &street(), PATH, "text/csv", file(0, 3, "一")).await.expect(200);
        let typed = house.take_down(json!({})).await;
        let into = id_of(&house, "u1").await;
        house.step(&street(), &typed, "merge", json!({"into": into})).await;
        let mut tx = house.app.deps.db.begin().await.unwrap();
        let begun = "update import_run set undo_started_at = started_at, undone_by = '测试', lease_until = started_at";
        on!(tx, |c| sqlx::query(begun).execute(c).await.map(drop)).unwrap();
        tx.commit().await.unwrap();
        import::go_on(&house.app).await.unwrap();
        let undo = report(&house, &text(&first, "id")).await["undo"].clone();
        assert_eq!((&undo["taken_back"], &undo["kept"]), (&json!(2), &json!(1)));
        assert_eq!(undo["kept_first"][0]["request_id"], json!(into));
    })
    .await;
}

#[tokio::test]
async fn the_same_file_under_another_source_is_pointed_out() {
    on_both(|engine| async move {
        let house = House::open(&engine).await;
        let first = send(&house, &street(), PATH, "text/csv", file(0, 2, "一")).await.expect(200);
        assert_eq!(first["same_file"], Value::Null);
        let other = "/v1/imports?source=other";
        let dry = send(&house, &street(), other, "text/csv", file(0, 2, "一")).await.expect(200);
        assert_eq!((&dry["same_file"]["source"], &dry["same_file"]["id"]), (&json!("street-excel"), &first["id"]));
        assert_eq!(dry["summary"], "文件共 2 行：将新登记 2 条。");
        let same = send(&house, &street(), "/v1/imports?source=street-excel", "text/csv", file(0, 2, "一")).await;
        assert_eq!(same.expect(200)["same_file"], Value::Null, "of one source it is the same requests");
        let stranger = officer(31, 300, "dispatcher", &[CHENGDONG]);
        let theirs = send(&house, &stranger, other, "text/csv", file(0, 2, "一")).await.expect(200);
        assert_eq!(theirs["same_file"], Value::Null, "another office's is nobody's business");
        assert_eq!(house.get(&stranger, "/v1/imports").await.expect(200)["items"], json!([]));
    })
    .await;
}

#[tokio::test]
async fn the_list_of_imports_is_paged() {
    let engine = sanbao_platform::testing::sqlite();
    let house = House::open(&engine).await;
    for _ in 0..51 {
        send(&house, &street(), PATH, "text/csv", file(0, 1, "一")).await.expect(200);
    }
    let first = house.get(&street(), "/v1/imports").await.expect(200);
    let next = text(&first, "next");
    let rest = house.get(&street(), &format!("/v1/imports?after={next}")).await.expect(200);
    let count = |page: &Value| page["items"].as_array().unwrap().len();
    assert_eq!((count(&first), count(&rest), &rest["next"]), (50, 1, &Value::Null));
    assert!(house.get(&street(), "/requests/imports").await.text.contains("更早的"));
}
