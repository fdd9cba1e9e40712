//! The area tree: reading, adding, moving, and the permissions for it.

use chrono::NaiveDate;
use sanbao_needs_analysis::area::{self, AreaCode};
use sanbao_platform::testing::{Answer, Person, on_both};
use serde_json::{Value, json};

use crate::requests::house::{CHENGDONG, House, STREET, XIMEN, administrator, agency, carer, officer, street};

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

async fn open(house: &House, who: &Person, path: &str) -> Answer {
    house.call(Some(who), "GET", path, None, &[("accept", "text/html"), ("accept-language", "zh")]).await
}

async fn rename(house: &House, who: &Person, names: &Value, version: &str) -> Answer {
    let path = format!("/v1/areas/{CHENGDONG}");
    house.call(Some(who), "PATCH", &path, Some(names.clone()), &[("if-match", version)]).await
}

const COUNTED_IN_XIMEN: &str = "select cast(coalesce(sum(n), 0) as bigint) from rollup
    where area_code = '330211001007' and grain = 'day'";

#[tokio::test]
async fn the_street_has_its_communities_and_each_area_its_path() {
    on_both(|engine| async move {
        let house = House::open(&engine).await;
        let answer = house.get(&street(), &format!("/v1/areas/{STREET}")).await;
        assert_eq!(answer.status, 200);
        let children = answer.body["children"].as_array().unwrap();
        assert_eq!(children.len(), 11);
        assert_eq!(children[0]["name_zh"], "城东社区");
        let grid = house.get(&agency(), &format!("/v1/areas/{CHENGDONG}-C1-G2")).await.body;
        let path: Vec<_> = grid["path"].as_array().unwrap().iter().map(|a| a["level"].as_str().unwrap()).collect();
        assert_eq!(path, ["street", "community", "compound"]);
        assert_eq!(grid["children"].as_array().unwrap().len(), 2);
        let communities = house.get(&street(), "/v1/areas?level=community&limit=6").await.body;
        let next = communities["next"].as_str().unwrap();
        let rest = house.get(&street(), &format!("/v1/areas?level=community&limit=6&after={next}")).await.body;
        assert_eq!(rest["items"].as_array().unwrap().len(), 5);
        assert!(rest["next"].is_null());
        assert_eq!(house.get(&street(), "/v1/areas/nowhere").await.status, 404);
        assert_eq!(house.get(&street(), "/v1/areas/%00%27--").await.status, 404);
        assert_eq!(house.get(&street(), "/v1/areas?level=planet").await.status, 422);
    })
    .await;
}

#[tokio::test]
async fn a_grid_that_moves_keeps_its_past() {
    on_both(|engine| async move {
        let house = House::open(&engine).await;
        let grid = format!("{CHENGDONG}-C1-G1");
        let there = format!("{XIMEN}-C1");
        house.take_down(json!({"area_code": grid, "received_at": "2026-10-20 09:00"})).await;
        house.take_down(json!({"area_code": grid, "received_at": "2026-11-20 09:00"})).await;
        let body = json!({"parent": there, "from": "2026-11-01"});
        for replayed in [false, true] {
            let path = format!("/v1/areas/{grid}/move");
            let key = [("idempotency-key", "move-1")];
            let moved = house.call(Some(&administrator()), "POST", &path, Some(body.clone()), &key).await;
            assert_eq!(moved.status, 200, "{}", moved.text);
            assert_eq!(moved.headers.contains_key("idempotent-replayed"), replayed);
        }
        let path = |on: &str| format!("/v1/areas/{grid}?on={on}");
        assert_eq!(house.get(&street(), &path("2026-10-31")).await.body["path"][1]["code"], CHENGDONG);
        assert_eq!(house.get(&street(), &path("2026-11-01")).await.body["path"][1]["code"], XIMEN);
        let mut conn = house.app.deps.db.read().await.unwrap();
        let (old, new) = (AreaCode::parse(CHENGDONG).unwrap(), AreaCode::parse(XIMEN).unwrap());
        let stair = AreaCode::parse(&format!("{grid}-B1")).unwrap();
        for (area, on, inside) in [(&old, "2026-10-31", true), (&old, "2026-11-01", false), (&new, "2026-11-01", true)]
        {
            let below = area::descendants(&mut conn, area, day(on)).await.unwrap();
            assert_eq!(below.contains(&stair), inside, "{area} {on}");
        }
        drop(conn);
        assert_eq!(house.count(COUNTED_IN_XIMEN).await, 1, "what came after the move counts where the grid lies since");
        for (from, status) in [("2026-11-01", 422), ("2026-10-01", 422), ("2026-12-01", 200)] {
            let back = json!({"parent": format!("{CHENGDONG}-C2"), "from": from});
            assert_eq!(
                house.post(&administrator(), &format!("/v1/areas/{grid}/move"), back).await.status,
                status,
                "{from}"
            );
        }
    })
    .await;
}

