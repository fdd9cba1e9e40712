//! Sequences of steps through the router, one after the other in one network, each a week later than the one before.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use chrono::{DateTime, Days, TimeDelta, Utc};
use futures_util::future::join_all;
use sanbao_booking::consult::jobs::{expire, forget_holds};
use sanbao_booking::verify::verify;
use sanbao_platform::on;
use sanbao_platform::testing::{Answer, Person, TestEngine};
use serde_json::{Value, json};
use uuid::Uuid;

use super::model::{Brought, Effect, Holder, MINUTES_OF_DAY, Model, ROOMS, Refusal, SLOT_MINUTES, Step, Thing, Wish};
use crate::consult::agreements::agree;
use crate::consult::holds::{HOLDS, nurses};
use crate::consult::world::World;
use crate::network::member;

/// A sequence is over before so many days are.
const SEQUENCE_DAYS: i64 = 40;

const ROWS: &str = "select resource_id, lane, starts_at, ends_at, holder_id, expires_at from occupancy
    where starts_at >= $1 and (expires_at is null or expires_at > $2)";
const OVER: &str =
    "select count(*) from occupancy a where (a.expires_at is null or a.expires_at > $1) and a.ends_at > $1
    and not exists (select 1 from practitioner p where p.account_id = a.resource_id)
    and (select count(*) from occupancy b where b.resource_id = a.resource_id and b.starts_at <= a.starts_at
            and b.ends_at > a.starts_at and (b.expires_at is null or b.expires_at > $1))
        > coalesce((select c.capacity from resource_capacity c where c.resource_id = a.resource_id), 1)";

// Nobody is beside another one without a word for it, never more than one, and no resident is taken twice.
const BESIDE_UNSAID: &str = "select count(*) from occupancy o
    where o.lane >= coalesce((select c.capacity from resource_capacity c where c.resource_id = o.resource_id), 1)
    and exists (select 1 from practitioner p where p.account_id = o.resource_id)
    and (o.expires_at is null or o.expires_at > $1) and o.ends_at > $1 and (o.lane > 1 or not exists (
        select 1 from consult c where c.id = o.holder_id and c.doctor_id = o.resource_id and c.overbooked_starts_at = o.starts_at))";

/// A row of the calendar: for what and in which lane, from when to when, held by, until.
type Row = (Uuid, i32, DateTime<Utc>, DateTime<Utc>, Uuid, Option<DateTime<Utc>>);

/// A network, and what of it the sequence that runs has made.
pub struct Run {
    world: World,
    nurses: Vec<Person>,
    admin: Person,
    device: Uuid,
    begins: DateTime<Utc>,
    consults: Vec<Uuid>,
    holds: BTreeMap<usize, Uuid>,
    closed: BTreeMap<(usize, i64), Uuid>,
    agreement: Uuid,
    counts: BTreeMap<&'static str, usize>,
}

impl Run {
    pub async fn on(engine: &TestEngine) -> Self {
        let world = World::new(engine).await;
        for (who, slot) in [&world.doctor, &world.second_doctor].into_iter().zip(SLOT_MINUTES) {
            let line = |weekday| {
                json!({ "weekday": weekday, "start": "08:00", "end": "12:00", "slot_minutes": slot,
                "valid_from": "2026-01-01" })
            };
            let hours = json!({ "weekly": (1..=7).map(line).collect::<Vec<_>>() });
            world.put(who, &format!("/v1/practitioners/{}/hours", who.id), hours).await.expect(200);
        }
        let (nurses, begins) = (nurses(&world, 3).await, world.clock.now());
        let mut tx = world.db.begin().await.unwrap();
        let admin = member(&mut tx, begins, world.home, &["administrator"], "院长").await;
        tx.commit().await.unwrap();
        let devices = format!("/v1/organisations/{}/devices", world.home);
        let device = world.post(&admin, &devices, json!({ "name": "便携心电图机" })).await.expect(201);
        let device = device["id"].as_str().unwrap().parse().unwrap();
        let (consults, holds, closed) = (Vec::new(), BTreeMap::new(), BTreeMap::new());
        let agreement = agree(&world, false, ("2026-01-01", "2199-12-31")).await;
        Self { world, nurses, admin, device, begins, consults, holds, closed, agreement, counts: BTreeMap::new() }
    }

    /// How many steps were taken, and how many were refused and why.
    pub fn told(&self) -> String {
        format!("{:?}", self.counts)
    }

    fn doctor(&self, n: usize) -> &Person {
        [&self.world.doctor, &self.world.second_doctor][n]
    }

    fn at(&self, minute: i64) -> DateTime<Utc> {
        self.begins + TimeDelta::minutes(minute)
    }

