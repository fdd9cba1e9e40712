//! An answer of the router or of a server, read to its end.

use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Response, StatusCode, header};
use serde_json::Value;

/// The answer to a call.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    /// The body as text.
    pub text: String,
    /// The same as JSON; null where it is none.
    pub body: Value,
}

impl Answer {
    /// Of its parts.
    pub fn new(status: StatusCode, headers: HeaderMap, text: String) -> Self {
        let body = serde_json::from_str(&text).unwrap_or(Value::Null);
        Self { status, headers, text, body }
    }

    /// Reads a response to its end.
    pub async fn read(response: Response<Body>) -> Self {
        let (parts, body) = response.into_parts();
        let bytes = to_bytes(body, usize::MAX).await.unwrap();
        Self::new(parts.status, parts.headers, String::from_utf8_lossy(&bytes).into_owned())
    }

    /// The same, if its status is this.
    #[track_caller]
    #[expect(clippy::return_self_not_must_use, reason = "most tests only ask that it is so")]
    pub fn checked(self, status: u16) -> Self {
        assert_eq!(self.status.as_u16(), status, "{}", self.text);
        self
    }

    /// The body of an answer with this status.
    #[track_caller]
    pub fn expect(self, status: u16) -> Value {
        self.checked(status).body
    }

    /// The same, if it is a problem of this status and kind.
    #[track_caller]
    #[expect(clippy::return_self_not_must_use, reason = "most tests only ask that it is so")]
    pub fn refused(self, status: u16, problem: &str) -> Self {
        assert_eq!((self.status.as_u16(), self.problem()), (status, problem), "{}", self.text);
        self
    }

    /// The kind of the problem that this is: `not-found`. `-` where it is none.
    pub fn problem(&self) -> &str {
        let kind = self.body["type"].as_str().and_then(|kind| kind.strip_prefix("/problems/"));
        kind.filter(|_| self.content_type() == "application/problem+json").unwrap_or("-")
    }

    /// A header's value, empty where there is none.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The content type, empty where there is none.
    pub fn content_type(&self) -> &str {
        self.header(header::CONTENT_TYPE.as_str())
    }

    /// The entity tag, if any.
    pub fn etag(&self) -> Option<&str> {
        Some(self.header(header::ETAG.as_str())).filter(|tag| !tag.is_empty())
    }
}
