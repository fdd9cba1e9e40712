//! Guessing passwords, PINs and links: wrong tries cost time, right ones nothing, and nobody's wrong tries keep another
//! from the own account.
//!
//! Each kind of secret has a bucket of tries for each network address. A password has besides a delay for the name and
//! the place that it is tried from, which doubles with each wrong try, and a short one for the name from all places
//! together. A device on which the account was at home before is a place of its own, and only its own tries delay it.
//! Names that nobody has are delayed as others are, so that a delay tells nothing.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use super::client_network;
use crate::crypto::sha256_hex;
use crate::problem::{Problem, TOO_MANY};

/// Wrong tries from one place before the delay begins, and the longest delay.
const PLACE_FREE: u32 = 5;
const PLACE_SECONDS_MAX: u32 = 15 * 60;
/// The same for tries from all places together: guessing is slow, and a person who waits it out gets in.
const NAME_FREE: u32 = 30;
const NAME_SECONDS_MAX: u32 = 60;
/// Wrong tries are forgotten so long after the last.
const FORGOTTEN_MINUTES: i64 = 60;
/// Names, places and addresses that are remembered; one more takes the place of the one that was quiet longest.
const REMEMBERED_MAX: usize = 50_000;

/// From where a password is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Place {
    /// A device on which the account logged in before.
    KnownDevice(Uuid),
    /// Anywhere else, by network address.
    Address(IpAddr),
}

/// The wrong tries of late. Cheap to clone; clones share them.
#[derive(Clone, Debug)]
pub struct Guesses {
    every: TimeDelta,
    burst: NonZeroU32,
    tried: Arc<Mutex<Tried>>,
}

#[derive(Debug, Default)]
struct Tried {
    /// When an address has all its tries again.
    buckets: HashMap<(&'static str, IpAddr), DateTime<Utc>>,
    names: HashMap<(String, Option<Place>), Wrong>,
}

#[derive(Clone, Copy, Debug)]
struct Wrong {
    number: u32,
    last: DateTime<Utc>,
}

/// A try whose outcome is not known yet. It counts as wrong until [`right`](Attempt::right).
#[derive(Debug)]
#[must_use = "a try that is not said to be right is a wrong one"]
pub struct Attempt {
    guesses: Guesses,
    bucket: (&'static str, IpAddr),
    names: Vec<(String, Option<Place>)>,
}

impl Guesses {
    /// An address may be wrong `burst` times at once, and `per_minute` times a minute after that.
    pub fn new(per_minute: NonZeroU32, burst: NonZeroU32) -> Self {
        let every = TimeDelta::milliseconds(60_000 / i64::from(per_minute.get().min(60_000)));
        Self { every, burst, tried: Arc::default() }
    }

    fn tried(&self) -> MutexGuard<'_, Tried> {
        self.tried.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A try of a secret of some kind, such as a link, from `address`; or when the next is allowed.
    pub fn attempt(&self, kind: &'static str, address: IpAddr, now: DateTime<Utc>) -> Result<Attempt, Problem> {
        self.begin(kind, address, Vec::new(), now)
    }

    /// A try of the password of `name`.
    pub fn attempt_of(
        &self,
        name: &str,
        address: IpAddr,
        device: Option<Uuid>,
        now: DateTime<Utc>,
    ) -> Result<Attempt, Problem> {
        let name = sha256_hex(name.as_bytes());
        let names = match device {
            Some(device) => vec![(name, Some(Place::KnownDevice(device)))],
            None => vec![(name.clone(), Some(Place::Address(client_network(address)))), (name, None)],
        };
        self.begin("password", address, names, now)
    }

    fn begin(
        &self,
        kind: &'static str,
        address: IpAddr,
        names: Vec<(String, Option<Place>)>,
        now: DateTime<Utc>,
    ) -> Result<Attempt, Problem> {
        let bucket = (kind, client_network(address));
        let mut tried = self.tried();
        let full = tried.buckets.get(&bucket).copied().unwrap_or(now).max(now) + self.every;
        let burst = i32::try_from(self.burst.get()).unwrap_or(i32::MAX);
        let allowed = full - self.every * burst;
        let ends = names.iter().filter_map(|name| tried.names.get(name).map(|wrong| wrong.until(name.1, now)));
        let allowed = ends.fold(allowed, DateTime::max);
        if allowed > now {
            let wait = u64::try_from((allowed - now).num_seconds()).unwrap_or(0) + 1;
            return Err(Problem::new(&TOO_MANY).retry_after(wait));
        }
        make_room(&mut tried.buckets, &bucket, |full| *full);
        tried.buckets.insert(bucket, full);
        for name in &names {
            make_room(&mut tried.names, name, |wrong| wrong.last);
            let wrong = tried.names.entry(name.clone()).or_insert(Wrong { number: 0, last: now });
            *wrong = Wrong { number: wrong.fresh(now) + 1, last: now };
        }
        Ok(Attempt { guesses: self.clone(), bucket, names })
    }
}

impl Wrong {
    /// The number that still counts.
    fn fresh(&self, now: DateTime<Utc>) -> u32 {
        if now - self.last > TimeDelta::minutes(FORGOTTEN_MINUTES) { 0 } else { self.number }
    }

