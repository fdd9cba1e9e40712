-- An account of PostgreSQL for each service: it owns the schema of its service and reaches no other's.
-- As a superuser, in an empty database or in that of a network that one account has had so far, while no service runs:
-- psql --file deploy/accounts.sql. Then give each account its password: alter role sanbao_booking password '…'.
do $$
declare
    service text;
    relation regclass;
begin
    create extension if not exists btree_gist with schema public;
    execute format('revoke all on database %I from public', current_database());
    revoke all on schema public from public;
    foreach service in array array['booking', 'signalling', 'needs_analysis'] loop
        begin
            execute format('create role %I login', 'sanbao_' || service);
        exception when duplicate_object or unique_violation then
            null;
        end;
        execute format('grant connect on database %I to %I', current_database(), 'sanbao_' || service);
        execute format('grant usage on schema public to %I', 'sanbao_' || service);
        execute format('create schema if not exists %I', service);
        execute format('alter schema %I owner to %I', service, 'sanbao_' || service);
        for relation in select c.oid from pg_class c join pg_namespace n on n.oid = c.relnamespace
            where n.nspname = service and c.relkind in ('r', 'p')
        loop
            execute format('alter table %s owner to %I', relation, 'sanbao_' || service);
        end loop;
    end loop;
end $$;
