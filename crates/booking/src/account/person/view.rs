//! A person as those who care see it: masked where the whole is not needed.

use chrono::{DateTime, NaiveDate, Utc};
use sanbao_platform::audit::{Disclosure, Personal, Subject};
use sanbao_platform::cn::{Paper, PaperDoubt, PaperKind, is_doubtful_name, mask_phone};
use sanbao_platform::crypto::{FieldKeys, Unsealable};
use sanbao_platform::id::OrganisationId;
use sanbao_platform::lifecycle::State as _;
use sanbao_platform::text_enum;
use serde::Serialize;
use utoipa::ToSchema;

use super::model::Person;
use super::open::OpenView;
use super::phones::PhoneView;
use super::state::PersonStateName;
use crate::account::id::PersonId;
use crate::account::input::Sex;

text_enum! {
    /// Something about a record that somebody should look at: it was kept as it was given.
    pub enum PersonWarning {
        /// Characters of the name were lost on the way: `?`, U+FFFD or private ones stand in their place.
        NameDoubtful = "name_doubtful",
        /// The text of a paper is no number of any kind.
        PaperUnreadable = "paper_unreadable",
        /// A spreadsheet has rounded the number of a paper: its last digits are lost.
        PaperRounded = "paper_rounded",
    }
}

impl PersonWarning {
    /// The warnings of a record with this paper beside its resident id.
    fn of(name: &str, paper: Option<&Paper>) -> Vec<Self> {
        let paper = paper.and_then(Paper::doubt).map(|doubt| match doubt {
            PaperDoubt::Rounded => Self::PaperRounded,
            PaperDoubt::Unreadable => Self::PaperUnreadable,
        });
        is_doubtful_name(name).then_some(Self::NameDoubtful).into_iter().chain(paper).collect()
    }
}

/// A paper of a person, masked.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct PaperView {
    pub kind: PaperKind,
    /// `E****5678`; none where there is no paper yet, or where it cannot be read.
    pub number: Option<String>,
}

/// A person, with the numbers of papers and telephones masked.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct PersonView {
    pub id: PersonId,
    /// The care home, or none for an elder at home.
    #[schema(value_type = Option<uuid::Uuid>)]
    pub organisation_id: Option<OrganisationId>,
    pub name: String,
    pub sex: Sex,
    pub birth_date: Option<NaiveDate>,
    /// `138****5678`
    pub phone: Option<String>,
    /// Every telephone with whose it is, the first one first.
    pub phones: Vec<PhoneView>,
    /// `330211********1234`
    pub national_id: Option<String>,
    /// There is a national id, and it cannot be read.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub national_id_unreadable: bool,
    /// Every paper that is known, the resident id first.
    pub papers: Vec<PaperView>,
    /// Street address.
    pub address: Option<String>,
    pub area_code: Option<String>,
    /// Guardian's or closest relative's name.
    pub guardian_name: Option<String>,
    /// `138****5678`
    pub guardian_phone: Option<String>,
    pub state: PersonStateName,
    /// The last day of somebody who has died or left.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended_on: Option<NaiveDate>,
    /// The things about the record that somebody should look at.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<PersonWarning>,
    pub created_at: DateTime<Utc>,
    /// Counts its changes; the `ETag`.
    pub version: i64,
}

impl PersonView {
    pub(crate) fn of(person: Personal<Person>, shows: &Disclosure, keys: &FieldKeys) -> Self {
        let of = Subject::new("person", person.unseen().id);
        Self::masked(person.shown(shows, &of), keys)
    }

    /// The view of data that was opened for an answer.
    pub(super) fn masked(person: Person, keys: &FieldKeys) -> Self {
        let national_id = person.masked_national_id(keys);
        let paper = person.other_paper(keys);
        let warnings = PersonWarning::of(&person.name, paper.as_ref().ok().and_then(Option::as_ref));
        let papers = papers_of(&person, keys);
        let phones = person.masked_phones();
        let phone = |phone: Option<String>| phone.map(|p| mask_phone(&p));
        Self {
            id: person.id,
            organisation_id: person.organisation_id,
            name: person.name,
            sex: person.sex,
            birth_date: person.birth_date,
            phone: phone(person.phone),
            national_id_unreadable: national_id.is_err(),
            national_id: national_id.ok().flatten(),
            papers,
            phones,
            warnings,
            state: person.state.name(),
            ended_on: person.state.ended_on(),
            address: person.address,
            area_code: person.area_code,
            guardian_name: person.guardian_name,
            guardian_phone: phone(person.guardian_phone),
            created_at: person.created_at,
            version: person.version,
        }
    }
}

/// The papers of a person, masked; one that does not open has no number.
fn papers_of(person: &Person, keys: &FieldKeys) -> Vec<PaperView> {
    let masked = |paper: &Paper| Some(paper.masked()).filter(|mask| !mask.is_empty());
    let resident = person.national_id_sealed.is_some().then(|| match person.national_id(keys) {
        Ok(Some(number)) => {
            let paper = Paper::kept(PaperKind::of_resident_id(&number), number);
            PaperView { kind: paper.kind(), number: masked(&paper) }
        }
        _ => PaperView { kind: PaperKind::ResidentId, number: None },
    });
    let other = person.paper_kind.map(|kind| {
        let paper = person.other_paper(keys).ok().flatten();
        PaperView { kind, number: paper.as_ref().and_then(masked) }
    });
    resident.into_iter().chain(other).collect()
}

/// A person after a step, with what is open still.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct EndedView {
    #[serde(flatten)]
    pub person: PersonView,
    /// Consults and visits that are not done: of somebody who has died or left those that had begun.
    pub open: Vec<OpenView>,
}

/// A person who was just registered.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct RegisteredView {
    #[serde(flatten)]
    pub person: PersonView,
    /// Records that may be of the same person, of those whom the caller may see: to be joined, or to be declined.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub perhaps_same: Vec<PersonId>,
}

/// A paper with its whole number.
#[derive(Serialize, ToSchema)]
pub struct WholePaper {
    pub kind: PaperKind,
    /// As it stands on the paper, or the text that was given.
    pub number: String,
}

/// The papers of a person, with their whole numbers.
#[derive(Serialize, ToSchema)]
pub struct PapersView {
    /// The resident id first.
    pub papers: Vec<WholePaper>,
}

impl PapersView {
    /// The papers of a person; an error when one of them does not open.
    pub(super) fn of(person: &Person, keys: &FieldKeys) -> Result<Self, Unsealable> {
        let resident = person.national_id(keys)?;
        let resident = resident.map(|number| Paper::kept(PaperKind::of_resident_id(&number), number));
        let papers = resident.into_iter().chain(person.other_paper(keys)?);
        let whole = |paper: Paper| WholePaper { kind: paper.kind(), number: paper.as_str().to_owned() };
        Ok(Self { papers: papers.filter(|paper| !paper.as_str().is_empty()).map(whole).collect() })
    }
}

/// The whole national id.
#[derive(Serialize, ToSchema)]
pub struct NationalIdView {
    /// As it stands on the card.
    pub national_id: String,
}
