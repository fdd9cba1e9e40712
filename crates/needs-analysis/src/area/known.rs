//! The code list that comes with the program: the streets of the demo's district (镇海区, 330211) and their communities.
//!
//! Codes and names are those of the national statistical list (Administrative-divisions-of-China 2.7.0, MIT). They end at
//! the community; streets of other districts come by an import.

use super::seed;

const LIST: &str = include_str!("../../data/330211.csv");
/// The digits of a community's code; a street's has fewer.
const COMMUNITY_DIGITS: usize = 12;

/// A street or a community of the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListedArea {
    pub code: &'static str,
    pub name: &'static str,
}

impl ListedArea {
    /// Its English name, where the house has one.
    pub fn english(self) -> Option<&'static str> {
        let named = seed::COMMUNITIES.iter().chain([&seed::STREET]);
        named.clone().find(|(code, ..)| *code == self.code).map(|(.., en)| *en)
    }
}

fn all() -> impl Iterator<Item = ListedArea> {
    LIST.lines().skip(1).filter_map(|line| line.split_once(',')).map(|(code, name)| ListedArea { code, name })
}

/// The street of a code, if the list has it.
pub fn street(code: &str) -> Option<ListedArea> {
    all().find(|known| known.code == code && code.len() < COMMUNITY_DIGITS)
}

/// The communities of a street, by code; none of one that the list lacks.
pub fn communities(street: &str) -> Vec<ListedArea> {
    all().filter(|k| k.code.len() == COMMUNITY_DIGITS && k.code.get(..9) == Some(street)).collect()
}

#[cfg(test)]
mod tests {
    use sanbao_platform::cn::{community_code, street_code};

    use super::*;

    #[test]
    fn the_list_holds_the_district_and_nothing_that_is_no_code() {
        let streets: Vec<ListedArea> = all().filter(|k| street(k.code).is_some()).collect();
        assert_eq!((streets.len(), all().count()), (7, 106));
        let below: usize = streets.iter().map(|s| communities(s.code).len()).sum();
        assert_eq!(below + streets.len(), all().count(), "each community lies in a street of the list");
        for known in &streets {
            assert_eq!(street_code(known.code).as_deref(), Ok(known.code));
            for community in communities(known.code) {
                assert_eq!(community_code(community.code, known.code).as_deref(), Ok(community.code));
            }
        }
        assert_eq!(street("330211002").map(|k| k.name), Some("蛟川街道"));
        assert_eq!((street("330211002001"), street("330106001"), communities("abc").len()), (None, None, 0));
    }

    #[test]
    fn what_the_demo_names_is_as_in_the_list() {
        let listed: Vec<_> = communities(seed::STREET.0).iter().map(|k| (k.code, k.name)).collect();
        assert_eq!(listed, seed::COMMUNITIES.map(|(code, zh, _)| (code, zh)));
        assert_eq!(street(seed::STREET.0).and_then(ListedArea::english), Some("Zhaobaoshan Street"));
    }
}
