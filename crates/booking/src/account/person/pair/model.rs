//! Why two records may be of one person.

use sanbao_platform::text_enum;

use super::similar::similar;
use crate::account::person::model::Person;

text_enum! {
    /// A sign that two records are of one person.
    pub enum PairSign {
        /// Both have the same paper.
        SamePaper = "same_paper",
        /// The same telephone and a similar name.
        SamePhone = "same_phone",
        /// The same birth date and area, and a similar name.
        SameBirthDate = "same_birth_date",
    }
}

impl PairSign {
    /// The signs that two records show together.
    pub fn of(one: &Person, other: &Person) -> Vec<Self> {
        let same = |a: &Option<String>, b: &Option<String>| a.is_some() && a == b;
        let named = similar(&one.name, &other.name);
        let born = one.birth_date.is_some() && one.birth_date == other.birth_date;
        let shows = |sign: &Self| match sign {
            Self::SamePaper => {
                same(&one.national_id_index, &other.national_id_index) || same(&one.paper_index, &other.paper_index)
            }
            Self::SamePhone => named && same(&one.phone, &other.phone),
            Self::SameBirthDate => named && born && same(&one.area_code, &other.area_code),
        };
        Self::ALL.iter().copied().filter(shows).collect()
    }
}
