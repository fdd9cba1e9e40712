//! The fields of a person in which two records of one person may differ, each as a text.

use chrono::NaiveDate;
use sanbao_platform::text_enum;

use super::model::Person;
use crate::account::input::Sex;

text_enum! {
    /// A field of a person.
    pub enum PersonField {
        Name = "name",
        Sex = "sex",
        BirthDate = "birth_date",
        /// The paper: never read as a number here, only by its blind index.
        NationalId = "national_id",
        /// The paper that is no resident id: by its blind index too.
        Paper = "paper",
        Phone = "phone",
        Address = "address",
        AreaCode = "area_code",
        GuardianName = "guardian_name",
        GuardianPhone = "guardian_phone",
    }
}

impl PersonField {
    /// The field's value; none where nothing is known.
    pub fn read(self, person: &Person) -> Option<String> {
        match self {
            Self::Name => Some(person.name.clone()),
            Self::Sex => Some(person.sex).filter(|sex| *sex != Sex::Unknown).map(|sex| sex.as_str().to_owned()),
            Self::BirthDate => person.birth_date.map(|date| date.to_string()),
            Self::NationalId => person.national_id_index.clone(),
            Self::Paper => {
                // A text that could not be read is of nobody in particular.
                let kept = person.paper_sealed.is_some().then(|| "unread".to_owned());
                person.paper_index.clone().or(kept)
            }
            Self::Phone => person.phone.clone(),
            Self::Address => person.address.clone(),
            Self::AreaCode => person.area_code.clone(),
            Self::GuardianName => person.guardian_name.clone(),
            Self::GuardianPhone => person.guardian_phone.clone(),
        }
    }

    /// Gives the field a value that was read of it. A paper is no text: nothing is written of it here.
    pub fn write(self, person: &mut Person, value: Option<String>) {
        match self {
            Self::Name => person.name = value.unwrap_or_default(),
            Self::Sex => {
                let known = Sex::ALL.iter().find(|sex| Some(sex.as_str()) == value.as_deref());
                person.sex = known.copied().unwrap_or_default();
            }
            Self::BirthDate => person.birth_date = value.and_then(|text| text.parse::<NaiveDate>().ok()),
            Self::NationalId | Self::Paper => {}
            Self::Phone => person.phone = value,
            Self::Address => person.address = value,
            Self::AreaCode => person.area_code = value,
            Self::GuardianName => person.guardian_name = value,
            Self::GuardianPhone => person.guardian_phone = value,
        }
    }

    /// The fields in which two records say different things.
    pub fn differing(one: &Person, other: &Person) -> Vec<Self> {
        let differs = |field: &Self| match (field.read(one), field.read(other)) {
            (Some(here), Some(there)) => here != there,
            _ => false,
        };
        Self::ALL.iter().copied().filter(differs).collect()
    }
}
