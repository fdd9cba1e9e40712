//! The class of each table that holds something of a person.

#![cfg(test)]

use sanbao_platform::retention::RetentionClass::{self, ClinicalPaper, WorkOrder};

/// Tables that go when the time of their class is over.
const CLASSED: &[(&str, RetentionClass)] = &[
    ("consult", ClinicalPaper),
    ("consult_attendance", ClinicalPaper),
    ("consult_check", ClinicalPaper),
    ("consult_consent", ClinicalPaper),
    ("consult_event", ClinicalPaper),
    ("consult_feedback", ClinicalPaper),
    ("consult_fetch", ClinicalPaper),
    ("consult_guest", ClinicalPaper),
    ("consult_meeting", ClinicalPaper),
    ("consult_opinion", ClinicalPaper),
    ("consult_ticket", ClinicalPaper),
    ("shift_handover", ClinicalPaper),
    ("shift_handover_item", ClinicalPaper),
    ("visit", WorkOrder),
    ("visit_proof", WorkOrder),
];

/// Tables of which each row goes with its consult or visit, or stays with its person.
const SHARED: &[(&str, &str)] = &[
    ("history", "goes with the consult or the visit; a person's stays with the record"),
    ("occupancy", "goes with the consult or the visit"),
    ("person_join_moved", "goes with the consult or the visit"),
];

/// Tables of a person's record, which has no clock: it goes when somebody is erased.
const RECORD: &[(&str, &str)] = &[
    ("emergency_access", "how somebody opened a record, reviewed by the street"),
    ("person", "the record"),
    ("person_care", "the record"),
    ("person_hold", "why it is kept"),
    ("person_join_field", "the record"),
    ("person_key", "computed from the record"),
    ("person_sharing_consent", "why it is kept"),
    ("person_source", "the record"),
    ("person_transfer", "how it came here"),
];

/// Tables that are kept short.
const SHORT: &[(&str, &str)] = &[
    ("consult_draft", "two weeks after the last letter"),
    ("idempotency", "days: --keep-answer-days"),
    ("parked_event", "until somebody looks"),
    ("audit", "the class of audit rows: --keep-audit-days"),
    ("audit_shown", "with the audit rows"),
    ("outbox", "days: --keep-event-days"),
];

mod tests {
    use super::super::taken::{OF_CONSULT, OF_VISIT};
    use super::*;
    use crate::account::person::erasure::{LEFT, TAKEN};

    #[test]
    fn a_table_that_holds_something_of_a_person_has_a_class() {
        let classed = CLASSED.iter().map(|(table, _)| *table);
        let others = [SHARED, RECORD, SHORT].into_iter().flatten().map(|(table, _)| *table);
        let mut known: Vec<&str> = classed.chain(others).collect();
        let forgotten: Vec<_> = TAKEN.iter().map(|(table, _)| *table).filter(|table| !known.contains(table)).collect();
        assert_eq!(forgotten, [""; 0], "a table is in no class");
        // A table in which nothing personal stands may have a class all the same, and no other may.
        let named = |table: &&str| TAKEN.iter().chain(LEFT).any(|(name, _)| name == table);
        assert!(known.iter().all(named), "{known:?}");
        known.sort_unstable();
        let all = known.len();
        known.dedup();
        assert_eq!(known.len(), all, "a table is in two lists");
    }

    #[test]
    fn what_has_a_class_is_taken_out() {
        for (table, _) in CLASSED {
            assert!(OF_CONSULT.iter().chain(OF_VISIT).any(|(taken, _)| taken == table), "{table}");
        }
        for (table, _) in SHARED {
            assert!(OF_CONSULT.iter().any(|(taken, _)| taken == table), "{table}");
            assert!(OF_VISIT.iter().any(|(taken, _)| taken == table), "{table}");
        }
    }
}
