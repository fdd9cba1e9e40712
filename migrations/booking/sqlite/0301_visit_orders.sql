-- A request has one open order at a time. A request that was reopened after its visit was done gets a new one.
drop index visit_by_request;
create unique index visit_open_by_request on visit (request_id) where state in ('requested', 'scheduled', 'in_service');
create index visit_by_request on visit (request_id, created_at);
