-- What is open, state by state: a page that asks for the drafts passes over no opinions that wait. Either engine sees that one
-- state is one of several when these are told one by one.
create index consult_of_home_open_in_state on consult (inviting_id, state, state_since, id)
    where state = 'draft' or state = 'submitted' or state = 'returned' or state = 'accepted' or state = 'opinion_draft'
        or state = 'signed';
create index consult_of_hospital_open_in_state on consult (invited_id, state, state_since, id)
    where state = 'submitted' or state = 'returned' or state = 'accepted' or state = 'opinion_draft';
create index consult_of_doctor_open_in_state on consult (doctor_id, state, state_since, id)
    where state = 'submitted' or state = 'returned' or state = 'accepted' or state = 'opinion_draft';
create index consult_unclaimed_open_in_state on consult (invited_id, wanted_specialty, state, state_since, id)
    where doctor_id is null and (state = 'submitted' or state = 'returned' or state = 'accepted' or state = 'opinion_draft');
drop index consult_of_home_open;
drop index consult_of_hospital_open;
drop index consult_of_doctor_open;
drop index consult_unclaimed_open;
