-- The requests of visits to somebody who was erased: needs-analysis may not know whose they are. Null of older proofs.
alter table person_erasure add column requests text;
