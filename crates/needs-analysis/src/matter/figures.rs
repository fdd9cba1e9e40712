//! The figures of a month: of an area and of each part of it, at each level and at all of them.
//!
//! They count matters and stays, never people, and tell of nobody. What each figure is:
//!
//! - *raised*: matters that this level raised in the month.
//! - *settled*: of a level the stays that it ended in the month by settling or by answering; of all levels the matters that were
//!   settled in the month.
//! - *sent up*: of a level the stays that it ended in the month by sending up; of all levels the matters settled in the month that had
//!   gone up at least once. Its share is of settled and sent up together; of all levels, of settled.
//! - *due*: stays whose last day lay in the month and is over, without those that were sent up or taken back before it was.
//! - *in time*: of those, the ones that were settled or answered by then. The closing rate (办结率) is in time of due.
//! - *minutes*: how long the settled ones took, median and 90th percentile by nearest rank: of a level since they lay with it, of all levels
//!   since they were raised.
//!
//! A rate or a percentile of fewer than [`FEW`] is not given: one matter more would turn it over. An area is counted with all that lies in
//! it, by the tree of the month's last day.

use std::collections::BTreeMap;

use chrono::{DateTime, Days, Months, NaiveDate, Utc};
use sanbao_platform::db::{Conn, DbError};
use sanbao_platform::on;
use serde::Serialize;
use utoipa::ToSchema;

use crate::area::{self, Area, AreaCode, Level};

/// Rates and percentiles of fewer are not given.
pub const FEW: i64 = 5;

// From area to area over the index of each month, which SQLite keeps to where it is told so.
// The area of `$1` with all below it on the day `$2`, and each area directly in it with all below that.
macro_rules! figure_parts {
    () => {
        "down (top, code, depth) as (
            select a.code, a.code, 0 from area a where a.code = $1
            union all
            select p.child, p.child, 1 from area_parent p
            where p.parent = $1 and p.valid_from <= $2 and (p.valid_to is null or p.valid_to > $2)
            union all
            select down.top, p.child, down.depth + 1 from down join area_parent p on p.parent = down.code
            where p.valid_from <= $2 and (p.valid_to is null or p.valid_to > $2) and down.depth < 6)"
    };
}

const COUNTS: &str = concat!(
    "with recursive ",
    figure_parts!(),
    ", facts (top, level, raised, settled, sent_up, due, in_time) as (
        select down.top, s.level, 1, 0, 0, 0, 0 from down
        cross join matter_stay s where s.began_in = $3 and s.area_code = down.code and s.began_as = 'raised'
        union all
        select down.top, s.level, 0, case when s.ended_as in ('settled', 'answered') then 1 else 0 end,
            case when s.ended_as = 'sent_up' then 1 else 0 end, 0, 0
        from down cross join matter_stay s where s.ended_in = $3 and s.area_code = down.code
        union all
        select down.top, '', 0, 1, case when s.sent > 0 then 1 else 0 end, 0, 0
        from down cross join matter_stay s where s.ended_in = $3 and s.area_code = down.code and s.ended_as = 'settled'
        union all
        select down.top, s.level, 0, 0, 0, 1,
            case when s.ended_as in ('settled', 'answered') and s.ended_at <= s.due_at then 1 else 0 end
        from down cross join matter_stay s where s.due_in = $3 and s.area_code = down.code
        and s.due_at <= $4 and (s.ended_at is null or s.ended_at > s.due_at or s.ended_as in ('settled', 'answered')))
    select f.top as area_code, f.level, cast(sum(f.raised) as bigint) as raised, cast(sum(f.settled) as bigint) as settled,
        cast(sum(f.sent_up) as bigint) as sent_up, cast(sum(f.due) as bigint) as due,
        cast(sum(f.in_time) as bigint) as in_time
    from facts f group by f.top, f.level"
);
const TIMES: &str = concat!(
    "with recursive ",
    figure_parts!(),
    ", times (top, level, minutes) as (
        select down.top, s.level, s.minutes from down
        cross join matter_stay s where s.ended_in = $3 and s.area_code = down.code
        and s.ended_as in ('settled', 'answered')
        union all
        select down.top, '', s.whole_minutes from down
        cross join matter_stay s where s.ended_in = $3 and s.area_code = down.code and s.ended_as = 'settled'),
    ranked (top, level, minutes, nth, n) as (
        select t.top, t.level, t.minutes, row_number() over (partition by t.top, t.level order by t.minutes),
            count(*) over (partition by t.top, t.level)
        from times t)
    select r.top as area_code, r.level, max(case when r.nth = (r.n + 1) / 2 then r.minutes end) as median,
        max(case when r.nth = (9 * r.n + 9) / 10 then r.minutes end) as p90, max(r.n) as n
    from ranked r group by r.top, r.level"
);

#[derive(sqlx_macros::FromRow)]
struct CountRow {
    area_code: AreaCode,
    /// Empty for all levels.
    level: String,
    raised: i64,
    settled: i64,
    sent_up: i64,
    due: i64,
    in_time: i64,
}

#[derive(sqlx_macros::FromRow)]
struct TimeRow {
    area_code: AreaCode,
    level: String,
    median: Option<i64>,
    p90: Option<i64>,
    n: i64,
}

