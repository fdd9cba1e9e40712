//! Several telephones of one person, each with whose it is. The first is the one that is called.

use sanbao_platform::cn::{DiallingCode, mask_phone};
use sanbao_platform::text_enum;
use serde::{Deserialize, Serialize};
use sqlx::types::Json;
use utoipa::ToSchema;

use super::model::Person;
use crate::account::input::{Fields, Wrong, telephone};

/// Telephones of one person at most.
const PHONES_MAX: usize = 8;

text_enum! {
    /// The person who answers at a telephone.
    #[derive(Default)]
    pub enum PhoneOwner {
        /// 本人
        #[default]
        Own = "own",
        /// 老伴
        Spouse = "spouse",
        /// 女儿
        Daughter = "daughter",
        /// 儿子
        Son = "son",
        /// 亲戚
        Relative = "relative",
        /// 邻居
        Neighbour = "neighbour",
        /// 保姆、护工
        Carer = "carer",
        /// Somebody else.
        Other = "other",
    }
}

/// A telephone by which a person is reached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PersonPhone {
    /// A telephone number of any kind.
    pub number: String,
    /// Whose it is.
    #[serde(default)]
    pub whose: PhoneOwner,
}

/// A telephone, masked.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct PhoneView {
    /// `138****5678`
    pub number: String,
    pub whose: PhoneOwner,
}

impl Person {
    /// All telephones, the first one first.
    pub(super) fn all_phones(&self) -> Vec<PersonPhone> {
        let first = || self.phone.iter().map(|number| PersonPhone { number: number.clone(), whose: PhoneOwner::Own });
        self.phones.as_ref().map_or_else(|| first().collect(), |phones| phones.0.clone())
    }

    /// The same, masked.
    pub(super) fn masked_phones(&self) -> Vec<PhoneView> {
        let view = |phone: PersonPhone| PhoneView { number: mask_phone(&phone.number), whose: phone.whose };
        self.all_phones().into_iter().map(view).collect()
    }

    /// Takes all telephones; the first is the one that is called.
    pub(super) fn set_phones(&mut self, phones: Vec<PersonPhone>) {
        self.phone = phones.first().map(|phone| phone.number.clone());
        let alone = phones.iter().all(|phone| phone.whose == PhoneOwner::Own) && phones.len() < 2;
        self.phones = (!alone).then_some(Json(phones));
    }

    /// Follows a first telephone that was corrected by itself: one that was taken out makes room for the next.
    pub(super) fn follow_phone(&mut self) {
        let Some(Json(mut phones)) = self.phones.take() else { return };
        match &self.phone {
            Some(number) if phones.first().is_none_or(|first| first.number != *number) => {
                phones.retain(|phone| phone.number != *number);
                let first = PersonPhone { number: number.clone(), whose: PhoneOwner::Own };
                if phones.is_empty() {
                    phones.push(first);
                } else {
                    phones[0] = first;
                }
            }
            Some(_) => {}
            None if phones.is_empty() => {}
            None => drop(phones.remove(0)),
        }
        self.set_phones(phones);
    }
}

/// The telephones as they are kept, each number once; every wrong one is told at its place.
pub(super) fn checked(
    fields: &mut Fields,
    told: &[PersonPhone],
    own: Option<&DiallingCode>,
) -> Option<Vec<PersonPhone>> {
    if told.len() > PHONES_MAX {
        let wrong = Wrong {
            zh: format!("最多 {PHONES_MAX} 个电话").into(),
            en: format!("{PHONES_MAX} telephones at most").into(),
        };
        return fields.take("/phones", Err(wrong));
    }
    let mut phones: Vec<PersonPhone> = Vec::new();
    for (at, phone) in told.iter().enumerate() {
        let number = fields.take(&format!("/phones/{at}/number"), telephone(&phone.number, own))?;
        if !phones.iter().any(|known| known.number == number.as_str()) {
            phones.push(PersonPhone { number: number.as_str().to_owned(), whose: phone.whose });
        }
    }
    Some(phones)
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use uuid::Uuid;

    use super::*;
    use crate::account::id::PersonId;

    fn phones(person: &Person) -> Vec<(String, PhoneOwner)> {
        person.all_phones().into_iter().map(|phone| (phone.number, phone.whose)).collect()
    }

    fn phone(number: &str, whose: PhoneOwner) -> PersonPhone {
        PersonPhone { number: number.into(), whose }
    }

    #[test]
    fn the_first_is_the_one_that_is_called() {
        use PhoneOwner::{Daughter, Own};
        let mut person = Person::blank(PersonId(Uuid::nil()), None, DateTime::UNIX_EPOCH);
        assert_eq!(phones(&person), []);
        person.phone = Some("1".into());
        person.follow_phone();
        assert_eq!((phones(&person), person.phones.is_none()), (vec![("1".into(), Own)], true));
        person.set_phones(vec![phone("2", Daughter), phone("3", Own), phone("4", Own)]);
        assert_eq!(person.phone.as_deref(), Some("2"));
        person.phone = Some("3".into());
        person.follow_phone();
        assert_eq!(phones(&person), [("3".into(), Own), ("4".into(), Own)], "it replaces the first, and stands once");
        person.phone = None;
        person.follow_phone();
        assert_eq!((phones(&person), person.phone.as_deref()), (vec![("4".into(), Own)], Some("4")));
        person.phone = None;
        person.follow_phone();
        assert_eq!(phones(&person), []);
        person.set_phones(vec![phone("5", Daughter)]);
        assert_eq!(phones(&person), [("5".into(), Daughter)]);
        person.set_phones(Vec::new());
        assert_eq!((phones(&person), person.phone), (vec![], None));
    }
}
