//! The floor on real databases of both engines and a real `nats-server`.
#![expect(clippy::unwrap_used, reason = "tests")]

mod audit_chain;
mod audit_pruning;
mod bus;
mod carry;
mod db;
mod http;
mod lifecycle;
mod live;
mod out_of_step;
mod packing;
mod panics;
mod parked;
mod retention;
mod shown;
mod slow_clients;
mod speaker;
mod stream;
mod traced;
