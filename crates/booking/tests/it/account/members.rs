//! An account in several organisations: joined by an offer, entered one at a time, left without harm to the others.

use std::time::Duration;

use futures_util::future::join_all;
use sanbao_booking::account::demo::PASSWORD;
use sanbao_platform::auth::Actor;
use sanbao_platform::id::OrganisationId;
use sanbao_platform::testing::{TestEngine, on_both};
use serde_json::{Value, json};

use crate::account::kit::{Browser, Site, audited, token_of};

/// A site on which the hospital has an administrator of its own.
pub(super) struct Two {
    pub(super) site: Site,
    /// The street office's administrator.
    pub(super) office: String,
    /// The hospital's.
    pub(super) boss: String,
}

impl Two {
    pub(super) async fn open(engine: &TestEngine) -> Self {
        let site = Site::open(engine).await;
        let office = site.token("admin").await;
        let what = json!({ "roles": ["administrator"] });
        let boss = site.newcomer(&office, site.network.hospital, "boss", what).await;
        Self { site, office, boss }
    }

    pub(super) fn hospital(&self) -> OrganisationId {
        self.site.network.hospital
    }

    pub(super) fn offers(&self) -> String {
        format!("/v1/organisations/{}/offers", self.hospital())
    }

    pub(super) fn member(&self, login: &str) -> String {
        format!("/v1/organisations/{}/members/{}", self.hospital(), self.site.account(login))
    }

    /// An offer of the hospital's.
    pub(super) async fn offer(&self, roles: &[&str]) -> Value {
        let what = json!({ "roles": roles, "note": "林护士" });
        self.site.api(&self.boss, "POST", &self.offers(), what).await.expect(201)
    }

    /// The nurse works in the hospital too.
    pub(super) async fn nurse_joins(&self) {
        let offer = self.offer(&["care_staff"]).await;
        let nurse = self.site.token("nurse").await;
        self.site.api(&nurse, "POST", "/v1/offers/accept", answer(&offer)).await.checked(200);
    }

    /// A log-in of the nurse in an organisation: the tokens.
    pub(super) async fn nurse_at(&self, organisation: OrganisationId) -> Value {
        let body = json!({ "login": "nurse", "password": PASSWORD, "organisation_id": organisation });
        self.site.api("", "POST", "/v1/tokens", body).await.expect(200)
    }

    pub(super) fn actor(&self, access: &str) -> Actor {
        self.site.deps.keys.verify_access(self.site.clock.now(), access).unwrap()
    }
}

pub(super) fn answer(offer: &Value) -> Value {
    json!({ "token": token_of(&offer["link"]) })
}

pub(super) fn access(tokens: &Value) -> &str {
    tokens["access_token"].as_str().unwrap()
}

pub(super) fn to(organisation: OrganisationId) -> Value {
    json!({ "organisation_id": organisation })
}

pub(super) const SWITCH: &str = "/v1/session/organisation";

#[tokio::test]
async fn an_offer_is_taken_once_and_written_down_on_both_sides() {
    on_both(|engine| async move {
        let two = Two::open(&engine).await;
        let (site, nurse) = (&two.site, two.site.token("nurse").await);
        let offer = two.offer(&["care_staff"]).await;
        assert_eq!((&offer["note"], &offer["by"]), (&json!("林护士"), &json!("boss")));
        let read = site.api(&nurse, "POST", "/v1/offers/read", answer(&offer)).await.expect(200);
        assert_eq!(
            (&read["name_zh"], &read["roles"], &read["by"]),
            (&json!("海滨医院"), &json!(["care_staff"]), &json!("boss"))
        );
        assert_eq!(read["note"], Value::Null, "the note is the administrators'");
        let tries = join_all((0..4).map(|_| site.api(&nurse, "POST", "/v1/offers/accept", answer(&offer)))).await;
        assert_eq!(tries.iter().filter(|a| a.status == 200).count(), 1, "{tries:?}");
        assert!(tries.iter().all(|a| a.status == 200 || a.status == 410), "{tries:?}");
        assert_eq!(audited(site, "membership.accept").await, 2);
        for (token, organisation) in [(&two.boss, two.hospital()), (&two.office, site.network.street_office)] {
            let rows = site.get(token, "/v1/audit-events").await.expect(200);
            let seen = rows["items"].as_array().unwrap().iter().any(|row| row["action"] == "membership.accept");
            assert_eq!(seen, organisation == two.hospital());
        }
        let own = site.get(&nurse, "/v1/me/organisations").await.expect(200);
        let told: Vec<_> = own.as_array().unwrap().iter().map(|o| (&o["name_zh"], &o["home"], &o["current"])).collect();
        let (yes, no) = (json!(true), json!(false));
        assert_eq!(told, [(&json!("安和怡养院"), &yes, &yes), (&json!("海滨医院"), &no, &no)]);
        let second = two.offer(&["care_staff"]).await;
        site.api(&nurse, "POST", "/v1/offers/accept", answer(&second)).await.refused(409, "already-member");
        site.api(&nurse, "POST", "/v1/offers/read", answer(&second)).await.checked(200);
    })
    .await;
}

