//! The demo's consults: doctors with hours, and four consults of today. Only the demo calls this.

use chrono::{DateTime, Duration, DurationRound as _, NaiveDate, Utc};
use sanbao_platform::auth::Actor;
use sanbao_platform::db::{Conn, Tx};
use sanbao_platform::http::Ctx;
use sanbao_platform::id::OrganisationId;
use sanbao_platform::lifecycle::{By, advance, create};
use sanbao_platform::moment::Moment;
use sanbao_platform::on;
use sanbao_platform::problem::Problem;
use sanbao_platform::workdays::{self, DayKind};

use super::booking::HOLDER;
use super::consent::{self, GivenBy, Method, NewConsent};
use super::input::{Invitation, Title, Urgency};
use super::model::Consult;
use super::opinion::{self, Parts};
use super::practitioner::store::{self as doctors, NewPractitioner, PractitionerPost};
use super::practitioner::workday::{self, WorksAs};
use super::state::{Appointment, ConsultStep};
use super::store;
use crate::App;
use crate::account::organisation::OrganisationKind;
use crate::account::{AccountId, LocationId, PersonId};
use crate::calendar::week::{MINUTES_OF_DAY, WeeklyHours};
use crate::calendar::{self, Booking, Interval};

/// The people whom the demo's consults are about.
#[derive(Clone, Debug)]
pub struct DemoPeople {
    /// The care home that invites.
    pub care_home: OrganisationId,
    /// The hospital that is invited.
    pub hospital: OrganisationId,
    /// Rooms of the care home; at least one.
    pub rooms: Vec<LocationId>,
    /// The person who invites.
    pub care_staff: AccountId,
    /// Doctors of the hospital with their specialties' codes; the first one has today's consults.
    pub doctors: Vec<(AccountId, String)>,
    /// Residents of the care home; at least four.
    pub residents: Vec<PersonId>,
}

/// Days on which the demo's hospital works whatever the calendar says.
const HOLIDAYS_AHEAD_DAYS: usize = 60;

const NAME_OF: &str = "select display_name from account where id = $1";

/// Code, Chinese, English.
const SPECIALTIES: &[(&str, &str, &str)] = &[
    ("geriatrics", "老年医学科", "Geriatrics"),
    ("cardiology", "心血管内科", "Cardiology"),
    ("rehabilitation", "康复医学科", "Rehabilitation"),
    ("dermatology", "皮肤科", "Dermatology"),
];

/// Reason, purpose, case summary: all invented.
const CASES: [(&str, &str, &str); 4] = [
    (
        "近两周夜间反复起床、白天嗜睡，进食减少",
        "请协助判断是否需要调整镇静用药，并给出照护建议",
        "88 岁。高血压 20 年，长期服用氨氯地平 5 mg 每日一次；三个月前因失眠加用艾司唑仑 1 mg 每晚。\n近两周夜间起床 3 至 4 次，白天嗜睡，体重下降 1.5 kg。\n今晨血压 138/72 mmHg，心率 68 次/分，血氧 97%。简易认知筛查较上月下降 2 分。\n无发热、无跌倒。",
    ),
    (
        "步态不稳加重，一个月内跌倒两次",
        "请评估跌倒原因，指导检查与康复训练",
        "85 岁。2 型糖尿病 12 年，糖化血红蛋白 7.8%；双下肢麻木半年。\n一个月内在卫生间跌倒两次，无骨折。起立时头晕，卧位血压 142/80、立位 118/70 mmHg。\n目前用药：二甲双胍 0.5 g 每日两次，特拉唑嗪 2 mg 每晚。",
    ),
    (
        "活动后气促一周，下肢水肿",
        "请指导利尿剂用量及是否需要转诊",
        "91 岁。慢性心力衰竭，射血分数 42%。一周来体重增加 2 kg，双下肢凹陷性水肿，夜间可平卧。\n血压 126/70 mmHg，心率 82 次/分，血氧 95%。目前呋塞米 20 mg 每日一次。",
    ),
    (
        "慢性咳嗽三周，夜间明显",
        "请判断是否需要胸部影像检查",
        "82 岁。既往慢性支气管炎。近三周咳嗽，少量白痰，无发热，食欲可。血氧 96%。",
    ),
];

