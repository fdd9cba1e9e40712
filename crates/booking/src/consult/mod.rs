//! Tele-consults from request to signed opinion.
//!
//! A care home invites, a hospital's doctor answers; doctor, resident and room are booked together;
//! nobody enters the room without consent; the doctor signs an opinion, the care home decides what
//! it does with it.

mod acts;
mod api;
mod appointment;
mod asked;
mod at_once;
mod attendance;
mod booking;
mod carried;
mod conflicts;
mod consent;
mod consumer;
mod day;
pub mod demo;
mod dossier;
pub mod draft;
mod events;
mod exchange;
mod fetch;
mod follow;
mod guest;
mod handover;
mod hold;
mod id;
pub(crate) mod input;
mod invitation;
pub mod jobs;
mod meeting;
mod model;
mod opinion;
mod page;
pub(crate) mod paper;
pub mod policy;
pub(crate) mod practitioner;
mod problems;
mod records;
mod rooms;
mod state;
mod steps;
mod store;
mod ticket;
mod timing;
mod view;

use sanbao_platform::bus::Consumer;
use sanbao_platform::http::Routes;
use sanbao_platform::service::Task;

use crate::App;

pub(crate) use dossier::{ConsultRecord, of_person};
pub use events::CATALOGUE;
pub(crate) use events::{erased, media_over, removed};
pub use id::ConsultId;
pub(crate) use input::Title;
pub(crate) use model::OrganisationName;
pub use practitioner::SlotIndex;
pub use problems::KINDS;
pub use state::{ConsultStateName, ConsultStepName};
pub(crate) use steps::TOPIC;
pub(crate) use steps::called_off;
pub(crate) use store::{not_begun_of, open_at, open_between};

/// The routes of this part.
pub fn routes() -> Routes<App> {
    let own = api::routes().merge(hold::routes()).merge(draft::routes()).merge(handover::routes());
    own.merge(page::routes())
}

/// Whose events this part takes.
pub fn consumers(app: &App) -> Vec<Consumer> {
    vec![consumer::consumer(app), ticket::consumer::consumer(app)]
}

/// The tasks that run beside the routes.
pub fn tasks(app: &App) -> Vec<Task> {
    vec![jobs::expiry(app)]
}
