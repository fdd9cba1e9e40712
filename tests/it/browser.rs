//! Real browsers on the real binary: the pages as people use them, and a consult from invitation to signed
//! opinion with all media through the embedded TURN server.

use sanbao_platform::testing::until;
use serde_json::json;

use crate::common::chromium::Browser;
use crate::common::process::Process;
use crate::common::{Client, flow};

/// Decoded frames by which a picture counts as seen.
const FRAMES_MIN: u64 = 60;

impl Browser {
    /// Logs in by the page.
    pub async fn log_in(&self, login: &str) {
        self.goto("/login").await;
        self.fill("#login", login).await;
        self.fill("#password", sanbao_booking::account::demo::PASSWORD).await;
        self.click("form button[type=submit]").await;
        self.until("location.pathname !== '/login' && location.pathname !== '/session'").await;
    }

    /// Chooses the option of a list whose words hold `words`.
    pub async fn choose(&self, css: &str, words: &str) {
        self.wait_for(css).await;
        let found = self
            .run(&format!(
                "const list = document.querySelector({css:?}); \
                 const option = [...list.options].find((o) => o.text.includes({words:?})); \
                 if (!option) return false; list.value = option.value; \
                 list.dispatchEvent(new Event('change', {{ bubbles: true }})); return true"
            ))
            .await;
        assert_eq!(found, true, "{css} has no {words}");
    }

    /// Enters the room of a consult; `more` for the page's address.
    pub async fn enter_room(&self, consult: &str, more: &str) {
        self.goto(&format!("/room?consult={consult}&picture=always{more}")).await;
        self.until("document.querySelector('#enter') && !document.querySelector('#enter').disabled && !document.querySelector('#prejoin').hidden").await;
        self.click("#enter").await;
    }

    /// Waits until the other's picture is decoded; how it came.
    pub async fn sees_the_other(&self, name: &str) -> serde_json::Value {
        self.until(&format!(
            "window.sanbaoStats && (window.sanbaoStats().then((s) => (window.seen = s)), window.seen?.framesDecoded >= {FRAMES_MIN})"
        ))
        .await;
        let seen = self.run("return window.seen").await;
        eprintln!("{name}: {seen}");
        seen
    }

    /// The same, and that it came through the relay.
    async fn sees_the_other_relayed(&self, name: &str) {
        let seen = self.sees_the_other(name).await;
        assert_eq!(seen["localCandidateType"], "relay", "{name}: {seen}");
        assert_eq!(seen["remoteCandidateType"], "relay", "{name}: {seen}");
    }
}

/// Lets a doctor offer every hour, so that the test can be run at any.
pub async fn works_around_the_clock(nobody: &Client, login: &str, specialty: &str) {
    let doctor = nobody.demo(login).await;
    let found = doctor.get(&format!("/v1/practitioners?specialty={specialty}")).await.expect(200);
    let path = format!("/v1/practitioners/{}/hours", flow::text(&found, "/0/id"));
    let line = |weekday: u8, start: &str, end: &str| json!({ "weekday": weekday, "start": start, "end": end, "slot_minutes": 15, "valid_from": "1970-01-01", "valid_to": null });
    let weekly: Vec<_> = (1..=7).flat_map(|d| [line(d, "00:00", "12:00"), line(d, "12:00", "24:00")]).collect();
    doctor.send(doctor.request("put", &path).json(&json!({ "weekly": weekly }))).await.expect(200);
}

/// The care home asks, by its page; the address of the consult.
async fn invite(nurse: &Browser) -> String {
    nurse.goto("/consults/new").await;
    nurse.choose("#resident_id", "孙宝庆").await;
    nurse.fill("#reason", "近一周活动后气促，夜间憋醒一次").await;
    nurse.fill("#purpose", "是否需要调整利尿剂").await;
    nurse
        .fill("#case_summary", "慢性心衰五年，现服呋塞米 20 mg 每日一次。今晨体重较上周增加 1.8 kg，双下肢轻度浮肿。")
        .await;
    nurse.choose("#wish", "心血管内科").await;
    nurse.shots("consult-new").await;
    nurse.click("#invitation button.primary").await;
    nurse.until("/^\\/consults\\/[0-9a-f-]{36}$/.test(location.pathname)").await;
    nurse.path().await
}

