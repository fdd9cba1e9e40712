//! Makes one process out of the services that it is to run: databases opened and migrated, services built and
//! connected, routes and documents merged, everything common put around them. The only place that knows all three.

use std::sync::Arc;

use axum::Router;
use sanbao_needs_analysis::signal::Hooks;
use sanbao_platform::audit::chain::{self, Keeping};
use sanbao_platform::auth::{Keys, Passwords};
use sanbao_platform::bus::{Retention, StreamLimits};
use sanbao_platform::clock::Clock;
use sanbao_platform::cn::DiallingCode;
use sanbao_platform::config::{RootSecret, Secret};
use sanbao_platform::db::Db;
use sanbao_platform::nats::Nats;
use sanbao_platform::problem::Kind;
use sanbao_platform::retention::Periods;
use sanbao_platform::service::{Bus, Deps, Running, Service, Wiring};
use sanbao_platform::web::{Frame, NavLink};
use sanbao_platform::{http, telemetry, web};
use tokio_util::sync::CancellationToken;

use crate::around::{self, Around};
use crate::operate::{Installation, Operated};
use crate::role::Role;
use crate::settings::{MediaRules, Settings, Turn};
pub use crate::stores::{ComposeError, Found, Purpose, Stores};
use crate::texts::TEXTS;
use crate::{openapi, proxy};

/// The parts that a process is built from, whatever the configuration was read from.
#[derive(Debug)]
pub struct Parts {
    pub stores: Stores,
    pub clock: Clock,
    /// Where every key comes from.
    pub root: RootSecret,
    /// Whether browsers come over HTTPS.
    pub secure: bool,
    /// Whether `X-Forwarded-For` is believed.
    pub behind_proxy: bool,
    /// The area code of a landline that is told without one.
    pub dialling_code: Option<DiallingCode>,
    /// Those that send signals.
    pub hooks: Hooks,
    /// How media is relayed.
    pub turn: Turn,
    /// The rules by which people learn each other's addresses.
    pub media: MediaRules,
    /// The token that opens `/metrics` from elsewhere.
    pub metrics_token: Option<Secret<String>>,
    /// The password pool; one for all, because its bounds are the machine's.
    pub passwords: Passwords,
    /// Bounds on guessing passwords.
    pub booking: sanbao_booking::Config,
    /// The network between processes: of services that run apart, and of rooms that no process owns.
    pub nats: Option<Nats>,
    /// The bounds of a publisher's stream.
    pub stream_limits: StreamLimits,
    /// How the audit logs are kept.
    pub audit: Keeping,
    /// How long the databases keep rows.
    pub retention: Retention,
    /// How long records are kept, by their class.
    pub periods: Periods,
    /// How the installation stands, for those who run it.
    pub installation: Installation,
}

/// The process's services, running beside their routes.
#[derive(Debug)]
pub struct Network {
    /// Everything that is served.
    pub router: Router,
    pub stores: Stores,
    pub clock: Clock,
    /// Signing and verifying tokens; for commands and tests that work beside the routes.
    pub keys: Keys,
    /// The network to other processes.
    pub nats: Option<Nats>,
    /// Cancelled to stop: endless answers end, `/readyz` says so.
    pub drain: CancellationToken,
    running: Running,
}

