-- What the relay keeps of a consult's room beyond the process: that it began, and that it is over.
create table consult_room (
    consult          uuid primary key,
    started_at       timestamptz,
    finished_at      timestamptz,
    together_seconds bigint
);
