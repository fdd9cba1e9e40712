//! Reading counts by HTTP, as a file and as a page: what adds up, what is refused, what is hidden.

use std::ops::Deref;

use sanbao_needs_analysis::area::store::add;
use sanbao_needs_analysis::area::{Area, Level};
use sanbao_needs_analysis::request::category::Category;
use sanbao_needs_analysis::request::state::RequestStateName;
use sanbao_needs_analysis::{Config, MIGRATIONS, build};
use sanbao_platform::id::{OrganisationId, uuid_v7};
use sanbao_platform::testing::{self, Answer, Person, TestEngine, on_both};
use serde_json::{Value, json};

use crate::rollup::tree::{Request, assert_sound, clock, code, now, plant, receive};

/// The service over the planted tree.
struct Site(testing::Site);

impl Deref for Site {
    type Target = testing::Site;

    fn deref(&self) -> &testing::Site {
        &self.0
    }
}

fn person(role: &'static str, areas: &[&'static str]) -> Person {
    Person::new(uuid_v7(now()), OrganisationId::new(now()), &[role], "测试员").of_a("street_office").in_areas(areas)
}

impl Site {
    async fn open(engine: &TestEngine) -> Self {
        let deps = engine.deps("needs_analysis", &MIGRATIONS, clock()).await;
        plant(&deps.db).await;
        Self(testing::Site::of(build(Config::default(), deps.clone()), &deps))
    }

    /// The answer for the analyst of the whole street, as JSON or as a page.
    async fn read(&self, path: &str) -> Answer {
        self.call(Some(&person("analyst", &["s"])), "GET", path, None, &[("accept", "text/html,application/json")])
            .await
    }

    async fn counts(&self, query: &str) -> Value {
        self.read(&format!("/v1/needs/counts?{query}")).await.expect(200)
    }
}

/// Requests over four months: in grids, one at a compound, one at the street itself.
fn sample() -> Vec<Request> {
    use Category::{Bath, Meal, Medical};
    use RequestStateName::{Closed, Received};
    vec![
        Request::new("a-1-x", Meal, Received, "2026-08-31"),
        Request::new("a-1-x", Meal, Closed, "2026-09-01"),
        Request::new("a-1-x", Bath, Closed, "2026-09-15"),
        Request::new("a-1-y", Meal, Received, "2026-10-10"),
        Request::new("a-1", Medical, Received, "2026-10-11"),
        Request::new("a-2-x", Meal, Received, "2026-11-02"),
        Request::new("b-1-x", Meal, Closed, "2026-11-02"),
        Request::new("b-1-x", Meal, Received, "2026-11-02"),
        Request::new("s", Medical, Received, "2026-11-23"),
    ]
}

fn sum(items: &Value) -> i64 {
    items.as_array().unwrap().iter().map(|i| i["count"].as_i64().unwrap()).sum()
}

#[tokio::test]
async fn children_and_own_are_the_total_however_the_time_is_split() {
    on_both(|engine| async move {
        let site = Site::open(&engine).await;
        receive(&site.db, &sample()).await;
        for (area, period, expected) in [
            ("s", "from=2026-08-01&to=2026-11-30", 9),
            ("s", "from=2026-09-01&to=2026-11-23", 8),
            ("s", "from=2026-08-31&to=2026-11-01", 5),
            ("s", "from=2026-09-10&to=2026-09-20", 1),
            ("a", "from=2026-08-01&to=2026-11-30", 6),
            ("a-1", "from=2026-08-01&to=2026-11-30", 5),
            ("a-1-x", "from=2026-08-01&to=2026-11-30", 3),
            ("b-2", "from=2022-01-01&to=2026-11-30", 0),
        ] {
            for by in ["total", "month", "day"] {
                if by == "day" && period.starts_with("from=2022") {
                    continue;
                }
                let view = site.counts(&format!("area={area}&{period}&by={by}")).await;
                assert_eq!(view["total"], expected, "{area} {period} {by}: {view}");
                assert_eq!(sum(&view["items"]), expected, "{area} {period} {by}");
                let children = view["children"].as_array().unwrap();
                let parts: i64 = children.iter().map(|c| c["total"].as_i64().unwrap()).sum();
                assert_eq!(parts + view["own"].as_i64().unwrap(), expected, "{area} {period} {by}");
                assert!(children.iter().all(|c| sum(&c["by_category"]) == c["total"].as_i64().unwrap()));
            }
        }
        let view = site.counts("area=s&from=2026-08-01&to=2026-11-30&by=month").await;
        assert_eq!(view["own"], 1);
        let totals: Vec<_> =
            view["children"].as_array().unwrap().iter().map(|c| (&c["area"]["code"], &c["total"])).collect();
        assert_eq!(json!(totals), json!([["a", 6], ["b", 2]]));
        assert_eq!(view["items"][0], json!({"period": "2026-08", "category": "meal", "state": "received", "count": 1}));
        let meals = site.counts("area=s&from=2026-08-01&to=2026-11-30&category=meal&state=closed").await;
        assert_eq!((&meals["total"], &meals["items"][0]["period"]), (&json!(2), &json!("2026-08-01/2026-11-30")));
    })
    .await;
}

