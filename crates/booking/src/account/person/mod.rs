//! Residents and elders: who they are, never how they are.

mod elder;
mod event;

pub use elder::{ElderContact, find_or_register};
