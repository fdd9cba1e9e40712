-- The day of a house, a hospital and a doctor: what is booked by its time, what is over by when it ended.
create index consult_of_home_by_state on consult (inviting_id, state, starts_at);
create index consult_of_hospital_by_state on consult (invited_id, state, starts_at);
create index consult_of_doctor_by_state on consult (doctor_id, state, starts_at) where doctor_id is not null;
create index consult_of_home_by_change on consult (inviting_id, state_since);
create index consult_of_hospital_by_change on consult (invited_id, state_since);
create index consult_of_doctor_by_change on consult (doctor_id, state_since) where doctor_id is not null;
