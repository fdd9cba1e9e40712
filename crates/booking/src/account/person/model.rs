//! A person as stored. The numbers of papers lie there sealed; their blind indexes find them again.

use chrono::{DateTime, NaiveDate, Utc};
use sanbao_platform::cn::{Paper, PaperKind, ResidentId, half_width, mask_resident_id};
use sanbao_platform::crypto::{FieldKeys, Unsealable};
use sanbao_platform::http::Ctx;
use sanbao_platform::id::OrganisationId;
use sanbao_platform::problem::Problem;
use sqlx::types::Json;

use super::phones::PersonPhone;
use super::state::{EndKind, PersonState, PersonStateName};
use crate::account::id::PersonId;
use crate::account::input::{Sex, sex_of};
use crate::account::organisation::{Organisation, OrganisationKind};
use crate::account::policy::{self, AccountAction, AccountRelation};

/// A person as stored.
#[derive(Clone, sqlx_macros::FromRow)]
pub struct Person {
    /// Its id: also its resource in the calendar.
    pub id: PersonId,
    /// The care home, or none for an elder at home.
    pub organisation_id: Option<OrganisationId>,
    /// Of an elder at home, the organisation that registered the person; none for one whom a request brought.
    pub registered_by: Option<OrganisationId>,
    pub name: String,
    pub sex: Sex,
    pub birth_date: Option<NaiveDate>,
    /// Telephone: the first, where there are several.
    pub phone: Option<String>,
    /// All of them with whose they are; none where nothing is known but `phone`.
    pub(super) phones: Option<Json<Vec<PersonPhone>>>,
    pub(super) national_id_sealed: Option<Vec<u8>>,
    pub(super) national_id_index: Option<String>,
    /// The blind index of its last four characters.
    pub(super) national_id_tail: Option<String>,
    /// The kind of the paper that is no resident id, or that there is none yet.
    pub(super) paper_kind: Option<PaperKind>,
    /// Its kind and number, or the text that was given.
    pub(super) paper_sealed: Option<Vec<u8>>,
    /// None of a text that could not be read.
    pub(super) paper_index: Option<String>,
    /// The blind index of its last four characters.
    pub(super) paper_tail: Option<String>,
    /// Street address.
    pub address: Option<String>,
    pub area_code: Option<String>,
    /// Guardian's or closest relative's name.
    pub guardian_name: Option<String>,
    /// Guardian's telephone.
    pub guardian_phone: Option<String>,
    #[sqlx(flatten)]
    pub state: PersonState,
    pub created_at: DateTime<Utc>,
    /// Counts the changes; the `ETag`.
    pub version: i64,
}

/// The columns of a state.
#[derive(sqlx_macros::FromRow)]
pub(super) struct StateRow {
    state: PersonStateName,
    ended_on: Option<NaiveDate>,
}

impl<'r, R: sqlx::Row> sqlx::FromRow<'r, R> for PersonState
where
    StateRow: sqlx::FromRow<'r, R>,
{
    fn from_row(row: &'r R) -> sqlx::Result<Self> {
        let StateRow { state, ended_on } = StateRow::from_row(row)?;
        match (state, ended_on) {
            (PersonStateName::Registered, None) => Ok(Self::Registered),
            (PersonStateName::Died, Some(on)) => Ok(Self::Ended { kind: EndKind::Died, on }),
            (PersonStateName::Left, Some(on)) => Ok(Self::Ended { kind: EndKind::Left, on }),
            _ => Err(sqlx::Error::Decode("person.ended_on does not fit person.state".into())),
        }
    }
}

impl std::fmt::Debug for Person {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Person({})", self.id)
    }
}

impl Person {
    /// A person of whom nothing is known yet.
    pub(in crate::account) fn blank(
        id: PersonId,
        organisation_id: Option<OrganisationId>,
        created_at: DateTime<Utc>,
    ) -> Self {
        Self {
            id,
            organisation_id,
            registered_by: None,
            name: String::new(),
            sex: Sex::Unknown,
            birth_date: None,
            phone: None,
            phones: None,
            national_id_sealed: None,
            national_id_index: None,
            national_id_tail: None,
            paper_kind: None,
            paper_sealed: None,
            paper_index: None,
            paper_tail: None,
            address: None,
            area_code: None,
            guardian_name: None,
            guardian_phone: None,
            state: PersonState::Registered,
            created_at,
            version: 1,
        }
    }

    fn place(&self) -> String {
        super::reseal::place(self.id.0)
    }

    /// Takes a national id: sealed, indexed, and the source of birth date and sex.
    pub(in crate::account) fn set_national_id(&mut self, keys: &FieldKeys, id: &ResidentId) {
        self.national_id_sealed = Some(keys.seal(&self.place(), id.as_str()));
        self.national_id_index = Some(id.index(keys));
        self.national_id_tail = Paper::of(id).last_four().and_then(|four| paper_tail(keys, four));
        self.birth_date = Some(id.birth_date());
        self.sex = sex_of(id);
    }

