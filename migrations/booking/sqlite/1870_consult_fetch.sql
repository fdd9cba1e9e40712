-- The member of the house's staff who fetches the person of a booked consult: said for one time, so that nobody has said it of another.
create table consult_fetch (
    id            blob not null primary key,
    consult_id    blob not null references consult (id),
    -- The booked begin for which it was said.
    starts_at     text not null,
    fetched_by    blob not null references account (id),
    recorded_at   text not null,
    withdrawn_at  text,
    withdrawn_by  blob references account (id),
    check ((withdrawn_at is null) = (withdrawn_by is null))
) strict;
create index consult_fetch_by_consult on consult_fetch (consult_id, recorded_at);
-- One person goes, whoever presses at the same time.
create unique index consult_fetch_standing on consult_fetch (consult_id, starts_at) where withdrawn_at is null;
