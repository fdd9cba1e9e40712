//! Readers that have stopped because no waiting helps; for `/readyz`, the measures and the start.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::LogError;

/// The faults of this process's readers, shared by all of them.
#[derive(Clone, Debug, Default)]
pub struct Faults(Arc<Mutex<BTreeMap<(&'static str, &'static str), String>>>);

impl Faults {
    /// Notes how a reader's last look went; what waiting mends is no fault.
    pub(super) fn note<T>(&self, reader: &'static str, publisher: &'static str, outcome: &Result<T, LogError>) {
        let mut faults = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match outcome {
            Ok(_) => drop(faults.remove(&(reader, publisher))),
            Err(error) if error.wants_a_person() => drop(faults.insert((reader, publisher), error.to_string())),
            // Whatever was wrong may still be.
            Err(_) => {}
        }
    }

    /// The readers that have stopped, each with the publisher and the reason.
    pub fn all(&self) -> BTreeMap<(&'static str, &'static str), String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
