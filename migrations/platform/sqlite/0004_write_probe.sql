-- Where `/readyz` finds out whether anything can be written; always empty.
create table write_probe (
    id      integer not null primary key,
    filler  blob not null
) strict;
