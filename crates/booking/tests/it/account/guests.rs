//! The end of what an account is elsewhere: void offers, pages of another organisation, leaving.

use sanbao_booking::account::demo::PASSWORD;
use sanbao_platform::id::OrganisationId;
use sanbao_platform::testing::on_both;
use serde_json::{Value, json};

use crate::account::kit::{Browser, audited};
use crate::account::members::{SWITCH, Two, access, answer, to};

#[tokio::test]
async fn an_offer_is_void_when_its_maker_may_make_it_no_more() {
    on_both(|engine| async move {
        let two = Two::open(&engine).await;
        let (site, nurse) = (&two.site, two.site.token("nurse").await);
        let offer = two.offer(&["administrator"]).await;
        let boss = format!("/v1/accounts/{}/disable", two.actor(&two.boss).subject);
        site.api(&two.office, "POST", &boss, Value::Null).await.checked(200);
        site.api(&nurse, "POST", "/v1/offers/accept", answer(&offer)).await.refused(410, "offer-spent");
        assert_eq!(site.get(&two.office, &two.offers()).await.expect(200), json!([]));
    })
    .await;
}

#[tokio::test]
async fn a_page_does_nothing_in_an_organisation_that_it_was_not_opened_for() {
    on_both(|engine| async move {
        let two = Two::open(&engine).await;
        two.nurse_joins().await;
        let (site, home, hospital) = (&two.site, two.site.network.care_home, two.hospital());
        let mut browser = Browser::new();
        browser.log_in(site, "nurse").await;
        let (own, other) = (home.to_string(), hospital.to_string());
        let own = [("sanbao-organisation", own.as_str())];
        browser.raw(site, "GET", "/v1/me/organisations", &own, "").await.checked(200);
        browser
            .raw(site, "GET", "/v1/me/organisations", &[("sanbao-organisation", &other)], "")
            .await
            .refused(409, "organisation-switched");
        browser.script(site, "POST", SWITCH, to(hospital)).await.checked(200);
        browser.raw(site, "GET", "/v1/me/organisations", &own, "").await.refused(409, "organisation-switched");
    })
    .await;
}

#[tokio::test]
async fn who_unlocks_a_page_goes_on_in_its_organisation_while_they_are_of_it() {
    on_both(|engine| async move {
        let two = Two::open(&engine).await;
        two.nurse_joins().await;
        let (site, home) = (&two.site, two.site.network.care_home);
        // The last log-in was at the hospital, on another device.
        let elsewhere = two.nurse_at(two.hospital()).await;
        assert_eq!(two.actor(access(&elsewhere)).organisation, two.hospital());
        let mut tablet = Browser::new();
        for (wanted, entered) in [(Some(home), home), (None, home), (Some(two.hospital()), two.hospital())] {
            let wanted = wanted.map(|id| id.to_string());
            let mut typed = vec![("login", "nurse"), ("password", PASSWORD)];
            typed.extend(wanted.as_deref().map(|id| ("organisation", id)));
            tablet.form(site, "/session", &typed).await.checked(303);
            let who = tablet.open(site, "/session").await.expect(200);
            assert_eq!(who["organisation"], entered.to_string());
        }
        site.api(&two.boss, "DELETE", &two.member("nurse"), Value::Null).await.checked(204);
        let gone = two.hospital().to_string();
        tablet
            .form(site, "/session", &[("login", "nurse"), ("password", PASSWORD), ("organisation", &gone)])
            .await
            .checked(303);
        assert_eq!(tablet.open(site, "/session").await.expect(200)["organisation"], home.to_string());
    })
    .await;
}

#[tokio::test]
async fn one_leaves_by_oneself_where_one_did_not_begin() {
    on_both(|engine| async move {
        let two = Two::open(&engine).await;
        two.nurse_joins().await;
        let (site, home) = (&two.site, two.site.token("nurse").await);
        let there = two.nurse_at(two.hospital()).await;
        let own = |id: OrganisationId| format!("/v1/me/organisations/{id}");
        site.api(&home, "DELETE", &own(site.network.care_home), Value::Null).await.refused(409, "conflict");
        site.api(&home, "DELETE", &own(site.network.agency), Value::Null).await.refused(404, "not-found");
        site.api(&home, "DELETE", &own(two.hospital()), Value::Null).await.checked(204);
        site.get(access(&there), "/v1/me").await.refused(401, "unauthenticated");
        site.get(&home, "/v1/me").await.checked(200);
        site.api(&home, "DELETE", &own(two.hospital()), Value::Null).await.refused(404, "not-found");
        assert_eq!(audited(site, "membership.leave").await, 2);
    })
    .await;
}

#[tokio::test]
async fn the_last_administrator_leaves_no_organisation_alone() {
    on_both(|engine| async move {
        let two = Two::open(&engine).await;
        let (site, nurse) = (&two.site, two.site.token("nurse").await);
        let offer = two.offer(&["administrator"]).await;
        site.api(&nurse, "POST", "/v1/offers/accept", answer(&offer)).await.checked(200);
        let boss = format!("/v1/accounts/{}", two.actor(&two.boss).subject);
        let own = format!("/v1/me/organisations/{}", two.hospital());
        site.api(&two.office, "POST", &format!("{boss}/disable"), Value::Null).await.checked(200);
        site.api(&nurse, "DELETE", &own, Value::Null).await.refused(409, "conflict");
        site.api(&two.office, "POST", &format!("{boss}/enable"), Value::Null).await.checked(200);
        site.api(&nurse, "DELETE", &own, Value::Null).await.checked(204);
    })
    .await;
}

#[tokio::test]
async fn an_administrator_ends_a_guests_log_ins_in_the_organisation_alone() {
    on_both(|engine| async move {
        let two = Two::open(&engine).await;
        two.nurse_joins().await;
        let (site, home) = (&two.site, two.site.token("nurse").await);
        let there = two.nurse_at(two.hospital()).await;
        let path = format!("{}/sessions", two.member("nurse"));
        site.api(&home, "DELETE", &path, Value::Null).await.refused(404, "not-found");
        site.api(&two.boss, "DELETE", &path, Value::Null).await.checked(204);
        site.get(access(&there), "/v1/me").await.refused(401, "unauthenticated");
        site.get(&home, "/v1/me").await.checked(200);
        two.nurse_at(two.hospital()).await;
    })
    .await;
}
