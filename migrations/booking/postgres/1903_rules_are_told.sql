-- A rule of a calendar changes which times are free, like hours do: of one doctor, or of all of a hospital. So does the word of an
-- institution about a day.
create function calendar_rule_has_changed() returns trigger language plpgsql as
    'declare changed record;
    begin
        if tg_op = ''DELETE'' then changed := old; else changed := new; end if;
        insert into _calendar_change values (pg_current_xact_id()::text::bigint,
            case when changed.subject_id = changed.organisation_id then ''hospital'' else ''doctor'' end,
            changed.subject_id, null, null);
        return null;
    end';

create trigger calendar_rule_is_told after insert or update or delete on calendar_rule
    for each row execute function calendar_rule_has_changed();

create function workday_rule_has_changed() returns trigger language plpgsql as
    'declare changed record;
    begin
        if tg_op = ''DELETE'' then changed := old; else changed := new; end if;
        insert into _calendar_change values (pg_current_xact_id()::text::bigint, ''hospital'',
            changed.organisation_id, null, null);
        return null;
    end';

create trigger workday_rule_is_told after insert or update or delete on workday_rule
    for each row execute function workday_rule_has_changed();
