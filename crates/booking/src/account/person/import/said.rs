//! The fields of a record as a file says them, and what of a record is still as the file left it.

use std::collections::BTreeMap;

use sanbao_platform::crypto::{FieldKeys, Unsealable};
use sanbao_platform::text_enum;

use crate::account::input::Sex;
use crate::account::person::model::Person;

/// The domain of the keyed hashes of fields.
const DOMAIN: &str = "person_import.field";

text_enum! {
    /// A field that a file tells of a person.
    pub enum SaidField {
        Name = "name",
        Sex = "sex",
        BirthDate = "birth_date",
        Paper = "paper_number",
        Phones = "phone",
        Address = "address",
        AreaCode = "area_code",
        GuardianName = "guardian_name",
        GuardianPhone = "guardian_phone",
    }
}

/// The fields of a file, each by a keyed hash.
pub(super) type Said = BTreeMap<String, String>;

impl SaidField {
    /// The value of a record as a text; none where nothing is known.
    fn read(self, person: &Person, keys: &FieldKeys) -> Result<Option<String>, Unsealable> {
        Ok(match self {
            Self::Name => Some(person.name.clone()),
            Self::Sex => Some(person.sex).filter(|sex| *sex != Sex::Unknown).map(|sex| sex.to_string()),
            Self::BirthDate => person.birth_date.map(|day| day.to_string()),
            // The number itself: an index is another one under another key.
            Self::Paper => match person.national_id(keys)? {
                Some(number) => Some(number),
                None => person.other_paper(keys)?.map(|paper| paper.sealed_text()).or(person.national_id_index.clone()),
            },
            Self::Phones => {
                let phones = person.all_phones().into_iter().map(|phone| format!("{} {}", phone.number, phone.whose));
                Some(phones.collect::<Vec<_>>().join("\n")).filter(|text| !text.is_empty())
            }
            Self::Address => person.address.clone(),
            Self::AreaCode => person.area_code.clone(),
            Self::GuardianName => person.guardian_name.clone(),
            Self::GuardianPhone => person.guardian_phone.clone(),
        })
    }

    /// Takes the value of another record, which was sealed for this one.
    fn take(self, person: &mut Person, from: &Person) {
        match self {
            Self::Name => person.name.clone_from(&from.name),
            Self::Sex => person.sex = from.sex,
            Self::BirthDate => person.birth_date = from.birth_date,
            Self::Paper if from.national_id_index.is_some() => {
                person.national_id_sealed.clone_from(&from.national_id_sealed);
                person.national_id_index.clone_from(&from.national_id_index);
                person.national_id_tail.clone_from(&from.national_id_tail);
            }
            Self::Paper => {
                person.paper_kind = from.paper_kind;
                person.paper_sealed.clone_from(&from.paper_sealed);
                person.paper_index.clone_from(&from.paper_index);
                person.paper_tail.clone_from(&from.paper_tail);
            }
            Self::Phones => person.set_phones(from.all_phones()),
            Self::Address => person.address.clone_from(&from.address),
            Self::AreaCode => person.area_code.clone_from(&from.area_code),
            Self::GuardianName => person.guardian_name.clone_from(&from.guardian_name),
            Self::GuardianPhone => person.guardian_phone.clone_from(&from.guardian_phone),
        }
    }
}

fn hash(field: SaidField, value: &str, keys: &FieldKeys) -> String {
    keys.fingerprint(DOMAIN, &format!("{field}\n{value}"))
}

/// The fields of a row, as the record that it would make has them.
pub(super) fn said(fresh: &Person, keys: &FieldKeys) -> Result<Said, Unsealable> {
    let mut all = Said::new();
    for field in SaidField::ALL {
        if let Some(value) = field.read(fresh, keys)? {
            all.insert(field.to_string(), hash(*field, &value, keys));
        }
    }
    Ok(all)
}

/// The effect of a row on a record that is there.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Taken {
    /// Whether anything of it is another now.
    pub(super) changed: bool,
    /// The fields that a person has decided otherwise since: they were left.
    pub(super) left: Vec<SaidField>,
}

/// Brings a record up to date with a row, field by field. `before` is what the file said last: a field that the file says
/// as before is left alone, and one that is not as the file left it is a person's doing.
pub(super) fn take(person: &mut Person, fresh: &Person, before: &Said, keys: &FieldKeys) -> Result<Taken, Unsealable> {
    let mut taken = Taken::default();
    for field in SaidField::ALL.iter().copied() {
        let (Some(new), old) = (field.read(fresh, keys)?, field.read(person, keys)?) else { continue };
        let last = before.get(field.as_str());
        if last == Some(&hash(field, &new, keys)) || old.as_ref() == Some(&new) {
            continue;
        }
        let as_left = old.as_ref().is_none_or(|old| last == Some(&hash(field, old, keys)));
        if as_left {
            field.take(person, fresh);
            taken.changed = true;
        } else {
            taken.left.push(field);
        }
    }
    Ok(taken)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use chrono::DateTime;
    use uuid::Uuid;

    use super::*;
    use crate::account::id::PersonId;

    fn person(name: &str, address: Option<&str>) -> Person {
        let mut person = Person::blank(PersonId(Uuid::nil()), None, DateTime::UNIX_EPOCH);
        person.name = name.into();
        person.address = address.map(str::to_owned);
        person
    }

    #[test]
    fn what_a_person_decided_since_stays_and_all_else_follows_the_file() {
        let keys = FieldKeys::new(&[7; 32]);
        let before = said(&person("张三", Some("甲弄 1 号")), &keys).unwrap();
        for (record, row, expected, changed, left) in [
            (("张三", Some("甲弄 1 号")), ("张三", Some("乙弄 2 号")), ("张三", Some("乙弄 2 号")), true, vec![]),
            (("张三", Some("丙弄")), ("张三", Some("甲弄 1 号")), ("张三", Some("丙弄")), false, vec![]),
            (("张三", Some("丙弄")), ("张三", Some("乙弄")), ("张三", Some("丙弄")), false, vec![SaidField::Address]),
            (("张叁", None), ("张三", Some("乙弄")), ("张叁", Some("乙弄")), true, vec![]),
            (("张三", Some("乙弄")), ("张三", Some("乙弄")), ("张三", Some("乙弄")), false, vec![]),
            (("张三", Some("甲弄 1 号")), ("张三", None), ("张三", Some("甲弄 1 号")), false, vec![]),
        ] {
            let mut there = person(record.0, record.1);
            let taken = take(&mut there, &person(row.0, row.1), &before, &keys).unwrap();
            assert_eq!((taken.changed, taken.left), (changed, left), "{record:?} {row:?}");
            assert_eq!((there.name.as_str(), there.address.as_deref()), expected, "{record:?} {row:?}");
        }
    }
}
