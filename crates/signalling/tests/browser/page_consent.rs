//! Consent to a recording, asked of two at once in real browsers: on with the last yes, off with the first no.

use crate::support::Relay;
use crate::support::browser::site::start;
use crate::support::browser::{Browser, Driver};
use serde_json::json;

const MISSING: &str = "document.getElementById('missing-recording').innerText";
const SIGN: &str = "document.getElementById('rec-recording')";

/// The host and two others, inside.
async fn three(relay: &Relay, driver: &Driver, names: [&'static str; 3]) -> [Browser; 3] {
    let all = [
        driver.browser(names[0], 1280, 800).await,
        driver.browser(names[1], 390, 844).await,
        driver.browser(names[2], 390, 844).await,
    ];
    for (browser, who) in all.iter().zip(["nurse", "doctor", "interpreter"]) {
        browser.is(relay, who, "zh").await;
        browser.enter(relay, 1, "").await;
    }
    for browser in &all {
        browser.until("sanbaoCall().room.others.length === 2").await;
        browser.click("#tab-more").await;
        browser.run(NOTE_NOTICES).await;
    }
    all
}

/// A good notice goes after a few seconds, before a busy machine has looked at it: what was said is kept.
const NOTE_NOTICES: &str = "window.said = []; \
    new MutationObserver((changes) => { for (const { addedNodes } of changes) for (const { textContent } of addedNodes) said.push(textContent); }) \
    .observe(document.getElementById('notice'), { childList: true, subtree: true });";

/// Waits until a page has said something in a notice, be it there still or gone.
async fn said(browser: &Browser, text: &str) {
    browser.until(&format!("said.some((line) => line.includes({text:?}))")).await;
}

/// The host agrees and asks; both others are asked before either has answered.
async fn ask_both(host: &Browser, others: [&Browser; 2]) {
    host.click("#start-recording").await;
    host.until("document.getElementById('ask-dialog').open").await;
    host.click("[data-action=consent-yes]").await;
    for browser in others {
        browser.until("document.getElementById('ask-dialog').open").await;
        assert_eq!(
            browser.text("document.getElementById('ask-text').innerText").await,
            "王秀英想录制这次会诊。您同意吗？可以随时撤回，一撤回就停止。"
        );
    }
    host.until(&format!("{MISSING} === '正在等待同意：陈立新、周怡。都同意后自动开始。'")).await;
}

/// Nothing is recorded, nobody is told that it is, and nobody tried it.
async fn off(all: &[Browser; 3]) {
    for browser in all {
        let on = browser.text(&format!("sanbaoCall().room.recording || !{SIGN}.hidden || tried")).await;
        assert_eq!(on, "false");
    }
}

/// Notes every recording that is begun, on each page.
async fn note_tries(all: &[Browser; 3]) {
    for browser in all {
        let note = "window.tried = false; const record = sanbaoCall().record; \
            sanbaoCall().record = function (on) { window.tried ||= on; return record.call(this, on); }; \
            sanbaoCall().on('recording', ({ on }) => (window.tried ||= on));";
        browser.run(note).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn recording_begins_with_the_yes_of_the_last_of_two_and_ends_for_all_when_one_takes_it_back() {
    let relay = start().await;
    let driver = Driver::start().await;
    let all = three(&relay, &driver, ["consent-host", "consent-first", "consent-second"]).await;
    let [host, first, second] = &all;
    note_tries(&all).await;
    ask_both(host, [first, second]).await;
    host.picture("consent-missing").await;
    first.picture("consent-asked").await;

    first.click("[data-action=consent-yes]").await;
    host.until(&format!("{MISSING} === '正在等待同意：周怡。都同意后自动开始。'")).await;
    off(&all).await;
    // Nor does the relay begin it for a page that does not wait.
    let refusal = "return sanbaoCall().record(true).then(() => 'on', (error) => error.code)";
    assert_eq!(host.run(refusal).await, json!("consent-missing"));
    host.run("window.tried = false").await;
    off(&all).await;

    second.click("[data-action=consent-yes]").await;
    for browser in &all {
        browser.until(&format!("!{SIGN}.hidden")).await;
        assert_eq!(browser.text(&format!("{SIGN}.innerText")).await, "正在录制");
        assert_eq!(browser.text(MISSING).await, "");
    }
    host.picture("recording").await;
    second.picture("recording").await;

    first.click("#consent-recording").await;
    for browser in &all {
        said(browser, "有人撤回了同意，录制已停止。").await;
        browser.until(&format!("{SIGN}.hidden && !sanbaoCall().room.recording")).await;
    }
    host.picture("consent-withdrawn").await;
    for browser in all {
        browser.close().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_no_of_one_of_two_is_said_to_the_host_and_recording_never_begins() {
    let relay = start().await;
    let driver = Driver::start().await;
    let all = three(&relay, &driver, ["refusal-host", "refusal-first", "refusal-second"]).await;
    let [host, first, second] = &all;
    note_tries(&all).await;
    ask_both(host, [first, second]).await;

    second.click("[data-action=consent-no]").await;
    said(host, "周怡不同意录制。").await;
    // The notice passes; that nothing is waited for any more does not.
    host.until(&format!("{MISSING} === '周怡不同意录制。'")).await;
    host.picture("consent-refused").await;
    first.click("[data-action=consent-yes]").await;
    host.until("sanbaoCall().room.withoutConsent('recording').map((p) => p.name).join() === '周怡'").await;
    assert_eq!(host.text(MISSING).await, "周怡不同意录制。");
    off(&all).await;
    // A person who agrees later unasked is not recorded before the host asks again.
    second.click("#consent-recording").await;
    host.until("sanbaoCall().room.withoutConsent('recording').length === 0").await;
    host.until(&format!("{MISSING} === ''")).await;
    off(&all).await;
    host.click("#start-recording").await;
    for browser in &all {
        browser.until(&format!("!{SIGN}.hidden")).await;
    }
    for browser in all {
        browser.close().await;
    }
}
