-- Whose data an answer showed: each set of people and things once, however often it is shown.
create table audit_shown (
    shown blob not null,
    kind  text not null,
    id    blob not null,
    primary key (shown, kind, id)
) strict;
create index audit_shown_by_subject on audit_shown (kind, id);

-- The set that was shown; and how many refusals a row stands for.
alter table audit add column shown blob;
alter table audit add column times integer not null default 1;
create index audit_by_shown on audit (shown, occurred_at);

-- The set that a stored answer shows again.
alter table idempotency add column shown blob;
