//! From an empty machine to the first consult and the first request, by pages alone: what an administrator does who has read
//! the README and nothing else. Each press, page, field and choice is counted.

use std::cell::Cell;

use sanbao_booking::account::SecondFactorFor;
use sanbao_platform::auth::totp::TotpSecret;
use sanbao_platform::clock::Clock;
use sanbao_platform::testing;

use crate::common::chromium::Browser;
use crate::common::{self, Served};

/// The actions that all of it may take.
const ACTIONS_MAX: usize = 120;
const PASSWORD: &str = "correct horse battery";

/// A browser whose user's actions are counted.
struct Hand<'a> {
    browser: Browser,
    actions: &'a Cell<usize>,
}

impl Hand<'_> {
    fn did(&self) {
        self.actions.set(self.actions.get() + 1);
    }

    async fn goto(&self, path: &str) {
        self.did();
        self.browser.goto(path).await;
    }

    async fn click(&self, css: &str) {
        self.did();
        self.browser.wait_for(css).await;
        self.browser.click(css).await;
    }

    async fn fill(&self, css: &str, text: &str) {
        self.did();
        self.browser.wait_for(css).await;
        self.browser.fill(css, text).await;
    }

    /// Fills in a field of time, which takes other keys in each language of a browser.
    async fn sets(&self, css: &str, value: &str) {
        self.did();
        let set = format!(
            "const field = document.querySelector({css:?}); field.value = {value:?}; \
             for (const kind of ['input', 'change']) field.dispatchEvent(new Event(kind, {{ bubbles: true }}))"
        );
        self.browser.run(&set).await;
    }

    async fn choose(&self, css: &str, words: &str) {
        self.did();
        self.browser.choose(css, words).await;
    }

    async fn until(&self, expression: &str) {
        self.browser.until(expression).await;
    }

    /// The link beside which a text stands, pressed.
    async fn follow(&self, text: &str) {
        self.did();
        let find = format!("[...document.querySelectorAll('main a')].find((a) => a.textContent.includes({text:?}))");
        self.browser.until(&find).await;
        let to = self.browser.run(&format!("return {find}.getAttribute('href')")).await;
        self.browser.goto(to.as_str().unwrap()).await;
    }

    async fn log_in(&self, login: &str) {
        self.goto("/login").await;
        self.fill("#login", login).await;
        self.fill("#password", PASSWORD).await;
        self.click("form button[type=submit]").await;
        self.until("location.pathname !== '/login' && location.pathname !== '/session'").await;
    }

    /// The office, its administrator, and the second factor.
    async fn sets_up(&self, served: &Served) {
        self.goto(&format!("/setup#{}", served.setup_link().await)).await;
        for (field, text) in [
            ("#name_zh", "招宝山街道办事处"),
            ("#area_code", "330211001"),
            ("#display_name", "高海平"),
            ("#login", "gao"),
            ("#password", PASSWORD),
            ("#again", PASSWORD),
        ] {
            self.fill(field, text).await;
        }
        self.click("main form [type=submit]").await;
        self.until("location.pathname === '/login'").await;
        self.fill("#login", "gao").await;
        self.fill("#password", PASSWORD).await;
        self.click("form button[type=submit]").await;
        self.until("location.pathname === '/me/second-factor'").await;
        self.click("#begin-factor").await;
        self.until("document.querySelector('#factor-text').textContent.length > 30").await;
        let text =
            self.browser.run("return document.querySelector('#factor-text').textContent.replaceAll(' ', '')").await;
        let secret = TotpSecret::parse(text.as_str().unwrap()).unwrap();
        self.fill("#confirm-factor input", &secret.code(served.clock.now())).await;
        self.click("#confirm-factor [type=submit]").await;
        self.until("document.querySelectorAll('#recovery-codes li').length === 10").await;
        self.click("#recovery a.primary").await;
        self.until("location.pathname === '/admin'").await;
    }

    /// Another organisation of the network.
    async fn adds_organisation(&self, kind: &str, name: &str) {
        self.choose("#add-organisation select[name=kind]", kind).await;
        self.fill("#add-organisation [name=name_zh]", name).await;
        self.choose("#add-organisation select[name=area_code]", "城东社区").await;
        self.click("#add-organisation [type=submit]").await;
        self.until(&format!("document.querySelector('main').textContent.includes({name:?})")).await;
    }

    /// An account on the page that is open; the link to hand over.
    async fn adds_account(&self, name: &str, login: &str, role: &str, area: Option<&str>) -> String {
        self.fill("#add [name=display_name]", name).await;
        self.fill("#add [name=login]", login).await;
        self.click(&format!("#add [name=roles][value={role}]")).await;
        if let Some(area) = area {
            self.click(&format!("#add [name=areas][value='{area}']")).await;
        }
        self.click("#add [type=submit]").await;
        self.until("!document.querySelector('#account-link').hidden").await;
        let url = self.browser.run("return document.querySelector('#link-url').value").await;
        let (_, path) = url.as_str().unwrap().split_once("/setup/").unwrap();
        format!("/setup/{path}")
    }

    /// The person of a link chooses a password and logs in, on a device of their own.
    async fn comes_in(&self, link: &str, login: &str) {
        self.browser.forget().await;
        self.goto(link).await;
        self.fill("#password", PASSWORD).await;
        self.fill("#again", PASSWORD).await;
        self.click("main form [type=submit]").await;
        self.until("location.pathname === '/login'").await;
        self.log_in(login).await;
    }

    /// A doctor's profile, and mornings from Monday to Friday.
    async fn makes_bookable(&self, doctor: &str) {
        self.goto("/practitioners").await;
        self.follow(doctor).await;
        self.choose("#profile select[name=specialty]", "心血管内科").await;
        self.choose("#profile select[name=title]", "主治").await;
        self.fill("#profile [name=licence_no]", "110330211000123").await;
        self.click("#profile [type=submit]").await;
        self.browser.wait_for("#week-form").await;
        // The rows behind the grid: a week as times.
        self.click("#rows summary").await;
        for weekday in 1..=5 {
            let row = format!("#rows [data-weekday='{weekday}']");
            self.sets(&format!("{row} [data-end=from]"), "08:00").await;
            self.sets(&format!("{row} [data-end=to]"), "17:00").await;
        }
        self.click("#week-form button.primary").await;
        self.until("document.querySelector('main dl.facts')").await;
    }
}

