//! Every page by the rules of axe (WCAG 2.1, levels A and AA), and on a phone without scrolling sideways. The pages are found as people
//! find them: by the navigation of each role, and by the links on what is open.

use std::collections::{BTreeMap, BTreeSet};

use sanbao::compose;
use sanbao_platform::clock::Clock;
use sanbao_platform::testing;
use serde_json::{Value, json};

use crate::common::chromium::Browser;
use crate::common::{self, Served, flow};

/// Everybody with pages of their own.
const LOGINS: &[&str] =
    &["", "nurse", "doctor", "dispatcher", "desk", "caregiver", "analyst", "grid", "community", "admin", "director"];
/// Pages that nothing on a page leads to, with somebody who opens them.
const OPENED: &[(&str, &str)] = &[
    ("", "/login"),
    ("", "/setup"),
    ("", "/offers"),
    ("", "/setup/account"),
    ("", "/help"),
    ("", "/problems"),
    ("", "/verify"),
    ("", "/ask/follow"),
    ("nurse", "/session/pin"),
    ("nurse", "/consults/new"),
    ("admin", "/needs/audit"),
    ("admin", "/practitioners"),
];
/// Pages that are no pages for people, or show nothing without what went before.
const NOT_LOOKED_AT: &[&str] = &[
    "/",
    "/admin/qr",
    "/consults/events",
    "/consults/times",
    "/consults/{id}/status",
    "/consults/{id}/summary",
    "/emergency-accesses/events",
    "/emergency-accesses/{id}",
    "/guest",
    "/offers/open",
    "/persons/{id}/export/part",
    "/requests/areas",
    "/requests/calls",
    "/requests/export/part",
    "/requests/part",
    "/session",
    "/session/lock",
    "/session/press",
    "/session/refresh",
    "/session/renew",
    "/session/second-factor",
    "/setup/account/open",
    "/setup/open",
    "/transfers/events",
];
/// The rules that a page breaks, each with the elements that break it.
const CHECK: &str = "const [done] = arguments;
    axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa'], resultTypes: ['violations'],
        // Nothing that is checked asks for the style sheets once more.
        preload: false, elementRef: false })
        .then((found) => done(found.violations.map((v) => `${v.id}: ${v.nodes.map((n) => n.target.join(' ')).slice(0, 3).join(' | ')}`)),
            (e) => done([String(e)]))";
const LINKS: &str = "return [...document.querySelectorAll('header nav a, main a')].map((a) => a.getAttribute('href'))
    .filter((to) => to && to.startsWith('/') && !to.startsWith('/v1') && !to.startsWith('/language') && !to.startsWith('/room'))";
/// Pages of one pattern that one person looks at.
const ALIKE_MAX: usize = 1;

