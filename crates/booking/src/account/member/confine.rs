//! The areas of accounts stay within their organisation's own when that becomes another.

use chrono::{DateTime, Utc};
use sanbao_platform::db::{DbError, Tx};
use sanbao_platform::on;

use super::store;
use crate::account::area;
use crate::account::organisation::Organisation;
use crate::account::session;

const TAKE_AREA: &str = "delete from membership_area where account_id = $1 and organisation_id = $2 and area_code = $3";
const COUNT_ON: &str = "update account set version = version + 1 where id = $1 returning version";

/// Takes from the accounts of an organisation the areas that do not lie in its own; what tokens say of them ends.
pub(in crate::account) async fn confine(tx: &mut Tx, own: &Organisation, now: DateTime<Utc>) -> Result<(), DbError> {
    let day = own.day(now);
    for (account, areas) in store::areas_by_account(tx, own.id).await? {
        let mut lost = false;
        for code in &areas {
            let held = match &own.area_code {
                Some(top) => area::lies_in(tx, code, top, day).await?,
                None => false,
            };
            if !held {
                on!(tx, |c| sqlx::query(TAKE_AREA).bind(account).bind(own.id).bind(code).execute(c).await.map(drop))?;
                lost = true;
            }
        }
        if lost {
            let version: i64 = on!(tx, |c| sqlx::query_scalar(COUNT_ON).bind(account).fetch_one(c).await)?;
            session::rights_lost(tx, account, version, now).await?;
        }
    }
    Ok(())
}
