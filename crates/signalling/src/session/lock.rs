//! How locks are taken here.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Takes a lock although a panic has poisoned it: what is behind it is whole between two statements, and the panic is
/// caught and counted where it happened.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
