-- The log-in that a room ticket was given to: it is taken back when that ends. Null for links.
alter table consult_ticket add column session_id blob;
create index consult_ticket_by_session on consult_ticket (session_id);
create index consult_ticket_by_person on consult_ticket (person, expires_at);
