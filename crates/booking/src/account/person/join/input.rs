//! The orders to join two records and to separate them.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::account::id::PersonId;
use crate::account::person::field::PersonField;

/// The record that goes into this one.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"other": "01980c2e-7b1a-7c3e-9d43-0a5d1f4c1b02", "take": ["phone"]}))]
pub struct JoinBody {
    /// The record that goes into this one.
    pub other: PersonId,
    /// The version of it that was read; a change since then is not joined unseen.
    #[serde(default)]
    pub other_version: Option<i64>,
    /// The fields that are taken from it although this record has them too. What this one lacks is taken anyway.
    #[serde(default)]
    pub take: Vec<PersonField>,
}

/// The record that went into this one.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"other": "01980c2e-7b1a-7c3e-9d43-0a5d1f4c1b02"}))]
pub struct UnjoinBody {
    /// The record that becomes one of its own again.
    pub other: PersonId,
}
