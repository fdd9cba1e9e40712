//! Three invented months of requests, the same for the same seed: no name, number or address is anybody's.

use chrono::{DateTime, Datelike as _, Days, Duration, NaiveDate, NaiveTime, TimeZone as _, Utc};
use sanbao_platform::cn::{Phone, ResidentId};
use sanbao_platform::db::{Conn, DbError, Tx};
use sanbao_platform::history::{self, Line};
use sanbao_platform::id::OrganisationId;
use sanbao_platform::lifecycle::{Change, Lifecycle as _, Step as _, StepName as _, step};
use sanbao_platform::{audit, bus, on};
use uuid::Uuid;

use super::category::{Category, Urgency};
use super::details::{Details, ElderDetails};
use super::directory::{self, Organisation};
use super::input::Draft;
use super::model::Request;
use super::state::RequestStateName;
use super::step::{RequestStep, RequestStepName, Said};
use super::{events, steps, store};
use crate::area::{AreaCode, seed};
use crate::rollup;
use crate::{App, ZONE, local_day};

/// Requests of the demo.
pub const REQUESTS: u64 = 900;
/// Days they are spread over, today included.
pub const DAYS: u64 = 91;
/// Elders they come from; some call often.
const ELDERS: u64 = 260;
/// The source they are stored under.
pub const SOURCE: &str = "demo";
/// The agency's names, until an event brings its own.
const AGENCY_NAME: (&str, &str) = ("和邻居家养老服务中心", "Helin Home Care");
/// The street office's names, until an event brings its own.
const OFFICE_NAME: (&str, &str) = ("招宝山街道办事处（演示）", "Zhaobaoshan Street Office (demo)");
/// No district has this code, so that no invented resident id is anybody's.
const NO_PLACE: &str = "339999";

const COUNT: &str = "select count(*) from request where source = $1";

const SURNAMES: [&str; 20] = [
    "林", "徐", "沈", "胡", "周", "吴", "郑", "王", "陈", "朱", "傅", "戴", "余", "方", "谢", "俞", "邵", "贺", "乐",
    "包",
];
const GIVEN: [&str; 16] = [
    "某兰", "某英", "某根", "某珍", "某芳", "某福", "某娣", "某良", "某菊", "某康", "某仙", "某祥", "某玉", "某昌",
    "某月", "某德",
];
/// The mix of categories, how often (of 1000), and in which words.
const MIX: [(Category, u64, &[&str]); 16] = [
    (Category::Meal, 230, &["送午饭，牙口不好要软些", "两荤一素，低盐", "这周每天中午送"]),
    (Category::Clean, 160, &["擦窗、拖地", "厨房油烟大，要清一清", "每周一次打扫"]),
    (Category::Bath, 75, &["腿脚不便，需要上门助浴", "要带防滑垫"]),
    (Category::Mobility, 55, &["下楼晒太阳，没有电梯", "陪同去银行"]),
    (Category::Medical, 110, &["周三去医院复查，需要陪诊", "帮忙配药"]),
    (Category::Emergency, 25, &["在家摔了一跤，人清醒", "一个人在家，感觉胸闷"]),
    (Category::Shopping, 70, &["买米和油", "代缴水电费"]),
    (Category::Nursing, 65, &["换药", "术后康复训练"]),
    (Category::Visit, 55, &["独居，请定期上门看看", "子女在外地"]),
    (Category::Comfort, 35, &["想有人陪着说说话"]),
    (Category::Leisure, 20, &["想参加书法班"]),
    (Category::Adapt, 35, &["卫生间装扶手", "灯坏了"]),
    (Category::Teleconsult, 15, &["想请三甲医院的医生看看片子"]),
    (Category::Info, 30, &["问长护险怎么申请", "问食堂几点开"]),
    (Category::Complaint, 10, &["送餐晚了半小时"]),
    (Category::Other, 10, &["家里的猫跑丢了", "帮忙写封信"]),
];

/// A small generator (`SplitMix64`) whose sequence for a seed is the same in every version.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `n`.
    fn below(&mut self, n: u64) -> u64 {
        self.next() % n.max(1)
    }

    fn pick<T: Copy>(&mut self, items: &[T]) -> Option<T> {
        let i = usize::try_from(self.below(items.len() as u64)).ok()?;
        items.get(i).copied()
    }

    /// An item by its weight.
    fn weighted<T: Copy>(&mut self, items: &[(T, u64)]) -> Option<T> {
        let mut left = self.below(items.iter().map(|(_, w)| w).sum());
        for (item, weight) in items {
            if left < *weight {
                return Some(*item);
            }
            left -= weight;
        }
        None
    }
}

