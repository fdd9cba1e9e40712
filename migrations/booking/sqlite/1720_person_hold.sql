-- A record that must not be erased while a quarrel, an inquiry or a court needs it: one hold of each organisation at a time.
create table person_hold (
    id               blob not null primary key,
    person_id        blob not null references person (id),
    organisation_id  blob not null references organisation (id),
    reason           text not null,
    set_at           text not null,
    set_by           blob not null references account (id),
    lifted_at        text,
    lifted_by        blob references account (id),
    lift_reason      text,
    check ((lifted_at is null) = (lifted_by is null) and (lifted_at is null) = (lift_reason is null))
) strict;
create unique index person_hold_standing on person_hold (person_id, organisation_id) where lifted_at is null;
create index person_hold_by_person on person_hold (person_id, set_at);
