-- The records of a house, a hospital and a doctor: every consult by the time at which it is or is wanted, whatever its state.
create index consult_of_home_at on consult (inviting_id, (coalesce(starts_at, wanted_from)), id, state);
create index consult_of_hospital_at on consult (invited_id, (coalesce(starts_at, wanted_from)), id, state);
create index consult_of_doctor_at on consult (doctor_id, (coalesce(starts_at, wanted_from)), id, state)
    where doctor_id is not null;
create index consult_unclaimed_at on consult (invited_id, wanted_specialty, (coalesce(starts_at, wanted_from)), id)
    where doctor_id is null;

-- The account that took a link or a ticket back; none where the consult's own steps did.
alter table consult_guest add column revoked_by uuid references account (id);
alter table consult_ticket add column revoked_by uuid references account (id);
