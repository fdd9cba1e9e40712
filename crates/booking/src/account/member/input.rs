//! The fields of an account, read and checked.

use serde::Deserialize;
use utoipa::ToSchema;

use crate::account::input::{self, Wrong};
use crate::account::organisation::OrganisationKind;

/// A new account. A field that is left out is told together with all else that is wrong.
#[derive(Default, Deserialize, ToSchema)]
#[schema(example = json!({"login": "nurse.wang", "display_name": "王护理员", "password": "correct horse",
    "roles": ["care_staff"], "areas": []}))]
#[serde(default)]
pub(super) struct NewAccountBody {
    #[schema(required)]
    pub(super) login: String,
    #[schema(required)]
    pub(super) display_name: String,
    #[schema(required)]
    pub(super) password: String,
    #[schema(required)]
    pub(super) roles: Vec<String>,
    pub(super) areas: Vec<String>,
}

/// The fields that may be changed; what is left out stays.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(example = json!({"display_name": "王护理员", "roles": ["care_staff"]}))]
pub(super) struct AccountChange {
    pub(super) display_name: Option<String>,
    pub(super) roles: Option<Vec<String>>,
    pub(super) areas: Option<Vec<String>>,
}

/// A new password.
#[derive(Deserialize, ToSchema)]
#[schema(example = json!({"password": "correct horse"}))]
pub(super) struct NewPassword {
    pub(super) password: String,
}

/// The roles that are given, all of them of this kind of organisation.
pub(super) fn roles(kind: OrganisationKind, given: &[String]) -> Result<Vec<String>, Wrong> {
    if given.is_empty() {
        return Err(Wrong::new("至少选一个角色", "Choose at least one role"));
    }
    if given.iter().any(|role| !kind.roles().contains(&role.as_str())) {
        return Err(Wrong {
            zh: format!("这类机构可用的角色：{}", kind.roles().join("、")).into(),
            en: format!("Roles of this kind of organisation: {}", kind.roles().join(", ")).into(),
        });
    }
    let mut roles = given.to_vec();
    roles.sort();
    roles.dedup();
    Ok(roles)
}

/// The areas that are given, as codes.
pub(super) fn areas(given: &[String]) -> Result<Vec<String>, Wrong> {
    if given.len() > 50 {
        return Err(Wrong::new("最多 50 个区域", "50 areas at most"));
    }
    let mut areas = given.iter().map(|code| input::area_code(code)).collect::<Result<Vec<_>, _>>()?;
    areas.sort();
    areas.dedup();
    Ok(areas)
}
