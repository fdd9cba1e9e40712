-- The records of a house, a hospital and a doctor: every consult by the time at which it is or is wanted, whatever its state.
create index consult_of_home_at on consult (inviting_id, (coalesce(starts_at, wanted_from)), id, state);
create index consult_of_hospital_at on consult (invited_id, (coalesce(starts_at, wanted_from)), id, state);
create index consult_of_doctor_at on consult (doctor_id, (coalesce(starts_at, wanted_from)), id, state)
    where doctor_id is not null;
create index consult_unclaimed_at on consult (invited_id, wanted_specialty, (coalesce(starts_at, wanted_from)), id)
    where doctor_id is null;
create index consult_of_home_by_doctor on consult (inviting_id, doctor_id, (coalesce(starts_at, wanted_from)), id, state)
    where doctor_id is not null;
create index consult_of_hospital_by_doctor on consult (invited_id, doctor_id, (coalesce(starts_at, wanted_from)), id, state)
    where doctor_id is not null;
create index consult_of_home_in_state on consult (inviting_id, state, (coalesce(starts_at, wanted_from)), id);
create index consult_of_hospital_in_state on consult (invited_id, state, (coalesce(starts_at, wanted_from)), id);
-- The people whom the consults of a side are about, and their keys: a name is looked for among these alone.
create index consult_of_home_by_person on consult (inviting_id, resident_id, (coalesce(starts_at, wanted_from)));
create index consult_of_hospital_by_person on consult (invited_id, resident_id, (coalesce(starts_at, wanted_from)), state);
create index person_key_of_person on person_key (person_id, key);
drop index person_key_by_person;

-- The account that took a link or a ticket back; none where the consult's own steps did.
alter table consult_guest add column revoked_by uuid references account (id);
alter table consult_ticket add column revoked_by uuid references account (id);
