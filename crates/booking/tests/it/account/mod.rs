//! Accounts, log-ins, people and their pages, through the real router on both engines.
mod areas;
mod browser;
mod ended;
mod guarded;
mod idle;
mod kit;
mod links;
mod log_in;
mod offices;
mod organisations;
mod own;
mod people;
mod pin;
mod second_factor;
mod secrets;
mod setup;
mod step_up;
