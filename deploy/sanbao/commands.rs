//! The commands of the command line.

use std::io::{self, Write as _};
use std::process::ExitCode;
use std::time::Instant;

use sanbao_booking::account::setup;
use sanbao_platform::clock::Clock;
use sanbao_platform::db::{Db, DbError};
use sanbao_platform::telemetry::{self, LogFilter, otlp};
use tokio::runtime::Runtime;

use crate::audit;
use crate::check;
use crate::cli::{Command, ServeArgs};
use crate::cli_accounts::AccountCommand;
use crate::cli_audit::AuditCommand;
use crate::cli_keeping::ErasuresCommand;
use crate::cli_needs::NeedsCommand;
use crate::command_error::CommandError;
use crate::compose::{self, Network, Parts, Purpose};
use crate::demo;
use crate::environment::{self, Unknown};
use crate::folder;
use crate::health;
use crate::keeping;
use crate::migrate;
use crate::needs;
use crate::process;
use crate::recover;
use crate::reseal;
use crate::retention;
use crate::role::Role;
use crate::run::{self, RunError};
use crate::settings::{Settings, Storage, Turn, toml_text};
use crate::stores::Stores;
use crate::supervisor;
use crate::verify;

/// Carries out `command` on `runtime`. It stands in the library, because futures are compiled where they are driven: the
/// binary would have to wait for every crate, and then compile all of them once more.
pub fn run_on(runtime: Runtime, command: Command, started: Instant) -> Result<ExitCode, CommandError> {
    let serves = matches!(command, Command::Serve(_));
    let outcome = runtime.block_on(run(command, started));
    if serves {
        runtime.shutdown_timeout(run::THREADS_WAIT);
    }
    outcome
}

/// Carries out `command`; the code that the process ends with.
pub async fn run(command: Command, started: Instant) -> Result<ExitCode, CommandError> {
    // The one place that decides which implementation of TLS this process uses; a second start is the first's.
    let _ = rustls::crypto::ring::default_provider().install_default();
    process::begin();
    match command {
        Command::Demo(args) => {
            begin_serving(&args.log, true)?;
            demo::run(args, started).await?;
        }
        Command::Serve(args) => serve(&args).await?,
        other => return Box::pin(work(other)).await,
    }
    Ok(ExitCode::SUCCESS)
}

/// Starts the log of a process that serves, has it live on when its terminal is closed, and tells what in its environment
/// means nothing.
fn begin_serving(filter: &LogFilter, plain: bool) -> Result<(), CommandError> {
    let logs = telemetry::start_logs(filter, plain)?;
    supervisor::read_again_on_hang_up(logs);
    for Unknown { name, like } in environment::unknown_here() {
        tracing::warn!(name, like, "a variable of the environment means nothing here");
    }
    Ok(())
}

/// The commands that do their work and end.
async fn work(command: Command) -> Result<ExitCode, CommandError> {
    for Unknown { name, like } in environment::unknown_here() {
        let like = like.map(|like| format!("; is {like} meant?")).unwrap_or_default();
        eprintln!("sanbao: the variable {name} means nothing here{like}");
    }
    match command {
        Command::Demo(_) | Command::Serve(_) => {}
        Command::Config(args) => config(&args)?,
        Command::Health(args) => {
            health::ask(&args.settings()?)?;
            writeln!(io::stdout().lock(), "ready")?;
        }
        Command::SetupLink(args) => setup_link(&args).await?,
        Command::Account(AccountCommand::Recover(args)) => recover::run(&args).await?,
        Command::Reseal(store) => return reseal::run(&store).await,
        Command::Check(args) => return check::run(&args).await,
        Command::Verify(store) => return verify::run(&store).await,
        Command::Retention(args) => return retention::run(&args).await,
        Command::Migrate(args) => migrate::run(&args).await?,
        Command::Backup(args) => Box::pin(keeping::back_up(&args)).await?,
        Command::Restore(args) => keeping::restore(&args).await?,
        Command::Erasures(ErasuresCommand::Export(args)) => keeping::export_erasures(&args).await?,
        Command::Erasures(ErasuresCommand::Apply(args)) => keeping::apply_erasures(&args).await?,
        Command::MoveToPostgres(args) => keeping::move_to_postgres(&args).await?,
        Command::Audit(AuditCommand::Verify(args)) => return audit::verify(&args).await,
        Command::NeedsAnalysis(NeedsCommand::Verify(args)) => return needs::verify(&args).await,
        Command::NeedsAnalysis(NeedsCommand::Import(args)) => return needs::import(&args).await,
    }
    Ok(ExitCode::SUCCESS)
}

