-- Two records of one person: proposed by these indexes, declined as two people, or joined. A join remembers all that it moved.

create index person_of_one_phone on person (phone, id) where merged_into is null and phone is not null;
create index person_of_one_birth_date on person (birth_date, area_code, id) where merged_into is null and birth_date is not null;
create index person_by_survivor on person (merged_into) where merged_into is not null;

-- Two records of which somebody has said that they are two people.
create table person_distinct (
    low_id           uuid not null references person (id),
    high_id          uuid not null references person (id),
    declined_at      timestamptz not null,
    declined_by      uuid not null references account (id),
    organisation_id  uuid not null references organisation (id),
    primary key (low_id, high_id),
    check (low_id < high_id)
);

-- The record of other_id went into that of survivor_id; it stands until it is undone.
create table person_join (
    id               uuid not null primary key,
    survivor_id      uuid not null references person (id),
    other_id         uuid not null references person (id),
    organisation_id  uuid not null references organisation (id),
    joined_at        timestamptz not null,
    joined_by        uuid not null references account (id),
    separated_at     timestamptz,
    separated_by     uuid references account (id),
    check (survivor_id <> other_id),
    check ((separated_at is null) = (separated_by is null))
);
create unique index person_join_standing on person_join (other_id) where separated_at is null;
create index person_join_by_survivor on person_join (survivor_id, joined_at);
create index person_join_by_organisation on person_join (organisation_id, joined_at) where separated_at is null;

-- The survivor's value of each field that the join took from the other; null where there was none.
create table person_join_field (
    join_id  uuid not null references person_join (id),
    field    text not null,
    former   text,
    primary key (join_id, field)
);

-- The rows that named the other, and name the survivor since.
create table person_join_moved (
    join_id   uuid not null references person_join (id),
    kind      text not null check (kind in ('consult', 'visit', 'person')),
    moved_id  uuid not null,
    primary key (join_id, kind, moved_id)
);
