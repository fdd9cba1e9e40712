//! Counts of requests by area × category × state × day and month, kept in the transaction of the change.
//!
//! **What is counted.** A request counts on the day it was received, in the state in which it stands:
//! the sum over a period is the number of requests received in it, split by how far they have come.
//! A step of a work order therefore moves one from a state to another within the same day.
//!
//! **What is stored.** A row per cell (area of any level, day or month, category, state); a cell that
//! falls to zero is deleted, so the table grows with what is there and not with what has happened.
//! Ancestors are stored rather than summed on reading: a street's five years are then some thousand
//! rows of one key range instead of a walk over its tree, and one step costs at most twenty cells.
//!
//! **History.** A day's requests belong to the areas that were above their own on *that day* (dated
//! parentage). An area that moves from tomorrow on changes nothing; one that moved in the past has the
//! days since then counted anew ([`reparented`]), from the requests themselves.
//!
//! **Concurrency.** Cells change only by `n = n + delta`, never by a read value. On `PostgreSQL` a transaction holds
//! its cells' row locks until it ends; all writers take them in one statement in the order of the key, so they wait but
//! cannot block each other in a circle. For this to hold a transaction calls [`apply_all`] **once, as its last
//! statement** but for events and audit. The street's cell of today and this category is where writers meet; it is held
//! for one commit, and a street takes tens of requests a minute, not thousands a second. Sharding that cell was weighed
//! and left: it would make each reading dearer for a load that is not there. A transaction that climbs the tree holds
//! [`TREE_LOCK`] shared, and one that moves an area holds it alone, so no change counts to a parent of yesterday.
//! `SQLite` has one writer, and all of this is then true by itself.

mod api;
pub mod cell;
pub mod chart;
mod lineage;
mod page;
pub mod period;
pub mod read;
mod verify;

use std::collections::BTreeSet;

use chrono::NaiveDate;
use sanbao_platform::db::{DbError, Engine, Tx};
use sanbao_platform::http::Routes;

use crate::App;
use crate::area::AreaCode;
use crate::request::category::Category;
use crate::request::state::RequestStateName;
use cell::{Cell, Deltas, Grain};
use lineage::Lineage;

pub use verify::{Comparison, Difference, repair, reparented, verify};

/// The advisory lock of the area tree on `PostgreSQL`.
pub const TREE_LOCK: i64 = 727_301;

/// One request coming, going, or taking a step. Requests are counted, not people, who would not add up over cells.
/// Another category or area is a going and a coming.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CountChange {
    /// The area the request names, of any level.
    pub area_code: AreaCode,
    /// The kind of help asked for.
    pub category: Category,
    /// The day it was received, in the street's zone.
    pub day: NaiveDate,
    /// The state before; `None` for a request that comes.
    pub from: Option<RequestStateName>,
    /// The state after; `None` for a request that goes.
    pub to: Option<RequestStateName>,
}

/// Counts one change, in its transaction: once, and last.
pub async fn apply(tx: &mut Tx, change: &CountChange) -> Result<(), DbError> {
    apply_all(tx, std::slice::from_ref(change)).await
}

/// Counts many changes: summed up first, so that an import of thousands touches few rows, each once.
pub async fn apply_all(tx: &mut Tx, changes: &[CountChange]) -> Result<(), DbError> {
    if changes.is_empty() {
        return Ok(());
    }
    lock_tree(tx, TREE_SHARED_POSTGRES).await?;
    let leaves: BTreeSet<&AreaCode> = changes.iter().map(|c| &c.area_code).collect();
    let lineage = Lineage::load(tx, &leaves).await?;
    let mut deltas = Deltas::default();
    for change in changes {
        for area_code in lineage.upwards(&change.area_code, change.day) {
            for grain in [Grain::Day, Grain::Month] {
                for (state, n) in [(change.from, -1), (change.to, 1)] {
                    let Some(state) = state else { continue };
                    let starts_on = grain.start(change.day);
                    let cell =
                        Cell { area_code: area_code.clone(), grain, starts_on, category: change.category, state };
                    deltas.add(cell, n);
                }
            }
        }
    }
    deltas.store(tx).await
}

const TREE_SHARED_POSTGRES: &str = "select pg_advisory_xact_lock_shared($1)";
const TREE_ALONE_POSTGRES: &str = "select pg_advisory_xact_lock($1)";

/// Holds the tree until the transaction ends; on `SQLite` the writer's turn is that.
async fn lock_tree(tx: &mut Tx, statement: &'static str) -> Result<(), DbError> {
    if let Engine::Postgres(c) = tx.engine() {
        sqlx::query(statement).bind(TREE_LOCK).execute(c).await?;
    }
    Ok(())
}

/// The routes of this part.
pub fn routes() -> Routes<App> {
    Routes::from(api::routes()).merge(page::routes())
}
