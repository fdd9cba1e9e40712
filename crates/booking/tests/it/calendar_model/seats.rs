//! The words of the model: seats, those who have them, and the steps of a sequence.

use super::model::SLOT_MINUTES;

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
    /// The one that the house has.
    Device,
}

/// The resident, and whether the house's device is to be brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Brought {
    pub resident: usize,
    pub device: bool,
}

/// Doctor, resident, room and what is brought at one time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seat {
    pub doctor: usize,
    pub brought: Brought,
    pub room: usize,
    /// Which of the room's places.
    pub room_lane: usize,
    pub from: i64,
    /// When it is given up by itself.
    pub until: Option<i64>,
    /// The place with the doctor: that of the booked one, or the one beside it.
    pub lane: usize,
    /// Whether it was given by a word, where the doctor had no place else.
    pub overbooked: bool,
}

/// The places of a doctor at any moment: one, and one beside it.
pub const LANES: std::ops::Range<usize> = 0..2;

impl Seat {
    pub fn to(&self) -> i64 {
        self.from + SLOT_MINUTES[self.doctor]
    }

    /// The things of the house in it.
    pub fn own(&self) -> impl Iterator<Item = Thing> + use<> {
        let device = self.brought.device.then_some(Thing::Device);
        [Thing::Resident(self.brought.resident), Thing::Room(self.room)].into_iter().chain(device)
    }

    pub fn things(&self) -> impl Iterator<Item = Thing> + use<> {
        self.own().chain([Thing::Doctor(self.doctor)])
    }

    pub fn overlaps(&self, other: &Self) -> bool {
        self.from < other.to() && other.from < self.to()
    }

    /// Which place of a thing it takes.
    pub fn lane_of(&self, thing: Thing) -> usize {
        match thing {
            Thing::Doctor(_) => self.lane,
            Thing::Room(_) => self.room_lane,
            Thing::Resident(_) | Thing::Device => 0,
        }
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
        brought: Brought,
        wish: Wish,
    },
    GiveBack {
        nurse: usize,
    },
    Invite {
        nurse: usize,
        brought: Brought,
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
    /// The same by the word of the hospital's administrator.
    Overbook {
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
    /// So many consults can be in the room at once.
    Resize {
        room: usize,
        capacity: usize,
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
    /// More is booked.
    InUse,
    /// It is not offered, too late, or not a step of this state.
    Other,
}

#[derive(Clone, Debug)]
pub struct Consult {
    pub brought: Brought,
    pub wish: Option<Wish>,
    pub wanted_until: i64,
    pub state: &'static str,
    /// Whether it was booked as soon as it was sent, and no doctor has answered: the hospital may return it until it begins.
    pub at_once: bool,
    /// When it was returned the last time.
    pub returned: Option<i64>,
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
