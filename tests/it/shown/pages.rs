//! The same of pages: each is listed with a reader who is shown somebody by it, or as one that shows nobody.

use std::collections::BTreeSet;

use sanbao::compose;
use sanbao::role::Role;
use sanbao_platform::clock::Clock;
use sanbao_platform::on;
use sanbao_platform::testing::{self, TestEngine};
use serde_json::json;
use uuid::Uuid;

use super::{Seen, audited, callers, service_of, with_people};
use crate::common::flow::{self, text};
use crate::common::world::World;
use crate::common::{self, Client, Served};

/// Pages that show residents, elders or families, with somebody who opens them.
const PERSONAL: &[(&str, &str)] = &[
    ("/residents", "nurse"),
    ("/persons/{id}", "nurse"),
    ("/persons/{id}/export/part", "nurse"),
    ("/persons/pairs", "nurse"),
    ("/persons/{id}/join/{other}", "nurse"),
    ("/persons/{id}/joins", "nurse"),
    ("/transfers", "nurse"),
    ("/consults", "nurse"),
    ("/consults/day-sheet", "nurse"),
    ("/consults/handover", "nurse"),
    ("/consults/handover/{id}", "nurse"),
    ("/consults/new", "nurse"),
    ("/consults/records", "nurse"),
    ("/consults/{id}", "nurse"),
    ("/consults/{id}/papers/{kind}", "nurse"),
    ("/consults/{id}/status", "doctor"),
    ("/consults/{id}/summary", "doctor"),
    ("/emergency-accesses", "doctor"),
    ("/emergency-accesses/{id}", "doctor"),
    ("/visits", "dispatcher"),
    ("/visits/today", "caregiver"),
    ("/doors", "desk"),
    ("/matters", "desk"),
    ("/matters/{id}", "grid"),
    ("/requests", "desk"),
    ("/requests/part", "desk"),
    ("/requests/export/part", "desk"),
    ("/requests/{id}", "desk"),
    ("/requests/{id}/merge", "desk"),
];
/// Pages that show none of them, and what a page alone calls.
const PLAIN: &[&str] = &[
    "/",
    "/accounts/import",
    "/admin",
    "/admin/accounts/{id}",
    "/admin/installation",
    "/admin/organisations/{id}",
    "/admin/parked",
    "/admin/qr",
    "/affiliations",
    "/affiliations/{id}",
    "/areas",
    "/areas/import",
    "/areas/{code}",
    "/ask/follow",
    "/audit",
    "/caregivers",
    "/caregivers/{id}",
    "/consults/events",
    "/consults/times",
    "/doors/new",
    "/doors/rounds/{id}",
    "/doors/rounds/{id}/import",
    "/emergency-accesses/events",
    "/guest",
    "/login",
    "/matters/figures",
    "/matters/new",
    "/me",
    "/me/organisations",
    "/me/password",
    "/me/pin",
    "/me/second-factor",
    "/me/sessions",
    "/needs",
    "/needs/audit",
    "/needs/parked",
    "/offers",
    "/offers/open",
    "/persons",
    "/persons/import",
    "/persons/{id}/export",
    "/practitioners",
    "/practitioners/days",
    "/practitioners/{id}",
    "/relay/parked",
    "/requests/areas",
    "/requests/calls",
    "/requests/import",
    "/requests/imports",
    "/requests/imports/{id}",
    "/requests/new",
    "/session",
    "/session/lock",
    "/session/pin",
    "/session/press",
    "/session/refresh",
    "/session/renew",
    "/session/second-factor",
    "/setup",
    "/setup/account",
    "/setup/account/open",
    "/setup/open",
    "/transfers/events",
    "/verify",
];

const CONSULTS: &str = "select c.id from consult c join emergency_access e on e.person_id = c.resident_id
    where e.id = $1 and c.state <> 'draft'";
const ASKED_FOR: &str = "select person_id from request where person_id is not null order by person_id limit 1";
const NAMES: &str = "select id, name from person where organisation_id is not null";

