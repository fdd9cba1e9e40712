//! Matters: up with a reason and down with an answer, with whom they lie as the tree is moved, streets side by side, and what goes by
//! itself.

use std::time::Duration;

use sanbao_needs_analysis::request::retention::disposer;
use sanbao_platform::retention::{Disposer, Periods};
use sanbao_platform::testing::{Answer, Person, everything, on_both, sqlite};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::requests::house::{CHENGDONG, House, STREET, XIMEN, administrator, agency, analyst, officer, street};

const ELDER: Uuid = Uuid::from_u128(71);
const STAIR: &str = "330211001001-C1-G1-B1";
const GRID: &str = "330211001001-C1-G1";
const COMPOUND: &str = "330211001001-C1";
const OTHER: &str = "330211002";

fn stair_leader() -> Person {
    officer(11, 100, "area_leader", &[STAIR])
}

fn grid_leader() -> Person {
    officer(13, 100, "area_leader", &[GRID])
}

fn compound_leader() -> Person {
    officer(15, 100, "area_leader", &[COMPOUND])
}

fn community() -> Person {
    officer(16, 102, "dispatcher", &[CHENGDONG]).of_a("community")
}

fn other_community() -> Person {
    officer(17, 103, "dispatcher", &[XIMEN]).of_a("community")
}

fn lamp(area: &str) -> Value {
    json!({ "title": "楼道灯坏了", "kind": "facility", "area_code": area })
}

pub async fn raise(house: &House, who: &Person, area: &str) -> String {
    let made = house.post(who, "/v1/matters", lamp(area)).await.expect(201);
    made["id"].as_str().unwrap().to_owned()
}

pub async fn take(house: &House, who: &Person, id: &str, step: &str, said: &str) -> Answer {
    let field = match step {
        "settle" => "note",
        "answer" => "answer",
        _ => "reason",
    };
    house.post(who, &format!("/v1/matters/{id}/{step}"), json!({ field: said })).await
}

/// The ids of a list.
async fn ids(house: &House, who: &Person, which: &str) -> Vec<String> {
    let list = house.get(who, &format!("/v1/matters?which={which}")).await.expect(200);
    list["items"].as_array().unwrap().iter().map(|m| m["id"].as_str().unwrap().to_owned()).collect()
}

/// Every promise that is kept in two places is kept.
async fn all_kept(house: &House) {
    let kept = sanbao_needs_analysis::verify::verify(&house.app.deps.db).await.unwrap();
    let wrong: Vec<_> = kept.iter().filter(|checked| !checked.broken.is_empty()).collect();
    assert!(wrong.is_empty(), "{wrong:?}");
}

