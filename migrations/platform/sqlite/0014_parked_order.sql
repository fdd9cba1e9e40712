-- The order of parked events: where each stood in its publisher's log, and whether later ones of its subject have been taken
-- since. Null for what was taken or parked before this was noted.
alter table parked_event add column position integer;
alter table inbox add column subject blob;
alter table inbox add column position integer;
create index inbox_by_subject on inbox (consumer, subject, position) where subject is not null;
