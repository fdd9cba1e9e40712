//! The proof of an erasure.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use sanbao_platform::crypto::sha256_hex;
use sanbao_platform::db::as_text;
use sanbao_platform::text_enum;
use serde::{Deserialize, Serialize};
use sqlx::types::Json;
use utoipa::ToSchema;
use uuid::Uuid;

text_enum! {
    /// Why somebody was erased.
    pub enum ErasureCause {
        /// 本人或家属要求
        Demand = "demand",
        /// 保存期限已过
        Retention = "retention",
        /// 主管部门或法院要求
        Order = "order",
    }
}

/// That somebody was erased: by which account, when and why, and how many rows of which tables. It names nobody.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema, sqlx_macros::FromRow)]
pub struct Erasure {
    pub id: Uuid,
    /// The id that is left.
    pub person_id: Uuid,
    /// The ids of the record and of all that were joined into it.
    #[schema(value_type = Vec<Uuid>)]
    pub records: Json<Vec<Uuid>>,
    /// The requests of the visits to them; an older proof does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<Uuid>>)]
    pub requests: Option<Json<Vec<Uuid>>>,
    pub cause: ErasureCause,
    /// The organisation that has erased.
    pub organisation_id: Uuid,
    /// The account that has.
    pub erased_by: Uuid,
    pub erased_at: DateTime<Utc>,
    /// How many rows were taken out or emptied, by table.
    #[schema(value_type = BTreeMap<String, u64>)]
    pub taken: Json<BTreeMap<String, u64>>,
    /// SHA-256 of the other fields, as lower-case hex.
    pub hash: String,
}

impl Erasure {
    /// The hash that belongs to the other fields.
    pub fn hashed(&self) -> String {
        let ids = |ids: &[Uuid]| ids.iter().map(Uuid::to_string).collect::<Vec<_>>().join(",");
        let taken: Vec<String> = self.taken.iter().map(|(table, rows)| format!("{table}={rows}")).collect();
        let mut lines = vec![
            self.id.to_string(),
            self.person_id.to_string(),
            ids(&self.records),
            self.cause.as_str().to_owned(),
            self.organisation_id.to_string(),
            self.erased_by.to_string(),
            as_text(self.erased_at),
            taken.join(","),
        ];
        // An older proof has its hash without them.
        lines.extend(self.requests.as_ref().map(|requests| ids(requests)));
        sha256_hex(lines.join("\n").as_bytes())
    }
}