    fn date(&self, day: i64) -> String {
        self.at(day * MINUTES_OF_DAY).date_naive().to_string()
    }

    /// Takes a sequence beside its model; the first difference.
    pub async fn sequence(&mut self, steps: &[Step]) -> Result<Model, String> {
        self.begin().await;
        let mut model = Model::default();
        for step in steps {
            let Some(step) = self.named(step, &model) else { continue };
            let planned = model.plan(&step);
            let answer = self.take(&step).await;
            let is_as_planned = match &planned {
                Ok(_) => answer.as_ref().is_none_or(|answer| answer.status.is_success()),
                Err(refusal) => answer.as_ref().is_some_and(|answer| refused(answer) == Some(*refusal)),
            };
            *self.counts.entry(outcome(&planned)).or_default() += 1;
            if !is_as_planned {
                let said = answer.map(|answer| format!("{} {}", answer.status, answer.text));
                return Err(format!("{step:?} was to be {planned:?}: {said:?}"));
            }
            if let Ok(effect) = planned {
                let effect = self.seated(&step, effect, &answer.map_or(Value::Null, |answer| answer.body)).await;
                model.make(&step, effect);
            }
            self.compare(&model).await.map_err(|difference| format!("after {step:?}: {difference}"))?;
        }
        self.states(&model).await?;
        self.whole().await?;
        Ok(model)
    }

    /// Takes steps all at once, whose order nobody knows: none is a fault, and every promise is kept.
    pub async fn at_once(&self, model: &Model, steps: &[Step]) -> Result<(), String> {
        let calls = steps.iter().filter_map(|step| self.named(step, model)).map(|step| async move {
            let answer = self.take(&step).await;
            (step, answer)
        });
        for (step, answer) in join_all(calls).await {
            if let Some(answer) = answer.filter(|answer| answer.status.is_server_error()) {
                return Err(format!("{step:?} beside others: {} {}", answer.status, answer.text));
            }
        }
        self.whole().await
    }

    async fn whole(&self) -> Result<(), String> {
        let mut broken = verify(&self.world.db).await.unwrap();
        broken.retain(|checked| !checked.broken.is_empty());
        let (mut conn, now) = (self.world.db.read().await.unwrap(), self.world.clock.now());
        let over: i64 = on!(conn, |c| sqlx::query_scalar(OVER).bind(now).fetch_one(c).await).unwrap();
        let unsaid: i64 = on!(conn, |c| sqlx::query_scalar(BESIDE_UNSAID).bind(now).fetch_one(c).await).unwrap();
        if over > 0 || unsaid > 0 {
            return Err(format!(
                "{over} rows where more is taken than there are lanes, {unsaid} beside another one unsaid"
            ));
        }
        if broken.is_empty() { Ok(()) } else { Err(format!("{broken:?}")) }
    }

    /// A morning after all that was before.
    async fn begin(&mut self) {
        self.begins = self.begins + Days::new(u64::try_from(SEQUENCE_DAYS).unwrap());
        let clock = &self.world.clock;
        clock.advance((self.begins - clock.now()).to_std().unwrap());
        expire(&self.world.db, clock).await.unwrap();
        forget_holds(&self.world.db, clock).await.unwrap();
        for room in 0..ROOMS {
            self.resize(room, 1).await.expect(200);
        }
        self.take(&Step::Agree { at_once: false }).await.unwrap().expect(200);
        self.consults.clear();
        self.holds.clear();
        self.closed.clear();
    }

    async fn resize(&self, room: usize, capacity: usize) -> Answer {
        let path = format!("/v1/locations/{}/resize", self.world.rooms[room]);
        self.world.post(&self.admin, &path, json!({ "capacity": capacity })).await
    }

    /// The step with the numbers of consults that there are; none where it has nothing to be done to.
    fn named(&self, step: &Step, model: &Model) -> Option<Step> {
        let mut step = step.clone();
        let of = |n: &mut usize, states: &[&str]| {
            let all = model.consults.iter().enumerate();
            let (mut fit, all): (Vec<_>, Vec<_>) = all.partition(|(_, consult)| states.contains(&consult.state));
            // Now and then one of any state.
            if fit.is_empty() || n.is_multiple_of(8) {
                fit.extend(all);
            }
            let named = fit.get(n.checked_rem(fit.len())?)?.0;
            *n = named;
            Some(())
        };
        match &mut step {
            Step::Accept { consult, .. } => of(consult, &["submitted"])?,
            Step::Answer { consult, .. } => of(consult, &["submitted", "scheduled"])?,
            Step::Submit { consult, .. } => of(consult, &["returned"])?,
            Step::Book { consult, .. } | Step::Overbook { consult, .. } => of(consult, &["accepted", "scheduled"])?,
            Step::End { consult, .. } => of(consult, &["scheduled"])?,
            Step::Exchange { consult, with } => {
                of(consult, &["scheduled"])?;
                of(with, &["scheduled"])?;
            }
            Step::GiveBack { nurse } if !self.holds.contains_key(nurse) => return None,
            Step::Open { doctor, day } if !self.closed.contains_key(&(*doctor, *day)) => return None,
            _ => {}
        }
        Some(step)
    }

