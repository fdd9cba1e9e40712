//! The record of somebody at home, to which a resident's leads on.

use sanbao_platform::audit::Personal;
use sanbao_platform::db::{Conn, DbError, Tx};
use sanbao_platform::http::Ctx;
use sanbao_platform::lifecycle::{self, By};
use sanbao_platform::on;
use sanbao_platform::problem::Problem;

use super::input::OwnHome;
use crate::account::id::PersonId;
use crate::account::person::events::{PersonEvent, REGISTERED};
use crate::account::person::model::Person;
use crate::account::person::state::{PersonState, PersonStep};
use crate::account::person::store::{self, columns};

/// The network's own record of an elder at home with a national id.
const AT_HOME: &str = concat!(
    "select ",
    columns!(),
    " from person where national_id_index = $1 and organisation_id is null and registered_by is null and merged_into is null"
);

async fn at_home(conn: &mut Conn, resident: &Person) -> Result<Option<Personal<Person>>, DbError> {
    let Some(index) = &resident.national_id_index else { return Ok(None) };
    Ok(on!(conn, |c| sqlx::query_as(AT_HOME).bind(index).fetch_optional(c).await)?)
}

/// The record of the elder that a resident becomes: the one that the network has, or a new one.
pub(super) async fn of(tx: &mut Tx, ctx: &Ctx, resident: &Person, place: OwnHome) -> Result<Person, Problem> {
    let known = at_home(tx, resident).await?.map(Personal::into_unseen);
    let is_new = known.is_none();
    let mut elder = known.unwrap_or_else(|| Person::blank(PersonId::new(ctx.now()), None, ctx.now()));
    // What the street has written down is not a home's to change: only what is missing is filled in.
    if is_new {
        elder.name.clone_from(&resident.name);
    }
    elder.address.get_or_insert(place.address);
    elder.area_code.get_or_insert(place.area_code);
    if elder.state != PersonState::Registered {
        let back = PersonStep::Restore("出院回家".to_owned());
        elder = lifecycle::advance(tx, &By::Person(ctx), elder, back).await?;
    }
    if is_new {
        store::insert(tx, &elder).await?;
        PersonEvent::of(&elder).publish(tx, ctx.now(), &REGISTERED).await?;
    }
    Ok(elder)
}
