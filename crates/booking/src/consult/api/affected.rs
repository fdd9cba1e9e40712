//! Consults for which a change of hours leaves no time, and what the caller may do with each.

use chrono::{DateTime, Utc};
use sanbao_platform::db::Conn;
use sanbao_platform::http::Ctx;
use sanbao_platform::policy::Decision;
use sanbao_platform::problem::Problem;
use serde::Serialize;
use utoipa::ToSchema;

use super::hours::{ExceptionView, HoursView};
use crate::consult::id::ConsultId;
use crate::consult::model::{Consult, OrganisationName};
use crate::consult::policy::ConsultAction;
use crate::consult::practitioner::affected::at_stake;
use crate::consult::{store, view};

/// A consult outside the hours. A booked one stays booked until somebody moves it, gives it to another doctor or calls it off; one that
/// only asks for the time gets none when it is taken on.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct AffectedConsult {
    /// Absent where the caller may not read the consult.
    pub consult_id: Option<ConsultId>,
    pub starts_at: DateTime<Utc>,
    /// Up to, and without.
    pub ends_at: DateTime<Utc>,
    /// Whether the time is only held, for an invitation that waits for its answer.
    pub held: bool,
    /// The care home to be told; absent likewise.
    pub inviting: Option<OrganisationName>,
    /// The steps that the caller may take.
    pub actions: Vec<&'static str>,
}

/// Hours as they are after a change.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct HoursChanged {
    #[serde(flatten)]
    pub hours: HoursView,
    /// The booked consults for which this change leaves no time.
    pub affected: Vec<AffectedConsult>,
    /// Whether there are more of them than are named.
    pub more: bool,
}

/// An exception as it is after it was added.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ExceptionAdded {
    #[serde(flatten)]
    pub exception: ExceptionView,
    /// The booked consults of the day for which there is no time.
    pub affected: Vec<AffectedConsult>,
    /// Whether there are more of them than are named.
    pub more: bool,
}

/// The consults as the caller may see them.
pub async fn seen(conn: &mut Conn, ctx: &Ctx, consults: &[Consult]) -> Result<Vec<AffectedConsult>, Problem> {
    let specialty = store::specialty_of(conn, &ctx.actor).await?;
    let specialty = specialty.as_deref();
    let of = |consult: &Consult| {
        let time = at_stake(consult)?;
        let readable = consult.decide(&ctx.actor, specialty, ConsultAction::Read) == Decision::Allow;
        Some(AffectedConsult {
            consult_id: readable.then_some(consult.id),
            starts_at: time.starts_at(),
            ends_at: time.ends_at(),
            held: consult.state.appointment().is_none(),
            inviting: readable.then(|| consult.inviting.clone()),
            actions: if readable { view::actions(consult, ctx, specialty) } else { Vec::new() },
        })
    };
    Ok(consults.iter().filter_map(of).collect())
}
