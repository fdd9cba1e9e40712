//! Nothing that tells of a person is forgotten: every table of the database, and every column of the tables that are told.

use sanbao_platform::clock::Clock;
use sanbao_platform::testing::{self, Forgotten};

use super::sections::TOLD;
use crate::MIGRATIONS;

/// The columns that are not told as they lie there, and why.
const LEFT_OUT: &[(&str, &str, &str)] = &[
    ("request", "national_id_sealed", "opened and masked, beside the request"),
    ("request", "national_id_index", "computed from the resident id, to find it"),
    ("request", "erased_at", "none of somebody who can be told anything"),
    ("request", "removed_at", "it is nobody's any more"),
    ("request", "person_key", "computed from what is told, to count by"),
    ("request", "content_index", "a keyed hash of the imported row"),
    ("request", "queue_at", "computed: by when it must have moved on"),
    ("request", "risk_at", "computed: from when little time is left"),
    ("request", "waits_for", "computed from its state"),
    ("request", "paused_seconds", "of pauses that the history tells"),
    ("request", "assignee_id", "staff, in the history"),
    ("request", "assignee_name", "staff, in the history"),
    ("request", "phone_end", "the end of the telephone that is told"),
    ("door", "undo_state", "what a press that is taken back goes back to"),
    ("door", "undo_missed", "what a press that is taken back goes back to"),
    ("elder", "national_id_index", "computed from the resident id, to find it"),
    ("history", "aggregate", "request"),
    ("history", "id", "the request"),
    ("audit", "address", "of the staff's device"),
    ("audit", "link", "the chain of the log"),
    ("audit", "outcome", "only what was done is told"),
    ("audit", "position", "the chain of the log"),
    ("audit", "request_id", "of the process's log"),
    ("audit", "resource_id", "the request"),
    ("audit", "resource_kind", "the request"),
    ("audit", "shown", "which set was shown: told as readings"),
    ("audit", "times", "counts refusals, which are not told"),
    ("audit_shown", "shown", "the name of a set of people"),
    ("outbox", "seq", "the order of writing"),
    ("outbox", "traceparent", "a label of the request that caused the event"),
    ("outbox", "data", "a copy of fields that are told, for the other services of the network"),
];

/// The tables that tell of no person, or that repeat what is told elsewhere, and why.
const ELSEWHERE: &[(&str, &str)] = &[
    ("agency", "organisations"),
    ("area", "places"),
    ("area_parent", "places"),
    ("audit_head", "the chain of the log"),
    ("audit_pruning", "the chain of the log"),
    ("desk_person", "staff"),
    ("door_round", "titles, places and days"),
    ("ended_session", "staff"),
    ("erased_elder", "of those of whom nothing is kept"),
    ("field_key_mark", "keys"),
    ("idempotency", "answers that were given, for a week: by the caller's key, not by person"),
    ("held_subject", "ids: booking tells of the hold itself"),
    ("holds_heard", "a moment"),
    ("import_mapping", "words of files: headings, categories, places"),
    ("import_run", "files: how many rows were bad, and where, without what they say"),
    ("inbox", "which events were taken: their ids alone"),
    ("inbox_cursor", "which events were taken"),
    ("kept_backup", "when a backup was made"),
    ("network_mark", "keys"),
    ("office", "organisations"),
    ("outdated_token", "staff"),
    ("parked_event", "events of people and visits that could not be taken, until somebody looks"),
    ("request_day", "counts"),
    ("request_rules", "a number"),
    ("request_text", "names and addresses that are told with their requests"),
    ("retention_run", "counts and moments"),
    ("request_history", "told as history, into which it was copied"),
    ("rollup", "numbers"),
    ("write_probe", "always empty"),
];

/// Every word between `select` and the table's `from`.
fn columns_of(table: &str, statement: &str) -> Vec<String> {
    let statement = statement.split_whitespace().collect::<Vec<_>>().join(" ");
    let list = statement.split(&format!(" from {table} ")).next().unwrap_or_default();
    let words = list.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
    words.filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

#[tokio::test]
async fn no_table_and_no_column_is_forgotten() {
    let engine = testing::sqlite();
    let deps = engine.deps("needs-analysis", &MIGRATIONS, Clock::system()).await;
    let told: Vec<_> = TOLD.iter().map(|(table, statement)| (*table, columns_of(table, statement))).collect();
    let told = Forgotten { told: &told, left_out: LEFT_OUT, elsewhere: ELSEWHERE };
    assert_eq!(told.findings(&deps.db).await, [""; 0]);
}
