-- Elders whose record went into another's, and the requests that went with it, so that they can go back.

alter table elder add column merged_into uuid;
create index request_by_person on request (person_id) where person_id is not null;

create table request_moved (
    request_id   uuid not null references request (id),
    from_person  uuid not null,
    to_person    uuid not null,
    primary key (request_id, from_person)
);
create index request_moved_by_person on request_moved (from_person, to_person);
