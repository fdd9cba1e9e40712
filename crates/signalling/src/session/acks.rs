//! Acknowledgements that found nothing to ride on: one list for all connections, so that none has a timer.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::lock::lock;
use crate::protocol::ACK_DELAY_MS_MAX;

/// Two rounds are the longest an acknowledgement waits.
const ROUND_MS: u64 = ACK_DELAY_MS_MAX / 2;

/// A room in which a socket is to be sent an acknowledgement.
pub(super) trait Acknowledge: Send + Sync + std::fmt::Debug {
    /// Sends it to the socket of that number, if it is still due.
    fn acknowledge(&self, socket: u64);
}

type Listed = Vec<(Arc<dyn Acknowledge>, u64)>;

/// The sockets that are to be sent an acknowledgement soon.
#[derive(Debug, Default)]
pub(super) struct Acks {
    listed: Mutex<Listed>,
    some: Notify,
}

impl Acks {
    /// Adds a socket.
    pub(super) fn add(&self, room: Arc<dyn Acknowledge>, socket: u64) {
        let mut listed = lock(&self.listed);
        let first = listed.is_empty();
        listed.push((room, socket));
        drop(listed);
        if first {
            self.some.notify_one();
        }
    }

    /// Sends acknowledgements until `stop`. While nobody is listed, it sleeps.
    pub(super) async fn send(&self, stop: CancellationToken) {
        let mut due = Listed::new();
        loop {
            if lock(&self.listed).is_empty() {
                tokio::select! {
                    () = self.some.notified() => {}
                    () = stop.cancelled() => return,
                }
            }
            // Those who are listed now have waited for one round at most, and wait for one more.
            std::mem::swap(&mut due, &mut lock(&self.listed));
            tokio::time::sleep(Duration::from_millis(ROUND_MS)).await;
            for (room, socket) in due.drain(..) {
                room.acknowledge(socket);
            }
        }
    }
}
