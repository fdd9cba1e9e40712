-- A record that must not be erased while a quarrel, an inquiry or a court needs it: one hold of each organisation at a time.
create table person_hold (
    id               uuid primary key,
    person_id        uuid not null references person (id),
    organisation_id  uuid not null references organisation (id),
    reason           text not null,
    set_at           timestamptz not null,
    set_by           uuid not null references account (id),
    lifted_at        timestamptz,
    lifted_by        uuid references account (id),
    lift_reason      text,
    check ((lifted_at is null) = (lifted_by is null) and (lifted_at is null) = (lift_reason is null))
);
create unique index person_hold_standing on person_hold (person_id, organisation_id) where lifted_at is null;
create index person_hold_by_person on person_hold (person_id, set_at);
