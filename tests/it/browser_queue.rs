//! Real browsers at the desk's queues: an emergency stands over the list at once.

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