#[tokio::test]
async fn an_offer_that_ended_is_good_for_nobody() {
    on_both(|engine| async move {
        let two = Two::open(&engine).await;
        let (site, nurse) = (&two.site, two.site.token("nurse").await);
        let spent = |offer: Value| {
            let nurse = nurse.clone();
            async move { site.api(&nurse, "POST", "/v1/offers/accept", answer(&offer)).await.refused(410, "offer-spent") }
        };
        let declined = two.offer(&["care_staff"]).await;
        site.api(&nurse, "POST", "/v1/offers/decline", answer(&declined)).await.checked(204);
        spent(declined).await;
        assert_eq!(audited(site, "membership.decline").await, 2);
        let revoked = two.offer(&["care_staff"]).await;
        let path = format!("{}/{}", two.offers(), revoked["id"].as_str().unwrap());
        site.api(&two.boss, "DELETE", &path, Value::Null).await.checked(204);
        site.api(&two.boss, "DELETE", &path, Value::Null).await.refused(404, "not-found");
        spent(revoked).await;
        let own = two.offer(&["care_staff"]).await;
        site.api(&two.boss, "POST", "/v1/offers/accept", answer(&own)).await.refused(409, "conflict");
        let late = two.offer(&["care_staff"]).await;
        let list = site.get(&two.boss, &two.offers()).await.expect(200);
        assert_eq!(list.as_array().unwrap().len(), 2, "{list}");
        site.clock.advance(Duration::from_hours(7 * 24));
        let nurse = site.token("nurse").await;
        site.api(&nurse, "POST", "/v1/offers/read", answer(&late)).await.refused(410, "offer-spent");
        site.api(&nurse, "POST", "/v1/offers/accept", answer(&late)).await.refused(410, "offer-spent");
    })
    .await;
}

#[tokio::test]
async fn offers_are_made_by_administrators_of_the_organisation_alone() {
    on_both(|engine| async move {
        let two = Two::open(&engine).await;
        let site = &two.site;
        let agency = json!({ "roles": ["administrator"] });
        let stranger = site.newcomer(&two.office, site.network.agency, "stranger", agency).await;
        let what = json!({ "roles": ["doctor"] });
        let offer = site.api(&two.office, "POST", &two.offers(), what.clone()).await.expect(201);
        let path = format!("{}/{}", two.offers(), offer["id"].as_str().unwrap());
        for (token, status, slug) in [
            (&site.token("doctor").await, 403, "forbidden"),
            (&site.token("nurse").await, 404, "not-found"),
            (&stranger, 404, "not-found"),
        ] {
            site.get(token, &two.offers()).await.refused(status, slug);
            site.api(token, "POST", &two.offers(), what.clone()).await.refused(status, slug);
            site.api(token, "DELETE", &path, Value::Null).await.refused(status, slug);
            site.api(token, "DELETE", &two.member("doctor"), Value::Null).await.refused(status, slug);
            site.api(token, "PATCH", &two.member("doctor"), what.clone()).await.refused(status, slug);
        }
        let wrong = json!({ "roles": ["analyst"] });
        let refused = site.api(&two.boss, "POST", &two.offers(), wrong).await.refused(422, "invalid").body;
        assert_eq!(refused["errors"][0]["pointer"], "/roles");
        site.api("", "POST", "/v1/offers/read", answer(&offer)).await.refused(401, "unauthenticated");
        site.api(&stranger, "POST", "/v1/offers/read", json!({ "token": "guess" })).await.refused(410, "offer-spent");
        let why = json!({ "reason": "合作协议到期" });
        let close = format!("/v1/organisations/{}/close", two.hospital());
        site.api(&two.office, "POST", &close, why).await.checked(200);
        site.api(&stranger, "POST", "/v1/offers/accept", answer(&offer)).await.refused(403, "organisation-closed");
    })
    .await;
}