/// Makes the doctors bookable and writes today's consults, in one transaction.
pub async fn fill(app: &App, people: &DemoPeople) -> Result<(), Problem> {
    let now = app.deps.clock.now();
    let mut tx = app.deps.db.begin().await?;
    for (doctor, specialty) in &people.doctors {
        register(&mut tx, people.hospital, *doctor, specialty, now).await?;
        open_on_holidays(&mut tx, people.hospital, *doctor, now).await?;
    }
    let Some((doctor, specialty)) = people.doctors.first() else { return Ok(tx.commit().await?) };
    let nurse = acting(
        app,
        &mut tx,
        people.care_staff,
        people.care_home,
        (OrganisationKind::CareHome, crate::role::CARE_STAFF),
    )
    .await?;
    let doctor =
        acting(app, &mut tx, *doctor, people.hospital, (OrganisationKind::Hospital, crate::role::DOCTOR)).await?;
    let scene = Scene { people, specialty, nurse, doctor, now };
    let slot = now.duration_trunc(Duration::minutes(5)).unwrap_or(now);
    let begins_now = scene.submitted(&mut tx, 0).await?;
    scene.booked(&mut tx, begins_now, slot).await?;
    scene.submitted(&mut tx, 1).await?;
    let past = scene.submitted(&mut tx, 2).await?;
    scene.signed(&mut tx, past, slot - Duration::minutes(90)).await?;
    let next = scene.submitted(&mut tx, 3).await?;
    scene.booked(&mut tx, next, slot + Duration::minutes(40)).await?;
    Ok(tx.commit().await?)
}

async fn register(
    tx: &mut Tx,
    hospital: OrganisationId,
    doctor: AccountId,
    code: &str,
    now: DateTime<Utc>,
) -> Result<(), Problem> {
    let (zh, en) = SPECIALTIES.iter().find(|s| s.0 == code).map_or((code, code), |s| (s.1, s.2));
    let new = NewPractitioner {
        account_id: doctor,
        organisation_id: hospital,
        specialty: code.to_owned(),
        specialty_zh: zh.to_owned(),
        specialty_en: en.to_owned(),
        title: if code == "geriatrics" { Title::Chief } else { Title::AssociateChief },
        licence_no: format!("DEMO{}", &doctor.0.simple().to_string()[20..]),
    };
    doctors::register(tx, &new, now).await?;
    // A visitor who tries the demo in the evening finds times too.
    let line = |weekday, start_minute, end_minute| WeeklyHours {
        weekday,
        start_minute,
        end_minute,
        slot_minutes: 30,
        valid_from: NaiveDate::default(),
        valid_to: None,
    };
    let day = |weekday| [line(weekday, 8 * 60, 12 * 60), line(weekday, 13 * 60 + 30, MINUTES_OF_DAY - 60)];
    let week: Vec<WeeklyHours> = (1..=7).flat_map(day).collect();
    Ok(doctors::replace_weekly(tx, PractitionerPost { doctor, hospital }, &week, now).await?)
}

/// A visitor who tries the demo in a holiday finds times too: its hospital works on all days.
async fn open_on_holidays(
    tx: &mut Tx,
    hospital: OrganisationId,
    by: AccountId,
    now: DateTime<Utc>,
) -> Result<(), Problem> {
    let days = now.date_naive().iter_days().take(HOLIDAYS_AHEAD_DAYS);
    for day in days.filter(|day| matches!(workdays::kind_of(*day), Some(DayKind::Holiday(_)))) {
        workday::set(tx, hospital, day, Some(WorksAs::itself(day)), (by, now)).await?;
    }
    Ok(())
}

async fn acting(
    app: &App,
    conn: &mut Conn,
    account: AccountId,
    organisation: OrganisationId,
    (kind, role): (OrganisationKind, &str),
) -> Result<Ctx, Problem> {
    let name: String = on!(conn, |c| sqlx::query_scalar(NAME_OF).bind(account).fetch_one(c).await)?;
    let actor = Actor {
        subject: account.into(),
        organisation,
        kind: kind.as_str().to_owned(),
        roles: vec![role.to_owned()],
        areas: Vec::new(),
        name,
        session: account.0,
        version: 1,
        proved_at: app.deps.clock.now(),
        lacks_factor: false,
        workplaces: Vec::new(),
    };
    Ok(Ctx::new(actor, app.deps.clock.clone(), "demo"))
}

struct Scene<'a> {
    people: &'a DemoPeople,
    specialty: &'a str,
    nurse: Ctx,
    doctor: Ctx,
    now: DateTime<Utc>,
}

