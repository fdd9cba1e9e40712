-- What those who care for somebody must know: sealed as one, since it tells of health, of keys and of where somebody lives. A
-- record that was joined or handed over may have given it: copied_from says which.
create table person_care (
    person_id    uuid not null primary key references person (id),
    sealed       bytea not null,
    copied_from  uuid references person (id),
    changed_at   timestamptz not null,
    changed_by   uuid not null references account (id),
    version      bigint not null
);
