//! The real street 招宝山街道 with its communities, and an invented subdivision for the demo.

use chrono::{DateTime, NaiveDate, Utc};
use sanbao_platform::db::{DbError, Tx};

use super::id::AreaCode;
use super::model::{Area, Level};
use super::store;

/// The street's statistical code and name.
pub const STREET: (&str, &str, &str) = ("330211001", "招宝山街道", "Zhaobaoshan Street");

/// Its communities: statistical codes and names of the national code list, English names ours.
pub const COMMUNITIES: [(&str, &str, &str); 11] = [
    ("330211001001", "城东社区", "Chengdong"),
    ("330211001002", "胜利路社区", "Shenglilu"),
    ("330211001003", "总浦桥社区", "Zongpuqiao"),
    ("330211001004", "后大街社区", "Houdajie"),
    ("330211001005", "顺隆社区", "Shunlong"),
    ("330211001006", "车站路社区", "Chezhanlu"),
    ("330211001007", "西门社区", "Ximen"),
    ("330211001008", "白龙社区", "Bailong"),
    ("330211001012", "张监碶社区", "Zhangjianqi"),
    ("330211001013", "海港社区", "Haigang"),
    ("330211001400", "后海塘港口物流园区社区", "Houhaitang Port Logistics Park"),
];

/// From when the seeded parentage holds: before any request can be.
pub const SINCE: NaiveDate = NaiveDate::from_ymd_opt(2000, 1, 1).expect("a date");

/// Compounds of a community, grids of a compound and stairs of a grid in the demo.
const DEMO_COMPOUNDS: [&str; 2] = ["东苑", "西苑"];
const DEMO_GRIDS: usize = 2;
const DEMO_BUILDINGS: usize = 2;

/// Adds the street and its communities; what is there already is left as it is.
pub async fn zhaobaoshan(tx: &mut Tx, now: DateTime<Utc>) -> Result<(), DbError> {
    add(tx, now, STREET.0, Level::Street, STREET.1, Some(STREET.2), None).await?;
    for (code, zh, en) in COMMUNITIES {
        add(tx, now, code, Level::Community, zh, Some(en), Some(STREET.0)).await?;
    }
    Ok(())
}

/// Adds invented compounds, grids and stairs below every community, under local codes.
pub async fn demo_subdivision(tx: &mut Tx, now: DateTime<Utc>) -> Result<(), DbError> {
    for (community, name, _) in COMMUNITIES {
        let stem = name.trim_end_matches("社区").trim_end_matches("港口物流园区");
        for (i, word) in DEMO_COMPOUNDS.iter().enumerate() {
            let compound = format!("{community}-C{}", i + 1);
            let zh = format!("{stem}{word}");
            add(tx, now, &compound, Level::Compound, &zh, None, Some(community)).await?;
            for g in 1..=DEMO_GRIDS {
                let grid = format!("{compound}-G{g}");
                add(tx, now, &grid, Level::Grid, &format!("{zh}第{g}网格"), None, Some(&compound)).await?;
                for b in 1..=DEMO_BUILDINGS {
                    let building = format!("{grid}-B{b}");
                    let zh = format!("{zh}{}幢{b}单元", g * 2);
                    add(tx, now, &building, Level::Building, &zh, None, Some(&grid)).await?;
                }
            }
        }
    }
    Ok(())
}

/// The code of one of the demo's grids; the numbers wrap round.
pub fn demo_grid(community: usize, compound: usize, grid: usize) -> String {
    let (code, ..) = COMMUNITIES[community % COMMUNITIES.len()];
    format!("{code}-C{}-G{}", compound % DEMO_COMPOUNDS.len() + 1, grid % DEMO_GRIDS + 1)
}

async fn add(
    tx: &mut Tx,
    now: DateTime<Utc>,
    code: &str,
    level: Level,
    zh: &str,
    en: Option<&str>,
    parent: Option<&str>,
) -> Result<(), DbError> {
    let code = parsed(code)?;
    let area = Area { code, level, name_zh: zh.to_owned(), name_en: en.map(str::to_owned) };
    let parent = parent.map(parsed).transpose()?;
    store::add(tx, now, &area, parent.as_ref().map(|parent| (parent, SINCE))).await.map(drop)
}

pub(crate) fn parsed(code: &str) -> Result<AreaCode, DbError> {
    AreaCode::parse(code).map_err(|e| DbError::BadRow {
        table: "area",
        column: "code",
        row: code.to_owned(),
        cause: e.to_string(),
    })
}
