//! A house, a hospital with 500 doctors, and consults that wait for a time. Ids are made of numbers, so that statements can make
//! them too.

use chrono::{DateTime, DurationRound as _, TimeDelta, Utc};
use sanbao_booking::MIGRATIONS;
use sanbao_platform::clock::Clock;
use sanbao_platform::config::RootSecret;
use sanbao_platform::db::{Db, Engine, Tx};
use sanbao_platform::id::OrganisationId;
use sanbao_platform::on;
use sanbao_platform::testing::{Person, TestEngine};
use uuid::Uuid;

/// Doctors, and as many residents and rooms.
pub(crate) const DOCTORS: u64 = 500;
/// Of so many bookings one wants a time that is taken.
pub(crate) const CONFLICT_EVERY: u64 = 10;

const HOME: u64 = 1;
const HOSPITAL: u64 = 2;
/// Statements write so many rows at once.
const ROWS: u64 = 20_000;
/// Where the times begin that 64 want.
const ONE_SLOT_DAYS: i64 = 200;

const ORGANISATION: &str = "insert into organisation (id, kind, name_zh, name_en, time_zone, created_at)
    values ($1, $2, '甲', 'A', 'Asia/Shanghai', $3)";
const ACCOUNT: &str =
    "insert into account (id, login, display_name, password_hash, status, failed_count, created_at, version)
    values ($1, $2, '李', '-', 'active', 0, $3, 1)";
const MEMBERSHIP: &str = "insert into membership (account_id, organisation_id, role, created_at)
    values ($1, $2, $3, $4)";
const PERSON: &str = "insert into person (id, organisation_id, name, sex, created_at, version)
    values ($1, $2, '许桂兰', 'female', $3, 1)";
const ROOM: &str = "insert into location (id, organisation_id, name, created_at) values ($1, $2, $3, $4)";
const PRACTITIONER: &str = "insert into practitioner
    (account_id, organisation_id, specialty, specialty_zh, specialty_en, title, licence_no, created_at)
    values ($1, $2, 'cardiology', '心血管内科', 'Cardiology', 'chief', '110330211000001', $3)";
const HOURS: &str = "insert into practitioner_hours
    (id, account_id, weekday, start_minute, end_minute, slot_minutes, valid_from)
    values ($1, $2, $3, 0, 1440, 30, $4)";
// Consult n is of the doctor, and of the resident, of number n % 500; every tenth of the doctor before.
const WAITING_SQLITE: &str = "with recursive n (n) as (select $1 union all select n + 1 from n where n + 1 < $2)
    insert into consult (id, inviting_id, invited_id, resident_id, requested_by, reason, purpose, wanted_from, wanted_until,
        case_summary, wanted_specialty, state, state_since, doctor_id, delay_minutes, created_at, version)
    select unhex('00000005000070008000' || printf('%012d', n)), $3, $4, unhex('00000003000070008000' || printf('%012d', n % 500)),
        $5, '气促', '用药', $6, $7, '86 岁，高血压 20 年', 'cardiology', 'accepted', $6,
        unhex('00000002000070008000' || printf('%012d', case when $8 then 0 when n % 10 = 9 then (n - 1) % 500 else n % 500 end)),
        0, $6, 1 from n";
const WAITING_POSTGRES: &str = "insert into consult (id, inviting_id, invited_id, resident_id, requested_by, reason, purpose,
        wanted_from, wanted_until, case_summary, wanted_specialty, state, state_since, doctor_id, delay_minutes, created_at, version)
    select ('00000005-0000-7000-8000-' || lpad(n::text, 12, '0'))::uuid, $3, $4,
        ('00000003-0000-7000-8000-' || lpad((n % 500)::text, 12, '0'))::uuid,
        $5, '气促', '用药', $6, $7, '86 岁，高血压 20 年', 'cardiology', 'accepted', $6,
        ('00000002-0000-7000-8000-' || lpad((case when $8 then 0 when n % 10 = 9 then (n - 1) % 500 else n % 500 end)::text,
            12, '0'))::uuid, 0, $6, 1 from generate_series($1::bigint, $2::bigint - 1) n";
