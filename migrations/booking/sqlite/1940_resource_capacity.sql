-- How many bookings a resource of the calendar takes at one time, where it is not one: its lanes are 0 to capacity-1.
create table resource_capacity (
    resource_id  blob not null primary key,
    capacity     integer not null check (capacity between 2 and 20)
) strict;
