//! The audit log as an administrator reads it: of the own organisation alone, found by account, action, thing and day, as a list, a
//! page and a file.

use std::collections::BTreeSet;

use sanbao_platform::testing::on_both;
use serde_json::{Value, json};

use crate::account::kit::{Browser, Site, audited};

/// The care home's own administrator, as a token, after a nurse has read a resident and somebody has guessed her password.
async fn after_a_day(site: &Site) -> (String, String) {
    let (nurse, admin) = (site.token("nurse").await, site.token("admin").await);
    let boss = site.newcomer(&admin, site.network.care_home, "boss", json!({ "roles": ["administrator"] })).await;
    site.get(&nurse, &format!("/v1/persons/{}", site.network.residents[0])).await.checked(200);
    site.log_in("nurse", "not her password").await.refused(401, "invalid-credentials");
    (boss, nurse)
}

async fn items(site: &Site, token: &str, query: &str) -> Vec<Value> {
    let page = site.get(token, &format!("/v1/audit-events?limit=200{query}")).await.expect(200);
    page["items"].as_array().unwrap().clone()
}

#[tokio::test]
async fn an_administrator_reads_what_the_own_people_did_and_nobody_elses() {
    on_both(|engine| async move {
        let site = Site::open(&engine).await;
        let (boss, nurse) = after_a_day(&site).await;
        let resident = site.network.residents[0].to_string();
        let me = site.get(&nurse, "/v1/me").await.expect(200);
        let all = items(&site, &boss, "").await;
        let read = all.iter().find(|e| e["action"] == "GET /v1/persons/{id}").unwrap();
        assert_eq!((&read["thing"], &read["kind"], &read["shown"]), (&json!(resident), &json!("person"), &json!(1)));
        assert_eq!((&read["account"], &read["account_name"]), (&me["id"], &me["display_name"]), "{read} {me}");
        let failed = all.iter().find(|e| e["outcome"] == "invalid-credentials").unwrap();
        assert_eq!((&failed["action"], &failed["thing"]), (&json!("account.log_in"), &me["id"]));
        let times: Vec<&str> = all.iter().map(|e| e["at"].as_str().unwrap()).collect();
        assert!(times.is_sorted_by(|a, b| a >= b), "the newest first: {times:?}");

        site.get(&nurse, "/v1/audit-events").await.refused(403, "forbidden");
        site.get(&nurse, "/v1/audit-events.csv").await.refused(403, "forbidden");
        let office = items(&site, &site.token("admin").await, "").await;
        assert!(!office.is_empty());
        let ids =
            |events: &[Value]| events.iter().map(|e| e["id"].as_str().unwrap().to_owned()).collect::<BTreeSet<_>>();
        assert!(ids(&office).is_disjoint(&ids(&all)), "each row is of one organisation");
        assert!(office.iter().all(|e| e["account"] != me["id"] && e["thing"] != resident));
    })
    .await;
}

#[tokio::test]
async fn rows_are_found_by_account_action_thing_day_and_outcome_a_page_at_a_time() {
    on_both(|engine| async move {
        let site = Site::open(&engine).await;
        let (boss, nurse) = after_a_day(&site).await;
        let me = site.get(&nurse, "/v1/me").await.expect(200);
        let (nurse, resident) = (me["id"].as_str().unwrap(), site.network.residents[0]);
        let all = items(&site, &boss, "").await;
        let of_nurse = items(&site, &boss, &format!("&account={nurse}")).await;
        assert!(of_nurse.iter().all(|e| e["account"] == nurse || e["thing"] == nurse));
        assert!(of_nurse.iter().any(|e| e["outcome"] == "invalid-credentials"), "her log-ins too");
        assert!(of_nurse.len() < all.len());
        let of_resident = items(&site, &boss, &format!("&thing={resident}")).await;
        assert!(of_resident.iter().any(|e| e["action"] == "GET /v1/persons/{id}"));
        let log_ins = items(&site, &boss, "&action=log_in").await;
        assert!(log_ins.len() >= 2 && log_ins.iter().all(|e| e["action"] == "account.log_in"), "{log_ins:?}");
        assert_eq!(items(&site, &boss, "&action=log%25in").await, Vec::<Value>::new(), "a sign is a sign");
        let undone = items(&site, &boss, "&outcome=refused").await;
        assert!(!undone.is_empty() && undone.iter().all(|e| e["outcome"] != "done"));
        assert_eq!(items(&site, &boss, "&from=2026-11-23&until=2026-11-23").await.len(), all.len());
        assert_eq!(items(&site, &boss, "&until=2026-11-22").await.len(), 0);
        assert_eq!(items(&site, &boss, "&from=2026-11-24").await.len(), 0);
        let mut paged = Vec::new();
        let mut next = String::new();
        loop {
            let page = site.get(&boss, &format!("/v1/audit-events?limit=3{next}")).await.expect(200);
            paged.extend(page["items"].as_array().unwrap().clone());
            let Some(after) = page["next"].as_str() else { break };
            next = format!("&after={after}");
        }
        assert_eq!(paged, all);
        for wrong in ["account=me", "from=yesterday", "outcome=well", "after=x", "limit=0"] {
            site.get(&boss, &format!("/v1/audit-events?{wrong}")).await.checked(422);
        }
    })
    .await;
}

#[tokio::test]
async fn a_file_of_the_log_wants_a_proof_of_late_and_is_written_down() {
    on_both(|engine| async move {
        let site = Site::open(&engine).await;
        let (boss, _) = after_a_day(&site).await;
        let file = site.get(&boss, "/v1/audit-events.csv?action=persons").await.checked(200);
        assert!(file.text.starts_with('\u{feff}') && file.text.contains("GET /v1/persons/{id}"), "{}", file.text);
        assert!(file.header("content-disposition").contains("sanbao-audit-2026-11-23.csv"));
        assert_eq!(audited(&site, "audit.export").await, 1);
        site.minutes_pass(11);
        site.get(&boss, "/v1/audit-events.csv").await.refused(401, "step-up-required");
        assert_eq!(audited(&site, "audit.export").await, 1, "what was refused was not exported");
        site.get(&boss, "/v1/audit-events").await.checked(200);
    })
    .await;
}

#[tokio::test]
async fn the_page_shows_the_log_and_is_the_administrators() {
    on_both(|engine| async move {
        let site = Site::open(&engine).await;
        after_a_day(&site).await;
        let mut office = Browser::new();
        office.log_in(&site, "admin").await;
        let page = office.open(&site, "/audit").await.checked(200).text;
        assert!(
            page.contains("操作记录") && page.contains("account.log_in") && page.contains("/needs/audit"),
            "{page}"
        );
        assert!(page.contains("/static/audit.js") && !page.contains("GET /v1/persons/{id}"));
        let wanted = [
            ("account", ""),
            ("action", "log_in"),
            ("thing", ""),
            ("from", "2026-11-23"),
            ("until", ""),
            ("outcome", ""),
        ];
        let found = office.form(&site, "/audit", &wanted).await.checked(200).text;
        assert!(found.contains(r#"value="log_in""#) && found.contains(r#"value="2026-11-23""#), "{found}");
        assert!(!found.contains("<code>organisation."), "{found}");
        let mut nurse = Browser::new();
        nurse.log_in(&site, "nurse").await;
        nurse.open(&site, "/audit").await.checked(403);
    })
    .await;
}
