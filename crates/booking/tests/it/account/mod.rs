//! Accounts, log-ins, people and their pages, through the real router on both engines.
mod browser;
mod ended;
mod guarded;
mod kit;
mod log_in;
mod organisations;
mod people;
mod pin;
mod setup;
