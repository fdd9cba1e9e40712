//! Nothing that tells of a person is forgotten: every table of the database, and every column of the tables that are told.

use sanbao_platform::clock::Clock;
use sanbao_platform::testing::{self, Forgotten};

use super::sections::{SECTIONS, columns_of};
use crate::MIGRATIONS;

/// The columns that are not told as they lie there, and why.
const LEFT_OUT: &[(&str, &str, &str)] = &[
    ("person", "national_id_sealed", "opened, in the section of papers"),
    ("person", "national_id_index", "computed from the paper, to find it"),
    ("person", "national_id_tail", "computed from the paper, to find it"),
    ("person", "paper_sealed", "opened, in the section of papers"),
    ("person", "paper_index", "computed from the paper, to find it"),
    ("person", "paper_tail", "computed from the paper, to find it"),
    ("person", "erased_at", "none of somebody who can be told anything"),
    ("consult", "at_once", "told as history: the step by which it was booked"),
    ("consult", "erased_at", "none of somebody who can be told anything"),
    ("visit", "erased_at", "none of somebody who can be told anything"),
    ("consult", "media_removed_at", "what was said in the room is with the relay, or is gone"),
    ("person_hold", "told_at", "when the other services were told"),
    ("person", "keys_form", "how far the record is indexed"),
    ("person_care", "sealed", "opened, in the section of care facts"),
    ("person_source", "kept_sealed", "opened, in the section of unreadable texts"),
    ("person_source", "content_index", "a keyed hash of the row"),
    ("person_source", "said", "keyed hashes of the row's fields"),
    ("person_transfer", "national_id_index", "computed from the paper, to find it"),
    ("person_transfer", "paper_index", "computed from the paper, to find it"),
    ("consult_guest", "token_hash", "a secret of the family's link"),
    ("consult_ticket", "session_id", "the log-in of a member of the staff"),
    ("audit", "address", "of the staff's device"),
    ("audit", "outcome", "only what was done is told"),
    ("audit", "resource_id", "the person"),
    ("audit", "resource_kind", "the person"),
    ("audit", "link", "the chain of the log"),
    ("audit", "position", "the chain of the log"),
    ("audit", "request_id", "of the process's log"),
    ("audit", "shown", "which set was shown: told as readings"),
    ("audit", "times", "counts refusals, which are not told"),
    ("audit_shown", "shown", "the name of a set of people"),
    ("outbox", "seq", "the order of writing"),
    ("outbox", "traceparent", "a label of the request that caused the event"),
    ("outbox", "data", "a copy of fields that are told, for the other services of the network"),
];

/// The tables that tell of no person, or that repeat for a while what is told elsewhere, and why.
const ELSEWHERE: &[(&str, &str)] = &[
    ("account", "staff"),
    ("account_link", "staff"),
    ("affiliation", "institutions: what two of them have agreed"),
    ("area", "places"),
    ("area_parent", "places"),
    ("area_within", "places"),
    ("audit_head", "the chain of the log"),
    ("audit_pruning", "the chain of the log"),
    ("calendar_rule", "staff"),
    ("caregiver_hours", "staff"),
    ("caregiver_profile", "staff"),
    ("caregiver_skill", "staff"),
    ("consult_draft", "opened, in the section of drafts"),
    ("consult_event", "told as history, into which it was copied"),
    ("consult_hold", "staff: the time that somebody holds while writing, for minutes"),
    ("device", "staff"),
    ("device_account", "staff"),
    ("dual_control", "staff"),
    ("dual_control_order", "staff"),
    ("ended_session", "staff"),
    ("field_key_mark", "keys"),
    ("idempotency", "answers that were given, for a week: by the caller's key, not by person"),
    ("inbox", "which events were taken: their ids alone"),
    ("inbox_cursor", "which events were taken"),
    ("kept_backup", "when a backup was made"),
    ("location", "rooms"),
    ("login_session", "staff"),
    ("membership", "staff"),
    ("membership_area", "staff"),
    ("membership_offer", "staff"),
    ("network_mark", "keys"),
    ("organisation", "organisations"),
    ("outdated_token", "staff"),
    ("parked_event", "events of areas, the relay and requests that could not be taken, until somebody looks"),
    ("person_erasure", "of those of whom nothing is kept"),
    ("person_key", "computed from the record, to find it"),
    ("practitioner", "staff"),
    ("practitioner_elsewhere", "staff"),
    ("practitioner_exception", "staff"),
    ("practitioner_hours", "staff"),
    ("recovery_code", "staff"),
    ("refresh_token", "staff"),
    ("resource_capacity", "the calendar: how many at one time"),
    ("retention_run", "counts and moments"),
    ("second_factor", "staff"),
    ("setup_link", "staff"),
    ("shared_device", "devices of a house"),
    ("shift_handover", "words of the staff about a whole shift: what concerns somebody is told line by line"),
    ("workday_rule", "institutions: on which days they work"),
    ("write_probe", "always empty"),
];

#[tokio::test]
async fn no_table_and_no_column_is_forgotten() {
    let engine = testing::sqlite();
    let deps = engine.deps("booking", &MIGRATIONS, Clock::system()).await;
    let told: Vec<_> = SECTIONS.iter().map(|section| (section.name, columns_of(section))).collect();
    let told = Forgotten { told: &told, left_out: LEFT_OUT, elsewhere: ELSEWHERE };
    assert_eq!(told.findings(&deps.db).await, [""; 0]);
}

#[tokio::test]
async fn a_forgotten_table_and_a_forgotten_column_are_found() {
    let engine = testing::sqlite();
    let deps = engine.deps("booking", &MIGRATIONS, Clock::system()).await;
    let mut told: Vec<_> = SECTIONS.iter().map(|section| (section.name, columns_of(section))).collect();
    told.retain(|(name, _)| *name != "visit");
    told.iter_mut().filter(|(name, _)| *name == "consult").for_each(|(_, columns)| {
        columns.retain(|column| column != "case_summary");
    });
    let told = Forgotten { told: &told, left_out: LEFT_OUT, elsewhere: ELSEWHERE };
    let found = told.findings(&deps.db).await.join("\n");
    assert!(found.contains("consult.case_summary") && found.contains("the table visit "), "{found}");
}
