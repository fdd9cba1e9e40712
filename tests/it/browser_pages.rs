//! Real browsers on what every page does: one event stream for all tabs, parts that are read again, the idle lock, and
//! two people at one thing.

use std::time::Duration;

use sanbao_booking::account::demo::PASSWORD;
use sanbao_platform::clock::Clock;
use serde_json::{Value, json};

use crate::common::chromium::Browser;
use crate::common::process::Process;
use crate::common::{Client, flow};

/// More tabs than HTTP/1.1 gives a browser connections to one site.
const TABS: usize = 8;
/// How long nobody is there until a page locks: enough to fill in a field on a busy machine.
const IDLE_MINUTES: f64 = 0.2;
/// Longer than that, and than a page's script takes to look.
const AWAY: Duration = Duration::from_secs(18);

impl Browser {
    /// Locks after so few minutes from the next page on.
    async fn lock_after(&self, minutes: f64) {
        self.run(&format!("document.cookie = 'sanbao_idle_minutes={minutes}; path=/'")).await;
    }

    /// Begins an invitation, and from then on nobody is there.
    async fn type_and_leave(&self, reason: &str) {
        self.lock_after(IDLE_MINUTES).await;
        self.goto("/consults/new").await;
        self.fill("#reason", reason).await;
    }

    /// Waits until the page is covered, and looks that nothing of it is left to read.
    async fn is_covered(&self, hidden: &str) {
        self.until("document.querySelector('dialog.lock[open]')").await;
        let seen = self
            .run(
                "return { text: document.body.innerText, title: document.title, main: document.querySelector('main').inert, \
                 drawn: document.querySelector('main').getClientRects().length }",
            )
            .await;
        let text = format!("{}{}", seen["text"], seen["title"]);
        assert!(!text.contains(hidden), "{hidden} can be read: {text}");
        assert_eq!((&seen["main"], &seen["drawn"]), (&json!(true), &json!(0)));
        let logged_in = self.answer("GET", "/consults").await;
        assert_eq!(logged_in, json!(true), "a page can still be opened");
    }

    /// Whether a page's script is sent to the log-in.
    async fn answer(&self, method: &str, path: &str) -> Value {
        let body = format!(
            "const [done] = arguments; fetch({path:?}, {{ method: {method:?}, headers: {{ accept: 'text/html' }} }})\
             .then((a) => done(a.redirected || a.status === 401), () => done('offline'))"
        );
        self.run_async(&body, json!([])).await
    }

    async fn unlock_by_pin(&self, pin: &str) {
        self.fill("#lock-pin", pin).await;
        self.click("dialog.lock form[action='/session/pin'] button").await;
    }
}

/// Somebody in front of a browser: a demo of the test's own, in which they have logged in.
struct Sitting {
    demo: Process,
    browser: Browser,
    dir: tempfile::TempDir,
}

impl Sitting {
    async fn of(login: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let demo = Process::demo(&dir.path().join("demo")).await;
        let browser = Browser::calling(&demo.base).await;
        browser.log_in(login).await;
        Self { demo, browser, dir }
    }

    async fn leave(self) {
        self.browser.close().await;
        assert!(self.demo.terminate().await.success());
    }
}

async fn nurse_with_a_pin(nobody: &Client) {
    let nurse = nobody.demo("nurse").await;
    nurse.send(nurse.request("put", "/v1/me/pin").json(&json!({ "pin": "4826" }))).await.expect(204);
}

/// An invitation that the nurse's page shows; its id.
async fn invite(nobody: &Client, reason: &str) -> String {
    let nurse = nobody.demo("nurse").await;
    let people = nurse.get("/v1/persons?limit=1").await.expect(200);
    let doctors = nobody.demo("doctor").await.get("/v1/practitioners?specialty=cardiology").await.expect(200);
    let now = Clock::system().now();
    let body = json!({
        "resident_id": flow::text(&people, "/items/0/id"), "reason": reason, "purpose": "调整用药",
        "case_summary": "慢性心衰", "hospital_id": flow::text(&doctors, "/0/organisation_id"),
        "wanted_specialty": "cardiology", "wanted_from": now, "wanted_until": now + chrono::Duration::days(3),
        "submit": true,
    });
    flow::text(&nurse.post("/v1/consults", &body).await.expect(201), "/id")
}

