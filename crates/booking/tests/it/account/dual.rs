//! Dual control: one administrator alone makes none, takes over none, and ends it for nobody.

use sanbao_platform::testing::{TestEngine, on_both};
use serde_json::{Value, json};

use crate::account::imports::send;
use crate::account::kit::{Browser, audited, token_of};
use crate::account::members::{Two, answer};
use crate::account::second_factor::set_up;

/// The hospital with two administrators, under dual control.
struct Dual {
    two: Two,
    /// Its second administrator.
    chief: String,
    chief_id: String,
}

impl Dual {
    async fn open(engine: &TestEngine) -> Self {
        Self::begun(Two::open(engine).await, async |_| ()).await.0
    }

    /// The same, with something that happened before dual control began.
    async fn begun<T>(two: Two, before: impl AsyncFnOnce(&Two) -> T) -> (Self, T) {
        let made = two.site.api(&two.boss, "POST", &accounts(&two), administrator("chief")).await.expect(201);
        two.site.choose(&made["link"], "correct horse").await;
        let chief = two.site.access("chief", "correct horse").await;
        let before = before(&two).await;
        two.site.api(&two.boss, "PUT", &rule(&two), Value::Null).await.checked(204);
        let chief_id = made["id"].as_str().unwrap().to_owned();
        (Self { two, chief, chief_id }, before)
    }

    /// A third administrator, made by the first and by another one: the access token.
    async fn third(&self, other: &str) -> String {
        let order = self.ordered(&self.two.boss, "POST", &accounts(&self.two), administrator("third")).await;
        let made = self.confirm(other, &order).await;
        self.two.site.choose(&made["link"], "correct horse").await;
        self.two.site.access("third", "correct horse").await
    }

    /// An order that an administrator of the hospital gives: the path under which it is confirmed.
    async fn ordered(&self, token: &str, method: &str, path: &str, body: Value) -> String {
        let order = self.two.site.api(token, method, path, body).await.expect(202);
        format!("{}/{}", rule(&self.two), order["id"].as_str().unwrap())
    }

    async fn confirm(&self, token: &str, order: &str) -> Value {
        self.two.site.api(token, "POST", &format!("{order}/confirm"), Value::Null).await.expect(200)
    }

    async fn orders(&self, token: &str) -> Vec<Value> {
        self.two.site.get(token, &rule(&self.two)).await.expect(200)["orders"].as_array().unwrap().clone()
    }

    async fn waiting(&self, token: &str) -> usize {
        self.orders(token).await.len()
    }

    /// The roles that a log-in has by now.
    async fn roles(&self, login: &str) -> Vec<String> {
        let access = self.two.site.token(login).await;
        self.two.actor(&access).roles
    }
}

fn rule(two: &Two) -> String {
    format!("/v1/organisations/{}/dual-control", two.hospital())
}

fn administrator(login: &str) -> Value {
    json!({ "login": login, "display_name": format!("{login}院长"), "roles": ["administrator"] })
}

fn accounts(two: &Two) -> String {
    format!("/v1/organisations/{}/accounts", two.hospital())
}

#[tokio::test]
async fn it_needs_two_to_begin() {
    on_both(|engine| async move {
        let two = Two::open(&engine).await;
        two.site.api(&two.boss, "PUT", &rule(&two), Value::Null).await.refused(409, "too-few-administrators");
        assert_eq!(two.site.get(&two.boss, &rule(&two)).await.expect(200)["on"], false);
        two.site.api(&two.boss, "DELETE", &rule(&two), Value::Null).await.refused(404, "not-found");
        let doctor = two.site.token("doctor").await;
        two.site.api(&doctor, "PUT", &rule(&two), Value::Null).await.refused(403, "forbidden");
    })
    .await;
}

