//! The fields of a person and of a search, read and checked.

use chrono::NaiveDate;
use sanbao_platform::cn::{Paper, PaperKind, ResidentId, ResidentIdError, is_rounded, plain_name};
use sanbao_platform::moment::Day;
use sanbao_platform::problem::Problem;
use sanbao_platform::service::Deps;
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::lookup::phone_key;
use super::model::Person;
use super::phones::{self, PersonPhone};
use super::state::{Departure, EndKind};
use crate::account::input::{Fields, Sex, Wrong, area_code, line, person_name, resident_id, telephone};

/// Characters of a reason or a remark at most.
const REASON_CHARS_MAX: usize = 500;

/// Declares a body that tells of a person; whether the name must be there is the only difference.
macro_rules! person_body {
    ($(#[$meta:meta])* $body:ident { $(#[$name_meta:meta])* name: $name:ty }) => {
        #[derive(Deserialize, Serialize, ToSchema)]
        $(#[$meta])*
        pub(super) struct $body {
            $(#[$name_meta])*
            name: $name,
            /// A resident id. A number of another paper is kept as that; a text that cannot be read is kept with a warning.
            national_id: Option<String>,
            /// The kind of the paper in `paper_number`; left out, the number's form tells it.
            paper_kind: Option<PaperKind>,
            /// The number of any paper; `null` or empty takes out the one that is no resident id.
            #[serde(default, deserialize_with = "told")]
            #[schema(value_type = Option<String>)]
            paper_number: Told,
            sex: Option<Sex>,
            #[schema(value_type = Option<chrono::NaiveDate>)]
            birth_date: Option<Day>,
            /// A telephone number of any kind: a mobile, a landline with its extension, a service number, one abroad.
            #[serde(default, deserialize_with = "told")]
            #[schema(value_type = Option<String>)]
            phone: Told,
            /// Every telephone with whose it is, eight at most, in place of all that are kept; the first is `phone`.
            phones: Option<Vec<PersonPhone>>,
            /// Street address.
            #[serde(default, deserialize_with = "told")]
            #[schema(value_type = Option<String>)]
            address: Told,
            area_code: Option<String>,
            /// Guardian's or closest relative's name.
            #[serde(default, deserialize_with = "told")]
            #[schema(value_type = Option<String>)]
            guardian_name: Told,
            /// A telephone number of any kind.
            #[serde(default, deserialize_with = "told")]
            #[schema(value_type = Option<String>)]
            guardian_phone: Told,
        }
    };
}

/// A field that can be taken out: `None` where nothing is said of it, and where it is `null` or empty it goes.
type Told = Option<Option<String>>;

fn told<'de, D: Deserializer<'de>>(value: D) -> Result<Told, D::Error> {
    Option::deserialize(value).map(Some)
}

/// Puts what is told into its place.
fn put(
    fields: &mut Fields,
    pointer: &str,
    place: &mut Option<String>,
    told: Told,
    parse: impl FnOnce(&str) -> Result<String, Wrong>,
) {
    let Some(told) = told else { return };
    match told.as_deref().map(str::trim).filter(|text| !text.is_empty()) {
        Some(text) => *place = fields.take(pointer, parse(text)).or(place.take()),
        None => *place = None,
    }
}

person_body! {
    /// A new person. Birth date and sex come from the national id where there is one.
    #[schema(example = json!({"name": "陈阿婆", "national_id": "11010519491231002X", "phone": "13812345678",
        "area_code": "330211001001", "guardian_name": "陈小明", "guardian_phone": "13912345678"}))]
    NewPerson {
        /// Left out, it is told together with whatever else is wrong.
        #[serde(default)]
        #[schema(required)]
        name: String
    }
}

person_body! {
    /// The fields that may be corrected. What is left out stays; a telephone, an address or a guardian that is `null` or
    /// empty is taken out.
    #[schema(example = json!({"phone": "13812345678"}))]
    PersonChange {
        name: Option<String>
    }
}

impl From<NewPerson> for PersonChange {
    fn from(new: NewPerson) -> Self {
        Self {
            name: Some(new.name),
            national_id: new.national_id,
            paper_kind: new.paper_kind,
            paper_number: new.paper_number,
            sex: new.sex,
            birth_date: new.birth_date,
            phone: new.phone,
            phones: new.phones,
            address: new.address,
            area_code: new.area_code,
            guardian_name: new.guardian_name,
            guardian_phone: new.guardian_phone,
        }
    }
}

impl PersonChange {
    /// Applies the change to a person, all wrong fields told at once; `today` bounds birth dates.
    pub(super) fn apply(self, person: &mut Person, deps: &Deps, today: NaiveDate) -> Result<(), Problem> {
        let mut fields = Fields::default();
        if let Some(name) = self.name.and_then(|t| fields.take("/name", person_name(&t, 40))) {
            person.name = name;
        }
        person.sex = self.sex.unwrap_or(person.sex);
        if let Some(date) = self.birth_date.map(|day| *day) {
            let past = date <= today && date > today - chrono::Duration::days(366 * 130);
            let checked = past.then_some(date).ok_or(Wrong::new("出生日期不对", "Not a possible birth date"));
            person.birth_date = fields.take("/birth_date", checked).or(person.birth_date);
        }
        let papers = [
            fields.maybe("/national_id", self.national_id.as_deref(), |t| national_id(t, today)),
            told_paper(self.paper_kind, self.paper_number, person, today),
        ];
        for paper in papers.iter().flatten() {
            person.set_paper(&deps.fields, paper, today);
        }
        let own = deps.dialling_code.as_ref();
        let phone = |t: &str| telephone(t, own).map(|p| p.as_str().to_owned());
        put(&mut fields, "/phone", &mut person.phone, self.phone, phone);
        match self.phones.and_then(|told| phones::checked(&mut fields, &told, own)) {
            Some(all) => person.set_phones(all),
            None => person.follow_phone(),
        }
        put(&mut fields, "/address", &mut person.address, self.address, |t| line(t, 200));
        person.area_code = fields.maybe("/area_code", self.area_code.as_deref(), area_code).or(person.area_code.take());
        put(&mut fields, "/guardian_name", &mut person.guardian_name, self.guardian_name, |t| person_name(t, 40));
        put(&mut fields, "/guardian_phone", &mut person.guardian_phone, self.guardian_phone, phone);
        fields.done()
    }
}

