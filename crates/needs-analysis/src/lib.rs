//! Needs analysis: home-care requests in, needs out. Owns the area tree; never schedules.

pub mod area;
pub mod ask;
mod audit;
pub mod door;
pub mod matter;
pub mod policy;
pub mod request;
pub mod role;
pub mod rollup;
pub mod signal;
mod texts;
pub mod verify;

pub use request::import;

use chrono::{DateTime, NaiveDate, Utc};
use sanbao_platform::auth::ended;
use sanbao_platform::db::Migrations;
use sanbao_platform::http::Routes;
use sanbao_platform::migrations;
use sanbao_platform::retention::{self, Periods};
use sanbao_platform::service::{Deps, Service, ServiceState};

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
    500 "0500_area_events",
    600 "0600_sources",
    700 "0700_joined_elders",
    800 "0800_plain_names",
    900 "0900_area_version",
    1000 "1000_elder_end",
    1120 "1120_import_notes",
    1130 "1130_erased_elder",
    1140 "1140_elder_by_survivor",
    1150 "1150_retention",
    1240 "1240_intake",
    1241 "1241_incoming_call",
    1260 "1260_import_runs",
    1280 "1280_doors",
    1320 "1320_queue",
    1350 "1350_matters",
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
    /// How long what is kept.
    pub periods: Periods,
    /// The telephone systems and platforms of devices that send signals.
    pub hooks: signal::Hooks,
}

/// The state of every handler. Cheap to clone.
#[derive(Clone, Debug)]
pub struct App {
    /// The parts the service is built from.
    pub deps: Deps,
    /// The operator's choices.
    pub config: Config,
    /// The import that may run.
    pub imports: import::Imports,
    /// The wrong tries at following a request.
    pub tries: ask::Tries,
}

impl ServiceState for App {
    fn deps(&self) -> &Deps {
        &self.deps
    }
}

/// Builds the service. No I/O.
pub fn build(config: Config, deps: Deps) -> Service {
    let app = App { deps, config, imports: import::Imports::default(), tries: ask::Tries::default() };
    let routes = Routes::new()
        .merge(area::routes())
        .merge(request::routes())
        .merge(rollup::routes())
        .merge(door::routes())
        .merge(matter::routes())
        .merge(ask::routes())
        .merge(audit::routes())
        .merge(signal::routes());
    let disposer = request::retention::disposer(app.deps.db.clone(), app.deps.clock.clone(), app.config.periods);
    let tasks = vec![
        area::task(&app),
        request::erased::task(&app),
        request::queue::task(&app),
        retention::task(disposer),
        import::task(&app),
    ];
    let mut consumers = request::consumers(&app);
    let (db, clock) = (app.deps.db.clone(), app.deps.clock.clone());
    consumers.push(ended::consumer("needs-analysis.ended_sessions", db, clock));
    Service {
        name: NAME,
        db: app.deps.db.clone(),
        routes: routes.audited(app),
        events: [area::CATALOGUE, request::events::CATALOGUE].concat(),
        consumers,
        tasks,
    }
}
