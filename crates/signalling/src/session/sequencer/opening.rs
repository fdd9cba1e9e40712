//! The sources from which rooms of a relay that runs alone are opened: those of the run before, and what the database
//! knows.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use sanbao_platform::db::{Conn, Db, DbError};

use crate::facts;
use crate::id::ConsultId;
use crate::revocation;
use crate::room::{Past, Revocation};

/// After so long without a room to open, the connection is given back.
pub(in crate::session) const READER_IDLE_MAX: Duration = Duration::from_secs(1);

/// One room is opened at a time, behind one lock, so the next caller that asks for the same room finds it.
#[derive(Debug)]
pub(in crate::session) struct Opening {
    /// Rooms of the run before that were not woken up yet.
    pub(in crate::session) kept: BTreeSet<ConsultId>,
    /// Held while rooms are being opened. Each is one short statement; to borrow a connection of the pool and give it
    /// back, which asks the engine twice whether it is still there, costs three times as much.
    reader: Option<(Conn, Instant)>,
}

impl Opening {
    pub(in crate::session) fn new(kept: BTreeSet<ConsultId>) -> Self {
        Self { kept, reader: None }
    }

    /// The record of a consult from earlier.
    pub(in crate::session) async fn past(&mut self, db: &Db, consult: ConsultId) -> Result<Past, DbError> {
        let mut reader = self.take_reader(db).await?;
        let past = facts::past(&mut reader, consult).await?;
        self.put_back(reader);
        Ok(past)
    }

    /// The revocations of a consult's tickets.
    pub(in crate::session) async fn revoked(
        &mut self,
        db: &Db,
        consult: ConsultId,
    ) -> Result<Vec<Revocation>, DbError> {
        let mut reader = self.take_reader(db).await?;
        let revoked = revocation::of_consult(&mut reader, consult).await?;
        self.put_back(reader);
        Ok(revoked)
    }

    /// Gives the connection back if nobody has opened a room for a while.
    pub(in crate::session) fn rest(&mut self, now: Instant) {
        self.reader.take_if(|(_, used)| now.saturating_duration_since(*used) >= READER_IDLE_MAX);
    }

    #[cfg(test)]
    pub(in crate::session) fn holds_a_connection(&self) -> bool {
        self.reader.is_some()
    }

    /// Gives the connection back: this node leaves, and opens no more rooms.
    pub(super) fn end(&mut self) {
        self.reader = None;
    }

    /// Taken out, and only put back after it has answered: one that failed, or whose caller was dropped half-way, goes
    /// back to the pool, which looks at it.
    async fn take_reader(&mut self, db: &Db) -> Result<Conn, DbError> {
        match self.reader.take() {
            Some((reader, _)) => Ok(reader),
            None => db.read().await,
        }
    }

    fn put_back(&mut self, reader: Conn) {
        self.reader = Some((reader, Instant::now()));
    }
}
