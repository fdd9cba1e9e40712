-- An area counts its changes of name, so that nobody overwrites another's.

alter table area add column version integer not null default 1;