    fn wanted(&self, wish: Wish) -> Value {
        let mut wanted = json!({ "doctor_id": self.doctor(wish.doctor).id, "starts_at": self.at(wish.from) });
        if let Some(room) = wish.room {
            wanted["room_id"] = json!(self.world.rooms[room]);
        }
        wanted
    }

    fn devices(&self, brought: Brought) -> Value {
        if brought.device { json!([self.device]) } else { json!([]) }
    }

    async fn step(&self, who: &Person, consult: usize, step: &str, body: Value) -> Option<Answer> {
        Some(self.world.step(who, &self.consults[consult].to_string(), step, body).await)
    }

    async fn book(&self, who: &Person, consult: usize, body: Value) -> Option<Answer> {
        let path = format!("/v1/consults/{}", self.consults[consult]);
        let view = self.world.get(&self.world.nurse, &path).await.expect(200);
        let step = if view["state"] == "scheduled" { "reschedule" } else { "schedule" };
        self.step(who, consult, step, body).await
    }

    /// Takes a step; nothing is answered to what no person does.
    async fn take(&self, step: &Step) -> Option<Answer> {
        let (w, reason) = (&self.world, json!({ "reason": "另有安排" }));
        match *step {
            Step::Hold { nurse, brought, wish } => {
                let mut body = self.wanted(wish);
                body["resident_id"] = json!(w.residents[brought.resident]);
                body["device_ids"] = self.devices(brought);
                body["hospital_id"] = json!(w.hospital);
                Some(w.post(&self.nurses[nurse], HOLDS, body).await)
            }
            Step::GiveBack { nurse } => {
                let path = format!("{HOLDS}/{}", self.holds[&nurse]);
                Some(w.call(Some(&self.nurses[nurse]), "DELETE", &path, None, &[]).await)
            }
            Step::Invite { nurse, brought, wish, minutes } => {
                let mut body = w.invitation(brought.resident);
                body["device_ids"] = self.devices(brought);
                body["wanted_from"] = json!(self.begins);
                body["wanted_until"] = json!(self.at(minutes));
                if let Some(wish) = wish {
                    body["asked"] = self.wanted(wish);
                }
                Some(w.post(&self.nurses[nurse], "/v1/consults", body).await)
            }
            Step::Accept { consult, doctor } => self.step(self.doctor(doctor), consult, "accept", Value::Null).await,
            Step::Answer { consult, step } => {
                let view = w.get(&w.nurse, &format!("/v1/consults/{}", self.consults[consult])).await.expect(200);
                let booked = view["doctor_id"] == json!(w.second_doctor.id);
                self.step(if booked { &w.second_doctor } else { &w.doctor }, consult, step, reason).await
            }
            Step::Agree { at_once } => {
                let path = format!("/v1/affiliations/{}/change", self.agreement);
                Some(w.post(&w.hospital_admin, &path, json!({ "books_at_once": at_once })).await)
            }
            Step::Submit { consult, nurse } => self.step(&self.nurses[nurse], consult, "submit", Value::Null).await,
            Step::Book { consult, wish } => self.book(&w.nurse, consult, self.wanted(wish)).await,
            Step::Overbook { consult, wish } => {
                let mut body = self.wanted(wish);
                body["overbook"] = json!({ "reason": "病情加重" });
                self.book(&w.hospital_admin, consult, body).await
            }
            Step::Exchange { consult, with } => {
                self.step(&w.nurse, consult, "exchange", json!({ "with": self.consults[with] })).await
            }
            Step::End { consult, step } => self.step(&w.nurse, consult, step, reason).await,
            Step::Close { doctor, day } => {
                let path = format!("/v1/practitioners/{}/exceptions", self.doctor(doctor).id);
                let closed = json!({ "kind": "closed", "date": self.date(day) });
                Some(w.post(&w.hospital_admin, &path, closed).await)
            }
            Step::Open { doctor, day } => {
                let exception = self.closed[&(doctor, day)];
                let path = format!("/v1/practitioners/{}/exceptions/{exception}", self.doctor(doctor).id);
                Some(w.call(Some(&w.hospital_admin), "DELETE", &path, None, &[]).await)
            }
            Step::Resize { room, capacity } => Some(self.resize(room, capacity).await),
            Step::Sweep => {
                forget_holds(&w.db, &w.clock).await.unwrap();
                expire(&w.db, &w.clock).await.unwrap();
                None
            }
            Step::Pass { minutes } => {
                w.clock.advance(Duration::from_secs(60 * minutes.unsigned_abs()));
                None
            }
        }
    }

