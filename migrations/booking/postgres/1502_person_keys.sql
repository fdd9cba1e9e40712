-- The keys by which people are looked up: each tail of a name, a telephone and an address, spellings, papers by blind
-- indexes. A record whose keys_form is behind that of the code is keyed at the next start.
alter table person add column national_id_tail text;
alter table person add column paper_tail text;
alter table person add column keys_form integer not null default 0;
create index person_unkeyed on person (keys_form, id);

create table person_key (
    scope      uuid not null,
    key        text collate "C" not null,
    person_id  uuid not null references person (id),
    area_code  text,
    primary key (scope, key, person_id)
);
create index person_key_by_person on person_key (person_id);
