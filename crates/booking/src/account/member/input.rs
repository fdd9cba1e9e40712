//! The fields of an account, read and checked.

use chrono::NaiveDate;
use sanbao_platform::db::{Conn, DbError};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::account::area;
use crate::account::input::{self, Fields, Wrong};
use crate::account::member::model::Membership;
use crate::account::organisation::{Organisation, OrganisationKind};

/// A new account. A field that is left out is told together with all else that is wrong.
#[derive(Debug, Default, Deserialize, Serialize, ToSchema)]
#[schema(example = json!({"login": "nurse.wang", "display_name": "王护理员",
    "roles": ["care_staff"], "areas": []}))]
#[serde(default)]
pub(in crate::account) struct NewAccountBody {
    #[schema(required)]
    pub(super) login: String,
    #[schema(required)]
    pub(super) display_name: String,
    #[schema(required)]
    pub(super) roles: Vec<String>,
    pub(super) areas: Vec<String>,
}

/// The fields that may be changed; what is left out stays.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[schema(example = json!({"display_name": "王护理员", "roles": ["care_staff"]}))]
pub(in crate::account) struct AccountChange {
    pub(super) display_name: Option<String>,
    pub(super) roles: Option<Vec<String>>,
    pub(super) areas: Option<Vec<String>>,
}

/// The roles and areas of a member in the organisation; what is left out stays.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[schema(example = json!({"roles": ["doctor"]}))]
pub(in crate::account) struct MemberChange {
    pub(super) roles: Option<Vec<String>>,
    pub(super) areas: Option<Vec<String>>,
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

/// A membership as a change makes it; a part that is left out stays, and `fields` has all that is wrong.
pub(super) async fn changed(
    conn: &mut Conn,
    own: &Organisation,
    on: NaiveDate,
    fields: &mut Fields,
    before: &Membership,
    (given_roles, given_areas): (Option<&[String]>, Option<&[String]>),
) -> Result<Membership, DbError> {
    let mut after = before.clone();
    if let Some(given) = given_roles {
        after.roles = fields.take("/roles", roles(own.kind, given)).unwrap_or_default();
    }
    if let Some(given) = given_areas {
        after.areas = fields.take("/areas", areas(conn, own, on, given).await?).unwrap_or_default();
    }
    Ok(after)
}

/// The areas that are given, as codes: all of them are the organisation's own area or lie in it. An organisation without
/// an area has none to give.
pub(super) async fn areas(
    conn: &mut Conn,
    organisation: &Organisation,
    on: NaiveDate,
    given: &[String],
) -> Result<Result<Vec<String>, Wrong>, DbError> {
    let areas = match codes(given) {
        Ok(areas) => areas,
        Err(wrong) => return Ok(Err(wrong)),
    };
    for code in &areas {
        let held = match &organisation.area_code {
            Some(top) => area::lies_in(conn, code, top, on).await?,
            None => false,
        };
        if !held {
            let wrong = Wrong::new("不在本机构的区域内", "Not within the organisation's own area");
            return Ok(Err(wrong));
        }
    }
    Ok(Ok(areas))
}

fn codes(given: &[String]) -> Result<Vec<String>, Wrong> {
    if given.len() > 50 {
        return Err(Wrong::new("最多 50 个区域", "50 areas at most"));
    }
    let mut areas = given.iter().map(|code| input::area_code(code)).collect::<Result<Vec<_>, _>>()?;
    areas.sort();
    areas.dedup();
    Ok(areas)
}
