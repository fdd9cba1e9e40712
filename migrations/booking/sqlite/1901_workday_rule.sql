-- The word of an institution about one day: closed, or the weekday whose hours its doctors keep then. It goes before the public
-- holidays, which are data of the program. Few days have one.
create table workday_rule (
    organisation_id  blob not null references organisation (id),
    on_date          text not null,
    works_as         text not null check (works_as in ('closed', 'monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday')),
    set_by           blob not null references account (id),
    set_at           text not null,
    primary key (organisation_id, on_date)
) strict;
create index workday_rule_by_date on workday_rule (on_date);
