//! Organisations and people as rows, for the small networks that tests are in.

use chrono::{DateTime, Utc};
use sanbao_booking::account::organisation::OrganisationKind;
use sanbao_platform::db::Tx;
use sanbao_platform::id::{OrganisationId, uuid_v7};
use sanbao_platform::on;
use sanbao_platform::testing::Person;
use uuid::Uuid;

const ORGANISATION: &str =
    "insert into organisation (id, kind, name_zh, name_en, time_zone, phone, area_code, created_at)
    values ($1, $2, $3, $3, $4, '0574-8600 0000', null, $5)";
const KIND: &str = "select kind from organisation where id = $1";
const ACCOUNT: &str = "insert into account
    (id, login, display_name, password_hash, pin_hash, status, failed_count, created_at, version)
    values ($1, $2, $3, '-', null, 'active', 0, $4, 1)";
const MEMBERSHIP: &str =
    "insert into membership (account_id, organisation_id, role, created_at) values ($1, $2, $3, $4)";

/// An organisation of a kind, in a time zone.
pub async fn organisation(tx: &mut Tx, now: DateTime<Utc>, kind: &str, name: &str, zone: &str) -> OrganisationId {
    let id = OrganisationId::new(now);
    on!(tx, |c| {
        let row = sqlx::query(ORGANISATION).bind(id).bind(kind).bind(name).bind(zone);
        row.bind(now).execute(c).await.map(drop)
    })
    .unwrap();
    id
}

/// Somebody with an account and roles in an organisation.
pub async fn member(
    tx: &mut Tx,
    now: DateTime<Utc>,
    organisation: OrganisationId,
    roles: &[&'static str],
    name: &'static str,
) -> Person {
    let id = uuid_v7(now);
    on!(tx, |c| {
        let row = sqlx::query(ACCOUNT).bind(id).bind(id.to_string()).bind(name);
        row.bind(now).execute(c).await.map(drop)
    })
    .unwrap();
    for role in roles {
        joins(tx, now, id, organisation, role).await;
    }
    let kind: OrganisationKind = on!(tx, |c| sqlx::query_scalar(KIND).bind(organisation).fetch_one(c).await).unwrap();
    Person::new(id, organisation, roles, name).of_a(kind.as_str())
}

/// Somebody has a role in an organisation, perhaps beside others.
pub async fn joins(tx: &mut Tx, now: DateTime<Utc>, id: Uuid, organisation: OrganisationId, role: &'static str) {
    on!(tx, |c| {
        let row = sqlx::query(MEMBERSHIP).bind(id).bind(organisation).bind(role);
        row.bind(now).execute(c).await.map(drop)
    })
    .unwrap();
}
