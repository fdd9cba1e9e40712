-- People whom booking has erased: their requests follow when the law no longer keeps them. No row of it names anybody.
create table erased_elder (
    person_id   blob not null primary key,
    erased_at   text not null
) strict;
alter table request add column erased_at text;
