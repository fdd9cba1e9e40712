-- One line for each step of each aggregate's life, whichever service and table the aggregate is of.
create table history (
    aggregate    text not null,
    id           uuid not null,
    -- The version of the aggregate that the step made.
    version      bigint not null,
    at           timestamptz not null,
    -- The account, its name at that time and its organisation; null where nobody was logged in.
    actor        uuid,
    actor_name   text,
    organisation uuid,
    step         text not null,
    from_state   text,
    to_state     text not null,
    reason       text,
    note         text,
    primary key (aggregate, id, version)
);