#[tokio::test]
async fn levels_only_rise_so_there_is_no_circle() {
    on_both(|engine| async move {
        let house = House::open(&engine).await;
        let compound = format!("{CHENGDONG}-C1");
        for parent in [format!("{CHENGDONG}-C1-G1"), compound.clone(), format!("{CHENGDONG}-C2"), "nowhere".into()] {
            let body = json!({"parent": parent, "from": "2026-11-01"});
            let answer = house.post(&administrator(), &format!("/v1/areas/{compound}/move"), body).await;
            assert_eq!(answer.status, 422, "{parent}: {}", answer.text);
            assert_eq!(answer.body["errors"][0]["pointer"], "/parent");
        }
        let mut tx = house.app.deps.db.begin().await.unwrap();
        let (child, parent) = (AreaCode::parse(&compound).unwrap(), AreaCode::parse(XIMEN).unwrap());
        let twice = area::store::place(&mut tx, house.now(), &child, &parent, day("2026-11-01")).await;
        assert!(twice.is_err(), "the database itself lets an area lie in one place at a time");
    })
    .await;
}

#[tokio::test]
async fn areas_are_added_by_administrators_within_their_scope() {
    on_both(|engine| async move {
        let house = House::open(&engine).await;
        let body = |code: &str, parent: &str| {
            json!({"code": code, "level": "compound", "name_zh": "<b>南苑</b>", "parent": parent, "from": "2026-11-23"})
        };
        let key = [("idempotency-key", "k1")];
        let admin = administrator();
        let first = house.call(Some(&admin), "POST", "/v1/areas", Some(body("X-1", CHENGDONG)), &key).await;
        let again = house.call(Some(&admin), "POST", "/v1/areas", Some(body("X-1", CHENGDONG)), &key).await;
        assert_eq!((first.status.as_u16(), again.status.as_u16()), (201, 201), "{}", first.text);
        assert_eq!(first.body, again.body);
        assert_eq!(house.post(&admin, "/v1/areas", body("X-1", CHENGDONG)).await.status, 409);
        assert_eq!(house.post(&admin, "/v1/areas", body("X-2", "nowhere")).await.status, 422);
        assert_eq!(house.post(&admin, "/v1/areas", body("drop table area;", CHENGDONG)).await.status, 422);
        assert_eq!(house.post(&street(), "/v1/areas", body("X-3", CHENGDONG)).await.status, 403);
        let elsewhere = officer(9, 900, "administrator", &[XIMEN]);
        assert_eq!(house.post(&elsewhere, "/v1/areas", body("X-3", CHENGDONG)).await.status, 403);
        assert_eq!(house.post(&elsewhere, "/v1/areas", body("X-3", XIMEN)).await.status, 201);
        let nobodys = officer(10, 901, "administrator", &[]);
        assert_eq!(house.post(&nobodys, "/v1/areas", body("X-4", XIMEN)).await.status, 403);
        // An agency's administrator makes nobody the street by writing so into the agency's own accounts.
        let agencys = carer(12, 200, "administrator").in_areas(&[STREET, XIMEN]);
        assert_eq!(house.post(&agencys, "/v1/areas", body("X-5", XIMEN)).await.status, 403);
        let away = json!({"parent": XIMEN, "from": "2026-12-01"});
        assert_eq!(house.post(&agencys, "/v1/areas/X-1/move", away).await.status, 403);
        let new_street = json!({"code": "330211002", "level": "street", "name_zh": "蛟川街道"});
        assert_eq!(house.post(&admin, "/v1/areas", new_street.clone()).await.status, 403);
        let founder = officer(11, 902, "administrator", &["330211002"]);
        assert_eq!(house.post(&founder, "/v1/areas", new_street).await.status, 201);
        assert_eq!(house.get(&street(), "/v1/areas/X-1").await.body["name_zh"], "<b>南苑</b>");
    })
    .await;
}

#[tokio::test]
async fn the_tree_is_told_to_the_other_services() {
    on_both(|engine| async move {
        let house = House::open(&engine).await;
        let admin = administrator();
        let (parent, code) = (CHENGDONG, format!("{CHENGDONG}-C9"));
        let body =
            json!({"code": code, "level": "compound", "name_zh": "南苑", "parent": parent, "from": "2026-11-01"});
        house.post(&admin, "/v1/areas", body).await.expect(201);
        let body = json!({"parent": XIMEN, "from": "2026-11-20"});
        house.post(&admin, &format!("/v1/areas/{code}/move"), body).await.expect(200);
        let told = house.areas_told("needs.area.added").await;
        let street = told.iter().find(|data| data["code"] == "330211001").unwrap();
        assert_eq!((&street["parent"], &street["level"]), (&Value::Null, &json!("street")), "the seed is told as well");
        let added = told.iter().find(|data| data["code"] == code.as_str()).unwrap();
        assert_eq!((&added["parent"], &added["from"]), (&json!(parent), &json!("2026-11-01")));
        let moved = house.areas_told("needs.area.moved").await;
        assert_eq!(moved, [json!({"code": code, "parent": XIMEN, "from": "2026-11-20"})]);
    })
    .await;
}

