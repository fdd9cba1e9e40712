//! How this process's part of the installation stands: measured when somebody asks, at most so often, and kept for a while.

use std::sync::{Arc, OnceLock};

use chrono::{DateTime, TimeDelta, Utc};
use sanbao_platform::audit::chain::Keeping;
use sanbao_platform::clock::Clock;
use sanbao_platform::nats::Nats;
use sanbao_platform::retention::Periods;
use sanbao_platform::service::{Jobs, Wiring};
use tokio::sync::Mutex;

use crate::check::{self, Finding, KeptHere};
use crate::settings::Settings;
use crate::stores::Stores;

/// How long a measure is shown to those who ask for another one.
const ANEW_AFTER: TimeDelta = TimeDelta::seconds(10);
/// How long it is shown to everybody: an older one would tell of what was.
const SHOWN_FOR: TimeDelta = TimeDelta::minutes(5);

/// The findings of a moment.
#[derive(Clone, Debug)]
pub struct Measured {
    pub at: DateTime<Utc>,
    pub findings: Vec<Finding>,
    /// How long records are kept here, and the last runs.
    pub kept: Vec<KeptHere>,
}

/// The installation as its own process sees it. Clones are the same.
#[derive(Clone, Debug, Default)]
pub struct Installation(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    /// The settings; without them nothing is known of certificate, disk, TURN and clock.
    settings: Option<Settings>,
    running: OnceLock<(Arc<Wiring>, Jobs, Option<Nats>)>,
    last: Mutex<Option<Measured>>,
}

impl Installation {
    /// One that is served by `settings`.
    pub fn of(settings: Settings) -> Self {
        Self(Arc::new(Inner { settings: Some(settings), ..Inner::default() }))
    }

    /// Tells it what runs, once it does.
    pub(crate) fn runs(&self, wiring: Arc<Wiring>, jobs: Jobs, nats: Option<Nats>) {
        // A process begins once.
        let _ = self.0.running.set((wiring, jobs, nats));
    }

    /// The last measure, or another one where it is old; `anew` asks for another one unless it is from just now. Those who ask
    /// meanwhile wait for the same.
    pub(crate) async fn measured(&self, stores: &Stores, clock: &Clock, anew: bool) -> Measured {
        let mut last = self.0.last.lock().await;
        let age_max = if anew { ANEW_AFTER } else { SHOWN_FOR };
        // A clock that was set back makes a measure of a time to come, which is no fresher.
        let fresh = |measured: &&Measured| (clock.now() - measured.at).abs() < age_max;
        if let Some(measured) = last.as_ref().filter(fresh) {
            return measured.clone();
        }
        let (findings, kept) = self.findings(stores, clock).await;
        let measured = Measured { at: clock.now(), findings, kept };
        *last = Some(measured.clone());
        measured
    }

    async fn findings(&self, stores: &Stores, clock: &Clock) -> (Vec<Finding>, Vec<KeptHere>) {
        let databases: Vec<_> = stores.roles().filter_map(|role| Some((role, stores.of(role).ok()?.clone()))).collect();
        let keeping = self.0.settings.as_ref().map_or_else(Keeping::default, |settings| settings.audit.clone());
        let around = Box::pin(async {
            match &self.0.settings {
                Some(settings) => check::around(settings, clock).await,
                None => Vec::new(),
            }
        });
        let running = Box::pin(async {
            match self.0.running.get() {
                Some((wiring, jobs, nats)) => check::connections(wiring, jobs, nats.as_ref()).await,
                None => Vec::new(),
            }
        });
        let periods = self.0.settings.as_ref().map_or_else(Periods::default, |settings| settings.periods);
        let mut kept = Vec::new();
        let retention = Box::pin(async {
            let (all, findings) = check::kept(periods, &databases, clock).await;
            kept = all;
            findings
        });
        let (stored, around, chains, running, retention) = tokio::join!(
            check::in_time("state-databases", Box::pin(check::of_open(&databases, clock))),
            around,
            check::in_time("state-checkpoints", Box::pin(check::checkpoints(&keeping, &databases, clock))),
            check::in_time("state-readers", running),
            check::in_time("state-retentions", retention),
        );
        let here: Vec<_> = stores.roles().collect();
        ([stored, check::elsewhere(&here), around, chains, running, retention].concat(), kept)
    }
}
