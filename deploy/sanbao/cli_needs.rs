//! The flags of work on requests and numbers. No I/O.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use sanbao_platform::cn::DiallingCode;

use crate::cli::StoreArgs;

/// Work on the needs-analysis service's data.
#[derive(Debug, Subcommand)]
pub enum NeedsCommand {
    /// Counts everything anew and reports where the kept numbers differ; ends with 1 if they do.
    Verify(VerifyArgs),
    /// Takes requests in from a CSV file (UTF-8 or GB18030); what was taken before is not taken twice.
    Import(ImportArgs),
}

/// The flags of `needs-analysis verify`.
#[derive(Clone, Debug, Args)]
pub struct VerifyArgs {
    /// Make the kept numbers what the requests say, and report what was mended.
    #[arg(long)]
    pub repair: bool,
    #[command(flatten)]
    pub store: StoreArgs,
}

/// The flags of `needs-analysis import`.
#[derive(Clone, Debug, Args)]
pub struct ImportArgs {
    /// The CSV file.
    pub file: PathBuf,
    /// The source of the rows, such as hotline; rows are known again by organisation, source and number.
    #[arg(long)]
    pub source: String,
    /// The street office whose source it is: its id or its name. May be left out where there is one office only.
    #[arg(long, value_name = "ID-OR-NAME")]
    pub organisation: Option<String>,
    /// Only say what would happen.
    #[arg(long)]
    pub dry_run: bool,
    /// The area code that a landline without one is of: 0574.
    #[arg(long, env = "SANBAO_DIALLING_CODE", value_name = "CODE")]
    pub dialling_code: Option<DiallingCode>,
    #[command(flatten)]
    pub store: StoreArgs,
}