#[tokio::test]
async fn a_log_in_goes_on_in_another_organisation_as_old_and_as_lately_proved() {
    on_both(|engine| async move {
        let two = Two::open(&engine).await;
        let (site, home) = (&two.site, two.site.network.care_home);
        two.nurse_joins().await;
        let first = site.log_in("nurse", PASSWORD).await.expect(200);
        assert_eq!(two.actor(access(&first)).organisation, home);
        site.minutes_pass(11);
        let switched = site.api(access(&first), "POST", SWITCH, to(two.hospital())).await.expect(200);
        assert_eq!(switched["home"], "/consults");
        let tokens = &switched["tokens"];
        let (before, after) = (two.actor(access(&first)), two.actor(access(tokens)));
        assert_eq!((after.organisation, &*after.kind, after.proved_at), (two.hospital(), "hospital", before.proved_at));
        let names: Vec<_> = after.workplaces.iter().map(|w| &*w.name_zh).collect();
        assert_eq!(names, ["海滨医院", "安和怡养院"]);
        assert_eq!(audited(site, "session.switch").await, 2);
        site.get(access(&first), "/v1/consults").await.refused(401, "unauthenticated");
        site.get(access(tokens), "/v1/consults").await.checked(200);
        let pin = json!({ "pin": "4826" });
        site.api(access(tokens), "PUT", "/v1/me/pin", pin).await.refused(401, "step-up-required");
        let refresh = json!({ "refresh_token": tokens["refresh_token"] });
        let renewed = site.api("", "POST", "/v1/tokens/refresh", refresh).await.expect(200);
        assert_eq!(two.actor(access(&renewed)).organisation, two.hospital());
        let secret = json!({ "secret": PASSWORD });
        let proved = site.api(access(&renewed), "POST", "/v1/session/step-up", secret).await.expect(200);
        assert_eq!(two.actor(access(&proved)).organisation, two.hospital());
        // A log-in goes where the last one was, or where it says.
        let again = site.token("nurse").await;
        assert_eq!(two.actor(&again).organisation, two.hospital());
        let rows = site.get(&two.boss, "/v1/audit-events").await.expect(200);
        let came_in = rows["items"].as_array().unwrap().iter().filter(|row| row["action"] == "account.log_in");
        assert_eq!(came_in.count(), 2, "the administrator's own, and the guest's: {rows}");
        assert_eq!(two.actor(access(&two.nurse_at(home).await)).organisation, home);
        let agency = site.network.agency;
        for nowhere in [agency, OrganisationId::new(site.clock.now())] {
            let body = json!({ "login": "nurse", "password": PASSWORD, "organisation_id": nowhere });
            let refused = site.api("", "POST", "/v1/tokens", body).await.refused(422, "invalid").body;
            assert_eq!(refused["errors"][0]["pointer"], "/organisation_id");
        }
        for nowhere in [agency, OrganisationId::new(site.clock.now())] {
            site.api(&again, "POST", SWITCH, to(nowhere)).await.refused(404, "not-found");
        }
        site.get(&again, "/v1/consults").await.checked(200);
    })
    .await;
}

#[tokio::test]
async fn to_switch_lengthens_no_log_in() {
    on_both(|engine| async move {
        let two = Two::open(&engine).await;
        two.nurse_joins().await;
        let (site, mut browser) = (&two.site, Browser::new());
        browser.log_in(site, "nurse").await;
        for organisation in [two.hospital(), site.network.care_home, two.hospital()] {
            site.minutes_pass(4 * 60 - 1);
            browser.script(site, "POST", "/session/refresh", Value::Null).await.checked(204);
            let home = browser.script(site, "POST", SWITCH, to(organisation)).await.expect(200);
            assert_eq!(home["tokens"], Value::Null, "a browser has them as cookies");
        }
        browser.script(site, "GET", "/v1/consults", Value::Null).await.checked(200);
        site.minutes_pass(4);
        let late = browser.script(site, "POST", "/session/refresh", Value::Null).await;
        late.refused(401, "refresh-token-invalid");
    })
    .await;
}