#[tokio::test]
async fn it_ends_by_two() {
    on_both(|engine| async move {
        let dual = Dual::open(&engine).await;
        let end = dual.ordered(&dual.chief, "DELETE", &rule(&dual.two), Value::Null).await;
        let again = dual.ordered(&dual.chief, "DELETE", &rule(&dual.two), Value::Null).await;
        assert_eq!(dual.waiting(&dual.chief).await, 1, "the later one takes the place of the earlier");
        let site = &dual.two.site;
        site.api(&dual.two.boss, "POST", &format!("{end}/confirm"), Value::Null).await.refused(404, "not-found");
        site.api(&dual.chief, "POST", &format!("{again}/confirm"), Value::Null).await.refused(409, "conflict");
        dual.confirm(&dual.two.boss, &again).await;
        assert_eq!(site.get(&dual.chief, &rule(&dual.two)).await.expect(200)["on"], false);
        site.api(&dual.chief, "POST", &accounts(&dual.two), administrator("third")).await.checked(201);
        assert_eq!(audited(site, "dual_control.switch_on").await, 1);
        assert_eq!(audited(site, "dual_control.switch_off").await, 1);
    })
    .await;
}

#[tokio::test]
async fn one_alone_makes_no_administrator() {
    on_both(|engine| async move {
        let dual = Dual::open(&engine).await;
        let (two, site) = (&dual.two, &dual.two.site);
        let order = dual.ordered(&two.boss, "POST", &accounts(two), administrator("third")).await;
        let listed = site.get(&two.boss, &accounts(two)).await.expect(200);
        assert!(listed["items"].as_array().unwrap().iter().all(|a| a["login"] != "third"), "{listed}");
        site.api(&two.boss, "POST", &format!("{order}/confirm"), Value::Null).await.refused(409, "conflict");
        let made = dual.confirm(&dual.chief, &order).await;
        assert_eq!((&made["login"], &made["display_name"]), (&json!("third"), &json!("third院长")));
        site.choose(&made["link"], "correct horse").await;
        let third = site.access("third", "correct horse").await;
        assert_eq!(two.actor(&third).roles, ["administrator"]);
        site.api(&dual.chief, "POST", &format!("{order}/confirm"), Value::Null).await.refused(404, "not-found");

        // Others are made by one, as before; what is wrong is told before anybody is asked.
        let nurse = json!({ "login": "fourth", "display_name": "四", "roles": ["care_staff"] });
        site.api(&two.boss, "POST", &accounts(two), nurse).await.checked(201);
        let wrong = json!({ "login": "", "display_name": "五", "roles": ["administrator"] });
        site.api(&two.boss, "POST", &accounts(two), wrong).await.refused(422, "invalid");

        let path = format!("/v1/accounts/{}", site.account("doctor"));
        let both = json!({ "roles": ["doctor", "administrator"] });
        let refused = dual.ordered(&two.boss, "PATCH", &path, both.clone()).await;
        site.api(&dual.chief, "DELETE", &refused, Value::Null).await.checked(204);
        site.api(&dual.chief, "POST", &format!("{refused}/confirm"), Value::Null).await.refused(404, "not-found");
        assert_eq!(dual.roles("doctor").await, ["doctor"]);
        let order = dual.ordered(&two.boss, "PATCH", &path, both).await;
        dual.confirm(&dual.chief, &order).await;
        assert_eq!(dual.roles("doctor").await, ["administrator", "doctor"]);
    })
    .await;
}

