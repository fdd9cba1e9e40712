//! The JSON API of consults: one file per subject, each handler a short way from request to view.

pub(super) mod affected;
mod consent;
mod create;
pub(super) mod doctors;
mod fetch;
mod free;
mod guest;
pub(super) mod hours;
mod meeting;
mod opinion;
mod read;
mod rules;
mod slots;
mod steps;
mod ticket;
pub(super) mod workdays;

pub(super) use read::side;
pub(super) use slots::{SlotQuery, slots_for, wanted};

use sanbao_platform::http::Routes;
use utoipa_axum::routes;

use crate::App;

/// All of them.
pub fn routes() -> Routes<App> {
    Routes::new()
        .routes(routes!(read::list, create::create))
        .routes(routes!(read::detail, steps::revise))
        .routes(routes!(steps::submit))
        .routes(routes!(steps::accept))
        .routes(routes!(steps::give_back))
        .routes(routes!(steps::reject))
        .routes(routes!(steps::schedule))
        .routes(routes!(steps::reschedule))
        .routes(routes!(steps::exchange))
        .routes(routes!(slots::slots))
        .routes(routes!(steps::delay))
        .routes(routes!(steps::cancel))
        .routes(routes!(steps::no_show))
        .routes(routes!(consent::list, consent::record))
        .routes(routes!(consent::withdraw))
        .routes(routes!(fetch::take, fetch::leave))
        .routes(routes!(ticket::ticket))
        .routes(routes!(ticket::holders))
        .routes(routes!(ticket::revoke))
        .routes(routes!(meeting::meeting))
        .routes(routes!(guest::list, guest::create))
        .routes(routes!(guest::revoke))
        .routes(routes!(guest::resend))
        .routes(routes!(guest::ticket))
        .routes(routes!(steps::finish))
        .routes(routes!(opinion::read, opinion::save))
        .routes(routes!(opinion::sign))
        .routes(routes!(steps::adopt))
        .routes(routes!(steps::archive))
        .routes(routes!(doctors::list))
        .routes(routes!(doctors::register))
        .routes(routes!(free::slots))
        .routes(routes!(hours::read, hours::replace))
        .routes(routes!(hours::paint))
        .routes(routes!(hours::add_exception))
        .routes(routes!(hours::remove_exception))
        .routes(routes!(workdays::read, workdays::set))
        .routes(routes!(rules::read, rules::set))
        .routes(routes!(rules::read_all, rules::set_all))
}
