//! The flags of how long records are kept, and of the command that takes away what is kept no longer. No I/O.

use clap::Args;
use sanbao_platform::retention::{Period, Periods, RetentionClass};

use crate::cli::ServeArgs;

/// The bounds of a flag, by its class.
fn years(class: RetentionClass) -> clap::builder::RangedI64ValueParser<u32> {
    let (Period::Years(least) | Period::Days(least)) = class.least();
    clap::value_parser!(u32).range(i64::from(least)..=i64::from(Period::YEARS_MAX))
}

/// How long records are kept.
#[derive(Clone, Copy, Debug, Args)]
pub struct KeepArgs {
    /// How many years the papers of a consult are kept from its last step: at least 15, as the law wants.
    #[arg(long, env = "SANBAO_KEEP_CLINICAL_YEARS", default_value_t = Periods::default().clinical_years, value_name = "YEARS",
          value_parser = years(RetentionClass::ClinicalPaper))]
    pub keep_clinical_years: u32,
    /// How many years what was said in the room of a consult is kept from its last step: at least 3, as the law wants.
    #[arg(long, env = "SANBAO_KEEP_CONSULT_MEDIA_YEARS", default_value_t = Periods::default().consult_media_years,
          value_name = "YEARS", value_parser = years(RetentionClass::ConsultMedia))]
    pub keep_consult_media_years: u32,
    /// How many years requests and visits are kept from their end; at least 3.
    #[arg(long, env = "SANBAO_KEEP_WORK_ORDER_YEARS", default_value_t = Periods::default().work_order_years,
          value_name = "YEARS", value_parser = years(RetentionClass::WorkOrder))]
    pub keep_work_order_years: u32,
}

impl KeepArgs {
    /// The periods that the flags say; that of audit rows has a flag of its own.
    pub(crate) fn periods(&self, audit_days: u32) -> Periods {
        Periods {
            audit_days,
            clinical_years: self.keep_clinical_years,
            consult_media_years: self.keep_consult_media_years,
            work_order_years: self.keep_work_order_years,
        }
    }
}

/// The flags of `retention`.
#[derive(Clone, Debug, Args)]
pub struct RetentionArgs {
    #[command(flatten)]
    pub serve: ServeArgs,
    /// Take it away now, and do not only tell.
    #[arg(long)]
    pub apply: bool,
    /// The clock of this machine is right, although it is more than 7 days ahead of everything that was written.
    #[arg(long, requires = "apply")]
    pub clock_is_right: bool,
}
