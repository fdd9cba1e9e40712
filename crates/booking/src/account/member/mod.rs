//! Accounts: the people who log in, with their organisations, roles and areas.

pub(super) mod api;
mod confine;
pub(super) mod dual;
pub mod import;
mod input;
mod leave;
mod link;
mod model;
pub(super) mod offer;
mod start;
mod store;
mod view;

pub(super) use api::{called, controlled};
pub(super) use confine::confine;
pub(super) use leave::leave;
pub use link::AccountLink;
pub(super) use link::{issue as issue_link, open as open_link, take as take_link};
pub use model::{Account, AccountStatus, Affiliation, Membership, NewAccount};
pub(super) use start::{Newcomer, begin, unknown_password};
pub(super) use store::roles_by_account;
pub use store::{
    add_membership, find, find_by_login, home, home_of, insert, list, membership_in, of_organisation_with_role,
};
pub(super) use store::{areas_by_account, enter, guests, is_of_closed, load, load_in, names, places, roles_anywhere};
pub(super) use store::{set_password, set_pin, unsettle};
pub use view::AccountView;