    /// Takes a paper that was read: the number of a resident id as that, any other beside it.
    pub(super) fn set_paper(&mut self, keys: &FieldKeys, paper: &Paper, today: NaiveDate) {
        if let Some(id) = paper.resident_id(today) {
            self.set_national_id(keys, &id);
            if self.paper_kind == Some(PaperKind::NoneYet) {
                self.paper_kind = None;
            }
            return;
        }
        let none = paper.kind() == PaperKind::NoneYet;
        self.paper_kind = Some(paper.kind());
        self.paper_sealed = (!none).then(|| keys.seal(&super::reseal::place_of_paper(self.id.0), &paper.sealed_text()));
        self.paper_index = paper.index(keys);
        self.paper_tail = paper.last_four().and_then(|four| paper_tail(keys, four));
    }

    /// Takes the paper out that is no resident id.
    pub(super) fn clear_paper(&mut self) {
        (self.paper_kind, self.paper_sealed) = (None, None);
        (self.paper_index, self.paper_tail) = (None, None);
    }

    /// The same of another record of the same person, sealed for this one.
    pub(super) fn take_other_paper(&mut self, keys: &FieldKeys, other: &Self) -> Result<(), Unsealable> {
        let paper = other.other_paper(keys)?;
        self.paper_kind = other.paper_kind;
        self.paper_sealed =
            paper.map(|paper| keys.seal(&super::reseal::place_of_paper(self.id.0), &paper.sealed_text()));
        self.paper_index.clone_from(&other.paper_index);
        self.paper_tail.clone_from(&other.paper_tail);
        Ok(())
    }

    /// The paper that is no resident id: `Err` when it does not open, which the log says once.
    pub(super) fn other_paper(&self, keys: &FieldKeys) -> Result<Option<Paper>, Unsealable> {
        let Some(sealed) = &self.paper_sealed else {
            return Ok(self.paper_kind.map(|kind| Paper::kept(kind, String::new())));
        };
        let text = keys.open_or_report(&super::reseal::place_of_paper(self.id.0), sealed).ok_or(Unsealable)?;
        Paper::of_sealed_text(&text).map(Some).ok_or(Unsealable)
    }

    /// Takes the paper of another record of the same person, sealed for this one, or what is known of it.
    pub(super) fn take_paper(&mut self, keys: &FieldKeys, other: &Self) -> Result<(), Unsealable> {
        if let Some(number) = other.national_id(keys)? {
            self.national_id_sealed = Some(keys.seal(&self.place(), &number));
        }
        self.national_id_index.clone_from(&other.national_id_index);
        self.national_id_tail.clone_from(&other.national_id_tail);
        Ok(())
    }

    /// The blind indexes of the last four of both papers, found out from the numbers; none of one that does not open.
    pub(super) fn tails(&self, keys: &FieldKeys) -> (Option<String>, Option<String>) {
        let tail = |paper: Paper| paper.last_four().and_then(|four| paper_tail(keys, four));
        let resident = self.national_id(keys).ok().flatten();
        let resident = resident.map(|number| Paper::kept(PaperKind::of_resident_id(&number), number));
        (resident.and_then(tail), self.other_paper(keys).ok().flatten().and_then(tail))
    }

    /// The national id in the open: `Err` when it does not open, which the log says once.
    pub(super) fn national_id(&self, keys: &FieldKeys) -> Result<Option<String>, Unsealable> {
        let Some(sealed) = &self.national_id_sealed else { return Ok(None) };
        keys.open_or_report(&self.place(), sealed).map(Some).ok_or(Unsealable)
    }

    /// The same with its middle masked.
    pub(super) fn masked_national_id(&self, keys: &FieldKeys) -> Result<Option<String>, Unsealable> {
        Ok(self.national_id(keys)?.map(|id| mask_resident_id(&id)))
    }
}

/// The domain of the blind index of the last four characters of papers.
const TAIL_DOMAIN: &str = "paper_tail";

/// The blind index of four characters as those at the end of a paper; none of what cannot be these.
pub(super) fn paper_tail(keys: &FieldKeys, typed: &str) -> Option<String> {
    let four = half_width(typed).to_uppercase();
    let fits =
        four.len() == 4 && four.bytes().all(|b| b.is_ascii_alphanumeric()) && four.bytes().any(|b| b.is_ascii_digit());
    fits.then(|| keys.blind_index(TAIL_DOMAIN, &four))
}

/// Refuses an account that may register nobody.
pub(in crate::account) fn may_register(ctx: &Ctx, own: &Organisation) -> Result<(), Problem> {
    policy::of(&ctx.actor, AccountAction::PersonCreate, register(own).0).require()
}

/// Where people whom this organisation registers belong, and how its accounts stand to that place.
pub(super) fn register(own: &Organisation) -> (AccountRelation, Option<OrganisationId>) {
    match own.kind {
        OrganisationKind::CareHome => (AccountRelation::Own, Some(own.id)),
        OrganisationKind::HomeCareAgency => (AccountRelation::AtHome, None),
        OrganisationKind::StreetOffice => (AccountRelation::InArea, None),
        OrganisationKind::Hospital | OrganisationKind::HealthCentre | OrganisationKind::Community => {
            (AccountRelation::Foreign, None)
        }
    }
}
