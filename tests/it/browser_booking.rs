//! A real browser on the way from a care home's list to a booked consult: its taps and the time that they take somebody, what is
//! kept of an invitation while it is written, and the time that is held meanwhile.

use std::cell::Cell;

use serde_json::{Value, json};

use crate::common::chromium::Browser;
use crate::common::process::Process;

/// Taps from the list to a booked consult at most.
const TAPS_MAX: usize = 12;
/// The pace of a person who types: seconds for a tap, and for a letter; a Chinese character is typed by so many letters.
const TAP_SECONDS: f64 = 1.0;
const LETTER_SECONDS: f64 = 0.2;
const LETTERS_PER_CHARACTER: f64 = 3.0;

/// The radio buttons of free times.
const TIMES: &str = "#times input[name=asked]:not(#asked-none)";
const REASON: &str = "近一周活动后气促";
const PURPOSE: &str = "是否需要调整利尿剂";
const SUMMARY: &str = "慢性心衰五年，呋塞米每日一次。今晨体重比上周多两公斤，双下肢浮肿。";

/// A browser whose user's taps and characters are counted.
struct Hand {
    browser: Browser,
    taps: Cell<usize>,
    characters: Cell<usize>,
}

impl Hand {
    fn tapped(&self, times: usize) {
        self.taps.set(self.taps.get() + times);
    }

    async fn tap(&self, css: &str) {
        self.tapped(1);
        self.browser.click(css).await;
    }

    async fn types(&self, css: &str, text: &str) {
        self.tapped(1);
        self.characters.set(self.characters.get() + text.chars().count());
        self.browser.fill(css, text).await;
    }

    /// Opens a list and takes one of it.
    async fn chooses(&self, css: &str, words: &str) {
        self.tapped(2);
        self.browser.choose(css, words).await;
    }

    #[expect(clippy::cast_precision_loss, reason = "a few hundred")]
    fn seconds(&self) -> f64 {
        let letters = self.characters.get() as f64 * LETTERS_PER_CHARACTER;
        self.taps.get() as f64 * TAP_SECONDS + letters * LETTER_SECONDS
    }
}

/// Somebody of the demo in front of its pages.
async fn sits_down(dir: &tempfile::TempDir) -> (Process, Browser) {
    let demo = Process::demo(&dir.path().join("demo")).await;
    let browser = Browser::open(&demo.base).await;
    browser.log_in("nurse").await;
    (demo, browser)
}

