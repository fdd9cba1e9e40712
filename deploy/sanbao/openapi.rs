//! The one OpenAPI document: the services' own, generated from their routes, with what all answers share.

use std::collections::{BTreeMap, BTreeSet};

use sanbao_platform::bus::{EventField, Published};
use sanbao_platform::problem::Kind;
use sanbao_platform::service::Service;
use serde_json::{Map, Value, json};
use utoipa::openapi::OpenApi;

const METHODS: &[&str] = &["get", "put", "post", "delete", "patch", "head", "options"];
const PROBLEM_REF: &str = "#/components/schemas/Problem";

/// Operations that need no token, and why; every other is documented, and tested, to refuse without one.
pub const PUBLIC: &[(&str, &str, &str)] = &[
    ("post", "/v1/tokens", "this is where a token comes from; throttled by address"),
    (
        "post",
        "/v1/tokens/second-factor",
        "the challenge of the first step is in the body; throttled by address and account",
    ),
    ("post", "/v1/tokens/refresh", "the refresh token is in the body"),
    ("post", "/v1/guest-tickets", "the link's secret is in the body; throttled by address"),
    ("get", "/.well-known/jwks.json", "public keys"),
    ("get", "/v1/signal", "the ticket comes with the first message"),
    ("post", "/v1/prechecks", "the ticket is in the body; so many at once for a ticket"),
    ("get", "/room", "the page itself; the ticket in its address opens the room"),
];

/// The operations of a document: path, method and the operation itself.
pub fn operations(document: &Value) -> Vec<(&str, &str, &Value)> {
    let paths = document["paths"].as_object().into_iter().flatten();
    let each = paths.flat_map(|(path, item)| {
        let methods = METHODS.iter().filter_map(move |m| Some((*m, item.get(*m)?)));
        methods.map(move |(method, operation)| (path.as_str(), method, operation))
    });
    each.collect()
}

/// The schemas that two services declare differently under one name: their merged document would be wrong for one of
/// them.
pub fn conflicts<'a>(documents: impl Iterator<Item = &'a OpenApi>) -> Vec<String> {
    let mut said: BTreeMap<String, Value> = BTreeMap::new();
    let mut found = Vec::new();
    for document in documents {
        let document = serde_json::to_value(document).unwrap_or_default();
        let mut entries: Vec<(String, &Value)> = Vec::new();
        for (section, members) in document["components"].as_object().into_iter().flatten() {
            entries.extend(members.as_object().into_iter().flatten().map(|(n, v)| (format!("{section}/{n}"), v)));
        }
        entries.extend(operations(&document).into_iter().map(|(path, method, o)| (format!("{method} {path}"), o)));
        for (name, value) in entries {
            match said.get(&name) {
                Some(standing) if standing != value => found.push(name),
                _ => drop(said.insert(name, value.clone())),
            }
        }
    }
    found
}

