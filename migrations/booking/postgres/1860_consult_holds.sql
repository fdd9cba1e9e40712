-- The time that an invitation asks for: a doctor and an interval, perhaps a room. It is held until the hospital answers.
alter table consult add column asked_doctor_id uuid references account (id);
alter table consult add column asked_room_id uuid references location (id);
alter table consult add column asked_starts_at timestamptz;
alter table consult add column asked_ends_at timestamptz;

-- The time that somebody holds while writing: one of each account, for minutes. Its rows in the calendar have its id as their
-- holder. The row outlasts the hold, since it counts how many were made.
create table consult_hold (
    account_id       uuid primary key references account (id),
    id               uuid not null unique,
    organisation_id  uuid not null references organisation (id),
    doctor_id        uuid not null references account (id),
    room_id          uuid not null references location (id),
    starts_at        timestamptz not null,
    ends_at          timestamptz not null,
    expires_at       timestamptz not null,
    counted_since    timestamptz not null,
    made_count       bigint not null,
    check (starts_at < ends_at)
);
create index consult_hold_by_organisation on consult_hold (organisation_id, expires_at);
