-- Break-glass: records opened outside the own scope for an hour, tries that found nobody, and their review.

create table emergency_access (
    id               uuid not null primary key,
    account_id       uuid not null references account (id),
    ordinal          bigint not null,
    organisation_id  uuid not null references organisation (id),
    office_id        uuid not null references organisation (id),
    sign             text not null check (sign in ('national_id', 'phone')),
    outcome          text not null check (outcome in ('opened', 'nobody', 'several')),
    person_id        uuid references person (id),
    reason           text not null,
    opened_at        timestamptz not null,
    ends_at          timestamptz,
    reviewed_by      uuid references account (id),
    reviewed_at      timestamptz,
    remark           text,
    version          bigint not null,
    unique (account_id, ordinal),
    check ((outcome = 'opened') = (person_id is not null)),
    check ((outcome = 'opened') = (ends_at is not null)),
    check ((reviewed_by is null) = (reviewed_at is null)),
    check ((reviewed_by is null) = (remark is null)),
    check (reviewed_by is null or reviewed_by <> account_id)
);
create index emergency_access_by_office on emergency_access (office_id, opened_at, id);
create index emergency_access_waiting on emergency_access (office_id, opened_at, id) where reviewed_at is null;
create index emergency_access_by_account on emergency_access (account_id, opened_at, id);

-- A person is found by a whole telephone number.
create index person_by_phone on person (phone) where merged_into is null;
-- And this person's consults.
create index consult_by_resident on consult (resident_id);