// Half hours back from a moment: 500 of them at once.
const PAST_SQLITE: &str = "with recursive n (n) as (select $1 union all select n + 1 from n where n + 1 < $2),
    at (n, k, starts_at, ends_at) as (select n, printf('%012d', n % 500),
        strftime('%Y-%m-%dT%H:%M:%S+00:00', $6 - 1800 * (n / 500), 'unixepoch'),
        strftime('%Y-%m-%dT%H:%M:%S+00:00', $6 - 1800 * (n / 500) + 1800, 'unixepoch') from n)
    insert into consult (id, inviting_id, invited_id, resident_id, requested_by, reason, purpose, wanted_from, wanted_until,
        case_summary, wanted_specialty, state, state_since, doctor_id, room_id, starts_at, ends_at, started_at, finished_at,
        delay_minutes, created_at, version)
    select unhex('00000007000070008000' || printf('%012d', n)), $3, $4, unhex('00000003000070008000' || k), $5, '气促', '用药',
        starts_at, ends_at, '86 岁，高血压 20 年', 'cardiology', 'archived', starts_at, unhex('00000002000070008000' || k),
        unhex('00000004000070008000' || k), starts_at, ends_at, starts_at, ends_at, 0, starts_at, 5 from at";
const PAST_POSTGRES: &str = "insert into consult (id, inviting_id, invited_id, resident_id, requested_by, reason, purpose,
        wanted_from, wanted_until, case_summary, wanted_specialty, state, state_since, doctor_id, room_id, starts_at, ends_at,
        started_at, finished_at, delay_minutes, created_at, version)
    select ('00000007-0000-7000-8000-' || lpad(n::text, 12, '0'))::uuid, $3, $4, ('00000003-0000-7000-8000-' || k)::uuid, $5,
        '气促', '用药', starts_at, ends_at, '86 岁，高血压 20 年', 'cardiology', 'archived', starts_at,
        ('00000002-0000-7000-8000-' || k)::uuid, ('00000004-0000-7000-8000-' || k)::uuid, starts_at, ends_at, starts_at, ends_at,
        0, starts_at, 5
    from (select n, lpad((n % 500)::text, 12, '0') as k, to_timestamp($6::bigint - 1800 * (n / 500)) as starts_at,
        to_timestamp($6::bigint - 1800 * (n / 500) + 1800) as ends_at from generate_series($1::bigint, $2::bigint - 1) n) at";
const PAST_TIME_SQLITE: &str =
    "with past as (select * from consult where id >= unhex('00000007000070008000' || printf('%012d', $1))
        and id < unhex('00000007000070008000' || printf('%012d', $2)))
    insert into occupancy (id, resource_id, lane, starts_at, ends_at, holder_kind, holder_id)
    select randomblob(16), doctor_id, 0, starts_at, ends_at, 'consult', id from past union all
    select randomblob(16), resident_id, 0, starts_at, ends_at, 'consult', id from past union all
    select randomblob(16), room_id, 0, starts_at, ends_at, 'consult', id from past";
const PAST_TIME_POSTGRES: &str =
    "insert into occupancy (id, resource_id, lane, starts_at, ends_at, holder_kind, holder_id)
    select gen_random_uuid(), r.id, 0, c.starts_at, c.ends_at, 'consult', c.id from consult c,
        unnest(array[c.doctor_id, c.resident_id, c.room_id]) as r (id)
    where c.id >= ('00000007-0000-7000-8000-' || lpad($1::text, 12, '0'))::uuid
        and c.id < ('00000007-0000-7000-8000-' || lpad($2::text, 12, '0'))::uuid";
const ANALYZE: &str = "analyze";
const DEADLOCKS_POSTGRES: &str = "select deadlocks from pg_stat_database where datname = current_database()";

