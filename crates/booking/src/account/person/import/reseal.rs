//! The sealed texts of rows that could not be read, for sealing them anew under another key.

use sanbao_platform::reseal::SealedColumn;
use uuid::Uuid;

const COUNT: &str = "select count(*) from person_source where kept_sealed is not null";
const READ: &str = "select id, kept_sealed as sealed, cast(null as text) as blind_index from person_source
    where id > $1 and kept_sealed is not null order by id limit $2";
const WRITE: &str = "update person_source set kept_sealed = $2 where id = $1 and cast($3 as text) is null";

/// The texts of rows that could not be read: nobody is found by one.
pub const KEPT: SealedColumn =
    SealedColumn { table: "person_source", count: COUNT, read: READ, write: WRITE, place, domain: "person_source" };

/// The context that a row's texts are sealed for.
pub(in crate::account::person) fn place(id: Uuid) -> String {
    format!("person_source.kept:{id}")
}
