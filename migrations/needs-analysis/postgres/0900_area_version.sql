-- An area counts its changes of name, so that nobody overwrites another's.

alter table area add column version bigint not null default 1;
