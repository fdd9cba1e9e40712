//! A matter on a telephone in a real browser: a grid's leader raises it and sends it up, the community answers, the grid settles.

use crate::common::chromium::Browser;
use crate::common::process::Process;

const CARD: &str = "[...document.querySelectorAll('.matters > li')].find((li) => li.innerText.includes('井盖松动'))";
/// A title that was filled in, and the kind.
const FILL: &str = "document.querySelector('#title').value = '2 幢前井盖松动，老人差点绊倒';
    document.querySelector('#kind').value = 'facility';
    const area = document.querySelector('#area_code');
    area.value = '330211001001-C1-G1';";

/// Says something in the form of a step and sends it.
fn say(step: &str, field: &str, words: &str) -> String {
    format!(
        "const form = document.querySelector('#do-{step}');
        form.open = true;
        form.querySelector('[name={field}]').value = '{words}';
        form.querySelector('button[type=submit]').click();"
    )
}

/// Opens the matter of [`CARD`] and waits for its form of a step.
async fn open(browser: &Browser, step: &str) {
    browser.goto("/matters").await;
    browser.until(CARD).await;
    browser.run(&format!("{CARD}.querySelector('h3 a').click()")).await;
    browser.until(&format!("document.querySelector('#do-{step}')")).await;
}

async fn fits(browser: &Browser) {
    let wide = browser.run("return document.documentElement.scrollWidth > window.innerWidth + 1").await;
    assert_eq!(wide, false, "nothing scrolls sideways");
    let small = "return [...document.querySelectorAll('main button.button, main a.button, main summary')]
        .filter((b) => b.offsetParent && b.getBoundingClientRect().height < 44).map((b) => b.innerText).join('; ')";
    assert_eq!(browser.run(small).await, "", "large enough to press");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_matter_goes_up_from_a_telephone_and_comes_back_with_its_answer() {
    let dir = tempfile::tempdir().unwrap();
    let demo = Process::demo(&dir.path().join("demo")).await;
    let browser = Browser::open(&demo.base).await;
    browser.resize(390, 844).await;
    browser.log_in("grid").await;
    browser.goto("/doors").await;
    browser.wait_for("main a[href='/matters']").await;
    browser.click("main a[href='/matters']").await;
    browser.wait_for("#mine").await;
    fits(&browser).await;
    browser.shots("matters-leader").await;
    browser.click("a[href='/matters/new']").await;
    browser.wait_for("#title").await;
    browser.run(FILL).await;
    fits(&browser).await;
    browser.shots("matters-new").await;
    browser.click("form button[type=submit]").await;
    browser.until(CARD).await;
    open(&browser, "send-up").await;
    browser.run("document.querySelector('#do-send-up').open = true").await;
    fits(&browser).await;
    browser.shots("matters-up").await;
    browser.run(&say("send-up", "reason", "井盖归市政，网格管不了")).await;
    browser.until("document.querySelector('main').innerText.includes('您可以查看进展')").await;
    browser.shots("matters-waits").await;
    browser.forget().await;
    browser.log_in("community").await;
    open(&browser, "answer").await;
    browser.shots("matters-answer").await;
    browser.run(&say("answer", "answer", "市政今天下午来换")).await;
    browser.until("!document.querySelector('#do-answer')").await;
    browser.forget().await;
    browser.log_in("grid").await;
    open(&browser, "settle").await;
    browser.shots("matters-back").await;
    browser.run(&say("settle", "note", "已换好")).await;
    browser.until("document.querySelector('#do-reopen')").await;
    browser.shots("matters-settled").await;
    browser.goto("/matters/figures").await;
    browser.wait_for("#definitions").await;
    fits(&browser).await;
    browser.shots("matters-figures-phone").await;
    browser.forget().await;
    browser.resize(1280, 900).await;
    browser.log_in("desk").await;
    browser.goto("/matters?which=below").await;
    browser.wait_for("#below").await;
    browser.shots("matters-street").await;
    browser.goto("/matters/figures").await;
    browser.wait_for("#definitions").await;
    browser.shots("matters-figures").await;
    browser.close().await;
    assert!(demo.terminate().await.success());
}
