-- Calls that ring at a telephone system, for the minutes in which a desk answers them. Of this one database: no backup has them.
create table _incoming_call (
    id         blob not null primary key,
    -- The telephone system, and its id of the signal: each is taken once.
    hook       text not null,
    signal     text not null,
    area_code  text not null,
    phone      text not null,
    at         text not null,
    unique (hook, signal)
) strict;
create index incoming_call_by_time on _incoming_call (at);
