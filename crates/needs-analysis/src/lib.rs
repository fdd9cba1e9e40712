//! Needs analysis: home-care requests in, needs out. Owns the area tree; never schedules.

pub mod area;
pub mod policy;
pub mod request;
pub mod role;
pub mod rollup;
mod texts;

pub use request::import;

use axum::extract::FromRef;
use chrono::{DateTime, NaiveDate, Utc};
use sanbao_platform::auth::{Keys, ended};
use sanbao_platform::clock::Clock;
use sanbao_platform::db::{Db, Migrations};
use sanbao_platform::http::Routes;
use sanbao_platform::migrations;
use sanbao_platform::service::{Deps, Service};

/// The service's name: its schema, its log.
pub const NAME: &str = "needs-analysis";
/// The service's schema on a server.
pub const SCHEMA: &str = "needs_analysis";

/// The service's tables.
pub const MIGRATIONS: Migrations = migrations!("needs-analysis":
    100 "0100_area",
    200 "0200_request",
    300 "0300_rollup",
    400 "0400_lifecycle",
);

/// The zone in which this network counts its days.
pub const ZONE: chrono_tz::Tz = chrono_tz::Asia::Shanghai;

/// The local day of a moment.
pub fn local_day(at: DateTime<Utc>) -> NaiveDate {
    at.with_timezone(&ZONE).date_naive()
}

/// The operator's choices.
#[derive(Clone, Debug, Default)]
pub struct Config {
    /// By when requests must have moved on.
    pub sla: request::sla::SlaRules,
}

/// The state of every handler. Cheap to clone.
#[derive(Clone, Debug)]
pub struct App {
    /// The parts the service is built from.
    pub deps: Deps,
    /// The operator's choices.
    pub config: Config,
}

impl FromRef<App> for Keys {
    fn from_ref(app: &App) -> Self {
        app.deps.keys.clone()
    }
}

impl FromRef<App> for Db {
    fn from_ref(app: &App) -> Self {
        app.deps.db.clone()
    }
}

impl FromRef<App> for Clock {
    fn from_ref(app: &App) -> Self {
        app.deps.clock.clone()
    }
}

/// Builds the service. No I/O.
pub fn build(config: Config, deps: Deps) -> Service {
    let app = App { deps, config };
    let routes = Routes::new().merge(area::routes()).merge(request::routes()).merge(rollup::routes());
    let mut consumers = request::consumers(&app);
    let (db, clock) = (app.deps.db.clone(), app.deps.clock.clone());
    consumers.push(ended::consumer("needs-analysis.ended_sessions", db, clock));
    Service {
        name: NAME,
        db: app.deps.db.clone(),
        routes: routes.build(app),
        events: request::events::CATALOGUE.to_vec(),
        consumers,
        tasks: Vec::new(),
    }
}
