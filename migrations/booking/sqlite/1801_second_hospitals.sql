-- A doctor of two hospitals is registered in each, with hours of their own; the calendar knows one person. The first hospital stays in
-- practitioner, and hours that name no hospital are the first one's.

create table practitioner_elsewhere (
    account_id       blob not null references practitioner (account_id),
    organisation_id  blob not null references organisation (id),
    specialty        text not null,
    specialty_zh     text not null,
    specialty_en     text not null,
    title            text not null check (title in ('resident', 'attending', 'associate_chief', 'chief')),
    licence_no       text not null,
    created_at       text not null,
    primary key (account_id, organisation_id)
) strict;
create index practitioner_elsewhere_by_organisation on practitioner_elsewhere (organisation_id, specialty);

alter table practitioner_hours add column organisation_id blob references organisation (id);
alter table practitioner_exception add column organisation_id blob references organisation (id);
