//! The statements that read what a file tells of a person. Their parameters are told in [`super::sections`].

/// The record, and those that were joined into it. A record that was handed over stays with those who had it, and so do those
/// that were joined into that one before.
macro_rules! told_records {
    () => {
        "select p.id from person p where p.id = $1 or (p.merged_into = $1 and not exists
            (with recursive up (id) as (select p.id union all select j.survivor_id from up join person_join j on j.other_id = up.id
                where j.separated_at is null and j.transfer_id is null)
            select 1 from up join person_join t on t.other_id = up.id where t.separated_at is null and t.transfer_id is not null))"
    };
}

/// The consults that the organisation has asked for, where the caller may read them, of residents who follow.
macro_rules! own_consults {
    () => {
        "select c.id from consult c where c.inviting_id = $2 and c.inviting_id = $3 and c.resident_id in ("
    };
}

/// The visits that the organisation makes, to people who follow.
macro_rules! own_visits {
    () => {
        "select v.id from visit v where v.agency_id = $2 and v.person_id in ("
    };
}

/// The steps of things of one kind: each is found by its own index. Of other organisations' the account is not told.
macro_rules! history {
    () => {
        "select h.aggregate, h.id, h.version, h.at,
            case when coalesce(h.organisation, $2) = $2 then h.actor end as actor,
            case when coalesce(h.organisation, $2) = $2 then h.actor_name end as actor_name,
            h.organisation, h.step, h.from_state, h.to_state, h.reason, h.note
        from history h where h.aggregate = "
    };
}

/// One row more than a section has, so that more is seen.
macro_rules! most {
    () => {
        " limit 10001"
    };
}

pub(super) const RECORDS: &str =
    concat!("select p.id from person p where p.id in (", told_records!(), ") order by p.id");
