-- The care homes that have invited a hospital: those with which it may propose an agreement.
create index consult_between on consult (invited_id, inviting_id) where state <> 'draft';
