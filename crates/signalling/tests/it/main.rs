//! The relay over real sockets and databases: its protocol and limits, rooms on several nodes, TURN, a simulation.
#![expect(clippy::unwrap_used, reason = "tests")]

mod disclosure;
mod fuzz;
mod hostile;
mod independent_client;
mod jetstream;
mod limits;
mod nodes;
mod precheck;
mod quality;
mod relay;
mod resume;
mod scripts;
mod simulation;
#[path = "../support/mod.rs"]
mod support;
mod turn;
