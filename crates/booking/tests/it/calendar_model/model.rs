//! The calendar as one would keep it on paper: who has which seat, in whole minutes since the sequence began.

use std::collections::{BTreeMap, BTreeSet};

use super::seats::LANES;
pub use super::seats::{Brought, Consult, Effect, Holder, Refusal, Seat, Step, Thing, Wish};

pub const MINUTES_OF_DAY: i64 = 24 * 60;
/// The doctors see patients from the sequence's first minute of each day, so long.
pub const OPEN_MINUTES: i64 = 240;
/// The length of each doctor's slots: different, so that times overlap by halves too.
pub const SLOT_MINUTES: [i64; 2] = [30, 45];
pub const ROOMS: usize = 2;
pub const HOLD_MINUTES: i64 = 10;
/// A returned consult waits so long for what is missing, even when the wanted time is over.
const RETURNED_MINUTES: i64 = 3 * MINUTES_OF_DAY;

#[derive(Clone, Debug)]
pub struct Model {
    pub now: i64,
    pub consults: Vec<Consult>,
    pub seats: BTreeMap<Holder, Seat>,
    pub closed: BTreeSet<(usize, i64)>,
    pub capacities: [usize; ROOMS],
    /// Whether the agreement says that what is asked for is booked as soon as it is sent.
    pub agreed: bool,
}

impl Default for Model {
    fn default() -> Self {
        let (consults, seats, closed) = (Vec::new(), BTreeMap::new(), BTreeSet::new());
        Self { now: 0, consults, seats, closed, capacities: [1; ROOMS], agreed: false }
    }
}

impl Model {
    fn stands(&self, seat: &Seat) -> bool {
        seat.until.is_none_or(|until| until > self.now)
    }

    /// The seats that nobody else can have.
    pub fn standing(&self) -> impl Iterator<Item = (Holder, Seat)> {
        self.seats.iter().filter(|(_, seat)| self.stands(seat)).map(|(holder, seat)| (*holder, *seat))
    }

    fn is_offered(&self, doctor: usize, from: i64) -> bool {
        let (day, minute) = (from.div_euclid(MINUTES_OF_DAY), from.rem_euclid(MINUTES_OF_DAY));
        let slot = SLOT_MINUTES[doctor];
        let in_hours = minute % slot == 0 && minute + slot <= OPEN_MINUTES && !self.closed.contains(&(doctor, day));
        in_hours && from >= self.now - MINUTES_OF_DAY && from + slot > self.now
    }

    /// The places of a thing that others than these have during a seat.
    fn lanes(&self, thing: Thing, seat: &Seat, except: &[Holder]) -> BTreeSet<usize> {
        let others = self.standing().filter(|(holder, _)| !except.contains(holder));
        let shared = others.filter(|(_, other)| other.things().any(|one| one == thing) && other.overlaps(seat));
        shared.map(|(_, other)| other.lane_of(thing)).collect()
    }

    fn has_place(&self, thing: Thing, seat: &Seat, except: &[Holder]) -> bool {
        let capacity = if let Thing::Room(room) = thing { self.capacities[room] } else { 1 };
        self.lanes(thing, seat, except).len() < capacity
    }

    fn is_free(&self, seat: &Seat, except: &[Holder]) -> bool {
        seat.things().all(|thing| self.has_place(thing, seat, except))
    }

    /// The seat in the lowest place of its room that nobody has.
    fn placed(&self, seat: Seat) -> Seat {
        let taken = self.lanes(Thing::Room(seat.room), &seat, &[]);
        Seat { room_lane: (0..=taken.len()).find(|lane| !taken.contains(lane)).unwrap(), ..seat }
    }

    /// The seats in the room's places, which would be so many.
    fn resized(&self, room: usize, capacity: usize) -> Result<Effect, Refusal> {
        let ahead: Vec<Seat> =
            self.standing().map(|(_, s)| s).filter(|s| s.room == room && s.to() > self.now).collect();
        let at = |from: i64| ahead.iter().filter(|s| s.from <= from && from < s.to()).count();
        if ahead.iter().any(|seat| at(seat.from) > capacity) { Err(Refusal::InUse) } else { Ok(Effect::default()) }
    }

    /// The seat with this doctor at just this time that one of these has already.
    fn kept(&self, doctor: usize, from: i64, own: &[Holder]) -> Option<Seat> {
        let mut seats = self.standing().filter(|(holder, _)| own.contains(holder));
        seats.find(|(_, seat)| (seat.doctor, seat.from) == (doctor, from)).map(|(_, seat)| seat)
    }

