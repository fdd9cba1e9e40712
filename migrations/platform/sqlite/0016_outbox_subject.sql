-- The events of one subject, which are emptied when somebody is erased.
create index outbox_by_subject on outbox (subject);
