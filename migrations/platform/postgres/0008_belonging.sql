-- What belongs together: the event that a reader has heard last, and the secret that this database was written under.
alter table inbox_cursor add column event_id uuid;

-- One row. The marks are one-way: nothing of the secret can be computed from them.
create table network_mark (
    id          integer primary key check (id = 1),
    root        text not null,
    marked_at   timestamptz not null
);
create table field_key_mark (
    key_id      bigint primary key,
    mark        text not null,
    marked_at   timestamptz not null
);
