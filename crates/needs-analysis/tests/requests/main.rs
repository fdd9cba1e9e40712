//! Areas, intake, work orders and imports through the real router, on both engines.
#![expect(clippy::unwrap_used, reason = "tests")]

mod area;
mod demo;
mod house;
mod import;
mod intake;
mod page;
mod work_order;