#[tokio::test]
async fn one_alone_takes_over_no_administrator() {
    on_both(|engine| async move {
        let dual = Dual::open(&engine).await;
        let (two, site) = (&dual.two, &dual.two.site);
        let chief = format!("/v1/accounts/{}", dual.chief_id);
        let order = dual.ordered(&two.boss, "POST", &format!("{chief}/link"), Value::Null).await;
        assert_eq!(site.log_in("chief", "correct horse").await.status, 200, "nothing has happened yet");
        // Neither who asked nor the one it is about, but the office that the hospital lies under.
        site.api(&dual.chief, "POST", &format!("{order}/confirm"), Value::Null).await.refused(409, "conflict");
        let made = dual.confirm(&two.office, &order).await;
        assert_eq!(site.log_in("chief", "correct horse").await.status, 401);
        site.choose(&made["link"], "another horse").await;
        let again = site.access("chief", "another horse").await;

        // The last two stay two.
        let disable = format!("{chief}/disable");
        site.api(&two.boss, "POST", &disable, Value::Null).await.refused(409, "too-few-administrators");
        let less = json!({ "roles": ["care_staff"] });
        site.api(&two.boss, "PATCH", &chief, less).await.refused(409, "too-few-administrators");
        dual.third(&again).await;
        site.api(&two.boss, "POST", &disable, Value::Null).await.checked(200);
        let order = dual.ordered(&two.boss, "POST", &format!("{chief}/enable"), Value::Null).await;
        assert_eq!(site.log_in("chief", "another horse").await.status, 403);
        dual.confirm(&two.office, &order).await;
        assert_eq!(site.log_in("chief", "another horse").await.status, 200);

        // One is enough for all who are no administrators.
        let doctor = format!("/v1/accounts/{}/link", site.account("doctor"));
        site.api(&two.boss, "POST", &doctor, Value::Null).await.checked(200);
    })
    .await;
}

#[tokio::test]
async fn a_second_factor_is_reset_by_two_with_a_proof_of_late() {
    on_both(|engine| async move {
        let dual = Dual::open(&engine).await;
        let (two, site) = (&dual.two, &dual.two.site);
        set_up(site, &dual.chief).await;
        let factor = format!("/v1/accounts/{}/second-factor", dual.chief_id);
        let order = dual.ordered(&two.boss, "DELETE", &factor, Value::Null).await;
        site.log_in("chief", "correct horse").await.refused(401, "second-factor-required");
        site.minutes_pass(11);
        site.api(&two.office, "POST", &format!("{order}/confirm"), Value::Null).await.refused(401, "step-up-required");
        dual.confirm(&site.token("admin").await, &order).await;
        site.log_in("chief", "correct horse").await.checked(200);
        assert_eq!(audited(site, "account.reset_second_factor").await, 2, "in the hospital's log and the office's");
    })
    .await;
}

#[tokio::test]
async fn no_way_round_leads_to_an_administrator() {
    on_both(|engine| async move {
        let earlier = async |two: &Two| two.offer(&["administrator"]).await;
        let (dual, earlier) = Dual::begun(Two::open(&engine).await, earlier).await;
        let (two, site, nurse) = (&dual.two, &dual.two.site, dual.two.site.token("nurse").await);
        site.api(&nurse, "POST", "/v1/offers/accept", answer(&earlier)).await.refused(410, "offer-spent");

        // A guest who works here becomes none, and nobody is asked to be one.
        two.nurse_joins().await;
        let member = two.member("nurse");
        site.api(&two.boss, "PATCH", &member, json!({ "roles": ["administrator"] })).await.checked(202);
        let body = json!({ "roles": ["administrator"], "note": "周医生" });
        let order = dual.ordered(&two.boss, "POST", &two.offers(), body).await;
        let made = dual.confirm(&dual.chief, &order).await;
        assert_eq!(made["display_name"], "周医生");
        let caregiver = site.token("caregiver").await;
        site.api(&caregiver, "POST", "/v1/offers/accept", answer(&made)).await.checked(200);

        // A file makes none either.
        let file = "用户名,姓名,角色\nsixth,六,管理员\nseventh,七,护理人员\n";
        let path = format!("/v1/organisations/{}/account-imports?dry_run=false", two.hospital());
        let report = send(site, &two.boss, &path, file).await.expect(200);
        assert_eq!((&report["created"], &report["errors"][0]["code"]), (&json!(1), &json!("needs_two")), "{report}");
    })
    .await;
}

