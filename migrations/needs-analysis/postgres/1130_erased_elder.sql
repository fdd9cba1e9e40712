-- People whom booking has erased: their requests follow when the law no longer keeps them. No row of it names anybody.
create table erased_elder (
    person_id   uuid primary key,
    erased_at   timestamptz not null
);
alter table request add column erased_at timestamptz;
