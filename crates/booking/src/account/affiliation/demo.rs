//! The demo's agreement between its care home and its hospital. Only the demo calls this.

use chrono::{DateTime, Days, Utc};
use sanbao_platform::db::{DbError, Tx};
use sanbao_platform::id::OrganisationId;
use sanbao_platform::lifecycle::{By, advance, create};
use sanbao_platform::problem::Problem;

use super::input::AffiliationProposal;
use super::model::OrganisationAffiliation;
use super::policy::AffiliationSide;
use super::state::AffiliationStep;
use crate::account::organisation;

/// It counts for so long from the day of the filling on.
const DAYS: Days = Days::new(730);

/// Lets the two have an agreement from today on, by which hours are asked for and not booked at once.
pub(in crate::account) async fn agree(
    tx: &mut Tx,
    now: DateTime<Utc>,
    [home, hospital]: [OrganisationId; 2],
) -> Result<(), Problem> {
    let missing = || DbError::from(sqlx::Error::RowNotFound);
    let home = organisation::find(tx, home).await?.ok_or_else(missing)?;
    let hospital = organisation::find(tx, hospital).await?.ok_or_else(missing)?;
    let today = hospital.day(now);
    let valid_until = today.checked_add_days(DAYS).unwrap_or(today);
    let number = "演示 2026-001".to_owned();
    let new = AffiliationProposal { number, valid_from: today, valid_until, books_at_once: false };
    let by = By::Automatic { cause: "demo", at: now, actor: None };
    let proposed = OrganisationAffiliation::proposed(now, (AffiliationSide::Invited, &hospital), &home, new);
    create(tx, &by, proposed.clone()).await?;
    advance(tx, &by, proposed, AffiliationStep::Accept { books_at_once: false }).await?;
    Ok(())
}
