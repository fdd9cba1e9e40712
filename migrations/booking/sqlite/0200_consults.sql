-- The one calendar, doctors' hours, consults from request to signed opinion.

-- Who or what is taken when. A resource is a doctor's or caregiver's account, a person, or a room;
-- capacity n is lanes 0 to n-1. The trigger, not the code, rules out a double booking; it passes
-- over a row that would overlap, so whoever inserts counts the rows.
create table occupancy (
    id           blob not null primary key,
    resource_id  blob not null,
    lane         integer not null check (lane >= 0),
    starts_at    text not null,
    ends_at      text not null,
    holder_kind  text not null check (holder_kind in ('consult', 'visit')),
    holder_id    blob not null,
    expires_at   text,
    check (starts_at < ends_at),
    -- Texts sort as times only while all are written alike.
    check (starts_at like '%+00:00' and ends_at like '%+00:00'),
    check (expires_at like '%+00:00')
) strict;
create index occupancy_by_resource on occupancy (resource_id, lane, starts_at);
create index occupancy_by_holder on occupancy (holder_kind, holder_id);
create index occupancy_by_expiry on occupancy (resource_id, expires_at) where expires_at is not null;

-- Rows of one lane never overlap, so only the last one that starts before the new one's end can.
create trigger occupancy_is_exclusive before insert on occupancy
when (select o.ends_at from occupancy o
      where o.resource_id = new.resource_id and o.lane = new.lane and o.starts_at < new.ends_at
      order by o.starts_at desc limit 1) > new.starts_at
begin
    select raise(ignore);
end;
create trigger occupancy_stays before update of resource_id, lane, starts_at, ends_at on occupancy
begin
    select raise(abort, 'a booking is moved by a new row');
end;

-- A doctor as the network knows one: FHIR PractitionerRole.
create table practitioner (
    account_id       blob not null primary key references account (id),
    organisation_id  blob not null references organisation (id),
    specialty        text not null,
    specialty_zh     text not null,
    specialty_en     text not null,
    title            text not null check (title in ('resident', 'attending', 'associate_chief', 'chief')),
    licence_no       text not null,
    created_at       text not null
) strict;
create index practitioner_by_organisation on practitioner (organisation_id, specialty);

-- Weekly hours as minutes of the local day in the hospital's zone; ISO weekdays, Monday is 1.
create table practitioner_hours (
    id            blob not null primary key,
    account_id    blob not null references practitioner (account_id),
    weekday       integer not null check (weekday between 1 and 7),
    start_minute  integer not null check (start_minute between 0 and 1439),
    end_minute    integer not null check (end_minute between 1 and 1440),
    slot_minutes  integer not null check (slot_minutes between 5 and 240),
    valid_from    text not null,
    valid_to      text,
    check (start_minute < end_minute)
) strict;
create index practitioner_hours_by_account on practitioner_hours (account_id, weekday);

-- A day off (the whole day), or hours beside the weekly ones.
create table practitioner_exception (
    id            blob not null primary key,
    account_id    blob not null references practitioner (account_id),
    on_date       text not null,
    kind          text not null check (kind in ('closed', 'extra')),
    start_minute  integer check (start_minute between 0 and 1439),
    end_minute    integer check (end_minute between 1 and 1440),
    slot_minutes  integer check (slot_minutes between 5 and 240),
    check ((kind = 'closed') = (start_minute is null)),
    check ((start_minute is null) = (end_minute is null) and (start_minute is null) = (slot_minutes is null)),
    check (start_minute < end_minute)
) strict;
create index practitioner_exception_by_account on practitioner_exception (account_id, on_date);

