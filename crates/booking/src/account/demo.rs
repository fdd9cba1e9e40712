//! The demo's people and organisations: all invented. Only the demo calls this.

use chrono::{DateTime, NaiveDate, Utc};
use sanbao_platform::audit;
use sanbao_platform::cn::ResidentId;
use sanbao_platform::crypto::FieldKeys;
use sanbao_platform::db::Tx;
use sanbao_platform::id::OrganisationId;
use sanbao_platform::problem::{CONFLICT, Problem};

use super::area;
use super::id::{AccountId, LocationId, PersonId};
use super::location::{self, Location};
use super::member::{self, Membership, NewAccount};
use super::organisation::OrganisationKind::{
    self, CareHome, Community, HealthCentre, HomeCareAgency, Hospital, StreetOffice,
};
use super::organisation::{self, Organisation, OrganisationState};
use super::person::{self, Person, PersonEvent, REGISTERED};
use crate::App;
use crate::role::{ADMINISTRATOR, ANALYST, AREA_LEADER, CARE_STAFF, CAREGIVER, DISPATCHER, DOCTOR};

/// The password of every demo account.
pub const PASSWORD: &str = "sanbao-demo";
/// The PIN of every demo account.
pub const PIN: &str = "1234";
/// 招宝山街道
pub const STREET_CODE: &str = "330211001";
/// 城东社区
const COMMUNITY_CODE: &str = "330211001001";
/// The stair and the grid of the demo whose leaders have log-ins, as needs-analysis divides the community.
const STAIR_CODE: &str = "330211001001-C1-G1-B1";
const GRID_CODE: &str = "330211001001-C1-G1";

/// A demo log-in, to be printed.
#[derive(Clone, Debug)]
pub struct DemoAccount {
    pub id: AccountId,
    /// The login name to type.
    pub login: &'static str,
    /// The person's name.
    pub name: &'static str,
    pub role: &'static str,
    /// The kind of its organisation.
    pub kind: OrganisationKind,
    pub organisation: OrganisationId,
    /// A doctor's specialty, as its code.
    pub specialty: Option<&'static str>,
}

/// The accounts, places and people of the demo network.
#[derive(Clone, Debug)]
pub struct Network {
    /// 招宝山街道办事处
    pub street_office: OrganisationId,
    pub care_home: OrganisationId,
    pub hospital: OrganisationId,
    pub agency: OrganisationId,
    pub accounts: Vec<DemoAccount>,
    /// The care home's residents.
    pub residents: Vec<PersonId>,
    /// The care home's consulting rooms.
    pub rooms: Vec<LocationId>,
}

impl Network {
    /// The accounts of a role, the one to show first in front.
    pub fn of_role(&self, role: &str) -> impl Iterator<Item = &DemoAccount> {
        self.accounts.iter().filter(move |a| a.role == role)
    }
}

/// Kind, name, English name, telephone, community.
type Institution = (OrganisationKind, &'static str, &'static str, &'static str, &'static str);

const STREET_OFFICE: Institution = (
    OrganisationKind::StreetOffice,
    "招宝山街道办事处（演示）",
    "Zhaobaoshan Street Office (demo)",
    "0574-00000001",
    STREET_CODE,
);
const CARE_HOME: Institution =
    (OrganisationKind::CareHome, "安和怡养院", "Anhe Care Home", "0574-00000002", COMMUNITY_CODE);
const HOSPITAL: Institution =
    (OrganisationKind::Hospital, "海滨医院", "Seaside Hospital", "0574-00000003", STREET_CODE);
const AGENCY: Institution =
    (OrganisationKind::HomeCareAgency, "邻里到家服务社", "Neighbours Home Care", "0574-00000004", STREET_CODE);