/// The uuids in a text.
fn ids_in(text: &str) -> BTreeSet<Uuid> {
    (0..text.len()).filter_map(|at| text.get(at..at + 36)?.parse().ok()).collect()
}

#[tokio::test]
async fn every_page_is_known_to_show_people_or_not() {
    let engine = testing::sqlite();
    let parts = common::parts(&engine, Clock::manual(common::morning())).await;
    let services = compose::services(&parts).unwrap();
    let pages: BTreeSet<&str> = services.iter().flat_map(|service| service.routes.pages.iter().copied()).collect();
    let personal = |page: &str| PERSONAL.iter().any(|(pattern, _)| *pattern == page);
    let unknown: Vec<_> = pages.iter().filter(|page| personal(page) == PLAIN.contains(page)).collect();
    assert!(unknown.is_empty(), "list each as PERSONAL or PLAIN: {unknown:?}");
    let listed = PERSONAL.iter().map(|(page, _)| *page).chain(PLAIN.iter().copied());
    let gone: Vec<_> = listed.filter(|page| !pages.contains(page)).collect();
    assert!(gone.is_empty(), "there are no such pages: {gone:?}");
}

/// The things of a kind that a page links to or has forms for, out of all that there are.
async fn things_in(served: &Served, role: Role, kind: &'static str, text: &str) -> Vec<(&'static str, Uuid)> {
    let statement = match kind {
        "consult" => "select id from consult",
        "consult_draft" => "select id from consult_draft",
        "visit" => "select id from visit",
        "emergency_access" => "select id from emergency_access",
        "door" => "select id from door",
        "matter" => "select id from matter",
        "transfer" => "select id from person_transfer",
        _ => "select id from request",
    };
    let mut conn = served.network.stores.of(role).unwrap().read().await.unwrap();
    let all: Vec<Uuid> = on!(conn, |c| sqlx::query_scalar(statement).fetch_all(c).await).unwrap();
    let shown = ids_in(text);
    all.into_iter().filter(|id| shown.contains(id)).map(|id| (kind, id)).collect()
}

/// Two records of one resident.
async fn doubles(nurse: &Client) -> (String, String) {
    let mut made = Vec::new();
    for name in ["许桂兰", "许桂芝"] {
        let body = json!({ "name": name, "phone": "13812345678" });
        made.push(text(&nurse.post("/v1/persons", &body).await.expect(201), "/id"));
    }
    (made.remove(0), made.remove(0))
}

/// The consults that a record opened in an emergency shows: those of its person but for drafts.
async fn consults_of(served: &Served, access: Uuid) -> Vec<(&'static str, Uuid)> {
    let mut conn = served.network.stores.of(Role::Booking).unwrap().read().await.unwrap();
    let all: Vec<Uuid> = on!(conn, |c| sqlx::query_scalar(CONSULTS).bind(access).fetch_all(c).await).unwrap();
    all.into_iter().map(|id| ("consult", id)).collect()
}

/// A person for whom there is a request.
pub(super) async fn somebody_asked_for(served: &Served) -> Uuid {
    let mut conn = served.network.stores.of(Role::NeedsAnalysis).unwrap().read().await.unwrap();
    on!(conn, |c| sqlx::query_scalar(ASKED_FOR).fetch_one(c).await).unwrap()
}

/// The residents whose names stand in a text.
async fn residents_in(served: &Served, text: &str) -> Seen {
    let mut conn = served.network.stores.of(Role::Booking).unwrap().read().await.unwrap();
    let all: Vec<(Uuid, String)> = on!(conn, |c| sqlx::query_as(NAMES).fetch_all(c).await).unwrap();
    let named = all.into_iter().filter(|(_, name)| text.contains(name.as_str()));
    named.map(|(id, _)| ("person".to_owned(), id)).collect()
}

