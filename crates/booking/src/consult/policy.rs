//! Who may do what with a consult. A pure function; anything not named is hidden.

use sanbao_platform::policy::Decision;

use crate::role::{ADMINISTRATOR, CARE_STAFF, DOCTOR};

/// What somebody wants to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
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
    /// See who of the own side holds tickets, and take them back.
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

impl Action {
    /// All of them, in the order of the grid.
    pub const ALL: [Self; 16] = [
        Self::Read,
        Self::Invite,
        Self::Answer,
        Self::Schedule,
        Self::Delay,
        Self::Cancel,
        Self::Consent,
        Self::Host,
        Self::Attend,
        Self::InviteGuest,
        Self::RevokeTicket,
        Self::Finish,
        Self::NoShow,
        Self::Opinion,
        Self::ReadOpinion,
        Self::Adopt,
    ];
}

/// How somebody stands to a consult.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relation {
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

impl Relation {
    /// All of them, in the order of the grid.
    pub const ALL: [Self; 5] = [Self::Inviting, Self::Wanted, Self::Booked, Self::Invited, Self::Stranger];
}

/// Whether `role` may do `action` with a consult to which it stands in `relation`.
pub fn decide(role: &str, action: Action, relation: Relation) -> Decision {
    let allowed: &[Action] = match (role, relation) {
        (CARE_STAFF, Relation::Inviting) => &[
            Action::Read,
            Action::Invite,
            Action::Schedule,
            Action::Delay,
            Action::Cancel,
            Action::Consent,
            Action::Host,
            Action::InviteGuest,
            Action::RevokeTicket,
            Action::NoShow,
            Action::ReadOpinion,
            Action::Adopt,
        ],
        (DOCTOR, Relation::Wanted) => &[Action::Read, Action::Answer],
        (DOCTOR, Relation::Booked) => &[
            Action::Read,
            Action::Answer,
            Action::Schedule,
            Action::Delay,
            Action::Cancel,
            Action::Attend,
            Action::RevokeTicket,
            Action::Finish,
            Action::NoShow,
            Action::Opinion,
            Action::ReadOpinion,
        ],
        (ADMINISTRATOR, Relation::Wanted | Relation::Booked | Relation::Invited) => {
            &[Action::Read, Action::Schedule, Action::Delay, Action::Cancel, Action::RevokeTicket, Action::ReadOpinion]
        }
        _ => return Decision::Hide,
    };
    if allowed.contains(&action) { Decision::Allow } else { Decision::Forbid }
}

/// Whether `role` may invite at all.
pub fn may_invite(role: &str) -> Decision {
    if role == CARE_STAFF { Decision::Allow } else { Decision::Forbid }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_grid() {
        let grid = sanbao_platform::policy::grid(crate::role::ALL, &Action::ALL, &Relation::ALL, decide);
        insta::assert_snapshot!("consult_policy", grid);
    }
}
