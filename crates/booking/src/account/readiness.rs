//! How far a network is from its first consult, request and visit: counts of what they need, told to its administrators.

use chrono::NaiveDate;
use sanbao_platform::db::{Conn, DbError};
use sanbao_platform::on;

use super::organisation::{Organisation, OrganisationKind, reached};

/// Only what is open and active counts: of the organisation itself, and of those that an office reaches.
const FACTS: &str = concat!(
    "with reach (id, kind) as (select id, kind from organisation where state = 'open' and ",
    reached!(),
    "),
    post (account_id, organisation_id, kind, role) as (
        select m.account_id, r.id, r.kind, m.role from membership m join reach r on r.id = m.organisation_id
        join account a on a.id = m.account_id where a.status = 'active')
    select
        (select count(*) from reach where kind in ('hospital', 'health_centre')) as hospitals,
        (select count(*) from reach where kind = 'care_home') as care_homes,
        (select count(*) from reach where kind = 'home_care_agency') as agencies,
        (select count(*) from post where role = 'doctor' and kind in ('hospital', 'health_centre')) as doctors,
        (select count(*) from post d join practitioner f on f.account_id = d.account_id
            where d.role = 'doctor' and d.kind in ('hospital', 'health_centre')
            and (f.organisation_id = d.organisation_id or exists (select 1 from practitioner_elsewhere e
                where e.account_id = d.account_id and e.organisation_id = d.organisation_id))
            and exists (select 1 from practitioner_hours h where h.account_id = d.account_id
                and coalesce(h.organisation_id, f.organisation_id) = d.organisation_id
                and (h.valid_to is null or h.valid_to >= $3))) as doctors_with_hours,
        (select count(*) from post where role = 'care_staff' and kind = 'care_home') as care_staff,
        (select count(*) from location l join reach r on r.id = l.organisation_id
            where r.kind = 'care_home' and l.state = 'open') as rooms,
        (select count(*) from person e join reach r on r.id = e.organisation_id
            where r.kind = 'care_home' and e.merged_into is null) as residents,
        (select count(*) from area_within w where w.ancestor = $2 and w.valid_from <= $3 and w.valid_until > $3)
            as areas_within,
        (select count(*) from post d where d.role = 'administrator' and d.organisation_id = $1
            and exists (select 1 from membership_area x where x.account_id = d.account_id
                and x.organisation_id = d.organisation_id)) as administrators_with_area,
        (select count(*) from post d where d.role = 'dispatcher' and d.organisation_id = $1
            and exists (select 1 from membership_area x where x.account_id = d.account_id
                and x.organisation_id = d.organisation_id)) as dispatchers_with_area,
        (select count(*) from post where role = 'dispatcher' and kind = 'home_care_agency') as agency_dispatchers,
        (select count(*) from post where role = 'caregiver' and kind = 'home_care_agency') as caregivers"
);

/// How many there are of what is needed.
#[derive(Clone, Copy, Debug, sqlx_macros::FromRow)]
pub(super) struct Facts {
    /// Hospitals and health centres.
    pub(super) hospitals: i64,
    pub(super) care_homes: i64,
    pub(super) agencies: i64,
    pub(super) doctors: i64,
    /// Doctors who are known as such and have weekly hours.
    pub(super) doctors_with_hours: i64,
    pub(super) care_staff: i64,
    /// Rooms of care homes.
    pub(super) rooms: i64,
    pub(super) residents: i64,
    /// The areas that lie in the organisation's own.
    pub(super) areas_within: i64,
    /// The organisation's own administrators who have an area.
    pub(super) administrators_with_area: i64,
    /// The organisation's own dispatchers who have an area.
    pub(super) dispatchers_with_area: i64,
    pub(super) agency_dispatchers: i64,
    pub(super) caregivers: i64,
}

impl Facts {
    /// Counts over an organisation, and with an office over those that it reaches.
    pub(super) async fn of(conn: &mut Conn, own: &Organisation, on: NaiveDate) -> Result<Self, DbError> {
        // An area says what an office reaches; another kind reaches itself alone.
        let area = own.area_code.as_deref().filter(|_| own.kind == OrganisationKind::StreetOffice);
        Ok(on!(conn, |c| sqlx::query_as(FACTS).bind(own.id).bind(area).bind(on).fetch_one(c).await)?)
    }
}
