//! The permissions over a consult. A pure function; anything not named is hidden.

use sanbao_platform::auth::Actor;
use sanbao_platform::http::Ctx;
use sanbao_platform::listed_enum;
use sanbao_platform::policy::Decision;
use sanbao_platform::problem::Problem;

use super::model::Consult;
use super::state::{ConsultStateName, ConsultStepName};
use super::timing::is_due;
use crate::account::AccountId;
use crate::role::{self, ADMINISTRATOR, CARE_STAFF, DOCTOR};

listed_enum! {
    /// The action that somebody wants to take.
    pub enum ConsultAction {
        /// See state, people, case summary and history.
        Read,
        /// Write, change or send the invitation.
        Invite,
        /// Accept, return or refuse it.
        Answer,
        /// Give it doctor, room and time, or others.
        Schedule,
        /// Say that it will be late.
        Delay,
        /// Call it off.
        Cancel,
        /// Record or withdraw consent.
        Consent,
        /// Enter the room as the inviting side.
        Host,
        /// Enter the room as the doctor.
        Attend,
        /// Make links for the family.
        InviteGuest,
        /// See the people of the own side who hold tickets, and take those back.
        RevokeTicket,
        /// End the meeting without the room.
        Finish,
        /// Say that somebody did not come.
        NoShow,
        /// Write and sign the opinion.
        Opinion,
        /// Read the signed opinion.
        ReadOpinion,
        /// Say what was done with it, close the file.
        Adopt,
    }
}

listed_enum! {
    /// How somebody stands to a consult.
    pub enum ConsultRelation {
        /// Of the organisation that invites.
        Inviting,
        /// A doctor of the invited hospital and the wanted specialty, while nobody has taken it on.
        Wanted,
        /// The doctor who took it on or is booked.
        Booked,
        /// Anybody else of the invited hospital.
        Invited,
        /// Of another organisation; and anybody but the inviting side while it is a draft.
        Stranger,
    }
}

/// Whether `role` may do `action` with a consult to which it stands in `relation`.
pub fn decide(role: &str, action: ConsultAction, relation: ConsultRelation) -> Decision {
    use ConsultAction as A;
    use ConsultRelation as R;
    let allowed: &[A] = match (role, relation) {
        (CARE_STAFF, R::Inviting) => &[
            A::Read,
            A::Invite,
            A::Schedule,
            A::Delay,
            A::Cancel,
            A::Consent,
            A::Host,
            A::InviteGuest,
            A::RevokeTicket,
            A::NoShow,
            A::ReadOpinion,
            A::Adopt,
        ],
        (DOCTOR, R::Wanted) => &[A::Read, A::Answer],
        (DOCTOR, R::Booked) => &[
            A::Read,
            A::Answer,
            A::Schedule,
            A::Delay,
            A::Cancel,
            A::Attend,
            A::RevokeTicket,
            A::Finish,
            A::NoShow,
            A::Opinion,
            A::ReadOpinion,
        ],
        (ADMINISTRATOR, R::Wanted | R::Booked | R::Invited) => {
            &[A::Read, A::Schedule, A::Delay, A::Cancel, A::RevokeTicket, A::ReadOpinion]
        }
        _ => return Decision::Hide,
    };
    if allowed.contains(&action) { Decision::Allow } else { Decision::Forbid }
}

/// Whether `role` may invite at all.
pub fn may_invite(role: &str) -> Decision {
    if role == CARE_STAFF { Decision::Allow } else { Decision::Forbid }
}

impl Consult {
    /// How the actor stands to it; `specialty` is the actor's own, if a doctor.
    pub fn relation(&self, actor: &Actor, specialty: Option<&str>) -> ConsultRelation {
        if self.invited_by(actor) {
            return ConsultRelation::Inviting;
        }
        if actor.organisation != self.invited.id || self.state.name() == ConsultStateName::Draft {
            return ConsultRelation::Stranger;
        }
        match self.state.doctor() {
            Some(doctor) if doctor == AccountId::from(actor.subject) => ConsultRelation::Booked,
            None if specialty == Some(self.wanted_specialty.as_str()) => ConsultRelation::Wanted,
            _ => ConsultRelation::Invited,
        }
    }

    /// Whether the actor may do it: 404, 403 or nothing.
    pub fn require(&self, actor: &Actor, specialty: Option<&str>, action: ConsultAction) -> Result<(), Problem> {
        self.decide(actor, specialty, action).require()
    }

    /// The policy's answer for the actor.
    pub fn decide(&self, actor: &Actor, specialty: Option<&str>, action: ConsultAction) -> Decision {
        let relation = self.relation(actor, specialty);
        Decision::over(role::held(actor), |role| decide(role, action, relation))
    }
}

/// How a caller stands to a consult, now.
#[derive(Clone, Copy, Debug)]
pub struct ConsultStance {
    /// To which side the caller belongs, and how.
    pub relation: ConsultRelation,
    missable: bool,
    endable: bool,
    /// Whether a booked time has not begun: before that it may be exchanged, and returned.
    upcoming: bool,
}

impl ConsultStance {
    /// How the caller stands; `specialty` is the caller's own, if a doctor.
    pub fn of(ctx: &Ctx, consult: &Consult, specialty: Option<&str>) -> Self {
        Self {
            relation: consult.relation(&ctx.actor, specialty),
            missable: is_due(&consult.state, ConsultStepName::NoShow, ctx.now()),
            endable: is_due(&consult.state, ConsultStepName::Finish, ctx.now()),
            upcoming: is_due(&consult.state, ConsultStepName::Exchange, ctx.now()),
        }
    }

    /// Whether the time of a step has come.
    pub fn is_due(&self, step: ConsultStepName) -> bool {
        match step {
            ConsultStepName::NoShow => self.missable,
            ConsultStepName::Finish => self.endable,
            ConsultStepName::Exchange | ConsultStepName::Return => self.upcoming,
            _ => true,
        }
    }

    /// Whether the caller may do `action`.
    pub fn decide(&self, ctx: &Ctx, action: ConsultAction) -> Decision {
        Decision::over(role::held(&ctx.actor), |role| decide(role, action, self.relation))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_grid() {
        let grid = sanbao_platform::policy::grid(crate::role::ALL, ConsultAction::ALL, ConsultRelation::ALL, decide);
        insta::assert_snapshot!("consult_policy", grid);
    }
}
