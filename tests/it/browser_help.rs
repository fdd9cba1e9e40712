//! The pictures of the help sheets, taken in a real browser, and the words that the sheets quote.
//!
//! With `SANBAO_TAKE_PICTURES` set the pictures are written anew. Without, each page must still have the words that its picture shows,
//! so that no sheet shows a page as it no longer is.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use sanbao::help::{GUIDES, PICTURES};
use sanbao_platform::testing;
use serde_json::{Value, json};

use crate::common::chromium::Browser;
use crate::common::{Served, flow};

/// A page that a guide leans on.
struct Page {
    name: &'static str,
    login: &'static str,
    path: &'static str,
    /// The link to press there: the text that it has, or that its row has.
    to: Option<&'static str>,
    /// The part of it that is shown; without, only its words are wanted.
    clip: Option<&'static str>,
    width: u32,
}

const PHONE: u32 = 390;
const TABLET: u32 = 720;

const fn words(name: &'static str, login: &'static str, path: &'static str) -> Page {
    Page { name, login, path, to: None, clip: None, width: TABLET }
}

const fn shown(name: &'static str, login: &'static str, path: &'static str, clip: &'static str) -> Page {
    Page { name, login, path, to: None, clip: Some(clip), width: TABLET }
}

const fn behind(
    name: &'static str,
    login: &'static str,
    path: &'static str,
    to: &'static str,
    clip: &'static str,
) -> Page {
    Page { name, login, path, to: Some(to), clip: Some(clip), width: TABLET }
}

/// The look before a room, without the check of a line that a test does not have.
const PREJOIN: &str = "#prejoin > h1, #prejoin > .preview, #prejoin > .field, #prejoin > .switches, #enter";

const PAGES: &[Page] = &[
    shown("next-consult", "nurse", "/consults", ".row.next"),
    behind("prejoin", "nurse", "/consults", "进入会诊", PREJOIN),
    behind("guests", "nurse", "/consults", "陈桂香", "#guests"),
    words("new-consult", "nurse", "/consults/new"),
    words("consults", "nurse", "/consults"),
    behind("feedback", "nurse", "/consults", "李秀英", ".card.next"),
    shown("doctor-next", "doctor", "/consults", ".row.next"),
    behind("doctor-answer", "doctor", "/consults", "王德福", ".card.next"),
    words("doctor-consults", "doctor", "/consults"),
    words("doctor-hours", "doctor", "/practitioners"),
    shown("desk-new", "desk", "/requests/new", "form.narrow"),
    words("desk", "desk", "/requests"),
    behind("desk-classify", "desk", "/requests", "林某兰", ".card.next form"),
    behind("desk-dispatch", "desk", "/requests", "已分类", ".card.next form"),
    shown("visits", "dispatcher", "/visits", "#visits"),
    words("look-up", "dispatcher", "/persons"),
    behind("send-back", "dispatcher", "/requests", "已接单", ".card.next"),
    Page { width: PHONE, ..shown("today", "caregiver", "/visits/today", "#today .card") },
    Page { width: PHONE, ..words("at-work", "caregiver.tao", "/visits/today") },
    shown("needs-period", "analyst", "/needs", "main > nav, main > form.toolbar"),
    words("needs-table", "analyst", "/needs"),
    shown("needs-total", "analyst", "/needs", ".card.spread"),
    shown("check", "admin", "/admin", "#check"),
    words("add-account", "admin", "/admin"),
    shown("accounts", "admin", "/admin", "main > .scroll"),
    words("audit", "admin", "/audit"),
    Page { width: PHONE, ..shown("family-prejoin", "", "", PREJOIN) },
];

/// The words of controls and headings among the visible elements under some. The elders of the demo, 某, come in another order each time.
const WORDS: &str = "const seen = new Set();
    const named = 'h1, h2, h3, legend, label, button, a.button, nav a, thead th, summary, caption, figcaption';
    for (const root of document.querySelectorAll(arguments[0])) for (const e of [root, ...root.querySelectorAll('*')]) {
        if (!e.matches(named)) continue;
        if (e.getClientRects().length === 0) continue;
        const text = e.innerText.replace(/[0-9]+/g, '').replace(/\\s+/g, ' ').trim();
        if (text && !text.includes('某')) seen.add(text);
    }
    return [...seen].sort()";
