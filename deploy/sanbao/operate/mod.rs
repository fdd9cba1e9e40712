//! The installation for those who run it: how it stands, and the events that a consumer gave up on. The only pages that know of
//! every service in the process.

mod input;
mod installation;
mod kept;
mod page;
mod parked;
mod parked_page;

use std::sync::Arc;

use axum::routing::get;
use chrono::{DateTime, Utc};
use sanbao_booking::account::policy;
use sanbao_platform::bus::{Consumer, Retention};
use sanbao_platform::http::{Ctx, Routed};
use sanbao_platform::problem::Problem;
use sanbao_platform::service::{Deps, ServiceState};

use crate::role::Role;
use crate::stores::Stores;

pub use installation::{Installation, Measured};

/// The state of these routes, for one service of the process.
#[derive(Clone, Debug)]
pub(crate) struct Operated {
    pub(crate) deps: Deps,
    pub(crate) role: Role,
    /// The service's consumers.
    pub(crate) consumers: Arc<[Consumer]>,
    /// The databases of the process.
    pub(crate) stores: Stores,
    pub(crate) installation: Installation,
    pub(crate) retention: Retention,
}

impl ServiceState for Operated {
    fn deps(&self) -> &Deps {
        &self.deps
    }
}

impl Operated {
    /// The routes of a service's parked events; the installation's page is served where accounts are.
    pub(crate) fn routes(self) -> Routed {
        let routes = parked::routes(self.role);
        let routes = match self.role {
            Role::Booking => routes.page(page::PATH, get(page::shown).post(page::measured)),
            Role::Signalling | Role::NeedsAnalysis => routes,
        };
        routes.audited(self)
    }

    /// Since when every event that a consumer took is noted.
    fn noted_since(&self) -> DateTime<Utc> {
        self.retention.noted_since(self.deps.clock.now())
    }

    fn consumer(&self, name: &str) -> Result<&Consumer, Problem> {
        self.consumers.iter().find(|consumer| consumer.name == name).ok_or_else(Problem::not_found)
    }
}

/// Goes on for those who run the installation.
fn operates(ctx: &Ctx) -> Result<(), Problem> {
    policy::operates(&ctx.actor).require()
}
