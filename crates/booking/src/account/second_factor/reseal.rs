//! The sealed secrets of second factors, for sealing them anew under another key.

use sanbao_platform::reseal::SealedColumn;
use uuid::Uuid;

const COUNT: &str = "select count(*) from second_factor";
const READ: &str =
    "select account_id as id, secret_sealed as sealed, cast(null as text) as blind_index from second_factor
    where account_id > $1 order by account_id limit $2";
const WRITE: &str = "update second_factor set secret_sealed = $2 where account_id = $1 and cast($3 as text) is null";

/// The secrets; nobody is found by one, so they have no index.
pub const SECOND_FACTORS: SealedColumn =
    SealedColumn { table: "second_factor", count: COUNT, read: READ, write: WRITE, place, domain: "second_factor" };

/// The context that an account's secret is sealed for.
pub(super) fn place(account: Uuid) -> String {
    format!("second_factor.secret:{account}")
}
