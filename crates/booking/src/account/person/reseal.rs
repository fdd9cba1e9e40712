//! The sealed papers, for sealing them anew under another key.

use sanbao_platform::cn::{BLIND_INDEX_DOMAIN, PAPER_INDEX_DOMAIN};
use sanbao_platform::reseal::SealedColumn;
use uuid::Uuid;

const COUNT: &str = "select count(*) from person where national_id_sealed is not null or national_id_index is not null";
const READ: &str = "select id, national_id_sealed as sealed, national_id_index as blind_index from person
    where id > $1 and (national_id_sealed is not null or national_id_index is not null) order by id limit $2";
// The keys for looking people up hold these indexes: they are written anew at the next start.
const WRITE: &str = "update person set national_id_sealed = $2, national_id_index = $3, keys_form = 0 where id = $1";

/// People's national ids. An elder of whom only a request's index is known has no sealed value here.
pub const NATIONAL_IDS: SealedColumn =
    SealedColumn { table: "person", count: COUNT, read: READ, write: WRITE, place, domain: BLIND_INDEX_DOMAIN };

const COUNT_PAPERS: &str = "select count(*) from person where paper_sealed is not null";
const READ_PAPERS: &str = "select id, paper_sealed as sealed, paper_index as blind_index from person
    where id > $1 and paper_sealed is not null order by id limit $2";
const WRITE_PAPERS: &str = "update person set paper_sealed = $2, paper_index = $3, keys_form = 0 where id = $1";

/// People's other papers.
pub const PAPERS: SealedColumn = SealedColumn {
    table: "person",
    count: COUNT_PAPERS,
    read: READ_PAPERS,
    write: WRITE_PAPERS,
    place: place_of_paper,
    domain: PAPER_INDEX_DOMAIN,
};

/// The context that a person's other paper is sealed for.
pub(super) fn place_of_paper(id: Uuid) -> String {
    format!("person.paper:{id}")
}

/// The context that a person's national id is sealed for.
pub(super) fn place(id: Uuid) -> String {
    format!("person.national_id:{id}")
}
