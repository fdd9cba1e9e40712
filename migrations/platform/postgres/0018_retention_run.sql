-- The proof that a class of records was looked through: what was taken away of which time, when, and under which setting. It names
-- nobody and stays for ever.
create table retention_run (
    id           uuid primary key,
    class        text not null,
    -- The setting.
    years        bigint not null,
    -- The records whose clock began at or before this moment were to go.
    before_at    timestamptz not null,
    started_at   timestamptz not null,
    -- When it last took something away: a run that a process left behind is known by it.
    beat_at      timestamptz not null,
    finished_at  timestamptz,
    outcome      text not null check (outcome in ('running', 'done', 'stopped', 'failed', 'left')),
    removed      bigint not null,
    -- The clocks of the first and of the last record that was taken away.
    oldest_at    timestamptz,
    newest_at    timestamptz,
    check ((finished_at is null) = (outcome = 'running'))
);
-- One process at a time.
create unique index retention_running on retention_run (class) where finished_at is null;
create index retention_run_by_class on retention_run (class, started_at);

-- The stored answers that show a thing that goes.
create index idempotency_by_shown on idempotency (shown) where shown is not null;
