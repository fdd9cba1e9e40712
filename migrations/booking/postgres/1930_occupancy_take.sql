-- Takes time of several resources, in the order of their ids, or of none: what would else be several ways to the server and back for
-- each of them. What the givers have, holders of the same kind, is given up, resource by resource: each is locked, given up,
-- cleared of what has expired and taken before the next one is touched. Two who take never wait for each other, then.
-- False when something is taken: nothing that was taken here is left.
create function occupancy_take(wanted uuid[], row_ids uuid[], of_lane integer, from_time timestamptz, to_time timestamptz,
    of_kind text, of_holder uuid, until_time timestamptz, at_time timestamptz, givers uuid[]) returns boolean language plpgsql as
    'declare
        touched uuid[] := wanted;
        resource uuid;
        place integer;
    begin
        if cardinality(givers) > 0 then
            touched := array(select r.id from (select unnest(wanted) as id
                union select o.resource_id from occupancy o where o.holder_kind = of_kind and o.holder_id = any (givers)) r
                order by r.id);
        end if;
        foreach resource in array touched loop
            if cardinality(givers) > 0 then
                perform pg_advisory_xact_lock(727003, hashtext(resource::text));
                delete from occupancy o
                    where o.holder_kind = of_kind and o.holder_id = any (givers) and o.resource_id = resource;
            end if;
            place := array_position(wanted, resource);
            continue when place is null;
            delete from occupancy o where o.resource_id = resource and o.expires_at <= at_time;
            insert into occupancy (id, resource_id, lane, starts_at, ends_at, holder_kind, holder_id, expires_at)
                values (row_ids[place], resource, of_lane, from_time, to_time, of_kind, of_holder, until_time)
                on conflict do nothing;
            if not found then
                delete from occupancy o where o.id = any (row_ids);
                return false;
            end if;
        end loop;
        return true;
    end';
