-- Visit orders, their times, and proof of each visit.

-- A home visit (上门服务) from an accepted request to its end. Who is to be found where stands on the
-- order itself: the address of the visit need not be the one the person is registered at.
create table visit (
    id              blob not null primary key,
    request_id      blob not null,
    agency_id       blob not null references organisation (id),
    person_id       blob not null references person (id),
    service_type    text not null,
    name            text not null,
    phone           text not null,
    address         text not null,
    area_code       text not null,
    note            text not null,
    wanted_from     text,
    wanted_until    text,
    request_withdrawn integer not null check (request_withdrawn in (0, 1)),
    state           text not null check (state in ('requested', 'scheduled', 'in_service', 'completed', 'cancelled', 'no_show')),
    caregiver_id    blob references account (id),
    starts_at       text,
    ends_at         text,
    checked_in_at   text,
    checked_out_at  text,
    closed_at       text,
    closed_reason   text,
    created_at      text not null,
    version         integer not null,
    check (starts_at < ends_at),
    check ((caregiver_id is null) = (starts_at is null) and (caregiver_id is null) = (ends_at is null)),
    check (state not in ('scheduled', 'in_service', 'completed', 'no_show') or caregiver_id is not null),
    check (state not in ('in_service', 'completed') or checked_in_at is not null),
    check ((state = 'completed') = (checked_out_at is not null)),
    check ((state in ('cancelled', 'no_show')) = (closed_at is not null) and (closed_at is null) = (closed_reason is null))
) strict;
-- A request has one order that lives or was done; a new one may follow a cancelled one.
create unique index visit_by_request on visit (request_id) where state not in ('cancelled', 'no_show');
create index visit_by_agency on visit (agency_id, coalesce(starts_at, wanted_from, created_at), id);
create index visit_by_caregiver on visit (caregiver_id, starts_at);

-- Proof of a visit's start and end: with the order's service type and recipient, the six elements of
-- electronic visit verification. Written once, never changed.
create table visit_proof (
    visit_id     blob not null references visit (id),
    kind         text not null check (kind in ('check_in', 'check_out')),
    at           text not null,
    recorded_at  text not null,
    worker_id    blob not null references account (id),
    method       text not null check (method in ('gps', 'phone', 'manual')),
    latitude     real,
    longitude    real,
    accuracy_m   real,
    note         text,
    primary key (visit_id, kind),
    check ((latitude is null) = (longitude is null)),
    check (method <> 'gps' or latitude is not null)
) strict;