/// A role, and the kind of organisation that gives it.
type Post = (&'static str, OrganisationKind);

/// Log-in, name, role and kind, specialty.
const ACCOUNTS: &[(&str, &str, Post, Option<&str>)] = &[
    ("nurse", "林晓月", (CARE_STAFF, CareHome), None),
    ("doctor", "周明远", (DOCTOR, Hospital), Some("geriatrics")),
    ("doctor.shen", "沈若兰", (DOCTOR, Hospital), Some("cardiology")),
    ("doctor.gu", "顾长风", (DOCTOR, Hospital), Some("rehabilitation")),
    ("dispatcher", "方佳宁", (DISPATCHER, HomeCareAgency), None),
    ("caregiver", "许小燕", (CAREGIVER, HomeCareAgency), None),
    ("caregiver.he", "何大为", (CAREGIVER, HomeCareAgency), None),
    ("caregiver.tao", "陶春梅", (CAREGIVER, HomeCareAgency), None),
    ("desk", "石清扬", (DISPATCHER, StreetOffice), None),
    ("analyst", "苏文清", (ANALYST, StreetOffice), None),
    ("stair", "潘月琴", (AREA_LEADER, StreetOffice), None),
    ("grid", "卢建平", (AREA_LEADER, StreetOffice), None),
    ("community", "邬文娟", (DISPATCHER, StreetOffice), None),
    ("admin", "高海平", (ADMINISTRATOR, StreetOffice), None),
];

/// Name, the id's first 17 digits (an area code that is not given out), telephone, relative, their telephone.
const RESIDENTS: &[(&str, &str, &str, &str, &str)] = &[
    ("陈桂香", "33029819380412002", "13800000011", "陈立新", "13900000011"),
    ("王德福", "33029819410823001", "13800000012", "王晓东", "13900000012"),
    ("李秀英", "33029819351105004", "13800000013", "李国强", "13900000013"),
    ("张根土", "33029819440130003", "13800000014", "张雪梅", "13900000014"),
    ("赵阿凤", "33029819400617006", "13800000015", "赵志刚", "13900000015"),
    ("孙宝庆", "33029819370209005", "13800000016", "孙丽华", "13900000016"),
];

const ROOMS: &[&str] = &["远程会诊室 1", "远程会诊室 2"];

/// Each demo account's log-in, name, and role with the kind of its organisation, to be printed.
pub fn log_ins() -> impl Iterator<Item = (&'static str, &'static str, Post)> {
    ACCOUNTS.iter().map(|&(login, name, post, _)| (login, name, post))
}

/// Fills an empty database with the demo network, in one transaction; one hash serves every account.
pub async fn fill(app: &App) -> Result<Network, Problem> {
    let passwords = &app.deps.passwords;
    let (password, pin) = tokio::try_join!(passwords.hash(PASSWORD.to_owned()), passwords.hash(PIN.to_owned()))?;
    let now = app.deps.clock.now();
    let mut tx = app.deps.db.begin().await?;
    let street_office = add_organisation(&mut tx, now, STREET_OFFICE, None).await?;
    // As the area tree will tell; the demo's administrator need not wait for it.
    area::lay(&mut tx, COMMUNITY_CODE, STREET_CODE, NaiveDate::default()).await?;
    let care_home = add_organisation(&mut tx, now, CARE_HOME, Some(street_office)).await?;
    let hospital = add_organisation(&mut tx, now, HOSPITAL, Some(street_office)).await?;
    let agency = add_organisation(&mut tx, now, AGENCY, Some(street_office)).await?;
    let mut accounts = Vec::with_capacity(ACCOUNTS.len());
    for &(login, name, (role, kind), specialty) in ACCOUNTS {
        let organisation = match kind {
            CareHome => care_home,
            Hospital => hospital,
            HomeCareAgency => agency,
            // The demo has no accounts of a community or of a health centre.
            StreetOffice | Community | HealthCentre => street_office,
        };
        let account = DemoAccount { id: AccountId::new(now), login, name, role, kind, organisation, specialty };
        add_account(&mut tx, now, &account, (&password, &pin)).await?;
        accounts.push(account);
    }
    let mut rooms = Vec::with_capacity(ROOMS.len());
    for name in ROOMS {
        let id = LocationId::new(now);
        let room = Location::named(id, care_home, (*name).to_owned(), now);
        location::insert(&mut tx, &room).await?;
        rooms.push(id);
    }
    let residents = add_residents(&mut tx, now, care_home, &app.deps.fields).await?;
    audit::record_as(&mut tx, now, None, "demo.fill", "organisation", Some(street_office.into()), "start", "done")
        .await?;
    tx.commit().await?;
    Ok(Network { street_office, care_home, hospital, agency, accounts, residents, rooms })
}

async fn add_organisation(
    tx: &mut Tx,
    now: DateTime<Utc>,
    what: Institution,
    made_by: Option<OrganisationId>,
) -> Result<OrganisationId, Problem> {
    let (kind, name_zh, name_en, phone, area) = what;
    let organisation = Organisation {
        id: OrganisationId::new(now),
        kind,
        name_zh: name_zh.to_owned(),
        name_en: name_en.to_owned(),
        time_zone: "Asia/Shanghai".to_owned(),
        phone: Some(phone.to_owned()),
        area_code: Some(area.to_owned()),
        made_by,
        state: OrganisationState::Open,
        version: 1,
        created_at: now,
    };
    organisation::insert(tx, &organisation).await?;
    Ok(organisation.id)
}

async fn add_account(
    tx: &mut Tx,
    now: DateTime<Utc>,
    account: &DemoAccount,
    (password_hash, pin_hash): (&str, &str),
) -> Result<(), Problem> {
    let new = NewAccount {
        id: account.id,
        login: account.login,
        display_name: account.name,
        password_hash,
        pin_hash: Some(pin_hash),
    };
    if !member::insert(tx, &new, now).await? {
        return Err(Problem::new(&CONFLICT).because("the demo network is there already"));
    }
    let areas = match (account.login, account.kind) {
        ("stair", _) => vec![STAIR_CODE.to_owned()],
        ("grid", _) => vec![GRID_CODE.to_owned()],
        ("community", _) => vec![COMMUNITY_CODE.to_owned()],
        (_, StreetOffice) => vec![STREET_CODE.to_owned()],
        _ => Vec::new(),
    };
    let membership = Membership { organisation: account.organisation, roles: vec![account.role.to_owned()], areas };
    Ok(member::add_membership(tx, account.id, &membership, now).await?)
}

async fn add_residents(
    tx: &mut Tx,
    now: DateTime<Utc>,
    care_home: OrganisationId,
    keys: &FieldKeys,
) -> Result<Vec<PersonId>, Problem> {
    let mut residents = Vec::with_capacity(RESIDENTS.len());
    for &(name, digits, phone, guardian, guardian_phone) in RESIDENTS {
        let mut resident = Person::blank(PersonId::new(now), Some(care_home), now);
        let id = invented_id(digits).ok_or_else(|| Problem::internal("an invented resident id is none"))?;
        resident.set_national_id(keys, &id);
        name.clone_into(&mut resident.name);
        resident.phone = Some(phone.to_owned());
        resident.guardian_name = Some(guardian.to_owned());
        resident.guardian_phone = Some(guardian_phone.to_owned());
        resident.area_code = Some(COMMUNITY_CODE.to_owned());
        person::insert(tx, &resident).await?;
        PersonEvent::of(&resident).publish(tx, now, &REGISTERED).await?;
        residents.push(resident.id);
    }
    Ok(residents)
}

/// The resident id that begins with these 17 digits: place, birth date, sequence.
fn invented_id(digits: &str) -> Option<ResidentId> {
    let born = NaiveDate::parse_from_str(digits.get(6..14)?, "%Y%m%d").ok()?;
    ResidentId::compose(digits.get(..6)?, born, digits.get(14..)?.parse().ok()?)
}
