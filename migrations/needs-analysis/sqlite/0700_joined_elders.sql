-- Elders whose record went into another's, and the requests that went with it, so that they can go back.

alter table elder add column merged_into blob;
create index request_by_person on request (person_id) where person_id is not null;

create table request_moved (
    request_id   blob not null references request (id),
    from_person  blob not null,
    to_person    blob not null,
    primary key (request_id, from_person)
) strict;
create index request_moved_by_person on request_moved (from_person, to_person);
