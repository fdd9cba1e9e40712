-- A source belongs to an organisation: two offices may have sources of one name, with the same numbers in them.

-- The organisation that the source is of; null where that was not kept, until an office imports the row again.
alter table request add column organisation_id uuid;

-- Whose source it is, the first line of the history knows: by whom it was taken down or imported.
update request set organisation_id =
    (select h.organisation from history h where h.aggregate = 'request' and h.id = request.id and h.step = 'receive'
        order by h.version limit 1);

alter table request drop constraint request_source_external_id_key;
create unique index request_by_source on request (organisation_id, source, external_id);
create unique index request_by_lone_source on request (source, external_id) where organisation_id is null;

-- The street offices, whose sources are imported.
create table office (
    organisation_id  uuid primary key,
    name_zh          text not null,
    name_en          text not null,
    area_code        text,
    closed           boolean not null default false,
    updated_at       timestamptz not null
);

-- Nothing is sent any more to an agency that was closed.
alter table agency add column closed boolean not null default false;
