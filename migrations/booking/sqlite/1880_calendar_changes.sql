-- The changes of the calendar and of doctors' hours, so that a process that keeps free times in memory follows the writers of all
-- processes, whichever release they are of: the rows are written by triggers, in the transaction of the change. They are read by
-- change, a number that grows from one commit to the next, since there is one writer.
-- kind: busy (a resource, from when to when), doctor (an account) or hospital. Nobody needs a row for longer than minutes.
create table _calendar_change (
    change       integer not null,
    kind         text not null check (kind in ('busy', 'doctor', 'hospital')),
    resource_id  blob not null,
    starts_at    text,
    ends_at      text
) strict;
create index calendar_change_by_change on _calendar_change (change);

create trigger occupancy_insert_is_told after insert on occupancy
begin
    insert into _calendar_change values (coalesce((select max(change) from _calendar_change), 0) + 1, 'busy', new.resource_id, new.starts_at, new.ends_at);
end;
create trigger occupancy_update_is_told after update on occupancy
begin
    insert into _calendar_change values (coalesce((select max(change) from _calendar_change), 0) + 1, 'busy', old.resource_id, old.starts_at, old.ends_at);
    insert into _calendar_change values (coalesce((select max(change) from _calendar_change), 0) + 1, 'busy', new.resource_id, new.starts_at, new.ends_at);
end;
create trigger occupancy_delete_is_told after delete on occupancy
begin
    insert into _calendar_change values (coalesce((select max(change) from _calendar_change), 0) + 1, 'busy', old.resource_id, old.starts_at, old.ends_at);
end;
create trigger practitioner_insert_is_told after insert on practitioner
begin
    insert into _calendar_change values (coalesce((select max(change) from _calendar_change), 0) + 1, 'doctor', new.account_id, null, null);
end;
create trigger practitioner_update_is_told after update on practitioner
begin
    insert into _calendar_change values (coalesce((select max(change) from _calendar_change), 0) + 1, 'doctor', new.account_id, null, null);
end;
create trigger practitioner_delete_is_told after delete on practitioner
begin
    insert into _calendar_change values (coalesce((select max(change) from _calendar_change), 0) + 1, 'doctor', old.account_id, null, null);
end;
create trigger practitioner_elsewhere_insert_is_told after insert on practitioner_elsewhere
begin
    insert into _calendar_change values (coalesce((select max(change) from _calendar_change), 0) + 1, 'doctor', new.account_id, null, null);
end;
create trigger practitioner_elsewhere_update_is_told after update on practitioner_elsewhere
begin
    insert into _calendar_change values (coalesce((select max(change) from _calendar_change), 0) + 1, 'doctor', new.account_id, null, null);
end;
create trigger practitioner_elsewhere_delete_is_told after delete on practitioner_elsewhere
begin
    insert into _calendar_change values (coalesce((select max(change) from _calendar_change), 0) + 1, 'doctor', old.account_id, null, null);
end;
create trigger practitioner_hours_insert_is_told after insert on practitioner_hours
begin
    insert into _calendar_change values (coalesce((select max(change) from _calendar_change), 0) + 1, 'doctor', new.account_id, null, null);
end;
create trigger practitioner_hours_update_is_told after update on practitioner_hours
begin
    insert into _calendar_change values (coalesce((select max(change) from _calendar_change), 0) + 1, 'doctor', new.account_id, null, null);
end;
create trigger practitioner_hours_delete_is_told after delete on practitioner_hours
begin
    insert into _calendar_change values (coalesce((select max(change) from _calendar_change), 0) + 1, 'doctor', old.account_id, null, null);
end;
create trigger practitioner_exception_insert_is_told after insert on practitioner_exception
begin
    insert into _calendar_change values (coalesce((select max(change) from _calendar_change), 0) + 1, 'doctor', new.account_id, null, null);
end;
create trigger practitioner_exception_update_is_told after update on practitioner_exception
begin
    insert into _calendar_change values (coalesce((select max(change) from _calendar_change), 0) + 1, 'doctor', new.account_id, null, null);
end;
create trigger practitioner_exception_delete_is_told after delete on practitioner_exception
begin
    insert into _calendar_change values (coalesce((select max(change) from _calendar_change), 0) + 1, 'doctor', old.account_id, null, null);
end;
create trigger membership_insert_is_told after insert on membership when new.role = 'doctor'
begin
    insert into _calendar_change values (coalesce((select max(change) from _calendar_change), 0) + 1, 'doctor', new.account_id, null, null);
end;
create trigger membership_update_is_told after update on membership when new.role = 'doctor' or old.role = 'doctor'
begin
    insert into _calendar_change values (coalesce((select max(change) from _calendar_change), 0) + 1, 'doctor', new.account_id, null, null);
end;
create trigger membership_delete_is_told after delete on membership when old.role = 'doctor'
begin
    insert into _calendar_change values (coalesce((select max(change) from _calendar_change), 0) + 1, 'doctor', old.account_id, null, null);
end;
create trigger account_is_told after update of status, display_name on account
when new.status is not old.status or new.display_name is not old.display_name
begin
    insert into _calendar_change values (coalesce((select max(change) from _calendar_change), 0) + 1, 'doctor', new.id, null, null);
end;
create trigger organisation_is_told after update of state, time_zone, name_zh, name_en on organisation
when new.state is not old.state or new.time_zone is not old.time_zone or new.name_zh is not old.name_zh or new.name_en is not old.name_en
begin
    insert into _calendar_change values (coalesce((select max(change) from _calendar_change), 0) + 1, 'hospital', new.id, null, null);
end;
