-- The audit log as a chain: a row's place, and a hash of it and of the row before it. A task gives both after the commit.
alter table audit add column position integer;
alter table audit add column link blob;
create unique index audit_by_position on audit (position);
create index audit_unchained on audit (id) where position is null;
