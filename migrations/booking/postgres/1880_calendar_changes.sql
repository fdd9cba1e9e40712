-- The changes of the calendar and of doctors' hours, so that a process that keeps free times in memory follows the writers of all
-- processes, whichever release they are of: the rows are written by triggers, in the transaction of the change. They are read by
-- change, the number of the transaction: one that was open when a reader looked is not yet below the reader's mark.
-- kind: busy (a resource, from when to when), doctor (an account) or hospital. Nobody needs a row for longer than minutes.
create table _calendar_change (
    change       bigint not null,
    kind         text not null check (kind in ('busy', 'doctor', 'hospital')),
    resource_id  uuid not null,
    starts_at    timestamptz,
    ends_at      timestamptz
);
create index calendar_change_by_change on _calendar_change (change);

create function calendar_has_changed() returns trigger language plpgsql as
    'declare changed record;
    begin
        if tg_op = ''DELETE'' then changed := old; else changed := new; end if;
        if tg_argv[0] = ''busy'' then
            if tg_op = ''UPDATE'' then
                insert into _calendar_change values (pg_current_xact_id()::text::bigint, ''busy'',
                    old.resource_id, old.starts_at, old.ends_at);
            end if;
            insert into _calendar_change values (pg_current_xact_id()::text::bigint, ''busy'',
                changed.resource_id, changed.starts_at, changed.ends_at);
        elsif tg_argv[0] = ''doctor'' then
            insert into _calendar_change values (pg_current_xact_id()::text::bigint, ''doctor'',
                changed.account_id, null, null);
        elsif tg_argv[0] = ''account'' then
            insert into _calendar_change values (pg_current_xact_id()::text::bigint, ''doctor'',
                changed.id, null, null);
        else
            insert into _calendar_change values (pg_current_xact_id()::text::bigint, ''hospital'',
                changed.id, null, null);
        end if;
        return null;
    end';

create trigger occupancy_is_told after insert or update or delete on occupancy
    for each row execute function calendar_has_changed('busy');
create trigger practitioner_is_told after insert or update or delete on practitioner
    for each row execute function calendar_has_changed('doctor');
create trigger practitioner_elsewhere_is_told after insert or update or delete on practitioner_elsewhere
    for each row execute function calendar_has_changed('doctor');
create trigger practitioner_hours_is_told after insert or update or delete on practitioner_hours
    for each row execute function calendar_has_changed('doctor');
create trigger practitioner_exception_is_told after insert or update or delete on practitioner_exception
    for each row execute function calendar_has_changed('doctor');
create trigger membership_is_told after insert or update or delete on membership
    for each row execute function calendar_has_changed('doctor');
create trigger account_is_told after update of status, display_name on account
    for each row when (new.status is distinct from old.status or new.display_name is distinct from old.display_name)
    execute function calendar_has_changed('account');
create trigger organisation_is_told after update of state, time_zone, name_zh, name_en on organisation
    for each row when (new.state is distinct from old.state or new.time_zone is distinct from old.time_zone
        or new.name_zh is distinct from old.name_zh or new.name_en is distinct from old.name_en)
    execute function calendar_has_changed('hospital');
