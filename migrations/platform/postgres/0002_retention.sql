-- What is taken away by age is found by age.
create index inbox_by_age on inbox (handled_at);
create index idempotency_by_age on idempotency (created_at);
