-- Devices that the consults of a house share, such as an electrocardiograph on wheels: resources of the calendar, with as many lanes as
-- there are of it.
create table shared_device (
    id               blob not null primary key,
    organisation_id  blob not null references organisation (id),
    name             text not null,
    state            text not null default 'open' check (state in ('open', 'closed')),
    version          integer not null default 1,
    created_at       text not null
) strict;
create index shared_device_by_organisation on shared_device (organisation_id, name);

-- What is to be brought to a consult: at most three, the first ones first.
alter table consult add column device_1_id blob references shared_device (id);
alter table consult add column device_2_id blob references shared_device (id);
alter table consult add column device_3_id blob references shared_device (id);
