-- The steps of requests move into the floor's history. `request_history` stays as it is and is not written any more:
-- the next release copies what a process of the release before has added meanwhile, and drops it.

insert into history (aggregate, id, version, at, actor, organisation, step, from_state, to_state, reason, note)
    select 'request', request_id, seq, at, actor, organisation, step, state_before, state_after, reason, note
    from request_history where true
    on conflict do nothing;

-- Whether a person has confirmed category and urgency: a later import of the same row keeps them.
alter table request add column triaged integer not null default 0 check (triaged in (0, 1));
update request set triaged = 1
    where exists (select 1 from request_history h where h.request_id = request.id and h.step = 'triage');

-- Changed rows of requests that have ended: they were left as they are.
alter table import_run add column ended integer not null default 0;
