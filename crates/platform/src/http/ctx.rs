//! The account that asks, in which language, under which id: the first extractor of every handler.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use axum::extract::{ConnectInfo, FromRef, FromRequestParts, MatchedPath};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, Uri, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum_extra::extract::cookie::CookieJar;
use chrono::{DateTime, Utc};
use tokio_util::sync::CancellationToken;

use super::live::Streams;
use super::session::{ACCESS_COOKIE, CSRF_COOKIE, CSRF_HEADER, LANG_COOKIE, LOCKED_COOKIE};
use crate::audit::Disclosure;
use crate::auth::{Actor, Keys};
use crate::clock::Clock;
use crate::crypto::same_secret;
use crate::db::Db;
use crate::lang::Lang;
use crate::page::address;
use crate::problem::{CROSS_SITE, Problem};

/// The outermost layer's knowledge of a request.
#[derive(Clone, Debug)]
pub struct RequestInfo {
    /// The id that answers, logs and audit rows carry.
    pub request_id: String,
    /// The language of the answer.
    pub lang: Lang,
    /// Cancelled when the process drains: endless answers end.
    pub drain: CancellationToken,
    /// The event streams that are open.
    pub streams: Streams,
    /// The people whom the answer shows, and the account that asked.
    pub shows: Disclosure,
}

/// A request by somebody who need not be logged in.
#[derive(Clone, Debug)]
pub struct Visitor {
    /// The language of the answer.
    pub lang: Lang,
    pub request_id: String,
    /// Where the request came from; never logged.
    pub address: IpAddr,
    /// The people whom the answer shows.
    pub shows: Disclosure,
    /// Ends endless answers.
    pub drain: CancellationToken,
}

/// A request by somebody known. Extracting it refuses the others with 401, and with 403 a browser's
/// write that lacks the CSRF token or comes from another site.
#[derive(Clone, Debug)]
pub struct Ctx {
    /// The account that asks.
    pub actor: Actor,
    /// The language of the answer.
    pub lang: Lang,
    pub request_id: String,
    /// The people whom the answer shows.
    pub shows: Disclosure,
    /// Ends endless answers.
    pub drain: CancellationToken,
    pub(super) streams: Streams,
    /// The method and the pattern of the path.
    pub(super) operation: String,
    clock: Clock,
}

impl Ctx {
    /// A context outside HTTP: a command line, a consumer, a test.
    pub fn new(actor: Actor, clock: Clock, request_id: impl Into<String>) -> Self {
        Self {
            actor,
            lang: Lang::Zh,
            request_id: request_id.into(),
            shows: Disclosure::default(),
            drain: CancellationToken::new(),
            streams: Streams::default(),
            operation: String::new(),
            clock,
        }
    }

    /// The present.
    pub fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }
}

/// As [`Ctx`], for pages: a visitor who is not logged in is sent to the log-in page and back. A page only shows; one that
/// is asked for by POST, so that what is looked for stands in no address, need not carry the CSRF token.
#[derive(Clone, Debug)]
pub struct PageCtx(pub Ctx);

pub(super) fn lang_of(headers: &HeaderMap) -> Lang {
    let chosen = CookieJar::from_headers(headers).get(LANG_COOKIE).and_then(|c| Lang::from_tag(c.value()));
    chosen.unwrap_or_else(|| {
        let accepted = headers.get(header::ACCEPT_LANGUAGE).and_then(|v| v.to_str().ok());
        accepted.map_or(Lang::Zh, Lang::from_accept_language)
    })
}

fn info(parts: &Parts) -> RequestInfo {
    parts.extensions.get::<RequestInfo>().cloned().unwrap_or_else(|| RequestInfo {
        request_id: String::new(),
        lang: lang_of(&parts.headers),
        drain: CancellationToken::new(),
        streams: Streams::default(),
        shows: Disclosure::default(),
    })
}

impl<S: Send + Sync> FromRequestParts<S> for Visitor {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let info = info(parts);
        let address = parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|c| c.0.ip());
        Ok(Self {
            lang: info.lang,
            request_id: info.request_id,
            // In-process tests have no socket.
            address: address.unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST)),
            shows: info.shows,
            drain: info.drain,
        })
    }
}

/// Refuses a browser's request from another site: `Sec-Fetch-Site` where sent, else `Origin`.
pub(super) fn same_site(headers: &HeaderMap, uri: &Uri) -> Result<(), Problem> {
    let text = |name: &str| headers.get(name).and_then(|v| v.to_str().ok());
    if let Some(site) = text("sec-fetch-site") {
        return if matches!(site, "same-origin" | "none") { Ok(()) } else { Err(Problem::new(&CROSS_SITE)) };
    }
    let Some(origin) = text("origin") else { return Ok(()) };
    let host = text("host").or_else(|| uri.authority().map(axum::http::uri::Authority::as_str));
    let same = origin.split_once("://").map(|(_, authority)| authority) == host;
    if same { Ok(()) } else { Err(Problem::new(&CROSS_SITE)) }
}

