-- A rule of a calendar changes which times are free, like hours do: of one doctor, or of all of a hospital. So does the word of an
-- institution about a day.
create trigger calendar_rule_insert_is_told after insert on calendar_rule
begin
    insert into _calendar_change values (coalesce((select max(change) from _calendar_change), 0) + 1,
        case when new.subject_id = new.organisation_id then 'hospital' else 'doctor' end, new.subject_id, null, null);
end;
create trigger calendar_rule_update_is_told after update on calendar_rule
begin
    insert into _calendar_change values (coalesce((select max(change) from _calendar_change), 0) + 1,
        case when new.subject_id = new.organisation_id then 'hospital' else 'doctor' end, new.subject_id, null, null);
end;
create trigger calendar_rule_delete_is_told after delete on calendar_rule
begin
    insert into _calendar_change values (coalesce((select max(change) from _calendar_change), 0) + 1,
        case when old.subject_id = old.organisation_id then 'hospital' else 'doctor' end, old.subject_id, null, null);
end;
create trigger workday_rule_insert_is_told after insert on workday_rule
begin
    insert into _calendar_change values (coalesce((select max(change) from _calendar_change), 0) + 1, 'hospital',
        new.organisation_id, null, null);
end;
create trigger workday_rule_update_is_told after update on workday_rule
begin
    insert into _calendar_change values (coalesce((select max(change) from _calendar_change), 0) + 1, 'hospital',
        new.organisation_id, null, null);
end;
create trigger workday_rule_delete_is_told after delete on workday_rule
begin
    insert into _calendar_change values (coalesce((select max(change) from _calendar_change), 0) + 1, 'hospital',
        old.organisation_id, null, null);
end;
