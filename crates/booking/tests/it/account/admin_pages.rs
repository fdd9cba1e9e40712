//! The administrator's pages: what is missing, accounts with areas by name, rooms, and what is known of an organisation.

use sanbao_booking::account::setup;
use sanbao_platform::clock::Clock;
use sanbao_platform::testing::{Neighbour, on_both};
use serde_json::{Value, json};

use crate::account::kit::{Browser, Site, token_of};

/// The part of a page from a mark on.
fn from<'a>(page: &'a str, mark: &str) -> &'a str {
    page.split_once(mark).unwrap_or_else(|| panic!("no {mark} in {page}")).1
}

async fn id_of(site: &Site, token: &str, organisation: impl std::fmt::Display, login: &str) -> String {
    let path = format!("/v1/organisations/{organisation}/accounts?limit=200");
    let list = site.get(token, &path).await.expect(200);
    let found = list["items"].as_array().unwrap().iter().find(|a| a["login"] == login).unwrap();
    found["id"].as_str().unwrap().to_owned()
}

/// The tree tells a community of the demo's street and its names.
async fn name_areas(site: &Site, engine: &sanbao_platform::testing::TestEngine) {
    let needs = Neighbour::new(engine, "needs-analysis", "needs_analysis").await;
    for (code, level, name, parent) in [
        ("330211001", "street", "招宝山街道", None),
        ("330211001001", "community", "总浦桥社区", Some("330211001")),
        ("330211001001-C1", "compound", "一号小区", Some("330211001001")),
    ] {
        let data = json!({ "code": code, "level": level, "name_zh": name, "name_en": null, "parent": parent,
            "from": parent.map(|_| "2000-01-01") });
        let now = site.clock.now();
        needs.tell(now, "needs.area.added", sanbao_platform::id::uuid_v7(now), &data).await;
    }
    site.catch_up(&needs).await;
}

#[tokio::test]
async fn an_account_is_given_areas_by_their_names() {
    on_both(|engine| async move {
        let site = Site::open(&engine).await;
        name_areas(&site, &engine).await;
        let mut browser = Browser::new();
        browser.log_in(&site, "admin").await;
        let page = browser.open(&site, "/admin").await.checked(200).text;
        let desk = format!("/admin/accounts/{}", site.account("desk"));
        assert!(page.contains(&format!("href=\"{desk}\"")) && page.contains("招宝山街道"), "{page}");
        let add = from(&page, "id=\"add\"");
        assert!(add.contains("整个招宝山街道") && add.contains("总浦桥社区"), "a new account is given areas too");
        assert!(!add.contains("一号小区"), "what is smaller is not in the list");
        let form = browser.open(&site, &desk).await.checked(200).text;
        let call = format!("data-send=\"PATCH /v1/accounts/{}\"", site.account("desk"));
        assert!(form.contains(&call) && form.contains("data-version=\"1\""), "{form}");
        assert!(form.contains("value=\"石清扬\"") && form.contains("value=\"dispatcher\" data-list checked"), "{form}");
        assert!(form.contains("value=\"330211001\" data-list checked"), "{form}");
        assert!(form.contains("value=\"330211001001\" data-list>"), "{form}");
        let change = json!({ "display_name": "石清扬", "roles": ["dispatcher"], "areas": ["330211001001"] });
        let path = format!("/v1/accounts/{}", site.account("desk"));
        browser.script(&site, "PATCH", &path, change).await.checked(200);
        let page = browser.open(&site, "/admin").await.checked(200).text;
        assert!(page.contains("总浦桥社区</td>"), "{page}");
        // Nobody else's account opens.
        let mut nurse = Browser::new();
        nurse.log_in(&site, "nurse").await;
        nurse.open(&site, &desk).await.checked(404);
        let own = format!("/admin/accounts/{}", site.account("nurse"));
        nurse.open(&site, &own).await.checked(403);
    })
    .await;
}

