-- Counts of requests by area (of every level) × category × state × day or month.
-- A cell that falls to zero is deleted. `crates/needs-analysis/src/rollup/mod.rs` says why it is so.

create table rollup (
    area_code   text not null,
    grain       text not null check (grain in ('day', 'month')),
    starts_on   date not null,
    category    text not null,
    state       text not null,
    n           bigint not null,
    primary key (area_code, grain, starts_on, category, state)
);
