//! The state of one connection: whose turn it is, and since when.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::task::AtomicWaker;
use tokio::time::Instant;

use super::bounds::Bounds;

/// When a connection is to be ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Due {
    /// Now, for this reason.
    Now(&'static str),
    /// Then, if nothing happens.
    At(Instant),
    /// Not by anything that is known.
    Never,
}

/// One connection, shared by its socket, its requests and the list of all.
#[derive(Debug)]
pub(super) struct Watch {
    bounds: Bounds,
    state: Mutex<State>,
    /// The task that serves the connection.
    pub(super) waker: AtomicWaker,
}

#[derive(Debug)]
struct State {
    /// Requests without the end of their answer; for each since when the other side has not taken what it was given.
    open: HashMap<u64, Option<Instant>>,
    /// The number of the next request.
    next: u64,
    /// Since when no request is open.
    idle_since: Instant,
    /// Another protocol with heartbeats of its own has taken over.
    upgraded: bool,
    /// Its place was given to another.
    displaced: bool,
}

impl Watch {
    pub(super) fn new(bounds: Bounds, now: Instant) -> Self {
        let state = State { open: HashMap::new(), next: 0, idle_since: now, upgraded: false, displaced: false };
        Self { bounds, state: Mutex::new(state), waker: AtomicWaker::new() }
    }

    pub(super) fn bounds(&self) -> &Bounds {
        &self.bounds
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// When the connection is to be ended.
    pub(super) fn due(&self, now: Instant) -> Due {
        let state = self.state();
        if state.displaced {
            return Due::Now("its place was needed");
        }
        if state.upgraded {
            return Due::Never;
        }
        let end = |since: Instant, wait: Duration, why| {
            if now >= since + wait { Due::Now(why) } else { Due::At(since + wait) }
        };
        if state.open.is_empty() {
            let wait = if state.next == 0 { self.bounds.first_head_wait } else { self.bounds.next_head_wait };
            return end(state.idle_since, wait, "no request came");
        }
        match state.open.values().flatten().min() {
            Some(since) => end(*since, self.bounds.taking_wait, "an answer was not taken"),
            // Looked at again, because an answer that is given later wakes another task.
            None => Due::At(now + self.bounds.taking_wait / 2),
        }
    }

    /// Since when nobody would miss the connection, those first that never asked anything; `None` while it is in use.
    pub(super) fn spare(&self) -> Option<(bool, Instant)> {
        let state = self.state();
        let spare = state.open.is_empty() && !state.upgraded && !state.displaced;
        spare.then_some((state.next > 0, state.idle_since))
    }

    /// Ends the connection in favour of another.
    pub(super) fn displace(&self) {
        self.state().displaced = true;
        self.waker.wake();
    }

    /// Leaves the connection to another protocol.
    pub(super) fn upgrade(&self) {
        self.state().upgraded = true;
    }
}

/// A request and its answer; the connection waits for the next when all are dropped.
#[derive(Debug)]
pub(super) struct Exchange {
    watch: Arc<Watch>,
    number: u64,
}

impl Exchange {
    pub(super) fn begin(watch: Arc<Watch>) -> Self {
        let number = {
            let mut state = watch.state();
            let number = state.next;
            state.next += 1;
            state.open.insert(number, None);
            number
        };
        Self { watch, number }
    }

    /// Part of the answer was given, or is asked for again: then all before was taken.
    pub(super) fn given(&self, at: Option<Instant>) {
        if let Some(since) = self.watch.state().open.get_mut(&self.number) {
            *since = at;
        }
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        let mut state = self.watch.state();
        state.open.remove(&self.number);
        state.idle_since = Instant::now();
    }
}
