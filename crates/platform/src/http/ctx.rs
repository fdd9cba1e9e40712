//! The account that asks, in which language, under which id: the first extractor of every handler.

use std::convert::Infallible;
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
use crate::problem::{CROSS_SITE, FACTOR_LACKING, ORGANISATION_SWITCHED, Problem};

/// The organisation that the calling page was opened for.
const PAGE_ORGANISATION: &str = "sanbao-organisation";

/// How much of a program's name is read.
const AGENT_CHARS_MAX: usize = 300;

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
    /// Where the request came from.
    pub address: IpAddr,
    /// The program that it names itself, cut off; empty when it says nothing. Never logged.
    pub agent: String,
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
        let agent = parts.headers.get(header::USER_AGENT).and_then(|v| v.to_str().ok()).unwrap_or_default();
        Ok(Self {
            lang: info.lang,
            request_id: info.request_id,
            // In-process tests have no socket.
            address: address.unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST)),
            agent: agent.chars().take(AGENT_CHARS_MAX).collect(),
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
    let same = origin.split_once("://").map(|(_, authority)| authority) == host(headers, uri);
    if same { Ok(()) } else { Err(Problem::new(&CROSS_SITE)) }
}

/// The host that was asked, with its port: in a header of its own, or since HTTP/2 in the address (RFC 9110 §7.2).
fn host<'a>(headers: &'a HeaderMap, uri: &'a Uri) -> Option<&'a str> {
    let header = headers.get(header::HOST).and_then(|v| v.to_str().ok());
    header.or_else(|| uri.authority().map(axum::http::uri::Authority::as_str))
}

/// The host under which the site was asked, with its port, for addresses that are read outside the browser; empty when
/// the request names none.
#[derive(Clone, Debug)]
pub struct SiteHost(pub String);

impl<S: Send + Sync> FromRequestParts<S> for SiteHost {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self(host(&parts.headers, &parts.uri).unwrap_or_default().to_owned()))
    }
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

/// As [`SameSite`], and with the CSRF token in its header: for what a page's script does by a cookie other than the access
/// token's. The service that knows the log-in of that cookie asks whether the token is of [the same](Self::fits).
#[derive(Clone, Debug)]
pub struct OwnScript(String);