/// The id of a number among those of a kind: 1 organisations, 2 doctors, 3 residents, 4 rooms, 5 consults, 6 the nurse.
pub(crate) fn id(kind: u8, n: u64) -> Uuid {
    format!("0000000{kind}-0000-7000-8000-{n:012}").parse().unwrap()
}

/// The keys of all processes.
pub(crate) fn secret() -> RootSecret {
    RootSecret::from_bytes([42; 32])
}

/// The network of the benchmark.
#[derive(Debug)]
pub(crate) struct Town {
    pub(crate) engine: TestEngine,
    pub(crate) db: Db,
    pub(crate) folder: tempfile::TempDir,
    /// The first time that is booked.
    pub(crate) from: DateTime<Utc>,
    /// Consults that were made to wait.
    next: u64,
    /// Consults that are over.
    behind: u64,
}

async fn account(tx: &mut Tx, id: Uuid, organisation: Uuid, role: &str, at: DateTime<Utc>) {
    on!(tx, |c| sqlx::query(ACCOUNT).bind(id).bind(id.to_string()).bind(at).execute(c).await.map(drop)).unwrap();
    on!(tx, |c| {
        let row = sqlx::query(MEMBERSHIP).bind(id).bind(organisation).bind(role);
        row.bind(at).execute(c).await.map(drop)
    })
    .unwrap();
}

/// A doctor with hours, a resident and a room.
async fn place(tx: &mut Tx, n: u64, now: DateTime<Utc>) {
    account(tx, id(2, n), id(1, HOSPITAL), "doctor", now).await;
    let first: chrono::NaiveDate = "2026-01-01".parse().unwrap();
    on!(tx, |c| sqlx::query(PERSON).bind(id(3, n)).bind(id(1, HOME)).bind(now).execute(c).await.map(drop)).unwrap();
    on!(tx, |c| {
        let row = sqlx::query(ROOM).bind(id(4, n)).bind(id(1, HOME)).bind(format!("会诊室 {n}"));
        row.bind(now).execute(c).await.map(drop)
    })
    .unwrap();
    on!(tx, |c| {
        sqlx::query(PRACTITIONER).bind(id(2, n)).bind(id(1, HOSPITAL)).bind(now).execute(c).await.map(drop)
    })
    .unwrap();
    for weekday in 1..=7_i32 {
        let hours = id(8, n * 10 + u64::try_from(weekday).unwrap());
        on!(tx, |c| {
            let row = sqlx::query(HOURS).bind(hours).bind(id(2, n)).bind(weekday);
            row.bind(first).execute(c).await.map(drop)
        })
        .unwrap();
    }
}

impl Town {
    pub(crate) async fn open(engine: TestEngine) -> Self {
        let db = engine.database("booking", &MIGRATIONS).await;
        let now = Clock::system().now();
        let from = (now + TimeDelta::days(1)).duration_trunc(TimeDelta::hours(1)).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let town = Self { engine, db, folder, from, next: 0, behind: 0 };
        secret().save_new(&town.secret_file()).unwrap();
        let mut tx = town.db.begin().await.unwrap();
        for (n, kind) in [(HOME, "care_home"), (HOSPITAL, "hospital")] {
            on!(tx, |c| sqlx::query(ORGANISATION).bind(id(1, n)).bind(kind).bind(now).execute(c).await.map(drop))
                .unwrap();
        }
        account(&mut tx, id(6, 1), id(1, HOME), "care_staff", now).await;
        for n in 0..DOCTORS {
            place(&mut tx, n, now).await;
        }
        tx.commit().await.unwrap();
        town
    }

    pub(crate) fn secret_file(&self) -> std::path::PathBuf {
        self.folder.path().join("secret.json")
    }

    /// Who books.
    pub(crate) fn nurse() -> Person {
        Person::new(id(6, 1), OrganisationId(id(1, HOME)), &["care_staff"], "王护士").of_a("care_home")
    }

