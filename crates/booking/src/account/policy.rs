//! The permissions over organisations, accounts, rooms and people: a pure function and its grid.

use sanbao_platform::auth::Actor;
use sanbao_platform::listed_enum;
use sanbao_platform::policy::Decision;
use sanbao_platform::text_enum::TextEnum as _;

use crate::account::organisation::OrganisationKind;
use crate::role::{self, ADMINISTRATOR, CARE_STAFF, DISPATCHER, DOCTOR};

listed_enum! {
    /// The actions of this part.
    pub enum AccountAction {
        /// Add an organisation to the network.
        OrganisationCreate,
        /// List the network's organisations.
        OrganisationList,
        OrganisationRead,
        /// Change its name, its telephone or its area.
        OrganisationUpdate,
        /// Close an organisation, or reopen it.
        OrganisationEnd,
        /// List or read an organisation's accounts.
        AccountRead,
        /// Add an account.
        AccountCreate,
        /// Change an account: name, roles, status, password.
        AccountUpdate,
        /// Read the audit log of what an organisation's people did.
        AuditRead,
        /// See how the installation stands, and deal with events that a consumer gave up on.
        InstallationOperate,
        /// List an organisation's rooms.
        LocationList,
        /// Add a room.
        LocationCreate,
        /// Rename, close or reopen a room.
        LocationUpdate,
        /// List or search people.
        PersonList,
        /// Register somebody.
        PersonCreate,
        /// Read one person, masked.
        PersonRead,
        /// Correct what is known of a person.
        PersonUpdate,
        /// See the whole national id.
        PersonNationalId,
        /// Give a person all that is kept of them, as a file.
        PersonExport,
        /// Set a legal hold on a record, or lift one.
        PersonHold,
        /// Take everything personal of somebody out of the network.
        PersonErase,
        /// List pairs of records that may be of one person.
        PersonPairs,
        /// Join a record with another, separate them, or say that they are of two people: asked of both.
        PersonJoin,
    }
}

listed_enum! {
    /// How the caller's organisation stands to what is acted on.
    pub enum AccountRelation {
        /// It is the caller's own organisation, or belongs to it.
        Own,
        /// The caller's street office has it in its area, or made it and nobody runs it yet.
        Governed,
        /// The caller's street office made it, and its own administrator runs it.
        Made,
        /// An elder at home whom the caller's agency visits, or visited lately, or has registered.
        AtHome,
        /// An elder at home in the area of the caller's street office, or whom it has registered.
        InArea,
        /// A person whom the caller's organisation has handed over: the record as it had it.
        Former,
        /// It belongs to somebody else.
        Foreign,
    }
}

/// Whether an action is of those by which an organisation is run.
fn runs(action: AccountAction) -> bool {
    use AccountAction as A;
    matches!(
        action,
        A::OrganisationUpdate
            | A::AccountRead
            | A::AccountCreate
            | A::AccountUpdate
            | A::LocationCreate
            | A::LocationUpdate
    )
}

/// The policy: deny by default.
pub fn decide(role: &str, action: AccountAction, relation: AccountRelation) -> Decision {
    use AccountAction as A;
    use AccountRelation as R;
    use Decision::{Allow, Forbid, Hide};
    let administrator = role == ADMINISTRATOR;
    let cares = administrator || role == CARE_STAFF;
    let allow_if = |yes: bool, otherwise: Decision| if yes { Allow } else { otherwise };
    match (action, relation) {
        // That there are organisations is no secret: a person who may not manage them is told so.
        (A::OrganisationCreate | A::OrganisationList | A::InstallationOperate, R::Governed) | (A::AuditRead, R::Own) => {
            allow_if(administrator, Forbid)
        }
        (A::OrganisationCreate | A::OrganisationList | A::InstallationOperate, _)
        | (A::PersonList | A::PersonCreate | A::PersonPairs, R::Governed | R::Made | R::Former | R::Foreign)
        | (A::OrganisationEnd, R::Own) => Forbid,
        (A::OrganisationRead | A::LocationList, R::Own) => Allow,
        (action, R::Own) if runs(action) => allow_if(administrator, Forbid),
        (action, R::Governed) if runs(action) => allow_if(administrator, Hide),
        (A::OrganisationRead | A::LocationList, R::Governed)
        // The office that made it ends it, also one that runs itself; nobody else does.
        | (A::OrganisationRead | A::OrganisationEnd, R::Made) => allow_if(administrator, Hide),
        // Its maker may know it, and not manage it. An office that governs one and did not make it does not end it.
        (action, R::Made) if runs(action) => if administrator { Forbid } else { Hide },
        (A::LocationList, R::Made) | (A::OrganisationEnd, R::Governed) => if administrator { Forbid } else { Hide },
        (A::PersonList | A::PersonCreate | A::PersonPairs, R::Own) => allow_if(cares, Forbid),
        (A::PersonUpdate | A::PersonNationalId | A::PersonExport | A::PersonJoin, R::Own) => {
            allow_if(cares, if role == DOCTOR { Forbid } else { Hide })
        }
        (A::PersonHold | A::PersonErase, R::Own) => {
            allow_if(administrator, if cares || role == DOCTOR { Forbid } else { Hide })
        }
        // A quarrel may be about the time before somebody was handed over.
        (A::PersonHold, R::Former) => {
            allow_if(administrator, if cares || role == DOCTOR || role == DISPATCHER { Forbid } else { Hide })
        }
        (A::PersonHold | A::PersonErase, R::InArea) => {
            allow_if(administrator, if role == DISPATCHER { Forbid } else { Hide })
        }
        (A::PersonRead, R::Own) => allow_if(cares || role == DOCTOR, Hide),
        (A::PersonList | A::PersonPairs, R::InArea) => allow_if(administrator || role == DISPATCHER, Forbid),
        // Nothing is done to it any more: what is asked for then is the living record, which is another's.
        (A::PersonRead, R::Former) => allow_if(cares || role == DOCTOR || role == DISPATCHER, Hide),
        (A::PersonRead, R::InArea) => allow_if(administrator || role == DISPATCHER, Hide),
        (A::PersonUpdate | A::PersonNationalId | A::PersonExport | A::PersonJoin, R::InArea) if administrator => Forbid,
        (A::PersonList | A::PersonCreate | A::PersonPairs, R::AtHome) | (A::PersonCreate, R::InArea) => {
            allow_if(role == DISPATCHER, Forbid)
        }
        (A::PersonRead | A::PersonUpdate | A::PersonExport | A::PersonJoin, R::AtHome)
        | (A::PersonUpdate | A::PersonExport | A::PersonJoin, R::InArea) => {
            allow_if(role == DISPATCHER, Hide)
        }
        (A::PersonNationalId, R::AtHome | R::InArea) | (A::PersonHold | A::PersonErase, R::AtHome)
            if role == DISPATCHER => Forbid,
        _ => Hide,
    }
}

/// The decision for an actor: the best of its roles.
pub fn of(actor: &Actor, action: AccountAction, relation: AccountRelation) -> Decision {
    Decision::over(role::held(actor), |role| decide(role, action, relation))
}

/// Whether an actor runs the installation: the administrators of a street office do.
pub fn operates(actor: &Actor) -> Decision {
    let office = OrganisationKind::from_text(&actor.kind) == Some(OrganisationKind::StreetOffice);
    let relation = if office { AccountRelation::Governed } else { AccountRelation::Own };
    of(actor, AccountAction::InstallationOperate, relation)
}
