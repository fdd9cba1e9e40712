//! The end of an organisation: its people are out at once, nobody can choose it, and what is open at it stays.

use sanbao_booking::account::demo::PASSWORD;
use sanbao_booking::account::organisation::{OrganisationStepName, announce};
use sanbao_platform::bus::Outbox;
use sanbao_platform::on;
use sanbao_platform::testing::on_both;
use serde_json::{Value, json};

use crate::account::kit::{Browser, Site, audited};

const FORGET: &str = "update organisation set announced_at = null";

/// A path of the demo's organisation.
fn path(organisation: impl std::fmt::Display, step: &str) -> String {
    format!("/v1/organisations/{organisation}{step}")
}

fn why() -> Value {
    json!({ "reason": "合作协议到期" })
}

/// The events of organisations, without those that are registered at the beginning.
async fn told(site: &Site) -> Vec<(String, Value)> {
    let events = Outbox::new("booking", site.deps.db.clone()).read(0, 1000).await.unwrap();
    let of = events.into_iter().filter(|e| e.kind.starts_with("booking.organisation."));
    of.filter(|e| !e.kind.ends_with("registered")).map(|e| (e.kind.clone(), e.data.clone())).collect()
}

#[tokio::test]
async fn the_people_of_a_closed_organisation_are_out_at_once_until_it_is_reopened() {
    on_both(|engine| async move {
        let site = Site::open(&engine).await;
        let (admin, hospital) = (site.token("admin").await, site.network.hospital);
        let tokens = site.log_in("doctor", PASSWORD).await.expect(200);
        let access = tokens["access_token"].as_str().unwrap();
        let mut browser = Browser::new();
        browser.log_in(&site, "doctor.shen").await;
        let nurse = site.token("nurse").await;
        let closed = site.api(&admin, "POST", &path(hospital, "/close"), why()).await.expect(200);
        assert_eq!((&closed["state"], &closed["version"]), (&json!("closed"), &json!(2)));
        site.get(access, "/v1/consults").await.refused(401, "unauthenticated");
        browser.script(&site, "POST", "/session/refresh", Value::Null).await.refused(401, "refresh-token-invalid");
        let refresh = json!({ "refresh_token": tokens["refresh_token"] });
        site.api("", "POST", "/v1/tokens/refresh", refresh).await.refused(401, "refresh-token-invalid");
        let again = engine.deps("booking", &sanbao_booking::MIGRATIONS, site.clock.clone()).await;
        let actor = again.keys.verify_access(site.clock.now(), access).unwrap();
        assert!(again.db.ended().refuses(&actor), "a process that begins now reads it from the database");
        // Those who have the password are told why; a stranger learns nothing.
        site.log_in("doctor", PASSWORD).await.refused(403, "organisation-closed");
        site.log_in("doctor", "a wrong guess at it").await.refused(401, "invalid-credentials");
        site.get(&nurse, "/v1/consults").await.checked(200);

        let ended = Outbox::new("booking", site.deps.db.clone()).read(0, 1000).await.unwrap();
        assert_eq!(ended.iter().filter(|e| e.kind == "booking.session.ended").count(), 2);
        let open = site.api(&admin, "POST", &path(hospital, "/reopen"), Value::Null).await.expect(200);
        assert_eq!((&open["state"], &open["version"]), (&json!("open"), &json!(3)));
        let doctor = site.token("doctor").await;
        site.get(&doctor, "/v1/consults").await.checked(200);
        site.get(access, "/v1/consults").await.refused(401, "unauthenticated");
        let data = json!({ "organisation_id": hospital, "kind": "hospital" });
        let kinds = ["booking.organisation.closed", "booking.organisation.reopened"];
        assert_eq!(told(&site).await, kinds.map(|kind| (kind.to_owned(), data.clone())));
        for action in ["organisation.close", "organisation.reopen"] {
            assert_eq!(audited(&site, action).await, 1, "{action}");
        }
    })
    .await;
}

