//! Home visits through the real router on both engines.
mod attend;
mod intake;
mod pages;
mod schedule;
mod world;
