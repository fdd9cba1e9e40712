-- An organisation may be closed and reopened: a life cycle. When it was told to the other services; null for those of
-- which nobody said in which area they lie.

alter table organisation add column state text not null default 'open' check (state in ('open', 'closed'));
alter table organisation add column version bigint not null default 1;
alter table organisation add column announced_at timestamptz;
