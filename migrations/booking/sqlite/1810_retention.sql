-- When what was said in the room of a consult went, because its time was over.
alter table consult add column media_removed_at text;
create index consult_by_clock on consult (state_since, id);
create index visit_by_clock on visit (coalesce(checked_out_at, closed_at, created_at), id);
-- What refers to a thing that goes.
create index consult_guest_by_first on consult_guest (first_id) where first_id is not null;
create index person_join_moved_by_moved on person_join_moved (kind, moved_id);

-- When the other services were told of a hold; those of which nobody was told are told each hour.
alter table person_hold add column told_at text;
