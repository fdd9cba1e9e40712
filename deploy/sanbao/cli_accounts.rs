//! The flags of log-ins, and of work on accounts. No I/O.

use clap::{Args, Subcommand, ValueEnum};
use sanbao_booking::account::{AccountConfig, SecondFactorFor};

use crate::cli::StoreArgs;

/// The rules of log-ins.
#[derive(Clone, Debug, Args)]
pub struct AccountArgs {
    /// Whose log-ins need a second factor; anybody may have one.
    #[arg(long, env = "SANBAO_SECOND_FACTOR", default_value = "administrators", value_name = "WHOSE")]
    pub second_factor: FactorHolders,
    /// Minutes without a press before the log-in on a device that several people use ends.
    #[arg(long, env = "SANBAO_SHARED_IDLE_MINUTES", default_value_t = AccountConfig::default().shared_idle_minutes,
          value_name = "MINUTES", value_parser = clap::value_parser!(u32).range(1..=720))]
    pub shared_idle_minutes: u32,
}

/// Whose log-ins need a second factor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum FactorHolders {
    /// Those of administrators, who can give themselves everything else.
    Administrators,
    /// Those of doctors too, who sign.
    AdministratorsAndDoctors,
    /// Log-ins ask for the password alone, unless somebody has set a factor up.
    Nobody,
}

impl AccountArgs {
    pub(crate) fn rules(&self) -> AccountConfig {
        let second_factor = match self.second_factor {
            FactorHolders::Administrators => SecondFactorFor::Administrators,
            FactorHolders::AdministratorsAndDoctors => SecondFactorFor::AdministratorsAndDoctors,
            FactorHolders::Nobody => SecondFactorFor::Nobody,
        };
        AccountConfig { second_factor, shared_idle_minutes: self.shared_idle_minutes, ..AccountConfig::default() }
    }
}

/// The rules of a demo, whose accounts are known to all: no second factor.
pub(crate) fn demo_rules() -> AccountConfig {
    AccountConfig { second_factor: SecondFactorFor::Nobody, ..AccountConfig::default() }
}

/// Work on accounts on the machine.
#[derive(Debug, Subcommand)]
pub enum AccountCommand {
    /// Prints a one-time link for the owner of LOGIN, who chooses a password by it. The second factor is taken away, and
    /// every log-in of the account ends. May run beside the server.
    Recover(Box<RecoverArgs>),
}

/// The flags of `account recover`.
#[derive(Clone, Debug, Args)]
pub struct RecoverArgs {
    /// The name that its owner types to log in.
    pub login: String,
    #[command(flatten)]
    pub store: StoreArgs,
    /// How people reach the site; the link begins with it.
    #[arg(long, env = "SANBAO_PUBLIC_URL", value_name = "URL")]
    pub public_url: Option<String>,
}