/// The rectangle around the visible elements of a selector, or around the first alone.
const AROUND: &str = "window.scrollTo(0, 0);
    const all = [...document.querySelectorAll(arguments[0])].filter((e) => e.getClientRects().length > 0);
    const boxes = (arguments[0].includes(',') ? all : all.slice(0, 1)).map((e) => e.getBoundingClientRect());
    const x = Math.min(...boxes.map((b) => b.left)), y = Math.min(...boxes.map((b) => b.top));
    return { x: x - 2, y: y - 2, scale: 1, width: Math.max(...boxes.map((b) => b.right)) - x + 4,
        height: Math.max(...boxes.map((b) => b.bottom)) - y + 4 }";
const FOLLOW: &str = "const text = arguments[0];
    const own = [...document.querySelectorAll('main a')].find((a) => a.textContent.trim() === text);
    const row = [...document.querySelectorAll('main tbody tr')].find((r) => r.textContent.includes(text));
    return (own ?? row?.querySelector('a'))?.getAttribute('href') ?? ''";

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("deploy/sanbao/help/pictures")
}

impl Page {
    async fn open(&self, browser: &Browser, family: &str) {
        browser.goto(if self.path.is_empty() { family } else { self.path }).await;
        browser.until("document.querySelector('main h1, main h2')?.getClientRects().length > 0").await;
        if let Some(text) = self.to {
            let to = browser.run_with(FOLLOW, json!([text])).await;
            assert_ne!(to, "", "{}: nothing leads to {text}", self.name);
            browser.goto(to.as_str().unwrap()).await;
        }
        let there = self.clip.unwrap_or("main h1").split(',').next().unwrap();
        browser.until(&format!("document.querySelector({})?.getClientRects().length > 0", json!(there))).await;
        if self.clip == Some(PREJOIN) {
            browser.until("document.querySelector('#preview')?.videoWidth > 0").await;
            browser.until("document.querySelector('#check').innerText.includes('麦克风正常')").await;
        }
    }

    async fn words(&self, browser: &Browser) -> Vec<String> {
        let words = browser.run_with(WORDS, json!([self.clip.unwrap_or("main, header nav")])).await;
        serde_json::from_value(words).unwrap()
    }

    async fn take(&self, browser: &Browser) -> String {
        let clip = browser.run_with(AROUND, json!([self.clip.unwrap()])).await;
        let side = |name: &str| clip[name].as_f64().unwrap().round();
        std::fs::write(folder().join(format!("{}.webp", self.name)), browser.clipped(&clip).await).unwrap();
        format!("    \"{}\" {} {},\n", self.name, side("width"), side("height"))
    }
}

/// A call that has just come in.
async fn called(served: &Served) {
    let desk = served.nobody().demo("desk").await;
    desk.post("/v1/requests", &flow::new_request("想洗澡")).await.expect(201);
}

/// The path of a link by which a son comes in.
async fn family(served: &Served) -> String {
    let nurse = served.nobody().demo("nurse").await;
    let consults = nurse.get("/v1/consults").await.expect(200);
    let open = consults["items"].as_array().unwrap().iter().find(|c| c["state"] == "scheduled").unwrap();
    let path = format!("/v1/consults/{}/guest-links", flow::text(open, "/id"));
    let link = nurse.post(&path, &json!({ "name": "陈立新", "relation": "儿子" })).await.expect(201);
    format!("/room#guest={}", flow::text(&link, "/token"))
}