#[tokio::test]
async fn an_order_ends_with_its_week_and_with_the_rights_of_its_giver() {
    on_both(|engine| async move {
        let dual = Dual::open(&engine).await;
        let (two, site) = (&dual.two, &dual.two.site);
        let order = dual.ordered(&two.boss, "POST", &accounts(two), administrator("third")).await;
        let third = dual.confirm(&dual.chief, &order).await;
        let disable = format!("/v1/accounts/{}/disable", dual.chief_id);
        // One who has never come in is nobody yet.
        site.api(&two.boss, "POST", &disable, Value::Null).await.refused(409, "too-few-administrators");
        site.choose(&third["link"], "correct horse").await;
        site.access("third", "correct horse").await;
        let order = dual.ordered(&dual.chief, "POST", &accounts(two), administrator("fourth")).await;
        site.api(&two.boss, "POST", &disable, Value::Null).await.checked(200);
        site.api(&two.boss, "POST", &format!("{order}/confirm"), Value::Null).await.refused(404, "not-found");
        assert_eq!(dual.waiting(&two.boss).await, 0);
        dual.ordered(&two.boss, "POST", &accounts(two), administrator("fourth")).await;
        assert_eq!(dual.waiting(&two.boss).await, 1);
        site.minutes_pass(7 * 24 * 60 + 1);
        assert_eq!(dual.waiting(&site.access("boss", "correct horse").await).await, 0);
    })
    .await;
}

#[tokio::test]
async fn the_page_shows_what_waits_to_those_who_may_confirm_it() {
    on_both(|engine| async move {
        let dual = Dual::open(&engine).await;
        let (two, site) = (&dual.two, &dual.two.site);
        let order = dual.ordered(&two.boss, "POST", &accounts(two), administrator("third")).await;
        let mut pages = Vec::new();
        for login in ["boss", "chief"] {
            let mut browser = Browser::new();
            browser.form(site, "/session", &[("login", login), ("password", "correct horse")]).await.checked(303);
            pages.push(browser.open(site, "/admin").await.checked(200).text);
        }
        let (own, other) = (&pages[0], &pages[1]);
        for page in [own, other] {
            assert!(page.contains("新建管理员账号“third院长 · third”") && page.contains("申请结束双人复核"), "{page}");
        }
        assert!(other.contains(&format!("POST {order}/confirm")) && !own.contains(&format!("POST {order}/confirm")));
        assert!(own.contains("撤回") && other.contains("拒绝"));
    })
    .await;
}

#[tokio::test]
async fn an_office_above_that_one_alone_fills_is_one_mind() {
    on_both(|engine| async move {
        let dual = Dual::open(&engine).await;
        let (two, site) = (&dual.two, &dual.two.site);
        let what = json!({ "roles": ["administrator"] });
        let own = site.newcomer(&two.office, site.network.street_office, "office.two", what).await;
        let path = format!("/v1/accounts/{}", site.account("doctor"));
        let order = dual.ordered(&two.office, "PATCH", &path, json!({ "roles": ["administrator"] })).await;
        site.api(&own, "POST", &format!("{order}/confirm"), Value::Null).await.refused(409, "conflict");
        dual.confirm(&dual.chief, &order).await;
        assert_eq!(dual.roles("doctor").await, ["administrator", "doctor"], "none of the present roles is lost");
        // With dual control of its own the office is of two minds.
        let rule = format!("/v1/organisations/{}/dual-control", site.network.street_office);
        site.api(&own, "PUT", &rule, Value::Null).await.checked(204);
        let link = format!("/v1/accounts/{}/link", dual.chief_id);
        let order = dual.ordered(&two.office, "POST", &link, Value::Null).await;
        dual.confirm(&own, &order).await;
    })
    .await;
}

