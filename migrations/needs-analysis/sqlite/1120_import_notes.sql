-- The doubts about rows that were taken, and what else is to be said of a file. A run of before has none.
alter table import_run add column warning_count integer not null default 0;
alter table import_run add column warnings text;
alter table import_run add column notes text;
