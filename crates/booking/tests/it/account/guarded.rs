//! The permission grid as people review it, and every documented route without a token.

use sanbao_booking::account::demo::{self, PASSWORD};
use sanbao_booking::account::policy::{AccountAction, AccountRelation, decide};
use sanbao_booking::{App, role};
use sanbao_platform::policy::grid;
use sanbao_platform::testing::on_both;
use serde_json::{Value, json};

use crate::account::kit::{Site, generous};

#[test]
fn the_permission_grid_is_reviewed() {
    insta::assert_snapshot!("account_policy", grid(role::ALL, AccountAction::ALL, AccountRelation::ALL, decide));
}

/// Routes of this part that anybody may call.
const OPEN: &[&str] =
    &["POST /v1/tokens", "POST /v1/tokens/second-factor", "POST /v1/tokens/refresh", "GET /.well-known/jwks.json"];
/// The tags of this part.
const TAGS: &[&str] = &["organisations", "accounts", "people", "log-in"];

#[tokio::test]
async fn no_documented_route_answers_a_stranger() {
    on_both(|engine| async move {
        let site = Site::open(&engine).await;
        let document = serde_json::to_value(&site.openapi).unwrap();
        let mut called = 0;
        for (path, item) in document["paths"].as_object().unwrap() {
            for (method, operation) in item.as_object().unwrap() {
                let method = method.to_uppercase();
                let ours = operation["tags"].as_array().is_some_and(|t| TAGS.iter().any(|tag| t.contains(&json!(tag))));
                if !ours || OPEN.contains(&format!("{method} {path}").as_str()) {
                    continue;
                }
                called += 1;
                assert!(
                    operation["description"].as_str().unwrap_or_default().contains("Permission:"),
                    "{method} {path}"
                );
                let at = path.replace("{id}", "0193a5b0-0000-7000-8000-000000000000");
                let body = if method == "GET" { Value::Null } else { json!({}) };
                let answer = site.api("", &method, &at, body.clone()).await;
                answer.refused(401, "unauthenticated");
                let answer = site.api("not.a.token", &method, &at, body).await;
                answer.refused(401, "unauthenticated");
            }
        }
        assert!(called >= 18, "only {called} routes were called");
    })
    .await;
}

#[tokio::test]
async fn the_demo_is_filled_once_and_every_account_logs_in() {
    on_both(|engine| async move {
        let site = Site::open(&engine).await;
        for account in &site.network.accounts {
            site.log_in(account.login, PASSWORD).await.checked(200);
        }
        assert_eq!(site.network.of_role(role::DOCTOR).count(), 3);
        assert_eq!(site.network.residents.len(), 6);
        assert_eq!(site.network.rooms.len(), 2);
        let again = demo::fill(&App::new(generous(), site.deps.clone())).await;
        assert_eq!(again.unwrap_err().status(), 409);
        let token = site.token("admin").await;
        let list = site.get(&token, "/v1/organisations").await.expect(200);
        assert_eq!(list["items"].as_array().unwrap().len(), 4, "a second filling left nothing behind");
    })
    .await;
}