pub(super) const KEPT_TEXTS: &str = concat!(
    "select s.id, s.kept_sealed from person_source s where s.organisation_id = $2 and s.kept_sealed is not null
        and s.person_id in (",
    told_records!(),
    ") order by s.id",
    most!()
);

pub(super) const DRAFTS: &str = concat!(
    "select d.id, d.changed_at, d.sealed from consult_draft d where d.organisation_id = $2 and d.resident_id in (",
    told_records!(),
    ") order by d.id",
    most!()
);

pub(super) const PERSON: &str = concat!(
    "select r.id, r.organisation_id, r.registered_by,
        (select o.name_zh from organisation o where o.id = coalesce(r.organisation_id, r.registered_by)) as organisation,
        r.name, r.sex, r.birth_date, r.phone, r.phones, r.paper_kind, r.address, r.area_code, r.guardian_name,
        r.guardian_phone, r.merged_into, r.state, r.ended_on, r.created_at, r.version
    from person r where r.id in (",
    told_records!(),
    ") order by r.id",
    most!()
);
pub(super) const CARE: &str = concat!(
    "select f.person_id, f.copied_from, f.changed_at, a.id as changed_by, a.display_name as account, f.version
    from person_care f left join account a on a.id = f.changed_by
        and exists (select 1 from membership m where m.account_id = a.id and m.organisation_id = $2) where f.person_id in (",
    told_records!(),
    ") order by f.person_id",
    most!()
);
pub(super) const SHARING: &str = concat!(
    "select s.id, s.person_id, s.scope, s.shared_with, s.given_by, s.given_name, s.told, s.given_on, s.recorded_at,
        a.id as recorded_by, a.display_name as account, s.state, s.withdrawn_at, s.version
    from person_sharing_consent s left join account a on a.id = s.recorded_by
        and exists (select 1 from membership m where m.account_id = a.id and m.organisation_id = $2) where s.person_id in (",
    told_records!(),
    ") order by s.id",
    most!()
);
pub(super) const TRANSFER: &str = concat!(
    "select t.id, t.person_id, t.to_organisation, (select o.name_zh from organisation o where o.id = t.to_organisation) as goes_to,
        t.from_organisation, (select o.name_zh from organisation o where o.id = t.from_organisation) as comes_from,
        t.agreed_by, t.agreed_name, t.agreed_how, t.agreed_on, t.note, t.asked_at,
        case when coalesce(t.to_organisation, t.from_organisation) = $2 then t.asked_by end as asked_by, t.state, t.decided_at,
        t.decided_by_organisation, t.held_id, t.reason, t.version
    from person_transfer t where (t.to_organisation = $2 or t.from_organisation = $2 or t.decided_by_organisation = $2)
        and t.id in (
        select k.id from person_transfer k where k.person_id in (",
    told_records!(),
    ") union all select k.id from person_transfer k where k.held_id in (",
    told_records!(),
    ")) order by t.id",
    most!()
);
// A move is told as a transfer, with what each side of it may know.
pub(super) const JOIN: &str = concat!(
    "select j.id, j.survivor_id, j.other_id, j.organisation_id, j.joined_at, a.id as joined_by, a.display_name as account,
        j.separated_at, case when j.organisation_id = $2 then j.separated_by end as separated_by, j.transfer_id
    from person_join j left join account a on a.id = j.joined_by and j.organisation_id = $2
    where (j.transfer_id is null or j.organisation_id = $2) and j.id in (select k.id from person_join k
        where k.survivor_id in (",
    told_records!(),
    ") union all select k.id from person_join k where k.other_id in (",
    told_records!(),
    ")) order by j.id",
    most!()
);
// What the record itself had (but for indexes of papers), before it took over the other's.
pub(super) const JOIN_FIELD: &str = concat!(
    "select f.join_id, f.field, f.former from person_join_field f where f.field not in ('national_id', 'paper')
        and f.join_id in (select j.id from person_join j where j.survivor_id in (",
    told_records!(),
    ")) order by f.join_id, f.field",
    most!()
);
pub(super) const JOIN_MOVED: &str = concat!(
    "select m.join_id, m.kind, m.moved_id from person_join_moved m where m.join_id in
        (select j.id from person_join j where j.transfer_id is null and j.survivor_id in (",
    told_records!(),
    ")) order by m.join_id, m.kind, m.moved_id",
    most!()
);
pub(super) const DISTINCT: &str = concat!(
    "select d.low_id, d.high_id, d.declined_at, d.declined_by, d.organisation_id
    from person_distinct d where d.organisation_id = $2 and d.low_id in (",
    told_records!(),
    ") union select d.low_id, d.high_id, d.declined_at, d.declined_by, d.organisation_id
    from person_distinct d where d.organisation_id = $2 and d.high_id in (",
    told_records!(),
    ") order by declined_at",
    most!()
);
// Those of other organisations are their own affair.
pub(super) const HOLD: &str = concat!(
    "select h.id, h.person_id, h.organisation_id, h.reason, h.set_at, h.set_by, h.lifted_at, h.lifted_by, h.lift_reason
    from person_hold h where h.organisation_id = $2 and h.person_id in (",
    told_records!(),
    ") order by h.set_at",
    most!()
);
pub(super) const SOURCE: &str = concat!(
    "select s.id, s.organisation_id, s.source, s.external_id, s.person_id, s.imported_at
    from person_source s where s.organisation_id = $2 and s.person_id in (",
    told_records!(),
    ") order by s.id",
    most!()
);
// The account, its reason and the remark are for those to whom its own policy shows it (`w`): the office that watches, `$2`, but
// for the account `$4`, and the account that opened it, `$3`.
pub(super) const EMERGENCY: &str = concat!(
    "select e.id, w.account_id, (select a.display_name from account a where a.id = w.account_id) as account, w.ordinal,
        e.organisation_id, (select o.name_zh from organisation o where o.id = e.organisation_id) as organisation,
        w.office_id, w.sign, e.outcome, e.person_id, w.reason, e.opened_at, e.ends_at, w.reviewed_by, w.reviewed_at,
        w.remark, w.version
    from emergency_access e left join emergency_access w on w.id = e.id
        and (w.account_id = $3 or (w.office_id = $2 and w.account_id <> $4))
    where e.person_id in (",
    told_records!(),
    ") order by e.id",
    most!()
);
// Of what other organisations have booked the times are told, while it is not over.
pub(super) const OCCUPANCY: &str = concat!(
    "select o.id, o.resource_id, o.lane, o.starts_at, o.ends_at, o.holder_kind, o.holder_id, o.expires_at
    from occupancy o where (o.holder_id in (",
    own_consults!(),
    told_records!(),
    ")) or o.holder_id in (",
    own_visits!(),
    told_records!(),
    "))) and o.resource_id in (",
    told_records!(),
    ") union all select o.id, o.resource_id, null, o.starts_at, o.ends_at, null, null, null
    from occupancy o where o.holder_id not in (",
    own_consults!(),
    told_records!(),
    ")) and o.holder_id not in (",
    own_visits!(),
    told_records!(),
    ")) and (exists (select 1 from consult c where c.id = o.holder_id
            and c.state not in ('adopted', 'archived', 'rejected', 'cancelled', 'no_show', 'expired'))
        or exists (select 1 from visit v where v.id = o.holder_id and v.state in ('requested', 'scheduled', 'in_service')))
        and o.resource_id in (",
    told_records!(),
    ") order by starts_at, id",
    most!()
);
pub(super) const CONSULT: &str = concat!(
    "select c.id, c.inviting_id, c.invited_id,
        (select o.name_zh from organisation o where o.id = c.invited_id) as organisation, c.resident_id, c.requested_by,
        (select a.display_name from account a where a.id = c.requested_by) as account, c.reason, c.purpose, c.wanted_from,
        c.wanted_until, c.case_summary, c.wanted_specialty, c.wanted_title, c.urgency,
        c.asked_doctor_id, c.asked_room_id, c.asked_starts_at, c.asked_ends_at,
        c.device_1_id, c.device_2_id, c.device_3_id, c.state, c.state_note, c.state_since, c.doctor_id,
        (select a.display_name from account a where a.id = c.doctor_id) as doctor, c.room_id, c.starts_at, c.ends_at,
        c.delay_minutes, c.overbooked_starts_at, c.started_at, c.finished_at, c.created_at, c.version
    from consult c where c.id in (",
    own_consults!(),
    told_records!(),
    ")) order by c.id",
    most!()
);
pub(super) const CONSULT_CONSENT: &str = concat!(
    "select x.id, x.consult_id, x.given_by, x.name, x.relation, x.method, x.witness, x.given_at, x.recorded_by, x.recorded_at,
        x.withdrawn_at, x.withdrawn_by
    from consult_consent x where x.consult_id in (",
    own_consults!(),
    told_records!(),
    ")) order by x.id",
    most!()
);
// A draft is nobody's opinion yet.
pub(super) const CONSULT_OPINION: &str = concat!(
    "select x.consult_id, x.impression, x.differential, x.suggested_tests, x.suggested_treatment, x.referral_advice,
        x.follow_up, x.risk_notes, x.saved_by, x.saved_at, x.version, x.signed_at, x.signer_id, x.signer_name, x.signer_title,
        x.signer_institution, x.signer_licence_no, x.content_hash
    from consult_opinion x where x.signed_at is not null and x.consult_id in (",
    own_consults!(),
    told_records!(),
    ")) order by x.consult_id",
    most!()
);
pub(super) const CONSULT_FEEDBACK: &str = concat!(
    "select x.consult_id, x.decision, x.note, x.recorded_by, x.recorded_at
    from consult_feedback x where x.consult_id in (",
    own_consults!(),
    told_records!(),
    ")) order by x.consult_id",
    most!()
);
pub(super) const CONSULT_GUEST: &str = concat!(
    "select x.id, x.consult_id, x.name, x.relation, x.role, x.created_by, x.created_at, x.expires_at, x.revoked_at, x.revoked_by,
        x.first_id
    from consult_guest x where x.consult_id in (",
    own_consults!(),
    told_records!(),
    ")) order by x.id",
    most!()
);
pub(super) const CONSULT_TICKET: &str = concat!(
    "select x.id, x.consult_id, x.person, x.name, x.role, x.organisation_id, x.issued_at, x.expires_at, x.revoked_at,
        x.revoked_by
    from consult_ticket x where x.consult_id in (",
    own_consults!(),
    told_records!(),
    ")) order by x.id",
    most!()
);
pub(super) const CONSULT_ATTENDANCE: &str = concat!(
    "select x.consult_id, x.person, x.role, x.joined_at, x.left_at
    from consult_attendance x where x.consult_id in (",
    own_consults!(),
    told_records!(),
    ")) order by x.joined_at",
    most!()
);
pub(super) const CONSULT_FETCH: &str = concat!(
    "select x.id, x.consult_id, x.starts_at, x.fetched_by, x.recorded_at, x.withdrawn_at, x.withdrawn_by
    from consult_fetch x where x.consult_id in (",
    own_consults!(),
    told_records!(),
    ")) order by x.id",
    most!()
);
pub(super) const HANDOVER_ITEM: &str = concat!(
    "select x.handover_id, x.place, x.consult_id, x.facts
    from shift_handover_item x where x.consult_id in (",
    own_consults!(),
    told_records!(),
    ")) order by x.handover_id, x.place",
    most!()
);
pub(super) const CONSULT_MEETING: &str = concat!(
    "select x.consult_id, x.together_seconds, x.escalated_person, x.escalated_role, x.escalated_since, x.escalated_at, x.quality
    from consult_meeting x where x.consult_id in (",
    own_consults!(),
    told_records!(),
    ")) order by x.consult_id",
    most!()
);
pub(super) const CONSULT_CHECK: &str = concat!(
    "select x.consult_id, x.person, x.role, x.at, x.result
    from consult_check x where x.consult_id in (",
    own_consults!(),
    told_records!(),
    ")) order by x.at",
    most!()
);
pub(super) const VISIT: &str = concat!(
    "select v.id, v.request_id, v.agency_id, v.person_id, v.service_type, v.name, v.phone, v.address, v.area_code, v.note,
        v.wanted_from, v.wanted_until, v.request_withdrawn, v.state, v.caregiver_id,
        (select a.display_name from account a where a.id = v.caregiver_id) as caregiver, v.starts_at, v.ends_at,
        v.checked_in_at, v.checked_out_at, v.closed_at, v.closed_reason, v.created_at, v.version
    from visit v where v.id in (",
    own_visits!(),
    told_records!(),
    ")) order by v.id",
    most!()
);
pub(super) const VISIT_PROOF: &str = concat!(
    "select x.visit_id, x.kind, x.at, x.recorded_at, x.worker_id, x.method, x.latitude, x.longitude, x.accuracy_m, x.note
    from visit_proof x where x.visit_id in (",
    own_visits!(),
    told_records!(),
    ")) order by x.at",
    most!()
);
pub(super) const HISTORY: &str = concat!(
    history!(),
    "'person' and h.id in (",
    told_records!(),
    ") union all ",
    history!(),
    "'consult' and h.id in (",
    own_consults!(),
    told_records!(),
    ")) union all ",
    history!(),
    "'visit' and h.id in (",
    own_visits!(),
    told_records!(),
    ")) union all ",
    history!(),
    "'sharing_consent' and h.id in (select s.id from person_sharing_consent s where s.person_id in (",
    told_records!(),
    ")) union all ",
    history!(),
    "'transfer' and h.id in (select t.id from person_transfer t
        where (t.to_organisation = $2 or t.from_organisation = $2 or t.decided_by_organisation = $2) and t.id in (
        select k.id from person_transfer k where k.person_id in (",
    told_records!(),
    ") union all select k.id from person_transfer k where k.held_id in (",
    told_records!(),
    "))) order by at, id, version",
    most!()
);
// Of what others did the organisation and the time are told; their holds are their own affair.
/// The changes to the record.
pub(super) const AUDIT: &str = concat!(
    "select u.id, u.occurred_at, u.action, a.id as actor, a.display_name as account,
        u.organisation as organisation_id, (select o.name_zh from organisation o where o.id = u.organisation) as organisation
    from audit u left join account a on a.id = u.actor and u.organisation = $2
    where u.resource_kind = 'person' and u.outcome = 'done' and u.shown is null
        and (u.organisation = $2 or u.action not in ('person.hold', 'person.lift_hold')) and u.resource_id in (",
    told_records!(),
    ") order by u.id desc",
    most!()
);
// Those who were asked to hand somebody over saw the record that asks: that they were asked tells that they have the person.
/// The persons who have read of somebody.
pub(super) const AUDIT_SHOWN: &str = concat!(
    "select u.occurred_at, u.action, s.kind, s.id, a.display_name as account,
        (select o.name_zh from organisation o where o.id = u.organisation) as organisation
    from audit_shown s join audit u on u.shown = s.shown
    left join account a on a.id = u.actor and u.organisation = $2 where s.kind = 'person'
        and (u.organisation = $2 or not exists (select 1 from audit_shown t where t.shown = s.shown and t.kind = 'transfer'))
        and s.id in (",
    told_records!(),
    ") order by u.occurred_at desc",
    most!()
);
/// The events by which the other services of the network were told.
pub(super) const OUTBOX: &str = concat!(
    "select e.position, e.event_id, e.kind, e.subject, e.occurred_at
    from outbox e where e.subject in (",
    told_records!(),
    ") order by e.seq",
    most!()
);
/// The consults and visits that others tell, by number and time: of other organisations, and of the own ones consults that the
/// caller may not read.
pub(super) const ELSEWHERE: &str = concat!(
    "select 'consult' as kind, (select o.name_zh from organisation o where o.id = c.inviting_id) as organisation,
        count(*) as things, min(c.created_at) as since, max(c.created_at) as until
    from consult c where c.inviting_id <> $3 and c.resident_id in (",
    told_records!(),
    ") group by c.inviting_id union all
    select 'visit' as kind, (select o.name_zh from organisation o where o.id = v.agency_id) as organisation,
        count(*) as things, min(v.created_at) as since, max(v.created_at) as until
    from visit v where v.agency_id <> $2 and v.person_id in (",
    told_records!(),
    ") group by v.agency_id order by kind, since",
    most!()
);
