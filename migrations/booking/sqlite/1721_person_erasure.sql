-- Somebody who was erased: an id without a name stays, so that counts and the calendar stay. The proof names nobody.
alter table person add column erased_at text;
alter table consult add column erased_at text;
alter table visit add column erased_at text;

-- Neither the account nor the organisation is referred to: the list of the erased outlives a restore of an older backup.
create table person_erasure (
    id               blob not null primary key,
    person_id        blob not null,
    -- The ids of the record and of all that were joined into it.
    records          text not null,
    cause            text not null check (cause in ('demand', 'retention', 'order')),
    organisation_id  blob not null,
    erased_by        blob not null,
    erased_at        text not null,
    -- How many rows were taken out or emptied, by table.
    taken            text not null,
    -- SHA-256 of all of the above.
    hash             text not null
) strict;
create unique index person_erasure_by_person on person_erasure (person_id);
create index person_erasure_by_organisation on person_erasure (organisation_id, erased_at);

-- A signed opinion remains for as long as its consult is not erased.
drop trigger consult_opinion_remains;
create trigger consult_opinion_remains before delete on consult_opinion when old.signed_at is not null
    and not exists (select 1 from consult c where c.id = old.consult_id and c.erased_at is not null)
begin
    select raise(abort, 'a signed opinion cannot be changed');
end;
