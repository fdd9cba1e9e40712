//! Two records of one person made one, and two again.
//!
//! The surviving record keeps its id; consults with their consents and family links, visits and the calendar of the other
//! move to it. What the survivor does not know is taken from the other; where both say something, the caller chooses. The
//! other's id leads on to the survivor. Each moved row and each field's former value is remembered, so that for
//! [`UNDO_DAYS`] the join can be undone: what was moved goes back, and what others have changed since stays as they left it.
//!
//! - `model`: which field comes from which record; pure
//! - `store`: what a join moves and remembers, by a fixed number of statements whatever the number of rows
//! - `calendar`: the time of both, in which nothing overlaps
//! - `steps`: joining and separating, each in one transaction
//! - `carry`: a record leads on because its person was handed over to another organisation; that is not undone

pub(in crate::account) mod api;
mod calendar;
mod carry;
mod input;
mod model;
mod steps;
mod store;
mod view;

pub use calendar::resources_of;
pub(in crate::account::person) use carry::carry;
pub use model::UNDO_DAYS;
pub(in crate::account::person) use steps::Both;
pub use view::{ConflictView, JoinView, JoinsView, TimeTaken};