#[tokio::test]
async fn areas_from_before_are_told_once() {
    on_both(|engine| async move {
        let house = House::open(&engine).await;
        let deps = &house.app.deps;
        assert_eq!(area::announce(&deps.db, &deps.clock).await.unwrap(), 0, "what is told is not told again");
        let before = house.areas_told("needs.area.added").await.len();
        let mut tx = deps.db.begin().await.unwrap();
        let silent = "update area set announced_at = null where level in ('street', 'community')";
        sanbao_platform::on!(tx, |c| sqlx::query(silent).execute(c).await.map(drop)).unwrap();
        tx.commit().await.unwrap();
        assert_eq!(area::announce(&deps.db, &deps.clock).await.unwrap(), 12);
        assert_eq!(area::announce(&deps.db, &deps.clock).await.unwrap(), 0);
        let told = house.areas_told("needs.area.added").await;
        assert_eq!(told.len(), before + 12);
        assert!(told[before..].iter().any(|data| data["code"] == XIMEN && data["parent"] == "330211001"));
    })
    .await;
}

#[tokio::test]
async fn an_area_is_renamed_over_the_version_that_was_read() {
    on_both(|engine| async move {
        let house = House::open(&engine).await;
        let (path, admin) = (format!("/v1/areas/{CHENGDONG}"), administrator());
        let shown = house.get(&admin, &path).await;
        assert_eq!((shown.headers["etag"].to_str().unwrap(), shown.body["version"].as_i64()), ("\"1\"", Some(1)));
        let names = json!({ "name_zh": " 城东新社区 ", "name_en": null });
        for (who, status) in [(&street(), 403), (&agency(), 403), (&officer(9, 900, "administrator", &[XIMEN]), 403)] {
            assert_eq!(rename(&house, who, &names, "\"1\"").await.status, status);
        }
        let renamed = rename(&house, &admin, &names, "\"1\"").await.checked(200);
        assert_eq!((&renamed.body["name_zh"], &renamed.body["name_en"]), (&json!("城东新社区"), &Value::Null));
        assert_eq!(rename(&house, &admin, &names, "\"1\"").await.status, 412, "somebody has changed it since");
        rename(&house, &admin, &names, "\"2\"").await.checked(200);
        assert_eq!(house.areas_told("needs.area.renamed").await.len(), 1, "the same names again are no change");
        for (zh, en) in [("", None), ("新\u{202e}", None), ("新", Some("")), (&*"长".repeat(61), None)] {
            assert_eq!(
                rename(&house, &admin, &json!({ "name_zh": zh, "name_en": en }), "\"2\"").await.status,
                422,
                "{zh}"
            );
        }
        assert_eq!(house.call(Some(&admin), "PATCH", "/v1/areas/nowhere", Some(names), &[]).await.status, 404);
        let told = house.areas_told("needs.area.renamed").await;
        assert_eq!(
            told,
            [json!({ "code": CHENGDONG, "level": "community", "name_zh": "城东新社区", "name_en": null })]
        );
    })
    .await;
}

#[tokio::test]
async fn codes_are_checked_against_their_level() {
    on_both(|engine| async move {
        let house = House::open(&engine).await;
        let admin = officer(4, 100, "administrator", &[STREET, "abc", "330211002"]);
        let body = |code: &str, level: &str, parent: Option<&str>| {
            json!({ "code": code, "level": level, "name_zh": "新", "parent": parent })
        };
        for (code, level, parent, status) in [
            ("abc", "street", None, 422),
            ("330211002", "street", None, 201),
            ("330211001020", "community", Some(STREET), 201),
            ("330211002020", "community", Some(STREET), 422),
            ("城东", "community", Some(STREET), 422),
            ("C-77", "community", Some(STREET), 422),
            ("330211001030", "compound", Some(CHENGDONG), 422),
            ("C-77", "compound", Some(CHENGDONG), 201),
            ("330211001001015", "grid", Some("C-77"), 201),
        ] {
            let answer = house.post(&admin, "/v1/areas", body(code, level, parent)).await;
            assert_eq!(answer.status, status, "{code}: {}", answer.text);
            if status == 422 {
                assert_eq!(answer.body["errors"][0]["pointer"], "/code", "{}", answer.text);
            }
        }
        // An area whose code is from before there was a rule is moved and renamed as any other.
        let mut tx = house.app.deps.db.begin().await.unwrap();
        let (old, parent) = (AreaCode::parse("OLD").unwrap(), AreaCode::parse(STREET).unwrap());
        let area =
            area::Area { code: old, level: area::Level::Community, name_zh: "旧社区".into(), name_en: None };
        area::store::add(&mut tx, house.now(), &area, Some((&parent, day("2020-01-01")))).await.unwrap();
        tx.commit().await.unwrap();
        house.call(Some(&admin), "PATCH", "/v1/areas/OLD", Some(json!({ "name_zh": "老社区" })), &[]).await.expect(200);
        house.post(&admin, "/v1/areas/OLD/move", json!({ "parent": "330211002", "from": "2026-12-01" })).await.expect(200);
        house.post(&admin, "/v1/areas", body("OLD-C1", "compound", Some("OLD"))).await.expect(201);
    })
    .await;
}

