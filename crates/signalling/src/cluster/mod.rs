//! Rooms on several nodes: what a node does with a log that it shares.

pub mod driver;
pub mod limits;