/// The numbers of an area at a level in a month.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct MatterNumbers {
    pub raised: i64,
    pub settled: i64,
    pub sent_up: i64,
    pub due: i64,
    pub in_time: i64,
    /// In time of due, in whole percent; absent of fewer than five.
    pub closing_rate_percent: Option<i64>,
    /// The share sent up, in whole percent; absent of fewer than five.
    pub sent_up_percent: Option<i64>,
    /// The median time of those settled, in minutes; absent of fewer than five.
    pub median_minutes: Option<i64>,
    /// The time within which nine of ten were settled, in minutes; absent of fewer than five.
    pub p90_minutes: Option<i64>,
}

/// The figures of an area at one level, or at all.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct MatterFigure {
    #[schema(example = "330211001")]
    pub area_code: String,
    /// Its Chinese name.
    pub area_name: String,
    /// Absent for all levels together.
    pub level: Option<Level>,
    #[serde(flatten)]
    pub numbers: MatterNumbers,
}

/// The figures of an area and of each area directly in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct MatterFigures {
    #[schema(example = "2026-11")]
    pub month: String,
    #[schema(example = "330211001")]
    pub area_code: String,
    pub area_name: String,
    pub level: Level,
    /// The area itself first, with all that lies in it; of each area all levels together, then each that has any numbers.
    pub items: Vec<MatterFigure>,
}

impl MatterNumbers {
    fn add(&mut self, row: &CountRow) {
        self.raised += row.raised;
        self.settled += row.settled;
        self.sent_up += row.sent_up;
        self.due += row.due;
        self.in_time += row.in_time;
    }

    fn rated(self, whole: bool) -> Self {
        let all = if whole { self.settled } else { self.settled + self.sent_up };
        Self {
            closing_rate_percent: percent(self.in_time, self.due),
            sent_up_percent: percent(self.sent_up, all),
            ..self
        }
    }
}

fn percent(part: i64, whole: i64) -> Option<i64> {
    (whole >= FEW).then(|| (part * 100 + whole / 2) / whole)
}

/// The last day of a month that is not after today.
fn last_day(month: NaiveDate, today: NaiveDate) -> NaiveDate {
    let next = month.checked_add_months(Months::new(1)).unwrap_or(month);
    (next - Days::new(1)).min(today)
}

/// The figures of an area in the month of a first day, as they stand now.
pub async fn of(
    conn: &mut Conn,
    area: &Area,
    month: NaiveDate,
    (now, today): (DateTime<Utc>, NaiveDate),
) -> Result<MatterFigures, DbError> {
    let (on, name) = (last_day(month, today), month.format("%Y-%m").to_string());
    let counts: Vec<CountRow> =
        on!(conn, |c| sqlx::query_as(COUNTS).bind(&area.code).bind(on).bind(&name).bind(now).fetch_all(c).await)?;
    let times: Vec<TimeRow> =
        on!(conn, |c| sqlx::query_as(TIMES).bind(&area.code).bind(on).bind(&name).fetch_all(c).await)?;
    let mut all: BTreeMap<(AreaCode, Option<Level>), MatterNumbers> = BTreeMap::new();
    for row in counts {
        let level = level_of(&row.level);
        all.entry((row.area_code.clone(), level)).or_default().add(&row);
        if level.is_some() {
            // Settled and sent up are not the sum of those of the levels.
            let sums = CountRow { settled: 0, sent_up: 0, ..row };
            all.entry((sums.area_code.clone(), None)).or_default().add(&sums);
        }
    }
    for row in times.into_iter().filter(|row| row.n >= FEW) {
        let numbers = all.entry((row.area_code, level_of(&row.level))).or_default();
        (numbers.median_minutes, numbers.p90_minutes) = (row.median, row.p90);
    }
    let mut items = Vec::new();
    for part in std::iter::once(area.clone()).chain(area::store::children(conn, &area.code, on).await?) {
        for level in std::iter::once(None).chain(Level::ALL.iter().rev().copied().map(Some)) {
            let found = all.get(&(part.code.clone(), level)).copied();
            if let Some(numbers) = found.or_else(|| level.is_none().then(MatterNumbers::default)) {
                items.push(MatterFigure {
                    area_code: part.code.to_string(),
                    area_name: part.name_zh.clone(),
                    level,
                    numbers: numbers.rated(level.is_none()),
                });
            }
        }
    }
    Ok(MatterFigures {
        month: name,
        area_code: area.code.to_string(),
        area_name: area.name_zh.clone(),
        level: area.level,
        items,
    })
}

fn level_of(text: &str) -> Option<Level> {
    use sanbao_platform::text_enum::TextEnum as _;
    Level::from_text(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_of_few_is_not_given() {
        for (part, whole, expected) in
            [(0, 0, None), (4, 4, None), (5, 5, Some(100)), (2, 6, Some(33)), (1, 8, Some(13)), (0, 5, Some(0))]
        {
            assert_eq!(percent(part, whole), expected, "{part} of {whole}");
        }
    }

    #[test]
    fn the_tree_is_that_of_the_last_day_of_the_month() {
        let day = |text: &str| text.parse::<NaiveDate>().unwrap_or_default();
        assert_eq!(last_day(day("2026-10-01"), day("2026-11-23")), day("2026-10-31"));
        assert_eq!(last_day(day("2026-11-01"), day("2026-11-23")), day("2026-11-23"));
    }
}
