-- What each connection of a person added up of its line, per direction. Rows of one person merge by adding.
create table consult_quality (
    consult   uuid not null,
    -- One connection to the room; its row is written again with greater sums as the visit goes on.
    segment   uuid not null,
    direction text not null check (direction in ('in', 'out')),
    -- The session that the connection belonged to: several connections of one are reconnects.
    session   uuid not null,
    person    uuid not null,
    began_at  timestamptz not null,
    until     timestamptz not null,
    totals    jsonb not null,
    primary key (consult, segment, direction)
);

-- The last check of camera, microphone and network that somebody made for a consult.
create table consult_precheck (
    consult uuid not null,
    person  uuid not null,
    at      timestamptz not null,
    result  jsonb not null,
    primary key (consult, person)
);
