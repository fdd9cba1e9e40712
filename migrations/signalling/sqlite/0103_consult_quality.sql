-- What each connection of a person added up of its line, per direction. Rows of one person merge by adding.
create table consult_quality (
    consult   blob not null,
    -- One connection to the room; its row is written again with greater sums as the visit goes on.
    segment   blob not null,
    direction text not null check (direction in ('in', 'out')),
    -- The session that the connection belonged to: several connections of one are reconnects.
    session   blob not null,
    person    blob not null,
    began_at  text not null,
    until     text not null,
    totals    text not null,
    primary key (consult, segment, direction)
) strict;

-- The last check of camera, microphone and network that somebody made for a consult.
create table consult_precheck (
    consult blob not null,
    person  blob not null,
    at      text not null,
    result  text not null,
    primary key (consult, person)
) strict;