    /// Until when the next try must wait.
    fn until(&self, place: Option<Place>, now: DateTime<Utc>) -> DateTime<Utc> {
        let (free, seconds_max) =
            if place.is_some() { (PLACE_FREE, PLACE_SECONDS_MAX) } else { (NAME_FREE, NAME_SECONDS_MAX) };
        let Some(over) = self.fresh(now).checked_sub(free) else { return self.last };
        let seconds = 1_u32.checked_shl(over).unwrap_or(u32::MAX).min(seconds_max);
        self.last + TimeDelta::seconds(i64::from(seconds))
    }
}

/// Lets the one go that was quiet longest when there is no room for another.
fn make_room<K: Clone + Eq + Hash, V>(all: &mut HashMap<K, V>, new: &K, last: impl Fn(&V) -> DateTime<Utc>) {
    if all.len() < REMEMBERED_MAX || all.contains_key(new) {
        return;
    }
    if let Some(oldest) = all.iter().min_by_key(|(_, value)| last(value)).map(|(key, _)| key.clone()) {
        all.remove(&oldest);
    }
}

impl Attempt {
    /// It was right: it costs nothing, and what was wrong before from here is forgiven.
    pub fn right(self) {
        let mut tried = self.guesses.tried();
        if let Some(full) = tried.buckets.get_mut(&self.bucket) {
            *full -= self.guesses.every;
        }
        for name in &self.names {
            match (name.1, tried.names.get_mut(name)) {
                (Some(_), _) => drop(tried.names.remove(name)),
                (None, Some(wrong)) => wrong.number = wrong.number.saturating_sub(1),
                (None, None) => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn at(second: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_700_000_000 + second, 0).unwrap()
    }

    fn address(last: u8) -> IpAddr {
        IpAddr::from([198, 51, 100, last])
    }

    fn guesses(per_minute: u32, burst: u32) -> Guesses {
        Guesses::new(NonZeroU32::new(per_minute).unwrap(), NonZeroU32::new(burst).unwrap())
    }

    #[test]
    fn right_tries_are_free_and_wrong_ones_fill_the_bucket_of_their_kind() {
        let all = guesses(6, 3);
        for _ in 0..100 {
            all.attempt_of("nurse", address(1), None, at(0)).unwrap().right();
        }
        for _ in 0..3 {
            let _wrong = all.attempt("guest-link", address(1), at(0)).unwrap();
        }
        assert_eq!(all.attempt("guest-link", address(1), at(0)).unwrap_err().status().as_u16(), 429);
        all.attempt_of("nurse", address(1), None, at(0)).unwrap().right();
        all.attempt("guest-link", address(2), at(0)).unwrap().right();
        all.attempt("guest-link", address(1), at(11)).unwrap().right();
    }

    #[test]
    fn the_delay_doubles_where_it_was_wrong_and_a_known_device_has_none_of_it() {
        let all = guesses(60_000, 100_000);
        let (mut now, mut waits) = (0, Vec::new());
        while waits.len() < 16 {
            if all.attempt_of("nurse", address(1), None, at(now)).is_ok() {
                waits.push(now);
            }
            now += 1;
        }
        let gaps: Vec<_> = waits.windows(2).map(|pair| pair[1] - pair[0]).collect();
        assert_eq!(gaps, [1, 1, 1, 1, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900]);
        assert!(all.attempt_of("nurse", address(1), None, at(now)).is_err());
        all.attempt_of("nurse", address(2), None, at(now)).unwrap().right();
        all.attempt_of("nurse", address(1), Some(Uuid::nil()), at(now)).unwrap().right();
        all.attempt_of("doctor", address(1), None, at(now)).unwrap().right();
        all.attempt_of("nurse", address(1), None, at(now + 3_601)).unwrap().right();
    }

    #[test]
    fn a_name_that_is_tried_from_everywhere_waits_a_minute_at_most() {
        let all = guesses(60_000, 100_000);
        for n in 0..=254 {
            let _wrong = all.attempt_of("nurse", address(n), None, at(i64::from(n) * 60));
        }
        let now = 254 * 60;
        assert!(all.attempt_of("nurse", address(255), None, at(now)).is_err());
        all.attempt_of("nurse", address(255), Some(Uuid::nil()), at(now)).unwrap().right();
        all.attempt_of("nurse", address(255), None, at(now + 60)).unwrap().right();
    }
}
