//! Real browsers at the desk's queues: many requests take one step and the one that does not is named; an emergency stands over the
//! list at once; a request is put right, waited for, and taken in hand on its own page.

use sanbao_platform::testing;
use serde_json::json;

use crate::common::chromium::Browser;
use crate::common::{Client, Served};

/// The number in the tab of a queue.
fn tab(queue: &str) -> String {
    format!("Number(document.querySelector('.queues a[href$=\"queue={queue}\"] .count').textContent)")
}

async fn opened() -> (Served, Client, Browser) {
    let served = Served::demo(testing::sqlite()).await;
    let nobody = served.nobody();
    let desk = nobody.demo("desk").await;
    let browser = Browser::open(&nobody.base).await;
    browser.log_in("desk").await;
    (served, desk, browser)
}

async fn taken_down(desk: &Client, name: &str, urgency: &str) -> String {
    let body = json!({ "area_code": "330211001001", "category": "clean", "urgency": urgency, "elder_name": name,
        "phone": "19912340000", "address": "城东东苑 9 幢", "note": "擦窗" });
    let made = desk.post("/v1/requests", &body).await.expect(201);
    made["id"].as_str().unwrap().to_owned()
}

async fn number(browser: &Browser, queue: &str) -> u64 {
    browser.run(&format!("return {}", tab(queue))).await.as_u64().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn many_requests_take_one_step_and_the_one_that_does_not_is_named() {
    let (served, desk, browser) = opened().await;
    let mut ids = Vec::new();
    for name in ["甲某某", "乙某某", "丙某某"] {
        ids.push(taken_down(&desk, name, "normal").await);
    }
    browser.goto("/requests?queue=dispatch").await;
    let (before, answered) = (number(&browser, "dispatch").await, number(&browser, "answer").await);
    for id in &ids {
        browser.click(&format!("input[name=picked][value='{id}']")).await;
    }
    browser.until("document.querySelector('#bulk-count').textContent.includes('已选 3 条')").await;
    browser.shots("queue-picked").await;
    browser.click("#bulk [value=triage]").await;
    browser.until("document.querySelector('#bulk-count').textContent.includes('已处理 3 条')").await;
    browser.until(&format!("{} === {before}", tab("dispatch"))).await;
    for id in &ids {
        browser.until(&format!("document.querySelector(\"input[value='{id}']\").dataset.version === '2'")).await;
        browser.click(&format!("input[name=picked][value='{id}']")).await;
    }
    // A colleague is faster with one of them, and this page does not know it yet.
    browser.run(&format!("document.querySelector(\"input[value='{}']\").dataset.version = '1'", ids[2])).await;
    browser.run("const agency = document.querySelector('#bulk-agency'); agency.value = agency.options[1].value").await;
    browser.click("#bulk [value=dispatch]").await;
    browser.until("document.querySelector('#bulk-count').textContent.includes('已处理 2 条')").await;
    browser.until("document.querySelectorAll('#bulk-failed > li').length === 1").await;
    browser.shots("queue-bulk").await;
    browser.until(&format!("{} === {}", tab("answer"), answered + 2)).await;
    assert_eq!(desk.get(&format!("/v1/requests/{}", ids[2])).await.expect(200)["state"], json!("triaged"));
    served.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_emergency_stands_over_the_list_at_once() {
    let (served, desk, browser) = opened().await;
    browser.goto("/requests?queue=mine").await;
    browser.until("document.querySelector('#emergencies')").await;
    let before = number(&browser, "urgent").await;
    let id = taken_down(&desk, "丁某某", "emergency").await;
    browser.until(&format!("document.querySelector('#emergencies a[href=\"/requests/{id}\"]')")).await;
    browser.until("document.title.includes('有紧急工单等待处理')").await;
    browser.until(&format!("{} === {}", tab("urgent"), before + 1)).await;
    browser.click("#alarm-switch").await;
    browser.until("document.querySelector('#alarm-switch').getAttribute('aria-pressed') === 'true'").await;
    browser.resize(390, 900).await;
    browser.shot("queue-emergency", None).await;
    served.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_is_put_right_waited_for_and_taken_in_hand_on_its_page() {
    let (served, desk, browser) = opened().await;
    let id = taken_down(&desk, "戊某某", "normal").await;
    browser.goto(&format!("/requests/{id}")).await;
    browser.click("#do-edit > summary").await;
    browser.fill("#edit-elder_name", "己某某").await;
    browser.fill("#edit-address", "").await;
    browser.fill("#edit-area-find", "xmdy").await;
    browser.until("document.querySelector('#edit-area').selectedOptions[0].text.includes('西门东苑')").await;
    browser.click("#do-edit button[type=submit]").await;
    browser.until("document.querySelector('h1')?.innerText.includes('己某某')").await;
    browser.until("document.body.innerText.includes('地址：城东东苑 9 幢 → （无）')").await;
    browser.click("#do-pause > summary").await;
    browser.fill("#pause-reason", "老人住院").await;
    browser.shots("request-page").await;
    browser.click("#do-pause button[type=submit]").await;
    browser.until("document.body.innerText.includes('等老人，计时到')").await;
    browser.click("#do-resume > summary").await;
    browser.click("#do-resume button[type=submit]").await;
    browser.until("document.querySelector('#do-pause')").await;
    browser.click("#do-assign > summary").await;
    browser.run("const to = document.querySelector('#assign-assignee'); to.value = to.options[1].value").await;
    browser.click("#do-assign button[type=submit]").await;
    browser.until("document.body.innerText.includes('经办人')").await;
    browser.goto("/requests?queue=mine").await;
    browser.until("document.querySelector('#requests').innerText.includes('己某某')").await;
    // The number that people say finds it.
    let shown = desk.get(&format!("/v1/requests/{id}")).await.expect(200);
    browser.fill("#q", shown["number"].as_str().unwrap()).await;
    browser.click("#filters button[type=submit]").await;
    browser.until("document.querySelectorAll('#requests tbody tr').length === 1").await;
    served.stop().await;
}