    /// A place with the doctor. Without a word that is one beside nobody, but for a time that one has already.
    fn lane(&self, seat: &Seat, own: &[Holder], by_word: bool) -> Option<usize> {
        let others = self.standing().filter(|(holder, _)| !own.contains(holder)).map(|(_, other)| other);
        let others: Vec<Seat> = others.filter(|other| other.doctor == seat.doctor && other.overlaps(seat)).collect();
        match self.kept(seat.doctor, seat.from, own) {
            Some(kept) => Some(kept.lane),
            None if by_word => LANES.into_iter().find(|lane| others.iter().all(|other| other.lane != *lane)),
            None => others.is_empty().then_some(0),
        }
    }

    /// A seat for a wish; whether its room is only one of several that will do.
    fn seat(&self, brought: Brought, wish: Wish, own: &[Holder], until: Option<i64>) -> Result<(Seat, bool), Refusal> {
        self.seat_by(brought, wish, own, (until, false))
    }

    fn seat_by(
        &self,
        brought: Brought,
        wish: Wish,
        own: &[Holder],
        (until, by_word): (Option<i64>, bool),
    ) -> Result<(Seat, bool), Refusal> {
        let Wish { doctor, from, .. } = wish;
        let at = |room| Seat { doctor, brought, room, room_lane: 0, from, until, lane: 0, overbooked: false };
        let placed = |seat: Seat| {
            let others = || self.standing().filter(|(holder, _)| !own.contains(holder)).map(|(_, other)| other);
            let lane = self.lane(&seat, own, by_word)?;
            if !seat.own().all(|thing| self.has_place(thing, &seat, own)) {
                return None;
            }
            let beyond = |other: &Seat| other.doctor == doctor && other.lane > 0 && other.overlaps(&seat);
            let overbooked = match self.kept(doctor, from, own) {
                Some(kept) => kept.overbooked,
                None => by_word && (lane > 0 || others().any(|other| beyond(&other))),
            };
            Some(Seat { lane, overbooked, ..seat })
        };
        if let Some(room) = wish.room {
            return placed(at(room)).map(|seat| (seat, false)).ok_or(Refusal::Taken);
        }
        let only_room = |room: usize| self.has_place(Thing::Room(room), &at(room), own);
        let room = (0..ROOMS).find(|room| only_room(*room)).ok_or(Refusal::NoRoom)?;
        placed(at(room)).map(|seat| (seat, true)).ok_or(Refusal::Taken)
    }

    fn ask(&self, holder: Holder, nurse: usize, consult: &Consult) -> Result<Effect, Refusal> {
        let Some(wish) = consult.wish else { return Ok(Effect::default()) };
        if !self.is_offered(wish.doctor, wish.from) {
            return Err(Refusal::Other);
        }
        let held = Holder::Nurse(nurse);
        let spent = self
            .standing()
            .any(|(holder, seat)| holder == held && seat.doctor == wish.doctor && seat.from == wish.from);
        let given_up = if spent { vec![held] } else { Vec::new() };
        let own = [&[holder], given_up.as_slice()].concat();
        let until = Some(consult.wanted_until).filter(|_| !self.is_at_once(wish) || consult.returned.is_some());
        let (seat, any) = self.seat(consult.brought, wish, &own, until)?;
        Ok(Effect { given_up, taken: vec![(holder, seat, any)], ..Effect::default() })
    }

    /// Whether a time is booked without waiting for an answer.
    fn is_at_once(&self, wish: Wish) -> bool {
        self.agreed && wish.from > self.now
    }

