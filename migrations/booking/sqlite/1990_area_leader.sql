-- The people who go from door to door for a street or a community (楼道长、网格长) have a role of their own. The roles that
-- there are stand in the table itself, so the table is built anew.

create table membership_next (
    account_id       blob not null references account (id),
    organisation_id  blob not null references organisation (id),
    role             text not null check (role in ('care_staff', 'doctor', 'dispatcher', 'caregiver', 'analyst', 'administrator', 'area_leader')),
    created_at       text not null,
    primary key (account_id, organisation_id, role)
) strict;
insert into membership_next select account_id, organisation_id, role, created_at from membership;
drop table membership;
alter table membership_next rename to membership;
create index membership_by_organisation on membership (organisation_id, role);

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
