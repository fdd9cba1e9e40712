-- What booking and the relay tell each other of a consult's room.

-- As whom the holder of a link enters.
alter table consult_guest add column role text not null default 'guest'
    check (role in ('guest', 'interpreter', 'observer'));

-- Tickets that were issued, so that they can be taken back.
create table consult_ticket (
    id               blob not null primary key,
    consult_id       blob not null references consult (id),
    person           blob not null,
    name             text not null,
    role             text not null,
    -- The side that answers for the person; the inviting one for the family.
    organisation_id  blob not null references organisation (id),
    issued_at        text not null,
    expires_at       text not null,
    revoked_at       text
) strict;
create index consult_ticket_by_consult on consult_ticket (consult_id, issued_at);

-- Who was in the room, as the relay saw it.
create table consult_attendance (
    consult_id  blob not null references consult (id),
    person      blob not null,
    role        text not null,
    joined_at   text not null,
    left_at     text,
    primary key (consult_id, person, joined_at)
) strict;

-- What else the relay told of the meeting.
create table consult_meeting (
    consult_id         blob not null primary key references consult (id),
    together_seconds   integer,
    escalated_person   blob,
    escalated_role     text,
    escalated_since    text,
    escalated_at       text,
    quality            text
) strict;
create index consult_meeting_escalated on consult_meeting (escalated_at) where escalated_at is not null;

-- The last check of camera, microphone and network of everybody who made one.
create table consult_check (
    consult_id  blob not null references consult (id),
    person      blob not null,
    role        text not null,
    at          text not null,
    result      text not null,
    primary key (consult_id, person)
) strict;
