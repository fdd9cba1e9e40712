-- What every service's schema has.

-- Events in the order they were written; `position` is given after commit, by one sequencer,
-- so that a reader's cursor never passes an event that commits late.
create table outbox (
    seq         bigint generated always as identity primary key,
    position    bigint unique,
    event_id    uuid not null unique,
    kind        text not null,
    subject     uuid not null,
    occurred_at timestamptz not null,
    data        jsonb not null
);
create index outbox_unplaced on outbox (seq) where position is null;

-- Which events a consumer has already taken effect of, and how far it has read.
create table inbox (
    consumer    text not null,
    event_id    uuid not null,
    handled_at  timestamptz not null,
    primary key (consumer, event_id)
);
create table inbox_cursor (
    consumer    text not null,
    publisher   text not null,
    position    bigint not null,
    primary key (consumer, publisher)
);
-- Events a consumer gave up on; an operator sees and replays them.
create table parked_event (
    consumer    text not null,
    event_id    uuid not null,
    publisher   text not null,
    kind        text not null,
    subject     uuid not null,
    occurred_at timestamptz not null,
    data        jsonb not null,
    cause       text not null,
    attempts    integer not null,
    parked_at   timestamptz not null,
    primary key (consumer, event_id)
);

create table audit (
    id            uuid primary key,
    occurred_at   timestamptz not null,
    actor         uuid,
    organisation  uuid,
    action        text not null,
    resource_kind text not null,
    resource_id   uuid,
    request_id    text not null,
    outcome       text not null
);
create index audit_by_resource on audit (resource_kind, resource_id, occurred_at);
create index audit_by_actor on audit (actor, occurred_at);

create table idempotency (
    actor        uuid not null,
    key          text not null,
    request_hash text not null,
    status       integer not null,
    body         jsonb not null,
    created_at   timestamptz not null,
    primary key (actor, key)
);
