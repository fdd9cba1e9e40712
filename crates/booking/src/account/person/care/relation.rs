//! How the caller stands to a person, as the policy over care facts wants to know.

use sanbao_platform::db::{Conn, DbError};
use sanbao_platform::http::Ctx;
use sanbao_platform::on;
use sanbao_platform::policy::Decision;
use sanbao_platform::problem::Problem;

use super::policy::{self, CareAction, CareRelation};
use crate::account::id::PersonId;
use crate::account::person::store as persons;
use crate::account::person::transfer;
use crate::account::policy::AccountRelation;
use crate::role;

/// A visit of the caller's that is planned or under way.
const VISITING: &str = "select count(*) from visit where person_id = $1 and caregiver_id = $2 and agency_id = $3
    and state in ('scheduled', 'in_service')";
/// A consult that the caller has taken on and not finished.
const CONSULTING: &str = "select count(*) from consult where resident_id = $1 and doctor_id = $2 and invited_id = $3
    and state in ('accepted', 'scheduled', 'in_session', 'opinion_draft')";

/// The record whose care facts are meant, and all ways in which the caller stands to it.
#[derive(Debug)]
pub(super) struct CareStance {
    pub(super) person: PersonId,
    relations: Vec<CareRelation>,
}

impl CareStance {
    /// How the caller stands to the person of an id.
    pub(super) async fn of(conn: &mut Conn, ctx: &Ctx, id: PersonId) -> Result<Self, Problem> {
        let living = persons::find(conn, id).await?.ok_or_else(Problem::not_found)?;
        let person = living.unseen().id;
        let mut relations = Vec::new();
        match persons::relation(conn, ctx, living.unseen()).await? {
            AccountRelation::Own => relations.push(CareRelation::Own),
            AccountRelation::AtHome => relations.push(CareRelation::AtHome),
            AccountRelation::InArea => relations.push(CareRelation::InArea),
            _ => {
                if let Some(person) = transfer::had(conn, ctx.actor.organisation, id).await? {
                    return Ok(Self { person, relations: vec![CareRelation::Former] });
                }
            }
        }
        for (statement, relation) in [(VISITING, CareRelation::Visiting), (CONSULTING, CareRelation::Consulting)] {
            if is_so(conn, ctx, statement, person).await? {
                relations.push(relation);
            }
        }
        Ok(Self { person, relations })
    }

    /// The policy's answer for the caller: the best of the roles and of the relations.
    pub(super) fn decide(&self, ctx: &Ctx, action: CareAction) -> Decision {
        let by = |role: &str| {
            let decisions: Vec<Decision> =
                self.relations.iter().map(|relation| policy::decide(role, action, *relation)).collect();
            let has = |decision: Decision| decisions.contains(&decision);
            if has(Decision::Allow) {
                Decision::Allow
            } else if has(Decision::Forbid) {
                Decision::Forbid
            } else {
                Decision::Hide
            }
        };
        Decision::over(role::held(&ctx.actor), by)
    }

    /// Whether the caller may.
    pub(super) fn may(&self, ctx: &Ctx, action: CareAction) -> bool {
        self.decide(ctx, action) == Decision::Allow
    }
}

async fn is_so(conn: &mut Conn, ctx: &Ctx, statement: &'static str, person: PersonId) -> Result<bool, DbError> {
    let found: i64 = on!(conn, |c| {
        let row = sqlx::query_scalar(statement).bind(person).bind(ctx.actor.subject).bind(ctx.actor.organisation);
        row.fetch_one(c).await
    })?;
    Ok(found > 0)
}
