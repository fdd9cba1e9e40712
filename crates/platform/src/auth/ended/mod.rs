//! Log-ins that have ended and tokens that count no more, known to every process within two seconds.
//!
//! The issuer of tokens [`record`]s an end in the transaction that makes it true and publishes it. Every other service
//! takes the event into its own database ([`consumer`]). A process knows what it committed itself at once, and what
//! others of the same service committed by looking every second (`follow`). All of it is read when a database is
//! migrated, so that a restart brings no token back.

mod consumer;
mod store;

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::watch;
use uuid::Uuid;

use super::Actor;
use crate::id::SubjectId;

pub use consumer::{KINDS, RIGHTS_LOST, RightsLost, SESSION_ENDED, SessionEnded, consumer};
pub use store::record;
pub(crate) use store::{follow, forget, load};

/// How long an end is remembered: longer than any session lasts, and what was given to it.
pub const REMEMBERED_HOURS: i64 = 24;

/// An end of something that tokens were given for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// A log-in: nothing that was given to it is good any more.
    Session(Uuid),
    /// The rights of an account before this version of it: a renewed token says which it has now.
    Rights { account: SubjectId, version: i64 },
}

/// The ends that this process knows of. Cheap to clone; clones are one list.
#[derive(Clone, Debug)]
pub struct Ended(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    list: RwLock<List>,
    /// Told of every end.
    grown: watch::Sender<()>,
}

#[derive(Debug, Default)]
struct List {
    sessions: HashMap<Uuid, DateTime<Utc>>,
    rights: HashMap<SubjectId, (i64, DateTime<Utc>)>,
}

impl Default for Ended {
    fn default() -> Self {
        Self(Arc::new(Inner { list: RwLock::default(), grown: watch::Sender::new(()) }))
    }
}

impl Ended {
    fn list(&self) -> RwLockReadGuard<'_, List> {
        self.0.list.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn list_mut(&self) -> RwLockWriteGuard<'_, List> {
        self.0.list.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether what the token says of the actor holds no more.
    pub fn refuses(&self, actor: &Actor) -> bool {
        let list = self.list();
        let outdated = |(version, _): &(i64, DateTime<Utc>)| actor.version < *version;
        list.sessions.contains_key(&actor.session) || list.rights.get(&actor.subject).is_some_and(outdated)
    }

    /// Resolves as soon as the actor is refused.
    pub async fn refused(&self, actor: Actor) {
        let mut grown = self.0.grown.subscribe();
        while !self.refuses(&actor) {
            if grown.changed().await.is_err() {
                return;
            }
        }
    }

    /// Takes ends into the list; the latest of an account counts.
    pub(crate) fn note(&self, endings: &[(Ending, DateTime<Utc>)]) {
        if endings.is_empty() {
            return;
        }
        let mut list = self.list_mut();
        let before = (list.sessions.len(), list.rights.len());
        let mut raised = false;
        for (ending, at) in endings {
            match *ending {
                Ending::Session(session) => drop(list.sessions.insert(session, *at)),
                Ending::Rights { account, version } => {
                    let known = list.rights.entry(account).or_insert((version, *at));
                    raised |= version > known.0;
                    *known = (version.max(known.0), *at);
                }
            }
        }
        let grown = raised || before != (list.sessions.len(), list.rights.len());
        drop(list);
        if grown {
            self.0.grown.send_replace(());
        }
    }

    fn forget_before(&self, at: DateTime<Utc>) {
        let mut list = self.list_mut();
        list.sessions.retain(|_, noted| *noted >= at);
        list.rights.retain(|_, (_, noted)| *noted >= at);
    }
}

/// Before which moment ends are forgotten.
fn horizon(now: DateTime<Utc>) -> DateTime<Utc> {
    now - TimeDelta::hours(REMEMBERED_HOURS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::OrganisationId;

    fn actor(session: u128, version: i64) -> Actor {
        Actor {
            subject: SubjectId(Uuid::from_u128(1)),
            organisation: OrganisationId(Uuid::from_u128(2)),
            kind: String::new(),
            roles: Vec::new(),
            areas: Vec::new(),
            name: String::new(),
            session: Uuid::from_u128(session),
            version,
            proved_at: DateTime::UNIX_EPOCH,
            lacks_factor: false,
            workplaces: Vec::new(),
        }
    }

    #[tokio::test]
    async fn an_ended_session_and_an_older_version_are_refused_and_others_are_not() {
        let (ended, now) = (Ended::default(), DateTime::UNIX_EPOCH);
        let waiting = tokio::spawn({
            let ended = ended.clone();
            async move { ended.refused(actor(7, 3)).await }
        });
        assert!(!ended.refuses(&actor(7, 3)));
        ended.note(&[(Ending::Session(Uuid::from_u128(8)), now)]);
        assert!(ended.refuses(&actor(8, 3)) && !ended.refuses(&actor(7, 3)));
        let rights = |version| Ending::Rights { account: SubjectId(Uuid::from_u128(1)), version };
        ended.note(&[(rights(4), now), (rights(2), now)]);
        assert!(ended.refuses(&actor(7, 3)) && !ended.refuses(&actor(7, 4)), "the latest counts");
        assert!(waiting.await.is_ok());
        ended.forget_before(now + TimeDelta::seconds(1));
        assert!(!ended.refuses(&actor(8, 3)));
    }
}
