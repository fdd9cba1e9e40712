-- As before, and of those who take a resource one goes on at a time, whether something is given up or not. Rows that were tried at the
-- same moment found each other in the exclusion constraint, where all but one take their row back and try again, and many of them did
-- so for hundreds of milliseconds.
create or replace function occupancy_take(wanted uuid[], row_ids uuid[], of_lane integer, from_time timestamptz, to_time timestamptz,
    of_kind text, of_holder uuid, until_time timestamptz, at_time timestamptz, givers uuid[]) returns boolean language plpgsql as
    'declare
        touched uuid[] := wanted;
        resource uuid;
        place integer;
        lanes integer;
        lane_taken integer;
        took boolean;
    begin
        if cardinality(givers) > 0 then
            touched := array(select r.id from (select unnest(wanted) as id
                union select o.resource_id from occupancy o where o.holder_kind = of_kind and o.holder_id = any (givers)) r
                order by r.id);
        end if;
        foreach resource in array touched loop
            perform pg_advisory_xact_lock(727003, hashtext(resource::text));
            if cardinality(givers) > 0 then
                delete from occupancy o
                    where o.holder_kind = of_kind and o.holder_id = any (givers) and o.resource_id = resource;
            end if;
            place := array_position(wanted, resource);
            continue when place is null;
            delete from occupancy o where o.resource_id = resource and o.expires_at <= at_time;
            lanes := 1;
            if of_lane is null then
                select c.capacity into lanes from resource_capacity c where c.resource_id = resource for share;
                lanes := coalesce(lanes, 1);
            end if;
            took := false;
            for try in 0..lanes loop
                lane_taken := of_lane;
                if of_lane is null then
                    select case when count(*) = 0 then 0 when count(distinct o.lane) < lanes then
                            (select min(f.lane) from (select 0 as lane union all select p.lane + 1 from occupancy p
                                where p.resource_id = resource and p.starts_at < to_time and p.ends_at > from_time
                                    and p.starts_at >= from_time - interval ''24 hours'') f
                            where f.lane not in (select q.lane from occupancy q
                                where q.resource_id = resource and q.starts_at < to_time and q.ends_at > from_time
                                    and q.starts_at >= from_time - interval ''24 hours'')) end
                        into lane_taken from occupancy o
                        where o.resource_id = resource and o.starts_at < to_time and o.ends_at > from_time
                            and o.starts_at >= from_time - interval ''24 hours'';
                    exit when lane_taken is null;
                end if;
                insert into occupancy (id, resource_id, lane, starts_at, ends_at, holder_kind, holder_id, expires_at)
                    values (row_ids[place], resource, lane_taken, from_time, to_time, of_kind, of_holder, until_time)
                    on conflict do nothing;
                took := found;
                exit when took or of_lane is not null;
            end loop;
            if not took then
                delete from occupancy o where o.id = any (row_ids);
                return false;
            end if;
        end loop;
        return true;
    end';