/// Time and room, and the resident's consent, by the consult's page.
async fn book(nurse: &Browser, page: &str) {
    nurse.goto(page).await;
    nurse.wait_for("form[data-schedule]").await;
    nurse.choose("form[data-schedule] select[name=room_id]", "2").await;
    nurse.shots("consult-schedule").await;
    nurse.click("form[data-schedule] button[type=submit]").await;
    nurse.wait_for("#consent form").await;
    nurse.until("document.body.innerText.includes('已预约')").await;
    nurse.click("#consent form button[type=submit]").await;
    nurse.until("document.querySelector('#consent .badge.ok')").await;
}

/// The doctor begins the opinion at the desk, while the visit runs.
async fn write(desk: &Browser, page: &str) {
    desk.goto(page).await;
    desk.wait_for("#opinion-form button[data-sign-now][hidden]").await;
    desk.fill("#opinion-form textarea[name=impression]", "慢性心衰，容量负荷增加").await;
    desk.click("#opinion-form [data-save-now]").await;
    desk.until("document.querySelector('#opinion-state').textContent.includes('已保存')").await;
    write_in_two_tabs(desk, page).await;
    // Kept by the page alone, when the visit ends.
    desk.fill("#opinion-form textarea[name=suggested_treatment]", "呋塞米加至 40 mg 每日一次，").await;
    desk.run("window.sameForm = true").await;
}

/// The same opinion in a second tab: what one tab alone has changed is taken by the other, and where both have, both texts
/// are shown.
async fn write_in_two_tabs(desk: &Browser, page: &str) {
    const SAVE: &str = "#opinion-form [data-save-now]";
    const SAVED: &str = "document.querySelector('#opinion-state').textContent.includes('已保存')";
    let (first, second) = (desk.tab().await, desk.new_tab().await);
    desk.show_tab(&second).await;
    desk.goto(page).await;
    desk.wait_for("#opinion-form").await;
    desk.fill("#opinion-form textarea[name=impression]", "慢性心衰急性加重").await;
    desk.fill("#opinion-form textarea[name=suggested_tests]", "复查 BNP").await;
    desk.click(SAVE).await;
    desk.until(SAVED).await;
    desk.close_tab().await;
    desk.show_tab(&first).await;
    desk.append("#opinion-form textarea[name=impression]", "，双下肢水肿").await;
    desk.click(SAVE).await;
    desk.until("document.querySelector('#theirs-impression')?.innerText.includes('慢性心衰急性加重')").await;
    let typed = desk.run("return [...document.querySelectorAll('#opinion-form textarea')].map((t) => t.value)").await;
    assert_eq!((&typed[0], &typed[2]), (&json!("慢性心衰，容量负荷增加，双下肢水肿"), &json!("复查 BNP")), "{typed}");
    // Nothing is saved or signed before somebody has chosen.
    desk.click(SAVE).await;
    desk.until("document.querySelector('#opinion-form .error-summary')?.innerText.includes('请先逐段选择')").await;
    desk.shots("opinion-both").await;
    desk.click("#theirs-impression [data-choose=both]").await;
    desk.click(SAVE).await;
    desk.until(SAVED).await;
    let both = desk.run("return document.querySelector('#impression').value").await;
    assert_eq!(both, "慢性心衰，容量负荷增加，双下肢水肿\n慢性心衰急性加重");
    desk.fill("#opinion-form textarea[name=impression]", "慢性心衰，容量负荷增加").await;
    desk.click(SAVE).await;
    desk.until(SAVED).await;
}

