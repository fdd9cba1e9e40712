//! Real browsers where a person is asked who they are: another proof before what is hard to take back, a record opened in
//! an emergency, and the first administrator's way from an empty machine through the second factor.

use sanbao_booking::account::SecondFactorFor;
use sanbao_booking::account::demo::PASSWORD;
use sanbao_platform::auth::totp::TotpSecret;
use sanbao_platform::clock::Clock;
use sanbao_platform::testing;

use crate::common::chromium::Browser;
use crate::common::{self, Served};

/// Minutes after which a proof is too old, with the log-in still good.
const LATER: u64 = 11;
const DIALOG: &str = "document.querySelector('dialog#step-up[open]')";
const TOLD: &str = "!document.querySelector('[data-step-up-error]').hidden";

impl Browser {
    /// Waits for the question for another proof, gives a wrong one, is told so, and gives the right one.
    async fn proves_at_the_second_try(&self) {
        self.until(DIALOG).await;
        self.fill("#step-up-secret", "not the password").await;
        self.click("#step-up [type=submit]").await;
        self.until(TOLD).await;
        let told = self.run("return document.querySelector('[data-step-up-error]').textContent").await;
        assert_eq!(told, "密码、PIN 或验证码不对");
        self.until(&format!("{DIALOG} && document.querySelector('#step-up-secret').value === ''")).await;
        self.fill("#step-up-secret", PASSWORD).await;
        self.click("#step-up [type=submit]").await;
        self.until(&format!("!{DIALOG}")).await;
    }

    async fn value_of(&self, css: &str) -> String {
        let value = self.run(&format!("return document.querySelector({css:?}).value")).await;
        value.as_str().unwrap().to_owned()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_administrator_is_asked_again_and_nothing_that_was_typed_is_lost() {
    let served = Served::demo(testing::sqlite()).await;
    let browser = Browser::open(&served.nobody().base).await;
    browser.log_in("admin").await;
    browser.goto("/me/pin").await;
    served.minutes_later(LATER);
    browser.fill("#pin", "4826").await;
    browser.click("main form [type=submit]").await;
    browser.until(DIALOG).await;
    assert_eq!(browser.value_of("#pin").await, "4826");
    browser.shot("step-up", None).await;
    // A person who closes the dialog has changed nothing and goes on where they were.
    browser.click("#step-up [data-action=close]").await;
    browser.until(&format!("!{DIALOG}")).await;
    assert_eq!(browser.value_of("#pin").await, "4826");
    browser.click("main form [type=submit]").await;
    browser.proves_at_the_second_try().await;
    browser.until("document.querySelector('#notice .ok')").await;
    browser.until("document.querySelector('#pin').value === ''").await;
    browser.close().await;
    served.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_audit_log_is_found_in_and_becomes_a_file_after_another_proof() {
    let served = Served::demo(testing::sqlite()).await;
    let browser = Browser::open(&served.nobody().base).await;
    browser.log_in("admin").await;
    browser.goto("/audit").await;
    browser.shots("audit").await;
    browser.fill("#action", "log_in").await;
    browser.click("#filters [type=submit]").await;
    browser
        .until("document.querySelector('#action')?.value === 'log_in' && document.querySelector('tbody')?.textContent.includes('账号 · 登录')")
        .await;
    // The link that the script clicks is caught, since nobody looks into a folder of downloads here.
    browser
        .run("HTMLAnchorElement.prototype.click = function () { document.body.dataset.file = this.download; }")
        .await;
    served.minutes_later(LATER);
    browser.click("#audit-file").await;
    browser.proves_at_the_second_try().await;
    browser.until("document.body.dataset.file === 'sanbao-audit-2026-11-23.csv'").await;
    browser.click("[formaction='/needs/audit']").await;
    browser
        .until("location.pathname === '/needs/audit' && document.querySelector('#action')?.value === 'log_in'")
        .await;
    browser.close().await;
    served.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_doctor_opens_a_record_in_an_emergency_and_a_miss_keeps_what_was_typed() {
    let served = Served::demo(testing::sqlite()).await;
    let browser = Browser::open(&served.nobody().base).await;
    browser.log_in("doctor").await;
    browser.goto("/emergency-accesses").await;
    served.minutes_later(LATER);
    browser.fill("#number", "13800000099").await;
    browser.fill("#reason", "急诊：昏迷送来，家属联系不上").await;
    browser.click("#open [type=submit]").await;
    browser.proves_at_the_second_try().await;
    browser.until("document.querySelector('#notice .warn')").await;
    assert_eq!(browser.value_of("#number").await, "13800000099");
    browser.shots("emergency").await;
    browser.fill("#number", "13800000011").await;
    browser.click("#open [type=submit]").await;
    browser.until("document.querySelector('[data-emergency-seconds]')").await;
    let name = browser.run("return document.querySelector('h1').textContent").await;
    assert_eq!(name, "陈桂香");
    browser.shots("emergency-record").await;
    browser.close().await;
    let admin = Browser::open(&served.nobody().base).await;
    admin.log_in("admin").await;
    admin.goto("/emergency-accesses").await;
    admin.until("document.querySelectorAll('#openings article').length === 2").await;
    admin.shots("emergency-review").await;
    admin.fill("#openings article textarea", "已与科室核实").await;
    admin.click("#openings article [type=submit]").await;
    admin.until("document.querySelectorAll('#openings article').length === 1").await;
    admin.close().await;
    served.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_administrator_comes_from_an_empty_machine_through_the_second_factor() {
    let engine = testing::sqlite();
    let mut parts = common::parts(&engine, Clock::manual(common::morning())).await;
    parts.booking.account.second_factor = SecondFactorFor::Administrators;
    let served = Served::of(engine, parts).await;
    let browser = Browser::open(&served.nobody().base).await;
    browser.goto(&format!("/setup#{}", served.setup_link().await)).await;
    browser.wait_for("#name_zh").await;
    for (field, text) in [
        ("name_zh", "招宝山街道办事处"),
        ("name_en", "Zhaobaoshan Street Office"),
        ("area_code", "330211001"),
        ("display_name", "高海平"),
        ("login", "gao"),
        ("password", "correct horse battery"),
        ("again", "correct horse battery"),
    ] {
        browser.fill(&format!("#{field}"), text).await;
    }
    browser.click("main form [type=submit]").await;
    browser.until("location.pathname === '/login'").await;
    browser.fill("#login", "gao").await;
    browser.fill("#password", "correct horse battery").await;
    browser.click("form button[type=submit]").await;
    browser.until("location.pathname === '/me/second-factor'").await;
    browser.goto("/admin").await;
    browser.until("location.pathname === '/me/second-factor'").await;
    browser.click("#begin-factor").await;
    browser.until("document.querySelector('#factor-text').textContent.length > 30").await;
    let text = browser.run("return document.querySelector('#factor-text').textContent.replaceAll(' ', '')").await;
    let secret = TotpSecret::parse(text.as_str().unwrap()).unwrap();
    browser.fill("#confirm-factor input", &secret.code(served.clock.now())).await;
    browser.click("#confirm-factor [type=submit]").await;
    browser.until("document.querySelectorAll('#recovery-codes li').length === 10").await;
    browser.click("#recovery a.primary").await;
    browser.until("location.pathname === '/admin'").await;
    browser.close().await;
    served.stop().await;
}
