//! Joins as those see them who may join.

use chrono::{DateTime, Utc};
use sanbao_platform::db::Conn;
use sanbao_platform::http::Ctx;
use sanbao_platform::id::OrganisationId;
use sanbao_platform::problem::Problem;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::calendar::{self, ConflictRow};
use super::model::Join;
use super::store::{self, JoinRow};
use crate::account::id::PersonId;
use crate::account::person::PersonView;

/// A record that went into another.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct JoinView {
    /// Its id, which leads on.
    pub other: PersonId,
    pub joined_at: DateTime<Utc>,
    /// The person who joined the two.
    pub joined_by_name: String,
    /// Until then it can be undone.
    pub undo_until: DateTime<Utc>,
    /// Consults that came with it.
    pub consults: i64,
    /// Visits that came with it.
    pub visits: i64,
}

/// Something for which a person's time is taken.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct TimeTaken {
    /// `consult` or `visit`.
    pub kind: String,
    /// Its id, where it is the caller's organisation's.
    pub id: Option<Uuid>,
    pub starts_at: DateTime<Utc>,
    pub ends_at: DateTime<Utc>,
}

/// Two bookings of one person at one time. Both stand, until somebody gives one of them another time.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ConflictView {
    /// The booking of the joined record.
    pub taken: TimeTaken,
    /// The booking of the surviving record.
    pub by: TimeTaken,
}

/// The joins into a person's record that stand, and the conflicts of times that they have brought.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct JoinsView {
    /// The newest first.
    pub joins: Vec<JoinView>,
    /// Those that are not over, at most 100.
    pub conflicts: Vec<ConflictView>,
}

/// A person after a join.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct JoinedView {
    /// The surviving record.
    pub person: PersonView,
    /// The records that went into it, and conflicts of times.
    #[serde(flatten)]
    pub joined: JoinsView,
}

/// Two records after they were separated.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct SeparatedView {
    /// The record that survived.
    pub person: PersonView,
    /// The record that is one of its own again.
    pub other: PersonView,
}

impl From<JoinRow> for JoinView {
    fn from(row: JoinRow) -> Self {
        let JoinRow { id, other_id, joined_at, joined_by_name, consults, visits } = row;
        let undo_until = Join { id, survivor_id: other_id, other_id, joined_at }.undo_until();
        Self { other: other_id, joined_at, joined_by_name, undo_until, consults, visits }
    }
}

impl ConflictView {
    fn of(row: ConflictRow, own: OrganisationId) -> Self {
        let id = |id, of: Option<OrganisationId>| (of == Some(own)).then_some(id);
        let taken = TimeTaken {
            id: id(row.id, row.organisation_id),
            kind: row.kind,
            starts_at: row.starts_at,
            ends_at: row.ends_at,
        };
        let by = TimeTaken {
            id: id(row.with_id, row.with_organisation_id),
            kind: row.with_kind,
            starts_at: row.with_starts_at,
            ends_at: row.with_ends_at,
        };
        Self { taken, by }
    }
}

impl JoinsView {
    /// The joins into a record, as the caller may see them.
    pub(in crate::account) async fn of(conn: &mut Conn, ctx: &Ctx, survivor: PersonId) -> Result<Self, Problem> {
        let joins = store::list(conn, survivor).await?.into_iter().map(JoinView::from).collect();
        let conflicts = calendar::conflicts(conn, ctx.now(), survivor).await?;
        let conflicts = conflicts.into_iter().map(|row| ConflictView::of(row, ctx.actor.organisation)).collect();
        Ok(Self { joins, conflicts })
    }
}
