-- The rules of a doctor's calendar in a hospital, or of all doctors of a hospital: there subject_id is the hospital's own id, else the
-- doctor's account. What is null is not ruled by this one.
create table calendar_rule (
    organisation_id  uuid not null references organisation (id),
    subject_id       uuid not null,
    before_minutes   integer check (before_minutes between 0 and 120),
    after_minutes    integer check (after_minutes between 0 and 120),
    notice_hours     integer check (notice_hours between 0 and 336),
    day_max          integer check (day_max between 1 and 100),
    session_max      integer check (session_max between 1 and 100),
    version          bigint not null,
    set_by           uuid not null references account (id),
    set_at           timestamptz not null,
    primary key (organisation_id, subject_id)
);