create table consult (
    id                blob not null primary key,
    inviting_id       blob not null references organisation (id),
    invited_id        blob not null references organisation (id),
    resident_id       blob not null references person (id),
    requested_by      blob not null references account (id),
    reason            text not null,
    purpose           text not null,
    wanted_from       text not null,
    wanted_until      text not null,
    case_summary      text not null,
    wanted_specialty  text not null,
    wanted_title      text check (wanted_title in ('resident', 'attending', 'associate_chief', 'chief')),
    state             text not null check (state in ('draft', 'submitted', 'returned', 'rejected', 'accepted', 'scheduled',
                          'in_session', 'opinion_draft', 'signed', 'adopted', 'archived', 'cancelled', 'no_show', 'expired')),
    state_note        text,
    state_since       text not null,
    doctor_id         blob references account (id),
    room_id           blob references location (id),
    starts_at         text,
    ends_at           text,
    delay_minutes     integer not null check (delay_minutes between 0 and 240),
    started_at        text,
    finished_at       text,
    created_at        text not null,
    version           integer not null,
    check (wanted_from < wanted_until),
    check (starts_at < ends_at),
    check (state not in ('scheduled', 'in_session', 'opinion_draft', 'signed', 'adopted', 'archived', 'no_show')
           or (doctor_id is not null and room_id is not null and starts_at is not null and ends_at is not null)),
    check (state <> 'accepted' or doctor_id is not null)
) strict;
create index consult_by_inviting on consult (inviting_id, id);
create index consult_by_invited on consult (invited_id, id);
create index consult_by_doctor on consult (doctor_id, starts_at);
create index consult_by_state on consult (state, wanted_until);

-- What happened to a consult, as both sides see it.
create table consult_event (
    id          blob not null primary key,
    consult_id  blob not null references consult (id),
    version     integer not null,
    at          text not null,
    actor       blob,
    actor_name  text,
    action      text not null,
    from_state  text,
    to_state    text not null,
    note        text
) strict;
create unique index consult_event_by_consult on consult_event (consult_id, version);

-- Nobody enters a room without one that stands.
create table consult_consent (
    id            blob not null primary key,
    consult_id    blob not null references consult (id),
    given_by      text not null check (given_by in ('resident', 'guardian')),
    name          text not null,
    relation      text,
    method        text not null check (method in ('written', 'verbal_with_witness')),
    witness       text,
    given_at      text not null,
    recorded_by   blob not null references account (id),
    recorded_at   text not null,
    withdrawn_at  text,
    withdrawn_by  blob references account (id),
    check (given_by = 'resident' or relation is not null),
    check (method = 'written' or witness is not null)
) strict;
create index consult_consent_by_consult on consult_consent (consult_id, recorded_at);

create table consult_opinion (
    consult_id           blob not null primary key references consult (id),
    impression           text not null,
    differential         text not null,
    suggested_tests      text not null,
    suggested_treatment  text not null,
    referral_advice      text not null,
    follow_up            text not null,
    risk_notes           text not null,
    saved_by             blob not null references account (id),
    saved_at             text not null,
    version              integer not null,
    signed_at            text,
    signer_id            blob references account (id),
    signer_name          text,
    signer_title         text,
    signer_institution   text,
    signer_licence_no    text,
    content_hash         text,
    check ((signed_at is null) = (signer_id is null) and (signed_at is null) = (signer_name is null)
           and (signed_at is null) = (signer_title is null) and (signed_at is null) = (signer_institution is null)
           and (signed_at is null) = (signer_licence_no is null) and (signed_at is null) = (content_hash is null))
) strict;

-- A signed opinion is a record: no statement changes it.
create trigger consult_opinion_stays before update on consult_opinion when old.signed_at is not null
begin
    select raise(abort, 'a signed opinion cannot be changed');
end;
create trigger consult_opinion_remains before delete on consult_opinion when old.signed_at is not null
begin
    select raise(abort, 'a signed opinion cannot be changed');
end;

-- What the inviting side did with the opinion; it decides and answers for that.
create table consult_feedback (
    consult_id   blob not null primary key references consult (id),
    decision     text not null check (decision in ('adopted', 'partly_adopted', 'not_adopted')),
    note         text not null,
    recorded_by  blob not null references account (id),
    recorded_at  text not null
) strict;

-- A family member's way in; the secret itself is not kept.
create table consult_guest (
    id          blob not null primary key,
    consult_id  blob not null references consult (id),
    name        text not null,
    relation    text not null,
    token_hash  text not null unique,
    created_by  blob not null references account (id),
    created_at  text not null,
    expires_at  text not null,
    revoked_at  text
) strict;
create index consult_guest_by_consult on consult_guest (consult_id, created_at);
