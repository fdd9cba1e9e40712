//! A person who was looked up, with what was found of it.

use serde::Serialize;
use utoipa::ToSchema;

use super::key::LookupSign;
use crate::account::person::PersonView;

/// A person who fits what was typed.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct LookedUp {
    #[serde(flatten)]
    pub person: PersonView,
    /// The text that fits.
    pub because: LookupSign,
}

/// The people who fit what was typed.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct LookupView {
    /// The surest first.
    pub items: Vec<LookedUp>,
    /// There are more: type more of it.
    pub more: bool,
}
