//! The OpenAPI document: its operations are a reviewed list, all it refers to is there, and each operation
//! says what it answers when it cannot do what it is asked.

use std::collections::BTreeSet;

use sanbao_platform::clock::Clock;
use sanbao_platform::testing;
use serde_json::Value;

use crate::common;

async fn document() -> Value {
    let served = common::Served::empty(testing::sqlite()).await;
    let document = served.nobody().get("/openapi.json").await.expect(200);
    served.stop().await;
    document
}

#[tokio::test]
async fn the_operations_are_as_reviewed() {
    let document = document().await;
    let operations = sanbao::openapi::operations(&document);
    let mut lines: Vec<String> = operations
        .iter()
        .map(|(path, method, o)| {
            format!("{path:<58} {:<7} {}", method.to_uppercase(), o["operationId"].as_str().unwrap_or("?"))
        })
        .collect();
    lines.sort();
    insta::assert_snapshot!(lines.join("\n"));
}

#[tokio::test]
async fn every_operation_documents_its_problems() {
    let document = document().await;
    assert_eq!(document["openapi"], "3.1.0");
    let mut wrong = Vec::new();
    let mut ids = BTreeSet::new();
    for (path, method, operation) in sanbao::openapi::operations(&document) {
        let mut complain = |what: String| wrong.push(format!("{method} {path}: {what}"));
        let responses = operation["responses"].as_object().unwrap();
        if !responses.keys().any(|s| s.starts_with(['1', '2', '3'])) {
            complain("says nothing of success".into());
        }
        for (status, response) in responses.iter().filter(|(s, _)| *s == "default" || s.starts_with(['4', '5'])) {
            if response.pointer("/content/application~1problem+json").is_none() {
                complain(format!("{status} is no problem+json: {response}"));
            }
        }
        if !responses.contains_key("default") && !responses.keys().any(|s| s.starts_with('4')) {
            complain("says nothing of problems".into());
        }
        let spoken = operation["summary"].as_str().or(operation["description"].as_str());
        if spoken.is_none_or(str::is_empty) {
            complain("has no summary".into());
        }
        if !ids.insert(operation["operationId"].as_str().unwrap_or_default().to_owned()) {
            complain(format!("has the operation id of another: {}", operation["operationId"]));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn references(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => {
            found.extend(members.get("$ref").and_then(Value::as_str).map(str::to_owned));
            members.values().for_each(|v| references(v, found));
        }
        Value::Array(items) => items.iter().for_each(|v| references(v, found)),
        _ => {}
    }
}

#[tokio::test]
async fn all_it_refers_to_is_there() {
    let document = document().await;
    let mut found = BTreeSet::new();
    references(&document, &mut found);
    assert!(!found.is_empty());
    for reference in found {
        common::sample::resolve(&document, &reference);
    }
}

#[tokio::test]
async fn no_two_services_mean_different_things_by_one_name() {
    let engine = testing::sqlite();
    let parts = common::parts(&engine, Clock::manual(common::morning())).await;
    let services = sanbao::compose::services(&parts).unwrap();
    let conflicts = sanbao::openapi::conflicts(services.iter().map(|s| &s.routes.openapi));
    assert!(conflicts.is_empty(), "{}", conflicts.join("\n"));
}

#[tokio::test]
async fn every_problem_type_has_its_page() {
    let served = common::Served::empty(testing::sqlite()).await;
    let client = served.nobody();
    let kinds = sanbao::compose::problem_kinds();
    let slugs: BTreeSet<&str> = kinds.iter().map(|k| k.slug).collect();
    assert_eq!(slugs.len(), kinds.len(), "two kinds share a slug");
    for kind in kinds {
        let page = client.get(&format!("/problems/{}", kind.slug)).await;
        assert_eq!(page.status, 200);
        assert!(page.text.contains(kind.zh), "{}", page.text);
    }
    assert_eq!(client.get("/problems/no-such").await.problem(), "not-found");
    served.stop().await;
}