#[tokio::test]
async fn no_link_of_before_leads_in() {
    on_both(|engine| async move {
        let kept = async |two: &Two| {
            let listed = two.site.get(&two.boss, &accounts(two)).await.expect(200);
            let chief = listed["items"].as_array().unwrap().iter().find(|a| a["login"] == "chief").unwrap();
            let link = format!("/v1/accounts/{}/link", chief["id"].as_str().unwrap());
            two.site.api(&two.boss, "POST", &link, Value::Null).await.expect(200)
        };
        let (dual, kept) = Dual::begun(Two::open(&engine).await, kept).await;
        let (two, site) = (&dual.two, &dual.two.site);
        let choose = |link: &Value| json!({ "token": token_of(&link["link"]), "password": "another horse" });
        site.api("", "POST", "/setup/account", choose(&kept)).await.refused(410, "setup-link-spent");

        let doctor = format!("/v1/accounts/{}", site.account("doctor"));
        let kept = site.api(&two.boss, "POST", &format!("{doctor}/link"), Value::Null).await.expect(200);
        let both = json!({ "roles": ["care_staff", "administrator"] });
        let order = dual.ordered(&two.boss, "PATCH", &doctor, both).await;
        // The rest of the change is made at once.
        assert_eq!(site.get(&two.boss, &doctor).await.expect(200)["roles"], json!(["care_staff"]));
        dual.confirm(&two.office, &order).await;
        site.api("", "POST", "/setup/account", choose(&kept)).await.refused(410, "setup-link-spent");
        assert_eq!(site.get(&two.boss, &doctor).await.expect(200)["roles"], json!(["administrator", "care_staff"]));

        // The same of somebody whose account began elsewhere, and where the link is the other organisation's to make.
        two.nurse_joins().await;
        let nurse = format!("/v1/accounts/{}/link", site.account("nurse"));
        let kept = site.api(&two.office, "POST", &nurse, Value::Null).await.expect(200);
        let member = json!({ "roles": ["administrator"] });
        let order = dual.ordered(&two.boss, "PATCH", &two.member("nurse"), member).await;
        dual.confirm(&two.office, &order).await;
        site.api("", "POST", "/setup/account", choose(&kept)).await.refused(410, "setup-link-spent");
        site.api(&two.office, "POST", &nurse, Value::Null).await.checked(202);
    })
    .await;
}

#[tokio::test]
async fn of_two_who_disable_each_other_at_one_moment_one_stays() {
    on_both(|engine| async move {
        let dual = Dual::open(&engine).await;
        let (two, site) = (&dual.two, &dual.two.site);
        let third = dual.third(&dual.chief).await;
        let third_id = site.get(&third, "/v1/me").await.expect(200)["id"].as_str().unwrap().to_owned();
        let disable = |token: String, id: String| async move {
            site.api(&token, "POST", &format!("/v1/accounts/{id}/disable"), Value::Null).await.status
        };
        let (one, other) = (disable(dual.chief.clone(), third_id), disable(third, dual.chief_id.clone()));
        let (one, other) = tokio::join!(one, other);
        assert_eq!([one, other].iter().filter(|status| **status == 200).count(), 1, "{one} {other}");
        assert_eq!(site.get(&two.boss, &rule(two)).await.expect(200)["on"], true);
    })
    .await;
}

#[tokio::test]
async fn a_hundred_orders_wait_and_no_more() {
    on_both(|engine| async move {
        let dual = Dual::open(&engine).await;
        let (two, site) = (&dual.two, &dual.two.site);
        let body = json!({ "roles": ["administrator"] });
        for _ in 0..100 {
            dual.ordered(&two.boss, "POST", &two.offers(), body.clone()).await;
        }
        assert_eq!(dual.waiting(&two.boss).await, 100);
        site.api(&two.boss, "POST", &two.offers(), body.clone()).await.refused(409, "conflict");
        let refused = format!("{}/{}", rule(two), dual.orders(&two.boss).await[0]["id"].as_str().unwrap());
        site.api(&dual.chief, "DELETE", &refused, Value::Null).await.checked(204);
        dual.ordered(&two.boss, "POST", &two.offers(), body).await;
    })
    .await;
}
