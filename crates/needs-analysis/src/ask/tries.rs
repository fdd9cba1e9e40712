//! Wrong tries at following a request. Four digits are 10,000 guesses, so they are dear in three ways: for one number, for
//! one network address, and for all of them together, which is what many addresses over many numbers run into.
//!
//! Only wrong tries count, and each process counts its own; nothing is written down. A number that nobody has is counted as
//! others are, so that a refusal tells nothing.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
use sanbao_platform::auth::client_network;

/// Wrong tries of one number, until it is locked for the rest of a day of 24 hours.
pub const NUMBER_MAX: u32 = 5;
const NUMBER_MINUTES: i64 = 24 * 60;
/// Wrong tries from one network address in an hour.
const NETWORK_MAX: u32 = 10;
const NETWORK_MINUTES: i64 = 60;
/// Wrong tries of everybody in an hour. It bounds what is remembered, too.
const ALL_MAX: u32 = 60;
const ALL_MINUTES: i64 = 60;

/// The wrong tries of late. Cheap to clone; clones share them.
#[derive(Clone, Debug, Default)]
pub struct Tries(Arc<Mutex<HashMap<Counted, Window>>>);

/// Whose wrong tries are counted together.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Counted {
    /// A number, without its year.
    Number(String),
    Network(IpAddr),
    All,
}

/// Wrong tries since the first of them.
#[derive(Clone, Copy, Debug)]
struct Window {
    wrong: u32,
    ends_at: DateTime<Utc>,
}

/// The refusal of a try before it is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Refused {
    /// Whether it is the number that is locked; else too much was tried from here or by all.
    pub(super) number: bool,
    /// The next try is allowed then.
    pub(super) until: DateTime<Utc>,
}

/// A try whose outcome is not known yet. It counts as wrong until [`right`](Guess::right).
#[derive(Debug)]
#[must_use = "a try that is not said to be right is a wrong one"]
pub(super) struct Guess {
    tries: Tries,
    counted: [Counted; 3],
}

impl Counted {
    fn max(&self) -> (u32, TimeDelta) {
        let (most, minutes) = match self {
            Self::Number(_) => (NUMBER_MAX, NUMBER_MINUTES),
            Self::Network(_) => (NETWORK_MAX, NETWORK_MINUTES),
            Self::All => (ALL_MAX, ALL_MINUTES),
        };
        (most, TimeDelta::minutes(minutes))
    }
}

impl Tries {
    fn windows(&self) -> MutexGuard<'_, HashMap<Counted, Window>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A try of a number from `address`; or when the next is allowed. A refused one counts for nothing.
    pub(super) fn begin(&self, number: String, address: IpAddr, now: DateTime<Utc>) -> Result<Guess, Refused> {
        let counted = [Counted::Number(number), Counted::Network(client_network(address)), Counted::All];
        let mut windows = self.windows();
        windows.retain(|_, window| window.ends_at > now);
        for of in &counted {
            let full = windows.get(of).filter(|window| window.wrong >= of.max().0);
            if let Some(window) = full {
                return Err(Refused { number: matches!(of, Counted::Number(_)), until: window.ends_at });
            }
        }
        for of in &counted {
            let fresh = Window { wrong: 0, ends_at: now + of.max().1 };
            windows.entry(of.clone()).or_insert(fresh).wrong += 1;
        }
        drop(windows);
        Ok(Guess { tries: self.clone(), counted })
    }
}

impl Guess {
    /// It was right: it costs nothing. Those that were wrong before stay counted, so that a family that follows its request
    /// makes no room for a stranger who guesses.
    pub(super) fn right(self) {
        let mut windows = self.tries.windows();
        for of in &self.counted {
            if let Some(window) = windows.get_mut(of) {
                window.wrong = window.wrong.saturating_sub(1);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn at(minute: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_700_000_000 + minute * 60, 0).unwrap()
    }

    fn address(nth: u32) -> IpAddr {
        IpAddr::from(std::net::Ipv4Addr::from(0x0A00_0000 + nth))
    }

    fn wrong(tries: &Tries, number: &str, nth: u32, minute: i64) -> Result<(), Refused> {
        tries.begin(number.to_owned(), address(nth), at(minute)).map(drop)
    }

    #[test]
    fn a_number_is_locked_for_all_addresses_and_opens_after_a_day() {
        let tries = Tries::default();
        for nth in 0..NUMBER_MAX {
            wrong(&tries, "1129-0042", nth, 0).unwrap();
        }
        let day = NUMBER_MINUTES;
        assert_eq!(wrong(&tries, "1129-0042", 99, 1), Err(Refused { number: true, until: at(day) }));
        wrong(&tries, "1129-0043", 99, 1).unwrap();
        assert!(wrong(&tries, "1129-0042", 99, day - 1).is_err());
        wrong(&tries, "1129-0042", 99, day).unwrap();
    }

    #[test]
    fn an_address_that_goes_from_number_to_number_is_stopped_and_its_neighbour_is_not() {
        let tries = Tries::default();
        for n in 0..NETWORK_MAX {
            wrong(&tries, &n.to_string(), 1, 0).unwrap();
        }
        let until = at(NETWORK_MINUTES);
        assert_eq!(wrong(&tries, "1129-0042", 1, 1), Err(Refused { number: false, until }));
        wrong(&tries, "1129-0042", 2, 1).unwrap();
        wrong(&tries, "1129-0042", 1, NETWORK_MINUTES).unwrap();
    }

    #[test]
    fn many_addresses_over_many_numbers_run_into_one_bound_and_so_does_what_is_remembered() {
        let tries = Tries::default();
        for n in 0..ALL_MAX {
            wrong(&tries, &n.to_string(), n, 0).unwrap();
        }
        for n in ALL_MAX..10_000 {
            assert_eq!(wrong(&tries, &n.to_string(), n, 1), Err(Refused { number: false, until: at(ALL_MINUTES) }));
        }
        let most = usize::try_from(2 * ALL_MAX + 1).unwrap();
        assert!(tries.windows().len() <= most, "{} remembered", tries.windows().len());
        wrong(&tries, "1129-0042", 7, ALL_MINUTES).unwrap();
    }

    #[test]
    fn right_tries_are_free_and_forgive_nobody() {
        let tries = Tries::default();
        for _ in 1..NUMBER_MAX {
            wrong(&tries, "1129-0042", 1, 0).unwrap();
        }
        for _ in 0..1_000 {
            tries.begin("1129-0042".to_owned(), address(2), at(1)).unwrap().right();
        }
        wrong(&tries, "1129-0042", 1, 2).unwrap();
        assert!(tries.begin("1129-0042".to_owned(), address(2), at(3)).is_err());
    }
}
