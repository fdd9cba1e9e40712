//! A node that goes: its clients are told to connect again and resume, and the rooms of a relay that runs alone
//! are kept for the next run.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use super::hub::Hub;
use super::sequencer::Sequencer;
use crate::protocol::CloseCode;

/// How long sockets are given to close when there is nowhere else to go.
pub(super) const CLOSE_WAIT_MS_MAX: u64 = 600;
/// How often it is looked whether all are gone.
const LOOK_MS: u64 = 20;

impl Hub {
    /// Leaves as soon as the process drains. The first connection says by which token it does.
    pub(super) fn leave_on(self: &Arc<Self>, drain: &CancellationToken) {
        if self.drain_watched.swap(true, Ordering::Relaxed) {
            return;
        }
        let (hub, drain) = (Arc::clone(self), drain.clone());
        tokio::spawn(async move {
            drain.cancelled().await;
            hub.leave().await;
        });
    }

    /// Wakes up the rooms of the run before, and leaves on `stop`; then `left` is cancelled.
    pub(crate) async fn live(self: Arc<Self>, stop: CancellationToken, left: CancellationToken) {
        // Also when this task is dropped.
        let _left = left.drop_guard();
        if let Sequencer::Embedded(embedded) = &self.node.sequencer {
            self.wake_up_all(embedded).await;
        }
        stop.cancelled().await;
        self.leave().await;
    }

    /// Sends everybody away, once; a second caller waits for the same end.
    pub(crate) async fn leave(&self) {
        self.left
            .get_or_init(|| async {
                match &self.node.sequencer {
                    Sequencer::Embedded(embedded) => self.keep_all(embedded).await,
                    Sequencer::Shared(_) => self.move_all().await,
                }
            })
            .await;
    }

    pub(super) fn close_all(&self) {
        for cell in self.cells() {
            cell.close_all(CloseCode::Restarting);
        }
    }

    pub(super) async fn until_quiet(&self, deadline: Instant) {
        while Instant::now() < deadline && !self.cells().iter().all(|cell| cell.is_quiet()) {
            sleep(Duration::from_millis(LOOK_MS)).await;
        }
    }
}
