-- The entity tag that a stored answer was given with; a repeat of the call is given it again.
alter table idempotency add column version integer;
