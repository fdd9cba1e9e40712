//! A small network for the tests of consults: two care homes, two hospitals, their people, and a
//! browser-less caller with tokens of the network's own keys.

use std::ops::Deref;
use std::sync::atomic::{AtomicU32, Ordering};

use chrono::{DateTime, Utc};
use sanbao_booking::{App, Config, MIGRATIONS, build, calendar};
use sanbao_platform::bus::Outbox;
use sanbao_platform::clock::Clock;
use sanbao_platform::db::Tx;
use sanbao_platform::id::{OrganisationId, uuid_v7};
use sanbao_platform::on;
use sanbao_platform::testing::{Answer, Person, Site, TestEngine};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::network::{member, organisation};

/// Monday 2026-11-23, 08:00 in Shanghai.
pub const NOW: &str = "2026-11-23T00:00:00Z";

/// The network.
pub struct World {
    site: Site,
    pub app: App,
    pub engine: &'static str,
    pub home: OrganisationId,
    pub hospital: OrganisationId,
    pub nurse: Person,
    pub doctor: Person,
    pub second_doctor: Person,
    pub skin_doctor: Person,
    pub hospital_admin: Person,
    pub stranger_nurse: Person,
    pub stranger_doctor: Person,
    pub dispatcher: Person,
    pub residents: Vec<Uuid>,
    pub rooms: Vec<Uuid>,
}

const PERSON: &str = "insert into person (id, organisation_id, name, sex, birth_date, created_at, version)
    values ($1, $2, $3, 'female', $4, $5, 1)";
const LOCATION: &str = "insert into location (id, organisation_id, name, created_at) values ($1, $2, $3, $4)";
const PRACTITIONER: &str = "insert into practitioner
    (account_id, organisation_id, specialty, specialty_zh, specialty_en, title, licence_no, created_at)
    values ($1, $2, $3, $4, $5, 'chief', '110330211000001', $6)";
const EVENTS: &str = "select kind from outbox where subject = $1 order by seq";
const AUDIT: &str = "select action from audit where resource_id = $1 order by occurred_at, id";

pub async fn practise(tx: &mut Tx, now: DateTime<Utc>, who: &Person, code: &str, zh: &str) {
    on!(tx, |c| {
        let row = sqlx::query(PRACTITIONER).bind(who.id).bind(who.organisation).bind(code).bind(zh).bind(code);
        row.bind(now).execute(c).await.map(drop)
    })
    .unwrap();
}

impl Deref for World {
    type Target = Site;

    fn deref(&self) -> &Site {
        &self.site
    }
}

impl World {
    /// A network in which the doctors' hospital lies in `zone`.
    pub async fn in_zone(engine: &TestEngine, zone: &str) -> Self {
        Self::at_time(engine, zone, NOW).await
    }

    /// The same at another time.
    pub async fn at_time(engine: &TestEngine, zone: &str, now: &str) -> Self {
        let clock = Clock::manual(now.parse().unwrap());
        let deps = engine.deps("booking", &MIGRATIONS, clock.clone()).await;
        let now = clock.now();
        let mut tx = deps.db.begin().await.unwrap();
        let t = &mut tx;
        let home = organisation(t, now, "care_home", "招宝山颐养院", "Asia/Shanghai").await;
        let other_home = organisation(t, now, "care_home", "海港养老院", "Asia/Shanghai").await;
        let hospital = organisation(t, now, "hospital", "镇海示范医院", zone).await;
        let other_hospital = organisation(t, now, "hospital", "另一家医院", zone).await;
        let nurse = member(t, now, home, &["care_staff"], "王护士").await;
        let stranger_nurse = member(t, now, other_home, &["care_staff"], "外护士").await;
        let doctor = member(t, now, hospital, &["doctor"], "李医生").await;
        let second_doctor = member(t, now, hospital, &["doctor"], "赵医生").await;
        let skin_doctor = member(t, now, hospital, &["doctor"], "皮医生").await;
        let hospital_admin = member(t, now, hospital, &["administrator"], "院管").await;
        let stranger_doctor = member(t, now, other_hospital, &["doctor"], "外医生").await;
        let dispatcher = member(t, now, home, &["dispatcher"], "派单员").await;
        for who in [&doctor, &second_doctor, &stranger_doctor] {
            practise(t, now, who, "cardiology", "心血管内科").await;
        }
        practise(t, now, &skin_doctor, "dermatology", "皮肤科").await;
        let (mut residents, mut rooms) = (Vec::new(), Vec::new());
        for n in 0..2 {
            let (resident, room) = (uuid_v7(now), uuid_v7(now));
            let birthday: chrono::NaiveDate = "1940-05-01".parse().unwrap();
            on!(t, |c| {
                let row = sqlx::query(PERSON).bind(resident).bind(home).bind(format!("陈奶奶{n}"));
                row.bind(birthday).bind(now).execute(c).await.map(drop)
            })
            .unwrap();
            on!(t, |c| {
                let row = sqlx::query(LOCATION).bind(room).bind(home).bind(format!("会诊室 {n}"));
                row.bind(now).execute(c).await.map(drop)
            })
            .unwrap();
            residents.push(resident);
            rooms.push(room);
        }
        tx.commit().await.unwrap();
        let app = App::new(Config::default(), deps.clone());
        let site = Site::of(build(Config::default(), deps.clone()), &deps);
        let world = Self {
            site,
            app,
            engine: engine.name(),
            home,
            hospital,
            nurse,
            doctor,
            second_doctor,
            skin_doctor,
            hospital_admin,
            stranger_nurse,
            stranger_doctor,
            dispatcher,
            residents,
            rooms,
        };
        world.open_hours().await;
        world
    }

