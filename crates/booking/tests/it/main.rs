//! Booking through its real router, on both engines.
#![expect(clippy::unwrap_used, reason = "tests")]

mod account;
mod calendar;
mod calendar_model;
mod consult;
mod emergency;
mod held;
mod network;
mod retention;
mod statements;
mod visit;
