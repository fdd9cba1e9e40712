-- A link that is sent again is of the same person, who is known by the first of their links.
alter table consult_guest add column first_id blob references consult_guest (id);
