//! The statements that take somebody out, each of one record: `$1` is its id, `$2` the moment. A test holds them against the
//! schema: a table that is in no list is named there.

const HISTORY_PERSON: &str = "update history set reason = null, note = null
    where aggregate = 'person' and id = $1 and (reason is not null or note is not null)";
const HISTORY_CONSULT: &str = "update history set reason = null, note = null where aggregate = 'consult'
    and id in (select c.id from consult c where c.resident_id = $1) and (reason is not null or note is not null)";
const HISTORY_VISIT: &str = "update history set reason = null, note = null where aggregate = 'visit'
    and id in (select v.id from visit v where v.person_id = $1) and (reason is not null or note is not null)";
const HISTORY_CONSENT: &str = "update history set reason = null, note = null where aggregate = 'sharing_consent'
    and id in (select s.id from person_sharing_consent s where s.person_id = $1) and (reason is not null or note is not null)";
const HISTORY_TRANSFER: &str = "update history set reason = null, note = null where aggregate = 'transfer'
    and id in (select t.id from person_transfer t where t.person_id = $1 or t.held_id = $1)
    and (reason is not null or note is not null)";
const KEYS: &str = "delete from person_key where person_id = $1";
const CARE: &str = "delete from person_care where person_id = $1";
const CONSENTS: &str = "delete from person_sharing_consent where person_id = $1";
const SOURCES: &str = "delete from person_source where person_id = $1";
const JOIN_FIELDS: &str = "delete from person_join_field where join_id in
    (select j.id from person_join j where j.survivor_id = $1 or j.other_id = $1)";
const TRANSFERS: &str =
    "update person_transfer set agreed_name = '', note = null, reason = null, national_id_index = null,
    paper_index = null where person_id = $1 or held_id = $1";
const HOLDS: &str =
    "update person_hold set reason = '', lift_reason = case when lifted_at is null then null else '' end
    where person_id = $1";
const EMERGENCIES: &str =
    "update emergency_access set reason = '', remark = case when remark is null then null else '' end
    where person_id = $1";
const CONSULTS: &str =
    "update consult set reason = '', purpose = '', case_summary = '', state_note = null, erased_at = $2,
    version = version + 1 where resident_id = $1";
const CONSULT_DRAFTS: &str = "delete from consult_draft where resident_id = $1";
const CONSULT_CONSENTS: &str = "delete from consult_consent where consult_id in
    (select c.id from consult c where c.resident_id = $1)";
const CONSULT_OPINIONS: &str = "delete from consult_opinion where consult_id in
    (select c.id from consult c where c.resident_id = $1)";
const CONSULT_FEEDBACK: &str = "update consult_feedback set note = '' where consult_id in
    (select c.id from consult c where c.resident_id = $1)";
const CONSULT_GUESTS: &str = "update consult_guest set name = '', relation = '' where consult_id in
    (select c.id from consult c where c.resident_id = $1)";
const CONSULT_TICKETS: &str = "update consult_ticket set name = '' where consult_id in
    (select c.id from consult c where c.resident_id = $1)";
const CONSULT_EVENTS: &str = "update consult_event set note = null where note is not null and consult_id in
    (select c.id from consult c where c.resident_id = $1)";
// The words of a shift are about many: those that may be about this person go whole.
const HANDOVERS: &str = "update shift_handover set words = '' where words <> '' and id in
    (select i.handover_id from shift_handover_item i join consult c on c.id = i.consult_id where c.resident_id = $1)";
const HANDOVER_ITEMS: &str = "delete from shift_handover_item where consult_id in
    (select c.id from consult c where c.resident_id = $1)";
const VISITS: &str = "update visit set name = '', phone = '', address = '', note = '',
    closed_reason = case when closed_reason is null then null else '' end, erased_at = $2, version = version + 1
    where person_id = $1";
// Where somebody was visited is where they lived. When it was stands on the visit.
const VISIT_PROOFS: &str =
    "delete from visit_proof where visit_id in (select v.id from visit v where v.person_id = $1)";
const ANSWERS: &str = "delete from idempotency where shown in
    (select s.shown from audit_shown s where s.kind = 'person' and s.id = $1)";
const PARKED: &str = "delete from parked_event where subject = $1";
const PERSON: &str = "update person set organisation_id = null, registered_by = null, name = '', sex = 'unknown',
    birth_date = null, phone = null, phones = null, national_id_sealed = null, national_id_index = null,
    national_id_tail = null, paper_kind = null, paper_sealed = null, paper_index = null, paper_tail = null, address = null,
    area_code = null, guardian_name = null, guardian_phone = null, erased_at = $2, version = version + 1 where id = $1";

