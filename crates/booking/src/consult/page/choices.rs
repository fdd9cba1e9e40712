//! The residents, specialties, rooms and devices of which the form of an invitation lets one choose.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use sanbao_platform::audit::{Personal, Subject, Subjects};
use sanbao_platform::db::{Conn, DbError};
use sanbao_platform::id::OrganisationId;
use sanbao_platform::on;

use crate::account::affiliation::standing_with;
use crate::account::shared_device::{self, DeviceName};
use crate::account::{LocationId, PersonId};

/// Residents in the list; of a house that has more, one is found by typing.
const RESIDENTS_MAX: usize = 50;

// One more is read, so that more is seen; the one who is chosen already is among them.
const RESIDENTS: &str = "select id, name from person where organisation_id = $1 and merged_into is null
    and state = 'registered' order by case when id = $2 then 0 else 1 end, name, id limit 51";
const WISHES: &str =
    "select distinct p.organisation_id, o.name_zh as hospital_zh, o.name_en as hospital_en, p.specialty,
    p.specialty_zh, p.specialty_en
    from (select account_id, organisation_id, specialty, specialty_zh, specialty_en from practitioner union all
        select account_id, organisation_id, specialty, specialty_zh, specialty_en from practitioner_elsewhere) p
    join account a on a.id = p.account_id join organisation o on o.id = p.organisation_id
    where a.status = 'active' and o.state = 'open' and exists (select 1 from membership m
        where m.account_id = p.account_id and m.organisation_id = p.organisation_id and m.role = 'doctor')
    order by p.organisation_id, p.specialty, p.specialty_zh, p.specialty_en";
const ROOMS: &str =
    "select id, name from location where organisation_id = $1 and state = 'open' order by name, id limit 50";

/// A resident who can be chosen.
#[derive(sqlx_macros::FromRow)]
pub(super) struct Choosable {
    pub(super) id: PersonId,
    #[sqlx(flatten)]
    pub(super) who: Personal<ResidentName>,
}

/// The resident's name.
#[derive(sqlx_macros::FromRow)]
pub(super) struct ResidentName {
    pub(super) name: String,
}

impl Subjects for Choosable {
    fn subjects(&self) -> Vec<Subject> {
        vec![Subject::new("person", self.id)]
    }
}

/// A specialty of a hospital.
#[derive(sqlx_macros::FromRow)]
pub(super) struct WishedSpecialty {
    pub(super) organisation_id: OrganisationId,
    pub(super) hospital_zh: String,
    pub(super) hospital_en: String,
    pub(super) specialty: String,
    pub(super) specialty_zh: String,
    pub(super) specialty_en: String,
}

/// All of them.
pub(super) struct Choices {
    pub(super) residents: Vec<Choosable>,
    /// Whether the house has more residents than these.
    pub(super) more_residents: bool,
    /// Those of hospitals with an agreement first.
    pub(super) wishes: Vec<WishedSpecialty>,
    /// The hospitals with which the house has an agreement that counts today, where they are.
    pub(super) affiliated: BTreeSet<OrganisationId>,
    pub(super) rooms: Vec<(LocationId, String)>,
    pub(super) devices: Vec<DeviceName>,
}

/// The choices of a house, with the resident who is chosen already.
pub(super) async fn choices(
    conn: &mut Conn,
    (house, now): (OrganisationId, DateTime<Utc>),
    chosen: Option<PersonId>,
) -> Result<Choices, DbError> {
    let mut residents: Vec<Choosable> =
        on!(conn, |c| sqlx::query_as(RESIDENTS).bind(house).bind(chosen).fetch_all(c).await)?;
    let more_residents = residents.len() > RESIDENTS_MAX;
    residents.truncate(RESIDENTS_MAX);
    let mut wishes: Vec<WishedSpecialty> = on!(conn, |c| sqlx::query_as(WISHES).fetch_all(c).await)?;
    // Two doctors may name one specialty in two ways.
    wishes.dedup_by(|a, b| a.organisation_id == b.organisation_id && a.specialty == b.specialty);
    let affiliated = standing_with(conn, house, now).await?;
    wishes.sort_by_key(|wish| !affiliated.contains(&wish.organisation_id));
    let rooms = on!(conn, |c| sqlx::query_as(ROOMS).bind(house).fetch_all(c).await)?;
    let devices = shared_device::open_of(conn, house).await?;
    Ok(Choices { residents, more_residents, wishes, affiliated, rooms, devices })
}
