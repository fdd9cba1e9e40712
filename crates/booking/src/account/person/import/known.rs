//! The people of the rows before, so that one who stands in a file several times, however spelt, is one.

use std::collections::HashMap;

use chrono::NaiveDate;
use sanbao_platform::cn::name_key;

use crate::account::id::PersonId;
use crate::account::person::model::Person;

/// The facts of a row by which its person is known again.
#[derive(Clone, Debug)]
struct Seen {
    line: u64,
    id: PersonId,
    birth_date: Option<NaiveDate>,
    paper: Option<String>,
    phone: Option<String>,
}

/// All rows so far.
#[derive(Debug, Default)]
pub(super) struct Known {
    by_paper: HashMap<String, (u64, PersonId)>,
    by_name: HashMap<String, Vec<Seen>>,
}

/// The blind index of the paper of a record.
fn paper(person: &Person) -> Option<&String> {
    person.national_id_index.as_ref().or(person.paper_index.as_ref())
}

/// Whether two facts are both known and differ.
fn differ<T: PartialEq>(one: Option<&T>, other: Option<&T>) -> bool {
    one.zip(other).is_some_and(|(one, other)| one != other)
}

impl Known {
    /// The row before that tells of the same person: by the same paper, or by the same name with the same telephone or
    /// birth date, where nothing else speaks against it.
    pub(super) fn same(&self, person: &Person) -> Option<(u64, PersonId)> {
        if let Some(found) = paper(person).and_then(|index| self.by_paper.get(index)) {
            return Some(*found);
        }
        let named = self.by_name.get(&name_key(&person.name))?;
        let same = named.iter().find(|seen| {
            let against = differ(seen.birth_date.as_ref(), person.birth_date.as_ref())
                || differ(seen.paper.as_ref(), paper(person));
            let phone = seen.phone.is_some() && seen.phone == person.phone;
            let birth_date = seen.birth_date.is_some()
                && seen.birth_date == person.birth_date
                && !differ(seen.phone.as_ref(), person.phone.as_ref());
            !against && (phone || birth_date)
        });
        same.map(|seen| (seen.line, seen.id))
    }

    /// Remembers the person of a row.
    pub(super) fn add(&mut self, line: u64, id: PersonId, person: &Person) {
        if let Some(index) = paper(person) {
            self.by_paper.entry(index.clone()).or_insert((line, id));
        }
        let seen = Seen {
            line,
            id,
            birth_date: person.birth_date,
            paper: paper(person).cloned(),
            phone: person.phone.clone(),
        };
        self.by_name.entry(name_key(&person.name)).or_default().push(seen);
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use uuid::Uuid;

    use super::*;

    fn person(name: &str, phone: Option<&str>, born: Option<&str>, paper: Option<&str>) -> Person {
        let mut person = Person::blank(PersonId(Uuid::nil()), None, DateTime::UNIX_EPOCH);
        person.name = sanbao_platform::cn::plain_name(name);
        person.phone = phone.map(str::to_owned);
        person.birth_date = born.and_then(|day| day.parse().ok());
        person.national_id_index = paper.map(str::to_owned);
        person
    }

    #[test]
    fn one_person_is_told_from_two_of_one_name() {
        let mut known = Known::default();
        known.add(2, PersonId(Uuid::nil()), &person("张 三", Some("1"), Some("1940-01-01"), Some("p")));
        let same = |other: &Person| known.same(other).is_some();
        assert!(same(&person("李四", None, None, Some("p"))), "the paper says who it is");
        for name in ["张三", "张\u{3000}三", "\u{200b}张三", "张·三"] {
            assert!(same(&person(name, Some("1"), None, None)), "{name}");
            assert!(same(&person(name, None, Some("1940-01-01"), None)), "{name}");
        }
        for other in [
            person("张三", None, None, None),
            person("张三", Some("2"), None, None),
            person("张三", Some("1"), Some("1965-01-01"), None),
            person("张三", Some("2"), Some("1940-01-01"), None),
            person("张三", Some("1"), Some("1940-01-01"), Some("q")),
            person("张山", Some("1"), Some("1940-01-01"), None),
        ] {
            assert!(!same(&other), "{} {:?} {:?}", other.name, other.phone, other.birth_date);
        }
    }
}
