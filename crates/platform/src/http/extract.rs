//! Extractors whose refusals are problems that say where and why.

use axum::extract::rejection::{BytesRejection, FailedToBufferBody};
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::{HeaderMap, StatusCode, header, request::Parts};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::guard::is_slow;
use crate::problem::{BAD_REQUEST, FieldError, Problem, REQUEST_TIMEOUT, TOO_LARGE, UNSUPPORTED_MEDIA};

/// A JSON body: in, with a JSON Pointer to what does not fit; out, as axum's.
#[derive(Clone, Copy, Debug)]
pub struct Json<T>(pub T);

fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    kind == "application/json" || (kind.starts_with("application/") && kind.ends_with("+json"))
}

fn pointer(path: &serde_path_to_error::Path) -> String {
    use serde_path_to_error::Segment;
    path.iter()
        .map(|segment| match segment {
            Segment::Seq { index } => format!("/{index}"),
            Segment::Map { key } => format!("/{}", key.replace('~', "~0").replace('/', "~1")),
            Segment::Enum { variant } => format!("/{variant}"),
            Segment::Unknown => "/".to_owned(),
        })
        .collect()
}

/// The type out of bytes; a value that does not fit is 422 with its place, a broken text 400.
fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    // serde_json passes over what it ignores unread; RFC 8259 §8.1 wants UTF-8 everywhere.
    std::str::from_utf8(bytes)
        .map_err(|_| Problem::new(&BAD_REQUEST).detail("内容不是有效的 UTF-8", "The body is not valid UTF-8"))?;
    // Every body is an object. serde would take a list for one, its values for the fields in their order.
    if bytes.trim_ascii_start().starts_with(b"[") {
        let error = FieldError::new("", "内容的类型或格式不对", "Expected an object");
        return Err(Problem::invalid(vec![error]));
    }
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let place = pointer(error.path());
        let inner = error.inner();
        if inner.is_data() {
            // serde's sentence names the expected type and echoes at most a short scalar; it is cut
            // to its first clause so that no personal value comes back.
            let told = inner.to_string();
            let expected = told.split(", expected ").nth(1).and_then(|t| t.split(" at line").next()).map(str::to_owned);
            let missing = told.strip_prefix("missing field `").and_then(|t| t.split('`').next()).map(str::to_owned);
            let (place, en) = match (missing, expected) {
                (Some(field), _) => (format!("{place}/{field}"), "This field is required".to_owned()),
                (None, Some(expected)) => (place, format!("Expected {expected}")),
                (None, None) => (place, "The value does not fit".to_owned()),
            };
            let zh = if en.starts_with("This") { "必填" } else { "内容的类型或格式不对" };
            Problem::invalid(vec![FieldError::new(place, zh, en)])
        } else {
            let (line, column) = (inner.line(), inner.column());
            Problem::new(&BAD_REQUEST).detail(
                format!("第 {line} 行第 {column} 列不是有效的 JSON"),
                format!("Not valid JSON at line {line}, column {column}"),
            )
        }
    })?;
    reader.end().map_err(|_| {
        Problem::new(&BAD_REQUEST).detail("JSON 之后还有多余的内容", "There is something after the JSON value")
    })?;
    Ok(value)
}

/// A body that could not be read to its end: it did not come in time, or broke off.
pub fn body_refused(error: &(dyn std::error::Error + 'static)) -> Problem {
    let kind = if is_slow(error) { &REQUEST_TIMEOUT } else { &BAD_REQUEST };
    Problem::new(kind).because(error)
}

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        if !is_json(request.headers()) {
            return Err(Problem::new(&UNSUPPORTED_MEDIA).detail("请发送 application/json", "Send application/json"));
        }
        let bytes = axum::body::Bytes::from_request(request, state).await.map_err(|rejection| match rejection {
            BytesRejection::FailedToBufferBody(FailedToBufferBody::LengthLimitError(_)) => Problem::new(&TOO_LARGE),
            other => body_refused(&other),
        })?;
        parse(&bytes).map(Self)
    }
}

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        axum::Json(self.0).into_response()
    }
}

/// A path's parameters; what does not parse names nothing: 404.
#[derive(Clone, Copy, Debug)]
pub struct Path<T>(pub T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let path = axum::extract::Path::<T>::from_request_parts(parts, state).await;
        path.map(|p| Self(p.0)).map_err(|e| Problem::not_found().because(e))
    }
}

/// A query's parameters; what does not fit is 422.
#[derive(Clone, Copy, Debug)]
pub struct Query<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let query = axum::extract::Query::<T>::from_request_parts(parts, state).await;
        query.map(|q| Self(q.0)).map_err(|e| {
            let told = e.body_text();
            let name = told.split(": ").nth(1).unwrap_or_default().to_owned();
            let name = if name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') { name } else { String::new() };
            Problem::field(format!("?{name}"), "查询参数不对", "The query parameter does not fit").because(told)
        })
    }
}

/// The problem that an answer of the framework itself stands for.
pub(super) fn problem_of(status: StatusCode) -> Problem {
    use crate::problem as p;
    Problem::new(match status.as_u16() {
        401 => &p::UNAUTHENTICATED,
        403 => &p::FORBIDDEN,
        404 => &p::NOT_FOUND,
        405 => &p::METHOD_NOT_ALLOWED,
        409 => &p::CONFLICT,
        412 => &p::PRECONDITION_FAILED,
        413 => &p::TOO_LARGE,
        415 => &p::UNSUPPORTED_MEDIA,
        422 => &p::INVALID,
        429 => &p::TOO_MANY,
        408 => &p::REQUEST_TIMEOUT,
        503 => &p::UNAVAILABLE,
        400..=499 => &p::BAD_REQUEST,
        _ => &p::INTERNAL,
    })
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::lang::Lang;

    #[derive(Debug, serde::Deserialize)]
    #[expect(dead_code, reason = "only parsed")]
    struct Sample {
        people: Vec<Person>,
    }
    #[derive(Debug, serde::Deserialize)]
    #[expect(dead_code, reason = "only parsed")]
    struct Person {
        age: u8,
    }

    #[test]
    fn a_refusal_points_at_the_field_and_echoes_no_value() {
        for (text, status, pointer) in [
            (r#"{"people":[{"age":1},{"age":"secret"}]}"#, 422, Some("/people/1/age")),
            (r#"{"people":[{}]}"#, 422, Some("/people/0/age")),
            (r#"{"people":[{"age":300}]}"#, 422, Some("/people/0/age")),
            (r#"{"people":[}"#, 400, None),
            (r#"{"people":[]} x"#, 400, None),
            ("", 400, None),
        ] {
            let problem = parse::<Sample>(text.as_bytes()).unwrap_err();
            let body = problem.body(Lang::En, "r");
            assert_eq!(body["status"], status, "{text}");
            assert_eq!(body["errors"][0]["pointer"].as_str(), pointer, "{text}");
            assert!(!body.to_string().contains("secret"));
        }
        assert!(parse::<Sample>(b"\xff").is_err());
    }
}
