-- Two kinds of organisation more: communities and community health centres. A room may be renamed, closed and reopened: a
-- life cycle.

-- Only the check of the column changes, so the stored text of the table does. This is how SQLite's own documentation loosens a
-- check: the rows stay as they are, and the statements below let every connection read the text anew.
pragma writable_schema = on;
update sqlite_schema set sql = replace(sql, '''street_office'')', '''street_office'', ''community'', ''health_centre'')')
where type = 'table' and name = 'organisation';
pragma writable_schema = off;

alter table location add column state text not null default 'open' check (state in ('open', 'closed'));
alter table location add column version integer not null default 1;
create index location_by_organisation on location (organisation_id, name);
