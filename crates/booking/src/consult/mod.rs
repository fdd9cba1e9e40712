//! Tele-consults from request to signed opinion.
//!
//! A care home invites, a hospital's doctor answers; doctor, resident and room are booked together;
//! nobody enters the room without consent; the doctor signs an opinion, the care home decides what
//! it does with it. [`state`] is the pure life cycle, [`policy`] who may do what, [`journal`] how a
//! step is written, [`hours`] when doctors can be had.

pub mod api;
pub mod attendance;
pub mod consent;
pub mod demo;
pub mod entry;
pub mod guest;
pub mod hours;
pub mod house;
pub mod id;
pub mod invitation;
pub mod journal;
pub mod meeting;
pub mod model;
pub mod opinion;
mod page;
pub mod policy;
pub mod state;
pub mod store;
pub mod ticket;

use sanbao_platform::bus::Consumer;
use sanbao_platform::http::Routes;
use sanbao_platform::problem_kinds;
use sanbao_platform::service::Task;

use crate::App;

problem_kinds! {
    CONSENT_MISSING = 409 "consent-missing" "还没有登记老人或监护人的同意,不能进入会诊室" "No consent of the resident or guardian is recorded, so nobody may enter the room";
    TICKET_WINDOW = 409 "ticket-window" "现在不是进入会诊室的时间" "The room is not open now";
}

/// The routes of this part.
pub fn routes() -> Routes<App> {
    Routes::from(api::routes()).merge(page::routes())
}

/// Whose events this part takes.
pub fn consumers(app: &App) -> Vec<Consumer> {
    vec![house::consumer(app)]
}

/// What runs beside the routes.
pub fn tasks(app: &App) -> Vec<Task> {
    vec![house::expiry(app)]
}
