-- 敲门行动: which doors are to be knocked on, and what was seen there.

create table door_round (
    id               uuid primary key,
    organisation_id  uuid not null,
    title            text not null,
    reason           text not null check (reason in ('routine', 'cold', 'heat', 'storm')),
    area_code        text not null references area (code),
    -- The days on which it is done, the last one included.
    starts_on        date not null,
    ends_on          date not null,
    created_at       timestamptz not null
);
create index door_round_by_day on door_round (ends_on, id);

create table door (
    id               uuid primary key,
    round_id         uuid not null references door_round (id),
    area_code        text not null references area (code),
    elder_name       text not null,
    phone            text,
    address          text,
    -- What the person who knocks should know: the key is at the neighbour's.
    remark           text,
    person_id        uuid,
    organisation_id  uuid,
    state            text not null,
    state_since      timestamptz not null,
    -- How often in a row nobody was met.
    missed           bigint not null,
    -- What an undone press goes back to; null where there is nothing to undo.
    undo_state       text,
    undo_missed      bigint,
    request_id       uuid references request (id),
    created_at       timestamptz not null,
    version          bigint not null
);
create index door_by_round on door (round_id, area_code);
create index door_by_area on door (area_code, state);
create index door_by_person on door (person_id) where person_id is not null;
create index door_by_request on door (request_id) where request_id is not null;
create index door_by_clock on door (state_since, id);
