//! Which office is told of an opening, and reviews it.

use chrono::NaiveDate;
use sanbao_platform::db::{Conn, DbError};
use sanbao_platform::http::Ctx;
use sanbao_platform::id::OrganisationId;
use sanbao_platform::on;
use sanbao_platform::problem::Problem;

use super::store::NumberHolder;
use crate::account::organisation::{self, Organisation};

/// The lowest open street office that an area is, or lies, under.
const OVER: &str = "with up (code, height) as (
        select cast($1 as text), 0
        union all
        select w.ancestor, w.height from area_within w where w.code = $1 and w.valid_from <= $2 and w.valid_until > $2)
    select o.id from organisation o join up on up.code = o.area_code
    where o.kind = 'street_office' and o.state = 'open' order by up.height, o.id limit 1";

async fn over(conn: &mut Conn, code: &str, on: NaiveDate) -> Result<Option<OrganisationId>, DbError> {
    Ok(on!(conn, |c| sqlx::query_scalar(OVER).bind(code).bind(on).fetch_optional(c).await)?)
}

/// The office of the street where the person lives, or where the care home is; else that of the doctor's organisation,
/// which also looks into tries that found nobody. Where no street has a place, the office that made the organisation; a
/// network without any has its own organisation look into it.
pub(super) async fn of(
    conn: &mut Conn,
    ctx: &Ctx,
    own: &Organisation,
    found: Option<&NumberHolder>,
) -> Result<OrganisationId, Problem> {
    let home = match found.and_then(|person| person.organisation_id) {
        Some(home) => organisation::find(conn, home).await?,
        None => None,
    };
    let of_person = found.and_then(|person| person.area_code.as_ref());
    let of_home = home.as_ref().and_then(|home| home.area_code.as_ref());
    let on = own.day(ctx.now());
    for code in [of_person, of_home, own.area_code.as_ref()].into_iter().flatten() {
        if let Some(office) = over(conn, code, on).await? {
            return Ok(office);
        }
    }
    Ok(home.and_then(|home| home.made_by).or(own.made_by).unwrap_or(own.id))
}
