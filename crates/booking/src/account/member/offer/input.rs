//! The fields of an offer, read and checked.

use sanbao_platform::db::Conn;
use sanbao_platform::http::Ctx;
use sanbao_platform::problem::Problem;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::account::input::{Fields, line};
use crate::account::member::input::{areas, roles};
use crate::account::organisation::Organisation;

/// Characters of a note at most.
const NOTE_CHARS_MAX: usize = 40;

/// A new offer: what the person will be in the organisation.
#[derive(Debug, Default, Deserialize, Serialize, ToSchema)]
#[schema(example = json!({"roles": ["doctor"], "areas": [], "note": "海滨医院的周医生"}))]
#[serde(default)]
pub(in crate::account) struct NewOffer {
    #[schema(required)]
    pub(super) roles: Vec<String>,
    pub(super) areas: Vec<String>,
    /// To tell offers apart; nobody but the organisation's administrators reads it. Up to 40 characters.
    pub(super) note: Option<String>,
}

/// The same, checked.
pub(super) struct Offered {
    pub(super) roles: Vec<String>,
    pub(super) areas: Vec<String>,
    pub(super) note: Option<String>,
}

impl NewOffer {
    pub(super) async fn checked(&self, conn: &mut Conn, ctx: &Ctx, own: &Organisation) -> Result<Offered, Problem> {
        let mut fields = Fields::default();
        let roles = fields.take("/roles", roles(own.kind, &self.roles));
        let areas = fields.take("/areas", areas(conn, own, own.day(ctx.now()), &self.areas).await?);
        let note = fields.maybe("/note", self.note.as_deref(), |text| line(text, NOTE_CHARS_MAX));
        let (roles, areas) = fields.finish(roles.zip(areas))?;
        Ok(Offered { roles, areas, note })
    }
}

/// The secret of an offer's link.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(example = json!({"token": "9mY1Rk0ZbCw3v1H9cV0b0X3yq7Q4m2bH1o5m7yJr8uE"}))]
pub(super) struct OfferToken {
    pub(super) token: String,
}
