//! The role of this binary when it was started as a server under test instead of as the benchmark.

use std::io::{Read as _, Write as _};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use sanbao_platform::clock::Clock;
use sanbao_platform::config::Secret;
use sanbao_platform::http::{Bounds, Listener, finish, serve};
use sanbao_platform::nats::{Nats, NatsConfig};
use sanbao_platform::service::{Deps, Running};
use sanbao_platform::telemetry;
use sanbao_platform::testing::{TestEngine, sqlite};
use sanbao_signalling::config::SessionLimits;
use sanbao_signalling::protocol::ClientLimits;
use sanbao_signalling::{Config, MIGRATIONS, NAME};
use tokio_util::sync::CancellationToken;

use crate::{Failure, floor};

/// The environment variable that names the role.
pub const ROLE: &str = "SANBAO_BENCH_ROLE";
/// The bare forwarder.
pub const FLOOR: &str = "floor";
/// The relay: with its embedded room log, unless there is [`NATS`].
pub const SANBAO: &str = "sanbao";

/// The environment variable with the addresses of the `nats-server`s that hold the relay's rooms.
pub const NATS: &str = "SANBAO_BENCH_NATS";
/// The environment variable with the address of the `PostgreSQL` database of a relay with [`NATS`].
pub const DATABASE: &str = "SANBAO_BENCH_DATABASE";
/// How long a cluster of `nats-server`s may take to choose who leads.
const NATS_WAIT: Duration = Duration::from_secs(30);

/// The connections that may be open at once. All of a load come from one address, which has no bound of its own here.
const CONNECTIONS_MAX: usize = 20_000;

/// The production bounds that one connection of the load goes beyond; all others stay as they are.
pub fn raised() -> SessionLimits {
    let mut limits = SessionLimits::default();
    limits.client = ClientLimits {
        messages_per_s_max: 1_000_000,
        messages_burst_max: 1_000_000,
        bytes_per_s_max: 1_000_000_000,
        bytes_burst_max: 1_000_000_000,
        ..limits.client
    };
    limits
}

/// The raised limits, for the report.
pub fn raised_text() -> String {
    let (raised, default) = (raised().client, SessionLimits::default().client);
    format!(
        "connections {CONNECTIONS_MAX} ({}), messages a second {} (production {}), burst {} ({}), bytes a second {} ({}), burst {} ({})",
        Bounds::default().connections_max,
        raised.messages_per_s_max,
        default.messages_per_s_max,
        raised.messages_burst_max,
        default.messages_burst_max,
        raised.bytes_per_s_max,
        default.bytes_per_s_max,
        raised.bytes_burst_max,
        default.bytes_burst_max
    )
}

/// Serves as `role` until standard input ends.
pub fn play(role: &str) -> Result<(), Failure> {
    std::thread::spawn(|| {
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        std::process::exit(0);
    });
    // The runtime of the binary `sanbao`, for both.
    let runtime = sanbao::runtime::runtime()?;
    runtime.block_on(async {
        match role {
            FLOOR => {
                let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
                say(listener.local_addr()?)?;
                Ok(tokio::spawn(floor::serve(listener)).await??)
            }
            SANBAO => relay().await,
            other => Err(format!("no role {other}").into()),
        }
    })
}

fn say(address: SocketAddr) -> Result<(), Failure> {
    let mut out = std::io::stdout();
    writeln!(out, "{address}")?;
    Ok(out.flush()?)
}

/// The signalling service as `sanbao serve` builds and serves it, with metrics on: on `SQLite` in a folder of its own,
/// or on `PostgreSQL` and NATS.
async fn relay() -> Result<(), Failure> {
    telemetry::start_metrics(env!("CARGO_PKG_VERSION"), &[sanbao_signalling::measures::MEASURES]);
    let clock = Clock::system();
    let nats = match std::env::var(NATS) {
        Ok(urls) => Some(nats(&urls).await?),
        Err(_) => None,
    };
    let engine = match std::env::var(DATABASE) {
        Ok(url) => TestEngine::Postgres(url),
        Err(_) => sqlite(),
    };
    let deps = Deps { nats, ..engine.deps(NAME, &MIGRATIONS, clock.clone()).await };
    let mut config = Config::new(Secret("a secret of the benchmark".to_owned()));
    config.limits = raised();
    let mut services = [sanbao_signalling::build(config, deps)];
    let _running = Running::start(&mut services);
    let [service] = services;
    let drain = CancellationToken::new();
    let router =
        finish(service.routes.router.merge(sanbao_platform::web::routes().router), clock, drain.clone(), false);
    let bounds = Bounds { connections_max: CONNECTIONS_MAX, connections_per_address_max: None, ..Bounds::default() };
    let listener = Listener::bind(SocketAddr::from(([127, 0, 0, 1], 0)))?.bounded(bounds);
    say(listener.address)?;
    // On the runtime's worker, as `sanbao serve` does: a new connection is no matter of two threads.
    Ok(tokio::spawn(serve(listener, router, None, drain)).await??)
}

/// Connects, once `JetStream` answers; as many copies as there are servers.
async fn nats(urls: &str) -> Result<Nats, Failure> {
    let urls: Vec<_> = urls.split(',').map(|url| Secret(url.to_owned())).collect();
    let config = NatsConfig { replicas: urls.len(), ..NatsConfig::new(urls) };
    let started = Instant::now();
    loop {
        match Nats::connect(&config, "bench").await {
            Ok(nats) => return Ok(nats),
            Err(error) if started.elapsed() > NATS_WAIT => return Err(error.into()),
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
}