    /// Both heart doctors see patients each morning.
    async fn open_hours(&self) {
        for who in [&self.doctor, &self.second_doctor] {
            let plan = json!({ "weekly": (1..=7).map(|weekday| json!({
                "weekday": weekday, "start": "08:00", "end": "12:00", "slot_minutes": 30, "valid_from": "2026-01-01",
            })).collect::<Vec<_>>() });
            self.put(who, &format!("/v1/practitioners/{}/hours", who.id), plan).await.expect(200);
        }
    }

    /// A network in Shanghai.
    pub async fn new(engine: &TestEngine) -> Self {
        Self::in_zone(engine, "Asia/Shanghai").await
    }

    /// A room of another care home, which is taken all day.
    pub async fn foreign_room(&self) -> String {
        let (room, now) = (uuid_v7(self.clock.now()), self.clock.now());
        let mut tx = self.db.begin().await.unwrap();
        on!(tx, |c| {
            let row = sqlx::query(LOCATION).bind(room).bind(self.stranger_nurse.organisation).bind("外会诊室");
            row.bind(now).execute(c).await.map(drop)
        })
        .unwrap();
        let interval = calendar::Interval::of_minutes(now, 12 * 60).unwrap();
        let booking =
            calendar::Booking { holder_kind: "consult", holder_id: uuid_v7(now), resources: &[room], interval };
        calendar::reserve(&mut tx, now, &booking).await.unwrap();
        tx.commit().await.unwrap();
        room.to_string()
    }

    /// A step of a consult.
    pub async fn step(&self, who: &Person, id: &str, step: &str, body: Value) -> Answer {
        let body = if body.is_null() { None } else { Some(body) };
        self.call(Some(who), "POST", &format!("/v1/consults/{id}/{step}"), body, &[]).await
    }

    pub fn invitation(&self, resident: usize) -> Value {
        json!({
            "resident_id": self.residents[resident], "hospital_id": self.hospital,
            "reason": "近一周活动后气促，利尿剂加量后仍有下肢水肿", "purpose": "请指导心衰用药",
            "wanted_from": "2026-11-23T00:00:00Z", "wanted_until": "2026-11-27T10:00:00Z",
            "case_summary": "86 岁，高血压 20 年，射血分数 40%。", "wanted_specialty": "cardiology",
            "wanted_title": "attending", "submit": true,
        })
    }

    /// A submitted consult's id.
    pub async fn submitted(&self) -> String {
        let body = self.post(&self.nurse, "/v1/consults", self.invitation(0)).await.expect(201);
        body["id"].as_str().unwrap().to_owned()
    }

    /// An accepted consult's id.
    pub async fn accepted(&self) -> String {
        let id = self.submitted().await;
        self.step(&self.doctor, &id, "accept", Value::Null).await.expect(200);
        id
    }

    /// One more resident of the house, and one more room.
    pub async fn one_more(&self) -> (Uuid, Uuid) {
        let now = self.clock.now();
        let (resident, room) = (uuid_v7(now), uuid_v7(now));
        let birthday: chrono::NaiveDate = "1938-02-01".parse().unwrap();
        let mut tx = self.db.begin().await.unwrap();
        on!(tx, |c| {
            let row = sqlx::query(PERSON).bind(resident).bind(self.home).bind("林爷爷");
            row.bind(birthday).bind(now).execute(c).await.map(drop)
        })
        .unwrap();
        on!(tx, |c| {
            let row = sqlx::query(LOCATION).bind(room).bind(self.home).bind("活动室");
            row.bind(now).execute(c).await.map(drop)
        })
        .unwrap();
        tx.commit().await.unwrap();
        (resident, room)
    }

    /// A consult booked for 08:30 Shanghai time.
    pub async fn scheduled(&self) -> String {
        let id = self.accepted().await;
        self.step(&self.nurse, &id, "schedule", self.at("2026-11-23T00:30:00Z")).await.expect(200);
        id
    }

    /// The body that books the first room at a time.
    pub fn at(&self, starts_at: &str) -> Value {
        json!({ "room_id": self.rooms[0], "starts_at": starts_at })
    }

    pub fn consent() -> Value {
        json!({ "given_by": "guardian", "name": "陈先生", "relation": "儿子", "method": "written" })
    }

    /// The kinds of a consult's events, in order.
    pub async fn events(&self, id: &str) -> Vec<String> {
        let (mut conn, id): (_, Uuid) = (self.db.read().await.unwrap(), id.parse().unwrap());
        on!(conn, |c| sqlx::query_scalar(EVENTS).bind(id).fetch_all(c).await).unwrap()
    }

    /// The actions of a consult's audit rows.
    pub async fn audited(&self, id: &str) -> Vec<String> {
        let (mut conn, id): (_, Uuid) = (self.db.read().await.unwrap(), id.parse().unwrap());
        on!(conn, |c| sqlx::query_scalar(AUDIT).bind(id).fetch_all(c).await).unwrap()
    }

    /// The log that the relay's events are put into.
    pub fn outbox(&self) -> Outbox {
        Outbox::new("signalling", self.db.clone())
    }
}

/// A unique key.
pub fn fresh_key() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    format!("key-{}", NEXT.fetch_add(1, Ordering::Relaxed))
}
