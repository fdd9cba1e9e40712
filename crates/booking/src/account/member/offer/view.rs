//! An offer as its organisation sees it, and as the person does who has its link.

use chrono::{DateTime, Utc};
use sanbao_platform::id::OrganisationId;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::account::id::AccountId;
use crate::account::organisation::{OrganisationKind, OrganisationState};

/// An offer as it is stored, with what is told of its organisation.
#[derive(Clone, Debug, sqlx_macros::FromRow)]
pub struct StoredOffer {
    pub id: Uuid,
    pub organisation_id: OrganisationId,
    pub kind: OrganisationKind,
    pub name_zh: String,
    pub name_en: String,
    pub(super) state: OrganisationState,
    /// One space between them.
    roles: String,
    /// The same.
    areas: String,
    pub note: Option<String>,
    pub(super) created_by: AccountId,
    /// The name of that account.
    pub by: String,
    pub created_at: DateTime<Utc>,
    pub expires_at: DateTime<Utc>,
}

/// The texts of a column that holds several.
fn texts(column: &str) -> Vec<String> {
    column.split_whitespace().map(str::to_owned).collect()
}

impl StoredOffer {
    /// The roles that are offered.
    pub fn roles(&self) -> Vec<String> {
        texts(&self.roles)
    }

    /// The areas that are offered, as codes.
    pub fn areas(&self) -> Vec<String> {
        texts(&self.areas)
    }
}

/// An offer that waits for an answer.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct OfferView {
    pub id: Uuid,
    #[schema(value_type = uuid::Uuid)]
    pub organisation_id: OrganisationId,
    /// The organisation's name in Chinese.
    pub name_zh: String,
    /// Its name in English; empty when it has none.
    pub name_en: String,
    pub roles: Vec<String>,
    /// The areas, as codes.
    pub areas: Vec<String>,
    /// The administrator who made it.
    pub by: String,
    pub created_at: DateTime<Utc>,
    /// Until when it can be accepted.
    pub expires_at: DateTime<Utc>,
    /// For the organisation's administrators alone.
    pub note: Option<String>,
}

impl OfferView {
    /// The offer as its organisation's administrators see it.
    pub fn of(offer: StoredOffer) -> Self {
        Self {
            id: offer.id,
            organisation_id: offer.organisation_id,
            roles: offer.roles(),
            areas: offer.areas(),
            name_zh: offer.name_zh,
            name_en: offer.name_en,
            by: offer.by,
            created_at: offer.created_at,
            expires_at: offer.expires_at,
            note: offer.note,
        }
    }

    /// The same as the person sees it.
    pub fn to_whom(offer: StoredOffer) -> Self {
        Self { note: None, ..Self::of(offer) }
    }
}

/// A one-time link to an offer.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct OfferLink {
    /// Where on this site the person answers. The secret stands behind `#`, so that no server logs it.
    pub path: String,
    /// Until when.
    pub expires_at: DateTime<Utc>,
}

/// An offer that was just made, with its link.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(in crate::account::member) struct OfferMade {
    #[serde(flatten)]
    pub(in crate::account::member) offer: OfferView,
    /// Told once.
    pub(in crate::account::member) link: OfferLink,
}
