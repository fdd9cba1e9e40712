-- The abilities of a caregiver of an agency, where she lives, and when she works. What is not known stands as null, and
-- nothing is refused by any of it.
create table caregiver_profile (
    account_id       blob not null references account (id),
    organisation_id  blob not null references organisation (id),
    sex              text check (sex in ('male', 'female', 'unknown')),
    languages        text,
    home_area_code   text,
    version          integer not null,
    changed_at       text not null,
    primary key (account_id, organisation_id)
) strict;

create table caregiver_skill (
    account_id       blob not null references account (id),
    organisation_id  blob not null references organisation (id),
    skill            text not null,
    valid_until      text,
    primary key (account_id, organisation_id, skill)
) strict;
create index caregiver_skill_by_organisation on caregiver_skill (organisation_id, account_id);

-- Weekly hours as minutes of the local day in the agency's zone; ISO weekdays, Monday is 1. A row of weekday 0 says that
-- its days have no hours, which is other than that nobody knows any.
create table caregiver_hours (
    id               blob not null primary key,
    account_id       blob not null references account (id),
    organisation_id  blob not null references organisation (id),
    weekday          integer not null check (weekday between 0 and 7),
    start_minute     integer not null check (start_minute between 0 and 1439),
    end_minute       integer not null check (end_minute between 1 and 1440),
    valid_from       text not null,
    valid_to         text,
    check (start_minute < end_minute)
) strict;
create index caregiver_hours_by_organisation on caregiver_hours (organisation_id, account_id, weekday);