#[tokio::test]
async fn a_matter_goes_up_with_its_reason_and_comes_down_with_the_answer() {
    on_both(|engine| async move {
        let house = House::open(&engine).await;
        // The community's people have looked; those of the compound never did.
        ids(&house, &community(), "mine").await;
        let id = raise(&house, &grid_leader(), STAIR).await;
        assert_eq!(ids(&house, &grid_leader(), "mine").await, [id.as_str()]);
        let own = house.get(&grid_leader(), &format!("/v1/matters/{id}")).await.expect(200);
        assert_eq!(own["legal"], json!(["settle", "send-up", "take-back"]));
        assert_eq!((&own["above"]["area_code"], &own["lies_with"]["area_code"]), (&json!(CHENGDONG), &json!(GRID)));
        assert_eq!(own["due_at"], "2026-11-25T16:00:00Z", "two working days of a grid");
        let up = take(&house, &grid_leader(), &id, "send-up", "要换整条线路").await.expect(200);
        assert_eq!((&up["state"], &up["lies_with"]["level"]), (&json!("sent_up"), &json!("community")));
        assert_eq!(up["due_at"], "2026-11-30T16:00:00Z", "a clock of its own: five working days");
        assert_eq!(up["legal"], json!(["take-back"]), "it lies with another level now");
        take(&house, &grid_leader(), &id, "answer", "x").await.refused(403, "forbidden");
        take(&house, &grid_leader(), &id, "settle", "x").await.refused(403, "forbidden");
        assert_eq!(ids(&house, &grid_leader(), "sent").await, [id.as_str()]);
        assert_eq!(ids(&house, &community(), "mine").await, [id.as_str()]);
        assert_eq!(ids(&house, &street(), "below").await, [id.as_str()]);
        take(&house, &street(), &id, "answer", "x").await.refused(403, "forbidden");
        take(&house, &community(), &id, "settle", "x").await.refused(409, "invalid-transition");
        house.clock.advance(Duration::from_hours(1));
        let back = take(&house, &community(), &id, "answer", "周四换").await.expect(200);
        assert_eq!((&back["state"], &back["lies_with"]["level"]), (&json!("answered"), &json!("grid")));
        assert_eq!(
            (ids(&house, &community(), "mine").await.len(), ids(&house, &community(), "below").await.len()),
            (0, 1)
        );
        let done = take(&house, &grid_leader(), &id, "settle", "换好了").await.expect(200);
        assert_eq!(
            (&done["state"], &done["due_at"], &done["legal"]),
            (&json!("settled"), &Value::Null, &json!(["reopen"]))
        );
        assert_eq!(ids(&house, &community(), "ended").await, [id.as_str()]);
        let detail = house.get(&street(), &format!("/v1/matters/{id}")).await.expect(200);
        let told = detail["history"].as_array().unwrap().iter();
        let told: Vec<_> =
            told.map(|l| [&l["step"], &l["level"], &l["said"]].map(|v| v.as_str().unwrap_or("").to_owned())).collect();
        assert_eq!(
            told,
            [
                ["create", "grid", ""],
                ["send-up", "community", "要换整条线路"],
                ["answer", "grid", "周四换"],
                ["settle", "", "换好了"]
            ]
        );
        let again = take(&house, &grid_leader(), &id, "reopen", "又坏了").await.expect(200);
        assert_eq!((&again["state"], &again["reopened"]), (&json!("open"), &json!(1)));
        take(&house, &grid_leader(), &id, "take-back", "与另一件重复").await.expect(200);
        all_kept(&house).await;
        house.clock.advance(Duration::from_hours(31 * 24));
        take(&house, &grid_leader(), &id, "reopen", "x").await.refused(409, "conflict");
    })
    .await;
}

#[tokio::test]
async fn a_level_that_has_nobody_is_left_out_and_where_none_is_known_it_goes_to_the_street() {
    on_both(|engine| async move {
        let house = House::open(&engine).await;
        let above = async |id: &str| {
            let own = house.get(&stair_leader(), &format!("/v1/matters/{id}")).await.expect(200);
            own["above"]["level"].as_str().unwrap_or("none").to_owned()
        };
        let id = raise(&house, &stair_leader(), STAIR).await;
        assert_eq!(above(&id).await, "street", "nobody was ever here");
        ids(&house, &compound_leader(), "mine").await;
        assert_eq!(above(&id).await, "compound", "a grid without people is left out");
        take(&house, &stair_leader(), &id, "send-up", "大").await.expect(200);
        assert_eq!(ids(&house, &compound_leader(), "mine").await, [id.as_str()]);
        assert_eq!(ids(&house, &grid_leader(), "sent").await, [id.as_str()], "it passed the grid by");
        take(&house, &compound_leader(), &id, "answer", "好").await.expect(200);
        house.clock.advance(Duration::from_hours(61 * 24));
        assert_eq!(above(&id).await, "street", "nobody of the compound was here for sixty days");
        let of_street = raise(&house, &street(), GRID).await;
        let top = house.get(&street(), &format!("/v1/matters/{of_street}")).await.expect(200);
        assert_eq!((&top["legal"], &top["above"]), (&json!(["settle", "take-back"]), &Value::Null));
        take(&house, &street(), &of_street, "send-up", "x").await.refused(409, "invalid-transition");
    })
    .await;
}

