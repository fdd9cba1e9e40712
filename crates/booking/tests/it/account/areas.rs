//! Areas are given within the organisation's own: nobody types himself into a street.

use std::collections::BTreeMap;

use chrono::{Days, NaiveDate};
use sanbao_booking::account::area::{lay, lies_in, place_unplaced};
use sanbao_platform::id::uuid_v7;
use sanbao_platform::on;
use sanbao_platform::testing::{Neighbour, on_both};
use serde_json::{Value, json};

use crate::account::kit::Site;

async fn tell(site: &Site, needs: &Neighbour, kind: &str, data: Value) {
    needs.tell(site.clock.now(), kind, uuid_v7(site.clock.now()), &data).await;
    site.catch_up(needs).await;
}

/// The areas that a new token of somebody says.
async fn areas_of(site: &Site, login: &str) -> Vec<String> {
    let token = site.token(login).await;
    site.deps.keys.verify_access(site.clock.now(), &token).unwrap().areas
}

#[tokio::test]
async fn an_account_has_only_areas_that_lie_in_its_organisations_own() {
    on_both(|engine| async move {
        let site = Site::open(&engine).await;
        let admin = site.token("admin").await;
        let agency = site.network.agency;
        let chief = site.newcomer(&admin, agency, "agency.chief", json!({ "roles": ["administrator"] })).await;
        let account = format!("/v1/accounts/{}", site.account("dispatcher"));
        let own = json!({ "areas": ["330211001"] });
        site.api(&chief, "PATCH", &account, own).await.checked(200);
        for stolen in ["330211002", "330211", "330211001099"] {
            let more = json!({ "areas": [stolen] });
            let refused = site.api(&chief, "PATCH", &account, more.clone()).await.refused(422, "invalid").body;
            assert_eq!(refused["errors"][0]["pointer"], "/areas", "{stolen}");
            let new = json!({ "login": "spy", "display_name": "x",
                "roles": ["dispatcher"], "areas": [stolen] });
            site.api(&chief, "POST", &format!("/v1/organisations/{agency}/accounts"), new)
                .await
                .refused(422, "invalid");
        }
        // A care home that lies in a community gives nothing of the street around it.
        let up = json!({ "areas": ["330211001"] });
        let nurse = format!("/v1/accounts/{}", site.account("nurse"));
        site.api(&admin, "PATCH", &nurse, up).await.refused(422, "invalid");
    })
    .await;
}

#[tokio::test]
async fn an_organisation_without_an_area_has_none_to_give() {
    on_both(|engine| async move {
        let site = Site::open(&engine).await;
        let admin = site.token("admin").await;
        let new = json!({ "kind": "home_care_agency", "name_zh": "远方", "name_en": "Far" });
        let made = site.api(&admin, "POST", "/v1/organisations", new).await.expect(201);
        let path = format!("/v1/organisations/{}/accounts", made["id"].as_str().unwrap());
        let spy = json!({ "login": "spy", "display_name": "x",
            "roles": ["dispatcher"], "areas": ["330211001"] });
        site.api(&admin, "POST", &path, spy).await.refused(422, "invalid");
    })
    .await;
}

#[tokio::test]
async fn the_mirror_follows_the_tree_from_the_day_that_is_said() {
    on_both(|engine| async move {
        let site = Site::open(&engine).await;
        let needs = Neighbour::new(&engine, "needs-analysis", "needs_analysis").await;
        let admin = site.token("admin").await;
        let desk = format!("/v1/accounts/{}", site.account("desk"));
        let grid = json!({ "areas": ["330211001002-C1"] });
        site.api(&admin, "PATCH", &desk, grid.clone()).await.refused(422, "invalid");
        for (code, level, parent) in
            [("330211001002", "community", "330211001"), ("330211001002-C1", "compound", "330211001002")]
        {
            let data = json!({ "code": code, "level": level, "name_zh": code, "name_en": null,
                "parent": parent, "from": "2000-01-01" });
            tell(&site, &needs, "needs.area.added", data.clone()).await;
            tell(&site, &needs, "needs.area.added", data).await;
        }
        site.api(&admin, "PATCH", &desk, grid.clone()).await.checked(200);
        // The community lies in another street from the day after tomorrow on.
        let moved = json!({ "code": "330211001002", "parent": "330211002", "from": "2026-11-25" });
        tell(&site, &needs, "needs.area.moved", moved).await;
        site.api(&admin, "PATCH", &desk, grid.clone()).await.checked(200);
        assert_eq!(areas_of(&site, "desk").await, ["330211001002-C1"]);
        site.minutes_pass(2 * 24 * 60);
        let admin = site.token("admin").await;
        site.api(&admin, "PATCH", &desk, grid).await.refused(422, "invalid");
        // It was given before, and counts no more.
        assert_eq!(areas_of(&site, "desk").await, Vec::<String>::new());
    })
    .await;
}

