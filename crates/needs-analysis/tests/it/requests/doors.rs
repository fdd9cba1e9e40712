//! Door knocks: what was seen, who sees what, help that becomes a request, files, and what goes with a person.

use std::time::Duration;

use axum::http::Request;
use sanbao_needs_analysis::request::retention::disposer;
use sanbao_platform::retention::{Disposer, Periods};
use sanbao_platform::testing::{Answer, Person, everything, on_both, sqlite};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::requests::house::{CHENGDONG, House, STREET, XIMEN, administrator, agency, analyst, officer, street};

const ELDER: Uuid = Uuid::from_u128(61);
const STAIR: &str = "330211001001-C1-G1-B1";
const NEXT_STAIR: &str = "330211001001-C1-G1-B2";
const GRID: &str = "330211001001-C1-G1";
const OTHER_GRID: &str = "330211001007-C1-G1";

fn stair_leader() -> Person {
    officer(11, 100, "area_leader", &[STAIR])
}

fn next_leader() -> Person {
    officer(12, 100, "area_leader", &[NEXT_STAIR])
}

fn grid_leader() -> Person {
    officer(13, 100, "area_leader", &[GRID])
}

fn other_street() -> Person {
    officer(14, 101, "dispatcher", &["330211002"])
}

fn round() -> Value {
    json!({ "title": "本周走访", "area_code": STREET, "starts_on": "2026-11-23", "ends_on": "2026-11-29" })
}

async fn make(house: &House) -> String {
    let made = house.post(&street(), "/v1/door-rounds", round()).await.expect(201);
    made["id"].as_str().unwrap().to_owned()
}

async fn add(house: &House, round: &str, area: &str, name: &str) -> String {
    let door = json!({ "area_code": area, "elder_name": name, "phone": "19900000001", "address": "东苑 301" });
    let made = house.post(&street(), &format!("/v1/door-rounds/{round}/doors"), door).await.expect(201);
    made["id"].as_str().unwrap().to_owned()
}

async fn say(house: &House, who: &Person, door: &str, step: &str, body: Value) -> Answer {
    house.post(who, &format!("/v1/doors/{door}/{step}"), body).await
}