#[tokio::test]
async fn nobody_can_choose_a_closed_hospital_for_a_consult() {
    on_both(|engine| async move {
        let site = Site::open(&engine).await;
        let (admin, nurse) = (site.token("admin").await, site.token("nurse").await);
        let invite = |hospital: Value| {
            json!({ "resident_id": site.network.residents[0], "hospital_id": hospital, "reason": "夜间起床",
                "purpose": "评估", "wanted_from": "2026-11-24T00:00:00Z", "wanted_until": "2026-11-25T00:00:00Z",
                "wanted_specialty": "geriatrics", "case_summary": "无" })
        };
        let hospital = json!(site.network.hospital);
        let doctors = async || site.get(&nurse, "/v1/practitioners").await.expect(200).as_array().unwrap().len();
        let offered = async || site.get(&nurse, "/consults/new").await.checked(200).text.contains("海滨医院");
        let chief = json!({ "roles": ["administrator"] });
        let chief = site.newcomer(&admin, site.network.hospital, "chief", chief).await;
        let known = json!({ "specialty": "geriatrics", "specialty_zh": "老年科", "specialty_en": "Geriatrics",
            "title": "chief", "licence_no": "1" });
        let doctor = format!("/v1/practitioners/{}", site.account("doctor"));
        site.api(&chief, "PUT", &doctor, known).await.checked(200);
        assert!(doctors().await > 0 && offered().await);
        site.api(&admin, "POST", &path(site.network.hospital, "/close"), why()).await.checked(200);
        assert!(doctors().await == 0 && !offered().await);
        let refused = site.api(&nurse, "POST", "/v1/consults", invite(hospital.clone())).await.refused(422, "invalid");
        assert_eq!(refused.body["errors"][0]["pointer"], "/hospital_id");
        site.api(&admin, "POST", &path(site.network.hospital, "/reopen"), Value::Null).await.checked(200);
        assert!(doctors().await > 0 && offered().await);
        site.api(&nurse, "POST", "/v1/consults", invite(hospital)).await.checked(201);
    })
    .await;
}

#[tokio::test]
async fn the_office_that_made_it_ends_it_and_nobody_else_does() {
    on_both(|engine| async move {
        let site = Site::open(&engine).await;
        let (_, second) = site.second_office("330211002").await;
        let (admin, network) = (site.token("admin").await, &site.network);
        for step in ["/close", "/reopen"] {
            for login in ["doctor", "nurse", "desk", "analyst"] {
                let token = site.token(login).await;
                let own = login == "doctor";
                let answer = site.api(&token, "POST", &path(network.hospital, step), why()).await;
                answer.refused(if own { 403 } else { 404 }, if own { "forbidden" } else { "not-found" });
            }
            for organisation in [network.hospital, network.street_office] {
                site.api(&second, "POST", &path(organisation, step), why()).await.refused(404, "not-found");
            }
            let own = site.api(&admin, "POST", &path(network.street_office, step), why()).await;
            own.refused(403, "forbidden");
        }
        // One elsewhere runs itself; its maker ends it all the same, and an office that somebody runs is nobody's.
        let elsewhere =
            json!({ "kind": "hospital", "name_zh": "远方医院", "name_en": "Far", "area_code": "110101001" });
        let office =
            json!({ "kind": "street_office", "name_zh": "某街道", "name_en": "Some", "area_code": "330211009" });
        let mut made = Vec::new();
        for (login, new) in [("far", elsewhere), ("some", office)] {
            let id = site.api(&admin, "POST", "/v1/organisations", new).await.expect(201)["id"].clone();
            let id = id.as_str().unwrap().to_owned();
            let chief = site.newcomer(&admin, &id, login, json!({ "roles": ["administrator"] })).await;
            made.push((id, chief));
        }
        site.api(&admin, "POST", &path(&made[0].0, "/close"), why()).await.checked(200);
        site.get(&made[0].1, &path(&made[0].0, "")).await.refused(401, "unauthenticated");
        site.api(&admin, "POST", &path(&made[1].0, "/close"), why()).await.refused(403, "forbidden");
        site.get(&made[1].1, &path(&made[1].0, "")).await.checked(200);
    })
    .await;
}

