//! Finding an area by what is typed: a part of its name, its pinyin or initials, or its code.

use chrono::NaiveDate;
use sanbao_platform::auth::Actor;
use sanbao_platform::cn::{half_width, readings};
use sanbao_platform::db::{Conn, DbError};
use sanbao_platform::on;

use super::id::AreaCode;
use super::model::{Area, Level};

/// Areas of a scope that are looked through: a district's.
const AREAS_MAX: i64 = 50_000;
/// Characters of what is typed that count.
const TYPED_CHARS_MAX: usize = 40;

// An actor's areas are a list of codes with commas.
const IN_SCOPE: &str = "with recursive scope (code, depth) as (
        select a.code, 0 from area a where replace(',' || $1 || ',', ',' || a.code || ',', '') <> ',' || $1 || ','
        union all
        select p.child, scope.depth + 1 from scope join area_parent p on p.parent = scope.code
        where p.valid_from <= $2 and (p.valid_to is null or p.valid_to > $2) and scope.depth < 5)
    select a.code, a.level, a.name_zh, a.name_en, w.name_zh as within_zh, w.name_en as within_en
    from area a left join area_parent q on q.child = a.code and q.valid_from <= $2
        and (q.valid_to is null or q.valid_to > $2)
    left join area w on w.code = q.parent
    where a.code in (select code from scope) order by a.code limit $3";

/// An area with the name of the one that it lies in.
#[derive(Clone, Debug, sqlx_macros::FromRow)]
pub struct PlacedArea {
    #[sqlx(flatten)]
    pub area: Area,
    pub within_zh: Option<String>,
    pub within_en: Option<String>,
}

/// Every area that an actor's scope covers on a day, by code.
pub async fn in_scope(conn: &mut Conn, actor: &Actor, today: NaiveDate) -> Result<Vec<PlacedArea>, DbError> {
    let codes = actor.areas.iter().filter_map(|text| AreaCode::parse(text).ok());
    let scope = codes.map(|code| code.to_string()).collect::<Vec<_>>().join(",");
    Ok(on!(conn, |c| sqlx::query_as(IN_SCOPE).bind(&scope).bind(today).bind(AREAS_MAX).fetch_all(c).await)?)
}

/// The areas that what was typed may mean, the likeliest first: the one of that code, then names that begin so, then names
/// with it inside; of those the larger areas.
pub fn fitting(areas: Vec<PlacedArea>, typed: &str, count_max: usize) -> Vec<PlacedArea> {
    let typed: String = half_width(typed).to_lowercase().chars().take(TYPED_CHARS_MAX).collect();
    if typed.is_empty() {
        return Vec::new();
    }
    let mut found: Vec<(u8, Level, PlacedArea)> =
        areas.into_iter().filter_map(|placed| Some((rank(&placed.area, &typed)?, placed.area.level, placed))).collect();
    found.sort_by(|a, b| a.0.cmp(&b.0).then(b.1.cmp(&a.1)).then_with(|| a.2.area.code.cmp(&b.2.area.code)));
    found.truncate(count_max);
    found.into_iter().map(|(_, _, placed)| placed).collect()
}

/// How surely an area is meant, 0 for the surest; none where it is not.
fn rank(area: &Area, typed: &str) -> Option<u8> {
    if half_width(area.code.as_str()).eq_ignore_ascii_case(typed) {
        return Some(0);
    }
    let zh = half_width(&area.name_zh).to_lowercase();
    let en = area.name_en.as_deref().map(|name| half_width(name).to_lowercase()).unwrap_or_default();
    if zh.starts_with(typed) || (!en.is_empty() && en.starts_with(typed)) {
        return Some(1);
    }
    if zh.contains(typed) || en.contains(typed) {
        return Some(2);
    }
    if !typed.chars().any(|c| c.is_ascii_alphabetic()) {
        return None;
    }
    let letters = readings(&zh);
    (0..letters.len()).find(|start| spelt(&letters[*start..], typed)).map(|start| if start == 0 { 1 } else { 3 })
}

/// Whether a text begins the pinyin of these characters, each written out or by its first letter.
fn spelt(letters: &[Vec<String>], typed: &str) -> bool {
    let Some((first, rest)) = letters.split_first() else { return typed.is_empty() };
    typed.is_empty()
        || first.iter().any(|reading| {
            let initial = reading.chars().next().map_or("", |c| &reading[..c.len_utf8()]);
            reading.starts_with(typed)
                || [reading.as_str(), initial]
                    .iter()
                    .any(|part| typed.strip_prefix(part).is_some_and(|more| !part.is_empty() && spelt(rest, more)))
        })
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn placed(code: &str, level: Level, name: &str) -> PlacedArea {
        let area = Area { code: AreaCode::parse(code).unwrap(), level, name_zh: name.to_owned(), name_en: None };
        PlacedArea { area, within_zh: None, within_en: None }
    }

    #[test]
    fn an_area_is_found_by_a_part_of_its_name_its_pinyin_its_initials_or_its_code() {
        let all = || {
            vec![
                placed("330211001001", Level::Community, "城东社区"),
                placed("330211001001-C1", Level::Compound, "城东东苑"),
                placed("330211001001-C1-G1", Level::Grid, "东苑第1网格"),
                placed("330211001002", Level::Community, "西门社区"),
            ]
        };
        for (typed, names) in [
            ("城东", vec!["城东社区", "城东东苑"]),
            ("东苑", vec!["东苑第1网格", "城东东苑"]),
            ("cd", vec!["城东社区", "城东东苑"]),
            ("CDSQ", vec!["城东社区"]),
            ("chengds", vec!["城东社区"]),
            ("dongyuan", vec!["东苑第1网格", "城东东苑"]),
            ("ximen", vec!["西门社区"]),
            ("dy", vec!["东苑第1网格", "城东东苑"]),
            ("330211001002", vec!["西门社区"]),
            ("南", vec![]),
            ("  ", vec![]),
        ] {
            let found = fitting(all(), typed, 10);
            assert_eq!(found.iter().map(|f| f.area.name_zh.as_str()).collect::<Vec<_>>(), names, "{typed}");
        }
        assert_eq!(fitting(all(), "东", 1).len(), 1, "a bound cuts");
    }
}
