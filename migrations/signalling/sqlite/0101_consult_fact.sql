-- What happened in a consult's room, once each however many nodes saw it. `epoch`, `position` and `n` are
-- the place in the room's log, the same on every node.
create table consult_fact (
    epoch    blob not null,
    position integer not null,
    n        integer not null,
    consult  blob not null,
    kind     text not null,
    at       text not null,
    data     text not null,
    primary key (epoch, position, n)
) strict;
create index consult_fact_by_consult on consult_fact (consult, kind, at);

-- Tickets that whoever issued them took back.
create table ticket_revocation (
    event_id   blob primary key not null,
    consult    blob not null,
    ticket     blob,
    person     blob,
    revoked_at text not null
) strict;
create index ticket_revocation_by_consult on ticket_revocation (consult);

-- Rooms of a relay that runs alone, as they were when it was told to stop.
create table room_snapshot (
    consult blob primary key not null,
    data    blob not null,
    at      text not null
) strict;