#[tokio::test]
async fn rooms_and_what_is_known_of_an_organisation_have_their_forms() {
    on_both(|engine| async move {
        let site = Site::open(&engine).await;
        name_areas(&site, &engine).await;
        let (mut browser, home) = (Browser::new(), site.network.care_home);
        browser.log_in(&site, "admin").await;
        let page = browser.open(&site, &format!("/admin?organisation={home}")).await.checked(200).text;
        let rooms = from(&page, "id=\"rooms\"");
        let room = site.network.rooms[0];
        for part in [
            format!("data-send=\"PATCH /v1/locations/{room}\""),
            format!("data-send=\"POST /v1/locations/{room}/close\""),
            format!("data-send=\"POST /v1/organisations/{home}/locations\""),
        ] {
            assert!(rooms.contains(&part), "{part}: {rooms}");
        }
        browser.script(&site, "POST", &format!("/v1/locations/{room}/close"), Value::Null).await.checked(200);
        let page = browser.open(&site, &format!("/admin?organisation={home}")).await.checked(200).text;
        assert!(page.contains("已停用") && page.contains(&format!("/v1/locations/{room}/reopen")), "{page}");
        let known = browser.open(&site, &format!("/admin/organisations/{home}")).await.checked(200).text;
        assert!(known.contains(&format!("data-send=\"PATCH /v1/organisations/{home}\"")), "{known}");
        assert!(known.contains("<select id=\"area_code\"") && known.contains("总浦桥社区"), "by name: {known}");
        assert!(known.contains("id=\"same-name\" hidden"), "the question waits until a name exists");
        let admin = site.token("admin").await;
        site.newcomer(&admin, home, "home.chief", json!({ "roles": ["administrator"] })).await;
        let mut chief = Browser::new();
        let fields = [("login", "home.chief"), ("password", "correct horse"), ("next", "/")];
        chief.form(&site, "/session", &fields).await.checked(303);
        let own = chief.open(&site, &format!("/admin/organisations/{home}")).await.checked(200).text;
        assert!(own.contains("所在区域：总浦桥社区") && !own.contains("name=\"area_code\""), "{own}");
        chief.open(&site, &format!("/admin/organisations/{}", site.network.hospital)).await.checked(404);
        let office = format!("/admin/organisations/{}", site.network.street_office);
        assert!(browser.open(&site, &office).await.checked(200).text.contains("name=\"area_code\""));
    })
    .await;
}

/// What the check list still asks for, by the words of its links.
async fn missing(site: &Site, browser: &mut Browser) -> Vec<String> {
    let page = browser.open(site, "/admin").await.checked(200).text;
    let check = from(&page, "id=\"check\"").split_once("</section>").unwrap().0.to_owned();
    let links = check.split("<li><a href=").skip(1);
    links.map(|link| link.split(['>', '<']).nth(1).unwrap().to_owned()).collect()
}

