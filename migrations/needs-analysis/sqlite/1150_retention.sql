-- A request whose time was over: it counts still, and says nothing of anybody.
alter table request add column removed_at text;
create index request_removed on request (removed_at) where removed_at is not null;
create index request_by_clock on request (state_since, id) where removed_at is null;

-- The people on whose records a legal hold stands, and the requests of visits to them. A subject is a person or a request.
create table held_subject (
    person_id  blob not null,
    subject    blob not null,
    primary key (person_id, subject)
) strict;
create index held_subject_by_subject on held_subject (subject);

-- When booking has told that every hold was told, and as many people were held here. While there is no row nothing is taken away.
create table holds_heard (
    id    integer not null primary key check (id = 1),
    at    text not null
) strict;
