-- Somebody may die, or leave the network: a life cycle, with the last day.
alter table person add column ended_on date;
alter table person add column state text not null default 'registered' check (state in ('registered', 'died', 'left'));