/// The pages of the navigation.
pub(crate) fn navigation() -> Vec<NavLink> {
    use sanbao_booking::account::organisation::OrganisationKind::{
        CareHome, Community, HealthCentre, HomeCareAgency, Hospital, StreetOffice,
    };
    use sanbao_booking::role::{ADMINISTRATOR, ANALYST, AREA_LEADER, CARE_STAFF, CAREGIVER, DISPATCHER, DOCTOR};
    const AGENCIES: &[&str] = &[HomeCareAgency.as_str()];
    const OFFICES: &[&str] = &[StreetOffice.as_str()];
    const HOMES: &[&str] = &[CareHome.as_str()];
    const OF_ELDERS: &[&str] = &[HomeCareAgency.as_str(), StreetOffice.as_str()];
    const OF_DOCTORS: &[&str] = &[Hospital.as_str(), HealthCentre.as_str()];
    const WITH_AGREEMENTS: &[&str] = &[CareHome.as_str(), Hospital.as_str(), HealthCentre.as_str()];
    const GOVERNING: &[&str] = &[StreetOffice.as_str(), Community.as_str()];
    let link = |href, key, roles| NavLink { href, key, roles, kinds: &[] };
    vec![
        link("/consults", "nav-consults", &[CARE_STAFF, DOCTOR]),
        NavLink { kinds: HOMES, ..link("/residents", "nav-residents", &[CARE_STAFF]) },
        NavLink { kinds: HOMES, ..link("/persons", "nav-persons", &[CARE_STAFF]) },
        NavLink { kinds: OF_ELDERS, ..link("/persons", "nav-persons", &[DISPATCHER]) },
        link("/requests", "nav-requests", &[DISPATCHER]),
        NavLink { kinds: GOVERNING, ..link("/doors", "nav-doors", &[AREA_LEADER, DISPATCHER, ANALYST]) },
        NavLink { kinds: GOVERNING, ..link("/matters", "nav-matters", &[AREA_LEADER, DISPATCHER]) },
        NavLink { kinds: GOVERNING, ..link("/matters/figures", "nav-matters-figures", &[ANALYST]) },
        NavLink { kinds: AGENCIES, ..link("/visits", "nav-visits", &[DISPATCHER]) },
        NavLink { kinds: OF_ELDERS, ..link("/persons/pairs", "nav-pairs", &[DISPATCHER]) },
        link("/visits/today", "nav-today", &[CAREGIVER]),
        link("/needs", "nav-needs", &[ANALYST]),
        link("/admin", "nav-admin", &[ADMINISTRATOR]),
        link("/audit", "nav-audit", &[ADMINISTRATOR]),
        NavLink { kinds: OFFICES, ..link("/areas", "nav-areas", &[ADMINISTRATOR]) },
        NavLink { kinds: OFFICES, ..link("/admin/installation", "nav-installation", &[ADMINISTRATOR]) },
        NavLink { kinds: OF_DOCTORS, ..link("/practitioners", "nav-practitioners", &[ADMINISTRATOR, DOCTOR]) },
        NavLink { kinds: WITH_AGREEMENTS, ..link("/affiliations", "nav-affiliations", &[ADMINISTRATOR]) },
        link("/emergency-accesses", "nav-emergency", &[DOCTOR]),
        NavLink { kinds: OFFICES, ..link("/emergency-accesses", "nav-emergency", &[ADMINISTRATOR]) },
        link("/help", "nav-help", &[]),
    ]
}

impl Parts {
    /// Opens what `settings` name for `roles`: their databases, the secret, the connection to NATS.
    pub async fn open(
        settings: &Settings,
        roles: &[Role],
        purpose: Purpose,
        clock: Clock,
    ) -> Result<Self, ComposeError> {
        let found = Found::open(&settings.storage, roles, purpose).await?;
        let root = found.secret(&settings.secret_file)?;
        if root.is_resealing() {
            return Err(ComposeError::Resealing(settings.secret_file.clone()));
        }
        let stores = match purpose {
            Purpose::ServeAsItIs => found.take_as_they_are(&root.marks(), clock.now()).await?,
            Purpose::Serve | Purpose::Work => found.migrate(&root.marks(), clock.now()).await?,
        };
        let nats = match &settings.nats {
            Some(config) => Some(Nats::connect(config, &settings.process_name()).await?),
            None => None,
        };
        Ok(Self {
            stores,
            clock,
            root,
            secure: settings.site.secure(),
            behind_proxy: matches!(settings.site, crate::settings::Site::BehindProxy),
            dialling_code: settings.dialling_code.clone(),
            hooks: hooks(settings)?,
            turn: settings.turn.clone(),
            media: settings.media,
            metrics_token: settings.metrics_token.clone(),
            passwords: Passwords::default(),
            booking: sanbao_booking::Config {
                account: settings.accounts.clone(),
                periods: settings.periods,
                ..sanbao_booking::Config::default()
            },
            nats,
            stream_limits: settings.stream_limits,
            audit: settings.audit.clone(),
            retention: settings.retention,
            periods: settings.periods,
            installation: Installation::of(settings.clone()),
        })
    }

