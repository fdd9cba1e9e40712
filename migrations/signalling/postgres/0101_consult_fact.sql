-- What happened in a consult's room, once each however many nodes saw it. `epoch`, `position` and `n` are
-- the place in the room's log, the same on every node.
create table consult_fact (
    epoch    uuid not null,
    position bigint not null,
    n        bigint not null,
    consult  uuid not null,
    kind     text not null,
    at       timestamptz not null,
    data     jsonb not null,
    primary key (epoch, position, n)
);
create index consult_fact_by_consult on consult_fact (consult, kind, at);

-- Tickets that whoever issued them took back.
create table ticket_revocation (
    event_id   uuid primary key,
    consult    uuid not null,
    ticket     uuid,
    person     uuid,
    revoked_at timestamptz not null
);
create index ticket_revocation_by_consult on ticket_revocation (consult);

-- Rooms of a relay that runs alone, as they were when it was told to stop.
create table room_snapshot (
    consult uuid primary key,
    data    bytea not null,
    at      timestamptz not null
);
