//! Readers that have stopped because no waiting helps; for `/readyz`, the measures and the start.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::LogError;

/// How long a publisher may take to fill its stream before a reader that waits for it is a fault.
const FILLING_SECONDS_MAX: u64 = 60;

/// Whose log cannot be followed by whom: the reader and the publisher.
type Pair = (&'static str, &'static str);

#[derive(Debug)]
struct Fault {
    cause: String,
    /// From when on it counts.
    from: Instant,
}

/// The faults of this process's readers, shared by all of them.
#[derive(Clone, Debug, Default)]
pub struct Faults(Arc<Mutex<BTreeMap<Pair, Fault>>>);

impl Faults {
    /// Notes how a reader's last look went; what waiting mends is no fault.
    pub(super) fn note<T>(&self, reader: &'static str, publisher: &'static str, outcome: &Result<T, LogError>) {
        self.note_at(Instant::now(), (reader, publisher), outcome.as_ref().err());
    }

    fn note_at(&self, now: Instant, pair: Pair, error: Option<&LogError>) {
        let mut faults = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match error {
            None => drop(faults.remove(&pair)),
            Some(error @ LogError::Behind { .. }) => {
                let from = faults.get(&pair).map_or(now + Duration::from_secs(FILLING_SECONDS_MAX), |known| known.from);
                faults.insert(pair, Fault { cause: error.to_string(), from });
            }
            Some(error) if error.wants_a_person() => {
                faults.insert(pair, Fault { cause: error.to_string(), from: now });
            }
            // Whatever was wrong may still be.
            Some(_) => {}
        }
    }

    /// The readers that have stopped, each with the publisher and the reason.
    pub fn all(&self) -> BTreeMap<Pair, String> {
        self.all_at(Instant::now())
    }

    fn all_at(&self, now: Instant) -> BTreeMap<Pair, String> {
        let faults = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        faults.iter().filter(|(_, f)| f.from <= now).map(|(pair, f)| (*pair, f.cause.clone())).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_that_is_being_filled_is_a_fault_only_when_that_lasts() {
        let (faults, pair, now) = (Faults::default(), ("listener", "speaker"), Instant::now());
        let later = |seconds| now + Duration::from_secs(seconds);
        let behind = LogError::Behind { publisher: "speaker", reader: "listener", last: 4, heard: 7 };
        faults.note_at(now, pair, Some(&behind));
        faults.note_at(later(59), pair, Some(&behind));
        assert!(faults.all_at(later(59)).is_empty());
        assert!(faults.all_at(later(60)).contains_key(&pair), "since it was first seen");
        faults.note_at(later(61), pair, None);
        assert!(faults.all_at(later(200)).is_empty(), "it is filled");
        faults.note_at(later(201), pair, Some(&LogError::Unavailable("away".into())));
        assert!(faults.all_at(later(300)).is_empty());
        let gap = LogError::Gap { publisher: "speaker", wanted: 1, oldest: 9 };
        faults.note_at(later(301), pair, Some(&gap));
        assert!(faults.all_at(later(301)).contains_key(&pair), "at once");
    }
}
