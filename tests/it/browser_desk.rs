//! Real browsers at the desk: a known caller's request goes to an agency in three presses on one page; another call about it
//! joins it and comes out again; what is urgent and cannot be reached is asked about once.

use sanbao_platform::testing;
use serde_json::{Value, json};

use crate::common::chromium::Browser;
use crate::common::{Served, flow};

/// Presses that a known elder's request takes after the number, until an agency has it.
const PRESSES_MAX: u64 = 3;
const PHONE: &str = "13812340099";
/// Counts what a person presses on this page; a page that is loaded counts anew.
const COUNT: &str =
    "window.pressed = 0; addEventListener('click', (e) => { if (e.isTrusted) window.pressed += 1; }, true)";

/// A desk that is open, with an elder at home whom the network knows, and an agency that serves there.
async fn opened() -> (Served, Browser) {
    let served = Served::demo(testing::sqlite()).await;
    let nobody = served.nobody();
    flow::accepted_request(&nobody, "量血压").await;
    let elder = json!({ "name": "许桂兰", "sex": "female", "phone": PHONE, "area_code": "330211001001", "address": "城东东苑 9 幢 101" });
    nobody.demo("desk").await.post("/v1/persons", &elder).await.expect(201);
    let browser = Browser::open(&nobody.base).await;
    browser.log_in("desk").await;
    browser.goto("/requests/new").await;
    browser.run(COUNT).await;
    (served, browser)
}

/// Types the number and waits until the form says who and where.
async fn calls(browser: &Browser) {
    browser.fill("#phone", PHONE).await;
    browser.until("document.querySelector('#elder_name').value === '许桂兰'").await;
    browser.until("document.querySelector('#area_code').value === '330211001001'").await;
    browser.until("document.querySelector('#person-told a')").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_known_elder_is_taken_down_and_sent_in_three_presses_on_one_page() {
    let (served, browser) = opened().await;
    calls(&browser).await;
    browser.until("document.querySelector('#agency_id').value !== ''").await;
    browser.shots("desk-known").await;
    // A list is opened and a line of it pressed.
    browser.choose("#category", "助浴").await;
    browser.click("[name=dispatch]").await;
    browser.until("document.querySelector('#filed').innerText.includes('已登记并派单：许桂兰')").await;
    let pressed = browser.run("return window.pressed").await.as_u64().expect("the page was not loaded anew") + 2;
    assert!(pressed <= PRESSES_MAX, "{pressed} presses");
    let cleared = browser
        .run("return document.querySelector('#phone').value + document.querySelector('#elder_name').value")
        .await;
    assert_eq!(cleared, json!(""), "the next caller is waiting");
    browser.shots("desk-sent").await;
    served.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_call_is_merged_into_the_open_request_by_looking_and_comes_out_again() {
    let (served, browser) = opened().await;
    calls(&browser).await;
    browser.choose("#category", "助浴").await;
    browser.fill("#note", "想洗澡").await;
    browser.click("[name=only]").await;
    browser.until("document.querySelector('#filed').innerText.includes('已登记：许桂兰')").await;
    calls(&browser).await;
    browser.until("document.querySelector('#doubles').innerText.includes('想洗澡')").await;
    browser.fill("#note", "怎么还没来").await;
    browser.shots("desk-double").await;
    browser.click("#doubles [name=merge]").await;
    browser.until("document.querySelector('#filed').innerText.includes('已并入原工单')").await;
    let open = browser.run("return document.querySelector('#filed a').getAttribute('href')").await;
    browser.click("#undo-merge").await;
    browser.until("document.querySelector('#filed').innerText.includes('已撤销并单')").await;
    let open = open.as_str().unwrap().to_owned();
    browser.goto(&open).await;
    browser.until("document.body.innerText.includes('怎么还没来')").await;
    // Merged again on its own page, by looking.
    browser.goto(&format!("{open}/merge")).await;
    browser.shots("merge").await;
    browser.click("form[data-send$='/merge'] button").await;
    browser.until("document.querySelector('#inside')").await;
    browser.shots("merge-inside").await;
    browser.click("[id^=separate-]").await;
    browser.until("!document.querySelector('#inside')").await;
    served.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_urgent_and_cannot_be_reached_is_asked_about_once() {
    let (served, browser) = opened().await;
    browser.resize(390, 900).await;
    browser.fill("#elder_name", "不知名老人").await;
    browser.fill("#area-find", "xmdy").await;
    browser.until("document.querySelector('#area_code').selectedOptions[0].text.includes('西门东苑')").await;
    browser.choose("#category", "助急").await;
    browser.click("[name=urgency][value=emergency]").await;
    browser.click("[name=only]").await;
    browser.wait_for("#reach[open]").await;
    browser.shot("desk-reach", None).await;
    browser.click("[data-reach=back]").await;
    browser.until("document.activeElement.id === 'phone' && !document.querySelector('.error-summary')").await;
    browser.click("[name=only]").await;
    browser.until("document.querySelector('#filed').innerText.includes('已登记：不知名老人')").await;
    let recent = browser.run("return document.querySelector('#area_code optgroup').innerText").await;
    assert!(
        recent.as_str().is_some_and(|text| text.contains("西门东苑")),
        "what was used last is offered first: {recent}"
    );
    let found: Value =
        served.nobody().demo("desk").await.get("/v1/requests?urgency=emergency&open=true").await.expect(200);
    assert!(found["items"].as_array().unwrap().iter().any(|r| r["elder_name"] == "不知名老人"), "{found}");
    served.stop().await;
}