#[tokio::test]
async fn an_area_that_moved_takes_its_days_with_it() {
    on_both(|engine| async move {
        let site = Site::open(&engine).await;
        receive(&site.db, &sample()).await;
        let to = json!({"parent": "b-1", "from": "2026-09-10"});
        site.post(&person("administrator", &["s"]), "/v1/areas/a-1-x/move", to).await.expect(200);
        assert_sound(&site.db).await;
        let period = "from=2026-08-01&to=2026-11-30";
        for by in ["total", "month", "day"] {
            // Of its three requests the last was received after the move.
            let old = site.counts(&format!("area=a-1&{period}&by={by}")).await;
            let new = site.counts(&format!("area=b-1&{period}&by={by}")).await;
            assert_eq!([&old["total"], &new["total"]], [4, 3], "{by}");
            for view in [old, new] {
                let child = view["children"].as_array().unwrap().iter().find(|c| c["area"]["code"] == "a-1-x").unwrap();
                let expected = if view["area"]["code"] == "a-1" { 2 } else { 1 };
                assert_eq!(child["total"], expected, "{by}: {view}");
                let parts: i64 =
                    view["children"].as_array().unwrap().iter().map(|c| c["total"].as_i64().unwrap()).sum();
                assert_eq!(parts + view["own"].as_i64().unwrap(), view["total"].as_i64().unwrap());
            }
        }
        assert_eq!(site.counts(&format!("area=s&{period}")).await["total"], 9);
    })
    .await;
}

#[tokio::test]
async fn what_is_not_the_callers_is_not_there() {
    on_both(|engine| async move {
        let site = Site::open(&engine).await;
        receive(&site.db, &sample()).await;
        for path in ["/v1/needs/counts", "/v1/needs/counts.csv", "/needs"] {
            let of = |area: &str| format!("{path}?area={area}&from=2026-08-01&to=2026-11-30");
            for (role, scope, area, expected) in [
                ("analyst", "s", "s", 200),
                ("analyst", "a", "a-1-x", 200),
                ("dispatcher", "a", "a-1", 200),
                ("administrator", "s", "b", 200),
                ("analyst", "a", "s", 404),
                ("analyst", "a", "b-1", 404),
                ("dispatcher", "a-1-x", "a-1", 404),
                ("analyst", "s", "nowhere", 404),
                ("analyst", "nowhere", "nowhere", 404),
                ("doctor", "s", "s", 404),
                ("caregiver", "s", "s", 404),
                ("care_staff", "s", "s", 404),
                ("root", "s", "s", 404),
            ] {
                let status = site.get(&person(role, &[scope]), &of(area)).await.status;
                assert_eq!(status, expected, "{path} {role} {scope} {area}");
            }
            let stranger = site.call(None, "GET", &of("s"), None, &[("accept", "text/html,application/json")]).await;
            assert_eq!(stranger.status, if path == "/needs" { 303 } else { 401 });
        }
        let nobody = person("analyst", &[]);
        site.get(&nobody, "/v1/needs/counts?area=s").await.expect(404);
        let page = site.page(&nobody, "/needs").await.checked(200);
        assert!(page.text.contains("还没有负责的区域"));
    })
    .await;
}

#[tokio::test]
async fn a_question_out_of_bounds_is_told_where() {
    on_both(|engine| async move {
        let site = Site::open(&engine).await;
        for (query, pointer) in [
            ("from=2026-01-01", "?area"),
            ("area=s&from=2026-02-01&to=2026-01-01", "?to"),
            ("area=s&from=2020-01-01&to=2025-01-01", "?to"),
            ("area=s&from=2025-01-01&to=2026-01-02&by=day", "?by"),
            ("area=s&from=0001-01-01&to=0001-02-01", "?from"),
            ("area=s&from=yesterday", "?from"),
            ("area=s&by=hour", "?by"),
            ("area=s&category=dog", "?category"),
            ("area=s&state='%20or%201=1", "?state"),
            ("area=%3Cb%3E", "?area"),
        ] {
            let told = site.read(&format!("/v1/needs/counts?{query}")).await;
            let first = told.body["errors"][0]["pointer"].as_str();
            assert_eq!((told.status.as_u16(), first), (422, Some(pointer)), "{query}: {}", told.text);
        }
        // A form's empty fields are open ones.
        let view = site.counts("area=s&from=&to=&by=&category=&state=").await;
        assert_eq!([&view["from"], &view["to"], &view["by"]], ["2026-09-01", "2026-11-23", "total"]);
    })
    .await;
}