struct Elder {
    name: String,
    phone: Option<Phone>,
    national_id: Option<ResidentId>,
    area_code: AreaCode,
    address: String,
}

/// Fills an empty service with the street, its invented subdivision and three months of requests.
/// Returns how many were added: none when they are there already.
pub async fn fill(app: &App, street_office: Uuid, agency: Uuid, seed: u64) -> Result<u64, DbError> {
    let now = app.deps.clock.now();
    let agency = OrganisationId(agency);
    let mut dice = Dice(seed);
    let elders: Vec<Elder> = (0..ELDERS).filter_map(|n| elder(&mut dice, n)).collect();
    let mut lives = Vec::new();
    for (n, received_at) in arrivals(&mut dice, now).into_iter().enumerate() {
        let Some(draft) = draft(&mut dice, &elders, n, received_at) else { continue };
        let request = Request::from_draft(draft, OrganisationId(street_office), SOURCE, &app.deps.fields, received_at);
        lives.push(live_through(&mut dice, request, (street_office, agency), now));
    }
    let mut tx = app.deps.db.begin().await?;
    seed::zhaobaoshan(&mut tx, now).await?;
    seed::demo_subdivision(&mut tx, now).await?;
    directory::put_agency(&mut tx, agency, AGENCY_NAME.0, AGENCY_NAME.1, DateTime::UNIX_EPOCH).await?;
    directory::put_office(&mut tx, &office(street_office), DateTime::UNIX_EPOCH).await?;
    let fresh = !present(&mut tx).await?;
    if fresh {
        write(&mut tx, &lives, now).await?;
    }
    tx.commit().await?;
    Ok(if fresh { lives.len() as u64 } else { 0 })
}

/// The street office, as booking will tell of it.
fn office(id: Uuid) -> Organisation {
    let (zh, en) = OFFICE_NAME;
    let area_code = AreaCode::parse(seed::STREET.0).ok();
    Organisation { id: OrganisationId(id), name_zh: zh.to_owned(), name_en: en.to_owned(), area_code }
}

/// A request as it stands now, with the lines of its past.
struct Life {
    request: Request,
    past: Vec<Line>,
}

/// Writes what is long past as it stands now: each request once, and all lines, counts and events together. Only an
/// order that stands is told of, for the agency has still to do with it.
async fn write(tx: &mut Tx, lives: &[Life], now: DateTime<Utc>) -> Result<(), DbError> {
    let (mut lines, mut counts, mut orders) = (Vec::new(), Vec::new(), Vec::new());
    for Life { request, past } in lives {
        store::write_new(tx, &[request]).await?;
        lines.extend(past.iter().map(|line| (request.id.0, line.clone())));
        counts.extend(steps::counts(&Change::created(request.clone())));
        if request.state_name() == RequestStateName::Accepted {
            orders.extend(events::accepted(request, now)?);
        }
    }
    history::add(tx, Request::NAME, &lines).await?;
    rollup::apply_all(tx, &counts).await?;
    bus::publish_all(tx, &orders).await?;
    audit::record_as(tx, now, None, "request.demo", Request::NAME, None, "demo", "done").await
}

async fn present(conn: &mut Conn) -> Result<bool, DbError> {
    let there: i64 = on!(conn, |c| sqlx::query_scalar(COUNT).bind(SOURCE).fetch_one(c).await)?;
    Ok(there > 0)
}

fn elder(dice: &mut Dice, n: u64) -> Option<Elder> {
    let name = format!("{}{}", dice.pick(&SURNAMES)?, dice.pick(&GIVEN)?);
    let born = NaiveDate::from_ymd_opt(1931, 1, 1)?.checked_add_days(Days::new(dice.below(365 * 27)))?;
    let id = ResidentId::compose(NO_PLACE, born, u16::try_from(900 + n % 100).ok()?);
    // The town's old communities have more elders than its port.
    let weights: Vec<(usize, u64)> =
        (0..seed::COMMUNITIES.len()).map(|i| (i, if i == 10 { 2 } else { 14 - i as u64 })).collect();
    let community = dice.weighted(&weights)?;
    let (compound, grid) = (usize::try_from(dice.below(2)).ok()?, usize::try_from(dice.below(2)).ok()?);
    let name_of = seed::COMMUNITIES.get(community)?.1.trim_end_matches("社区");
    Some(Elder {
        name,
        // 199 0000 …: a series of the demo alone.
        phone: Phone::parse(&format!("1990000{n:04}"), None).ok(),
        national_id: id.filter(|_| n % 5 < 3),
        area_code: AreaCode::parse(&seed::demo_grid(community, compound, grid)).ok()?,
        address: format!("{name_of}{}弄 {} 号 {}0{} 室", 10 + n % 40, 1 + n % 12, 1 + n % 6, 1 + n % 4),
    })
}

