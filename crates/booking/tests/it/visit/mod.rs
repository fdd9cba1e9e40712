//! Home visits through the real router on both engines.
mod attend;
mod caregivers;
mod departed;
mod erased;
mod exchange;
mod guards;
mod intake;
mod joins;
mod pages;
mod schedule;
pub mod world;
