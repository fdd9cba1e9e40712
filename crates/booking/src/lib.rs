//! Booking: organisations, people, accounts; tele-consults along a tiered referral chain; home visits.
//! It owns everybody's calendar; nothing is scheduled anywhere else.

pub mod account;
pub mod calendar;
pub mod consult;
pub mod emergency;
pub mod retention;
pub mod role;
mod texts;
pub mod verify;
pub mod visit;

use sanbao_platform::auth::Guesses;
use sanbao_platform::db::Migrations;
use sanbao_platform::http::Routes;
use sanbao_platform::migrations;
use sanbao_platform::retention::{self as keeping, Periods};
use sanbao_platform::service::{Deps, Service, ServiceState};
use sanbao_platform::table::Imports;
use std::num::NonZeroU32;
use std::sync::Arc;

use crate::consult::SlotIndex;

/// The service's name: its schema, its log, its events' prefix.
pub const NAME: &str = "booking";

/// The service's tables.
pub const MIGRATIONS: Migrations = migrations!("booking":
    100 "0100_accounts",
    101 "0101_devices",
    200 "0200_consults",
    201 "0201_consult_room",
    202 "0202_guest_person",
    300 "0300_visits",
    301 "0301_visit_orders",
    400 "0400_history",
    500 "0500_areas",
    501 "0501_account_link",
    600 "0600_ticket_session",
    700 "0700_own_records",
    800 "0800_sessions",
    801 "0801_second_factor",
    900 "0900_organisation_end",
    1000 "1000_joined_records",
    1100 "1100_emergency_access",
    1200 "1200_plain_names",
    1300 "1300_set_up",
    1500 "1500_papers",
    1501 "1501_person_end",
    1502 "1502_person_keys",
    1503 "1503_person_phones",
    1610 "1610_person_transfer",
    1611 "1611_person_care",
    1612 "1612_person_sharing",
    1700 "1700_person_source",
    1720 "1720_person_hold",
    1721 "1721_person_erasure",
    1730 "1730_erasure_requests",
    1731 "1731_person_indexes",
    1790 "1790_area_within",
    1800 "1800_members",
    1801 "1801_second_hospitals",
    1810 "1810_retention",
    1820 "1820_caregiver_profile",
    1830 "1830_dual_control",
    1840 "1840_consult_lists",
    1850 "1850_consult_records",
    1860 "1860_consult_holds",
    1861 "1861_consult_urgency",
    1862 "1862_occupancy_by_time",
    1870 "1870_consult_fetch",
    1880 "1880_calendar_changes",
    1890 "1890_consult_drafts",
    1900 "1900_shift_handover",
    1901 "1901_workday_rule",
    1902 "1902_calendar_rule",
    1903 "1903_rules_are_told",
    1930 "1930_occupancy_take",
    1931 "1931_consult_open_in_state",
    1940 "1940_resource_capacity",
    1950 "1950_affiliation",
    1951 "1951_consult_at_once",
    1952 "1952_consult_between",
    1960 "1960_consult_overbooked",
    1970 "1970_shared_device",
    1980 "1980_one_taker_at_a_time",
    1990 "1990_area_leader",
);

/// The operator's choices.
#[derive(Clone, Debug)]
pub struct Config {
    /// Wrong tries of each kind an address may make a minute once its burst is used up.
    pub login_per_minute_max: NonZeroU32,
    /// Wrong tries of each kind an address may make at once.
    pub login_burst_max: NonZeroU32,
    /// Bounds of log-ins.
    pub account: account::AccountConfig,
    /// The bounds of visits.
    pub visit: visit::VisitConfig,
    /// How long what is kept.
    pub periods: Periods,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            login_per_minute_max: NonZeroU32::MIN.saturating_add(19),
            login_burst_max: NonZeroU32::MIN.saturating_add(29),
            account: account::AccountConfig::default(),
            visit: visit::VisitConfig::default(),
            periods: Periods::default(),
        }
    }
}

/// The state of every handler. Cheap to clone.
#[derive(Clone, Debug)]
pub struct App {
    /// The parts the service is built from.
    pub deps: Deps,
    /// The operator's choices.
    pub config: Config,
    /// Guessing passwords, PINs and links.
    pub guesses: Guesses,
    /// The import that may run.
    pub imports: Imports,
    /// The free times of doctors, which a search reads.
    pub free_times: Arc<SlotIndex>,
}

impl ServiceState for App {
    fn deps(&self) -> &Deps {
        &self.deps
    }
}

impl App {
    /// The state over its parts; also what the demo fills the database through.
    pub fn new(config: Config, deps: Deps) -> Self {
        let guesses = Guesses::new(config.login_per_minute_max, config.login_burst_max);
        Self { deps, config, guesses, imports: Imports::default(), free_times: Arc::default() }
    }
}

/// Builds the service. No I/O.
pub fn build(config: Config, deps: Deps) -> Service {
    let app = App::new(config, deps);
    let routes = Routes::new().merge(account::routes()).merge(consult::routes()).merge(visit::routes());
    let routes = routes.merge(emergency::routes());
    let mut consumers = account::consumers(&app);
    consumers.extend(consult::consumers(&app));
    consumers.extend(visit::consumers(&app));
    let disposer = retention::disposer(app.deps.db.clone(), app.deps.clock.clone(), app.config.periods);
    let dispose = vec![keeping::task(disposer), calendar::changes::forgetting(app.deps.db.clone())];
    let tasks = [consult::tasks(&app), account::tasks(&app), dispose].into_iter().flatten().collect();
    let mut events = [account::catalogue(), consult::CATALOGUE.to_vec(), visit::CATALOGUE.to_vec()].concat();
    events.extend_from_slice(emergency::CATALOGUE);
    Service { name: NAME, db: app.deps.db.clone(), routes: routes.audited(app), events, consumers, tasks }
}