/// When requests come in: fewer at week-ends, more as it grows cold, in the hours when people call.
fn arrivals(dice: &mut Dice, now: DateTime<Utc>) -> Vec<DateTime<Utc>> {
    let today = local_day(now);
    let days: Vec<(NaiveDate, u64)> = (0..DAYS)
        .filter_map(|back| today.checked_sub_days(Days::new(back)))
        .map(|day| {
            let week = [110, 104, 100, 101, 103, 62, 48][day.weekday().num_days_from_monday() as usize];
            let cold = [128, 122, 108, 98, 92, 94, 104, 106, 94, 92, 104, 118][day.month0() as usize];
            (day, week * cold)
        })
        .collect();
    let hours =
        [(7, 4), (8, 12), (9, 18), (10, 15), (11, 8), (12, 4), (13, 8), (14, 12), (15, 9), (16, 6), (17, 3), (19, 1)];
    let mut all: Vec<DateTime<Utc>> = (0..REQUESTS)
        .filter_map(|_| {
            let (day, hour) = (dice.weighted(&days)?, dice.weighted(&hours)?);
            let time = NaiveTime::from_hms_opt(hour, u32::try_from(dice.below(60)).ok()?, 0)?;
            let at = ZONE.from_local_datetime(&day.and_time(time)).earliest()?.with_timezone(&Utc);
            // A request that would lie ahead was made the day before.
            Some(if at < now - Duration::minutes(3) { at } else { at - Duration::days(1) })
        })
        .collect();
    all.sort_unstable();
    all
}

fn draft(dice: &mut Dice, elders: &[Elder], n: usize, received_at: DateTime<Utc>) -> Option<Draft> {
    // Two dice: those with low numbers call more often.
    let count = elders.len() as u64;
    let who = usize::try_from(dice.below(count).min(dice.below(count))).ok()?;
    let elder = elders.get(who)?;
    let mix: Vec<(usize, u64)> = MIX.iter().enumerate().map(|(i, (_, w, _))| (i, *w)).collect();
    let (category, _, notes) = MIX.get(dice.weighted(&mix)?)?;
    let note = dice.pick(notes)?;
    let urgency = match category {
        Category::Emergency => Urgency::Emergency,
        Category::Medical | Category::Nursing | Category::Mobility if dice.below(4) == 0 => Urgency::Urgent,
        _ => Urgency::Normal,
    };
    let told = ElderDetails {
        name: elder.name.clone(),
        phone: elder.phone.as_ref().map(|p| p.as_str().to_owned()),
        address: Some(elder.address.clone()),
        note: Some(note.to_owned()),
        ..ElderDetails::default()
    };
    let details = Details {
        received_at,
        area_code: elder.area_code.clone(),
        category: *category,
        category_raw: (*category == Category::Other).then(|| note.to_owned()),
        urgency,
        elder: told.into(),
        ..Details::blank()
    };
    Some(Draft {
        external_id: Some(format!("demo-{n:05}")),
        national_id: elder.national_id.clone(),
        paper_text: None,
        details,
    })
}

const SERVED: [RequestStepName; 8] = [
    RequestStepName::Triage,
    RequestStepName::Dispatch,
    RequestStepName::Accept,
    RequestStepName::VisitScheduled,
    RequestStepName::VisitStarted,
    RequestStepName::VisitCompleted,
    RequestStepName::FollowUp,
    RequestStepName::Close,
];
const ANSWERED: [RequestStepName; 3] = [RequestStepName::Resolve, RequestStepName::FollowUp, RequestStepName::Close];

