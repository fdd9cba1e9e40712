-- How soon an answer is needed: 特急, 急 or 普通.
alter table consult add column urgency text not null default 'routine' check (urgency in ('stat', 'urgent', 'routine'));
create index consult_urgent on consult (invited_id, wanted_specialty, state_since, id)
    where state = 'submitted' and urgency <> 'routine';
