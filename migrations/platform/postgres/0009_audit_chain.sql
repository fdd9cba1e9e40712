-- The audit log as a chain: a row's place, and a hash of it and of the row before it. A task gives both after the commit.
alter table audit add column position bigint;
alter table audit add column link bytea;
-- The address that the request came from; null for events, timers and the command line.
alter table audit add column address text;
-- Partial, so that a row that is written costs one entry of an index and not two.
create unique index audit_by_position on audit (position) where position is not null;
create index audit_unlinked on audit (id) where position is null;
-- An organisation's rows, newest first.
create index audit_by_organisation on audit (organisation, id);

-- One row: the last place that was given. The chain goes on from here even when every row has been pruned.
create table audit_head (
    id          integer not null primary key check (id = 1),
    position    bigint not null,
    link        bytea not null,
    linked_at   timestamptz not null
);
-- One row: the last place that retention has taken away, signed. The chain is verified from behind it.
create table audit_pruning (
    id          integer not null primary key check (id = 1),
    position    bigint not null,
    link        bytea not null,
    pruned_at   timestamptz not null,
    signature   bytea not null
);
