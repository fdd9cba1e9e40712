//! The calendar as one would keep it on paper: who has which seat, in whole minutes since the sequence began.

use std::collections::{BTreeMap, BTreeSet};

pub const MINUTES_OF_DAY: i64 = 24 * 60;
/// The doctors see patients from the sequence's first minute of each day, so long.
pub const OPEN_MINUTES: i64 = 240;
/// The length of each doctor's slots: different, so that times overlap by halves too.
pub const SLOT_MINUTES: [i64; 2] = [30, 45];
pub const ROOMS: usize = 2;
pub const HOLD_MINUTES: i64 = 10;

/// Somebody who has a seat: a consult, or a nurse who writes an invitation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Holder {
    Consult(usize),
    Nurse(usize),
}

/// Something that is in one place at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Thing {
    Doctor(usize),
    Resident(usize),
    Room(usize),
}

/// Doctor, resident and room at one time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seat {
    pub doctor: usize,
    pub resident: usize,
    pub room: usize,
    pub from: i64,
    /// When it is given up by itself.
    pub until: Option<i64>,
}

impl Seat {
    pub fn to(&self) -> i64 {
        self.from + SLOT_MINUTES[self.doctor]
    }

    pub fn things(&self) -> [Thing; 3] {
        [Thing::Doctor(self.doctor), Thing::Resident(self.resident), Thing::Room(self.room)]
    }

    fn clashes(&self, other: &Self) -> bool {
        let shared = self.things().iter().any(|thing| other.things().contains(thing));
        shared && self.from < other.to() && other.from < self.to()
    }
}

/// A wish for a time; without a room any will do.
#[derive(Clone, Copy, Debug)]
pub struct Wish {
    pub doctor: usize,
    pub room: Option<usize>,
    pub from: i64,
}

/// A step of a sequence. A consult is named by its place among those that there are, counted round.
#[derive(Clone, Debug)]
pub enum Step {
    Hold {
        nurse: usize,
        resident: usize,
        wish: Wish,
    },
    GiveBack {
        nurse: usize,
    },
    Invite {
        nurse: usize,
        resident: usize,
        wish: Option<Wish>,
        minutes: i64,
    },
    Accept {
        consult: usize,
        doctor: usize,
    },
    Answer {
        consult: usize,
        step: &'static str,
    },
    Submit {
        consult: usize,
        nurse: usize,
    },
    Book {
        consult: usize,
        wish: Wish,
    },
    Exchange {
        consult: usize,
        with: usize,
    },
    End {
        consult: usize,
        step: &'static str,
    },
    /// The hospital says whether its hours are booked at once.
    Agree {
        at_once: bool,
    },
    Close {
        doctor: usize,
        day: i64,
    },
    Open {
        doctor: usize,
        day: i64,
    },
    /// The jobs that time alone brings.
    Sweep,
    Pass {
        minutes: i64,
    },
}

/// Why a step is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    Taken,
    NoRoom,
    /// It is not offered, too late, or not a step of this state.
    Other,
}

#[derive(Clone, Debug)]
pub struct Consult {
    pub resident: usize,
    pub wish: Option<Wish>,
    pub wanted_until: i64,
    pub state: &'static str,
    /// Whether it was booked as soon as it was sent: the hospital may return it until it begins.
    pub at_once: bool,
}

/// The changes that a step makes.
#[derive(Clone, Debug, Default)]
pub struct Effect {
    pub given_up: Vec<Holder>,
    /// New seats; a room that is left to the house is told by the calendar.
    pub taken: Vec<(Holder, Seat, bool)>,
    pub states: Vec<(usize, &'static str)>,
    pub begun: Option<Consult>,
    pub passed: i64,
}

#[derive(Debug, Default)]
pub struct Model {
    pub now: i64,
    pub consults: Vec<Consult>,
    pub seats: BTreeMap<Holder, Seat>,
    pub closed: BTreeSet<(usize, i64)>,
    /// Whether the agreement says that what is asked for is booked as soon as it is sent.
    pub agreed: bool,
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

    fn is_free(&self, seat: &Seat, except: &[Holder]) -> bool {
        !self.standing().any(|(holder, other)| !except.contains(&holder) && seat.clashes(&other))
    }

    /// A seat for a wish; whether its room is only one of several that will do.
    fn seat(&self, resident: usize, wish: Wish, own: &[Holder], until: Option<i64>) -> Result<(Seat, bool), Refusal> {
        let Wish { doctor, from, .. } = wish;
        let at = |room| Seat { doctor, resident, room, from, until };
        if let Some(room) = wish.room {
            let seat = at(room);
            return if self.is_free(&seat, own) { Ok((seat, false)) } else { Err(Refusal::Taken) };
        }
        let only_room = |room: usize| {
            let others = self.standing().filter(|(holder, other)| other.room == room && !own.contains(holder));
            !others.into_iter().any(|(_, other)| at(room).clashes(&other))
        };
        let room = (0..ROOMS).find(|room| only_room(*room)).ok_or(Refusal::NoRoom)?;
        if self.is_free(&at(room), own) { Ok((at(room), true)) } else { Err(Refusal::Taken) }
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
        let (seat, any) =
            self.seat(consult.resident, wish, &own, Some(consult.wanted_until).filter(|_| !self.agreed))?;
        Ok(Effect { given_up, taken: vec![(holder, seat, any)], ..Effect::default() })
    }

