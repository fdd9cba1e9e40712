//! A few invented matters at each level: with a clock that runs, late, sent up, answered, and settled ones of this month and the last.

use chrono::{DateTime, Duration, Utc};
use sanbao_platform::db::Tx;
use sanbao_platform::id::OrganisationId;
use sanbao_platform::lifecycle::{By, StepError, advance, create};
use uuid::Uuid;

use super::model::{Matter, MatterKind, MatterLinks, MatterRaiser, NewMatterFacts};
use super::state::MatterStep;
use super::{store, way};
use crate::area::{Level, seed};
use crate::{App, local_day};

const CAUSE: &str = "demo";
/// The areas whose people are in the demo.
const POSTS: [&str; 4] = ["001-C1-G1-B1", "001-C1-G1", "001", ""];
/// The names of the demo's log-ins at these levels.
const STAIR: (Level, &str) = (Level::Building, "潘月琴");
const GRID: (Level, &str) = (Level::Grid, "卢建平");
const COMMUNITY: (Level, &str) = (Level::Community, "邬文娟");
const STREET: (Level, &str) = (Level::Street, "石清扬");

/// How far an invented matter has come.
#[derive(Clone, Copy)]
enum Far {
    Open,
    /// To these levels, one after the other, with the reason.
    Up(&'static [(Level, &'static str)]),
    /// Up to the community, and back with the answer.
    Answered(&'static str, &'static str),
    /// The same, and settled.
    AnsweredSettled(&'static str, &'static str),
    Settled(&'static str),
}

/// Place below the street, kind, words, who raised it, how many hours ago, how far it has come.
type Sample = (&'static str, MatterKind, &'static str, (Level, &'static str), i64, Far);

const SAMPLES: [Sample; 16] = [
    ("001-C1-G1-B1", MatterKind::Facility, "楼道三层的灯坏了，老人晚上不敢下楼", STAIR, 3, Far::Open),
    (
        "001-C1-G1-B1",
        MatterKind::Safety,
        "二层堆了旧家具，挡住消防通道",
        STAIR,
        20,
        Far::Up(&[(Level::Grid, "物主不肯搬，需要网格出面")]),
    ),
    ("001-C1-G1", MatterKind::Environment, "2 幢前的下水道反味", GRID, 6, Far::Open),
    ("001-C1-G1-B2", MatterKind::Neighbours, "楼上楼下为漏水争执，已上门调解一次", GRID, 120, Far::Open),
    (
        "001-C1-G1",
        MatterKind::Facility,
        "单元门的坡道太陡，轮椅上不去",
        GRID,
        30,
        Far::Up(&[(Level::Community, "要改坡道，网格没有经费")]),
    ),
    (
        "001-C1-G1-B1",
        MatterKind::Elders,
        "几位独居老人想要一个量血压的点",
        GRID,
        72,
        Far::Answered("需要社区卫生服务站派人", "每周三上午在居委会量血压，请转告"),
    ),
    (
        "001-C1-G2",
        MatterKind::Safety,
        "小区西门外电动车占道，老人绕行机动车道",
        COMMUNITY,
        50,
        Far::Up(&[(Level::Street, "路面归街道城管，社区管不了")]),
    ),
    (
        "001-C1-G1",
        MatterKind::Environment,
        "沿街餐馆油烟直排，多户反映",
        GRID,
        200,
        Far::Up(&[(Level::Community, "店家不配合"), (Level::Street, "需要综合执法队")]),
    ),
    ("001-C2-G1", MatterKind::Elders, "居家养老站的按摩椅坏了", COMMUNITY, 26, Far::Open),
    ("007-C1-G1", MatterKind::Facility, "西门公交站没有座椅，老人反映站着等车", STREET, 40, Far::Open),
    ("001-C1-G1-B1", MatterKind::Other, "快递柜太高，老人取不到", STAIR, 260, Far::Settled("已请快递员送上门")),
    ("001-C1-G1-B2", MatterKind::Facility, "单元门关不严", GRID, 280, Far::Settled("已上油、换了合页")),
    ("001-C1-G1", MatterKind::Environment, "花坛里有人丢垃圾", GRID, 300, Far::Settled("已清理，立了牌子")),
    (
        "001-C1-G1",
        MatterKind::Elders,
        "助餐点离 2 幢太远",
        GRID,
        400,
        Far::AnsweredSettled("送餐线路归社区定", "从下周起送到 2 幢门口"),
    ),
    ("001-C2-G1", MatterKind::Neighbours, "广场舞声音太大", COMMUNITY, 500, Far::Settled("约定晚上八点半结束")),
    ("007-C1-G1", MatterKind::Safety, "空调外机松动", STREET, 700, Far::Settled("已加固")),
];

/// Fills the matters, once; the street's demo areas must be there.
pub async fn fill(app: &App, street_office: Uuid) -> Result<(), StepError> {
    let now = app.deps.clock.now();
    let mut tx = app.deps.db.begin().await?;
    if store::is_any(&mut tx).await? {
        return Ok(());
    }
    for post in POSTS {
        way::see(&mut tx, &seed::parsed(&format!("{}{post}", seed::STREET.0))?, local_day(now)).await?;
    }
    for sample in SAMPLES {
        add(&mut tx, OrganisationId(street_office), sample, now).await?;
    }
    tx.commit().await?;
    Ok(())
}

async fn add(tx: &mut Tx, organisation: OrganisationId, sample: Sample, now: DateTime<Utc>) -> Result<(), StepError> {
    let (place, kind, title, (level, name), hours, far) = sample;
    let raised = now - Duration::hours(hours);
    let by = |at| By::Automatic { cause: CAUSE, at, actor: None };
    let matter = Matter::raised(
        NewMatterFacts {
            organisation,
            area_code: seed::parsed(&format!("{}{place}", seed::STREET.0))?,
            kind,
            title: title.to_owned(),
            links: MatterLinks::default(),
            raiser: MatterRaiser { account: None, name: Some(name.to_owned()) },
            level,
        },
        raised,
    );
    create(tx, &by(raised), matter.clone()).await?;
    let mut matter = matter;
    let steps = steps(far);
    let part = Duration::minutes(hours * 60 / (i64::try_from(steps.len()).unwrap_or(0) + 2));
    let mut at = raised;
    for step in steps {
        at += part;
        matter = advance(tx, &by(at), matter, step).await?;
    }
    Ok(())
}

fn steps(far: Far) -> Vec<MatterStep> {
    let up = |to, reason: &str| MatterStep::SendUp { to, reason: reason.to_owned() };
    let answered = |reason: &str, answer: &str| {
        vec![up(Level::Community, reason), MatterStep::Answer { answer: answer.to_owned() }]
    };
    match far {
        Far::Open => Vec::new(),
        Far::Up(levels) => levels.iter().map(|(to, reason)| up(*to, reason)).collect(),
        Far::Answered(reason, answer) => answered(reason, answer),
        Far::AnsweredSettled(reason, answer) => {
            let mut steps = answered(reason, answer);
            steps.push(MatterStep::Settle { note: None });
            steps
        }
        Far::Settled(note) => vec![MatterStep::Settle { note: Some(note.to_owned()) }],
    }
}