    /// Remembers what a step made, and the rooms that the house chose.
    async fn seated(&mut self, step: &Step, mut effect: Effect, body: &Value) -> Effect {
        let id = || body["id"].as_str().unwrap().parse().unwrap();
        match *step {
            Step::Hold { nurse, .. } => drop(self.holds.insert(nurse, id())),
            Step::Invite { .. } => self.consults.push(id()),
            Step::Close { doctor, day } => drop(self.closed.insert((doctor, day), id())),
            Step::Open { doctor, day } => drop(self.closed.remove(&(doctor, day))),
            _ => {}
        }
        let rows = self.rows().await;
        for (holder, seat, any) in &mut effect.taken {
            let holder = self.holder(*holder);
            let room =
                self.world.rooms.iter().position(|room| rows.iter().any(|row| row.0 == *room && row.4 == holder));
            if let Some(room) = room.filter(|_| *any) {
                seat.room = room;
            }
        }
        effect
    }

    fn holder(&self, holder: Holder) -> Uuid {
        match holder {
            Holder::Consult(n) => self.consults[n],
            Holder::Nurse(n) => self.holds[&n],
        }
    }

    async fn rows(&self) -> BTreeSet<Row> {
        let (mut conn, now) = (self.world.db.read().await.unwrap(), self.world.clock.now());
        let rows: Vec<Row> =
            on!(conn, |c| sqlx::query_as(ROWS).bind(self.begins).bind(now).fetch_all(c).await).unwrap();
        rows.into_iter().collect()
    }

    /// The rows of the calendar against the seats of the model.
    async fn compare(&self, model: &Model) -> Result<(), String> {
        let thing = |thing: Thing| match thing {
            Thing::Doctor(n) => self.doctor(n).id,
            Thing::Resident(n) => self.world.residents[n],
            Thing::Room(n) => self.world.rooms[n],
            Thing::Device => self.device,
        };
        let seats = model.standing().flat_map(|(holder, seat)| seat.things().map(move |thing| (holder, seat, thing)));
        let expected: BTreeSet<Row> = seats
            .map(|(holder, seat, of)| {
                let until = seat.until.map(|until| self.at(until));
                let lane = i32::try_from(seat.lane_of(of)).unwrap();
                (thing(of), lane, self.at(seat.from), self.at(seat.to()), self.holder(holder), until)
            })
            .collect();
        let found = self.rows().await;
        if found == expected {
            return Ok(());
        }
        let (more, less): (Vec<_>, Vec<_>) =
            (found.difference(&expected).collect(), expected.difference(&found).collect());
        Err(format!("the calendar has {more:?} and lacks {less:?}"))
    }

    /// Every consult as its inviting side reads it.
    async fn states(&self, model: &Model) -> Result<(), String> {
        for (n, expected) in model.consults.iter().enumerate() {
            let view =
                self.world.get(&self.world.nurse, &format!("/v1/consults/{}", self.consults[n])).await.expect(200);
            let seat = model.seats.get(&Holder::Consult(n)).filter(|_| expected.state == "scheduled");
            let starts_at = seat.map_or(Value::Null, |seat| json!(self.at(seat.from)));
            let is_booked = expected.state == "scheduled";
            let overbooked = json!(seat.is_some_and(|seat| seat.overbooked));
            let told = &view["appointment"];
            let is_told = told["starts_at"] == starts_at
                && told["overbooked"] == overbooked
                && told["at_once"] == json!(expected.at_once);
            if view["state"] != expected.state || (is_booked && !is_told) {
                return Err(format!("{expected:?} at {starts_at} is {view}"));
            }
        }
        Ok(())
    }
}

/// Why an answer refuses; nothing where it does not, or is a fault.
fn refused(answer: &Answer) -> Option<Refusal> {
    match (answer.status.as_u16(), answer.problem()) {
        (409, "slot-taken" | "overbook-full") => Some(Refusal::Taken),
        (409, "no-room-free") => Some(Refusal::NoRoom),
        (409, "capacity-in-use") => Some(Refusal::InUse),
        (403 | 404 | 409 | 422, _) => Some(Refusal::Other),
        _ => None,
    }
}

fn outcome(planned: &Result<Effect, Refusal>) -> &'static str {
    match planned {
        Ok(_) => "taken steps",
        Err(Refusal::Taken) => "taken times",
        Err(Refusal::NoRoom) => "no free room",
        Err(Refusal::InUse) => "rooms in use",
        Err(Refusal::Other) => "refused otherwise",
    }
}