async fn every_page_names_whom_it_shows(engine: TestEngine) {
    let served = Served::demo(engine).await;
    let clients = callers(&served, &["nurse", "doctor", "dispatcher", "caregiver", "desk", "grid"]).await;
    let nobody = served.nobody();
    let agency = flow::organisation(&nobody, "home_care_agency").await;
    let caregiver = flow::account(&nobody, &agency, "caregiver").await;
    let request = flow::accepted_request(&nobody, "量血压").await;
    let visit = text(&flow::visit_of(&clients["dispatcher"], &request).await, "/id");
    let starts_at = served.clock.now() + chrono::Duration::hours(9);
    let slot =
        json!({ "caregiver": caregiver, "starts_at": starts_at, "ends_at": starts_at + chrono::Duration::hours(1) });
    clients["dispatcher"].post(&format!("/v1/visits/{visit}/schedule"), &slot).await.expect(200);
    let world = World::of(&served).await;
    let (resident, double) = doubles(&clients["nurse"]).await;
    let thing = |page: &str| {
        if page.starts_with("/persons") {
            return resident.clone();
        }
        let kinds =
            ["/v1/requests/{id}", "/v1/matters/{id}", "/v1/emergency-accesses/{id}", "/v1/consults/handover/{id}"];
        let of = |kind: &&str| page.starts_with(kind.trim_start_matches("/v1").trim_end_matches("/{id}"));
        world.own_id(kinds.into_iter().find(of).unwrap_or("/v1/consults/{id}"))
    };
    let asked_for = somebody_asked_for(&served).await;
    for (page, who) in PERSONAL {
        let path = page.replace("{id}", &thing(page)).replace("{other}", &double).replace("{kind}", "request");
        let path = if page.ends_with("/part") && page.starts_with("/requests") {
            format!("{path}?person={asked_for}")
        } else {
            path
        };
        let client = &clients[who];
        let answer = client.send(client.request("get", &path).header("accept", "text/html")).await.checked(200);
        let (actions, seen, rows) = audited(&served, &path, &answer).await;
        let shown = match service_of(&path) {
            Role::NeedsAnalysis if page.starts_with("/doors") => {
                things_in(&served, Role::NeedsAnalysis, "door", &answer.text).await
            }
            Role::NeedsAnalysis if page.starts_with("/matters") => {
                things_in(&served, Role::NeedsAnalysis, "matter", &answer.text).await
            }
            Role::NeedsAnalysis => things_in(&served, Role::NeedsAnalysis, "request", &answer.text).await,
            _ if page.starts_with("/visits") => things_in(&served, Role::Booking, "visit", &answer.text).await,
            _ if page.starts_with("/transfers") => things_in(&served, Role::Booking, "transfer", &answer.text).await,
            _ if page.starts_with("/emergency") => {
                let mut shown = things_in(&served, Role::Booking, "emergency_access", &answer.text).await;
                if path.contains(&thing(page)) {
                    shown.push(("emergency_access", thing(page).parse().unwrap()));
                    shown.extend(consults_of(&served, thing(page).parse().unwrap()).await);
                }
                shown
            }
            _ => {
                let mut shown = things_in(&served, Role::Booking, "consult", &answer.text).await;
                let names_consult = page.starts_with("/consults/{id}");
                shown.extend(things_in(&served, Role::Booking, "consult_draft", &answer.text).await);
                shown.extend(names_consult.then(|| ("consult", thing(page).parse().unwrap())));
                shown
            }
        };
        let mut expected = with_people(&served, shown).await;
        if ["/residents", "/consults/new"].contains(page) || page.starts_with("/persons") {
            expected.extend(residents_in(&served, &answer.text).await);
        }
        assert!(!expected.is_empty(), "{page} shows nobody: {}", answer.text);
        assert_eq!(seen, expected, "{page}");
        assert_eq!((rows, actions), (1, BTreeSet::from([format!("GET {page}")])), "{page}");
    }
    served.stop().await;
}

#[tokio::test]
async fn every_page_names_whom_it_shows_on_sqlite() {
    every_page_names_whom_it_shows(testing::sqlite()).await;
}

#[tokio::test]
async fn every_page_names_whom_it_shows_on_postgres() {
    if let Some(engine) = testing::postgres().await {
        every_page_names_whom_it_shows(engine).await;
    }
}
