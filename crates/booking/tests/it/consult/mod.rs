//! Consults from invitation to signed opinion, through the real router on both engines.

mod any_room;
mod asked;
mod booking;
mod cases;
mod closing;
mod day;
mod departed;
mod erased;
mod exchange;
mod exported;
mod guards;
pub mod holds;
mod hours;
mod joins;
mod life;
mod meeting;
mod moved;
mod named;
mod pages;
mod papers;
mod practitioners;
mod records;
mod room;
mod rooms;
mod slots;
mod told;
pub mod world;
