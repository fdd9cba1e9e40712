//! The orders that need two.

use sanbao_platform::text_enum;
use serde::{Deserialize, Serialize};

use crate::account::id::AccountId;
use crate::account::member::input::NewAccountBody;
use crate::account::member::offer::NewOffer;

text_enum! {
    /// The purpose of an order that needs two.
    pub enum OrderKind {
        /// An account that is an administrator from its beginning.
        Create = "create",
        /// Somebody becomes an administrator.
        Edit = "edit",
        /// Somebody whose account began elsewhere becomes one.
        Member = "member",
        /// Somebody with an account elsewhere is asked to become one.
        Offer = "offer",
        /// An administrator's password is taken back, and a link made.
        Link = "link",
        /// An administrator's second factor is taken away.
        Factor = "factor",
        /// A disabled administrator comes back.
        Enable = "enable",
        /// Dual control ends.
        Off = "off",
    }
}

/// An order as it was given.
#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::account) enum DualOrder {
    Create(NewAccountBody),
    Edit(AccountId),
    Member(AccountId),
    Offer(NewOffer),
    Link(AccountId),
    Factor(AccountId),
    Enable(AccountId),
    Off,
}

impl DualOrder {
    pub(super) fn kind(&self) -> OrderKind {
        match self {
            Self::Create(_) => OrderKind::Create,
            Self::Edit(_) => OrderKind::Edit,
            Self::Member(_) => OrderKind::Member,
            Self::Offer(_) => OrderKind::Offer,
            Self::Link(_) => OrderKind::Link,
            Self::Factor(_) => OrderKind::Factor,
            Self::Enable(_) => OrderKind::Enable,
            Self::Off => OrderKind::Off,
        }
    }

    /// The one it is about: an account, or the log-in of one that is to be made; empty where that is nobody yet.
    pub(super) fn subject(&self) -> String {
        match self {
            Self::Create(body) => body.login.clone(),
            Self::Edit(id) | Self::Member(id) | Self::Link(id) | Self::Factor(id) | Self::Enable(id) => id.to_string(),
            Self::Offer(_) | Self::Off => String::new(),
        }
    }
}
