-- 分级流转: matters that are raised where people live, go up where a level cannot settle them, and come down with the answer.

create table matter (
    id               uuid primary key,
    organisation_id  uuid not null,
    -- Where it is; the level with which it lies is looked up from here, by the tree of the day.
    area_code        text not null references area (code),
    kind             text not null,
    title            text not null,
    -- The last words: why it went up, what was answered.
    said             text,
    raised_by        uuid,
    raised_name      text,
    raised_level     text not null,
    raised_at        timestamptz not null,
    -- A door, a request or a record of an elder that it is about; these go in their own time.
    door_id          uuid,
    request_id       uuid,
    person_id        uuid,
    state            text not null,
    level            text not null,
    state_since      timestamptz not null,
    -- By when the level with which it lies must have moved; null once it has ended.
    due_at           timestamptz,
    -- The local month in which it ended, 2026-11; null while it is open.
    ended_in         text,
    -- How often it was sent up, and opened again.
    sent             bigint not null,
    reopened         bigint not null,
    -- The number of its last stay.
    stay             bigint not null,
    version          bigint not null
);
create index matter_open on matter (area_code, due_at, id) where due_at is not null;
create index matter_ended on matter (ended_in, area_code) where ended_in is not null;
create index matter_by_clock on matter (state_since, id) where due_at is null;
create index matter_by_person on matter (person_id) where person_id is not null;
create index matter_by_door on matter (door_id) where door_id is not null;
create index matter_by_request on matter (request_id) where request_id is not null;

-- Each time that a matter lay with a level. It says nothing of what the matter is, so that numbers stay when the words go.
create table matter_stay (
    matter_id        uuid not null,
    nth              bigint not null,
    area_code        text not null references area (code),
    level            text not null,
    began_as         text not null check (began_as in ('raised', 'sent_up', 'answered', 'reopened')),
    began_at         timestamptz not null,
    due_at           timestamptz not null,
    ended_as         text check (ended_as in ('settled', 'answered', 'sent_up', 'taken_back')),
    ended_at         timestamptz,
    -- Local months, 2026-11.
    began_in         text not null,
    due_in           text not null,
    ended_in         text,
    -- How long it lay there, and at its settling how long it took in all and how often it had gone up.
    minutes          bigint,
    whole_minutes    bigint,
    sent             bigint,
    primary key (matter_id, nth)
);
create index matter_stay_by_begin on matter_stay (began_in, area_code);
create index matter_stay_by_due on matter_stay (due_in, area_code);
create index matter_stay_by_end on matter_stay (ended_in, area_code) where ended_in is not null;

-- The areas whose own people were here lately: where nobody is, a matter is sent on.
create table matter_post (
    area_code        text primary key references area (code),
    seen_on          date not null
);
