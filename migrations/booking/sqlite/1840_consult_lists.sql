-- The day of a house, a hospital and a doctor: what is booked by its time, what is open by since when, what is over by when it ended.
create index consult_of_home_by_state on consult (inviting_id, state, starts_at, id);
create index consult_of_hospital_by_state on consult (invited_id, state, starts_at, id);
create index consult_of_doctor_by_state on consult (doctor_id, state, starts_at, id) where doctor_id is not null;
create index consult_of_home_open on consult (inviting_id, state_since, id)
    where state in ('draft', 'submitted', 'returned', 'accepted', 'opinion_draft', 'signed');
create index consult_of_hospital_open on consult (invited_id, state_since, id)
    where state in ('submitted', 'returned', 'accepted', 'opinion_draft');
create index consult_of_doctor_open on consult (doctor_id, state_since, id)
    where state in ('submitted', 'returned', 'accepted', 'opinion_draft');
create index consult_of_home_over on consult (inviting_id, state_since, id)
    where state in ('adopted', 'archived', 'rejected', 'cancelled', 'no_show', 'expired');
create index consult_of_hospital_over on consult (invited_id, state_since, id)
    where state in ('signed', 'adopted', 'archived', 'rejected', 'cancelled', 'no_show', 'expired');
create index consult_of_doctor_over on consult (doctor_id, state_since, id)
    where state in ('signed', 'adopted', 'archived', 'rejected', 'cancelled', 'no_show', 'expired');
create index consult_unclaimed_open on consult (invited_id, wanted_specialty, state_since, id)
    where doctor_id is null and state in ('submitted', 'returned', 'accepted', 'opinion_draft');
create index consult_unclaimed_over on consult (invited_id, wanted_specialty, state_since, id)
    where doctor_id is null and state in ('signed', 'adopted', 'archived', 'rejected', 'cancelled', 'no_show', 'expired');