#[tokio::test]
async fn an_end_of_membership_ends_the_log_ins_there_and_those_alone() {
    on_both(|engine| async move {
        let two = Two::open(&engine).await;
        let (site, home) = (&two.site, two.site.network.care_home);
        two.nurse_joins().await;
        let (here, there) = (two.nurse_at(home).await, two.nurse_at(two.hospital()).await);
        site.api(&two.boss, "DELETE", &two.member("doctor"), Value::Null).await.refused(409, "conflict");
        site.api(&two.boss, "DELETE", &two.member("nurse"), Value::Null).await.checked(204);
        site.get(access(&there), "/v1/consults").await.refused(401, "unauthenticated");
        site.get(access(&here), "/v1/consults").await.checked(200);
        // A process that begins now reads it from the database.
        let again = engine.deps("booking", &sanbao_booking::MIGRATIONS, site.clock.clone()).await;
        assert!(again.db.ended().refuses(&two.actor(access(&there))));
        assert!(!again.db.ended().refuses(&two.actor(access(&here))));
        let renew = |tokens: &Value| json!({ "refresh_token": tokens["refresh_token"] });
        let gone = site.api("", "POST", "/v1/tokens/refresh", renew(&there)).await;
        gone.refused(401, "refresh-token-invalid");
        site.api("", "POST", "/v1/tokens/refresh", renew(&here)).await.checked(200);
        assert_eq!(two.actor(&site.token("nurse").await).organisation, home, "the last one is none of theirs any more");
        let account = format!("/v1/accounts/{}", site.account("nurse"));
        site.get(&two.boss, &account).await.refused(404, "not-found");
        site.api(&two.boss, "DELETE", &two.member("nurse"), Value::Null).await.refused(404, "not-found");
        site.api(&two.boss, "PATCH", &two.member("nurse"), json!({})).await.refused(404, "not-found");
        site.api(access(&here), "POST", SWITCH, to(two.hospital())).await.refused(404, "not-found");
        // Asked again, they come back.
        two.nurse_joins().await;
        two.nurse_at(two.hospital()).await;
    })
    .await;
}

#[tokio::test]
async fn password_second_factor_and_status_are_the_homes() {
    on_both(|engine| async move {
        let two = Two::open(&engine).await;
        let site = &two.site;
        two.nurse_joins().await;
        let account = format!("/v1/accounts/{}", site.account("nurse"));
        let seen = site.get(&two.boss, &account).await.expect(200);
        assert_eq!((&seen["guest"], &seen["organisation_id"]), (&json!(true), &json!(two.hospital())));
        let list = site.get(&two.boss, &format!("/v1/organisations/{}/accounts", two.hospital())).await.expect(200);
        let guests: Vec<_> = list["items"].as_array().unwrap().iter().filter(|a| a["guest"] == true).collect();
        assert_eq!(guests.len(), 1);
        for (method, path) in [
            ("PATCH", account.clone()),
            ("POST", format!("{account}/disable")),
            ("POST", format!("{account}/link")),
            ("DELETE", format!("{account}/second-factor")),
            ("GET", format!("{account}/sessions")),
            ("DELETE", format!("{account}/sessions")),
        ] {
            let body = if method == "PATCH" { json!({ "display_name": "别名" }) } else { Value::Null };
            site.api(&two.boss, method, &path, body).await.refused(403, "forbidden");
        }
        let (here, there) = (two.nurse_at(site.network.care_home).await, two.nurse_at(two.hospital()).await);
        let changed = site.api(&two.boss, "PATCH", &two.member("nurse"), json!({ "roles": ["doctor"] })).await;
        assert_eq!(changed.expect(200)["roles"], json!(["doctor"]));
        let renew = |tokens: &Value| json!({ "refresh_token": tokens["refresh_token"] });
        site.get(access(&there), "/v1/consults").await.refused(401, "unauthenticated");
        let renewed = site.api("", "POST", "/v1/tokens/refresh", renew(&there)).await.expect(200);
        assert_eq!(two.actor(access(&renewed)).roles, ["doctor"]);
        let renewed_here = site.api("", "POST", "/v1/tokens/refresh", renew(&here)).await.expect(200);
        assert_eq!(two.actor(access(&renewed_here)).roles, ["care_staff"]);
        site.api(&two.office, "POST", &format!("{account}/disable"), Value::Null).await.checked(200);
        for token in [access(&renewed), access(&renewed_here)] {
            site.get(token, "/v1/consults").await.refused(401, "unauthenticated");
        }
        site.log_in("nurse", PASSWORD).await.refused(403, "account-disabled");
    })
    .await;
}

