//! The statements of the file. A test holds them against the schema: a table or a column that is in no list is named there.
//! `$1` is a request, but for that of the person.

/// Rows of one kind for a request at most; one that has more says so.
pub(super) const ROWS_MAX: usize = 1_000;

/// The record to which one leads on today, over all that it went into.
pub(super) const LEADS_TO: &str =
    "with recursive up (id, height) as (select e.person_id, 0 from elder e where e.person_id = $1
        union all select e.merged_into, up.height + 1 from up join elder e on e.person_id = up.id
        where e.merged_into is not null and up.height < 20)
    select up.id from up order by up.height desc limit 1";
/// The requests of a person: of those who may see them is asked of each.
pub(super) const OF_PERSON: &str =
    "select r.id from request r where r.person_id = $1 order by r.received_at desc, r.id desc limit 1001";
/// The same requests, from now on those of one person.
pub(super) const REQUEST: &str = "select r.id, r.source, r.external_id, r.received_at, r.received_on, r.area_code,
        (select a.name_zh from area a where a.code = r.area_code) as area, r.category, r.category_raw, r.urgency, r.elder_name,
        r.phone, r.address, r.note, r.wanted_from, r.wanted_until, r.person_id, r.agency_id,
        (select g.name_zh from agency g where g.organisation_id = r.agency_id) as agency, r.visit_id, r.state, r.state_since,
        r.accepted_at, r.merged_into, r.created_at, r.version, r.triaged, r.organisation_id, r.number_day, r.number,
        r.paused_from, r.paused_until, r.satisfaction
    from request r where r.id = $1";
pub(super) const HISTORY: &str =
    "select h.version, h.at, h.actor, h.actor_name, h.organisation, h.step, h.from_state, h.to_state,
        h.reason, h.note
    from history h where h.aggregate = 'request' and h.id = $1 order by h.version limit 1001";
/// The persons who have read it.
pub(super) const AUDIT_SHOWN: &str = "select u.occurred_at, u.action, u.actor, u.organisation, s.kind, s.id
    from audit_shown s join audit u on u.shown = s.shown where s.kind = 'request' and s.id = $1
    order by u.occurred_at desc limit 1001";
/// The persons who have changed it.
pub(super) const AUDIT: &str = "select u.id, u.occurred_at, u.action, u.actor, u.organisation
    from audit u where u.resource_kind = 'request' and u.outcome = 'done' and u.shown is null and u.resource_id = $1
    order by u.id desc limit 1001";
/// The events by which the other services were told.
pub(super) const OUTBOX: &str = "select e.position, e.event_id, e.kind, e.subject, e.occurred_at
    from outbox e where e.subject = $1 order by e.seq limit 1001";
/// The joins of records by which it came to this person.
pub(super) const REQUEST_MOVED: &str = "select m.request_id, m.from_person, m.to_person
    from request_moved m where m.request_id = $1 limit 1001";
/// The person as this service knows them; `$1` is the person.
pub(super) const ELDER: &str =
    "select e.person_id, e.organisation_id, e.area_code, e.birth_year, e.sex, e.updated_at, e.merged_into,
        e.ended_as, e.ended_on
    from elder e where e.person_id in (select o.person_id from elder o where o.person_id = $1
        union all select o.person_id from elder o where o.merged_into = $1) order by e.person_id";

/// The doors at which a person was looked for: whether the caller may give them is asked of each.
pub(super) const DOORS_OF_PERSON: &str = "select d.id from door d where d.person_id in
        (select $1 union select e.person_id from elder e where e.merged_into = $1)
    order by d.created_at desc, d.id desc limit 1001";
/// One of them, and what was seen there.
pub(super) const DOOR: &str =
    "select d.id, d.round_id, d.area_code, d.elder_name, d.phone, d.address, d.remark, d.person_id, d.organisation_id,
        d.state, d.state_since, d.missed, d.request_id, d.created_at, d.version
    from door d where d.id = $1";
pub(super) const DOOR_HISTORY: &str =
    "select h.version, h.at, h.actor, h.actor_name, h.organisation, h.step, h.from_state, h.to_state, h.reason, h.note
    from history h where h.aggregate = 'door' and h.id = $1 order by h.version limit 1001";

/// The tables that are told, with their statements.
#[cfg(test)]
pub(super) const TOLD: &[(&str, &str)] = &[
    ("request", REQUEST),
    ("history", HISTORY),
    ("audit_shown", AUDIT_SHOWN),
    ("audit", AUDIT),
    ("outbox", OUTBOX),
    ("request_moved", REQUEST_MOVED),
    ("elder", ELDER),
    ("door", DOOR),
];