    /// The state of a consult that is sent for the first time.
    fn sent(&self, wish: Option<Wish>) -> &'static str {
        if wish.is_some_and(|wish| self.is_at_once(wish)) { "scheduled" } else { "submitted" }
    }

    /// Refuses the home a time in the place of one that no doctor has answered, unless that could be booked at once as well.
    fn require_at_once(&self, n: usize, wish: Wish) -> Result<(), Refusal> {
        let unanswered = self.consults[n].state == "scheduled" && self.consults[n].at_once;
        let as_before = self.kept(wish.doctor, wish.from, &[Holder::Consult(n)]).is_some();
        if unanswered && !as_before && !self.is_at_once(wish) { Err(Refusal::Other) } else { Ok(()) }
    }

    /// Whether a consult is booked that no doctor has answered, and has not begun.
    fn is_returnable(&self, n: usize) -> bool {
        let ahead = self.seats.get(&Holder::Consult(n)).is_some_and(|seat| seat.from > self.now);
        self.consults[n].state == "scheduled" && self.consults[n].at_once && ahead
    }

    fn held(&self, nurse: usize, brought: Brought, wish: Wish) -> Result<Effect, Refusal> {
        let (holder, until) = (Holder::Nurse(nurse), self.now + HOLD_MINUTES);
        if !self.is_offered(wish.doctor, wish.from) {
            return Err(Refusal::Other);
        }
        let (seat, any) = self.seat(brought, wish, &[holder], Some(until))?;
        Ok(Effect { taken: vec![(holder, seat, any)], ..Effect::default() })
    }

    fn booked(&self, n: usize, wish: Wish) -> Result<Effect, Refusal> {
        let holder = Holder::Consult(n);
        if !self.is_offered(wish.doctor, wish.from) {
            return Err(Refusal::Other);
        }
        let (seat, any) = self.seat(self.consults[n].brought, wish, &[holder], None)?;
        Ok(Effect { taken: vec![(holder, seat, any)], states: vec![(n, "scheduled")], ..Effect::default() })
    }

    fn overbooked(&self, n: usize, wish: Wish) -> Result<Effect, Refusal> {
        let holder = Holder::Consult(n);
        if !self.is_offered(wish.doctor, wish.from) || wish.from <= self.now {
            return Err(Refusal::Other);
        }
        let (seat, any) = self.seat_by(self.consults[n].brought, wish, &[holder], (None, true))?;
        Ok(Effect { taken: vec![(holder, seat, any)], states: vec![(n, "scheduled")], ..Effect::default() })
    }

    fn accept(&self, n: usize, doctor: usize) -> Effect {
        let (consult, holder) = (&self.consults[n], Holder::Consult(n));
        let wish = consult.wish.filter(|wish| wish.doctor == doctor && self.is_offered(doctor, wish.from));
        if let Some((seat, any)) = wish.and_then(|wish| self.seat(consult.brought, wish, &[holder], None).ok()) {
            return Effect { taken: vec![(holder, seat, any)], states: vec![(n, "scheduled")], ..Effect::default() };
        }
        Effect { given_up: vec![holder], states: vec![(n, "accepted")], ..Effect::default() }
    }

    fn exchange(&self, one: usize, two: usize) -> Result<Effect, Refusal> {
        let seat = |n: usize| {
            let booked = self.seats.get(&Holder::Consult(n)).filter(|seat| seat.from > self.now);
            booked.filter(|_| self.consults[n].state == "scheduled").copied().ok_or(Refusal::Other)
        };
        let (first, other) = (seat(one)?, seat(two)?);
        let offered = self.is_offered(first.doctor, other.from) && self.is_offered(other.doctor, first.from);
        if one == two || first.from == other.from || !offered {
            return Err(Refusal::Other);
        }
        for (n, seat, from) in [(one, first, other.from), (two, other, first.from)] {
            self.require_at_once(n, Wish { doctor: seat.doctor, room: None, from })?;
        }
        let moved = |seat: Seat, from| Seat { from, lane: 0, overbooked: false, ..seat };
        let (first, other) = (moved(first, other.from), moved(other, first.from));
        let both = [Holder::Consult(one), Holder::Consult(two)];
        let mut beside = self.clone();
        beside.seats.retain(|holder, _| !both.contains(holder));
        if !beside.is_free(&first, &[]) {
            return Err(Refusal::Taken);
        }
        beside.seats.insert(both[0], beside.placed(first));
        if !beside.is_free(&other, &[]) {
            return Err(Refusal::Taken);
        }
        Ok(Effect { taken: vec![(both[0], first, false), (both[1], other, false)], ..Effect::default() })
    }

    fn overdue(&self) -> Effect {
        let open = ["submitted", "returned", "accepted"];
        let overdue = self.consults.iter().enumerate();
        let waits = |c: &Consult| {
            c.state == "returned" && c.returned.is_some_and(|returned| returned + RETURNED_MINUTES > self.now)
        };
        let overdue = overdue.filter(|(_, c)| open.contains(&c.state) && c.wanted_until <= self.now && !waits(c));
        let ended: Vec<usize> = overdue.map(|(n, _)| n).collect();
        Effect {
            given_up: ended.iter().map(|n| Holder::Consult(*n)).collect(),
            states: ended.iter().map(|n| (*n, "expired")).collect(),
            ..Effect::default()
        }
    }

    /// The effect of a step, whose consults are told by their numbers.
    pub fn plan(&self, step: &Step) -> Result<Effect, Refusal> {
        let is = |n: usize, states: &[&str]| {
            if states.contains(&self.consults[n].state) { Ok(()) } else { Err(Refusal::Other) }
        };
        let ends = |n: usize, state| Effect {
            given_up: vec![Holder::Consult(n)],
            states: vec![(n, state)],
            ..Effect::default()
        };
        match *step {
            Step::Hold { nurse, brought, wish } => self.held(nurse, brought, wish),
            Step::GiveBack { nurse } => {
                let held = Holder::Nurse(nurse);
                let stands = self.standing().any(|(holder, _)| holder == held);
                if stands { Ok(Effect { given_up: vec![held], ..Effect::default() }) } else { Err(Refusal::Other) }
            }
            Step::Invite { nurse, brought, wish, minutes } => {
                let state = self.sent(wish);
                let at_once = state == "scheduled";
                let consult = Consult { brought, wish, wanted_until: minutes, state, at_once, returned: None };
                if minutes <= self.now || wish.is_some_and(|wish| wish.from >= minutes) {
                    return Err(Refusal::Other);
                }
                let effect = self.ask(Holder::Consult(self.consults.len()), nurse, &consult)?;
                Ok(Effect { begun: Some(consult), ..effect })
            }
            Step::Accept { consult, doctor } => is(consult, &["submitted"]).map(|()| self.accept(consult, doctor)),
            Step::Answer { consult, step } => {
                if step != "return" || !self.is_returnable(consult) {
                    is(consult, &["submitted"])?;
                }
                Ok(ends(consult, if step == "return" { "returned" } else { "rejected" }))
            }
            Step::Submit { consult, nurse } => {
                is(consult, &["returned"])?;
                if self.consults[consult].wanted_until <= self.now {
                    return Err(Refusal::Other);
                }
                let effect = self.ask(Holder::Consult(consult), nurse, &self.consults[consult])?;
                Ok(Effect { states: vec![(consult, "submitted")], ..effect })
            }
            Step::Book { consult, wish } => {
                is(consult, &["accepted", "scheduled"])?;
                self.require_at_once(consult, wish)?;
                self.booked(consult, wish)
            }
            Step::Overbook { consult, wish } => {
                is(consult, &["accepted", "scheduled"])?;
                self.overbooked(consult, wish)
            }
            Step::Exchange { consult, with } => self.exchange(consult, with),
            Step::End { consult, step: "cancel" } => {
                is(consult, &["submitted", "returned", "accepted", "scheduled"])?;
                Ok(ends(consult, "cancelled"))
            }
            Step::End { consult, .. } => {
                is(consult, &["scheduled"])?;
                let begun = self.seats.get(&Holder::Consult(consult)).is_some_and(|seat| seat.from <= self.now);
                if begun { Ok(ends(consult, "no_show")) } else { Err(Refusal::Other) }
            }
            Step::Close { .. } | Step::Open { .. } | Step::Agree { .. } => Ok(Effect::default()),
            Step::Resize { room, capacity } => self.resized(room, capacity),
            Step::Sweep => Ok(self.overdue()),
            Step::Pass { minutes } => Ok(Effect { passed: minutes, ..Effect::default() }),
        }
    }

    /// Makes the changes of a step that was taken.
    pub fn make(&mut self, step: &Step, effect: Effect) {
        for holder in effect.given_up {
            self.seats.remove(&holder);
        }
        for (holder, ..) in &effect.taken {
            self.seats.remove(holder);
        }
        for (holder, seat, _) in effect.taken {
            self.seats.insert(holder, self.placed(seat));
        }
        for (n, state) in effect.states {
            self.consults[n].state = state;
        }
        self.consults.extend(effect.begun);
        self.now += effect.passed;
        match *step {
            Step::Close { doctor, day } => drop(self.closed.insert((doctor, day))),
            Step::Open { doctor, day } => drop(self.closed.remove(&(doctor, day))),
            Step::Resize { room, capacity } => self.capacities[room] = capacity,
            Step::Answer { consult, step: "return" } => self.consults[consult].returned = Some(self.now),
            // A doctor answers one that was returned, and the hospital's word for a time is an answer.
            Step::Submit { consult, .. } | Step::Overbook { consult, .. } => self.consults[consult].at_once = false,
            Step::Agree { at_once } => self.agreed = at_once,
            _ => {}
        }
    }
}