/// The steps a request of this age has seen. None stands in a visit now: visits are booking's.
fn names(dice: &mut Dice, category: Category, age_hours: i64) -> Vec<RequestStepName> {
    if matches!(category, Category::Info | Category::Complaint) {
        let taken = if age_hours < 24 { dice.below(3) } else { 3 };
        return ANSWERED.iter().copied().take(usize::try_from(taken).unwrap_or(3)).collect();
    }
    let taken: &[(usize, u64)] = match age_hours {
        ..12 => &[(0, 40), (1, 20), (2, 30), (3, 10)],
        12..72 => &[(1, 6), (2, 12), (3, 14), (6, 22), (7, 22), (8, 24)],
        72..192 => &[(6, 8), (7, 14), (8, 78)],
        _ => &[(8, 1)],
    };
    let taken = dice.weighted(taken).unwrap_or(8);
    let mut names: Vec<RequestStepName> = SERVED.iter().copied().take(taken).collect();
    match dice.below(100) {
        0..5 if age_hours > 12 && taken >= 3 => names = vec![RequestStepName::Triage, RequestStepName::Cancel],
        5..8 if taken >= 6 => drop(names.splice(2..2, [RequestStepName::Reject, RequestStepName::Dispatch])),
        8..10 if taken >= 6 => {
            drop(names.splice(4..4, [RequestStepName::VisitNoShow, RequestStepName::VisitScheduled]));
        }
        10..13 if taken == 2 => names.push(RequestStepName::Escalate),
        _ => {}
    }
    names
}

fn live_through(
    dice: &mut Dice,
    mut request: Request,
    (street_office, agency): (Uuid, OrganisationId),
    now: DateTime<Utc>,
) -> Life {
    let mut at = request.details.received_at;
    let received = Change::created(request.clone());
    let mut past = vec![line(&received, at, Some(street_office))];
    let names = names(dice, request.details.category, (now - at).num_hours());
    for (left, name) in (1..=names.len()).rev().zip(names) {
        // Some pace of its own, but never past the present.
        let pace = pace(dice, name, request.details.urgency);
        let room = (now - at).num_minutes() / i64::try_from(left + 1).unwrap_or(1);
        let then = at + Duration::minutes(pace.min(room.max(0)));
        let Ok(change) = step(request.clone(), taken(name, agency, then), then) else { continue };
        at = then;
        let by = match name {
            RequestStepName::Accept | RequestStepName::Reject => Some(agency.0),
            name => Some(street_office).filter(|_| name.by_person()),
        };
        past.push(line(&change, at, by));
        request = change.after;
    }
    Life { request, past }
}

/// Minutes until a step is taken.
fn pace(dice: &mut Dice, step: RequestStepName, urgency: Urgency) -> i64 {
    let minutes = match (step, urgency) {
        (_, Urgency::Emergency) => 2 + dice.below(4),
        (RequestStepName::VisitScheduled | RequestStepName::VisitStarted | RequestStepName::FollowUp, _) => {
            120 + dice.below(900)
        }
        (RequestStepName::VisitCompleted, _) => 40 + dice.below(50),
        _ => 5 + dice.below(100),
    };
    i64::try_from(minutes).unwrap_or(5)
}

/// The step of a name as it was taken then.
fn taken(name: RequestStepName, agency: OrganisationId, at: DateTime<Utc>) -> RequestStep {
    let because = |reason: &str| Said { reason: Some(reason.to_owned()), note: None };
    match name {
        RequestStepName::Dispatch => RequestStep::Dispatch { agency, said: Said::default() },
        RequestStepName::Accept => RequestStep::Accept { at, said: Said::default() },
        RequestStepName::Reject => RequestStep::Reject(because("当天人手不够")),
        RequestStepName::Cancel => RequestStep::Cancel(because("家属已自行解决")),
        RequestStepName::Escalate => RequestStep::Escalate(because("超时未接单")),
        other => other.example(),
    }
}

fn line(change: &Change<Request>, at: DateTime<Utc>, organisation: Option<Uuid>) -> Line {
    Line {
        version: change.after.version,
        at,
        actor: None,
        actor_name: None,
        organisation,
        step: change.word().to_owned(),
        from_state: change.before.as_ref().map(|before| before.state_name().as_str().to_owned()),
        to_state: change.after.state_name().as_str().to_owned(),
        reason: change.step.as_ref().and_then(|step| step.reason()).map(str::to_owned),
        note: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_months_and_nothing_lies_ahead() {
        let now = DateTime::from_timestamp(1_795_000_000, 0).unwrap_or_default();
        let first = arrivals(&mut Dice(7), now);
        assert_eq!(first, arrivals(&mut Dice(7), now));
        assert_ne!(first, arrivals(&mut Dice(8), now));
        assert_eq!(first.len() as u64, REQUESTS);
        assert!(first.iter().all(|t| *t < now && *t > now - Duration::days(93)));
        assert_eq!(MIX.iter().map(|(_, w, _)| w).sum::<u64>(), 1000);
    }
}
