//! Errors as RFC 9457 `application/problem+json`: one `type` URI per kind, in both languages.
//!
//! A [`Problem`] has two sides: what the caller is told, and a cause that is logged once and never
//! sent. Handlers return it with `?`; the outermost layer ([`crate::http`]) knows the request's
//! language and id and writes the body.

use std::borrow::Cow;
use std::sync::Arc;

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::bus::LogError;
use crate::db::DbError;
use crate::lang::Lang;

/// A kind of problem; its slug makes the `type` URI `/problems/{slug}`.
#[derive(Debug, PartialEq, Eq)]
pub struct Kind {
    /// The last part of the URI.
    pub slug: &'static str,
    pub status: u16,
    /// The title in Chinese.
    pub zh: &'static str,
    /// The title in English.
    pub en: &'static str,
}

/// Declares the kinds of a crate and the list [`KINDS`] that documents them.
#[macro_export]
macro_rules! problem_kinds {
    ($($name:ident = $status:literal $slug:literal $zh:literal $en:literal;)+) => {
        $(#[doc = $en] pub const $name: $crate::problem::Kind = $crate::problem::Kind { slug: $slug, status: $status, zh: $zh, en: $en };)+
        /// Every kind declared here.
        pub const KINDS: &[&$crate::problem::Kind] = &[$(&$name),+];
    };
}

problem_kinds! {
    BAD_REQUEST = 400 "bad-request" "请求格式不对" "The request cannot be read";
    INVALID = 422 "invalid" "有内容需要更正" "Some fields need correcting";
    UNAUTHENTICATED = 401 "unauthenticated" "请先登录" "Please log in";
    STEP_UP_REQUIRED = 401 "step-up-required" "请再确认一次是您本人" "Please prove once more that it is you";
    FORBIDDEN = 403 "forbidden" "您没有权限做这件事" "You may not do this";
    FACTOR_LACKING = 403 "second-factor-lacking" "请先设置第二重验证，然后才能使用其他功能" "Set up your second factor first; nothing else opens before";
    CROSS_SITE = 403 "cross-site" "请求来源不受信任" "The request came from another site";
    NOT_FOUND = 404 "not-found" "没有找到" "Not found";
    METHOD_NOT_ALLOWED = 405 "method-not-allowed" "不支持这种操作" "Method not allowed";
    REQUEST_TIMEOUT = 408 "request-timeout" "请求内容没有及时传完，请重试" "The request's body did not come in time; try again";
    CONFLICT = 409 "conflict" "与现有内容冲突" "In conflict with what is there";
    ORGANISATION_SWITCHED = 409 "organisation-switched" "您在这个浏览器里已换到另一个机构，请刷新页面后再操作" "You have gone on in another organisation in this browser: reload the page first";
    INVALID_TRANSITION = 409 "invalid-transition" "当前状态下不能这样做" "Not possible in the present state";
    EVENT_NOT_TAKEN = 409 "event-not-taken" "事件还是没有被接受" "The event was not taken this time either";
    LATER_EVENT_TAKEN = 409 "later-event-taken" "同一对象后来的事件可能已经生效" "Later events of the same subject may have taken effect";
    PRECONDITION_FAILED = 412 "precondition-failed" "内容已被他人修改，请刷新后重试" "Somebody else changed this; reload and try again";
    TOO_LARGE = 413 "too-large" "内容太大" "Too large";
    UNSUPPORTED_MEDIA = 415 "unsupported-media-type" "不支持的内容类型" "Unsupported content type";
    IDEMPOTENCY_MISMATCH = 422 "idempotency-mismatch" "同一幂等键用于了不同的内容" "This Idempotency-Key was used with another request";
    TOO_MANY = 429 "too-many-requests" "操作太频繁，请稍后再试" "Too many requests, try again later";
    INTERNAL = 500 "internal" "系统内部错误，已记录" "Internal error; it has been recorded";
    UNAVAILABLE = 503 "unavailable" "服务暂时不可用，请稍后再试" "Temporarily unavailable, try again later";
}

/// The challenge of [`STEP_UP_REQUIRED`] (RFC 9470 §3): the log-in is good, and its last proof too old.
pub(crate) const STEP_UP_CHALLENGE: &str = r#"Bearer error="insufficient_user_authentication", max_age="600""#;

/// One field's error, with a JSON Pointer (RFC 6901) to the field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FieldError {
    /// Where: `/resident/phone`.
    pub pointer: String,
    /// The fault and how to mend it, in Chinese.
    #[serde(skip)]
    pub zh: Cow<'static, str>,
    /// The same in English.
    #[serde(skip)]
    pub en: Cow<'static, str>,
}

