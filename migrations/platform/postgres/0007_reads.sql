-- Whose data an answer showed: each set of people and things once, however often it is shown.
create table audit_shown (
    shown uuid not null,
    kind  text not null,
    id    uuid not null,
    primary key (shown, kind, id)
);
create index audit_shown_by_subject on audit_shown (kind, id);

-- The set that was shown; and how many refusals a row stands for.
alter table audit add column shown uuid;
alter table audit add column times bigint not null default 1;
create index audit_by_shown on audit (shown, occurred_at);

-- The set that a stored answer shows again.
alter table idempotency add column shown uuid;