#[tokio::test(flavor = "multi_thread")]
async fn more_tabs_than_connections_load_and_all_hear_of_a_change() {
    let Sitting { demo, browser, dir } = Sitting::of("nurse").await;
    let mut tabs = vec![browser.tab().await];
    for _ in 1..TABS {
        tabs.push(browser.new_tab().await);
        tokio::time::timeout(Duration::from_mins(1), browser.goto("/consults")).await.expect("a tab hangs");
        browser.until("document.querySelector('[data-live-state]').dataset.state === 'live'").await;
    }
    browser.show_tab(&tabs[0]).await;
    browser.goto("/consults").await;
    invite(&demo.client(), "第一个").await;
    let count = "document.querySelectorAll('#consults article').length";
    let before = browser.run(&format!("return {count}")).await.as_u64().unwrap();
    let more = |n: u64| format!("{count} >= {n}");
    for tab in &tabs {
        browser.show_tab(tab).await;
        browser.until(&more(before.max(1))).await;
    }
    // The tab that keeps the stream goes; another takes its place.
    browser.show_tab(&tabs[1]).await;
    let seen = browser.run(&format!("return {count}")).await.as_u64().unwrap();
    for tab in &tabs[..4] {
        browser.show_tab(tab).await;
        browser.close_tab().await;
    }
    browser.show_tab(&tabs[4]).await;
    invite(&demo.client(), "第二个").await;
    for tab in &tabs[4..] {
        browser.show_tab(tab).await;
        browser.until(&more(seen + 1)).await;
    }
    Sitting { demo, browser, dir }.leave().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_whose_reading_failed_says_so_and_is_read_again() {
    let Sitting { demo, browser, dir } = Sitting::of("nurse").await;
    browser.goto("/consults").await;
    browser.until("document.querySelector('[data-live-state]').dataset.state === 'live'").await;
    let count = "document.querySelectorAll('#consults article').length";
    let before = browser.run(&format!("return {count}")).await.as_u64().unwrap();
    browser
        .run(
            "const real = window.fetch; window.failed = 0; window.fetch = (...a) => String(a[0]).includes('/consults') && \
             window.failed < 2 ? (window.failed++, Promise.reject(new TypeError('no network'))) : real(...a)",
        )
        .await;
    invite(&demo.client(), "断线时来的").await;
    let line = "document.querySelector('[data-live-state]')";
    browser.until(&format!("{line}.dataset.state === 'lost' && {line}.innerText.includes('第 1 次')")).await;
    browser.until(&format!("{line}.dataset.state === 'live' && {count} > {before}")).await;
    assert_eq!(browser.run("return window.failed").await, 2);
    // A time that is told by its distance ages without anything being read.
    browser
        .run(
            "const time = document.querySelector('#consults time[data-age]'); time.dataset.age = 'waited'; \
             time.dateTime = new Date(Date.now() - 3 * 3600e3).toISOString(); time.id = 'aged'; \
             document.dispatchEvent(new Event('visibilitychange'))",
        )
        .await;
    browser.until("document.querySelector('#aged').innerText === '已等 3 小时'").await;
    // And one that is told by the word of its day has another one after midnight.
    for (days, said) in [(-1, "昨天 09:00"), (0, "今天 09:00"), (1, "明天 09:00"), (2, "11月25日 周三 09:00")]
    {
        browser
            .run(&format!(
                "const time = document.querySelector('#aged'); delete time.dataset.age; time.dataset.near = 'Asia/Shanghai'; \
                 time.dataset.rest = '09:00'; time.title = '11月25日 周三 09:00'; \
                 time.dateTime = new Date(Date.now() + {days} * 86400e3).toISOString(); \
                 document.dispatchEvent(new Event('visibilitychange'))"
            ))
            .await;
        browser.until(&format!("document.querySelector('#aged').innerText === '{said}'")).await;
    }
    Sitting { demo, browser, dir }.leave().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idle_page_is_covered_in_its_place_and_opens_for_its_own_person_only() {
    let Sitting { demo, browser, dir } = Sitting::of("nurse").await;
    nurse_with_a_pin(&demo.client()).await;
    browser.type_and_leave("近一周活动后气促").await;
    browser.shot("before-lock", None).await;
    browser.is_covered("活动后气促").await;
    browser.shots("locked").await;
    browser.unlock_by_pin("0000").await;
    browser.until("!document.querySelector('[data-lock-error]').hidden").await;
    browser.lock_after(10.0).await;
    browser.unlock_by_pin("4826").await;
    browser
        .until("!document.querySelector('dialog.lock') && document.querySelector('main').getClientRects().length")
        .await;
    let typed = browser.run("return document.querySelector('#reason').value").await;
    assert_eq!(typed, "近一周活动后气促", "what was typed is still there");
    assert_eq!(browser.answer("GET", "/consults").await, json!(false), "logged in again");

    // Another person's log-in leads to a page of her own.
    browser.type_and_leave("只给护士看的").await;
    browser.is_covered("只给护士看的").await;
    browser.run("document.querySelector('dialog.lock details').open = true").await;
    browser.fill("#lock-login", "dispatcher").await;
    browser.fill("#lock-password", PASSWORD).await;
    browser.click("dialog.lock form[action='/session'] button").await;
    browser.until("location.pathname === '/visits' && document.querySelector('main h1')").await;
    let text = browser.run("return document.body.innerText").await.to_string();
    assert!(!text.contains("只给护士看的"));
    Sitting { demo, browser, dir }.leave().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lock_without_a_network_covers_at_once_and_ends_the_log_in_when_the_line_is_back() {
    let Sitting { demo, browser, dir } = Sitting::of("nurse").await;
    nurse_with_a_pin(&demo.client()).await;
    browser.type_and_leave("断网时填的").await;
    browser.run("window.real = window.fetch; window.fetch = () => Promise.reject(new TypeError('no network'))").await;
    browser.until("document.querySelector('dialog.lock[open]')").await;
    browser.until("document.querySelector('[data-lock-state]').innerText.includes('没有网络')").await;
    assert_eq!(browser.path().await, "/consults/new", "the page is not left");
    assert_eq!(browser.run("return document.cookie.includes('sanbao_csrf=')").await, true, "the server knows nothing");
    // Even so no page of this browser opens: not by another tab, and not by reading this one anew.
    let here = browser.tab().await;
    browser.new_tab().await;
    browser.goto("/consults").await;
    assert_eq!(browser.path().await, "/session/pin");
    browser.close_tab().await;
    browser.show_tab(&here).await;
    browser.run("window.fetch = window.real; window.dispatchEvent(new Event('online'))").await;
    browser.until("!document.cookie.includes('sanbao_csrf=')").await;
    browser.lock_after(10.0).await;
    browser.unlock_by_pin("4826").await;
    browser.until("!document.querySelector('dialog.lock')").await;
    assert_eq!(browser.run("return document.querySelector('#reason').value").await, "断网时填的");
    Sitting { demo, browser, dir }.leave().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_in_another_tab_counts_as_being_there() {
    let Sitting { demo, browser, dir } = Sitting::of("nurse").await;
    // The call runs before the page is opened: a busy machine takes longer to open it than anybody may be away.
    let page = browser.tab().await;
    let room = browser.new_tab().await;
    browser.goto("/room?consult=00000000-0000-0000-0000-000000000000").await;
    // Nobody is let in by this address, and the page says so once it has asked; only then does it leave its state alone.
    browser.until("!document.querySelector('#over').hidden").await;
    browser.run("document.body.classList.add('in-call')").await;
    browser.show_tab(&page).await;
    browser.type_and_leave("通话时写的").await;
    browser.show_tab(&room).await;
    tokio::time::sleep(AWAY).await;
    browser.show_tab(&page).await;
    assert_eq!(browser.run("return Boolean(document.querySelector('dialog.lock'))").await, false, "locked in a call");
    // The call is over, and nobody is there.
    browser.show_tab(&room).await;
    browser.run("document.body.classList.remove('in-call')").await;
    browser.show_tab(&page).await;
    browser.until("document.querySelector('dialog.lock[open]')").await;
    Sitting { demo, browser, dir }.leave().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_changed_it_meanwhile_is_not_overwritten_and_nothing_typed_is_lost() {
    let Sitting { demo, browser, dir } = Sitting::of("desk").await;
    let desk = demo.client().demo("desk").await;
    let request = desk.post("/v1/requests", &flow::new_request("想洗澡")).await.expect(201);
    let id = flow::text(&request, "/id");
    browser.goto(&format!("/requests/{id}")).await;
    browser.wait_for("#do-escalate").await;
    browser.run("for (const form of document.querySelectorAll('details')) form.open = true").await;
    browser.fill("#triage-note", "家属下午在家").await;
    browser.fill("#escalate-reason", "催了两次").await;
    // The other dispatcher was quicker.
    desk.post(&format!("/v1/requests/{id}/triage"), &json!({ "category": "nursing" })).await.expect(200);
    browser.click("#do-escalate button[type=submit]").await;
    browser.until("document.querySelector('#do-escalate .error-summary')?.innerText.includes('刚刚有人改过')").await;
    assert_eq!(browser.run("return document.querySelector('#escalate-reason').value").await, "催了两次");
    browser.shots("changed-meanwhile").await;
    browser.click("#do-escalate [data-action=reload]").await;
    browser.until("document.querySelector('#do-escalate') && !document.querySelector('.error-summary')").await;
    // Text that can still be sent stands in its form; the rest is shown to be copied.
    browser.until("document.querySelector('#escalate-reason').value === '催了两次'").await;
    browser.until("document.querySelector('#notice').innerText.includes('家属下午在家')").await;
    let now = desk.get(&format!("/v1/requests/{id}")).await.expect(200);
    assert_eq!(now["category"], "nursing", "{now}");
    Sitting { demo, browser, dir }.leave().await;
}