/// A write by a browser that has no access token yet, or by a program: refused with 403 when it comes
/// from another site. For log-in forms.
#[derive(Clone, Copy, Debug)]
pub struct SameSite;

impl<S: Send + Sync> FromRequestParts<S> for SameSite {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        same_site(&parts.headers, &parts.uri).map(|()| Self)
    }
}

/// As [`SameSite`], and with the CSRF token in its header: for what a page's script does by a cookie
/// other than the access token's.
#[derive(Clone, Copy, Debug)]
pub struct OwnScript;

impl<S: Send + Sync> FromRequestParts<S> for OwnScript {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        csrf(parts, &CookieJar::from_headers(&parts.headers)).map(|()| Self)
    }
}

fn csrf(parts: &Parts, jar: &CookieJar) -> Result<(), Problem> {
    if matches!(parts.method, Method::GET | Method::HEAD | Method::OPTIONS) {
        return Ok(());
    }
    same_site(&parts.headers, &parts.uri)?;
    let sent = parts.headers.get(CSRF_HEADER).and_then(|v| v.to_str().ok()).unwrap_or_default();
    let kept = jar.get(CSRF_COOKIE).map(axum_extra::extract::cookie::Cookie::value).unwrap_or_default();
    if !kept.is_empty() && same_secret(sent, kept) { Ok(()) } else { Err(Problem::new(&CROSS_SITE)) }
}

/// The operation that a request asks for: `GET /v1/consults/{id}`, as audit rows of reads name it.
pub(crate) fn operation_of(method: &Method, route: Option<&MatchedPath>) -> String {
    format!("{method} {}", route.map_or("-", MatchedPath::as_str))
}

/// The account that asks, by the token in the header or in the cookie; `guard` says what else a cookie needs.
fn known<S>(
    parts: &Parts,
    state: &S,
    guard: impl FnOnce(&Parts, &CookieJar) -> Result<(), Problem>,
) -> Result<Ctx, Problem>
where
    Keys: FromRef<S>,
    Clock: FromRef<S>,
    Db: FromRef<S>,
{
    let (keys, clock) = (Keys::from_ref(state), Clock::from_ref(state));
    let token = if let Some(header) = parts.headers.get(header::AUTHORIZATION) {
        let bearer = header.to_str().ok().and_then(|t| t.strip_prefix("Bearer "));
        bearer.ok_or_else(Problem::unauthenticated)?.to_owned()
    } else {
        let jar = CookieJar::from_headers(&parts.headers);
        let cookie = jar.get(ACCESS_COOKIE).filter(|_| jar.get(LOCKED_COOKIE).is_none());
        let cookie = cookie.ok_or_else(Problem::unauthenticated)?;
        guard(parts, &jar)?;
        cookie.value().to_owned()
    };
    let actor = keys.verify_access(clock.now(), &token).map_err(|e| Problem::unauthenticated().because(e))?;
    if Db::from_ref(state).ended().refuses(&actor) {
        return Err(Problem::unauthenticated());
    }
    let RequestInfo { request_id, lang, drain, streams, shows } = info(parts);
    shows.by(&actor);
    let operation = operation_of(&parts.method, parts.extensions.get::<MatchedPath>());
    Ok(Ctx { actor, lang, request_id, shows, drain, streams, operation, clock })
}

impl<S> FromRequestParts<S> for Ctx
where
    S: Send + Sync,
    Keys: FromRef<S>,
    Clock: FromRef<S>,
    Db: FromRef<S>,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        known(parts, state, csrf)
    }
}

impl<S> FromRequestParts<S> for PageCtx
where
    S: Send + Sync,
    Keys: FromRef<S>,
    Clock: FromRef<S>,
    Db: FromRef<S>,
{
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Response> {
        match known(parts, state, |parts, _| same_site(&parts.headers, &parts.uri)) {
            Ok(ctx) => Ok(Self(ctx)),
            Err(problem) if problem.status() == 401 => {
                let here = parts.uri.path_and_query().map_or("/", |p| p.as_str());
                // The refresh cookie is sent to /session only, so that is where renewal is tried.
                Err(Redirect::to(&address("/session/renew", &[("next", Some(here))])).into_response())
            }
            Err(problem) => Err(problem.into_response()),
        }
    }
}
