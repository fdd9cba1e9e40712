//! A service's routes: operations that its document describes, and pages and files beside them, whose paths are kept as
//! they are routed. The proxy in front of services that run apart is held against them.

use std::fmt;

use axum::Router;
use axum::extract::FromRef;
use axum::http::HeaderMap;
use axum::middleware::from_fn_with_state;
use axum::routing::{MethodRouter, get};
use utoipa::openapi::OpenApi;
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouter};

use super::packing::Fixed;
use crate::audit::{Auditor, audited};
use crate::clock::Clock;
use crate::db::Db;

/// A file of the binary: its path, its content type, its bytes.
pub type StaticFile = (&'static str, &'static str, &'static [u8]);

/// Routes over a state that is still to come.
pub struct Routes<S> {
    router: OpenApiRouter<S>,
    pages: Vec<&'static str>,
    files: Vec<&'static str>,
}

/// Routes with their state.
#[derive(Clone)]
pub struct Routed {
    /// Everything that is served.
    pub router: Router,
    /// The description of the operations.
    pub openapi: OpenApi,
    /// The paths of pages and of what pages alone use, as axum writes them: `/consults/{id}`.
    pub pages: Vec<&'static str>,
    /// The paths of static files.
    pub files: Vec<&'static str>,
}

impl<S> fmt::Debug for Routes<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Routes({} pages, {} files, and operations)", self.pages.len(), self.files.len())
    }
}

impl fmt::Debug for Routed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let operations = self.openapi.paths.paths.len();
        write!(f, "Routed({operations} described paths, {} pages, {} files)", self.pages.len(), self.files.len())
    }
}

impl Routed {
    /// These and others, which have a state of their own.
    #[must_use]
    pub fn with(mut self, others: Self) -> Self {
        self.openapi.merge(others.openapi);
        self.pages.extend(others.pages);
        self.files.extend(others.files);
        Self { router: self.router.merge(others.router), ..self }
    }
}

impl<S: Clone + Send + Sync + 'static> Default for Routes<S> {
    fn default() -> Self {
        Self::new()
    }
}

/// Operations alone.
impl<S> From<OpenApiRouter<S>> for Routes<S> {
    fn from(router: OpenApiRouter<S>) -> Self {
        Self { router, pages: Vec::new(), files: Vec::new() }
    }
}

impl<S: Clone + Send + Sync + 'static> Routes<S> {
    /// None.
    pub fn new() -> Self {
        Self::from(OpenApiRouter::new())
    }

    /// Adds operations, as `routes!` makes them of their handlers.
    #[must_use]
    pub fn routes(mut self, operations: UtoipaMethodRouter<S>) -> Self {
        self.router = self.router.routes(operations);
        self
    }

    /// Adds a page, or what a page alone uses: no part of the described API.
    #[must_use]
    pub fn page(mut self, path: &'static str, methods: MethodRouter<S>) -> Self {
        self.pages.push(path);
        self.router = self.router.route(path, methods);
        self
    }

    /// Adds files of the binary.
    #[must_use]
    pub fn files(mut self, files: &'static [StaticFile]) -> Self {
        for (path, kind, bytes) in files {
            self.files.push(path);
            let file = Fixed::new(kind, *bytes);
            let answer = async move |headers: HeaderMap| file.answer(&headers);
            self.router = self.router.route(path, get(answer));
        }
        self
    }

    /// Adds the routes of a part.
    #[must_use]
    pub fn merge(mut self, part: impl Into<Self>) -> Self {
        let part = part.into();
        self.pages.extend(part.pages);
        self.files.extend(part.files);
        self.router = self.router.merge(part.router);
        self
    }

    /// The paths of the pages and files so far.
    pub fn paths(&self) -> impl Iterator<Item = &'static str> {
        self.pages.iter().chain(&self.files).copied()
    }

    /// The routes over their state, where no answer shows anybody.
    pub fn build(self, state: S) -> Routed {
        let (router, openapi) = self.router.split_for_parts();
        Routed { router: router.with_state(state), openapi, pages: self.pages, files: self.files }
    }

    /// The routes over their state, with the layer by which whom an answer shows, and who was refused, is written to
    /// the audit log.
    pub fn audited(self, state: S) -> Routed
    where
        Db: FromRef<S>,
        Clock: FromRef<S>,
    {
        let auditor = Auditor::of(&state);
        let routed = self.build(state);
        Routed { router: routed.router.layer(from_fn_with_state(auditor, audited)), ..routed }
    }
}