async fn names(house: &House, who: &Person) -> Vec<String> {
    let list = house.get(who, "/v1/doors").await.expect(200);
    list["items"].as_array().unwrap().iter().map(|d| d["elder_name"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn everybody_sees_the_doors_of_the_own_areas_and_no_other() {
    on_both(|engine| async move {
        let house = House::open(&engine).await;
        let round = make(&house).await;
        let door = add(&house, &round, STAIR, "林某兰").await;
        add(&house, &round, NEXT_STAIR, "徐某英").await;
        add(&house, &round, OTHER_GRID, "谢某康").await;
        assert_eq!(names(&house, &stair_leader()).await, ["林某兰"]);
        assert_eq!(names(&house, &next_leader()).await, ["徐某英"]);
        let mut of_grid = names(&house, &grid_leader()).await;
        // Doors of one moment stand in no order.
        of_grid.sort_unstable();
        assert_eq!(of_grid, ["徐某英", "林某兰"]);
        assert_eq!(names(&house, &street()).await.len(), 3);
        assert_eq!(names(&house, &other_street()).await, [""; 0]);
        for stranger in [next_leader(), agency(), other_street()] {
            say(&house, &stranger, &door, "well", json!({})).await.refused(404, "not-found");
        }
        for nothing in [agency(), analyst(), administrator()] {
            assert_ne!(house.get(&nothing, "/v1/doors").await.status, 200);
        }
        house.get(&other_street(), &format!("/v1/door-rounds/{round}")).await.refused(404, "not-found");
        let own = house.get(&stair_leader(), &format!("/v1/door-rounds/{round}")).await.expect(200);
        assert_eq!((&own["doors"], &own["areas"].as_array().unwrap().len()), (&json!(1), &1));
        let all = house.get(&analyst(), &format!("/v1/door-rounds/{round}")).await.expect(200);
        let areas: Vec<_> = all["areas"].as_array().unwrap().iter().map(|a| (&a["area_code"], &a["doors"])).collect();
        assert_eq!(areas, [(&json!(CHENGDONG), &json!(2)), (&json!(XIMEN), &json!(1))]);
        let of_leader = json!({ "area_code": STAIR, "elder_name": "某" });
        let path = format!("/v1/door-rounds/{round}/doors");
        assert_ne!(house.post(&stair_leader(), &path, of_leader).await.status, 201);
        assert_ne!(house.post(&stair_leader(), "/v1/door-rounds", round_of(STAIR)).await.status, 201);
    })
    .await;
}

fn round_of(area: &str) -> Value {
    let mut new = round();
    new["area_code"] = json!(area);
    new
}

#[tokio::test]
async fn what_was_seen_is_counted_and_a_door_not_met_twice_goes_up() {
    on_both(|engine| async move {
        let house = House::open(&engine).await;
        let round = make(&house).await;
        let (door, well) = (add(&house, &round, STAIR, "林某兰").await, add(&house, &round, STAIR, "沈某根").await);
        let leader = stair_leader();
        let first = say(&house, &leader, &door, "not-met", json!({ "note": "邻居说去女儿家了" })).await.expect(200);
        assert_eq!((&first["missed"], &first["raised"]), (&json!(1), &json!(false)));
        say(&house, &leader, &well, "well", json!({})).await.expect(200);
        house.clock.advance(Duration::from_hours(5));
        let twice = say(&house, &leader, &door, "not-met", json!({})).await.expect(200);
        assert_eq!((&twice["missed"], &twice["raised"]), (&json!(2), &json!(true)));
        let above = house.get(&grid_leader(), "/v1/doors").await.expect(200);
        assert_eq!(above["items"][0]["id"], json!(door), "the raised one comes first");
        let counted = house.get(&street(), "/v1/door-rounds").await.expect(200);
        let counts = ["doors", "open", "well", "not_met", "raised", "help"].map(|name| counted[0][name].as_i64());
        assert_eq!(counts, [2, 0, 1, 1, 1, 0].map(Some));
        say(&house, &leader, &well, "not-met", json!({})).await.refused(409, "invalid-transition");
        let only = house.get(&leader, "/v1/doors?state=not_met&limit=1").await.expect(200);
        assert_eq!((only["items"].as_array().unwrap().len(), only.get("next")), (1, None));
        house.get(&leader, "/v1/doors?state=gone").await.refused(422, "invalid");
    })
    .await;
}

#[tokio::test]
async fn help_becomes_a_request_and_a_wrong_press_is_taken_back_within_ten_minutes() {
    on_both(|engine| async move {
        let house = House::open(&engine).await;
        let round = make(&house).await;
        let (door, leader) = (add(&house, &round, STAIR, "林某兰").await, stair_leader());
        let asked =
            say(&house, &leader, &door, "help", json!({ "urgency": "urgent", "note": "发烧" })).await.expect(200);
        assert_eq!((&asked["state"], &asked["request_state"]), (&json!("help"), &json!("received")));
        let request = asked["request_id"].as_str().unwrap().to_owned();
        let made = house.get(&street(), &format!("/v1/requests/{request}")).await.expect(200);
        let told = ["urgency", "category", "elder_name", "note", "source", "area_code"].map(|name| &made[name]);
        assert_eq!(
            told,
            [&json!("urgent"), &json!("visit"), &json!("林某兰"), &json!("发烧"), &json!("door"), &json!(STAIR)]
        );
        let back = say(&house, &leader, &door, "undo", json!({})).await.expect(200);
        assert_eq!((&back["state"], &back["request_id"]), (&json!("open"), &Value::Null));
        assert_eq!(house.state(&request).await, "cancelled");
        say(&house, &leader, &door, "undo", json!({})).await.refused(409, "invalid-transition");
        // Once the street has begun with it, or when it is long ago, nothing is taken back.
        let again = say(&house, &leader, &door, "help", json!({})).await.expect(200);
        house.step(&street(), again["request_id"].as_str().unwrap(), "triage", json!({})).await;
        say(&house, &leader, &door, "undo", json!({})).await.refused(409, "conflict");
        let late = add(&house, &round, STAIR, "沈某根").await;
        let seen = say(&house, &leader, &late, "well", json!({})).await.expect(200);
        assert_eq!(seen["legal"], json!(["help", "undo"]));
        house.clock.advance(Duration::from_mins(11));
        say(&house, &leader, &late, "undo", json!({})).await.refused(409, "conflict");
        let list = house.get(&leader, "/v1/doors?state=well").await.expect(200);
        assert_eq!((&list["items"][0]["legal"], &list["items"][0]["undo_until"]), (&json!(["help"]), &Value::Null));
        assert_eq!(house.counted().await, (2, 2), "help at a door is counted as every request is");
        assert_eq!(house.miscounted().await, 0);
    })
    .await;
}

#[tokio::test]
async fn a_round_that_cannot_be_is_refused_at_its_fields() {
    let house = House::open(&sqlite()).await;
    let bad = [
        ("title", json!(""), "/title"),
        ("title", json!("长".repeat(61)), "/title"),
        ("reason", json!("war"), "/reason"),
        ("area_code", json!("330211002"), "/area_code"),
        ("area_code", json!("no such"), "/area_code"),
        ("ends_on", json!("2026-11-22"), "/ends_on"),
        ("ends_on", json!("2026-12-24"), "/ends_on"),
        ("starts_on", json!("tomorrow"), "/starts_on"),
        ("copy_of", json!(Uuid::from_u128(9)), "/copy_of"),
    ];
    for (field, value, pointer) in bad {
        let mut new = round();
        new[field] = value.clone();
        let answer = house.post(&street(), "/v1/door-rounds", new).await;
        assert_eq!(answer.status, 422, "{field} {value}: {}", answer.text);
        assert!(answer.text.contains(&format!("\"{pointer}\"")), "{field} {value}: {}", answer.text);
    }
    assert_eq!(house.count("select count(*) from door_round").await, 0, "nothing half done");
    let round = make(&house).await;
    let path = format!("/v1/door-rounds/{round}/doors");
    for door in [
        json!({ "area_code": STAIR }),
        json!({ "area_code": "330211002", "elder_name": "某" }),
        json!({ "area_code": STAIR, "elder_name": "某", "phone": "12" }),
        json!({ "area_code": STAIR, "elder_name": "某".repeat(51) }),
        json!({ "area_code": STAIR, "elder_name": "某", "remark": "某".repeat(201) }),
    ] {
        assert_eq!(house.post(&street(), &path, door.clone()).await.status, 422, "{door}");
    }
    assert_eq!(house.count("select count(*) from door").await, 0);
}

#[tokio::test]
async fn a_later_round_takes_over_the_doors_of_its_area_as_new() {
    on_both(|engine| async move {
        let house = House::open(&engine).await;
        let first = make(&house).await;
        let door = add(&house, &first, STAIR, "林某兰").await;
        add(&house, &first, OTHER_GRID, "谢某康").await;
        say(&house, &stair_leader(), &door, "well", json!({})).await.expect(200);
        let mut cold = round_of(CHENGDONG);
        cold["copy_of"] = json!(first);
        cold["reason"] = json!("cold");
        let made = house.post(&street(), "/v1/door-rounds", cold).await.expect(201);
        assert_eq!((&made["doors"], &made["open"], &made["reason"]), (&json!(1), &json!(1), &json!("cold")));
        assert_eq!(names(&house, &stair_leader()).await.len(), 2, "one of each round");
    })
    .await;
}

async fn send(house: &House, who: &Person, round: &str, dry: bool, text: &str) -> Answer {
    let path = format!("/v1/imports/doors?round={round}&dry_run={dry}");
    let request = Request::post(path).header("authorization", format!("Bearer {}", house.token(who)));
    house.send(request.header("content-type", "text/csv").body(text.to_owned().into()).unwrap()).await
}

#[tokio::test]
async fn a_file_is_rehearsed_taken_and_changes_nothing_when_it_comes_again() {
    on_both(|engine| async move {
        let house = House::open(&engine).await;
        let round = make(&house).await;
        let text = format!(
            "楼道,姓名,电话,地址,备注\n{STAIR},林某兰,19900000001,301,耳背\n城东东苑2幢2单元,徐某英,,101,\n\
            330211002,外街的,,1,\n{STAIR},,,,没有人\n{STAIR},坏电话,12,2,\n"
        );
        let counts = |report: &Value| ["total", "created", "unchanged", "failed"].map(|name| report[name].as_i64());
        let tried = send(&house, &street(), &round, true, &text).await.expect(200);
        assert_eq!((counts(&tried), &tried["dry_run"]), ([5, 2, 0, 3].map(Some), &json!(true)), "{tried}");
        assert_eq!(house.count("select count(*) from door").await, 0, "a rehearsal writes nothing");
        let real = send(&house, &street(), &round, false, &text).await.expect(200);
        assert_eq!(counts(&real), [5, 2, 0, 3].map(Some));
        let again = send(&house, &street(), &round, false, &text).await.expect(200);
        assert_eq!(counts(&again), [5, 0, 2, 3].map(Some));
        let mut of_grid = names(&house, &grid_leader()).await;
        // Doors of one moment stand in no order.
        of_grid.sort_unstable();
        assert_eq!(of_grid, ["徐某英", "林某兰"]);
        send(&house, &other_street(), &round, true, &text).await.refused(404, "not-found");
        assert_ne!(send(&house, &stair_leader(), &round, true, &text).await.status, 200);
    })
    .await;
}

#[tokio::test]
async fn a_door_is_given_to_its_person_and_goes_with_the_person_or_by_time() {
    on_both(|engine| async move {
        let house = House::open(&engine).await;
        let known = json!({"person_id": ELDER, "organisation_id": null, "area_code": STAIR, "birth_year": 1949,
            "sex": "female", "national_id_index": null});
        house.hear("booking.person.updated", ELDER, known).await;
        let round = make(&house).await;
        let new = json!({ "area_code": STAIR, "elder_name": "谌独名", "address": "丙弄 3 号", "remark": "钥匙在邻居处",
            "person_id": ELDER });
        let door = house.post(&street(), &format!("/v1/door-rounds/{round}/doors"), new).await.expect(201);
        let door = door["id"].as_str().unwrap().to_owned();
        say(&house, &stair_leader(), &door, "not-met", json!({ "note": "谌家没人" })).await.expect(200);
        let file = house.get(&street(), &format!("/v1/requests/export?person={ELDER}")).await.expect(200);
        let told = &file["doors"][0];
        assert_eq!(
            (&told["door"]["remark"], &told["history"][1]["note"]),
            (&json!("钥匙在邻居处"), &json!("谌家没人"))
        );
        let page = house.get(&street(), &format!("/requests/export/part?person={ELDER}")).await.checked(200);
        assert!(page.text.contains("钥匙在邻居处"), "{}", page.text);
        for _ in 0..2 {
            house.hear("booking.person.erased", ELDER, json!({ "person_id": ELDER, "at": house.now() })).await;
        }
        let after = everything(&house.app.deps.db).await;
        for trace in ["谌独名", "丙弄", "钥匙在邻居处", "谌家"] {
            let lines: Vec<&str> = after.lines().filter(|line| line.contains(trace)).collect();
            assert_eq!(lines, [""; 0], "{trace}");
        }
        assert_eq!((house.count("select count(*) from door").await, house.parked().await), (1, 0));
        house.clock.advance(Duration::from_hours(6 * 24 * 366));
        let db = &house.app.deps.db;
        let mut tx = db.begin().await.unwrap();
        let heard = "insert into holds_heard (id, at) values (1, $1)";
        sanbao_platform::on!(tx, |c| sqlx::query(heard).bind(house.now()).execute(c).await.map(drop)).unwrap();
        tx.commit().await.unwrap();
        let disposer = disposer(db.clone(), house.clock.clone(), Periods::default());
        Disposer { clock_is_right: true, ..disposer }.run_now().await.unwrap();
        assert_eq!(house.count("select count(*) from door").await, 0);
        assert_eq!(house.count("select count(*) from history where aggregate = 'door'").await, 0);
    })
    .await;
}

#[tokio::test]
async fn at_the_door_of_somebody_erased_help_is_asked_for_still_and_no_later_round_goes_there() {
    on_both(|engine| async move {
        let house = House::open(&engine).await;
        let known = json!({"person_id": ELDER, "organisation_id": null, "area_code": STAIR, "birth_year": 1949,
            "sex": "female", "national_id_index": null});
        house.hear("booking.person.updated", ELDER, known).await;
        let round = make(&house).await;
        let new = json!({ "area_code": STAIR, "elder_name": "谌独名", "person_id": ELDER });
        let door = house.post(&street(), &format!("/v1/door-rounds/{round}/doors"), new).await.expect(201);
        add(&house, &round, STAIR, "林某兰").await;
        house.hear("booking.person.erased", ELDER, json!({ "person_id": ELDER, "at": house.now() })).await;
        let mut later = round_of(STREET);
        later["copy_of"] = json!(round);
        let made = house.post(&street(), "/v1/door-rounds", later).await.expect(201);
        assert_eq!(made["doors"], 1, "a door of which nothing is known leads nowhere: {made}");
        let asked = say(&house, &stair_leader(), door["id"].as_str().unwrap(), "help", json!({})).await.expect(200);
        let request = format!("/v1/requests/{}", asked["request_id"].as_str().unwrap());
        assert_eq!(house.get(&street(), &request).await.expect(200)["elder_name"], "未留姓名的居民");
    })
    .await;
}

#[tokio::test]
async fn a_row_of_sums_in_a_file_of_doors_is_left_out_and_told() {
    let house = House::open(&sqlite()).await;
    let round = make(&house).await;
    let text = format!("楼道,姓名,电话,地址\n{STAIR},林某兰,,301\n{STAIR},徐某英,,302\n合计,2,,\n");
    let report = send(&house, &street(), &round, false, &text).await.expect(200);
    let counts = ["total", "created", "skipped", "failed"].map(|name| report[name].as_i64());
    assert_eq!(counts, [3, 2, 1, 0].map(Some), "{report}");
}

#[tokio::test]
async fn the_pages_show_what_each_may_do() {
    let house = House::open(&sqlite()).await;
    let round = make(&house).await;
    let door = add(&house, &round, STAIR, "林某兰").await;
    let page = house.get(&stair_leader(), "/doors").await.checked(200).text;
    for wanted in [format!("/v1/doors/{door}/well"), format!("/v1/doors/{door}/help"), "19900000001".to_owned()] {
        assert!(page.contains(&wanted), "{wanted}: {page}");
    }
    assert!(!page.contains("/doors/new"), "{page}");
    assert!(!house.get(&next_leader(), "/doors").await.checked(200).text.contains("林某兰"));
    let numbers = house.get(&analyst(), "/doors").await.checked(200).text;
    assert!(numbers.contains("本周走访") && !numbers.contains("林某兰"), "{numbers}");
    let made = house.get(&street(), &format!("/doors/rounds/{round}")).await.checked(200).text;
    assert!(made.contains("城东社区") && made.contains(&format!("/doors/rounds/{round}/import")), "{made}");
    for path in ["/doors/new".to_owned(), format!("/doors/rounds/{round}/import")] {
        house.get(&street(), &path).await.checked(200);
        assert_ne!(house.get(&stair_leader(), &path).await.status, 200, "{path}");
    }
}

#[tokio::test]
async fn a_matter_is_raised_about_a_door_by_those_who_see_it() {
    on_both(|engine| async move {
        let house = House::open(&engine).await;
        let round = make(&house).await;
        let door = add(&house, &round, STAIR, "林某兰").await;
        let closed = house.get(&stair_leader(), "/doors").await.checked(200).text;
        assert!(!closed.contains("/matters/new?door="), "{closed}");
        say(&house, &stair_leader(), &door, "help", json!({ "urgency": "normal" })).await.expect(200);
        let page = house.get(&stair_leader(), "/doors").await.checked(200).text;
        assert!(page.contains(&format!("/matters/new?door={door}")) && page.contains("href=\"/matters\""), "{page}");
        let form = house.get(&stair_leader(), &format!("/matters/new?door={door}")).await.checked(200).text;
        assert!(form.contains("关于敲门行动中的一户") && form.contains(&format!("value=\"{door}\"")), "{form}");
        let about = json!({ "title": "楼道太暗", "kind": "elders", "door_id": door });
        house.post(&next_leader(), "/v1/matters", about.clone()).await.refused(422, "invalid");
        assert_eq!(house.get(&next_leader(), &format!("/matters/new?door={door}")).await.status, 422);
        let made = house.post(&stair_leader(), "/v1/matters", about).await.expect(201);
        let told = ["door_id", "area_code", "raised_level"].map(|name| &made[name]);
        assert_eq!(told, [&json!(door), &json!(STAIR), &json!("building")]);
        let mut two = json!({ "title": "楼道太暗", "door_id": door });
        two["person_id"] = json!(ELDER);
        house.post(&stair_leader(), "/v1/matters", two).await.refused(422, "invalid");
    })
    .await;
}