impl FieldError {
    /// An error at `pointer`.
    pub fn new(pointer: impl Into<String>, zh: impl Into<Cow<'static, str>>, en: impl Into<Cow<'static, str>>) -> Self {
        Self { pointer: pointer.into(), zh: zh.into(), en: en.into() }
    }
}

/// The problem of a request.
#[derive(Clone, Debug)]
pub struct Problem(Arc<Inner>);

#[derive(Clone, Debug)]
struct Inner {
    kind: &'static Kind,
    zh: Option<Cow<'static, str>>,
    en: Option<Cow<'static, str>>,
    fields: Vec<FieldError>,
    extensions: Map<String, Value>,
    retry_after_seconds: Option<u64>,
    cause: Option<String>,
    refusal: bool,
}

impl Problem {
    /// A problem of `kind` with nothing more to say.
    pub fn new(kind: &'static Kind) -> Self {
        Self(Arc::new(Inner {
            kind,
            zh: None,
            en: None,
            fields: Vec::new(),
            extensions: Map::new(),
            retry_after_seconds: None,
            cause: None,
            refusal: *kind == FORBIDDEN || *kind == NOT_FOUND,
        }))
    }

    fn edit(mut self, change: impl FnOnce(&mut Inner)) -> Self {
        change(Arc::make_mut(&mut self.0));
        self
    }

    /// Adds a sentence for the caller in both languages.
    #[must_use]
    pub fn detail(self, zh: impl Into<Cow<'static, str>>, en: impl Into<Cow<'static, str>>) -> Self {
        self.edit(|p| (p.zh, p.en) = (Some(zh.into()), Some(en.into())))
    }

    /// Adds a member to the body, such as the nearest free alternatives.
    #[must_use]
    pub fn with(self, name: &str, value: impl Serialize) -> Self {
        let value = serde_json::to_value(value).unwrap_or(Value::Null);
        self.edit(|p| drop(p.extensions.insert(name.to_owned(), value)))
    }

    /// Says when to try again, as `Retry-After`.
    #[must_use]
    pub fn retry_after(self, seconds: u64) -> Self {
        self.edit(|p| p.retry_after_seconds = Some(seconds))
    }

    /// Attaches the internal cause: logged, never sent.
    #[must_use]
    pub fn because(self, cause: impl std::fmt::Display) -> Self {
        let cause = cause.to_string();
        self.edit(|p| p.cause = Some(cause))
    }

    /// The same faults at one field: of an order that names by one field what another says in several.
    #[must_use]
    pub fn at(self, pointer: &str) -> Self {
        self.edit(|p| {
            for field in &mut p.fields {
                pointer.clone_into(&mut field.pointer);
            }
        })
    }

    /// Invalid fields.
    pub fn invalid(fields: Vec<FieldError>) -> Self {
        Self::new(&INVALID).edit(|p| p.fields = fields)
    }

    /// One invalid field.
    pub fn field(
        pointer: impl Into<String>,
        zh: impl Into<Cow<'static, str>>,
        en: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self::invalid(vec![FieldError::new(pointer, zh, en)])
    }

    /// The faults at fields.
    pub fn faults(&self) -> &[FieldError] {
        &self.0.fields
    }

    /// The problem of a thing that does not exist, or may not be seen.
    pub fn not_found() -> Self {
        Self::new(&NOT_FOUND)
    }

    /// The problem of a part that something the caller may see does not have (yet); no refusal.
    pub fn lacking() -> Self {
        Self::not_found().edit(|p| p.refusal = false)
    }

    /// The problem of a thing that may be seen but not done.
    pub fn forbidden() -> Self {
        Self::new(&FORBIDDEN)
    }

