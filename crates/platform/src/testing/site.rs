//! A service's router with the layers that are around it in production, and people who call it with tokens.

use std::fmt;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, header};
use serde_json::Value;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;
use uuid::Uuid;

use super::Answer;
use crate::auth::{AccessClaims, Keys};
use crate::bus::Consumer;
use crate::clock::Clock;
use crate::db::Db;
use crate::http::{Around, finish_in};
use crate::id::{OrganisationId, SubjectId};
use crate::service::{Deps, Service};

/// Somebody with a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    pub id: Uuid,
    /// The organisation that the token is for.
    pub organisation: OrganisationId,
    /// The kind of that organisation; empty where a test's service does not ask.
    pub kind: &'static str,
    /// Roles in that organisation.
    pub roles: Vec<&'static str>,
    /// Codes of the areas that the account may see.
    pub areas: Vec<&'static str>,
    /// The name that others see.
    pub name: &'static str,
}

impl Person {
    /// Somebody without areas.
    pub fn new(id: Uuid, organisation: OrganisationId, roles: &[&'static str], name: &'static str) -> Self {
        Self { id, organisation, kind: "", roles: roles.to_vec(), areas: Vec::new(), name }
    }

    /// The same of an organisation of this kind.
    #[must_use]
    pub fn of_a(self, kind: &'static str) -> Self {
        Self { kind, ..self }
    }

    /// The same for areas.
    #[must_use]
    pub fn in_areas(self, areas: &[&'static str]) -> Self {
        Self { areas: areas.to_vec(), ..self }
    }

    /// The claims of the token.
    pub fn claims(&self) -> AccessClaims {
        let texts = |all: &[&str]| all.iter().map(|text| (*text).to_owned()).collect();
        AccessClaims {
            sub: SubjectId(self.id),
            org: self.organisation,
            kind: self.kind.to_owned(),
            roles: texts(&self.roles),
            areas: texts(&self.areas),
            name: self.name.to_owned(),
            sid: self.id,
            ver: 0,
            auth_time: 0,
            lacks_factor: false,
            workplaces: Vec::new(),
        }
    }
}

/// The service as a test calls it.
#[derive(Clone)]
pub struct Site {
    /// The routes with all layers.
    pub router: Router,
    /// The keys that tokens are signed with.
    pub keys: Keys,
    /// Time, which the test moves.
    pub clock: Clock,
    /// The service's database.
    pub db: Db,
    /// Whose events the service takes.
    pub consumers: Vec<Consumer>,
}

impl fmt::Debug for Site {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Site({:?}, {} consumers)", self.db, self.consumers.len())
    }
}

impl Site {
    /// A service as it is served.
    pub fn of(service: Service, deps: &Deps) -> Self {
        Self { consumers: service.consumers, ..Self::over(service.routes.router, deps) }
    }

    /// Routes as they are served.
    pub fn over(router: Router, deps: &Deps) -> Self {
        let around = Around { frame: deps.frame.clone(), keys: Some(deps.keys.clone()) };
        let router = finish_in(router, deps.clock.clone(), CancellationToken::new(), deps.secure, around);
        let (keys, clock, db) = (deps.keys.clone(), deps.clock.clone(), deps.db.clone());
        Self { router, keys, clock, db, consumers: Vec::new() }
    }

    /// A person's token, as booking signs it to somebody who has just logged in.
    pub fn token(&self, who: &Person) -> String {
        let now = self.clock.now();
        let claims = AccessClaims { auth_time: now.timestamp(), ..who.claims() };
        self.keys.sign_access(now, &claims).unwrap()
    }

    /// Sends a request as it is, for an answer that has no end of its own.
    pub async fn open(&self, request: Request<Body>) -> axum::response::Response {
        self.router.clone().oneshot(request).await.unwrap()
    }

    /// Sends a request as it is.
    pub async fn send(&self, request: Request<Body>) -> Answer {
        Answer::read(self.open(request).await).await
    }

    /// Calls with a token or none, a body of JSON or none, and headers of the test's own.
    pub async fn call_with(
        &self,
        token: Option<&str>,
        method: &str,
        path: &str,
        body: Option<Value>,
        headers: &[(&str, &str)],
    ) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        if let Some(token) = token {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let body = match body {
            Some(json) => {
                request = request.header(header::CONTENT_TYPE, "application/json");
                Body::from(json.to_string())
            }
            None => Body::empty(),
        };
        self.send(request.body(body).unwrap()).await
    }

    /// The same by a person, or by nobody.
    pub async fn call(
        &self,
        who: Option<&Person>,
        method: &str,
        path: &str,
        body: Option<Value>,
        headers: &[(&str, &str)],
    ) -> Answer {
        let token = who.map(|who| self.token(who));
        self.call_with(token.as_deref(), method, path, body, headers).await
    }

    /// Reads.
    pub async fn get(&self, who: &Person, path: &str) -> Answer {
        self.call(Some(who), "GET", path, None, &[]).await
    }

    /// Opens a page.
    pub async fn page(&self, who: &Person, path: &str) -> Answer {
        self.call(Some(who), "GET", path, None, &[("accept", "text/html")]).await
    }

    /// Posts JSON.
    pub async fn post(&self, who: &Person, path: &str, body: Value) -> Answer {
        self.call(Some(who), "POST", path, Some(body), &[]).await
    }

    /// Puts JSON.
    pub async fn put(&self, who: &Person, path: &str, body: Value) -> Answer {
        self.call(Some(who), "PUT", path, Some(body), &[]).await
    }

    /// Changes by JSON.
    pub async fn patch(&self, who: &Person, path: &str, body: Value) -> Answer {
        self.call(Some(who), "PATCH", path, Some(body), &[]).await
    }
}