    /// How events get from one service to another: directly when all are here.
    fn bus(&self) -> Result<Bus, ComposeError> {
        if self.stores.roles().count() == Role::ALL.len() {
            return Ok(Bus::InProcess);
        }
        let nats = self.nats.clone().ok_or(ComposeError::NoBus)?;
        Ok(Bus::Nats(nats, self.stream_limits))
    }

    /// The parts of one service.
    pub fn deps(&self, db: &Db) -> Result<Deps, ComposeError> {
        Ok(Deps {
            db: db.clone(),
            clock: self.clock.clone(),
            keys: self.root.keys()?,
            fields: self.root.fields(),
            passwords: self.passwords.clone(),
            frame: Frame::new(navigation(), &TEXTS),
            secure: self.secure,
            dialling_code: self.dialling_code.clone(),
            nats: self.nats.clone(),
        })
    }
}

impl Parts {
    /// Booking's own state, for work on its data outside a request: the demo.
    pub fn booking_app(&self) -> Result<sanbao_booking::App, ComposeError> {
        Ok(sanbao_booking::App::new(self.booking.clone(), self.deps(self.stores.of(Role::Booking)?)?))
    }

    fn needs_config(&self) -> sanbao_needs_analysis::Config {
        let (periods, hooks) = (self.periods, self.hooks.clone());
        sanbao_needs_analysis::Config { periods, hooks }
    }

    /// The same of needs-analysis: the demo, imports.
    pub fn needs_app(&self) -> Result<sanbao_needs_analysis::App, ComposeError> {
        let deps = self.deps(self.stores.of(Role::NeedsAnalysis)?)?;
        let (config, imports) = (self.needs_config(), sanbao_needs_analysis::import::Imports::default());
        let tries = sanbao_needs_analysis::ask::Tries::default();
        Ok(sanbao_needs_analysis::App { deps, config, imports, tries })
    }
}

/// Those that send signals, as their file names them.
fn hooks(settings: &Settings) -> Result<Hooks, ComposeError> {
    let Some(path) = &settings.signal_file else { return Ok(Hooks::default()) };
    let failed = |why: String| ComposeError::SignalFile(path.clone(), why);
    let text = std::fs::read_to_string(path).map_err(|error| failed(error.to_string()))?;
    Hooks::read(&text).map_err(|error| failed(error.to_string()))
}

/// Every kind of problem that any part answers with.
pub fn problem_kinds() -> Vec<&'static Kind> {
    use sanbao_booking::{account, calendar, consult, visit};
    let booking = [account::problems::KINDS, calendar::KINDS, consult::KINDS, visit::KINDS];
    let needs = [sanbao_needs_analysis::import::KINDS, sanbao_needs_analysis::import::RUN_KINDS].concat();
    let all = [sanbao_platform::problem::KINDS.to_vec(), booking.concat(), needs];
    all.concat()
}

/// Builds the services of this process.
pub fn services(parts: &Parts) -> Result<Vec<Service>, ComposeError> {
    let built = parts.stores.0.iter().map(|(role, db)| {
        let deps = parts.deps(db)?;
        let mut service = match role {
            Role::Booking => sanbao_booking::build(parts.booking.clone(), deps.clone()),
            Role::Signalling => sanbao_signalling::build(relay(&parts.turn, parts.media, &parts.root), deps.clone()),
            Role::NeedsAnalysis => sanbao_needs_analysis::build(parts.needs_config(), deps.clone()),
        };
        let (consumers, stores, installation) =
            (service.consumers.clone().into(), parts.stores.clone(), parts.installation.clone());
        let operated = Operated { deps, role: *role, consumers, stores, installation, retention: parts.retention };
        service.routes = service.routes.with(operated.routes());
        Ok(service)
    });
    built.collect()
}

