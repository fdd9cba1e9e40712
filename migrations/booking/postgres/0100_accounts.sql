-- Organisations, the people who work in them, their log-ins; residents and elders.

create table organisation (
    id          uuid primary key,
    kind        text not null check (kind in ('care_home', 'hospital', 'home_care_agency', 'street_office')),
    name_zh     text not null,
    name_en     text not null,
    time_zone   text not null,
    phone       text,
    area_code   text,
    created_at  timestamptz not null
);

create table account (
    id             uuid primary key,
    login          text not null unique,
    display_name   text not null,
    password_hash  text not null,
    pin_hash       text,
    status         text not null check (status in ('active', 'disabled')),
    failed_count   integer not null,
    locked_until   timestamptz,
    created_at     timestamptz not null,
    version        bigint not null
);

create table membership (
    account_id       uuid not null references account (id),
    organisation_id  uuid not null references organisation (id),
    role             text not null check (role in ('care_staff', 'doctor', 'dispatcher', 'caregiver', 'analyst', 'administrator')),
    created_at       timestamptz not null,
    primary key (account_id, organisation_id, role)
);
create index membership_by_organisation on membership (organisation_id, role);

create table membership_area (
    account_id       uuid not null references account (id),
    organisation_id  uuid not null references organisation (id),
    area_code        text not null,
    primary key (account_id, organisation_id, area_code)
);

-- One log-in on one device; its refresh tokens form a family that ends with it.
create table login_session (
    id               uuid primary key,
    account_id       uuid not null references account (id),
    organisation_id  uuid not null references organisation (id),
    created_at       timestamptz not null,
    ended_at         timestamptz,
    end_cause        text
);
create index login_session_by_account on login_session (account_id, created_at);

create table refresh_token (
    token_hash  text primary key,
    session_id  uuid not null references login_session (id),
    issued_at   timestamptz not null,
    expires_at  timestamptz not null,
    used_at     timestamptz
);
create index refresh_token_by_session on refresh_token (session_id);

create table setup_link (
    token_hash  text primary key,
    created_at  timestamptz not null,
    expires_at  timestamptz not null,
    used_at     timestamptz
);

-- A resident of a care home, or an elder living at home (organisation_id null).
create table person (
    id                  uuid primary key,
    organisation_id     uuid references organisation (id),
    name                text not null,
    sex                 text not null check (sex in ('male', 'female', 'unknown')),
    birth_date          date,
    phone               text,
    national_id_sealed  bytea,
    national_id_index   text,
    address             text,
    area_code           text,
    guardian_name       text,
    guardian_phone      text,
    merged_into         uuid references person (id),
    created_at          timestamptz not null,
    version             bigint not null
);
create unique index person_by_national_id on person (national_id_index) where merged_into is null;
create index person_by_organisation on person (organisation_id, name, id);

-- A place in an organisation that can be booked: FHIR Location.
create table location (
    id               uuid primary key,
    organisation_id  uuid not null references organisation (id),
    name             text not null,
    created_at       timestamptz not null
);