#[tokio::test]
async fn a_closed_organisation_ends_what_is_there_and_a_closed_home_ends_all() {
    on_both(|engine| async move {
        let two = Two::open(&engine).await;
        let (site, home) = (&two.site, two.site.network.care_home);
        two.nurse_joins().await;
        let close = |id: OrganisationId| format!("/v1/organisations/{id}/close");
        let why = json!({ "reason": "合作协议到期" });
        let (here, there) = (two.nurse_at(home).await, two.nurse_at(two.hospital()).await);
        site.api(&two.office, "POST", &close(two.hospital()), why.clone()).await.checked(200);
        site.get(access(&there), "/v1/consults").await.refused(401, "unauthenticated");
        site.get(access(&here), "/v1/consults").await.checked(200);
        assert_eq!(two.actor(&site.token("nurse").await).organisation, home);
        site.api(access(&here), "POST", SWITCH, to(two.hospital())).await.refused(403, "organisation-closed");
        site.get(access(&here), "/v1/consults").await.checked(200);
        let reopen = format!("/v1/organisations/{}/reopen", two.hospital());
        site.api(&two.office, "POST", &reopen, Value::Null).await.checked(200);
        let there = two.nurse_at(two.hospital()).await;
        site.api(&two.office, "POST", &close(home), why).await.checked(200);
        for tokens in [&here, &there] {
            site.get(access(tokens), "/v1/consults").await.refused(401, "unauthenticated");
        }
        site.log_in("nurse", PASSWORD).await.refused(403, "organisation-closed");
        let body = json!({ "login": "nurse", "password": PASSWORD, "organisation_id": two.hospital() });
        site.api("", "POST", "/v1/tokens", body).await.refused(403, "organisation-closed");
    })
    .await;
}

#[tokio::test]
async fn by_pages_somebody_logs_in_on_the_way_to_an_offer_and_sees_the_organisation_in_the_head() {
    on_both(|engine| async move {
        let two = Two::open(&engine).await;
        let (site, offer) = (&two.site, two.offer(&["care_staff"]).await);
        let code = token_of(&offer["link"]);
        let mut browser = Browser::new();
        let asked = browser.open(site, "/offers").await.checked(200).text;
        assert!(asked.contains("action=\"/offers/open\"") && !asked.contains("海滨医院"));
        let sent = browser.form(site, "/offers/open", &[("code", code)]).await.checked(303);
        assert_eq!(sent.header("location"), "/offers/open");
        let away = browser.open(site, "/offers/open").await.checked(303);
        assert_eq!(away.header("location"), "/session/renew?next=/offers/open");
        browser.log_in(site, "nurse").await;
        let page = browser.open(site, "/offers/open").await.checked(200).text;
        for part in ["海滨医院", "护理人员", "boss", code, "POST /v1/offers/accept", "POST /v1/offers/decline"]
        {
            assert!(page.contains(part), "{part}: {page}");
        }
        assert!(page.contains("安和怡养院") && !page.contains("switch-organisation"));
        browser.script(site, "POST", "/v1/offers/accept", json!({ "token": code })).await.checked(200);
        let own = browser.open(site, "/me/organisations").await.checked(200).text;
        assert!(
            own.contains("data-action=\"switch-organisation\"") && own.contains("<details class=\"workplaces\">"),
            "{own}"
        );
        browser.open(site, "/offers/open").await.checked(410);
        let hospital = format!("/admin?organisation={}", two.hospital());
        let mut office = Browser::new();
        office.log_in(site, "admin").await;
        let admin = office.open(site, &hospital).await.checked(200).text;
        assert!(
            admin.contains("账号来自安和怡养院") && admin.contains(&format!("DELETE {}", two.member("nurse"))),
            "{admin}"
        );
        let guest = format!("/admin/accounts/{}?organisation={}", site.account("nurse"), two.hospital());
        let page = office.open(site, &guest).await.checked(200).text;
        assert!(
            page.contains(&format!("PATCH {}", two.member("nurse"))) && !page.contains("POST /v1/accounts"),
            "{page}"
        );
        two.offer(&["doctor"]).await;
        let admin = office.open(site, &hospital).await.checked(200).text;
        assert!(admin.contains("林护士") && admin.contains("由 boss 发出"), "{admin}");
    })
    .await;
}
