//! The tables that tell of a person, each with the statement that reads what is told of it. A test holds the list against the
//! schema: a table or a column that is in no list is named there.
//!
//! `$1` is the person's record, `$2` the organisation that gives the file, `$3` the same where its caller may read what the
//! section tells of ([`Besides`]), else nobody; of emergency accesses see there. The file has what its caller may read: of other consults and visits
//! [`ELSEWHERE`] says that they are there, and whom to ask.

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

/// The record, and those that were joined into it. A record that was handed over stays with those who had it.
macro_rules! records {
    () => {
        "select p.id from person p where p.id = $1 or (p.merged_into = $1 and not exists
            (select 1 from person_join k where k.other_id = p.id and k.transfer_id is not null))"
    };
}

/// The consults of the person that the organisation has asked for, where the caller may read them.
macro_rules! own_consults {
    () => {
        "select c.id from consult c where c.inviting_id = $2 and c.inviting_id = $3 and c.resident_id in
            (select p.id from person p where p.id = $1 or (p.merged_into = $1 and not exists
            (select 1 from person_join k where k.other_id = p.id and k.transfer_id is not null)))"
    };
}

/// The visits to the person that the organisation makes.
macro_rules! own_visits {
    () => {
        "select v.id from visit v where v.agency_id = $2 and v.person_id in
            (select p.id from person p where p.id = $1 or (p.merged_into = $1 and not exists
            (select 1 from person_join k where k.other_id = p.id and k.transfer_id is not null)))"
    };
}

/// One row more than a section has, so that more is seen.
macro_rules! most {
    () => {
        " limit 10001"
    };
}

