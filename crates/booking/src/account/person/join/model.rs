//! Which record each field of a joined person comes from, and a join as it is remembered.

use chrono::{DateTime, Duration, Utc};
use sanbao_platform::typed_id;

use crate::account::id::PersonId;
use crate::account::person::field::PersonField;
use crate::account::person::model::Person;

/// How long a join can be undone, in days.
pub const UNDO_DAYS: i64 = 30;

typed_id!(
    /// One joining of two records.
    JoinId
);

/// A join that stands.
#[derive(Clone, Copy, Debug, sqlx_macros::FromRow)]
pub(super) struct Join {
    pub(super) id: JoinId,
    pub(super) survivor_id: PersonId,
    pub(super) other_id: PersonId,
    pub(super) joined_at: DateTime<Utc>,
}

impl Join {
    /// The first moment at which it cannot be undone any more.
    pub(super) fn undo_until(&self) -> DateTime<Utc> {
        self.joined_at + Duration::days(UNDO_DAYS)
    }
}

/// The fields in which a caller may choose between `survivor` and `other`.
pub(super) fn chooseable(survivor: &Person, other: &Person) -> Vec<PersonField> {
    let without = taken(survivor, other, &[]).unwrap_or_default();
    let mut with = taken(survivor, other, PersonField::ALL).unwrap_or_default();
    with.retain(|field| !without.contains(field));
    with
}

/// The papers of two records are of two people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct PapersDiffer;

/// The fields that `survivor` takes from `other`: those that it lacks, and the `chosen` ones that it has otherwise. Birth
/// date and sex stand on the paper: they come from the record that has it.
pub(super) fn taken(
    survivor: &Person,
    other: &Person,
    chosen: &[PersonField],
) -> Result<Vec<PersonField>, PapersDiffer> {
    let papers = (&survivor.national_id_index, &other.national_id_index);
    if matches!(papers, (Some(here), Some(there)) if here != there) {
        return Err(PapersDiffer);
    }
    let takes_paper = papers.1.is_some()
        && (papers.0.is_none() || (survivor.national_id_sealed.is_none() && other.national_id_sealed.is_some()));
    let is_taken = |field: &PersonField| {
        let differs = match (field.read(survivor), field.read(other)) {
            (None, Some(_)) => return true,
            (_, None) => return false,
            (Some(here), Some(there)) => here != there,
        };
        match field {
            PersonField::NationalId => takes_paper,
            // One that the survivor has could not be given back: no number is remembered.
            PersonField::Paper => false,
            PersonField::BirthDate | PersonField::Sex if takes_paper && other.national_id_sealed.is_some() => differs,
            PersonField::BirthDate | PersonField::Sex if survivor.national_id_sealed.is_some() => false,
            _ => differs && chosen.contains(field),
        }
    };
    Ok(PersonField::ALL.iter().copied().filter(is_taken).collect())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use chrono::DateTime;
    use uuid::Uuid;

    use PersonField::{BirthDate, NationalId, Sex as SexField};

    use super::*;
    use crate::account::input::Sex;

    fn person(name: &str) -> Person {
        let mut person = Person::blank(PersonId(Uuid::nil()), None, DateTime::UNIX_EPOCH);
        name.clone_into(&mut person.name);
        person
    }

    fn with_paper(name: &str, index: &str, sealed: bool) -> Person {
        Person {
            national_id_index: Some(index.to_owned()),
            national_id_sealed: sealed.then(Vec::new),
            birth_date: "1940-05-01".parse().ok(),
            sex: Sex::Female,
            ..person(name)
        }
    }

    #[test]
    fn what_is_missing_is_taken_and_what_differs_only_when_it_is_chosen() {
        let here = Person { phone: Some("1".into()), ..person("张三") };
        let there = Person { phone: Some("2".into()), address: Some("甲弄".into()), ..person("张 三") };
        assert_eq!(taken(&here, &there, &[]).unwrap(), [PersonField::Address]);
        let chosen = [PersonField::Phone, PersonField::Name, PersonField::GuardianName];
        assert_eq!(
            taken(&here, &there, &chosen).unwrap(),
            [PersonField::Name, PersonField::Phone, PersonField::Address]
        );
        assert_eq!(taken(&here, &here, &chosen).unwrap(), []);
        assert_eq!(chooseable(&here, &there), [PersonField::Name, PersonField::Phone]);
    }

    #[test]
    fn birth_date_and_sex_come_with_the_paper() {
        let told = Person { birth_date: "1941-01-01".parse().ok(), sex: Sex::Male, ..person("张三") };
        let on_paper = with_paper("张三", "a", true);
        assert_eq!(taken(&told, &on_paper, &[]).unwrap(), [SexField, BirthDate, NationalId]);
        assert_eq!(taken(&on_paper, &told, &[BirthDate, SexField]).unwrap(), []);
        let known_by_index = Person { birth_date: None, sex: Sex::Unknown, ..with_paper("张三", "a", false) };
        assert_eq!(taken(&known_by_index, &on_paper, &[]).unwrap(), [SexField, BirthDate, NationalId]);
        assert_eq!(taken(&on_paper, &known_by_index, &[]).unwrap(), []);
    }

    #[test]
    fn two_papers_are_two_people() {
        let (one, other) = (with_paper("张三", "a", true), with_paper("张三", "b", false));
        assert_eq!(taken(&one, &other, &[]), Err(PapersDiffer));
    }
}
