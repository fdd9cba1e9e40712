-- The time that an invitation asks for: a doctor and an interval, perhaps a room. It is held until the hospital answers.
alter table consult add column asked_doctor_id blob references account (id);
alter table consult add column asked_room_id blob references location (id);
alter table consult add column asked_starts_at text;
alter table consult add column asked_ends_at text;

-- The time that somebody holds while writing: one of each account, for minutes. Its rows in the calendar have its id as their
-- holder. The row outlasts the hold, since it counts how many were made.
create table consult_hold (
    account_id       blob not null primary key references account (id),
    id               blob not null unique,
    organisation_id  blob not null references organisation (id),
    doctor_id        blob not null references account (id),
    room_id          blob not null references location (id),
    starts_at        text not null,
    ends_at          text not null,
    expires_at       text not null,
    counted_since    text not null,
    made_count       integer not null,
    check (starts_at < ends_at)
) strict;
create index consult_hold_by_organisation on consult_hold (organisation_id, expires_at);
