//! Offers in the database. Only the hash of a link's secret is stored.

use chrono::{DateTime, Duration, Utc};
use sanbao_platform::crypto::{random_token, sha256_hex};
use sanbao_platform::db::{Conn, DbError, Tx};
use sanbao_platform::http::Ctx;
use sanbao_platform::id::{OrganisationId, uuid_v7};
use sanbao_platform::on;
use uuid::Uuid;

use super::input::Offered;
use super::view::{OfferLink, StoredOffer};
use crate::account::id::AccountId;

/// How long an offer stands, in days.
const OFFER_DAYS: i64 = 7;
/// Offers of one organisation that its list shows.
const LISTED_MAX: i64 = 100;

const INSERT: &str = "insert into membership_offer
    (id, organisation_id, token_hash, roles, areas, note, created_by, created_at, expires_at, made_in)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
/// The offers that stand at `$2`: not answered, not run out, of somebody who may still make them.
macro_rules! standing {
    () => {
        "f.ended_at is null and f.expires_at > $2 and a.status = 'active' and exists (select 1 from membership m
            where m.account_id = f.created_by and m.organisation_id = f.made_in and m.role = 'administrator')"
    };
}
macro_rules! offers {
    ($where:literal, $order:literal) => {
        concat!(
            "select f.id, f.organisation_id, o.kind, o.name_zh, o.name_en, o.state, f.roles, f.areas, f.note,
    f.created_by, a.display_name as by, f.created_at, f.expires_at
    from membership_offer f join organisation o on o.id = f.organisation_id join account a on a.id = f.created_by where ",
            $where,
            " and ",
            standing!(),
            $order
        )
    };
}
const OPEN: &str = offers!("f.token_hash = $1", "");
const LIST: &str = offers!("f.organisation_id = $1", " order by f.created_at desc, f.id desc limit $3");
const END: &str = "update membership_offer set ended_at = $2, ended_by = $3, outcome = $4
    where id = $1 and ended_at is null and expires_at > $2 and organisation_id = $5";

/// Makes an offer; its id and its link.
pub(super) async fn insert(
    tx: &mut Tx,
    ctx: &Ctx,
    organisation: OrganisationId,
    offered: &Offered,
) -> Result<(String, OfferLink), DbError> {
    let (token, now) = (random_token(), ctx.now());
    let expires_at = now + Duration::days(OFFER_DAYS);
    let (roles, areas) = (offered.roles.join(" "), offered.areas.join(" "));
    on!(tx, |c| {
        let row = sqlx::query(INSERT).bind(uuid_v7(now)).bind(organisation).bind(sha256_hex(token.as_bytes()));
        let row = row.bind(roles).bind(areas).bind(&offered.note).bind(ctx.actor.subject);
        row.bind(now).bind(expires_at).bind(ctx.actor.organisation).execute(c).await.map(drop)
    })?;
    let path = format!("/offers#{token}");
    Ok((token, OfferLink { path, expires_at }))
}

/// The offer of a secret, while it stands.
pub(super) async fn find(conn: &mut Conn, token: &str, now: DateTime<Utc>) -> Result<Option<StoredOffer>, DbError> {
    let hash = sha256_hex(token.as_bytes());
    Ok(on!(conn, |c| sqlx::query_as(OPEN).bind(hash).bind(now).fetch_optional(c).await)?)
}

/// The offers of an organisation that wait for an answer, the newest first; 100 at most.
pub(in crate::account) async fn list(
    conn: &mut Conn,
    organisation: OrganisationId,
    now: DateTime<Utc>,
) -> Result<Vec<StoredOffer>, DbError> {
    Ok(on!(conn, |c| { sqlx::query_as(LIST).bind(organisation).bind(now).bind(LISTED_MAX).fetch_all(c).await })?)
}

/// Ends an offer of an organisation: `accepted`, `declined` or `revoked`. `false` when it has ended already.
pub(super) async fn end(
    tx: &mut Tx,
    (organisation, offer): (OrganisationId, Uuid),
    by: AccountId,
    now: DateTime<Utc>,
    outcome: &'static str,
) -> Result<bool, DbError> {
    let rows = on!(tx, |c| {
        let row = sqlx::query(END).bind(offer).bind(now).bind(by).bind(outcome).bind(organisation);
        row.execute(c).await.map(|done| done.rows_affected())
    })?;
    Ok(rows == 1)
}
