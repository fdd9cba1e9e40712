//! A real browser on the way of a shared device: registered, asked for with a consult, not to be had for another one at that time, and
//! named on the sheet of the day.

use chrono::{DateTime, FixedOffset, Utc};
use sanbao_platform::testing;
use serde_json::json;

use crate::common::chromium::Browser;
use crate::common::{Served, flow};

const DEVICE: &str = "便携心电图机";
const TIMES: &str = "#times input[name=asked]:not(#asked-none)";
/// The first time of the second day that has any: today's consults of the demo are in nobody's way.
const NEXT_DAY: &str = "document.querySelectorAll('#times details')[1]?.querySelector('input[name=asked]')";

/// Writes an invitation up to the choice of a time.
async fn writes(browser: &Browser, resident: &str, specialty: &str) {
    browser.goto("/consults/new").await;
    browser.choose("#resident_id", resident).await;
    browser.fill("#reason", "近一周活动后气促").await;
    browser.fill("#purpose", "是否需要调整用药").await;
    browser.fill("#case_summary", "慢性心衰五年。").await;
    browser.choose("#wish", specialty).await;
    browser.wait_for(TIMES).await;
}

/// Wants the device to be brought.
async fn wants_device(browser: &Browser) {
    let choose =
        "const box = document.querySelector('[name=device_ids]'); box.closest('details').open = true; box.click()";
    browser.run(choose).await;
}

fn offered(at: &str) -> String {
    format!("[...document.querySelectorAll({TIMES:?})].some((one) => one.value.includes({at:?}))")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_is_registered_asked_for_refused_to_another_and_on_the_sheet_of_the_day() {
    let served = Served::demo(testing::sqlite()).await;
    let nobody = served.nobody();
    let browser = Browser::open(&nobody.base).await;
    browser.log_in("admin").await;
    let home = flow::organisation(&nobody, "care_home").await;
    browser.goto(&format!("/admin?organisation={home}")).await;
    browser.fill("#device-name", DEVICE).await;
    browser.run("document.querySelector('#device-name').form.requestSubmit()").await;
    browser.until(&format!("document.querySelector('#devices tbody')?.innerText.includes({DEVICE:?})")).await;
    browser.shots("devices-admin").await;
    browser.forget().await;

    browser.log_in("nurse").await;
    writes(&browser, "孙宝庆", "心血管内科").await;
    wants_device(&browser).await;
    browser.until(NEXT_DAY).await;
    let choose = "one.closest('details').open = true; one.click(); return one.value.split('|')[1]";
    let at = browser.run(&format!("const one = {NEXT_DAY}; {choose}")).await;
    let at = at.as_str().unwrap().to_owned();
    browser.until("document.body.innerText.includes('已留到')").await;
    browser.shots("devices-invitation").await;
    browser.click("#invitation button.primary").await;
    browser.until("/^\\/consults\\/[0-9a-f-]{36}$/.test(location.pathname)").await;
    let consult = browser.path().await;
    browser.until(&format!("document.querySelector('main').innerText.includes({DEVICE:?})")).await;
    let booked = nobody.demo("doctor.shen").await.post(&format!("/v1{consult}/accept"), &json!({})).await.expect(200);
    assert_eq!((&booked["state"], &booked["devices"][0]["name"]), (&json!("scheduled"), &json!(DEVICE)), "{booked}");
    browser.shots("devices-consult").await;

    // Another resident, another doctor, another room: without the device the time is there, with it not.
    writes(&browser, "赵阿凤", "康复医学科").await;
    browser.until(&offered(&at)).await;
    wants_device(&browser).await;
    browser.until(&format!("document.querySelector({TIMES:?}) && !({})", offered(&at))).await;
    browser.shots("devices-refused").await;

    // The day of the consult comes.
    let starts_at: DateTime<Utc> = at.parse().unwrap();
    let shanghai = FixedOffset::east_opt(8 * 3600).unwrap();
    let midnight = starts_at.with_timezone(&shanghai).date_naive().and_hms_opt(0, 5, 0).unwrap();
    let morning = midnight.and_local_timezone(shanghai).unwrap().to_utc();
    served.minutes_later(u64::try_from((morning - served.clock.now()).num_minutes()).unwrap_or(0));
    browser.forget().await;
    browser.log_in("nurse").await;
    browser.goto("/consults/day-sheet").await;
    let row = format!(
        "[...document.querySelectorAll('tbody tr')].find((row) => /孙宝庆/.test(row.innerText) && /{DEVICE}/.test(row.innerText))"
    );
    browser.until(&row).await;
    browser.shots("devices-day-sheet").await;
    browser.close().await;
    served.stop().await;
}
