//! In what an area lay on a day, for many areas and days at once.

use std::collections::{BTreeSet, HashMap};

use chrono::NaiveDate;
use sanbao_platform::db::{DbError, Tx};
use sanbao_platform::on;

use crate::area::{AreaCode, Level};

/// Up to so many areas are climbed one by one; for more the whole tree is read once.
const CLIMBED_MAX: usize = 4;

#[derive(Debug, sqlx_macros::FromRow)]
struct Link {
    child: AreaCode,
    parent: AreaCode,
    valid_from: NaiveDate,
    valid_to: Option<NaiveDate>,
}

const LINKS_ABOVE: &str = "with recursive up (code, height) as (
        select a.code, 0 from area a where a.code = $1
        union
        select p.parent, up.height + 1 from up join area_parent p on p.child = up.code where up.height < 5)
    select distinct p.child, p.parent, p.valid_from, p.valid_to from up join area_parent p on p.child = up.code";
const LINKS_ALL: &str = "select child, parent, valid_from, valid_to from area_parent";

/// Dated parentage in memory.
#[derive(Debug)]
pub(super) struct Lineage(HashMap<AreaCode, Vec<Link>>);

impl Lineage {
    /// The areas above `leaves`, over all time.
    pub(super) async fn load(tx: &mut Tx, leaves: &BTreeSet<&AreaCode>) -> Result<Self, DbError> {
        let mut links: Vec<Link> = Vec::new();
        if leaves.len() > CLIMBED_MAX {
            links = on!(tx, |c| sqlx::query_as(LINKS_ALL).fetch_all(c).await)?;
        } else {
            for leaf in leaves {
                let above: Vec<Link> = on!(tx, |c| sqlx::query_as(LINKS_ABOVE).bind(leaf).fetch_all(c).await)?;
                links.extend(above);
            }
        }
        let mut by_child: HashMap<AreaCode, Vec<Link>> = HashMap::new();
        for link in links {
            by_child.entry(link.child.clone()).or_default().push(link);
        }
        Ok(Self(by_child))
    }

    /// The area itself and what it lay in on `day`, upwards.
    pub(super) fn upwards<'a>(&'a self, leaf: &'a AreaCode, day: NaiveDate) -> Vec<&'a AreaCode> {
        let parent = |code: &AreaCode| {
            let links = self.0.get(code)?;
            let holds = |l: &&Link| l.valid_from <= day && l.valid_to.is_none_or(|end| day < end);
            links.iter().find(holds).map(|l| &l.parent)
        };
        std::iter::successors(Some(leaf), |code| parent(code)).take(Level::ALL.len()).collect()
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn code(text: &str) -> AreaCode {
        AreaCode::parse(text).unwrap()
    }

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn parentage_is_that_of_the_day() {
        let link = |child: &str, parent: &str, from: &str, to: Option<&str>| Link {
            child: code(child),
            parent: code(parent),
            valid_from: day(from),
            valid_to: to.map(day),
        };
        let lineage = Lineage(HashMap::from([
            (code("g"), vec![link("g", "a", "2026-01-01", Some("2026-03-01")), link("g", "b", "2026-03-01", None)]),
            (code("b"), vec![link("b", "s", "2026-01-01", None)]),
        ]));
        let up = |on: &str| {
            let leaf = code("g");
            lineage.upwards(&leaf, day(on)).iter().map(|c| c.as_str().to_owned()).collect::<Vec<_>>().join(">")
        };
        assert_eq!(up("2025-12-31"), "g");
        assert_eq!(up("2026-02-28"), "g>a");
        assert_eq!(up("2026-03-01"), "g>b>s");
    }

    #[test]
    fn a_circle_in_the_data_does_not_hang() {
        let link = |child: &str, parent: &str| Link {
            child: code(child),
            parent: code(parent),
            valid_from: day("2026-01-01"),
            valid_to: None,
        };
        let lineage = Lineage(HashMap::from([(code("a"), vec![link("a", "b")]), (code("b"), vec![link("b", "a")])]));
        assert_eq!(lineage.upwards(&code("a"), day("2026-02-01")).len(), 5);
    }
}
