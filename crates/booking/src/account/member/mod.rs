//! Accounts: who logs in, for which organisation, with which roles and areas.

pub(super) mod api;
mod input;
mod model;
mod store;
mod view;

pub use model::{Account, AccountStatus, Membership, NewAccount};
pub use store::{add_membership, find, find_by_login, insert, list, membership, of_organisation_with_role};
pub(super) use store::{roles_by_account, set_pin};
pub use view::AccountView;
