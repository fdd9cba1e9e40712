-- Where `/readyz` finds out whether anything can be written; always empty.
create table write_probe (
    id      bigint not null primary key,
    filler  bytea not null
);
