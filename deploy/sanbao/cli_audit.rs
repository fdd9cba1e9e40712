//! The flags of the audit log: how it is kept, and how it is verified. No I/O.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use sanbao_platform::audit::chain::{AUDIT_DAYS_DEFAULT, AUDIT_DAYS_MIN, CheckpointFile, Keeping};

use crate::cli::StoreArgs;
use crate::role::Role;
use crate::settings::SettingsError;

/// How the audit log is kept.
#[derive(Clone, Debug, Args)]
pub struct AuditArgs {
    /// A file to which the ends of the audit logs' chains are added, where nobody who writes to the databases can change it.
    #[arg(long, env = "SANBAO_AUDIT_CHECKPOINTS", value_name = "FILE")]
    pub audit_checkpoints: Option<PathBuf>,
    /// How many days audit rows are kept; what is older is taken away, and a signed pruning point is left.
    #[arg(long, env = "SANBAO_KEEP_AUDIT_DAYS", default_value_t = AUDIT_DAYS_DEFAULT, value_name = "DAYS",
          value_parser = clap::value_parser!(u32).range(i64::from(AUDIT_DAYS_MIN)..=36500))]
    pub keep_audit_days: u32,
}

impl AuditArgs {
    /// The way that the flags say; `answer_days` is how long stored answers are kept, which name what they have shown.
    pub(crate) fn keeping(&self, answer_days: u32) -> Result<Keeping, SettingsError> {
        if self.keep_audit_days < answer_days {
            let because = "a stored answer names whom it shows by its audit row: keep those at least as long as --keep-answer-days";
            let value = self.keep_audit_days.to_string();
            return Err(SettingsError::Value { flag: "--keep-audit-days", value, because });
        }
        let checkpoints = self.audit_checkpoints.clone().map(CheckpointFile);
        Ok(Keeping { checkpoints, days_min: self.keep_audit_days })
    }
}

/// Work on the audit logs.
#[derive(Debug, Subcommand)]
pub enum AuditCommand {
    /// Computes the chains of the audit logs anew, and says where a row was removed, altered or put elsewhere; ends with 1 if one
    /// was. May run beside the server.
    Verify(AuditVerifyArgs),
}

/// The flags of `audit verify`.
#[derive(Clone, Debug, Args)]
pub struct AuditVerifyArgs {
    /// The one service whose log is verified [default: all three].
    #[arg(value_enum, value_name = "SERVICE")]
    pub role: Option<Role>,
    /// The file that `serve --audit-checkpoints` has written: what it says must stand in the chains.
    #[arg(long, value_name = "FILE")]
    pub checkpoints: Option<PathBuf>,
    #[command(flatten)]
    pub store: StoreArgs,
}
