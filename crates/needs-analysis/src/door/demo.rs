//! Two invented rounds: the week's visits, half done, and a cold warning of today. No name, number or address is anybody's.

use chrono::{DateTime, Datelike as _, Days, Duration, Utc};
use sanbao_platform::db::{DbError, Tx};
use sanbao_platform::id::OrganisationId;
use sanbao_platform::lifecycle::{By, Change, StepError, advance, save};
use uuid::Uuid;

use super::id::RoundId;
use super::model::{Door, DoorElder, Round, RoundReason};
use super::state::DoorStep;
use super::store;
use crate::area::{AreaCode, seed};
use crate::{App, local_day};

const CAUSE: &str = "demo";
/// Stair below the street, elder, door, remark.
const DOORS: [(&str, &str, &str, Option<&str>); 12] = [
    ("001-C1-G1-B1", "林某兰", "2 幢 1 单元 301", Some("耳背，敲门要重些")),
    ("001-C1-G1-B1", "沈某根", "2 幢 1 单元 502", None),
    ("001-C1-G1-B1", "朱某娣", "2 幢 1 单元 602", Some("早上去菜场，下午在家")),
    ("001-C1-G1-B2", "徐某英", "2 幢 2 单元 101", None),
    ("001-C1-G1-B2", "周某福", "2 幢 2 单元 402", Some("钥匙在 401 邻居处")),
    ("001-C1-G2-B1", "戴某仙", "4 幢 1 单元 203", None),
    ("001-C2-G1-B1", "余某良", "2 幢 1 单元 104", None),
    ("001-C2-G2-B2", "方某菊", "4 幢 2 单元 306", None),
    ("007-C1-G1-B1", "谢某康", "2 幢 1 单元 201", None),
    ("007-C1-G1-B2", "俞某月", "2 幢 2 单元 502", Some("养狗，请先打电话")),
    ("007-C2-G1-B1", "邵某德", "2 幢 1 单元 303", None),
    ("008-C1-G1-B1", "贺某珍", "2 幢 1 单元 402", None),
];

/// Fills the rounds, once; the street's demo areas must be there.
pub async fn fill(app: &App, street_office: Uuid) -> Result<(), StepError> {
    let now = app.deps.clock.now();
    let today = local_day(now);
    let monday = today - Days::new(u64::from(today.weekday().num_days_from_monday()));
    let round = |title: &str, reason, days: (u64, u64)| Round {
        id: RoundId::new(now),
        organisation: OrganisationId(street_office),
        title: title.to_owned(),
        reason,
        area_code: seed::parsed(seed::STREET.0).unwrap_or_else(|_| AreaCode::example()),
        starts_on: monday + Days::new(days.0),
        ends_on: monday + Days::new(days.1),
        created_at: now,
    };
    let mut tx = app.deps.db.begin().await?;
    let scope = store::rounds(&mut tx, seed::STREET.0, today).await?;
    if !scope.is_empty() {
        return Ok(());
    }
    let day = u64::from(today.weekday().num_days_from_monday());
    add(&mut tx, &round("本周独居老人走访", RoundReason::Routine, (0, 6)), now, true).await?;
    add(&mut tx, &round("寒潮提醒：水管、取暖、一氧化碳", RoundReason::Cold, (day, day + 2)), now, false).await?;
    tx.commit().await?;
    Ok(())
}

async fn add(tx: &mut Tx, round: &Round, now: DateTime<Utc>, seen: bool) -> Result<(), StepError> {
    let by = |at| By::Automatic { cause: CAUSE, at, actor: None };
    store::add_round(tx, round).await?;
    let door = |(stair, name, number, remark): &(&str, &str, &str, Option<&str>), n: usize| -> Result<Door, DbError> {
        let elder = DoorElder {
            name: (*name).to_owned(),
            phone: Some(format!("1990000{:04}", 100 + n)),
            address: Some((*number).to_owned()),
            remark: remark.map(str::to_owned),
        };
        Ok(Door::new(round, seed::parsed(&format!("{}{stair}", seed::STREET.0))?, elder, now - Duration::hours(3), n))
    };
    let doors: Vec<Door> = DOORS.iter().enumerate().map(|(n, of)| door(of, n)).collect::<Result<_, _>>()?;
    save(tx, &by(now - Duration::hours(3)), doors.iter().cloned().map(Change::created).collect()).await?;
    if !seen {
        return Ok(());
    }
    let (well, missed) = (DoorStep::Well { note: None }, DoorStep::NotMet { note: None });
    let steps = [vec![], vec![well.clone()], vec![missed.clone()], vec![missed.clone(), missed], vec![well]];
    for (n, door) in doors.into_iter().enumerate() {
        let mut door = door;
        for (hour, step) in steps[n % steps.len()].iter().enumerate() {
            let at = now - Duration::hours(2) + Duration::minutes(i64::try_from(40 * hour).unwrap_or(0));
            door = advance(tx, &by(at), door, step.clone()).await?;
        }
    }
    Ok(())
}
