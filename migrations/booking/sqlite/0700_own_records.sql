-- Registering somebody makes one's own record, whoever else has one: whose it is, and one record of a national id each.
alter table person add column registered_by blob references organisation (id);
create index person_by_registrar on person (registered_by, name, id);

-- Of elders at home who were registered by people, the audit knows by whose.
update person set registered_by =
    (select a.organisation from audit a join organisation o on o.id = a.organisation
     where a.action = 'person.create' and a.resource_kind = 'person' and a.resource_id = person.id limit 1)
where organisation_id is null;

drop index person_by_national_id;
create index person_by_index on person (national_id_index) where merged_into is null;
create unique index person_of_home on person (organisation_id, national_id_index) where merged_into is null;
create unique index person_of_registrar on person (registered_by, national_id_index)
    where merged_into is null and organisation_id is null;
create unique index person_of_network on person (national_id_index)
    where merged_into is null and organisation_id is null and registered_by is null;

-- By whom an elder was visited: whose people may know the elder.
create index visit_by_person on visit (person_id, agency_id);