/// The links that the administrator hands over.
struct Links {
    desk: String,
    doctor: String,
    nurse: String,
}

/// The office with its communities and three organisations, a room, a doctor's week, and three people.
async fn sets_the_network_up(office: &Hand<'_>, served: &Served) -> Links {
    office.sets_up(served).await;
    office.browser.shots("from-empty-check").await;
    office.goto("/areas").await;
    office.click("#take").await;
    office.until("document.body.innerText.includes('城东社区')").await;
    office.browser.shots("from-empty-areas").await;
    office.did();
    testing::until("the areas have come to where organisations are kept", async || {
        office.browser.goto("/admin").await;
        let there = office.browser.run("return !!document.querySelector('#add-organisation select[name=area_code]')");
        there.await == true
    })
    .await;
    for (kind, name) in [("医院", "龙赛医院"), ("养老机构", "金生怡养院"), ("居家", "新三宝居家服务社")]
    {
        office.adds_organisation(kind, name).await;
    }
    let desk = office.adds_account("周调度", "zhou", "dispatcher", Some("330211001")).await;
    office.goto("/admin").await;
    office.follow("龙赛医院").await;
    let doctor = office.adds_account("沈医生", "shen", "doctor", None).await;
    office.makes_bookable("沈医生").await;
    office.browser.shots("from-empty-doctor").await;
    office.goto("/admin").await;
    office.follow("金生怡养院").await;
    office.fill("#room-name", "会诊室一").await;
    office.click("#rooms form [type=submit]").await;
    office.until("document.querySelector('#rooms tbody')").await;
    let nurse = office.adds_account("陈护士", "chen", "care_staff", None).await;
    Links { desk, doctor, nurse }
}

/// The home registers a resident and asks; the doctor accepts; the home takes a time and a room.
async fn books_a_consult(person: &Hand<'_>, links: &Links) {
    person.comes_in(&links.nurse, "chen").await;
    person.goto("/residents").await;
    person.fill("form[data-send='POST /v1/persons'] [name=name]", "孙宝庆").await;
    person.click("form[data-send='POST /v1/persons'] button.primary").await;
    person.until("document.querySelector('main').textContent.includes('孙宝庆')").await;
    person.goto("/consults/new").await;
    person.choose("#resident_id", "孙宝庆").await;
    person.fill("#reason", "近一周活动后气促").await;
    person.fill("#purpose", "是否需要调整利尿剂").await;
    person.fill("#case_summary", "慢性心衰五年，现服呋塞米 20 mg 每日一次。").await;
    person.choose("#wish", "心血管内科").await;
    person.click("#invitation button.primary").await;
    person.until("/^\\/consults\\/[0-9a-f-]{36}$/.test(location.pathname)").await;
    let consult = person.browser.path().await;

    person.comes_in(&links.doctor, "shen").await;
    person.goto(&consult).await;
    person.click("form[data-send$='/accept'] button").await;
    person.until("document.body.innerText.includes('已受理')").await;
    person.browser.forget().await;
    person.log_in("chen").await;
    person.goto(&consult).await;
    person.choose("form[data-schedule] select[name=room_id]", "会诊室一").await;
    person.click("form[data-schedule] button[type=submit]").await;
    person.until("document.body.innerText.includes('已预约')").await;
    person.browser.shots("from-empty-consult").await;
}

/// A call comes in, and goes to the agency.
async fn dispatches_a_request(person: &Hand<'_>, desk: &str) {
    person.comes_in(desk, "zhou").await;
    person.goto("/requests/new").await;
    person.fill("#phone", "0574-86251234").await;
    person.fill("#elder_name", "李阿婆").await;
    person.choose("#area_code", "城东社区").await;
    person.choose("#category", "助餐").await;
    person.choose("#agency_id", "新三宝").await;
    person.click("[name=dispatch]").await;
    person.until("document.body.innerText.includes('已登记并派单：李阿婆')").await;
    person.browser.shots("from-empty-request").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn from_an_empty_machine_to_the_first_consult_and_the_first_request_by_pages_alone() {
    let engine = testing::sqlite();
    let mut parts = common::parts(&engine, Clock::manual(common::morning())).await;
    parts.booking.account.second_factor = SecondFactorFor::Administrators;
    let served = Served::of(engine, parts).await;
    let actions = Cell::new(0);
    let base = served.nobody().base;
    let (office, person) = (Browser::open(&base).await, Browser::open(&base).await);
    let (office, person) = (Hand { browser: office, actions: &actions }, Hand { browser: person, actions: &actions });

    let links = sets_the_network_up(&office, &served).await;
    books_a_consult(&person, &links).await;
    dispatches_a_request(&person, &links.desk).await;

    let taken = actions.get();
    eprintln!("the first consult is booked and the first request dispatched by {taken} actions");
    assert!(taken <= ACTIONS_MAX, "{taken} actions");
    office.browser.close().await;
    person.browser.close().await;
    served.stop().await;
}