#[tokio::test]
async fn the_check_list_ticks_only_what_is_there() {
    on_both(|engine| async move {
        let clock = Clock::manual(crate::account::kit::morning());
        let deps = engine.deps("booking", &sanbao_booking::MIGRATIONS, clock.clone()).await;
        let link = setup::issue_link(&deps.db, &clock).await.unwrap();
        let site = Site::empty(&deps, clock);
        let mut browser = Browser::new();
        let fields = [
            ("token", &*link),
            ("name_zh", "招宝山街道办事处"),
            ("area_code", "330211001"),
            ("login", "first"),
            ("display_name", "高海平"),
            ("password", "correct horse"),
            ("again", "correct horse"),
        ];
        let next = browser.form(&site, "/setup", &fields).await.checked(303);
        assert_eq!(next.header("location"), "/login?next=/admin");
        let fields = [("login", "first"), ("password", "correct horse"), ("next", "/admin")];
        browser.form(&site, "/session", &fields).await.checked(303);
        let page = browser.open(&site, "/admin").await.checked(200).text;
        assert!(page.contains("还差 7 步就能会诊") && page.contains("还差 3 步就能受理需求"), "{page}");
        assert!(page.contains("还差 3 步就能上门") && page.contains("已完成 2 步"), "{page}");

        let admin = site.access("first", "correct horse").await;
        let make = async |new: Value| {
            let made = site.api(&admin, "POST", "/v1/organisations", new).await.expect(201);
            made["id"].as_str().unwrap().to_owned()
        };
        let add = async |organisation: &str, login: &str, role: &str, areas: &[&str]| {
            let new = json!({ "login": login, "display_name": "某人", "roles": [role], "areas": areas });
            let path = format!("/v1/organisations/{organisation}/accounts");
            let made = site.api(&admin, "POST", &path, new).await.expect(201);
            site.choose(&made["link"], "correct horse").await;
            assert!(!token_of(&made["link"]).is_empty());
        };
        let here = json!("330211001");
        let home = make(json!({ "kind": "care_home", "name_zh": "安和怡养院", "area_code": here })).await;
        let hospital = make(json!({ "kind": "hospital", "name_zh": "海滨医院", "area_code": here })).await;
        let agency = make(json!({ "kind": "home_care_agency", "name_zh": "邻里到家", "area_code": here })).await;
        add(&home, "nurse", "care_staff", &[]).await;
        add(&hospital, "doctor", "doctor", &[]).await;
        add(&agency, "plan", "dispatcher", &[]).await;
        add(&agency, "visit", "caregiver", &[]).await;
        let rooms = format!("/v1/organisations/{home}/locations");
        let room = site.api(&admin, "POST", &rooms, json!({ "name": "会诊室" })).await.expect(201);
        let left = missing(&site, &mut browser).await;
        assert_eq!(left.len(), 4, "hours, a resident, communities, a dispatcher with an area: {left:?}");
        // A dispatcher without an area, a doctor without hours and a closed room are not enough.
        let office = id_of_office(&site, &admin).await;
        add(&office, "desk", "dispatcher", &[]).await;
        let close = format!("/v1/locations/{}/close", room["id"].as_str().unwrap());
        site.api(&admin, "POST", &close, Value::Null).await.checked(200);
        assert_eq!(missing(&site, &mut browser).await.len(), 5);
        site.api(&admin, "POST", &close.replace("/close", "/reopen"), Value::Null).await.checked(200);
        let desk = format!("/v1/accounts/{}", id_of(&site, &admin, &office, "desk").await);
        site.api(&admin, "PATCH", &desk, json!({ "areas": ["330211001"] })).await.checked(200);
        let nurse = site.access("nurse", "correct horse").await;
        site.api(&nurse, "POST", "/v1/persons", json!({ "name": "陈桂香" })).await.checked(201);
        assert_eq!(missing(&site, &mut browser).await.len(), 2);
        let chief = site.newcomer(&admin, &hospital, "chief", json!({ "roles": ["administrator"] })).await;
        let doctor = format!("/v1/practitioners/{}", id_of(&site, &admin, &hospital, "doctor").await);
        let known = json!({ "specialty": "geriatrics", "specialty_zh": "老年科", "specialty_en": "Geriatrics",
            "title": "chief", "licence_no": "1" });
        site.api(&chief, "PUT", &doctor, known).await.checked(200);
        assert_eq!(missing(&site, &mut browser).await.len(), 2, "known, and without hours");
        let week = json!({ "weekly": [{ "weekday": 1, "start": "09:00", "end": "11:00", "slot_minutes": 30,
            "valid_from": "2026-11-01" }] });
        site.api(&chief, "PUT", &format!("{doctor}/hours"), week).await.checked(200);
        name_areas(&site, &engine).await;
        let page = browser.open(&site, "/admin").await.checked(200).text;
        assert!(page.contains("会诊已准备好") && page.contains("受理需求已准备好"), "{page}");
        assert!(page.contains("上门服务已准备好") && !page.contains("还差"), "{page}");
    })
    .await;
}

async fn id_of_office(site: &Site, token: &str) -> String {
    let list = site.get(token, "/v1/organisations").await.expect(200);
    let found = list["items"].as_array().unwrap().iter().find(|o| o["kind"] == "street_office").unwrap();
    found["id"].as_str().unwrap().to_owned()
}
