-- When the last backup of this network was made, so that somebody is told of its age; one row.
create table kept_backup (
    id      integer not null primary key check (id = 1),
    made_at text    not null
) strict;