/// The document of a process that runs `services`; one that runs a single service says which.
pub fn of_process(services: &[Service], kinds: &[&'static Kind]) -> Value {
    let mut document = merge(services.iter().map(|s| &s.routes.openapi), kinds);
    if let [service] = services {
        document["info"]["title"] = json!(format!("三宝 Sanbao: {}", service.name));
    }
    document["x-events"] = services.iter().flat_map(|s| &s.events).map(event).collect();
    document
}

/// A kind of event of a service's catalogue: what other programs may follow in the service's stream.
fn event(published: &Published) -> Value {
    let field = |f: &EventField| json!({ "name": f.name, "type": f.rust_type, "optional": f.optional });
    json!({
        "type": published.name,
        "version": published.version,
        "when": published.when,
        "fields": published.fields.iter().map(field).collect::<Vec<_>>(),
    })
}

/// Merges the services' documents under one title, with security schemes and problems.
pub fn merge<'a>(documents: impl Iterator<Item = &'a OpenApi>, kinds: &[&'static Kind]) -> Value {
    let (mut paths, mut components) = (Map::new(), Map::new());
    for document in documents {
        let document = serde_json::to_value(document).unwrap_or_default();
        for (path, item) in document["paths"].as_object().into_iter().flatten() {
            let into = paths.entry(path).or_insert_with(|| json!({}));
            merge_into(into, item);
        }
        for (section, entries) in document["components"].as_object().into_iter().flatten() {
            let into = components.entry(section).or_insert_with(|| json!({}));
            merge_into(into, entries);
        }
    }
    let mut components = Value::Object(components);
    merge_into(&mut components, &shared(kinds));
    let mut document = json!({
        "openapi": "3.1.0",
        "info": {
            "title": "三宝 Sanbao",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Tele-consults, home visits and needs analysis for an elderly-care network. Every error is \
                an RFC 9457 problem; its `type` leads to a page that says what it means. Creating calls take an \
                `Idempotency-Key`; lists are paged by `after` and `limit`.",
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
        },
        "paths": paths,
        "components": components,
    });
    complete(&mut document);
    document
}

fn merge_into(into: &mut Value, from: &Value) {
    let (Some(into), Some(from)) = (into.as_object_mut(), from.as_object()) else { return };
    for (key, value) in from {
        match into.get_mut(key) {
            Some(standing) if standing.is_object() && value.is_object() => merge_into(standing, value),
            Some(_) => {}
            None => drop(into.insert(key.clone(), value.clone())),
        }
    }
}

fn shared(kinds: &[&'static Kind]) -> Value {
    let types: Vec<String> = kinds.iter().map(|k| format!("/problems/{}", k.slug)).collect();
    json!({
        "securitySchemes": {
            "bearer": { "type": "http", "scheme": "bearer", "bearerFormat": "JWT",
                "description": "An access token of POST /v1/tokens, good for 15 minutes." },
            "cookie": { "type": "apiKey", "in": "cookie", "name": sanbao_platform::http::ACCESS_COOKIE,
                "description": "The same token in a browser, over HTTPS with `__Host-` before the name; writes need the x-csrf-token header beside it." },
        },
        "schemas": { "Problem": {
            "type": "object",
            "description": "RFC 9457. Some kinds add members, such as `legal` or `alternatives`.",
            "required": ["type", "title", "status", "request_id"],
            "properties": {
                "type": { "type": "string", "enum": types },
                "title": { "type": "string", "description": "In the language of Accept-Language." },
                "status": { "type": "integer" },
                "detail": { "type": "string" },
                "request_id": { "type": "string", "description": "Also in x-request-id and in the log." },
                "errors": { "type": "array", "items": { "type": "object", "required": ["pointer", "detail"],
                    "properties": { "pointer": { "type": "string", "description": "RFC 6901" }, "detail": { "type": "string" } } } },
            },
        } },
    })
}

/// Adds to each operation what holds for it by its shape, where its author left it out: the extractors
/// and the outermost layer answer these for every route.
fn complete(document: &mut Value) {
    let Some(paths) = document["paths"].as_object_mut() else { return };
    for (path, item) in paths.iter_mut() {
        let methods: Vec<&str> = METHODS.iter().copied().filter(|m| item.get(*m).is_some()).collect();
        for method in methods {
            let operation = &mut item[method];
            name(operation, path);
            let mut statuses = BTreeSet::from(["default"]);
            if !PUBLIC.iter().any(|(m, p, _)| (*m, *p) == (method, path.as_str())) {
                operation["security"] = json!([{ "bearer": [] }, { "cookie": [] }]);
                statuses.extend(["401", "403"]);
            }
            if path.contains('{') {
                statuses.insert("404");
            }
            if operation.get("requestBody").is_some() {
                statuses.extend(["400", "413", "415", "422"]);
            }
            for status in statuses {
                problem_response(operation, status);
            }
        }
    }
}

/// Handlers are named within their module (`list`); in the one document their resource stands before it.
fn name(operation: &mut Value, path: &str) {
    let Some(id) = operation["operationId"].as_str().map(str::to_owned) else { return };
    let parts = path.split('/').filter(|p| !p.is_empty() && *p != "v1" && !p.starts_with('{'));
    let parts: Vec<String> = parts.map(|p| p.replace(['-', '.'], "_")).filter(|p| *p != id).collect();
    operation["operationId"] = json!(format!("{}_{id}", parts.join("_")).trim_start_matches('_'));
}

fn words(status: &str) -> &'static str {
    match status {
        "400" => "The body cannot be read",
        "401" => "Nobody is logged in, or the token has expired",
        "403" => "It may be seen but not done",
        "404" => "It does not exist, or may not be seen",
        "413" => "The body is too large",
        "415" => "The body is of another content type",
        "422" => "Some fields need correcting",
        _ => "Any other problem",
    }
}

/// Gives every problem response its body; authors write only what it means.
fn problem_response(operation: &mut Value, status: &str) {
    let Some(responses) = operation["responses"].as_object_mut() else { return };
    responses.entry(status).or_insert_with(|| json!({ "description": words(status) }));
    let problems = responses.iter_mut().filter(|(status, _)| *status == "default" || status.as_str() >= "400");
    for (_, response) in problems {
        if response.get("$ref").is_none() && response.get("content").is_none() {
            response["content"] = json!({ "application/problem+json": { "schema": { "$ref": PROBLEM_REF } } });
        }
    }
}
