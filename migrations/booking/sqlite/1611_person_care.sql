-- What those who care for somebody must know: sealed as one, since it tells of health, of keys and of where somebody lives. A
-- record that was joined or handed over may have given it: copied_from says which.
create table person_care (
    person_id    blob not null primary key references person (id),
    sealed       blob not null,
    copied_from  blob references person (id),
    changed_at   text not null,
    changed_by   blob not null references account (id),
    version      integer not null
) strict;
