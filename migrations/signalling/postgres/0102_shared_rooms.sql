-- Who writes the first entry of a room's log: one node at a time. A claim that has become old may be taken over.
create table room_opening (
    consult uuid primary key,
    node    bigint not null,
    at      timestamptz not null
);

-- Which nodes hold which rooms, so that another looks after the rooms of one that is gone.
create table room_holder (
    consult uuid not null,
    node    bigint not null,
    primary key (consult, node)
);
create index room_holder_by_node on room_holder (node, consult);
