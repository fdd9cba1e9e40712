-- Whether the booked time was taken without waiting for the hospital's answer, by an agreement: until it begins, that may return it.
alter table consult add column at_once boolean not null default false;