/// The paper that the field of the resident id names. One that is meant as a resident id and has a digit mistyped is
/// refused, since the person who types can look again; all else is kept.
fn national_id(text: &str, today: NaiveDate) -> Result<Paper, Wrong> {
    let paper = Paper::read(None, text, today);
    if paper.kind() != PaperKind::Other || is_rounded(text) {
        return Ok(paper);
    }
    match ResidentId::parse(text, today) {
        Err(error @ (ResidentIdError::BirthDate | ResidentIdError::CheckDigit)) => {
            let (zh, en) = error.advice();
            Err(Wrong::new(zh, en))
        }
        _ => Ok(paper),
    }
}

/// The paper that was told by kind and number; a number that is `null` or empty takes the kept one out.
fn told_paper(kind: Option<PaperKind>, number: Told, person: &mut Person, today: NaiveDate) -> Option<Paper> {
    let text = match number {
        None => return kind.filter(|kind| *kind == PaperKind::NoneYet).map(|kind| Paper::read(Some(kind), "", today)),
        Some(text) => text.filter(|text| !text.trim().is_empty()),
    };
    match text {
        Some(text) => Some(Paper::read(kind, &text, today)),
        None => {
            person.clear_paper();
            None
        }
    }
}

/// How and when somebody's time in the network ended.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"kind": "died", "on": "2026-11-20", "note": "家属来电告知"}))]
pub(super) struct PersonEnding {
    kind: EndKind,
    /// The last day: not in the future.
    #[schema(value_type = chrono::NaiveDate)]
    on: Day,
    /// In people's words, up to 500 characters.
    #[serde(default)]
    note: Option<String>,
}

impl PersonEnding {
    /// The end, checked; somebody's last day lies between their birth and `today`.
    pub(super) fn checked(&self, born: Option<NaiveDate>, today: NaiveDate) -> Result<Departure, Problem> {
        let mut fields = Fields::default();
        let on = *self.on;
        let possible =
            on <= today && born.is_none_or(|born| on >= born) && on > today - chrono::Duration::days(366 * 10);
        let on = fields.take("/on", possible.then_some(on).ok_or(Wrong::new("日期不对", "Not a possible date")));
        let note = fields.maybe("/note", self.note.as_deref(), |t| line(t, REASON_CHARS_MAX));
        fields.finish(on.map(|on| Departure { kind: self.kind, on, note }))
    }
}

/// Why somebody is in the network after all.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"reason": "登记错了人"}))]
pub(super) struct PersonReturn {
    /// In people's words, up to 500 characters.
    reason: String,
}

impl PersonReturn {
    /// The reason, checked.
    pub(super) fn checked(&self) -> Result<String, Problem> {
        let mut fields = Fields::default();
        let reason = fields.take("/reason", line(&self.reason, REASON_CHARS_MAX));
        fields.finish(reason)
    }
}

/// The query of the list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct PersonQuery {
    /// The `next` of the page before.
    pub(super) after: Option<String>,
    /// Rows wanted, 1 to 200.
    pub(super) limit: Option<u32>,
    /// Part of a name, a whole telephone number or a whole national id. Dispatchers must give one.
    pub(super) q: Option<String>,
}

/// The bounds of a list.
#[derive(Debug, Default)]
pub(super) struct PersonSearch {
    /// Part of a name; for elders at home the whole name.
    pub(super) name: Option<String>,
    /// The key of a whole telephone number, any of a person's.
    pub(super) phone: Option<String>,
    /// A national id's blind index.
    pub(super) index: Option<String>,
}

impl PersonSearch {
    /// A person's sign to look for: the kind of sign is seen by its form.
    pub(super) fn of(q: Option<&str>, deps: &Deps, today: NaiveDate) -> Result<Self, Problem> {
        let mut fields = Fields::default();
        let Some(text) = fields.maybe("?q", q, |t| line(t, 60)) else {
            fields.done()?;
            return Ok(Self::default());
        };
        if let Ok(id) = resident_id(&text, today) {
            return Ok(Self { index: Some(id.index(&deps.fields)), ..Self::default() });
        }
        if let Ok(phone) = telephone(&text, deps.dialling_code.as_ref()) {
            return Ok(Self { phone: Some(phone_key(phone.as_str())), ..Self::default() });
        }
        Ok(Self { name: Some(plain_name(&text)), ..Self::default() })
    }

    /// The pattern of a part of a name; none where another sign is given.
    pub(super) fn pattern(&self) -> Option<String> {
        let all = self.phone.is_none() && self.index.is_none();
        let escaped = |text: &String| {
            let text = text.replace('!', "!!").replace('%', "!%").replace('_', "!_");
            format!("%{text}%")
        };
        self.name.as_ref().map(escaped).or_else(|| all.then(|| "%".to_owned()))
    }
}