/// The visit is over: the doctor writes on in the same form, and signs.
async fn sign(desk: &Browser) {
    desk.wait_for("#opinion-form button[data-sign-now]:not([hidden])").await;
    let kept = desk.run("return window.sameForm === true").await;
    assert_eq!(kept, true, "the form that was written in was replaced");
    desk.append("#opinion-form textarea[name=suggested_treatment]", "三天后复查电解质").await;
    desk.shots("opinion").await;
    desk.click("#opinion-form button[data-sign-now]").await;
    until("the page asks whether it is meant", async || desk.says_yes().await).await;
    desk.until("document.body.innerText.includes('已签署')").await;
    desk.shots("signed").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_browsers_hold_a_consult_through_turn() {
    let dir = tempfile::tempdir().unwrap();
    let demo = Process::demo(&dir.path().join("demo")).await;
    works_around_the_clock(&demo.client(), "doctor.shen", "cardiology").await;
    let (nurse, doctor) = (Browser::calling(&demo.base).await, Browser::calling(&demo.base).await);
    nurse.log_in("nurse").await;
    doctor.log_in("doctor.shen").await;
    let page = invite(&nurse).await;
    doctor.goto(&page).await;
    doctor.click("form[data-send$='/accept'] button").await;
    doctor.until("document.body.innerText.includes('已受理')").await;
    book(&nurse, &page).await;
    let consult = page.rsplit('/').next().unwrap();
    nurse.enter_room(consult, "&relay=1").await;
    doctor.enter_room(consult, "&relay=1").await;
    nurse.sees_the_other_relayed("nurse").await;
    doctor.sees_the_other_relayed("doctor").await;
    nurse.shot("room-nurse", None).await;
    doctor.shot("room-doctor", None).await;
    let desk = Browser::open(&demo.base).await;
    desk.log_in("doctor.shen").await;
    write(&desk, &page).await;
    doctor.click("#finish").await;
    doctor.click("#finish-yes").await;
    nurse.until("!document.querySelector('#over').hidden").await;
    nurse.shot("room-over", None).await;
    sign(&desk).await;
    desk.close().await;
    nurse.goto(&page).await;
    nurse.until("document.body.innerText.includes('呋塞米加至 40 mg 每日一次，三天后复查电解质')").await;
    nurse.shots("consult-signed").await;
    nurse.close().await;
    doctor.close().await;
    assert!(demo.terminate().await.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_main_pages_are_readable() {
    let dir = tempfile::tempdir().unwrap();
    let demo = Process::demo(&dir.path().join("demo")).await;
    let browser = Browser::open(&demo.base).await;
    let mut sideways = Vec::new();
    for (login, name, path) in [
        ("", "login", "/login"),
        ("", "problems", "/problems"),
        ("nurse", "consults-nurse", "/consults"),
        ("nurse", "residents", "/residents"),
        ("doctor", "consults-doctor", "/consults"),
        ("desk", "requests-desk", "/requests"),
        ("dispatcher", "requests", "/requests"),
        ("dispatcher", "visits", "/visits"),
        ("caregiver", "visits-today", "/visits/today"),
        ("analyst", "needs", "/needs"),
        ("admin", "admin", "/admin"),
    ] {
        if !login.is_empty() {
            browser.forget().await;
            browser.log_in(login).await;
        }
        browser.goto(path).await;
        browser.wait_for("main h1").await;
        assert_eq!(browser.path().await, path, "{login} may see {path}");
        browser.resize(390, 844).await;
        let wide = browser.run("return document.documentElement.scrollWidth > window.innerWidth + 1").await;
        if wide == true {
            sideways.push(name);
        }
        browser.shots(name).await;
    }
    browser.close().await;
    assert!(sideways.is_empty(), "these pages scroll sideways on a phone: {sideways:?}");
    assert!(demo.terminate().await.success());
}
