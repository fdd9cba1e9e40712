//! One way through a life cycle, for every aggregate that has one.
//!
//! - A [`State`] is an enum that carries its data. A [`Step`] is what is done to it. `apply` is the one pure
//!   function from the one to the next; which steps are legal is derived from it.
//! - A [`Lifecycle`] ties a state to its table, its events, its counts and its lists.
//! - [`advance`] is the one function through which every step goes, whether a person takes it or an event, an
//!   import or a timer: apply, then [`save`], which writes row, history, counts, events and audit row in one
//!   transaction and tells live lists after the commit. None of them can be left out.
//! - [`take`] is a person's way to it: load, policy, stored answer of the `Idempotency-Key`, version, the
//!   order's own preparation (the calendar is taken here), then [`advance`]. [`take_pair`] is the way of a step that two
//!   of a kind take together: both, or neither.

mod facts;
mod pair;
mod save;
mod state;
mod take;

pub use pair::{PairOrder, WITH, take_pair};
pub use save::{Change, StepError, advance, create, save, step};
#[cfg(feature = "testing")]
pub use state::legal_nowhere;
pub use state::{By, IllegalStep, Lifecycle, State, Step, StepName, StepNameOf, StepOf};
pub use take::{Call, Guard, Order, StepAnswer, StepRequest, actions, seen, take};
