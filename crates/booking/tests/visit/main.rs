//! Home visits through the real router on both engines.
#![expect(clippy::unwrap_used, reason = "tests")]

mod attend;
mod intake;
mod pages;
mod schedule;
mod world;
