//! The flags of the commands that keep a network: backup, restore, the move to a server.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use sanbao_platform::config::Secret;

use crate::cli::{ServeArgs, StoreArgs};
use crate::cli_network::NatsArgs;
use crate::cli_retention::KeepArgs;

/// The variable of a passphrase itself. There is no such flag: others see what stands on a command line.
pub const PASSPHRASE: &str = "SANBAO_PASSPHRASE";

/// The passphrase of a backup.
#[derive(Clone, Debug, Args)]
pub struct PassphraseArgs {
    /// File of the passphrase, its first line [default: the variable `SANBAO_PASSPHRASE` holds it].
    #[arg(long, env = "SANBAO_PASSPHRASE_FILE", value_name = "FILE")]
    pub passphrase_file: Option<PathBuf>,
}

/// The flags of `migrate`.
#[derive(Clone, Debug, Args)]
pub struct MigrateArgs {
    #[command(flatten)]
    pub store: StoreArgs,
    /// Only tell what would be done.
    #[arg(long)]
    pub dry_run: bool,
}

/// The flags of `backup`.
#[derive(Clone, Debug, Args)]
pub struct BackupArgs {
    /// The file to write; it must not be there yet.
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    #[command(flatten)]
    pub store: StoreArgs,
    #[command(flatten)]
    pub passphrase: PassphraseArgs,
    // A doc comment here would replace the flattened help.
    #[command(flatten)]
    pub nats: NatsArgs,
}

/// The flags of `restore`.
#[derive(Clone, Debug, Args)]
pub struct RestoreArgs {
    /// The backup.
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    #[command(flatten)]
    pub store: StoreArgs,
    #[command(flatten)]
    pub passphrase: PassphraseArgs,
    // A doc comment here would replace the flattened help.
    #[command(flatten)]
    pub nats: NatsArgs,
    /// The list of the erased, by `erasures export`: those who stand there are not in the restored network.
    #[arg(long, value_name = "FILE")]
    pub erasures: Option<PathBuf>,
    #[command(flatten)]
    pub keep: KeepArgs,
}

/// Work on the list of those who were erased.
#[derive(Debug, Subcommand)]
pub enum ErasuresCommand {
    /// Writes the list into a new file, for restores of backups from before. It names nobody. May run beside the server.
    Export(ErasuresArgs),
    /// Takes those of a list out of a stopped network, and writes its databases anew, so that no byte of what was taken out is left
    /// in them. With --database-url stop every process first, and give --nats where services run apart.
    Apply(ApplyArgs),
}

/// The flags of `erasures apply`.
#[derive(Clone, Debug, Args)]
pub struct ApplyArgs {
    #[command(flatten)]
    pub list: ErasuresArgs,
    #[command(flatten)]
    pub keep: KeepArgs,
    // A doc comment here would replace the flattened help.
    #[command(flatten)]
    pub nats: NatsArgs,
}

/// The flags of `erasures export`.
#[derive(Clone, Debug, Args)]
pub struct ErasuresArgs {
    /// The list.
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    #[command(flatten)]
    pub store: StoreArgs,
}

/// The flags of `move-to-postgres`.
#[derive(Clone, Debug, Args)]
pub struct MoveArgs {
    /// Folder of the stopped network; it stays as it is.
    #[arg(long, env = "SANBAO_DATA_DIR", value_name = "DIR")]
    pub data_dir: PathBuf,
    /// The server: `postgres://user:password@host/database`, with no network in it.
    #[arg(long, env = "SANBAO_DATABASE_URL", hide_env_values = true, value_name = "URL")]
    pub database_url: Secret<String>,
    /// File of the root secret [default: secret.json in the folder].
    #[arg(long, env = "SANBAO_SECRET_FILE", value_name = "FILE")]
    pub secret_file: Option<PathBuf>,
}

/// The flags of `check`.
#[derive(Clone, Debug, Args)]
pub struct CheckArgs {
    #[command(flatten)]
    pub serve: ServeArgs,
    /// Look at STUN and TURN of this address alone: from another machine, such as one outside the house.
    #[arg(long, value_name = "ADDR")]
    pub turn: Option<SocketAddr>,
}
