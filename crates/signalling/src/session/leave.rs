//! A node that goes: its clients are told to connect again and resume, and the rooms of a relay that runs alone
//! are kept for the next run.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use super::hub::Hub;
use super::keep;
use crate::protocol::{CloseCode, ServerMessage};

/// Clients are told to move in so many groups, so that they do not all come to another node at once.
const GROUPS: u64 = 20;
/// How long sockets are given to close when there is nowhere else to go.
const CLOSE_WAIT_MS_MAX: u64 = 600;
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
        if self.driver.is_none() {
            self.wake_up_all().await;
        }
        stop.cancelled().await;
        self.leave().await;
    }

    /// Sends everybody away, once; whoever asks again waits for the same end.
    pub(crate) async fn leave(&self) {
        self.left
            .get_or_init(|| async {
                match self.driver {
                    Some(_) => self.move_all().await,
                    None => self.keep_all().await,
                }
            })
            .await;
    }

    async fn move_all(&self) {
        let drain_ms_max = self.limits.drain_ms_max;
        let deadline = Instant::now() + Duration::from_millis(drain_ms_max);
        for group in 0..GROUPS {
            let left = deadline.saturating_duration_since(Instant::now()).as_millis();
            let within_ms = u64::try_from(left).unwrap_or(drain_ms_max);
            for cell in self.cells() {
                cell.say(&ServerMessage::Move { within_ms }, |socket| socket % GROUPS == group);
            }
            sleep(Duration::from_millis(drain_ms_max / 4 / GROUPS)).await;
        }
        self.until_quiet(deadline).await;
        self.close_all();
        self.until_quiet(Instant::now() + Duration::from_millis(CLOSE_WAIT_MS_MAX)).await;
    }

    async fn keep_all(&self) {
        self.leaving.store(true, Ordering::SeqCst); // before any room is looked at: nobody enters behind our back
        for cell in self.cells() {
            cell.say(&ServerMessage::Move { within_ms: 0 }, |_| true);
        }
        self.close_all();
        self.until_quiet(Instant::now() + Duration::from_millis(CLOSE_WAIT_MS_MAX)).await;
        // Who is just taking a kept room out of the table is waited for; who comes later finds that this node leaves.
        let mut waking = match self.opening().await {
            Ok(opening) => Some(opening.lock().await),
            Err(_) => None,
        };
        if let Some(opening) = &mut waking {
            opening.end();
        }
        let rooms: Vec<_> = self.cells().into_iter().map(|cell| (cell.consult, cell.copy())).collect();
        let rooms: Vec<_> = rooms.into_iter().filter(|(_, replica)| !replica.room().is_empty()).collect();
        if let Err(error) = keep::put(&self.db, self.clock.now(), &rooms).await {
            tracing::error!(%error, rooms = rooms.len(), "rooms are not kept over the restart: sessions start anew");
        }
    }

    async fn wake_up_all(self: &Arc<Self>) {
        let kept = match self.opening().await {
            Ok(opening) => opening.lock().await.kept.iter().copied().collect(),
            Err(error) => {
                tracing::error!(%error, "kept rooms cannot be listed; each is looked for when somebody comes");
                Vec::new()
            }
        };
        for consult in kept {
            if let Err(error) = self.open(consult, false).await {
                tracing::error!(%consult, %error, "a kept room was not woken up");
            }
        }
    }

    fn close_all(&self) {
        for cell in self.cells() {
            cell.close_all(CloseCode::Restarting);
        }
    }

    async fn until_quiet(&self, deadline: Instant) {
        while Instant::now() < deadline && !self.cells().iter().all(|cell| cell.is_quiet()) {
            sleep(Duration::from_millis(LOOK_MS)).await;
        }
    }
}