async fn serve(args: &ServeArgs) -> Result<(), CommandError> {
    let settings = args.settings()?;
    // Before the log, which is told to the collector too.
    let exporter = match &settings.otlp {
        Some(otlp) => otlp::start(otlp, &settings.process_name(), env!("CARGO_PKG_VERSION"), Clock::system())?,
        None => None,
    };
    let outcome = serve_by(&settings).await;
    if let Some(exporter) = exporter {
        exporter.stop(run::told_wait(settings.roles().iter().copied())).await;
    }
    outcome
}

async fn serve_by(settings: &Settings) -> Result<(), CommandError> {
    begin_serving(&settings.log, settings.log_plain)?;
    let shown: serde_json::Map<_, _> =
        settings.sections().into_iter().map(|(name, values)| (name.to_owned(), values.into_iter().collect())).collect();
    let shown = serde_json::Value::Object(shown);
    tracing::info!(version = env!("CARGO_PKG_VERSION"), settings = %shown, "starting");
    if let Some(tls) = settings.site.tls() {
        tls.check().map_err(RunError::from)?;
    }
    let _claim = match &settings.storage {
        Storage::Files(dir) => Some(folder::claim_real(dir)?),
        Storage::Postgres(_) => None,
    };
    let listener = run::bind(settings)?;
    if let Turn::Embedded { listen, tls, .. } = &settings.turn {
        run::probe_turn(*listen, tls.as_ref().map(|tls| tls.listen))?;
    }
    // As the first process of a container it would not even be ended by a signal that it does not hear.
    let purpose = if settings.no_migrate { Purpose::ServeAsItIs } else { Purpose::Serve };
    let opened = Parts::open(settings, settings.roles(), purpose, Clock::system());
    let parts = tokio::select! {
        parts = opened => parts?,
        () = run::asked_to_end() => return Ok(()),
    };
    let network = compose::start(parts).await?;
    let say = async |network: &Network| {
        let link = match network.stores.of(Role::Booking) {
            Ok(booking) => link_if_needed(settings, booking, &network.clock).await?,
            Err(_) => None,
        };
        let mut out = io::stdout().lock();
        let (name, version) = (settings.process_name(), env!("CARGO_PKG_VERSION"));
        writeln!(out, "{name} {version} listens on {}, for {}", settings.listen, settings.public_url)?;
        if let Some(link) = link {
            say_link(&mut out, &link)?;
        }
        supervisor::ready(&format!("listens on {}, for {}", settings.listen, settings.public_url));
        out.flush().map_err(CommandError::Output)
    };
    run::serve(listener, network, settings.site.tls(), None, say).await
}

fn config(args: &ServeArgs) -> Result<(), CommandError> {
    let settings = args.settings()?;
    let mut sections = settings.sections();
    sections.push(crate::settings::limits());
    Ok(io::stdout().lock().write_all(toml_text(&sections).as_bytes())?)
}

fn database(error: &DbError) -> CommandError {
    CommandError::Service("the booking database", error.to_string())
}

/// A new link, as long as nobody can log in.
async fn link_if_needed(settings: &Settings, booking: &Db, clock: &Clock) -> Result<Option<String>, CommandError> {
    if !setup::is_needed(booking).await.map_err(|e| database(&e))? {
        return Ok(None);
    }
    let token = setup::issue_link(booking, clock).await.map_err(|e| database(&e))?;
    Ok(Some(format!("{}/setup#{token}", settings.public_url)))
}

fn say_link(out: &mut impl io::Write, link: &str) -> io::Result<()> {
    writeln!(out, "\n还没有任何账号。请打开下面的链接，建立第一个管理员（一次有效，24 小时内）：")?;
    writeln!(out, "Nobody can log in yet. Open this link to make the first administrator (once, within 24 hours):")?;
    writeln!(out, "\n  {link}\n")
}

async fn setup_link(args: &ServeArgs) -> Result<(), CommandError> {
    let settings = args.settings()?;
    if let Storage::Files(dir) = &settings.storage {
        folder::refuse_demo(dir)?;
    }
    let stores = Stores::open(&settings.storage, &[Role::Booking]).await?;
    let link = link_if_needed(&settings, stores.of(Role::Booking)?, &Clock::system()).await?;
    stores.close().await;
    match link {
        Some(link) => Ok(say_link(&mut io::stdout().lock(), &link)?),
        None => Err(CommandError::Refused("there are accounts already: log in as an administrator to make more")),
    }
}
