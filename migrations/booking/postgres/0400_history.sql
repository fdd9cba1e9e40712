-- What happened to consults is kept with what happened to everything else, in `history`.
-- `consult_event` stays as it is, unused, for a release of yesterday that still runs beside this one; the next
-- release copies what such a one has added, and drops the table.
insert into history (aggregate, id, version, at, actor, actor_name, step, from_state, to_state, reason, note)
select 'consult', consult_id, version, at, actor, actor_name, action, from_state, to_state,
    case when action in ('return', 'reject', 'cancel', 'no_show') then note end,
    case when action not in ('return', 'reject', 'cancel', 'no_show') then note end
from consult_event where true
on conflict do nothing;
