-- The place in a trace (W3C traceparent) of what caused an event. Null for events without a cause that was traced.
alter table outbox add column traceparent text;