async fn state_of(browser: &Browser, css: &str) -> String {
    browser.run(&format!("return document.querySelector({css:?}).textContent")).await.as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_nurse_comes_from_the_list_to_a_booked_consult_in_few_taps() {
    let dir = tempfile::tempdir().unwrap();
    let (demo, browser) = sits_down(&dir).await;
    browser.goto("/consults").await;
    let hand = Hand { browser, taps: Cell::new(0), characters: Cell::new(0) };
    hand.tap("a[href='/consults/new']").await;
    hand.chooses("#resident_id", "孙宝庆").await;
    hand.types("#reason", REASON).await;
    hand.types("#purpose", PURPOSE).await;
    hand.types("#case_summary", SUMMARY).await;
    hand.chooses("#wish", "心血管内科").await;
    hand.browser.wait_for(TIMES).await;
    hand.tap(TIMES).await;
    hand.browser.until("document.body.innerText.includes('已留到')").await;
    hand.browser.shots("booking").await;
    hand.tap("#invitation button.primary").await;
    hand.browser.until("/^\\/consults\\/[0-9a-f-]{36}$/.test(location.pathname)").await;
    let consult = hand.browser.path().await;
    // The doctor takes it on, and with that it has its time: the nurse does nothing more.
    let doctor = demo.client().demo("doctor.shen").await;
    let booked = doctor.post(&format!("/v1{consult}/accept"), &json!({})).await.expect(200);
    assert_eq!(booked["state"], "scheduled", "{booked}");
    hand.browser.until("document.querySelector('#status').innerText.includes('已预约')").await;
    let kept = demo.client().demo("nurse").await.get("/v1/consult-drafts").await.expect(200);
    assert_eq!(kept["items"], json!([]), "the draft has ended with it");
    eprintln!(
        "from the list to a booked consult: {} taps, {} characters, {:.0} s at {TAP_SECONDS} s a tap and {LETTER_SECONDS} s a letter",
        hand.taps.get(),
        hand.characters.get(),
        hand.seconds()
    );
    assert!(hand.taps.get() <= TAPS_MAX, "{} taps", hand.taps.get());
    hand.browser.close().await;
    assert!(demo.terminate().await.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_written_is_kept_gone_on_with_and_told_apart() {
    let dir = tempfile::tempdir().unwrap();
    let (demo, browser) = sits_down(&dir).await;
    browser.goto("/consults/new").await;
    browser.fill("#reason", "气").await;
    browser.until("/^已保存 \\d\\d:\\d\\d$/.test(document.querySelector('#draft-state').textContent)").await;
    assert_eq!(browser.run("return location.search.startsWith('?draft=')").await, true);
    browser.shots("booking-draft").await;
    browser.goto("/consults").await;
    browser.click("#drafts li a.button").await;
    browser.until("document.querySelector('#reason')?.value === '气'").await;
    // Somebody changes it elsewhere: what is written here is kept beside that.
    let nurse = demo.client().demo("nurse").await;
    let kept = nurse.get("/v1/consult-drafts").await.expect(200)["items"][0].clone();
    let path = format!("/v1/consult-drafts/{}", kept["id"].as_str().unwrap());
    let version = format!("\"{}\"", kept["version"]);
    let other = nurse.request("put", &path).json(&json!({ "reason": "别处写的" })).header("if-match", version);
    nurse.send(other).await.expect(200);
    browser.fill("#reason", "气促三天").await;
    browser.until("document.querySelector('#draft-state').textContent.includes('另存')").await;
    let all = nurse.get("/v1/consult-drafts").await.expect(200);
    let texts: Vec<&Value> = all["items"].as_array().unwrap().iter().map(|draft| &draft["parts"]["reason"]).collect();
    assert!(texts.len() == 2 && texts.contains(&&json!("气促三天")) && texts.contains(&&json!("别处写的")), "{all}");
    // All that is wrong stands beside its field.
    browser.click("#invitation button.primary").await;
    browser.wait_for(".error-summary").await;
    for field in ["resident_id", "purpose", "case_summary", "wish"] {
        let told = state_of(&browser, &format!(".field:has(#{field}) .error")).await;
        assert!(!told.is_empty(), "{field}");
    }
    browser.shots("booking-errors").await;
    browser.run("window.confirm = () => true").await;
    browser.click("#discard-draft").await;
    browser.until("location.pathname === '/consults' && document.querySelectorAll('#drafts li').length === 1").await;
    browser.close().await;
    assert!(demo.terminate().await.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_time_is_held_once_nobody_goes_on_choosing_given_back_and_drawn_as_ones_own() {
    const CALLS: &str = "window.calls = []; const real = window.fetch; window.fetch = (path, options) => {
        if (String(path).startsWith('/v1/consult-holds')) window.calls.push(options.method); return real(path, options); }";
    let dir = tempfile::tempdir().unwrap();
    let (demo, browser) = sits_down(&dir).await;
    browser.goto("/consults/new").await;
    browser.run(CALLS).await;
    browser.choose("#resident_id", "孙宝庆").await;
    browser.choose("#wish", "心血管内科").await;
    browser.until(&format!("document.querySelectorAll({TIMES:?}).length > 2")).await;
    // Three choices at once are one: the last.
    let choose = format!(
        "const times = [...document.querySelectorAll({TIMES:?})];
        for (const time of times.slice(0, 3)) time.click(); return times[2].value"
    );
    let chosen = browser.run(&choose).await;
    browser.until("document.body.innerText.includes('已留到')").await;
    assert_eq!(browser.run("return window.calls").await, json!(["POST"]));
    // None gives it back, and others may have it.
    browser.run("document.querySelector('#asked-none').click()").await;
    browser.until("window.calls.length === 2").await;
    assert_eq!(browser.run("return window.calls").await, json!(["POST", "DELETE"]));
    browser.run(&choose).await;
    browser.until("window.calls.length === 3").await;
    // One's own is drawn as one's own, not as taken.
    browser.until("location.search.startsWith('?draft=')").await;
    browser.until("document.querySelector('#draft-state').textContent.startsWith('已保存')").await;
    browser.goto(&format!("/consults/new{}", browser.run("return location.search").await.as_str().unwrap())).await;
    browser.wait_for(TIMES).await;
    let own = browser
        .run(
            "const own = document.querySelector('#times input[name=asked]:checked');
        return [own.value.split('|').slice(0, 3).join('|'), own.closest('label').innerText.includes('现在选的')]",
        )
        .await;
    let time = chosen.as_str().unwrap().rsplit_once('|').unwrap().0;
    assert_eq!(own, json!([time, true]));
    browser.close().await;
    assert!(demo.terminate().await.success());
}