impl Scene<'_> {
    async fn submitted(&self, tx: &mut Tx, n: usize) -> Result<Consult, Problem> {
        let (reason, purpose, case_summary) = CASES[n % CASES.len()];
        let residents = &self.people.residents;
        let resident_id =
            *residents.get(n % residents.len().max(1)).ok_or_else(|| Problem::internal("no residents"))?;
        let invitation = Invitation {
            resident_id,
            hospital_id: self.people.hospital,
            reason: reason.to_owned(),
            purpose: purpose.to_owned(),
            wanted_from: Moment::known(self.now),
            wanted_until: Moment::known(self.now + Duration::days(2)),
            case_summary: case_summary.to_owned(),
            wanted_specialty: self.specialty.to_owned(),
            wanted_title: None,
            urgency: Urgency::Routine,
            asked: None,
            device_ids: Vec::new(),
            draft_id: None,
            submit: true,
        };
        let draft = Consult::begun(self.now, &self.nurse.actor, &invitation, None);
        create(tx, &By::Person(&self.nurse), draft.clone()).await?;
        let sent = advance(tx, &By::Person(&self.nurse), draft, ConsultStep::Submit).await?;
        // Read anew for the names that were joined.
        store::find(tx, sent.id).await?.ok_or_else(Problem::not_found)
    }

    async fn booked(&self, tx: &mut Tx, consult: Consult, starts_at: DateTime<Utc>) -> Result<Consult, Problem> {
        let doctor: AccountId = self.doctor.actor.subject.into();
        let room = *self.people.rooms.first().ok_or_else(|| Problem::internal("no rooms"))?;
        let interval = Interval::of_minutes(starts_at, 30).map_err(Problem::internal)?;
        let consult = advance(tx, &By::Person(&self.doctor), consult, ConsultStep::Accept(doctor.into())).await?;
        let appointment = Appointment { doctor, room, interval, delay_minutes: 0, overbooked: false, at_once: false };
        let resources = [doctor.0, consult.resident_id.0, room.0];
        let booking = Booking { holder_kind: HOLDER, holder_id: consult.id.0, resources: &resources, interval };
        calendar::reserve(tx, self.now, &booking).await?;
        let consult = advance(tx, &By::Person(&self.nurse), consult, ConsultStep::Schedule(appointment.into())).await?;
        let consent = NewConsent {
            given_by: GivenBy::Resident,
            name: consult.about.unseen().name.clone(),
            relation: String::new(),
            method: Method::Written,
            witness: String::new(),
            given_at: Some(Moment::known(self.now)),
        };
        consent::insert(tx, consult.id, self.people.care_staff, self.now, &consent).await?;
        Ok(consult)
    }

    async fn signed(&self, tx: &mut Tx, consult: Consult, starts_at: DateTime<Utc>) -> Result<(), Problem> {
        let relay = By::Automatic { cause: "demo", at: self.now, actor: None };
        let consult = self.booked(tx, consult, starts_at).await?;
        let consult = advance(tx, &relay, consult, ConsultStep::Start(starts_at + Duration::minutes(1))).await?;
        let consult = advance(tx, &relay, consult, ConsultStep::Finish(starts_at + Duration::minutes(22))).await?;
        let parts = Parts {
            impression: "慢性心力衰竭失代偿，NYHA II–III 级".to_owned(),
            differential: "低蛋白血症所致水肿待排".to_owned(),
            suggested_tests: "三日内复查电解质、肾功能与 NT-proBNP".to_owned(),
            suggested_treatment: "呋塞米改为 20 mg 每日两次，连用三日；每日晨起称重，限盐".to_owned(),
            referral_advice: "若血氧低于 92% 或不能平卧，立即转诊本院".to_owned(),
            follow_up: "三日后远程复诊".to_owned(),
            risk_notes: "注意低钾与体位性低血压".to_owned(),
        };
        let signer = self.doctor.actor.subject.into();
        opinion::save(tx, consult.id, None, signer, self.now, &parts).await?;
        let opinion = opinion::find(tx, consult.id).await?.ok_or_else(Problem::not_found)?;
        let post = PractitionerPost { doctor: signer, hospital: self.doctor.actor.organisation };
        let doctor = doctors::find(tx, post).await?.ok_or_else(Problem::not_found)?;
        opinion::sign(tx, consult.id, opinion.unseen(), &doctor, self.now).await?;
        advance(tx, &By::Person(&self.doctor), consult, ConsultStep::Sign).await?;
        Ok(())
    }
}
