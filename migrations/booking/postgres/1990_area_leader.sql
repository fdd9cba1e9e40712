-- The people who go from door to door for a street or a community (楼道长、网格长) have a role of their own.

alter table membership drop constraint membership_role_check;
alter table membership add constraint membership_role_check
    check (role in ('care_staff', 'doctor', 'dispatcher', 'caregiver', 'analyst', 'administrator', 'area_leader'));
