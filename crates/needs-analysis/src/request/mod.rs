//! Requests: intake by API and file, and the work order's life from received to closed.
//!
//! - `input`, `details`: what comes in becomes a draft or a list of faults; what of it is kept
//! - [`category`], [`sla`]: the tables of categories and of limits
//! - [`state`], [`step`]: the life cycle, pure; [`steps`]: the one way through it
//! - [`list`]: which requests somebody sees
//! - [`merged`]: requests that go on in another one; `onward`: a new one that is sent or merged at once
//! - [`queue`]: the queues of the desk, by what is waited for; [`number`]: the number that people say; [`words`]: the texts
//!   that are searched
//! - `serving`: which agency is nearest to somebody
//! - `handling`: what may be done with one that is in hand: to give it to somebody, to wait for the elder, to open it again
//! - `edit`: putting right what it says
//! - `export`: all that is kept of one person
//! - [`directory`]: the agencies and offices that are known
//! - [`import`]: requests from a file
//! - [`erased`], [`retention`]: what goes with a person, and what goes by itself
//! - [`reseal`]: sealed fields, for another key
//! - [`demo`]: three invented months

mod api;
pub mod category;
mod consumer;
pub mod demo;
pub mod departed;
mod details;
pub mod directory;
mod edit;
pub mod erased;
pub mod events;
mod export;
mod field;
mod handling;
mod held;
pub mod id;
pub mod import;
pub mod input;
mod joined;
pub mod list;
pub mod merged;
pub mod model;
pub mod number;
mod onward;
mod page;
pub mod policy;
pub mod queue;
pub mod reseal;
pub mod retention;
mod serving;
pub mod sla;
pub mod state;
pub mod step;
pub mod steps;
pub mod store;
pub mod view;
pub mod words;

use sanbao_platform::http::Routes;

use crate::App;

pub(crate) use api::listed;
pub use category::{Category, Urgency};
pub use consumer::consumers;
pub use id::RequestId;
pub use state::RequestStateName;

/// The routes of this part.
pub fn routes() -> Routes<App> {
    Routes::new().merge(api::routes()).merge(import::routes()).merge(page::routes())
}
