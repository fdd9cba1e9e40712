//! Makes one process out of the three services: databases opened and migrated, services built, routes and
//! documents merged, everything common put around them. The only place that knows all three.

use axum::Router;
use sanbao_platform::auth::{Passwords, Throttle};
use sanbao_platform::bus::{Consumer, Outbox};
use sanbao_platform::clock::Clock;
use sanbao_platform::config::{RootSecret, Secret};
use sanbao_platform::db::{Db, DbError, Migrations};
use sanbao_platform::problem::Kind;
use sanbao_platform::service::{Deps, Running, Service};
use sanbao_platform::web::{Frame, NavLink};
use sanbao_platform::{http, telemetry, web};
use tokio_util::sync::CancellationToken;

use crate::around::{self, Around};
use crate::settings::{Settings, Storage, Turn};
use crate::{openapi, proxy};

/// The services' names with their file's stem and schema.
const PLACES: [(&str, &str, &str); 3] = [
    (sanbao_booking::NAME, "booking", "booking"),
    (sanbao_signalling::NAME, "signalling", "signalling"),
    (sanbao_needs_analysis::NAME, "needs-analysis", sanbao_needs_analysis::SCHEMA),
];

/// Why the process could not be put together.
#[derive(Debug, thiserror::Error)]
pub enum ComposeError {
    /// The root secret cannot be read or made.
    #[error("the root secret {0}: {1}")]
    Secret(std::path::PathBuf, std::io::Error),
    /// The data folder cannot be made.
    #[error("the data folder {0}: {1}")]
    Folder(std::path::PathBuf, std::io::Error),
    /// A database does not open or migrate.
    #[error("the {0} database: {1}")]
    Database(&'static str, DbError),
    /// The secret is no key.
    #[error("the root secret gives no signing key: {0}")]
    Keys(#[from] sanbao_platform::auth::TokenError),
}

/// The three databases, migrated.
#[derive(Clone, Debug)]
pub struct Stores {
    /// Organisations, people, consults, visits.
    pub booking: Db,
    /// The relay's facts.
    pub signalling: Db,
    /// Areas, requests, numbers.
    pub needs: Db,
}

/// What the network is built from, whatever the configuration was read from.
#[derive(Debug)]
pub struct Parts {
    /// The databases.
    pub stores: Stores,
    /// Time.
    pub clock: Clock,
    /// Where every key comes from.
    pub root: RootSecret,
    /// Whether browsers come over HTTPS.
    pub secure: bool,
    /// Whether `X-Forwarded-For` is believed.
    pub behind_proxy: bool,
    /// How media is relayed.
    pub turn: Turn,
    /// Who may read `/metrics` from elsewhere.
    pub metrics_token: Option<Secret<String>>,
    /// The password pool; one for all, because its bounds are the machine's.
    pub passwords: Passwords,
    /// Bounds on guessing passwords.
    pub booking: sanbao_booking::Config,
}

/// The process's services, running beside their routes.
#[derive(Debug)]
pub struct Network {
    /// Everything that is served.
    pub router: Router,
    /// The databases.
    pub stores: Stores,
    /// What the services are built from; for commands that work on the data directly.
    pub deps: Deps,
    /// Cancelled to stop: endless answers end, `/readyz` says so.
    pub drain: CancellationToken,
    running: Running,
}

impl Stores {
    /// Opens and migrates all three where `storage` says.
    pub async fn open(storage: &Storage) -> Result<Self, ComposeError> {
        if let Storage::Files(dir) = storage {
            std::fs::create_dir_all(dir).map_err(|e| ComposeError::Folder(dir.clone(), e))?;
        }
        let [booking, signalling, needs] = PLACES.map(|(_, file, schema)| {
            let url = match storage {
                Storage::Files(dir) => format!("sqlite:{}", dir.join(format!("{file}.db")).display()),
                Storage::Postgres(url) => url.0.clone(),
            };
            (url, schema)
        });
        Ok(Self {
            booking: open(booking, &sanbao_booking::MIGRATIONS).await?,
            signalling: open(signalling, &sanbao_signalling::MIGRATIONS).await?,
            needs: open(needs, &sanbao_needs_analysis::MIGRATIONS).await?,
        })
    }

    /// The databases with their services' names.
    pub fn all(&self) -> [(&'static str, &Db); 3] {
        [(PLACES[0].0, &self.booking), (PLACES[1].0, &self.signalling), (PLACES[2].0, &self.needs)]
    }

    /// Commits what is pending and closes all three.
    pub async fn close(&self) {
        for (_, db) in self.all() {
            db.close().await;
        }
    }
}

async fn open((url, schema): (String, &'static str), migrations: &Migrations) -> Result<Db, ComposeError> {
    let failed = |e| ComposeError::Database(schema, e);
    let db = Db::open(&url, schema).await.map_err(failed)?;
    db.migrate(migrations).await.map_err(failed)?;
    Ok(db)
}

/// The pages of the navigation. Their words are here because only this place knows all of them.
fn navigation() -> Vec<NavLink> {
    use sanbao_booking::role::{ADMINISTRATOR, ANALYST, CARE_STAFF, CAREGIVER, DISPATCHER, DOCTOR};
    vec![
        NavLink { href: "/consults", zh: "会诊", en: "Consults", roles: &[CARE_STAFF, DOCTOR] },
        NavLink { href: "/residents", zh: "老人", en: "Residents", roles: &[CARE_STAFF] },
        NavLink { href: "/requests", zh: "需求工单", en: "Requests", roles: &[DISPATCHER] },
        NavLink { href: "/visits", zh: "派单", en: "Visits", roles: &[DISPATCHER] },
        NavLink { href: "/visits/today", zh: "今日上门", en: "Today's visits", roles: &[CAREGIVER] },
        NavLink { href: "/needs", zh: "需求分析", en: "Needs", roles: &[ANALYST] },
        NavLink { href: "/admin", zh: "机构与人员", en: "Administration", roles: &[ADMINISTRATOR] },
    ]
}

impl Parts {
    /// Opens everything that `settings` name.
    pub async fn open(settings: &Settings, clock: Clock) -> Result<Self, ComposeError> {
        let stores = Stores::open(&settings.storage).await?;
        let file = &settings.secret_file;
        let root = RootSecret::load_or_create_at(file).map_err(|e| ComposeError::Secret(file.clone(), e))?;
        Ok(Self {
            stores,
            clock,
            root,
            secure: settings.site.secure(),
            behind_proxy: matches!(settings.site, crate::settings::Site::BehindProxy),
            turn: settings.turn.clone(),
            metrics_token: settings.metrics_token.clone(),
            passwords: Passwords::default(),
            booking: sanbao_booking::Config::default(),
        })
    }

    /// The parts of one service.
    pub fn deps(&self, db: &Db) -> Result<Deps, ComposeError> {
        Ok(Deps {
            db: db.clone(),
            clock: self.clock.clone(),
            keys: self.root.keys()?,
            fields: self.root.fields(),
            passwords: self.passwords.clone(),
            frame: Frame::new(navigation()),
            secure: self.secure,
        })
    }
}

impl Parts {
    /// Booking's own state, for work on its data outside a request: the demo.
    pub fn booking_app(&self) -> Result<sanbao_booking::App, ComposeError> {
        let config = self.booking.clone();
        let throttle = Throttle::new(config.login_per_minute_max, config.login_burst_max);
        Ok(sanbao_booking::App { deps: self.deps(&self.stores.booking)?, config, throttle })
    }

    /// The same of needs-analysis: the demo, imports.
    pub fn needs_app(&self) -> Result<sanbao_needs_analysis::App, ComposeError> {
        let deps = self.deps(&self.stores.needs)?;
        Ok(sanbao_needs_analysis::App { deps, config: sanbao_needs_analysis::Config::default() })
    }
}

/// Every kind of problem that any part answers with.
pub fn problem_kinds() -> Vec<&'static Kind> {
    use sanbao_booking::{account, calendar, consult, visit};
    let booking = [account::kind::KINDS, calendar::KINDS, consult::KINDS, visit::KINDS];
    let all = [sanbao_platform::problem::KINDS.to_vec(), booking.concat()];
    all.concat()
}

/// Builds the three services; the first is booking, whose parts they share but for the database.
pub fn services(parts: &Parts) -> Result<(Deps, Vec<Service>), ComposeError> {
    let deps = parts.deps(&parts.stores.booking)?;
    let with = |db: &Db| Deps { db: db.clone(), ..deps.clone() };
    let services = vec![
        sanbao_booking::build(parts.booking.clone(), deps.clone()),
        sanbao_signalling::build(relay(&parts.turn, &parts.root), with(&parts.stores.signalling)),
        sanbao_needs_analysis::build(sanbao_needs_analysis::Config::default(), with(&parts.stores.needs)),
    ];
    Ok((deps, services))
}

/// Builds the services, starts what runs beside the routes and puts the common layers around.
pub fn start(parts: Parts) -> Result<Network, ComposeError> {
    telemetry::start_metrics();
    let (deps, mut services) = services(&parts)?;
    let drain = CancellationToken::new();
    let kinds = problem_kinds();
    let document = openapi::merge(services.iter().map(|s| &s.openapi), &kinds);
    let around = Around {
        stores: parts.stores.clone(),
        followers: followers(&services),
        frame: deps.frame.clone(),
        document: document.to_string().into(),
        kinds: kinds.into(),
        metrics_token: parts.metrics_token,
    };
    let mut router = around::routes(around).merge(web::routes());
    for service in &mut services {
        router = router.merge(std::mem::take(&mut service.router));
    }
    let mut router = http::finish(router, parts.clock, drain.clone(), parts.secure);
    if parts.behind_proxy {
        router = router.layer(axum::middleware::from_fn(proxy::believe));
    }
    let running = Running::start(&mut services);
    Ok(Network { router, stores: parts.stores, deps, drain, running })
}

/// How many relayed connections one person in one room may hold at a time: one for each other person, twice
/// over while a connection is renewed.
const ALLOCATIONS_PER_USER_MAX: usize = 16;

/// The relay's configuration; its TURN secret comes from the root unless an external server shares one.
fn relay(turn: &Turn, root: &RootSecret) -> sanbao_signalling::Config {
    let mut config = sanbao_signalling::Config::new(Secret(root.text("turn credentials v1")));
    match turn {
        Turn::Off => {}
        Turn::External { urls, secret } => {
            config.turn_secret = secret.clone();
            config.turn_urls.clone_from(urls);
        }
        Turn::Embedded { listen, tls, public_ips, relay_ports, allow_peers } => {
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
                allocations_per_user_max: ALLOCATIONS_PER_USER_MAX,
            });
        }
    }
    config
}

/// Each consumer with the log that it follows; for `/metrics`.
fn followers(services: &[Service]) -> Vec<(Consumer, Outbox)> {
    let log_of = |publisher: &str| services.iter().find(|s| s.name == publisher);
    services
        .iter()
        .flat_map(|s| &s.consumers)
        .filter_map(|c| Some((c.clone(), Outbox::new(c.publisher, log_of(c.publisher)?.db.clone()))))
        .collect()
}

impl Network {
    /// Stops consumers and tasks, then closes the databases. Serving must have ended.
    pub async fn stop(self) {
        self.drain.cancel();
        self.running.stop().await;
        self.stores.close().await;
    }
}
