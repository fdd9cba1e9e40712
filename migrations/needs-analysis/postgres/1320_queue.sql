-- The desk's queues: the number that people say, by when the next thing must have happened, who has it in hand, and the pauses
-- in which the elder is waited for.
alter table request add column number_day date;
alter table request add column number bigint;
-- By when it must have moved on; what only waits to be closed stands behind. Null once it has ended.
alter table request add column queue_at timestamptz;
-- From then on little time is left.
alter table request add column risk_at timestamptz;
alter table request add column waits_for text check (waits_for in ('dispatch', 'answer', 'service', 'follow_up'));
alter table request add column paused_seconds bigint not null default 0;
alter table request add column paused_from timestamptz;
alter table request add column paused_until timestamptz;
alter table request add column assignee_id uuid;
alter table request add column assignee_name text;
-- Whether the elder was content, once asked.
alter table request add column satisfaction text check (satisfaction in ('satisfied', 'unsatisfied'));
-- The last four digits of the telephone.
alter table request add column phone_end text;

create unique index request_by_number on request (number_day, number) where number is not null;
create index request_queue on request
    (queue_at, id, area_code, agency_id, waits_for, urgency, category, state, risk_at, paused_until, assignee_id,
     removed_at)
    where queue_at is not null and removed_at is null;
create index request_queue_by_step on request (waits_for, queue_at, id, area_code, agency_id, removed_at)
    where queue_at is not null and removed_at is null;
create index request_queue_of_urgent on request (queue_at, id, area_code, agency_id, waits_for, urgency, state, removed_at)
    where queue_at is not null and removed_at is null and urgency <> 'normal';
create index request_queue_of_person on request (assignee_id, queue_at, id, area_code, agency_id, removed_at)
    where queue_at is not null and removed_at is null and assignee_id is not null;
create index request_queue_of_paused on request (paused_until, queue_at, id, area_code, agency_id, removed_at)
    where queue_at is not null and removed_at is null and paused_until is not null;
-- What an older version has written, or a row of before: a task gives it its place.
create index request_unplaced on request (id)
    where removed_at is null and (number is null or (queue_at is null) <> (state in ('closed', 'cancelled', 'merged')));

-- The last number of each day.
create table request_day (
    day   date not null primary key,
    last  bigint not null
);
-- By which rules the clocks of all requests were set.
create table request_rules (
    id     bigint not null primary key check (id = 1),
    rules  bigint not null
);

-- Each name and address that a request has, once: part of one is looked for here and not in a million rows.
create table request_text (
    kind  text not null check (kind in ('name', 'address')),
    text  text not null,
    primary key (kind, text)
);
create index request_by_name on request (lower(elder_name));
create index request_by_address on request (lower(address)) where address is not null;
create index request_by_phone_end on request (phone_end) where phone_end is not null;
create index request_by_external on request (external_id) where external_id is not null;

-- The people who work at the desk of an organisation: those to whom a request can be given.
create table desk_person (
    account_id    uuid not null,
    organisation  uuid not null,
    name          text not null,
    seen_on       date not null,
    primary key (organisation, account_id)
);

-- The queues are read from their indexes alone, which needs pages that are known to be visible to all: the server looks after a
-- fiftieth has changed, and not after a fifth.
alter table request set (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_insert_scale_factor = 0.02,
    autovacuum_analyze_scale_factor = 0.02);
