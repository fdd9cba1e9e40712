//! Accounts, log-ins, people and their pages, through the real router on both engines.
mod areas;
mod browser;
mod elders;
mod ended;
mod guarded;
mod kit;
mod links;
mod log_in;
mod offices;
mod organisations;
mod people;
mod pin;
mod setup;
