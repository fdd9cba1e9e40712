//! A value that a schema of the OpenAPI document describes: its example where it has one, else the plainest.

use serde_json::{Map, Value, json};

/// A sample of `schema`, with references looked up in `document`.
pub fn of(document: &Value, schema: &Value) -> Value {
    if let Some(reference) = schema["$ref"].as_str() {
        return of(document, resolve(document, reference));
    }
    if let Some(example) = schema.get("example").or_else(|| schema["examples"].as_array().and_then(|e| e.first())) {
        return example.clone();
    }
    if let Some(first) = schema["enum"].as_array().and_then(|e| e.first()) {
        return first.clone();
    }
    if let Some(constant) = schema.get("const") {
        return constant.clone();
    }
    if let Some(parts) = schema["allOf"].as_array() {
        let members = parts.iter().chain([&without_all_of(schema)]).map(|p| of(document, p)).collect::<Vec<_>>();
        return Value::Object(members.into_iter().filter_map(|m| m.as_object().cloned()).flatten().collect());
    }
    for choice in ["oneOf", "anyOf"] {
        let options = schema[choice].as_array().into_iter().flatten();
        if let Some(first) = options.into_iter().find(|o| o["type"] != "null") {
            return of(document, first);
        }
    }
    plain(document, schema)
}

fn without_all_of(schema: &Value) -> Value {
    let mut rest = schema.clone();
    rest.as_object_mut().map(|o| o.remove("allOf"));
    rest
}

/// The component that `#/components/…` names.
pub fn resolve<'a>(document: &'a Value, reference: &str) -> &'a Value {
    let found = reference.strip_prefix('#').and_then(|pointer| document.pointer(pointer));
    found.unwrap_or_else(|| panic!("{reference} names nothing"))
}

fn plain(document: &Value, schema: &Value) -> Value {
    let kind = match &schema["type"] {
        Value::Array(kinds) => kinds.iter().find(|k| *k != "null").and_then(Value::as_str),
        other => other.as_str(),
    };
    match kind {
        Some("string") => json!(match schema["format"].as_str() {
            Some("uuid") => "01980c2e-7b1a-7c3e-9d43-0a5d1f4c1b02",
            Some("date-time") => "2026-11-24T02:00:00Z",
            Some("date") => "2026-11-24",
            Some("time") => "09:00:00",
            _ => "样例",
        }),
        Some("integer" | "number") => schema.get("minimum").cloned().unwrap_or(json!(1)),
        Some("boolean") => json!(true),
        Some("array") => json!([]),
        _ => object(document, schema),
    }
}

/// An object with its required members only.
fn object(document: &Value, schema: &Value) -> Value {
    let required = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let members = required.map(|name| (name.to_owned(), of(document, &schema["properties"][name])));
    Value::Object(members.collect::<Map<_, _>>())
}

/// A sample of an operation's JSON body, if it takes one.
pub fn body(document: &Value, operation: &Value) -> Option<Value> {
    let body = operation.get("requestBody")?;
    let body = body["$ref"].as_str().map_or(body, |r| resolve(document, r));
    let json = body.pointer("/content/application~1json")?;
    Some(json.get("example").cloned().unwrap_or_else(|| of(document, &json["schema"])))
}

/// A path with its parameters replaced: by `given` where it knows the name, else by an id that names nothing.
pub fn path(pattern: &str, given: impl Fn(&str) -> Option<String>) -> String {
    let unknown = "01980c2e-7b1a-7c3e-9d43-0a5d1f4c1b02";
    let parts = pattern.split('/').map(|part| match part.strip_prefix('{').and_then(|p| p.strip_suffix('}')) {
        Some(name) => given(name).unwrap_or_else(|| unknown.to_owned()),
        None => part.to_owned(),
    });
    parts.collect::<Vec<_>>().join("/")
}