pub(super) const RECORDS: &str = concat!("select p.id from person p where p.id in (", records!(), ") order by p.id");
pub(super) const KEPT_TEXTS: &str = concat!(
    "select s.id, s.kept_sealed from person_source s where s.organisation_id = $2 and s.kept_sealed is not null
        and s.person_id in (",
    records!(),
    ") order by s.id",
    most!()
);

const PERSON: &str = concat!(
    "select r.id, r.organisation_id, r.registered_by,
        (select o.name_zh from organisation o where o.id = coalesce(r.organisation_id, r.registered_by)) as organisation,
        r.name, r.sex, r.birth_date, r.phone, r.phones, r.paper_kind, r.address, r.area_code, r.guardian_name,
        r.guardian_phone, r.merged_into, r.state, r.ended_on, r.created_at, r.version
    from person r where r.id in (",
    records!(),
    ") order by r.id",
    most!()
);
const CARE: &str = concat!(
    "select f.person_id, f.copied_from, f.changed_at, f.changed_by,
        (select a.display_name from account a where a.id = f.changed_by) as account, f.version
    from person_care f where f.person_id in (",
    records!(),
    ") order by f.person_id",
    most!()
);
const SHARING: &str = concat!(
    "select s.id, s.person_id, s.scope, s.shared_with, s.given_by, s.given_name, s.told, s.given_on, s.recorded_at,
        s.recorded_by, (select a.display_name from account a where a.id = s.recorded_by) as account, s.state,
        s.withdrawn_at, s.version
    from person_sharing_consent s where s.person_id in (",
    records!(),
    ") order by s.id",
    most!()
);
const TRANSFER: &str = concat!(
    "select t.id, t.person_id, t.to_organisation, (select o.name_zh from organisation o where o.id = t.to_organisation) as goes_to,
        t.from_organisation, (select o.name_zh from organisation o where o.id = t.from_organisation) as comes_from,
        t.agreed_by, t.agreed_name, t.agreed_how, t.agreed_on, t.note, t.asked_at, t.asked_by, t.state, t.decided_at,
        t.decided_by_organisation, t.held_id, t.reason, t.version
    from person_transfer t where (t.to_organisation = $2 or t.from_organisation = $2 or t.decided_by_organisation = $2)
        and (t.person_id in (",
    records!(),
    ") or t.held_id in (",
    records!(),
    ")) order by t.id",
    most!()
);
const JOIN: &str = concat!(
    "select j.id, j.survivor_id, j.other_id, j.organisation_id, j.joined_at, j.joined_by,
        (select a.display_name from account a where a.id = j.joined_by) as account, j.separated_at, j.separated_by, j.transfer_id
    from person_join j where j.survivor_id in (",
    records!(),
    ") or j.other_id in (",
    records!(),
    ") order by j.id",
    most!()
);
// What the record itself had (but for indexes of papers), before it took over the other's.
const JOIN_FIELD: &str = concat!(
    "select f.join_id, f.field, f.former from person_join_field f where f.field not in ('national_id', 'paper')
        and f.join_id in (select j.id from person_join j where j.survivor_id in (",
    records!(),
    ")) order by f.join_id, f.field",
    most!()
);
const JOIN_MOVED: &str = concat!(
    "select m.join_id, m.kind, m.moved_id from person_join_moved m where m.join_id in
        (select j.id from person_join j where j.transfer_id is null and j.survivor_id in (",
    records!(),
    ")) order by m.join_id, m.kind, m.moved_id",
    most!()
);
const DISTINCT: &str = concat!(
    "select d.low_id, d.high_id, d.declined_at, d.declined_by, d.organisation_id
    from person_distinct d where d.organisation_id = $2 and (d.low_id in (",
    records!(),
    ") or d.high_id in (",
    records!(),
    ")) order by d.declined_at",
    most!()
);
// Those of other organisations are their own affair.
const HOLD: &str = concat!(
    "select h.id, h.person_id, h.organisation_id, h.reason, h.set_at, h.set_by, h.lifted_at, h.lifted_by, h.lift_reason
    from person_hold h where h.organisation_id = $2 and h.person_id in (",
    records!(),
    ") order by h.set_at",
    most!()
);
const SOURCE: &str = concat!(
    "select s.id, s.organisation_id, s.source, s.external_id, s.person_id, s.imported_at
    from person_source s where s.organisation_id = $2 and s.person_id in (",
    records!(),
    ") order by s.id",
    most!()
);
// The account, its reason and the remark are for those to whom its own policy shows it (`w`): the office that watches, `$2`, but
// for the account `$4`, and the account that opened it, `$3`.
const EMERGENCY: &str = concat!(
    "select e.id, w.account_id, (select a.display_name from account a where a.id = w.account_id) as account, w.ordinal,
        e.organisation_id, (select o.name_zh from organisation o where o.id = e.organisation_id) as organisation,
        w.office_id, w.sign, e.outcome, e.person_id, w.reason, e.opened_at, e.ends_at, w.reviewed_by, w.reviewed_at,
        w.remark, w.version
    from emergency_access e left join emergency_access w on w.id = e.id
        and (w.account_id = $3 or (w.office_id = $2 and w.account_id <> $4))
    where e.person_id in (",
    records!(),
    ") order by e.id",
    most!()
);
const OCCUPANCY: &str = concat!(
    "select o.id, o.resource_id, o.lane, o.starts_at, o.ends_at, o.holder_kind, o.holder_id, o.expires_at
    from occupancy o where o.resource_id in (",
    records!(),
    ") order by o.starts_at, o.id",
    most!()
);
const CONSULT: &str = concat!(
    "select c.id, c.inviting_id, c.invited_id,
        (select o.name_zh from organisation o where o.id = c.invited_id) as organisation, c.resident_id, c.requested_by,
        (select a.display_name from account a where a.id = c.requested_by) as account, c.reason, c.purpose, c.wanted_from,
        c.wanted_until, c.case_summary, c.wanted_specialty, c.wanted_title, c.state, c.state_note, c.state_since, c.doctor_id,
        (select a.display_name from account a where a.id = c.doctor_id) as doctor, c.room_id, c.starts_at, c.ends_at,
        c.delay_minutes, c.started_at, c.finished_at, c.created_at, c.version
    from consult c where c.id in (",
    own_consults!(),
    ") order by c.id",
    most!()
);
const CONSULT_CONSENT: &str = concat!(
    "select x.id, x.consult_id, x.given_by, x.name, x.relation, x.method, x.witness, x.given_at, x.recorded_by, x.recorded_at,
        x.withdrawn_at, x.withdrawn_by
    from consult_consent x where x.consult_id in (",
    own_consults!(),
    ") order by x.id",
    most!()
);
// A draft is nobody's opinion yet.
const CONSULT_OPINION: &str = concat!(
    "select x.consult_id, x.impression, x.differential, x.suggested_tests, x.suggested_treatment, x.referral_advice,
        x.follow_up, x.risk_notes, x.saved_by, x.saved_at, x.version, x.signed_at, x.signer_id, x.signer_name, x.signer_title,
        x.signer_institution, x.signer_licence_no, x.content_hash
    from consult_opinion x where x.signed_at is not null and x.consult_id in (",
    own_consults!(),
    ") order by x.consult_id",
    most!()
);
const CONSULT_FEEDBACK: &str = concat!(
    "select x.consult_id, x.decision, x.note, x.recorded_by, x.recorded_at
    from consult_feedback x where x.consult_id in (",
    own_consults!(),
    ") order by x.consult_id",
    most!()
);
const CONSULT_GUEST: &str = concat!(
    "select x.id, x.consult_id, x.name, x.relation, x.role, x.created_by, x.created_at, x.expires_at, x.revoked_at, x.first_id
    from consult_guest x where x.consult_id in (",
    own_consults!(),
    ") order by x.id",
    most!()
);
const CONSULT_TICKET: &str = concat!(
    "select x.id, x.consult_id, x.person, x.name, x.role, x.organisation_id, x.issued_at, x.expires_at, x.revoked_at
    from consult_ticket x where x.consult_id in (",
    own_consults!(),
    ") order by x.id",
    most!()
);
const CONSULT_ATTENDANCE: &str = concat!(
    "select x.consult_id, x.person, x.role, x.joined_at, x.left_at
    from consult_attendance x where x.consult_id in (",
    own_consults!(),
    ") order by x.joined_at",
    most!()
);
const CONSULT_MEETING: &str = concat!(
    "select x.consult_id, x.together_seconds, x.escalated_person, x.escalated_role, x.escalated_since, x.escalated_at, x.quality
    from consult_meeting x where x.consult_id in (",
    own_consults!(),
    ") order by x.consult_id",
    most!()
);
const CONSULT_CHECK: &str = concat!(
    "select x.consult_id, x.person, x.role, x.at, x.result
    from consult_check x where x.consult_id in (",
    own_consults!(),
    ") order by x.at",
    most!()
);
const VISIT: &str = concat!(
    "select v.id, v.request_id, v.agency_id, v.person_id, v.service_type, v.name, v.phone, v.address, v.area_code, v.note,
        v.wanted_from, v.wanted_until, v.request_withdrawn, v.state, v.caregiver_id,
        (select a.display_name from account a where a.id = v.caregiver_id) as caregiver, v.starts_at, v.ends_at,
        v.checked_in_at, v.checked_out_at, v.closed_at, v.closed_reason, v.created_at, v.version
    from visit v where v.id in (",
    own_visits!(),
    ") order by v.id",
    most!()
);
const VISIT_PROOF: &str = concat!(
    "select x.visit_id, x.kind, x.at, x.recorded_at, x.worker_id, x.method, x.latitude, x.longitude, x.accuracy_m, x.note
    from visit_proof x where x.visit_id in (",
    own_visits!(),
    ") order by x.at",
    most!()
);
const HISTORY: &str = concat!(
    "select h.aggregate, h.id, h.version, h.at, h.actor, h.actor_name, h.organisation, h.step, h.from_state, h.to_state, h.reason, h.note
    from history h where (h.aggregate = 'person' and h.id in (",
    records!(),
    ")) or (h.aggregate = 'consult' and h.id in (",
    own_consults!(),
    ")) or (h.aggregate = 'visit' and h.id in (",
    own_visits!(),
    ")) or (h.aggregate = 'sharing_consent' and h.id in (select s.id from person_sharing_consent s where s.person_id in (",
    records!(),
    "))) or (h.aggregate = 'transfer' and h.id in (select t.id from person_transfer t
        where (t.to_organisation = $2 or t.from_organisation = $2 or t.decided_by_organisation = $2) and (t.person_id in (",
    records!(),
    ") or t.held_id in (",
    records!(),
    ")))) order by h.at, h.id, h.version",
    most!()
);
/// The changes to the record.
const AUDIT: &str = concat!(
    "select u.id, u.occurred_at, u.action, u.actor, (select a.display_name from account a where a.id = u.actor) as account,
        u.organisation as organisation_id, (select o.name_zh from organisation o where o.id = u.organisation) as organisation
    from audit u where u.resource_kind = 'person' and u.outcome = 'done' and u.shown is null and u.resource_id in (",
    records!(),
    ") order by u.id desc",
    most!()
);
// Those who were asked to hand somebody over saw the record that asks: that they were asked tells that they have the person.
/// The persons who have read of somebody.
const AUDIT_SHOWN: &str = concat!(
    "select u.occurred_at, u.action, s.kind, s.id, (select a.display_name from account a where a.id = u.actor) as account,
        (select o.name_zh from organisation o where o.id = u.organisation) as organisation
    from audit_shown s join audit u on u.shown = s.shown where s.kind = 'person'
        and (u.organisation = $2 or not exists (select 1 from audit_shown t where t.shown = s.shown and t.kind = 'transfer'))
        and s.id in (",
    records!(),
    ") order by u.occurred_at desc",
    most!()
);
/// The events by which the other services of the network were told.
const OUTBOX: &str = concat!(
    "select e.position, e.event_id, e.kind, e.subject, e.occurred_at
    from outbox e where e.subject in (",
    records!(),
    ") order by e.seq",
    most!()
);
/// The consults and visits that others tell, by number and time: of other organisations, and of the own ones consults that the
/// caller may not read.
const ELSEWHERE: &str = concat!(
    "select 'consult' as kind, (select o.name_zh from organisation o where o.id = c.inviting_id) as organisation,
        count(*) as things, min(c.created_at) as since, max(c.created_at) as until
    from consult c where c.inviting_id <> $3 and c.resident_id in (",
    records!(),
    ") group by c.inviting_id union all
    select 'visit' as kind, (select o.name_zh from organisation o where o.id = v.agency_id) as organisation,
        count(*) as things, min(v.created_at) as since, max(v.created_at) as until
    from visit v where v.agency_id <> $2 and v.person_id in (",
    records!(),
    ") group by v.agency_id order by kind, since",
    most!()
);

const fn section(name: &'static str, statement: &'static str) -> Section {
    Section { name, statement, json: &[], besides: Besides::Nothing }
}

const fn of_consults(name: &'static str, statement: &'static str) -> Section {
    Section { name, statement, json: &[], besides: Besides::Consults }
}

/// In the order in which they are told. Papers, care facts and unreadable texts, which lie sealed, come first.
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
    of_consults("consult_attendance", CONSULT_ATTENDANCE),
    Section { json: &["quality"], ..of_consults("consult_meeting", CONSULT_MEETING) },
    Section { json: &["result"], ..of_consults("consult_check", CONSULT_CHECK) },
    section("visit", VISIT),
    section("visit_proof", VISIT_PROOF),
    section("occupancy", OCCUPANCY),
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
    ["papers", "care", "unreadable_texts"].into_iter().chain(SECTIONS.iter().map(|section| section.name)).collect()
}