#[tokio::test]
async fn a_step_is_taken_once_over_the_version_that_was_read() {
    on_both(|engine| async move {
        let site = Site::open(&engine).await;
        let (admin, home) = (site.token("admin").await, site.network.care_home);
        let read = site.get(&admin, &path(home, "")).await.checked(200);
        let tag = read.header("etag").to_owned();
        let close =
            async |headers: &[(&str, &str)]| site.api_with(&admin, "POST", &path(home, "/close"), why(), headers).await;
        close(&[("if-match", "\"7\"")]).await.refused(412, "precondition-failed");
        let unsaid = site.api(&admin, "POST", &path(home, "/close"), json!({ "reason": " " })).await;
        assert_eq!(unsaid.refused(422, "invalid").body["errors"][0]["pointer"], "/reason");
        let first = close(&[("if-match", &tag), ("idempotency-key", "c1")]).await.expect(200);
        assert_eq!(close(&[("if-match", &tag), ("idempotency-key", "c1")]).await.expect(200), first);
        let twice = close(&[]).await.refused(409, "invalid-transition");
        assert_eq!(twice.body["legal"], json!(["reopen"]), "{}", twice.text);
        assert_eq!(told(&site).await.len(), 1);
        // The steps have their routes.
        let document = serde_json::to_value(&site.openapi).unwrap();
        for step in OrganisationStepName::ALL {
            let (route, method) = match step {
                OrganisationStepName::Edit => ("/v1/organisations/{id}".to_owned(), "patch"),
                step => (format!("/v1/organisations/{{id}}/{}", step.as_str()), "post"),
            };
            assert!(document["paths"][&route][method].is_object(), "{route}");
        }
    })
    .await;
}

#[tokio::test]
async fn the_page_shows_what_is_open_before_it_closes_and_the_way_back_after() {
    on_both(|engine| async move {
        let site = Site::open(&engine).await;
        let mut browser = Browser::new();
        browser.log_in(&site, "admin").await;
        let agency = site.network.agency;
        let page = format!("/admin?organisation={agency}");
        let open = browser.open(&site, &page).await.checked(200).text;
        let call = |step: &str| format!("data-send=\"POST /v1/organisations/{agency}/{step}\"");
        assert!(open.contains(&call("close")) && !open.contains(&call("reopen")), "{open}");
        assert!(open.contains("0 个会诊、0 次上门") && open.contains("data-confirm"), "{open}");
        let own = browser.open(&site, "/admin").await.checked(200).text;
        assert!(own.contains("使用中") && !own.contains("/close"), "nobody closes the own office: {own}");
        let admin = site.token("admin").await;
        site.api(&admin, "POST", &path(agency, "/close"), why()).await.checked(200);
        let closed = browser.open(&site, &page).await.checked(200).text;
        assert!(closed.contains(&call("reopen")) && closed.contains("已关闭"), "{closed}");
        assert!(browser.open(&site, "/admin").await.checked(200).text.contains("已关闭"));
    })
    .await;
}

#[tokio::test]
async fn organisations_of_before_are_told_with_their_areas_once() {
    on_both(|engine| async move {
        let site = Site::open(&engine).await;
        let deps = &site.deps;
        assert_eq!(announce(&deps.db, &deps.clock).await.unwrap(), 0, "what is told is not told again");
        let mut tx = deps.db.begin().await.unwrap();
        on!(tx, |c| sqlx::query(FORGET).execute(c).await.map(drop)).unwrap();
        tx.commit().await.unwrap();
        assert_eq!(announce(&deps.db, &deps.clock).await.unwrap(), 4);
        assert_eq!(announce(&deps.db, &deps.clock).await.unwrap(), 0);
        let events = Outbox::new("booking", deps.db.clone()).read(0, 1000).await.unwrap();
        let registered = events.iter().filter(|e| e.kind == "booking.organisation.registered");
        let offices = registered.filter(|e| e.data["kind"] == "street_office" && e.data["area_code"] == "330211001");
        assert_eq!(offices.count(), 2);
    })
    .await;
}
