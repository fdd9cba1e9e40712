//! How long classes of records are kept (保存期限), and the task that takes them away when their time is over.
//!
//! A service says which of its things are of which class as [`Disposal`]s; [`Disposer`] takes out those whose time is over, each in a
//! transaction of its own, and leaves a [`Run`] as the proof. It is one process at a time, and one that is killed leaves each thing
//! whole or gone.

mod class;
mod refusal;
mod run;
mod store;

pub use class::{Period, Periods, RetentionClass};
pub use refusal::Refusal;
pub use run::{Bound, Disposal, Disposer, Kept, Planned, Take, task};
pub use store::{Outcome, Run};