/// The pattern of a service that an address is of; ids and codes stand for any.
fn pattern(patterns: &BTreeSet<&'static str>, address: &str) -> Option<&'static str> {
    let path = address.split(['?', '#']).next().unwrap_or_default();
    if let Some(exact) = patterns.get(path) {
        return Some(exact);
    }
    let parts: Vec<&str> = path.split('/').collect();
    let fits = |pattern: &str| {
        let own: Vec<&str> = pattern.split('/').collect();
        own.len() == parts.len() && own.iter().zip(&parts).all(|(own, part)| own.starts_with('{') || own == part)
    };
    patterns.iter().copied().find(|pattern| fits(pattern))
}

/// Everything that was looked at, and what was wrong with it.
struct Look {
    browser: Browser,
    axe: String,
    patterns: BTreeSet<&'static str>,
    seen: BTreeSet<&'static str>,
    wrong: BTreeMap<String, Value>,
}

impl Look {
    /// The rules that the page breaks.
    async fn check(&self) -> Value {
        self.browser.run(&self.axe).await;
        self.browser.run_async(CHECK, json!([])).await
    }

    /// Opens a page, and checks it; the addresses that it leads to.
    async fn at(&mut self, login: &str, address: &str) -> Vec<String> {
        self.browser.goto(address).await;
        self.browser.until("document.readyState === 'complete' && document.querySelector('main')").await;
        let there = self.browser.path().await;
        self.seen.extend(pattern(&self.patterns, &there));
        let found = self.check().await;
        if found != json!([]) {
            self.wrong.insert(format!("{login} {address}"), found);
        }
        self.browser.resize(390, 844).await;
        let wide = self.browser.run("return document.documentElement.scrollWidth > window.innerWidth + 1").await;
        if wide == true {
            self.wrong.insert(format!("{login} {address} on a phone"), json!("scrolls sideways"));
        }
        self.browser.resize(1280, 900).await;
        serde_json::from_value(self.browser.run(LINKS).await).unwrap()
    }

    /// One person's way through all pages that they find.
    async fn walk(&mut self, login: &str) {
        self.browser.forget().await;
        if !login.is_empty() {
            self.browser.log_in(login).await;
        }
        let mut alike: BTreeMap<&str, usize> = BTreeMap::new();
        let mut to_see: Vec<String> =
            OPENED.iter().filter(|(who, _)| *who == login).map(|(_, path)| (*path).to_owned()).collect();
        to_see.push(if login.is_empty() { "/login" } else { "/me" }.to_owned());
        while let Some(address) = to_see.pop() {
            let Some(pattern) = pattern(&self.patterns, &address) else { continue };
            let times = alike.entry(pattern).or_default();
            if *times == ALIKE_MAX || NOT_LOOKED_AT.contains(&pattern) {
                continue;
            }
            *times += 1;
            self.seen.insert(pattern);
            to_see.extend(self.at(login, &address).await);
        }
    }
}

/// Things that the demo does not have, so that their pages are found; a request that another call may be about.
async fn more(served: &Served) -> String {
    let nurse = served.nobody().demo("nurse").await;
    for name in ["许桂兰", "许桂芝"] {
        nurse.post("/v1/persons", &json!({ "name": name, "phone": "13812345678" })).await.expect(201);
    }
    nurse.post("/v1/shift-handovers", &json!({})).await.expect(201);
    let desk = served.nobody().demo("desk").await;
    let request = desk.post("/v1/requests", &flow::new_request("想洗澡")).await.expect(201);
    let file = "编号,受理时间,区域编码,类别,姓名\nF-1,昨天,330211001001,助餐,林某\n";
    let import = desk.request("post", "/v1/imports?dry_run=false").header("content-type", "text/csv");
    desk.send(import.body(file)).await.expect(200);
    agreement(served).await;
    flow::text(&request, "/id")
}

/// The care home's administrator, with an agreement that waits for the hospital's answer.
async fn agreement(served: &Served) {
    let nobody = served.nobody();
    let [home, hospital] =
        [flow::organisation(&nobody, "care_home").await, flow::organisation(&nobody, "hospital").await];
    let new = json!({ "login": "director", "display_name": "周院长", "roles": ["administrator"] });
    let accounts = format!("/v1/organisations/{home}/accounts");
    let made = nobody.demo("admin").await.post(&accounts, &new).await.expect(201);
    let link = flow::text(&made, "/link/path");
    let (_, token) = link.split_once('#').unwrap();
    let password = json!({ "token": token, "password": sanbao_booking::account::demo::PASSWORD });
    nobody.post("/setup/account", &password).await.expect(204);
    let proposal = json!({ "with": hospital, "number": "镇医合 2026-017", "valid_from": "2031-01-01", "valid_until": "2032-12-31" });
    nobody.demo("director").await.post("/v1/affiliations", &proposal).await.expect(201);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_page_keeps_the_rules_of_axe_and_fits_a_phone() {
    let served = Served::demo(testing::sqlite()).await;
    let request = more(&served).await;
    let parts = common::parts(&testing::sqlite(), Clock::system()).await;
    let services = compose::services(&parts).unwrap();
    let around = ["/help", "/help/{guide}", "/problems", "/problems/{slug}"];
    let patterns: BTreeSet<&str> =
        services.iter().flat_map(|service| service.routes.pages.iter().copied()).chain(around).collect();
    let axe = std::fs::read_to_string(std::env::var("SANBAO_TEST_AXE").expect("run tests/run")).unwrap();
    let browser = Browser::open(&format!("http://{}", served.address)).await;
    let mut look = Look { browser, axe, patterns, seen: BTreeSet::new(), wrong: BTreeMap::new() };
    for login in LOGINS {
        look.walk(login).await;
    }
    // Which request of the list a person looks at is left to chance, and not each of them may be joined to another.
    look.browser.forget().await;
    look.browser.log_in("desk").await;
    look.at("desk", &format!("/requests/{request}/merge")).await;
    look.browser.forget().await;
    look.browser.goto("/login").await;
    look.browser.run("document.querySelector('label[for=login]').remove(); document.documentElement.lang = ''").await;
    let broken = look.check().await.to_string();
    assert!(
        broken.contains("label: #login") && broken.contains("html-has-lang"),
        "the rules find what breaks them: {broken}"
    );
    let missed: Vec<_> =
        look.patterns.iter().filter(|p| !look.seen.contains(*p) && !NOT_LOOKED_AT.contains(p)).collect();
    look.browser.close().await;
    assert!(look.wrong.is_empty(), "{:#?}", look.wrong);
    assert!(missed.is_empty(), "nobody found these pages: {missed:?}");
    served.stop().await;
}