    /// Nobody is logged in.
    pub fn unauthenticated() -> Self {
        Self::new(&UNAUTHENTICATED)
    }

    /// A bug or a failing part; `cause` goes to the log.
    pub fn internal(cause: impl std::fmt::Display) -> Self {
        Self::new(&INTERNAL).because(cause)
    }

    /// A step that the state does not allow: says the state and what would be legal from it.
    pub fn invalid_transition(state: impl Serialize, action: &str, legal: &[&str]) -> Self {
        Self::new(&INVALID_TRANSITION).with("state", state).with("action", action).with("legal", legal)
    }

    /// The kind.
    pub fn kind(&self) -> &'static Kind {
        self.0.kind
    }

    /// Whether a field is at fault.
    pub fn is_at(&self, pointer: &str) -> bool {
        self.0.fields.iter().any(|field| field.pointer == pointer)
    }

    /// Whether access was refused. To the caller a thing that must not be seen is like one that is not there: the
    /// audit log does not tell them apart either, so that no answer takes longer because there is something.
    pub fn is_refusal(&self) -> bool {
        self.0.refusal
    }

    /// The status.
    pub fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.0.kind.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// The internal cause, for the log.
    pub fn cause(&self) -> Option<&str> {
        self.0.cause.as_deref()
    }

    /// The title in `lang`.
    pub fn title(&self, lang: Lang) -> &'static str {
        lang.pick(self.0.kind.zh, self.0.kind.en)
    }

    /// The sentence for the caller in `lang`.
    pub fn detail_text(&self, lang: Lang) -> Option<&str> {
        match lang {
            Lang::Zh => self.0.zh.as_deref(),
            Lang::En => self.0.en.as_deref(),
        }
    }

    /// The body (RFC 9457 §3).
    pub fn body(&self, lang: Lang, request_id: &str) -> Value {
        let p = &self.0;
        let mut body = p.extensions.clone();
        body.insert("type".into(), json!(format!("/problems/{}", p.kind.slug)));
        body.insert("title".into(), json!(self.title(lang)));
        body.insert("status".into(), json!(p.kind.status));
        body.insert("request_id".into(), json!(request_id));
        if let Some(detail) = self.detail_text(lang) {
            body.insert("detail".into(), json!(detail));
        }
        if !p.fields.is_empty() {
            let errors = p.fields.iter().map(|f| json!({ "pointer": f.pointer, "detail": lang.pick(&f.zh, &f.en) }));
            body.insert("errors".into(), errors.collect());
        }
        Value::Object(body)
    }

    /// The full response in `lang`.
    pub fn render(&self, lang: Lang, request_id: &str) -> Response {
        let mut response = (
            self.status(),
            [(header::CONTENT_TYPE, "application/problem+json"), (header::CONTENT_LANGUAGE, lang.tag())],
            self.body(lang, request_id).to_string(),
        )
            .into_response();
        if let Some(seconds) = self.0.retry_after_seconds {
            response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
        }
        if self.0.kind.status == 401 {
            let challenge = if *self.0.kind == STEP_UP_REQUIRED { STEP_UP_CHALLENGE } else { "Bearer" };
            response.headers_mut().insert(header::WWW_AUTHENTICATE, header::HeaderValue::from_static(challenge));
        }
        response
    }
}

impl IntoResponse for Problem {
    /// A response whose body the outermost layer writes, in the language of the request.
    fn into_response(self) -> Response {
        let mut response = self.status().into_response();
        response.extensions_mut().insert(self);
        response
    }
}

impl From<LogError> for Problem {
    fn from(error: LogError) -> Self {
        match error {
            LogError::Database(error) => error.into(),
            other => Self::new(&UNAVAILABLE).because(other).retry_after(2),
        }
    }
}

impl From<DbError> for Problem {
    fn from(error: DbError) -> Self {
        if error.is_transient() {
            return Self::new(&UNAVAILABLE).because(error).retry_after(2);
        }
        Self::internal(error)
    }
}

impl From<sqlx::Error> for Problem {
    fn from(error: sqlx::Error) -> Self {
        DbError::from(error).into()
    }
}