#[tokio::test]
async fn a_file_adds_up_opens_as_text_and_is_on_record() {
    on_both(|engine| async move {
        let site = Site::open(&engine).await;
        let name = "=HYPERLINK(\"http://x\")";
        let mut tx = site.db.begin().await.unwrap();
        let area = Area { code: code("evil"), level: Level::Street, name_zh: name.into(), name_en: None };
        add(&mut tx, now(), &area, None).await.unwrap();
        tx.commit().await.unwrap();
        receive(&site.db, &sample()).await;
        receive(&site.db, &[Request::new("evil", Category::Meal, RequestStateName::Received, "2026-11-01")]).await;
        let file =
            site.read("/v1/needs/counts.csv?area=s&from=2026-08-01&to=2026-11-30&by=month").await.checked(200).text;
        assert!(file.starts_with("\u{feff}区域编码,区域,时间,"), "{file}");
        let rows: Vec<Vec<&str>> = file.lines().skip(1).map(|l| l.split(',').collect()).collect();
        assert_eq!(rows.iter().map(|r| r[7].parse::<i64>().unwrap()).sum::<i64>(), 9);
        assert!(rows.iter().any(|r| r[..5] == ["s", "s区（未细分）", "2026-11", "medical", "助医"]), "{file}");
        let file = site.get(&person("analyst", &["evil"]), "/v1/needs/counts.csv?area=evil").await.text;
        assert!(file.contains("evil,\"'=HYPERLINK"), "{file}");
        let records =
            "select count(*) from audit where action = 'needs.export' and resource_kind like 'needs counts %'";
        assert_eq!(site.count(records).await, 2);
    })
    .await;
}

#[tokio::test]
async fn the_page_draws_what_is_there_without_script_or_inline_style() {
    on_both(|engine| async move {
        let site = Site::open(&engine).await;
        receive(&site.db, &sample()).await;
        let page = site.read("/needs").await.checked(200).text;
        for part in [
            "<svg",
            "按类别",
            "按下级区域",
            "每月受理",
            "助餐",
            "内部数据，不得外传",
            "counts.csv?area=s&amp;from=2026-09-01",
        ] {
            assert!(page.contains(part), "{part}");
        }
        assert!(!page.contains("style="), "the content security policy allows no inline style");
        assert_eq!(page.matches("<script").count(), 1, "only the frame's own");
        assert!(page.len() < 60 * 1024, "{} bytes", page.len());
        std::fs::write(format!("{}/needs.html", env!("CARGO_TARGET_TMPDIR")), &page).unwrap();

        let sorted = site.read("/needs?from=2026-08-01&to=2026-11-30&sort=total&order=ascending").await.text;
        let table = sorted.split("id=\"table\"").nth(1).unwrap();
        let place = |text: &str| table.find(text).unwrap_or_else(|| panic!("{text} in {table}"));
        assert!(place(">本级（未细分）<") < place(">b区<") && place(">b区<") < place(">a区<"));
        assert!(table.contains("aria-sort=\"ascending\""));

        let inner = site.page(&person("analyst", &["a"]), "/needs?area=a-1").await.text;
        assert!(inner.contains("<a href=\"/needs?area=a&amp;"), "what is the actor's own can be gone up to");
        assert!(!inner.contains("/needs?area=s&amp;"), "what lies above it cannot");

        let wrong = site.read("/needs?area=s&from=2026-02-01&to=2026-01-01").await.checked(200).text;
        assert!(wrong.contains("结束日期早于开始日期") && wrong.contains("value=\"2026-02-01\""), "{wrong}");
        let empty = site.read("/needs?area=b-2").await.text;
        assert!(empty.contains("这段时间没有符合条件的需求"));
        let hostile = site.read("/needs?area=s&sort=%3Cscript%3E&order=%22%3E").await.text;
        assert_eq!(hostile.matches("<script").count(), 1);
    })
    .await;
}
