//! Rooms come and go while logs are followed.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::sync::atomic::AtomicUsize;

use async_trait::async_trait;
use sanbao_platform::testing::sqlite;

use super::super::*;
use crate::config::Config;
use crate::facts;
use crate::id::NodeId;
use crate::room::Command;
use crate::session::FollowedRoom;
use crate::turn::PortsWatch;
use crate::{MIGRATIONS, NAME};

/// A log that is always there and brings nothing; it counts how often it is closed.
#[derive(Debug, Default)]
struct Quiet {
    closed: AtomicUsize,
}

#[async_trait]
impl SharedLog for Quiet {
    fn node(&self) -> NodeId {
        NodeId(1)
    }

    async fn open(&self, _: Arc<dyn FollowedRoom>, _: bool) -> Result<bool, NoRoom> {
        Ok(true)
    }

    fn propose(&self, _: ConsultId, _: Vec<Command>) -> bool {
        true
    }

    fn close(&self, _: ConsultId) {
        self.closed.fetch_add(1, Ordering::Relaxed);
    }
}

#[tokio::test]
async fn a_room_that_is_forgotten_late_leaves_the_log_of_the_newer_one_open() {
    let engine = sqlite();
    let (db, clock) = (engine.database(NAME, &MIGRATIONS).await, Clock::system());
    let config = Config::new(sanbao_platform::config::Secret("test".to_owned()));
    let (facts, _waiting) = facts::queue(config.limits.facts_queue_max);
    let log = Arc::new(Quiet::default());
    let shared = Arc::clone(&log) as Arc<dyn SharedLog>;
    let hub = Arc::new(Hub::new(config.limits.clone(), clock, config.ice(PortsWatch::all()), db, facts, Some(shared)));
    let consult = ConsultId(uuid::Uuid::from_u128(1));
    let closed = || log.closed.load(Ordering::Relaxed);
    let first = hub.open(consult, true).await.unwrap();
    hub.forget(&first);
    assert_eq!((closed(), first.is_forgotten()), (1, true));
    let second = hub.open(consult, true).await.unwrap();
    assert!(!Arc::ptr_eq(&first, &second));
    // A task that looked at all rooms a moment ago, or followed the first one's log, comes to forget it now.
    hub.forget(&first);
    assert_eq!((closed(), second.is_forgotten()), (1, false));
    assert!(Arc::ptr_eq(&hub.open(consult, false).await.unwrap(), &second));
}