    /// The state of a consult that is sent.
    fn sent(&self, wish: Option<Wish>) -> &'static str {
        if self.agreed && wish.is_some() { "scheduled" } else { "submitted" }
    }

    /// Whether a consult is booked that no doctor has answered, and has not begun.
    fn is_returnable(&self, n: usize) -> bool {
        let ahead = self.seats.get(&Holder::Consult(n)).is_some_and(|seat| seat.from > self.now);
        self.consults[n].state == "scheduled" && self.consults[n].at_once && ahead
    }

    fn held(&self, nurse: usize, resident: usize, wish: Wish) -> Result<Effect, Refusal> {
        let (holder, until) = (Holder::Nurse(nurse), self.now + HOLD_MINUTES);
        if !self.is_offered(wish.doctor, wish.from) {
            return Err(Refusal::Other);
        }
        let (seat, any) = self.seat(resident, wish, &[holder], Some(until))?;
        Ok(Effect { taken: vec![(holder, seat, any)], ..Effect::default() })
    }

    fn booked(&self, n: usize, wish: Wish) -> Result<Effect, Refusal> {
        let holder = Holder::Consult(n);
        if !self.is_offered(wish.doctor, wish.from) {
            return Err(Refusal::Other);
        }
        let (seat, any) = self.seat(self.consults[n].resident, wish, &[holder], None)?;
        Ok(Effect { taken: vec![(holder, seat, any)], states: vec![(n, "scheduled")], ..Effect::default() })
    }

    fn accept(&self, n: usize, doctor: usize) -> Effect {
        let (consult, holder) = (&self.consults[n], Holder::Consult(n));
        let wish = consult.wish.filter(|wish| wish.doctor == doctor && self.is_offered(doctor, wish.from));
        if let Some((seat, any)) = wish.and_then(|wish| self.seat(consult.resident, wish, &[holder], None).ok()) {
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
        let (first, other) = (Seat { from: other.from, ..first }, Seat { from: first.from, ..other });
        let both = [Holder::Consult(one), Holder::Consult(two)];
        if first.clashes(&other) || !self.is_free(&first, &both) || !self.is_free(&other, &both) {
            return Err(Refusal::Taken);
        }
        Ok(Effect { taken: vec![(both[0], first, false), (both[1], other, false)], ..Effect::default() })
    }

    fn overdue(&self) -> Effect {
        let open = ["submitted", "returned", "accepted"];
        let overdue = self.consults.iter().enumerate();
        let overdue = overdue.filter(|(_, c)| open.contains(&c.state) && c.wanted_until <= self.now);
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
            Step::Hold { nurse, resident, wish } => self.held(nurse, resident, wish),
            Step::GiveBack { nurse } => {
                let held = Holder::Nurse(nurse);
                let stands = self.standing().any(|(holder, _)| holder == held);
                if stands { Ok(Effect { given_up: vec![held], ..Effect::default() }) } else { Err(Refusal::Other) }
            }
            Step::Invite { nurse, resident, wish, minutes } => {
                let state = self.sent(wish);
                let consult = Consult { resident, wish, wanted_until: minutes, state, at_once: state == "scheduled" };
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
                Ok(Effect { states: vec![(consult, self.sent(self.consults[consult].wish))], ..effect })
            }
            Step::Book { consult, wish } => {
                is(consult, &["accepted", "scheduled"])?;
                self.booked(consult, wish)
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
            Step::Sweep => Ok(self.overdue()),
            Step::Pass { minutes } => Ok(Effect { passed: minutes, ..Effect::default() }),
        }
    }

    /// Makes the changes of a step that was taken.
    pub fn make(&mut self, step: &Step, effect: Effect) {
        for holder in effect.given_up {
            self.seats.remove(&holder);
        }
        for (holder, seat, _) in effect.taken {
            self.seats.insert(holder, seat);
        }
        for (n, state) in effect.states {
            self.consults[n].state = state;
        }
        self.consults.extend(effect.begun);
        self.now += effect.passed;
        match *step {
            Step::Close { doctor, day } => drop(self.closed.insert((doctor, day))),
            Step::Open { doctor, day } => drop(self.closed.remove(&(doctor, day))),
            Step::Submit { consult, .. } => {
                let sent = &mut self.consults[consult];
                sent.at_once = sent.state == "scheduled";
            }
            Step::Agree { at_once } => self.agreed = at_once,
            _ => {}
        }
    }
}
