//! The task that keeps one service's chain: links what is committed, tells where it ends, takes away what is too old.

use std::time::Duration;

use tokio::time::{Interval, MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use super::{Chainer, Checkpoint, CheckpointFile, Held, Pruner, PruningKey};
use crate::clock::Clock;
use crate::db::Db;
use crate::service::Task;

/// How often is looked for rows without a place.
const LINK_SECONDS: u64 = 10;
/// How often a chain that has grown tells its end.
const CHECKPOINT_SECONDS: u64 = 600;
/// How often is looked for rows that are too old.
const PRUNE_SECONDS: u64 = 3_600;
/// How long a process that ends still links, at most.
const LAST_LINKS_MS_MAX: u64 = 1_000;

/// Days for which audit rows are kept unless said otherwise: three years.
pub const AUDIT_DAYS_DEFAULT: u32 = 1_096;
/// Days for which audit rows are kept at least: six months (网络安全法 article 21).
pub const AUDIT_DAYS_MIN: u32 = 184;

/// The way in which the chains of a process are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keeping {
    /// Where their ends are written down, beside the log.
    pub checkpoints: Option<CheckpointFile>,
    /// How many days rows are kept.
    pub days_min: u32,
}

impl Default for Keeping {
    fn default() -> Self {
        Self { checkpoints: None, days_min: AUDIT_DAYS_DEFAULT }
    }
}

struct Keeper {
    chainer: Chainer,
    pruner: Pruner,
    checkpoints: Option<CheckpointFile>,
    /// The checkpoint that went out last.
    told: Option<Checkpoint>,
}

/// The task of one service's chain.
pub fn task(service: &'static str, db: Db, clock: Clock, key: PruningKey, keeping: Keeping) -> Task {
    let Keeping { checkpoints, days_min } = keeping;
    let pruner = Pruner { service, db: db.clone(), clock: clock.clone(), key, days_min };
    let keeper = Keeper { chainer: Chainer { service, db, clock }, pruner, checkpoints, told: None };
    Box::new(move |stop| Box::pin(keeper.run(stop)))
}

fn every(seconds: u64) -> Interval {
    let mut interval = interval(Duration::from_secs(seconds));
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    interval
}

impl Keeper {
    async fn run(mut self, stop: CancellationToken) {
        self.link(&stop).await;
        self.tell().await;
        let (mut link, mut tell, mut prune) = (every(LINK_SECONDS), every(CHECKPOINT_SECONDS), every(PRUNE_SECONDS));
        // A clock that is years ahead at the start has time to be put right before anything is removed by it.
        prune.reset();
        loop {
            tokio::select! {
                () = stop.cancelled() => break,
                _ = link.tick() => self.link(&stop).await,
                _ = tell.tick() => self.tell().await,
                _ = prune.tick() => self.prune(&stop).await,
            }
        }
        // A checkpoint of a service that was stopped has what it did, as far as that takes no time.
        let soon = CancellationToken::new();
        let last = tokio::time::timeout(Duration::from_millis(LAST_LINKS_MS_MAX), self.link(&soon));
        if last.await.is_ok() {
            self.tell().await;
        }
    }

    async fn link(&self, stop: &CancellationToken) {
        if let Err(error) = self.chainer.link(stop).await {
            tracing::warn!(service = self.chainer.service, %error, "audit rows wait for their place");
        }
    }

    async fn prune(&self, stop: &CancellationToken) {
        let service = self.chainer.service;
        match self.pruner.prune(stop).await {
            Ok(pruned) => {
                if pruned.rows > 0 {
                    tracing::info!(service, rows = pruned.rows, "old audit rows were taken away");
                }
                if let Some(Held { position, occurred_at }) = pruned.held {
                    tracing::warn!(service, position, %occurred_at, "an audit row of a later time keeps older ones behind it");
                }
            }
            Err(error) => tracing::error!(service, %error, "old audit rows stay"),
        }
    }

    /// Lets the end of the chain out, unless it is where it was.
    async fn tell(&mut self) {
        let service = self.chainer.service;
        let checkpoint = match self.chainer.checkpoint().await {
            Ok(Some(checkpoint)) => checkpoint,
            Ok(None) => return,
            Err(error) => return tracing::warn!(service, %error, "no audit checkpoint"),
        };
        if self.told.as_ref().is_some_and(|told| told.position == checkpoint.position) {
            return;
        }
        tracing::info!(service, position = checkpoint.position, link = checkpoint.link, "audit checkpoint");
        if let Some(file) = self.checkpoints.clone() {
            let line = checkpoint.clone();
            let written = tokio::task::spawn_blocking(move || file.append(&line)).await;
            if let Err(error) = written.map_err(std::io::Error::other).flatten() {
                // It is tried again with the next one.
                return tracing::error!(service, %error, "an audit checkpoint is in no file");
            }
        }
        self.told = Some(checkpoint);
    }
}
