//! Needs analysis through its real router and on its stores, on both engines.
#![expect(clippy::unwrap_used, reason = "tests")]

mod requests;
mod rollup;
