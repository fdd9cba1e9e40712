//! Rooms of a relay that runs alone: opened from what the run before kept or from the database, and kept when it leaves.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::Hub;
use crate::id::ConsultId;
use crate::protocol::ServerMessage;
use crate::session::cell::Cell;
use crate::session::leave::CLOSE_WAIT_MS_MAX;
use crate::session::sequencer::embedded::Kept;
use crate::session::sequencer::{Embedded, NoRoom};

impl Hub {
    /// Opens one room at a time: the next caller that asks for the same room waits, rather than finding neither the room
    /// nor what was kept of it.
    pub(super) async fn open_embedded(
        &self,
        embedded: &Embedded,
        consult: ConsultId,
        make: bool,
    ) -> Result<Arc<Cell>, NoRoom> {
        let mut opening = embedded.opening().await?;
        if self.node.sequencer.is_leaving() {
            return Err(NoRoom::Unavailable); // it stays where the next run finds it
        }
        let now = self.node.clock.now();
        if let Some(Kept { replica, revoked }) = embedded.wake(&mut opening, consult, now).await? {
            let cell = self.insert(consult, replica)?;
            opening.kept.remove(&consult);
            for revocation in &revoked {
                cell.revoke(revocation);
            }
            return Ok(cell);
        }
        opening.kept.remove(&consult);
        match self.find(consult) {
            Some(cell) => Ok(cell),
            None if make => {
                let limits = self.node.limits.room;
                self.insert(consult, embedded.begin(&mut opening, consult, now, limits).await?)
            }
            None => Err(NoRoom::None),
        }
    }

    /// Sends everybody away and keeps the rooms for the next run.
    pub(in crate::session) async fn keep_all(&self, embedded: &Embedded) {
        embedded.begin_to_leave(); // before any room is looked at: nobody enters behind our back
        for cell in self.cells() {
            cell.say(&ServerMessage::Move { within_ms: 0 }, |_| true);
        }
        self.close_all();
        self.until_quiet(Instant::now() + Duration::from_millis(CLOSE_WAIT_MS_MAX)).await;
        let rooms = || {
            let rooms = self.cells().into_iter().map(|cell| (cell.consult(), cell.copy()));
            rooms.filter(|(_, replica)| !replica.room().is_empty()).collect()
        };
        embedded.keep(self.node.clock.now(), rooms).await;
    }

    /// Wakes up the rooms of the run before.
    pub(in crate::session) async fn wake_up_all(self: &Arc<Self>, embedded: &Embedded) {
        let kept = match embedded.opening().await {
            Ok(opening) => opening.kept.iter().copied().collect(),
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
}