impl OwnScript {
    /// Refuses a CSRF token of another log-in.
    pub fn fits(&self, keys: &Keys, session: uuid::Uuid) -> Result<(), Problem> {
        if keys.csrf_fits(session, &self.0) { Ok(()) } else { Err(Problem::new(&CROSS_SITE)) }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for OwnScript {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        csrf_token(parts).map(Self)
    }
}

/// The CSRF token of a request of this site, in the cookie and in the header alike.
fn csrf_token(parts: &Parts) -> Result<String, Problem> {
    same_site(&parts.headers, &parts.uri)?;
    let jar = CookieJar::from_headers(&parts.headers);
    let sent = parts.headers.get(CSRF_HEADER).and_then(|v| v.to_str().ok()).unwrap_or_default();
    let kept = jar.get(CSRF_COOKIE).map(axum_extra::extract::cookie::Cookie::value).unwrap_or_default();
    if !kept.is_empty() && same_secret(sent, kept) { Ok(sent.to_owned()) } else { Err(Problem::new(&CROSS_SITE)) }
}

/// The guard of a write by the access cookie: it needs the CSRF token of the same log-in.
fn csrf(parts: &Parts, keys: &Keys, actor: &Actor) -> Result<(), Problem> {
    if matches!(parts.method, Method::GET | Method::HEAD | Method::OPTIONS) {
        return Ok(());
    }
    OwnScript(csrf_token(parts)?).fits(keys, actor.session)
}

/// The operation that a request asks for: `GET /v1/consults/{id}`, as audit rows of reads name it.
pub(crate) fn operation_of(method: &Method, route: Option<&MatchedPath>) -> String {
    format!("{method} {}", route.map_or("-", MatchedPath::as_str))
}

/// The state of a service, as far as the account that asks is known by it.
pub trait KnowsAccounts: Send + Sync {
    /// The keys by which tokens are verified.
    fn keys(&self) -> Keys;
    /// The clock by which they have run out.
    fn clock(&self) -> Clock;
    /// The database, which knows the log-ins that have ended.
    fn db(&self) -> Db;
}

impl<S: Send + Sync> KnowsAccounts for S
where
    Keys: FromRef<S>,
    Clock: FromRef<S>,
    Db: FromRef<S>,
{
    fn keys(&self) -> Keys {
        Keys::from_ref(self)
    }

    fn clock(&self) -> Clock {
        Clock::from_ref(self)
    }

    fn db(&self) -> Db {
        Db::from_ref(self)
    }
}

/// Whose browser this is, as far as its cookie says: for what a page shows around an error, where nothing is granted by it.
pub(super) fn actor_of(headers: &HeaderMap, keys: &Keys, now: DateTime<Utc>) -> Option<Actor> {
    let jar = CookieJar::from_headers(headers);
    let cookie = jar.get(ACCESS_COOKIE).filter(|_| jar.get(LOCKED_COOKIE).is_none())?;
    keys.verify_access(now, cookie.value()).ok()
}

/// The account that asks, by the token in the header or in the cookie; `guard` says what else a cookie needs.
fn known(
    parts: &Parts,
    state: &impl KnowsAccounts,
    guard: impl FnOnce(&Parts, &Keys, &Actor) -> Result<(), Problem>,
) -> Result<Ctx, Problem> {
    let (keys, clock) = (state.keys(), state.clock());
    let header = parts.headers.get(header::AUTHORIZATION);
    let token = if let Some(header) = header {
        let bearer = header.to_str().ok().and_then(|t| t.strip_prefix("Bearer "));
        bearer.ok_or_else(Problem::unauthenticated)?.to_owned()
    } else {
        let jar = CookieJar::from_headers(&parts.headers);
        let cookie = jar.get(ACCESS_COOKIE).filter(|_| jar.get(LOCKED_COOKIE).is_none());
        cookie.ok_or_else(Problem::unauthenticated)?.value().to_owned()
    };
    let actor = keys.verify_access(clock.now(), &token).map_err(|e| Problem::unauthenticated().because(e))?;
    if header.is_none() {
        guard(parts, &keys, &actor)?;
    }
    if state.db().ended().refuses(&actor) {
        return Err(Problem::unauthenticated());
    }
    // A page that was opened for one organisation does nothing in another.
    let page = parts.headers.get(PAGE_ORGANISATION).and_then(|value| value.to_str().ok());
    if page.is_some_and(|of| of != actor.organisation.to_string()) {
        return Err(Problem::new(&ORGANISATION_SWITCHED));
    }
    let RequestInfo { request_id, lang, drain, streams, shows } = info(parts);
    shows.by(&actor);
    tracing::Span::current().record("account", tracing::field::display(actor.subject));
    let operation = operation_of(&parts.method, parts.extensions.get::<MatchedPath>());
    Ok(Ctx { actor, lang, request_id, shows, drain, streams, operation, clock })
}

/// As [`Ctx`], also of an account that lacks the second factor that it must have: for the way to set it up, and out.
#[derive(Clone, Debug)]
pub struct LoggedIn(pub Ctx);

/// As [`PageCtx`], also of an account that lacks the second factor that it must have.
#[derive(Clone, Debug)]
pub struct LoggedInPage(pub Ctx);

/// Where a second factor is set up.
const FACTOR_PAGE: &str = "/me/second-factor";

impl<S: KnowsAccounts> FromRequestParts<S> for Ctx {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let ctx = known(parts, state, csrf)?;
        if ctx.actor.lacks_factor { Err(Problem::new(&FACTOR_LACKING)) } else { Ok(ctx) }
    }
}

impl<S: KnowsAccounts> FromRequestParts<S> for LoggedIn {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        known(parts, state, csrf).map(Self)
    }
}

impl<S: KnowsAccounts> FromRequestParts<S> for LoggedInPage {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Response> {
        match known(parts, state, |parts, _, _| same_site(&parts.headers, &parts.uri)) {
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

impl<S: KnowsAccounts> FromRequestParts<S> for PageCtx {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Response> {
        let LoggedInPage(ctx) = LoggedInPage::from_request_parts(parts, state).await?;
        if ctx.actor.lacks_factor { Err(Redirect::to(FACTOR_PAGE).into_response()) } else { Ok(Self(ctx)) }
    }
}