#[tokio::test]
async fn a_street_of_the_list_gets_its_communities_by_one_step() {
    on_both(|engine| async move {
        let house = House::open(&engine).await;
        let founder = officer(11, 902, "administrator", &["330211002"]);
        let path = "/v1/areas/330211002/communities";
        let before = open(&house, &founder, "/areas").await;
        assert!(before.text.contains("加入街道和 20 个社区") && before.text.contains("蛟川街道"), "{}", before.text);
        assert_eq!(house.post(&administrator(), path, json!({})).await.status, 404, "another street's");
        let added = house.post(&founder, path, json!({})).await.expect(201);
        assert_eq!(added["added"].as_array().unwrap().len(), 21, "the street and its communities");
        let again = house.post(&founder, path, json!({})).await.expect(201);
        assert_eq!(again["added"], json!([]));
        let shown = house.get(&founder, "/v1/areas/330211002").await.expect(200);
        assert_eq!((&shown["name_zh"], shown["children"].as_array().unwrap().len()), (&json!("蛟川街道"), 20));
        let after = open(&house, &founder, "/areas").await.text;
        assert!(after.contains("五里牌社区") && !after.contains("个社区还没有加入"), "{after}");
        assert_eq!(house.post(&street(), &format!("/v1/areas/{STREET}/communities"), json!({})).await.status, 403);
        let stranger = officer(12, 903, "administrator", &["330106001"]);
        house.post(&stranger, "/v1/areas/330106001/communities", json!({})).await.refused(409, "conflict");
        assert!(
            open(&house, &stranger, "/areas").await.text.contains("/areas/import")
                || open(&house, &stranger, "/areas").await.text.contains("加入街道")
        );
    })
    .await;
}

#[tokio::test]
async fn the_page_of_an_area_shows_the_way_the_parts_and_what_may_be_done() {
    on_both(|engine| async move {
        let house = House::open(&engine).await;
        let compound = format!("/areas/{CHENGDONG}-C1");
        let mine = open(&house, &administrator(), &compound).await;
        for part in [
            "招宝山街道",
            "城东社区",
            "城东东苑第1网格",
            "data-send=\"POST /v1/areas\"",
            &format!("value=\"{CHENGDONG}-C1-G3\""),
            &format!("data-send=\"PATCH /v1/areas/{CHENGDONG}-C1\" data-version=\"1\""),
            &format!("data-send=\"POST /v1/areas/{CHENGDONG}-C1/move\""),
            "西门社区",
        ] {
            assert!(mine.text.contains(part), "{part} in {}", mine.text);
        }
        let main = mine.text.split("<main").nth(1).unwrap().split("</main>").next().unwrap();
        assert_eq!(main.matches("button primary").count(), 1, "one main action: {main}");
        let theirs = open(&house, &agency(), &compound).await;
        assert!(theirs.status == 200 && !theirs.text.contains("data-send=\"POST /v1/areas"), "{}", theirs.text);
        let own = open(&house, &street(), "/areas").await;
        assert!(
            own.text.contains("胜利路社区") && !own.text.contains("/areas/import"),
            "a dispatcher reads: {}",
            own.text
        );
        assert_eq!(open(&house, &administrator(), "/areas/nowhere").await.status, 404);
        assert_eq!(open(&house, &street(), "/areas/import").await.status, 403);
        let import = open(&house, &administrator(), "/areas/import").await;
        assert!(import.text.contains("data-import=\"/v1/imports/areas\""), "{}", import.text);
        let evil = json!({ "name_zh": "<script>alert(1)</script>" });
        let path = format!("/v1/areas/{CHENGDONG}-C1");
        house.call(Some(&administrator()), "PATCH", &path, Some(evil), &[]).await.expect(200);
        assert!(!open(&house, &administrator(), &compound).await.text.contains("<script>alert"));
    })
    .await;
}
