//! Requests: intake by API and file, and the work order's life from received to closed.
//!
//! - [`border`]: what comes in becomes a draft or a list of faults
//! - [`category`], [`state`], [`sla`]: the tables of categories, of the life cycle and of limits, all pure
//! - [`store`], [`query`]: requests in the database; every change is counted in its own transaction
//! - [`intake`], [`act`]: taking down and reading, and the steps, by HTTP
//! - [`events`]: what follows from visits and from people
//! - [`import`]: requests from a file
//! - [`reseal`]: sealed fields, for another key
//! - [`demo`]: three invented months

pub mod act;
pub mod border;
pub mod category;
pub mod demo;
pub mod events;
pub mod import;
pub mod intake;
mod page;
pub mod query;
pub mod reseal;
pub mod sla;
pub mod state;
pub mod store;
pub mod view;

use sanbao_platform::http::Routes;

use crate::App;

pub use category::{Category, Urgency};
pub use events::consumers;
pub use state::{State, Step};
pub use store::RequestId;

/// The routes of this part.
pub fn routes() -> Routes<App> {
    Routes::new().merge(intake::routes()).merge(act::routes()).merge(import::routes()).merge(page::routes())
}
