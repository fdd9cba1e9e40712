-- A caller's open requests while one types; what was merged into a request.
create index request_by_phone on request (phone, received_at) where phone is not null;
create index request_by_merged on request (merged_into) where merged_into is not null;
