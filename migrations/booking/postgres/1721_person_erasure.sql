-- Somebody who was erased: an id without a name stays, so that counts and the calendar stay. The proof names nobody.
alter table person add column erased_at timestamptz;
alter table consult add column erased_at timestamptz;
alter table visit add column erased_at timestamptz;

-- Neither the account nor the organisation is referred to: the list of the erased outlives a restore of an older backup.
create table person_erasure (
    id               uuid primary key,
    person_id        uuid not null,
    -- The ids of the record and of all that were joined into it.
    records          jsonb not null,
    cause            text not null check (cause in ('demand', 'retention', 'order')),
    organisation_id  uuid not null,
    erased_by        uuid not null,
    erased_at        timestamptz not null,
    -- How many rows were taken out or emptied, by table.
    taken            jsonb not null,
    -- SHA-256 of all of the above.
    hash             text not null
);
create unique index person_erasure_by_person on person_erasure (person_id);
create index person_erasure_by_organisation on person_erasure (organisation_id, erased_at);

-- A signed opinion remains for as long as its consult is not erased.
create or replace function consult_opinion_is_signed() returns trigger language plpgsql as
    'begin
        if tg_op = ''DELETE'' and exists (select 1 from consult c where c.id = old.consult_id and c.erased_at is not null) then
            return old;
        end if;
        raise exception ''a signed opinion cannot be changed'';
    end';