/// All words and, if they are wanted, the pictures.
async fn seen(served: &Served, take: bool) -> (BTreeMap<&'static str, Vec<String>>, String) {
    called(served).await;
    let (family, browser) = (family(served).await, Browser::calling(&format!("http://{}", served.address)).await);
    // The clock of these services stands still, and pages count from the browser's.
    let now = served.clock.now().timestamp_millis();
    let stopped = format!(
        "Date = class extends Date {{ constructor(...a) {{ super(...(a.length ? a : [{now}])) }} static now() {{ return {now} }} }}"
    );
    browser.before_pages(&stopped).await;
    let (mut all, mut list, mut who) = (BTreeMap::new(), String::from("pictures! {\n"), "");
    for page in PAGES {
        if page.login != who {
            who = page.login;
            browser.forget().await;
            if !who.is_empty() {
                browser.log_in(who).await;
            }
        }
        browser.resize(page.width, 1000).await;
        page.open(&browser, &family).await;
        all.insert(page.name, page.words(&browser).await);
        if take && page.clip.is_some() {
            list.push_str(&page.take(&browser).await);
        }
    }
    browser.close().await;
    list.push_str("}\n");
    (all, list)
}

/// The words that a text quotes.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('“').skip(1).filter_map(|rest| rest.split_once('”').map(|(words, _)| words))
}

/// Quoted words of guides that no page has on which they lean.
fn untrue(all: &BTreeMap<&str, Vec<String>>) -> Vec<String> {
    let nav = sanbao::help::navigation_words();
    let mut untrue = Vec::new();
    for (guide, (number, pages)) in GUIDES.iter().flat_map(|g| (1..).zip(g.steps).map(move |step| (g, step))) {
        let known: BTreeSet<&str> = pages.iter().flat_map(|page| &all[page]).chain(&nav).map(String::as_str).collect();
        let text = sanbao::help::step(guide, number);
        untrue.extend(quoted(&text).filter(|w| !known.contains(w)).map(|w| format!("{} {number}: {w}", guide.slug)));
    }
    untrue
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sheets_show_the_pages_as_they_are() {
    let served = Served::demo(testing::sqlite()).await;
    let take = std::env::var_os("SANBAO_TAKE_PICTURES").is_some();
    let (all, list) = seen(&served, take).await;
    let kept = folder().join("words.json");
    let shown = |page: &&Page| page.clip.is_some();
    let of_pictures: BTreeMap<&str, &Vec<String>> =
        PAGES.iter().filter(shown).map(|page| (page.name, &all[page.name])).collect();
    if take {
        std::fs::write(folder().join("list.in"), list).unwrap();
        std::fs::write(&kept, serde_json::to_string_pretty(&of_pictures).unwrap() + "\n").unwrap();
    } else {
        let kept: Value = serde_json::from_str(&std::fs::read_to_string(&kept).unwrap()).unwrap();
        let why = "a page has changed: SANBAO_TAKE_PICTURES=1 tests/run -p sanbao --test it -- browser_help takes the pictures anew";
        assert_eq!(json!(of_pictures), kept, "{why}");
        let taken: Vec<&str> = PICTURES.iter().map(|(name, ..)| *name).collect();
        assert_eq!(taken, PAGES.iter().filter(shown).map(|page| page.name).collect::<Vec<_>>());
    }
    assert_eq!(untrue(&all), Vec::<String>::new(), "a guide quotes words that its pages do not have");
    served.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sheet_fills_one_page_of_paper_and_no_more() {
    let served = Served::demo(testing::sqlite()).await;
    let browser = Browser::open(&format!("http://{}", served.address)).await;
    for guide in GUIDES {
        browser.goto(&format!("/help/{}", guide.slug)).await;
        browser.until("[...document.images].every((i) => i.complete && i.naturalWidth > 0)").await;
        let paper = browser.printed().await;
        std::fs::write(crate::common::artifacts().join(format!("help-{}.pdf", guide.slug)), &paper).unwrap();
        let pages = paper.windows(11).filter(|part| part == b"/Type /Page").count();
        let trees = paper.windows(12).filter(|part| part == b"/Type /Pages").count();
        assert_eq!(pages - trees, 1, "{}", guide.slug);
        browser.resize(PHONE, 844).await;
        let wide = browser.run("return document.documentElement.scrollWidth > window.innerWidth + 1").await;
        assert_eq!(wide, false, "{} scrolls sideways on a phone", guide.slug);
        browser.shots(&format!("help-{}", guide.slug)).await;
    }
    browser.close().await;
    served.stop().await;
}
