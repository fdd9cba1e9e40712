//! The tables that tell of a person, each with the statement that reads what is told of it. A test holds the list against the
//! schema: a table or a column that is in no list is named there.
//!
//! `$1` is the person's record, `$2` the organisation that gives the file, `$3` the same where its caller may read what the
//! section tells of ([`Besides`]), else nobody; of emergency accesses see there. The file has what its caller may read: of other consults and visits
//! [`ELSEWHERE`] says that they are there, and whom to ask.

use super::statements::{
    AUDIT, AUDIT_SHOWN, CARE, CONSULT, CONSULT_ATTENDANCE, CONSULT_CHECK, CONSULT_CONSENT, CONSULT_FEEDBACK,
    CONSULT_FETCH, CONSULT_GUEST, CONSULT_MEETING, CONSULT_OPINION, CONSULT_TICKET, DISTINCT, ELSEWHERE, EMERGENCY,
    HANDOVER_ITEM, HISTORY, HOLD, JOIN, JOIN_FIELD, JOIN_MOVED, OCCUPANCY, OUTBOX, PERSON, SHARING, SOURCE, TRANSFER,
    VISIT, VISIT_PROOF,
};

/// The policy besides the person's that says what of a section the caller may read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Besides {
    /// None.
    Nothing,
    /// That of consults: to read one of the own organisation's.
    Consults,
    /// That of consults: to read the opinion of one.
    Opinions,
    /// That of emergency accesses: to read why one was made.
    Emergencies,
}

/// A table, and what is told of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Section {
    /// The table's name, which is also the section's.
    pub(super) name: &'static str,
    pub(super) statement: &'static str,
    /// The columns that hold JSON.
    pub(super) json: &'static [&'static str],
    pub(super) besides: Besides,
}

/// Rows of a section at most; a section that has more says so.
pub(super) const ROWS_MAX: usize = 10_000;

const fn section(name: &'static str, statement: &'static str) -> Section {
    Section { name, statement, json: &[], besides: Besides::Nothing }
}

const fn of_consults(name: &'static str, statement: &'static str) -> Section {
    Section { name, statement, json: &[], besides: Besides::Consults }
}

/// In the order in which they are told. Papers, care facts, unreadable texts and drafts, which lie sealed, come first.
pub(super) const SECTIONS: &[Section] = &[
    Section { json: &["phones"], ..section("person", PERSON) },
    section("person_care", CARE),
    section("person_sharing_consent", SHARING),
    section("person_transfer", TRANSFER),
    section("audit_shown", AUDIT_SHOWN),
    section("audit", AUDIT),
    Section { besides: Besides::Emergencies, ..section("emergency_access", EMERGENCY) },
    section("outbox", OUTBOX),
    of_consults("consult", CONSULT),
    of_consults("consult_consent", CONSULT_CONSENT),
    Section { besides: Besides::Opinions, ..section("consult_opinion", CONSULT_OPINION) },
    of_consults("consult_feedback", CONSULT_FEEDBACK),
    of_consults("consult_guest", CONSULT_GUEST),
    of_consults("consult_ticket", CONSULT_TICKET),
    of_consults("consult_fetch", CONSULT_FETCH),
    of_consults("consult_attendance", CONSULT_ATTENDANCE),
    Section { json: &["quality"], ..of_consults("consult_meeting", CONSULT_MEETING) },
    Section { json: &["result"], ..of_consults("consult_check", CONSULT_CHECK) },
    Section { json: &["facts"], ..of_consults("shift_handover_item", HANDOVER_ITEM) },
    section("visit", VISIT),
    section("visit_proof", VISIT_PROOF),
    of_consults("occupancy", OCCUPANCY),
    of_consults("history", HISTORY),
    section("person_join", JOIN),
    section("person_join_field", JOIN_FIELD),
    section("person_join_moved", JOIN_MOVED),
    section("person_distinct", DISTINCT),
    section("person_hold", HOLD),
    section("person_source", SOURCE),
    of_consults("elsewhere", ELSEWHERE),
];

/// The columns of its table that a section tells: every word between `select` and its `from`.
#[cfg(test)]
pub(super) fn columns_of(section: &Section) -> Vec<String> {
    let statement = section.statement.split_whitespace().collect::<Vec<_>>().join(" ");
    let list = statement.split(&format!(" from {} ", section.name)).next().unwrap_or_default();
    let words = list.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
    words.filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

/// The names under which sections tell their columns: the last word of each part between commas outside of brackets.
#[cfg(test)]
pub(in crate::account) fn columns_told() -> Vec<String> {
    SECTIONS.iter().flat_map(|section| told_by(section.statement)).collect()
}

#[cfg(test)]
fn told_by(statement: &str) -> Vec<String> {
    let (mut told, mut depth, mut word, mut last) = (Vec::new(), 0, String::new(), String::new());
    for c in statement.chars() {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            c if depth == 0 && (c.is_whitespace() || c == ',') => {
                if word == "from" {
                    break;
                }
                last = if word.is_empty() { last } else { std::mem::take(&mut word) };
                if c == ',' {
                    told.push(std::mem::take(&mut last));
                }
            }
            '.' if depth == 0 => word.clear(),
            c if depth == 0 => word.push(c),
            _ => {}
        }
    }
    told.push(last);
    told
}

/// The names of all sections, those of what lies sealed first.
#[cfg(test)]
pub(in crate::account) fn section_names() -> Vec<&'static str> {
    ["papers", "care", "unreadable_texts", "drafts"]
        .into_iter()
        .chain(SECTIONS.iter().map(|section| section.name))
        .collect()
}
