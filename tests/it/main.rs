//! All three services together: journeys, what each caller gets, crashes, services apart, and real browsers.
#![expect(clippy::unwrap_used, reason = "tests")]

mod aiortc;
mod around;
mod audit;
mod bad_input;
mod belonging;
mod bookers;
mod browser;
mod browser_from_empty;
mod browser_pages;
mod browser_proof;
mod browser_week;
mod commands;
mod common;
mod contract;
mod crash;
mod erased;
mod events;
mod journey_http;
mod keeping;
mod landing;
mod memory;
mod moved;
mod openapi;
mod operator;
mod orders;
mod own_accounts;
mod private;
mod proxied;
mod relays;
mod roles;
mod room_entry;
mod shown;
mod types;
mod walls;