/// Builds the services, starts what runs beside the routes and puts the common layers around. Databases that have heard
/// of one another what none has said are refused before anything runs.
pub async fn start(parts: Parts) -> Result<Network, ComposeError> {
    telemetry::start_metrics(env!("CARGO_PKG_VERSION"), &[around::MEASURES, sanbao_signalling::measures::MEASURES]);
    let mut services = services(&parts)?;
    let bus = parts.bus()?;
    let wiring = Arc::new(Wiring::of(&services, &bus, parts.retention, &parts.clock));
    if matches!(bus, Bus::InProcess) {
        wiring.fits().await?;
    }
    if let Some(file) = &parts.audit.checkpoints {
        file.check().map_err(|e| ComposeError::Checkpoints(file.0.clone(), e))?;
    }
    for service in &mut services {
        let (db, clock, key) = (service.db.clone(), parts.clock.clone(), parts.root.pruning_key());
        service.tasks.push(chain::task(service.name, db, clock, key, parts.audit.clone()));
    }
    let drain = CancellationToken::new();
    let kinds = problem_kinds();
    let document = openapi::of_process(&services, &kinds);
    let around = Around {
        stores: parts.stores.clone(),
        nats: parts.nats.clone(),
        wiring: Arc::clone(&wiring),
        frame: Frame::new(navigation(), &TEXTS),
        document: http::Fixed::new("application/json", document.to_string()),
        kinds: kinds.into(),
        metrics_token: parts.metrics_token.clone(),
        behind_proxy: parts.behind_proxy,
    };
    let mut router = around::routes().build(around).router.merge(web::routes().router);
    for service in &mut services {
        router = router.merge(std::mem::take(&mut service.routes.router));
    }
    let keys = parts.root.keys()?;
    let frame = http::Around { frame: Frame::new(navigation(), &TEXTS), keys: Some(keys.clone()) };
    let mut router = http::finish_in(router, parts.clock.clone(), drain.clone(), parts.secure, frame);
    if parts.behind_proxy {
        router = router.layer(axum::middleware::from_fn(proxy::believe));
    }
    let running = Running::start(&mut services).connected_by(&wiring);
    parts.installation.runs(wiring, running.jobs(), parts.nats.clone());
    let Parts { stores, clock, nats, .. } = parts;
    Ok(Network { router, stores, clock, keys, nats, drain, running })
}

/// The relay's configuration; its TURN secret comes from the root unless an external server shares one.
fn relay(turn: &Turn, media: MediaRules, root: &RootSecret) -> sanbao_signalling::Config {
    let mut config = sanbao_signalling::Config::new(Secret(root.text("turn credentials v1")));
    config.relay_only = media.relay_only;
    config.turn_bytes_per_s = media.bytes_per_s_per_person_max;
    match turn {
        Turn::Off => {}
        Turn::External { urls, secret } => {
            config.turn_secret = secret.clone();
            config.turn_urls.clone_from(urls);
        }
        Turn::Embedded { listen, tls, public_ips, relay_ports, allow_peers, deny_peers } => {
            config.turn = Some(sanbao_signalling::config::EmbeddedTurn {
                listen: *listen,
                tls: tls.as_ref().map(|tls| sanbao_signalling::config::EmbeddedTurnTls {
                    server: sanbao_signalling::turn::TurnTls {
                        listen: tls.listen,
                        certificate: tls.certificate.clone(),
                        key: tls.key.clone(),
                    },
                    host: tls.host.clone(),
                }),
                public_ips: public_ips.clone(),
                relay_ports: *relay_ports,
                allow_peers: allow_peers.clone(),
                deny_peers: deny_peers.clone(),
            });
        }
    }
    config
}

impl Network {
    /// Stops consumers and tasks, then closes the databases. Serving must have ended.
    pub async fn stop(self) {
        self.drain.cancel();
        self.running.stop().await;
        if let Some(nats) = &self.nats {
            nats.close().await;
        }
        self.stores.close().await;
    }
}
