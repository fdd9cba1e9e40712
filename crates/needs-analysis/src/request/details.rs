//! The details of a request: by the caller, or by the row of a file that is read again later.

use chrono::{DateTime, NaiveDate, Utc};
use sanbao_platform::audit::Personal;
use sanbao_platform::cn;
use sanbao_platform::crypto::{FieldKeys, Unsealable};
use uuid::Uuid;

use super::category::{Category, Urgency};
use super::id::RequestId;
use crate::area::AreaCode;
use crate::local_day;

/// The wish, the person and the place.
#[derive(Clone, Debug, PartialEq, sqlx_macros::FromRow)]
pub struct Details {
    /// When it came in.
    pub received_at: DateTime<Utc>,
    /// The smallest area that is known.
    pub area_code: AreaCode,
    pub category: Category,
    /// The words for it, where the table of categories has none.
    pub category_raw: Option<String>,
    pub urgency: Urgency,
    /// The elder, and the wish in words.
    #[sqlx(flatten)]
    pub elder: Personal<ElderDetails>,
    /// The resident id's blind index.
    pub national_id_index: Option<String>,
    /// Help is wanted from then.
    pub wanted_from: Option<DateTime<Utc>>,
    /// Help is wanted until then.
    pub wanted_until: Option<DateTime<Utc>>,
    /// The person of the network it is for, once known.
    pub person_id: Option<Uuid>,
    /// The same for all requests of one person, without saying who that is.
    pub person_key: Option<Uuid>,
    /// A keyed hash of the imported row: tells an unchanged row from a changed one.
    pub content_index: Option<String>,
}

/// The elder whom a request is for, and what is wished for.
#[derive(Clone, Default, PartialEq, sqlx_macros::FromRow)]
pub struct ElderDetails {
    #[sqlx(rename = "elder_name")]
    pub name: String,
    /// The number to call.
    pub phone: Option<String>,
    /// The sealed resident id.
    pub national_id_sealed: Option<Vec<u8>>,
    /// The street address.
    pub address: Option<String>,
    /// The wish in words.
    pub note: Option<String>,
}

impl Details {
    /// Nothing told yet; also what stands for the details of a step that would bring some.
    pub(super) fn blank() -> Self {
        Self {
            received_at: DateTime::UNIX_EPOCH,
            area_code: AreaCode::example(),
            category: Category::Other,
            category_raw: None,
            urgency: Urgency::Normal,
            elder: Personal::default(),
            national_id_index: None,
            wanted_from: None,
            wanted_until: None,
            person_id: None,
            person_key: None,
            content_index: None,
        }
    }

    /// The local day it came in on: what counts are kept by.
    pub fn received_on(&self) -> NaiveDate {
        local_day(self.received_at)
    }
}

impl ElderDetails {
    /// The resident id with its middle masked, `None` when there is none; `Err` when it does not open, which the log
    /// says once.
    pub fn masked_national_id(&self, request: RequestId, fields: &FieldKeys) -> Result<Option<String>, Unsealable> {
        let Some(sealed) = &self.national_id_sealed else { return Ok(None) };
        let open = fields.open_or_report(&place(request.0), sealed).ok_or(Unsealable)?;
        Ok(Some(cn::mask_resident_id(&open)))
    }
}

/// The context that a request's resident id is sealed for.
pub(super) fn place(id: Uuid) -> String {
    format!("request.national_id:{id}")
}

/// The same person has the same key: by resident id, else by name and telephone.
pub(super) fn person_key(index: Option<&str>, name: &str, phone: Option<&str>, fields: &FieldKeys) -> Option<Uuid> {
    let index = match (index, phone) {
        (Some(index), _) => index.to_owned(),
        (None, Some(phone)) => fields.blind_index("name_and_phone", &format!("{name}\n{phone}")),
        (None, None) => return None,
    };
    index.get(..32).and_then(|hex| hex.parse().ok())
}
