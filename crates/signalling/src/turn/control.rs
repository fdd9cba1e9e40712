//! The rooms' orders to the server's thread: whose credentials are over, and where the peers of checks are.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use mio::Waker;
use serde::{Deserialize, Serialize};
use tokio::sync::broadcast;
use uuid::Uuid;

/// Orders that are remembered, for a server that begins anew and to hear each once.
const ORDERS_MAX: usize = 16_384;
/// Orders that may wait to be told to other nodes.
const UNTOLD_MAX: usize = 1_024;

/// One thing that every server of the house must know.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "order", rename_all = "snake_case")]
pub enum TurnOrder {
    /// Credentials that were issued to somebody until then open nothing any more, and what they opened is closed.
    EndUser {
        /// The name that stands for one person in one room.
        name: String,
        /// Until when, milliseconds since 1970.
        until_ms: i64,
    },
    /// Credentials that were issued by a ticket open nothing any more.
    EndTicket {
        /// The name that stands for the ticket.
        ticket: String,
    },
    /// The peer of a check before the call is at this relayed address of another server.
    Echo {
        /// The address.
        at: SocketAddr,
        /// Which check: an address is used again.
        check: Uuid,
    },
}

#[derive(Debug, Default)]
struct Orders {
    /// The last ones.
    list: VecDeque<TurnOrder>,
    /// How many there were before them.
    before: u64,
    waker: Option<Arc<Waker>>,
}

/// The orders so far. Cheap to clone.
#[derive(Clone, Debug)]
pub struct TurnControl {
    orders: Arc<Mutex<Orders>>,
    /// How many orders there were in all, so that the thread need not ask for the lock.
    count: Arc<AtomicU64>,
    untold: broadcast::Sender<TurnOrder>,
}

impl Default for TurnControl {
    fn default() -> Self {
        let (orders, count) = (Arc::default(), Arc::default());
        Self { orders, count, untold: broadcast::channel(UNTOLD_MAX).0 }
    }
}

impl TurnControl {
    /// Gives an order here and to every other node.
    pub fn order(&self, order: &TurnOrder) {
        if self.take(order) {
            let _ = self.untold.send(order.clone()); // alone, nobody listens
        }
    }

    /// Takes an order that another node has told; whether it is new.
    pub fn take(&self, order: &TurnOrder) -> bool {
        let mut orders = self.lock();
        if orders.list.contains(order) {
            return false;
        }
        orders.list.push_back(order.clone());
        if orders.list.len() > ORDERS_MAX {
            orders.list.pop_front();
            orders.before += 1;
        }
        self.count.fetch_add(1, Ordering::Release);
        if let Some(Err(error)) = orders.waker.as_ref().map(|waker| waker.wake()) {
            tracing::error!(%error, "the TURN server was not woken; it looks by itself once a second");
        }
        true
    }

    /// The orders that are to be told to other nodes from now on.
    pub fn untold(&self) -> broadcast::Receiver<TurnOrder> {
        self.untold.subscribe()
    }

    /// From now on this thread is woken.
    pub(super) fn wakes(&self, waker: Arc<Waker>) {
        self.lock().waker = Some(waker);
    }

    /// The orders after the first `seen`, which they are added to.
    pub(super) fn after(&self, seen: &mut u64) -> Vec<TurnOrder> {
        if self.count.load(Ordering::Acquire) == *seen {
            return Vec::new();
        }
        let orders = self.lock();
        let skip = usize::try_from(seen.saturating_sub(orders.before)).unwrap_or(usize::MAX);
        *seen = orders.before + orders.list.len() as u64;
        orders.list.iter().skip(skip).cloned().collect()
    }

    fn lock(&self) -> MutexGuard<'_, Orders> {
        self.orders.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn end(n: usize) -> TurnOrder {
        TurnOrder::EndTicket { ticket: n.to_string() }
    }

    #[test]
    fn each_order_is_heard_once_and_a_new_thread_hears_all() {
        let control = TurnControl::default();
        let mut told = control.untold();
        control.order(&end(1));
        control.order(&end(1));
        assert!(control.take(&end(2)) && !control.take(&end(2)));
        assert_eq!((told.try_recv().ok(), told.try_recv().ok()), (Some(end(1)), None), "what was heard is not told");
        let mut seen = 0;
        assert_eq!(control.after(&mut seen), [end(1), end(2)]);
        assert_eq!(control.after(&mut seen), []);
        control.order(&end(3));
        assert_eq!(control.after(&mut seen), [end(3)]);
        assert_eq!(control.after(&mut 0).len(), 3);
    }

    #[test]
    fn orders_are_bounded() {
        let control = TurnControl::default();
        let mut seen = 0;
        for n in 0..ORDERS_MAX + 5 {
            control.take(&end(n));
            if n == 3 {
                assert_eq!(control.after(&mut seen).len(), 4);
            }
        }
        assert_eq!(control.after(&mut seen).len(), ORDERS_MAX);
        assert_eq!(control.after(&mut seen), []);
    }
}