    /// The time that consult `n` is to be given, and its room.
    pub(crate) fn wish(&self, n: u64) -> (DateTime<Utc>, Uuid) {
        let wanted = if n % CONFLICT_EVERY == CONFLICT_EVERY - 1 { n - 1 } else { n };
        let halves = i32::try_from(wanted / DOCTORS).unwrap();
        (self.from + TimeDelta::minutes(30) * halves, id(4, n % DOCTORS))
    }

    /// A time that many want, of the first doctor in the first room.
    pub(crate) fn one_slot(&self, slot: u64) -> (DateTime<Utc>, Uuid) {
        let halves = i32::try_from(slot).unwrap();
        (self.from + TimeDelta::days(ONE_SLOT_DAYS) + TimeDelta::minutes(30) * halves, id(4, 0))
    }

    /// So many more consults that wait for a time; the number of the first.
    pub(crate) async fn waiting(&mut self, count: u64) -> (u64, u64) {
        // A block of ten begins with one that is booked.
        self.next = self.next.next_multiple_of(CONFLICT_EVERY);
        self.more(count, false).await
    }

    /// The same, all of the first doctor; the number of the first.
    pub(crate) async fn waiting_for_one(&mut self, count: u64) -> u64 {
        self.more(count, true).await.0
    }

    async fn more(&mut self, count: u64, one: bool) -> (u64, u64) {
        let (first, now) = (self.next, Clock::system().now());
        self.next += count;
        let [from, to] = [first, self.next].map(|n| i64::try_from(n).unwrap());
        let mut tx = self.db.begin().await.unwrap();
        let statement = self.of_engine(WAITING_SQLITE, WAITING_POSTGRES);
        on!(tx, |c| {
            let row = sqlx::query(statement).bind(from).bind(to).bind(id(1, HOME)).bind(id(1, HOSPITAL)).bind(id(6, 1));
            row.bind(now).bind(now + TimeDelta::days(390)).bind(one).execute(c).await.map(drop)
        })
        .unwrap();
        tx.commit().await.unwrap();
        (first, count)
    }

    /// Lets the history grow to so many consults.
    pub(crate) async fn grow_to(&mut self, behind: u64) {
        let since =
            (Clock::system().now() - TimeDelta::days(1)).duration_trunc(TimeDelta::hours(1)).unwrap().timestamp();
        let (consults, times) =
            (self.of_engine(PAST_SQLITE, PAST_POSTGRES), self.of_engine(PAST_TIME_SQLITE, PAST_TIME_POSTGRES));
        while self.behind < behind {
            let [from, to] = [self.behind, behind.min(self.behind + ROWS)].map(|n| i64::try_from(n).unwrap());
            let mut tx = self.db.begin().await.unwrap();
            on!(tx, |c| {
                let row = sqlx::query(consults).bind(from).bind(to).bind(id(1, HOME)).bind(id(1, HOSPITAL));
                row.bind(id(6, 1)).bind(since).execute(c).await.map(drop)
            })
            .unwrap();
            on!(tx, |c| sqlx::query(times).bind(from).bind(to).execute(c).await.map(drop)).unwrap();
            tx.commit().await.unwrap();
            self.behind = u64::try_from(to).unwrap();
        }
        let mut tx = self.db.begin().await.unwrap();
        on!(tx, |c| sqlx::query(ANALYZE).execute(c).await.map(drop)).unwrap();
        tx.commit().await.unwrap();
    }

    fn of_engine(&self, sqlite: &'static str, postgres: &'static str) -> &'static str {
        if self.engine.name() == "sqlite" { sqlite } else { postgres }
    }

    /// How many deadlocks the server has ended here.
    pub(crate) async fn deadlocks(&self) -> i64 {
        let mut conn = self.db.read().await.unwrap();
        match conn.engine() {
            Engine::Postgres(c) => sqlx::query_scalar(DEADLOCKS_POSTGRES).fetch_one(c).await.unwrap(),
            Engine::Sqlite(_) => 0,
        }
    }
}