#[tokio::test]
async fn a_level_sees_what_was_raised_there_or_below_and_nobody_else_sees_it() {
    on_both(|engine| async move {
        let house = House::open(&engine).await;
        let id = raise(&house, &grid_leader(), STAIR).await;
        let path = format!("/v1/matters/{id}");
        for sees in [grid_leader(), compound_leader(), community(), street()] {
            house.get(&sees, &path).await.expect(200);
        }
        // The stair is its place, and it was raised above the stair.
        for hidden in [stair_leader(), other_community(), agency(), analyst(), administrator()] {
            house.get(&hidden, &path).await.refused(404, "not-found");
            take(&house, &hidden, &id, "settle", "x").await.refused(404, "not-found");
        }
        for nothing in [agency(), analyst(), administrator()] {
            assert_ne!(house.get(&nothing, "/v1/matters").await.status, 200);
            assert_ne!(house.post(&nothing, "/v1/matters", lamp(STAIR)).await.status, 201);
        }
        assert_eq!(ids(&house, &compound_leader(), "below").await, [id.as_str()]);
        take(&house, &compound_leader(), &id, "settle", "x").await.refused(403, "forbidden");
        take(&house, &community(), &id, "take-back", "x").await.refused(403, "forbidden");
        let filtered =
            house.get(&street(), &format!("/v1/matters?which=below&level=grid&area={COMPOUND}")).await.expect(200);
        assert_eq!(filtered["items"].as_array().unwrap().len(), 1);
        for none in [format!("level=community&area={COMPOUND}"), format!("level=grid&area={XIMEN}")] {
            let list = house.get(&street(), &format!("/v1/matters?which=below&{none}")).await.expect(200);
            assert_eq!(list["items"], json!([]), "{none}");
        }
    })
    .await;
}

/// A second street of the same district, divided as the first is.
async fn another_street(house: &House) {
    let admin = officer(40, 101, "administrator", &[OTHER]);
    for (code, level, parent) in [
        (OTHER.to_owned(), "street", None),
        (format!("{OTHER}001"), "community", Some(OTHER.to_owned())),
        (format!("{OTHER}001-C1"), "compound", Some(format!("{OTHER}001"))),
        (format!("{OTHER}001-C1-G1"), "grid", Some(format!("{OTHER}001-C1"))),
        (format!("{OTHER}001-C1-G1-B1"), "building", Some(format!("{OTHER}001-C1-G1"))),
    ] {
        let new = json!({ "code": code, "level": level, "name_zh": format!("蛟川{level}"), "parent": parent });
        house.post(&admin, "/v1/areas", new).await.expect(201);
    }
}

#[tokio::test]
async fn streets_side_by_side_see_nothing_of_each_other_at_any_level() {
    on_both(|engine| async move {
        let house = House::open(&engine).await;
        another_street(&house).await;
        let ours = people_of(50, [STREET, CHENGDONG, COMPOUND, GRID, STAIR]);
        let theirs =
            people_of(60, [OTHER, "330211002001", "330211002001-C1", "330211002001-C1-G1", "330211002001-C1-G1-B1"]);
        for (people, strangers) in [(&ours, &theirs), (&theirs, &ours)] {
            let stair = &people[4];
            let area = stair.areas[0];
            let id = raise(&house, stair, area).await;
            take(&house, stair, &id, "send-up", "请上级办").await.expect(200);
            for own in people {
                house.get(own, &format!("/v1/matters/{id}")).await.expect(200);
            }
            for stranger in strangers {
                house.get(stranger, &format!("/v1/matters/{id}")).await.refused(404, "not-found");
                take(&house, stranger, &id, "answer", "x").await.refused(404, "not-found");
                for which in ["mine", "sent", "below", "ended"] {
                    assert!(!ids(&house, stranger, which).await.contains(&id), "{which}");
                }
                let raised = house.post(stranger, "/v1/matters", lamp(area)).await;
                assert_eq!(raised.status, 422, "{}", raised.text);
                let figures = house.get(stranger, &format!("/v1/matters/figures?area={area}")).await;
                figures.refused(404, "not-found");
            }
        }
        for people in [&ours, &theirs] {
            let own = house.get(&people[0], "/v1/matters/figures").await.expect(200);
            assert_eq!((&own["area_code"], &own["items"][0]["raised"]), (&json!(people[0].areas[0]), &json!(1)));
        }
    })
    .await;
}

