-- What every service's schema has.

-- Events in the order they were written. One writer commits here, so `position` is given at
-- once; on PostgreSQL a sequencer gives it after commit.
create table outbox (
    seq         integer primary key autoincrement,
    position    integer unique,
    event_id    blob not null unique,
    kind        text not null,
    subject     blob not null,
    occurred_at text not null,
    data        text not null
) strict;
create index outbox_unplaced on outbox (seq) where position is null;

-- Which events a consumer has already taken effect of, and how far it has read.
create table inbox (
    consumer    text not null,
    event_id    blob not null,
    handled_at  text not null,
    primary key (consumer, event_id)
) strict;
create table inbox_cursor (
    consumer    text not null,
    publisher   text not null,
    position    integer not null,
    primary key (consumer, publisher)
) strict;
-- Events a consumer gave up on; an operator sees and replays them.
create table parked_event (
    consumer    text not null,
    event_id    blob not null,
    publisher   text not null,
    kind        text not null,
    subject     blob not null,
    occurred_at text not null,
    data        text not null,
    cause       text not null,
    attempts    integer not null,
    parked_at   text not null,
    primary key (consumer, event_id)
) strict;

create table audit (
    id            blob not null primary key,
    occurred_at   text not null,
    actor         blob,
    organisation  blob,
    action        text not null,
    resource_kind text not null,
    resource_id   blob,
    request_id    text not null,
    outcome       text not null
) strict;
create index audit_by_resource on audit (resource_kind, resource_id, occurred_at);
create index audit_by_actor on audit (actor, occurred_at);

create table idempotency (
    actor        blob not null,
    key          text not null,
    request_hash text not null,
    status       integer not null,
    body         text not null,
    created_at   text not null,
    primary key (actor, key)
) strict;