#[tokio::test]
async fn the_mirror_takes_an_areas_other_name() {
    on_both(|engine| async move {
        let site = Site::open(&engine).await;
        let needs = Neighbour::new(&engine, "needs-analysis", "needs_analysis").await;
        let named =
            |name: &str| json!({ "code": "330211001002", "level": "community", "name_zh": name, "name_en": null });
        let mut added = named("旧名");
        (added["parent"], added["from"]) = (json!("330211001"), json!("2000-01-01"));
        tell(&site, &needs, "needs.area.added", added).await;
        tell(&site, &needs, "needs.area.renamed", named("新名")).await;
        let mut conn = site.deps.db.read().await.unwrap();
        let names: Vec<String> =
            on!(conn, |c| sqlx::query_scalar("select name_zh from area where code = '330211001002'")
                .fetch_all(c)
                .await)
            .unwrap();
        assert_eq!(names, ["新名"]);
    })
    .await;
}

/// Under what each area was laid, and from which day on.
type Laid = BTreeMap<(usize, NaiveDate), usize>;

/// Whether an area lies in another on a day, by going up one by one.
fn goes_up_to(laid: &Laid, area: usize, top: usize, on: NaiveDate) -> bool {
    let parent = |area| laid.range((area, NaiveDate::MIN)..=(area, on)).next_back().map(|(_, parent)| *parent);
    std::iter::successors(parent(area), |up| parent(*up)).any(|up| up == top)
}

#[tokio::test]
async fn an_area_lies_where_the_last_move_before_a_day_has_laid_it() {
    on_both(|engine| async move {
        let site = Site::open(&engine).await;
        let code = |area: usize| format!("L{}-{area}", area / 4);
        let day = |n: usize| NaiveDate::from_ymd_opt(2026, 1, 1).unwrap() + Days::new(n as u64);
        let mut laid = Laid::new();
        let mut tx = site.deps.db.begin().await.unwrap();
        // Areas of six levels, four of each, laid into one of the level above: in any order, and again and again.
        for step in 0..120_usize {
            let mixed = step.wrapping_mul(2_654_435_761) >> 5;
            let (area, from) = (4 + mixed % 20, day(mixed / 20 % 9));
            let parent = (area / 4 - 1) * 4 + mixed / 180 % 4;
            lay(&mut tx, &code(area), &code(parent), from).await.unwrap();
            laid.insert((area, from), parent);
        }
        tx.commit().await.unwrap();
        let mut conn = site.deps.db.read().await.unwrap();
        let mut within = 0;
        for (area, top) in (0..24).flat_map(|area| (0..24).map(move |top| (area, top))).filter(|(a, t)| a != t) {
            for on in (0..10).map(day) {
                let found = lies_in(&mut conn, &code(area), &code(top), on).await.unwrap();
                assert_eq!(found, goes_up_to(&laid, area, top, on), "{area} in {top} on {on}");
                within += usize::from(found);
            }
        }
        assert!(within > 300, "{within}");
    })
    .await;
}

#[tokio::test]
async fn what_a_process_of_the_release_before_has_laid_is_found_and_followed() {
    const LAID: &str = "insert into area_parent (child, parent, valid_from) values ($1, $2, $3)";
    on_both(|engine| async move {
        let site = Site::open(&engine).await;
        let day = |text: &str| text.parse::<NaiveDate>().unwrap();
        let db = &site.deps.db;
        place_unplaced(db).await.unwrap();
        let mut tx = db.begin().await.unwrap();
        lay(&mut tx, "c", "s", day("2026-01-01")).await.unwrap();
        lay(&mut tx, "g", "c", day("2026-01-01")).await.unwrap();
        for (child, parent, from) in [("b", "g", "2026-01-01"), ("c", "t", "2026-03-01")] {
            on!(tx, |c| sqlx::query(LAID).bind(child).bind(parent).bind(day(from)).execute(c).await.map(drop)).unwrap();
        }
        tx.commit().await.unwrap();
        assert_eq!(place_unplaced(db).await.unwrap(), 2);
        assert_eq!(place_unplaced(db).await.unwrap(), 0);
        let mut conn = db.read().await.unwrap();
        for (code, top, on, lies) in
            [("b", "s", "2026-02-28", true), ("b", "s", "2026-03-01", false), ("b", "t", "2026-03-01", true)]
        {
            assert_eq!(lies_in(&mut conn, code, top, day(on)).await.unwrap(), lies, "{code} {top} {on}");
        }
    })
    .await;
}
