//! The consult room in real browsers.
#![expect(clippy::unwrap_used, reason = "tests")]

mod page;
mod page_consent;
mod page_network;
mod page_restart;
mod page_room;
mod precheck;
mod relay;
#[path = "../support/mod.rs"]
mod support;
