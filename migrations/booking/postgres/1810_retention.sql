-- When what was said in the room of a consult went, because its time was over.
alter table consult add column media_removed_at timestamptz;
create index consult_by_clock on consult (state_since, id);
create index visit_by_creation on visit (created_at, id);

-- When the other services were told of a hold; those from before are told at the next start.
alter table person_hold add column told_at timestamptz;
