-- What a subject's export and an erasure ask of one person.
create index person_transfer_by_person on person_transfer (person_id);
create index person_transfer_by_held on person_transfer (held_id) where held_id is not null;
create index person_join_by_other on person_join (other_id);
create index person_distinct_by_high on person_distinct (high_id);
create index emergency_access_by_person on emergency_access (person_id) where person_id is not null;