/// In their order: what people wrote in histories goes while it is known whose it is, an opinion after its consult is marked.
pub(crate) const TAKEN: &[(&str, &str)] = &[
    ("history", HISTORY_PERSON),
    ("history", HISTORY_CONSULT),
    ("history", HISTORY_VISIT),
    ("history", HISTORY_CONSENT),
    ("history", HISTORY_TRANSFER),
    ("person_key", KEYS),
    ("person_care", CARE),
    ("person_sharing_consent", CONSENTS),
    ("person_source", SOURCES),
    ("person_join_field", JOIN_FIELDS),
    ("person_transfer", TRANSFERS),
    ("person_hold", HOLDS),
    ("emergency_access", EMERGENCIES),
    ("consult", CONSULTS),
    ("consult_draft", CONSULT_DRAFTS),
    ("consult_consent", CONSULT_CONSENTS),
    ("consult_opinion", CONSULT_OPINIONS),
    ("consult_feedback", CONSULT_FEEDBACK),
    ("consult_guest", CONSULT_GUESTS),
    ("consult_ticket", CONSULT_TICKETS),
    ("consult_event", CONSULT_EVENTS),
    ("shift_handover", HANDOVERS),
    ("shift_handover_item", HANDOVER_ITEMS),
    ("visit", VISITS),
    ("visit_proof", VISIT_PROOFS),
    ("idempotency", ANSWERS),
    ("parked_event", PARKED),
    ("person", PERSON),
];

/// The subjects of events that tell of a record: itself, and the visits to the person.
pub(super) const SUBJECTS: &str = "select v.id from visit v where v.person_id = $1";

/// The tables in which nothing personal stands, or nothing but ids, moments and states, and why.
#[cfg(test)]
pub(crate) const LEFT: &[(&str, &str)] = &[
    ("account", "staff"),
    ("account_link", "staff"),
    ("affiliation", "institutions"),
    ("area", "places"),
    ("area_parent", "places"),
    ("area_within", "places"),
    ("audit", "ids and actions"),
    ("audit_head", "the chain of the log"),
    ("audit_pruning", "the chain of the log"),
    ("audit_shown", "ids"),
    ("calendar_rule", "staff"),
    ("caregiver_hours", "staff"),
    ("caregiver_profile", "staff"),
    ("caregiver_skill", "staff"),
    ("consult_attendance", "ids, sides and moments"),
    ("consult_check", "the outcome of a check of a device"),
    ("consult_fetch", "ids of staff and moments"),
    ("consult_hold", "staff: ids and moments, for minutes"),
    ("consult_meeting", "seconds and moments"),
    ("device", "staff"),
    ("device_account", "staff"),
    ("dual_control", "staff"),
    ("dual_control_order", "staff"),
    ("ended_session", "staff"),
    ("field_key_mark", "keys"),
    ("inbox", "ids of events"),
    ("inbox_cursor", "ids of events"),
    ("kept_backup", "when a backup was made"),
    ("location", "rooms"),
    ("login_session", "staff"),
    ("membership", "staff"),
    ("membership_area", "staff"),
    ("membership_offer", "staff"),
    ("network_mark", "keys"),
    ("occupancy", "the calendar: ids and moments, which stay"),
    ("organisation", "organisations"),
    ("outbox", "emptied by the platform, event by event, so that its readers read them still"),
    ("outdated_token", "staff"),
    ("person_distinct", "ids"),
    ("person_erasure", "the proof, which names nobody"),
    ("person_join", "ids"),
    ("person_join_moved", "ids"),
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
    ("workday_rule", "institutions"),
    ("write_probe", "always empty"),
];

#[cfg(test)]
mod tests {
    use sanbao_platform::clock::Clock;
    use sanbao_platform::testing::{self, Forgotten};

    use super::*;
    use crate::MIGRATIONS;

    #[tokio::test]
    async fn no_table_is_forgotten_when_somebody_is_erased() {
        let engine = testing::sqlite();
        let deps = engine.deps("booking", &MIGRATIONS, Clock::system()).await;
        let mut known: Vec<(&str, &str)> = TAKEN.iter().map(|(table, _)| (*table, "taken out")).collect();
        known.dedup();
        known.extend(LEFT);
        let all = Forgotten { told: &[], left_out: &[], elsewhere: &known };
        assert_eq!(all.findings(&deps.db).await, [""; 0]);
        let taken = |table: &str| TAKEN.iter().any(|(name, _)| *name == table);
        assert!(LEFT.iter().all(|(table, _)| !taken(table)), "a table is in two lists");
    }
}
