//! Door knocks on a telephone in a real browser: three presses for what was seen, and how far the street's round has come.

use crate::common::chromium::Browser;
use crate::common::process::Process;

const DOOR: &str = "[...document.querySelectorAll('.doors > li')].find((li) => /林某兰[^]*寒潮/.test(li.innerText))";

#[tokio::test(flavor = "multi_thread")]
async fn a_stair_leader_says_what_was_seen_and_the_street_follows() {
    let dir = tempfile::tempdir().unwrap();
    let demo = Process::demo(&dir.path().join("demo")).await;
    let browser = Browser::open(&demo.base).await;
    browser.resize(390, 844).await;
    browser.log_in("stair").await;
    browser.goto("/doors").await;
    browser.until(DOOR).await;
    let small = "return [...document.querySelectorAll('.door-do .button, .door-do summary, .doors a.phone')]
        .filter((b) => b.offsetParent && b.getBoundingClientRect().height < 44).length";
    assert_eq!(browser.run(small).await, 0, "large enough for gloves");
    browser.shots("doors-leader").await;
    // One press, and back.
    browser.run(&format!("{DOOR}.querySelector('[id^=well-]').click()")).await;
    browser.until("document.querySelector('.doors [id^=undo-]')").await;
    browser.shots("doors-seen").await;
    browser.run("document.querySelector('.doors [id^=undo-]').click()").await;
    browser.until(&format!("{DOOR}?.querySelector('[id^=well-]')")).await;
    // Help: three presses.
    browser.run(&format!("{DOOR}.querySelector('summary').click()")).await;
    browser.run(&format!("{DOOR}.querySelector('input[value=emergency]').click()")).await;
    browser.shots("doors-help").await;
    browser.run(&format!("{DOOR}.querySelector('details button[type=submit]').click()")).await;
    browser.until(&format!("{DOOR}?.innerText.includes('求助工单')")).await;
    browser.forget().await;
    browser.log_in("desk").await;
    browser.goto("/doors").await;
    browser.wait_for("#rounds").await;
    browser.shots("doors-street").await;
    browser.click("#doors table a").await;
    browser.wait_for("#progress table").await;
    browser.shots("doors-round").await;
    let wide = browser.run("return document.documentElement.scrollWidth > window.innerWidth + 1").await;
    assert_eq!(wide, false, "nothing scrolls sideways");
    browser.close().await;
    assert!(demo.terminate().await.success());
}