/// Somebody of each level of a street, the street's first.
fn people_of(n: u128, areas: [&'static str; 5]) -> [Person; 5] {
    let role = |level: usize| if level < 2 { "dispatcher" } else { "area_leader" };
    std::array::from_fn(|level| officer(n + level as u128, 100 + n, role(level), &[areas[level]]))
}

#[tokio::test]
async fn an_area_that_is_moved_takes_its_open_matters_to_the_new_parents_people() {
    on_both(|engine| async move {
        let house = House::open(&engine).await;
        ids(&house, &community(), "mine").await;
        ids(&house, &other_community(), "mine").await;
        let id = raise(&house, &grid_leader(), STAIR).await;
        take(&house, &grid_leader(), &id, "send-up", "大").await.expect(200);
        assert_eq!(ids(&house, &community(), "mine").await, [id.as_str()]);
        // From tomorrow on.
        let there = json!({ "parent": format!("{XIMEN}-C1"), "from": "2026-11-24" });
        house.post(&administrator(), &format!("/v1/areas/{GRID}/move"), there).await.expect(200);
        assert_eq!(ids(&house, &community(), "mine").await, [id.as_str()]);
        take(&house, &other_community(), &id, "answer", "x").await.refused(404, "not-found");
        house.clock.advance(Duration::from_hours(24));
        assert_eq!(ids(&house, &community(), "mine").await, [""; 0]);
        take(&house, &community(), &id, "answer", "x").await.refused(404, "not-found");
        assert_eq!(ids(&house, &other_community(), "mine").await, [id.as_str()]);
        assert_eq!(ids(&house, &grid_leader(), "sent").await, [id.as_str()]);
        take(&house, &other_community(), &id, "answer", "西门来办").await.expect(200);
        assert_eq!(ids(&house, &grid_leader(), "mine").await, [id.as_str()]);
        assert_eq!(house.count("select count(*) from matter").await, 1);
    })
    .await;
}

#[tokio::test]
async fn lists_are_in_pages_by_the_moment_at_which_each_is_due() {
    on_both(|engine| async move {
        let house = House::open(&engine).await;
        let slow = raise(&house, &grid_leader(), GRID).await;
        let mut danger = lamp(GRID);
        danger["kind"] = json!("safety");
        let danger = house.post(&grid_leader(), "/v1/matters", danger).await.expect(201);
        let danger = danger["id"].as_str().unwrap().to_owned();
        house.clock.advance(Duration::from_hours(24));
        let later = raise(&house, &grid_leader(), GRID).await;
        let mut got = Vec::new();
        let mut next = String::new();
        for _ in 0..4 {
            let page = house.get(&grid_leader(), &format!("/v1/matters?limit=1{next}")).await.expect(200);
            got.extend(page["items"].as_array().unwrap().iter().map(|m| m["id"].as_str().unwrap().to_owned()));
            let Some(marker) = page["next"].as_str() else { break };
            next = format!("&after={marker}");
        }
        assert_eq!(got, [danger.clone(), slow.clone(), later]);
        house.clock.advance(Duration::from_hours(24));
        let list = house.get(&grid_leader(), "/v1/matters").await.expect(200);
        let how: Vec<_> = list["items"].as_array().unwrap().iter().map(|m| m["status"].as_str().unwrap()).collect();
        assert_eq!(how, ["breached", "at_risk", "on_track"]);
        for (id, hour) in [(&danger, 1), (&slow, 2)] {
            house.clock.advance(Duration::from_hours(hour));
            take(&house, &grid_leader(), id, "settle", "好了").await.expect(200);
        }
        let ended = house.get(&grid_leader(), "/v1/matters?which=ended&limit=1").await.expect(200);
        assert_eq!(ended["items"][0]["id"], json!(slow), "the latest first");
        let marker = ended["next"].as_str().unwrap();
        let rest =
            house.get(&grid_leader(), &format!("/v1/matters?which=ended&limit=1&after={marker}")).await.expect(200);
        assert_eq!((&rest["items"][0]["id"], &rest["next"]), (&json!(danger), &Value::Null));
        let before = house.get(&grid_leader(), "/v1/matters?which=ended&month=2026-10").await.expect(200);
        assert_eq!(before["items"], json!([]));
    })
    .await;
}

#[tokio::test]
async fn a_matter_that_cannot_be_is_refused_at_its_fields() {
    let house = House::open(&sqlite()).await;
    let bad = [
        ("title", json!(" "), "/title"),
        ("title", json!("灯".repeat(201)), "/title"),
        ("kind", json!("war"), "/kind"),
        ("area_code", json!("no such"), "/area_code"),
        ("area_code", json!("330211009"), "/area_code"),
        ("area_code", json!(XIMEN), "/area_code"),
        ("area_code", json!(""), "/area_code"),
        ("door_id", json!(Uuid::from_u128(9)), "/door_id"),
        ("request_id", json!(Uuid::from_u128(9)), "/request_id"),
        ("person_id", json!(Uuid::from_u128(9)), "/person_id"),
    ];
    for (field, value, pointer) in bad {
        let mut new = lamp(STAIR);
        new[field] = value.clone();
        let answer = house.post(&grid_leader(), "/v1/matters", new).await;
        assert_eq!(answer.status, 422, "{field} {value}: {}", answer.text);
        assert!(answer.text.contains(&format!("\"{pointer}\"")), "{field} {value}: {}", answer.text);
    }
    assert_eq!(house.count("select count(*) from matter").await, 0, "nothing half done");
    let id = raise(&house, &grid_leader(), STAIR).await;
    for (step, said) in [("send-up", ""), ("send-up", "  "), ("take-back", "")] {
        take(&house, &grid_leader(), &id, step, said).await.refused(422, "invalid");
    }
    take(&house, &grid_leader(), &id, "settle", &"长".repeat(501)).await.refused(422, "invalid");
    for query in ["which=all", "level=planet", "area=%20x%20y", "which=ended&month=2026-13", "limit=0", "after=x"] {
        house.get(&grid_leader(), &format!("/v1/matters?{query}")).await.refused(422, "invalid");
    }
    let request = house.take_down(json!({})).await;
    let mut about = lamp(STAIR);
    about["request_id"] = json!(request);
    assert_eq!(house.post(&grid_leader(), "/v1/matters", about.clone()).await.status, 422, "leaders see no requests");
    let made = house.post(&street(), "/v1/matters", about).await.expect(201);
    assert_eq!((&made["request_id"], &made["raised_level"]), (&json!(request), &json!("street")));
    let key = [("idempotency-key", "once")];
    for _ in 0..2 {
        let again = house.call(Some(&grid_leader()), "POST", "/v1/matters", Some(lamp(GRID)), &key).await;
        assert_eq!(again.status, 201);
    }
    assert_eq!(house.count("select count(*) from matter").await, 3);
    let stale = [("if-match", "\"1\"")];
    let path = format!("/v1/matters/{id}/send-up");
    take(&house, &grid_leader(), &id, "send-up", "大").await.expect(200);
    let late = house.call(Some(&grid_leader()), "POST", &path, Some(json!({ "reason": "大" })), &stale).await;
    assert_ne!(late.status, 200);
}

#[tokio::test]
async fn a_matter_about_somebody_is_told_to_them_and_goes_with_them_or_by_time() {
    on_both(|engine| async move {
        let house = House::open(&engine).await;
        let known = json!({"person_id": ELDER, "organisation_id": null, "area_code": STAIR, "birth_year": 1949,
            "sex": "female", "national_id_index": null});
        house.hear("booking.person.updated", ELDER, known).await;
        let mut about = lamp(STAIR);
        about["title"] = json!("谌独名家的灯坏了");
        about["person_id"] = json!(ELDER);
        let made = house.post(&street(), "/v1/matters", about).await.expect(201);
        let id = made["id"].as_str().unwrap().to_owned();
        let other = raise(&house, &street(), STAIR).await;
        let file = house.get(&street(), &format!("/v1/requests/export?person={ELDER}")).await.expect(200);
        assert_eq!(file["matters"][0]["matter"]["title"], "谌独名家的灯坏了");
        let page = house.get(&street(), &format!("/requests/export/part?person={ELDER}")).await.checked(200);
        assert!(page.text.contains("谌独名家的灯坏了"), "{}", page.text);
        take(&house, &street(), &id, "settle", "谌家已好").await.expect(200);
        for _ in 0..2 {
            house.hear("booking.person.erased", ELDER, json!({ "person_id": ELDER, "at": house.now() })).await;
        }
        let after = everything(&house.app.deps.db).await;
        for trace in ["谌独名", "谌家"] {
            let lines: Vec<&str> = after.lines().filter(|line| line.contains(trace)).collect();
            assert_eq!(lines, [""; 0], "{trace}");
        }
        let emptied = house.get(&street(), &format!("/v1/matters/{id}")).await.expect(200);
        assert_eq!((&emptied["title"], &emptied["state"]), (&json!(""), &json!("settled")));
        let page = house.get(&street(), &format!("/matters/{id}")).await.checked(200);
        assert!(page.text.contains("内容已按规定抹除"), "{}", page.text);
        house.clock.advance(Duration::from_hours(6 * 24 * 366));
        let db = &house.app.deps.db;
        let mut tx = db.begin().await.unwrap();
        let heard = "insert into holds_heard (id, at) values (1, $1)";
        sanbao_platform::on!(tx, |c| sqlx::query(heard).bind(house.now()).execute(c).await.map(drop)).unwrap();
        tx.commit().await.unwrap();
        let disposer = disposer(db.clone(), house.clock.clone(), Periods::default());
        Disposer { clock_is_right: true, ..disposer }.run_now().await.unwrap();
        assert_eq!(house.count("select count(*) from matter").await, 1, "one that is open has no clock");
        house.get(&street(), &format!("/v1/matters/{other}")).await.expect(200);
        assert_eq!(house.count("select count(*) from history where aggregate = 'matter'").await, 1);
        assert_eq!(house.count("select count(*) from matter_stay").await, 2, "numbers stay");
        all_kept(&house).await;
    })
    .await;
}

#[tokio::test]
async fn the_pages_show_what_each_may_do() {
    let house = House::open(&sqlite()).await;
    ids(&house, &community(), "mine").await;
    let id = raise(&house, &grid_leader(), STAIR).await;
    let page = house.get(&grid_leader(), "/matters").await.checked(200).text;
    for wanted in
        ["待我办理", "已上报", "楼道灯坏了", "/matters/new", "/matters/figures", &format!("/matters/{id}#do-settle")]
    {
        assert!(page.contains(wanted), "{wanted}: {page}");
    }
    let detail = house.get(&grid_leader(), &format!("/matters/{id}")).await.checked(200).text;
    for wanted in ["将上报到城东社区（社区）", "send-up", "settle", "办理期限"] {
        assert!(detail.contains(wanted), "{wanted}: {detail}");
    }
    let above = house.get(&community(), &format!("/matters/{id}")).await.checked(200).text;
    assert!(above.contains("您可以查看进展") && !above.contains("data-send"), "{above}");
    take(&house, &grid_leader(), &id, "send-up", "大").await.expect(200);
    let answers = house.get(&community(), &format!("/matters/{id}")).await.checked(200).text;
    assert!(answers.contains("答复后直接回到提出的网格"), "{answers}");
    let nobody = house.get(&other_community(), "/matters").await.checked(200).text;
    assert!(nobody.contains("现在没有等您办理的事项") && !nobody.contains("楼道灯坏了"), "{nobody}");
    let form = house.get(&grid_leader(), "/matters/new").await.checked(200).text;
    assert!(form.contains("什么事") && form.contains(STAIR) && !form.contains(XIMEN), "{form}");
    for who in [stair_leader(), grid_leader(), community(), street(), analyst(), administrator()] {
        let figures = house.get(&who, "/matters/figures").await.checked(200).text;
        assert!(figures.contains("怎么算") && figures.contains("不数人"), "{figures}");
    }
    for path in ["/matters", "/matters/new"] {
        assert_ne!(house.get(&analyst(), path).await.status, 200, "{path}");
    }
}
