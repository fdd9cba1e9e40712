-- What booking and the relay tell each other of a consult's room.

-- As whom the holder of a link enters.
alter table consult_guest add column role text not null default 'guest'
    check (role in ('guest', 'interpreter', 'observer'));

-- Tickets that were issued, so that they can be taken back.
create table consult_ticket (
    id               uuid not null primary key,
    consult_id       uuid not null references consult (id),
    person           uuid not null,
    name             text not null,
    role             text not null,
    -- The side that answers for the person; the inviting one for the family.
    organisation_id  uuid not null references organisation (id),
    issued_at        timestamptz not null,
    expires_at       timestamptz not null,
    revoked_at       timestamptz
);
create index consult_ticket_by_consult on consult_ticket (consult_id, issued_at);

-- Who was in the room, as the relay saw it.
create table consult_attendance (
    consult_id  uuid not null references consult (id),
    person      uuid not null,
    role        text not null,
    joined_at   timestamptz not null,
    left_at     timestamptz,
    primary key (consult_id, person, joined_at)
);

-- What else the relay told of the meeting.
create table consult_meeting (
    consult_id         uuid not null primary key references consult (id),
    together_seconds   bigint,
    escalated_person   uuid,
    escalated_role     text,
    escalated_since    timestamptz,
    escalated_at       timestamptz,
    quality            jsonb
);
create index consult_meeting_escalated on consult_meeting (escalated_at) where escalated_at is not null;

-- The last check of camera, microphone and network of everybody who made one.
create table consult_check (
    consult_id  uuid not null references consult (id),
    person      uuid not null,
    role        text not null,
    at          timestamptz not null,
    result      jsonb not null,
    primary key (consult_id, person)
);
