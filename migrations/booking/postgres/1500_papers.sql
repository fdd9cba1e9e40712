-- A paper that is no resident id: its kind, and its number sealed as that is. A text that could not be read has no index.
alter table person add column paper_kind text;
alter table person add column paper_sealed bytea;
alter table person add column paper_index text;
create index person_of_one_paper on person (paper_index, id) where merged_into is null and paper_index is not null;
