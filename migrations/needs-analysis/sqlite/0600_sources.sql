-- A source belongs to an organisation: two offices may have sources of one name, with the same numbers in them. The
-- uniqueness over all of them stands in the table itself, so the table is built anew, and so is the one that points to it.

create table request_next (
    id                  blob not null primary key,
    source              text not null,
    external_id         text,
    received_at         text not null,
    -- The local day of received_at: what counts are kept by.
    received_on         text not null,
    area_code           text not null references area (code),
    category            text not null,
    -- The words of the request where the table of categories has none for them.
    category_raw        text,
    urgency             text not null check (urgency in ('emergency', 'urgent', 'normal')),
    elder_name          text not null,
    phone               text,
    national_id_sealed  blob,
    national_id_index   text,
    address             text,
    note                text,
    wanted_from         text,
    wanted_until        text,
    person_id           blob,
    -- Who it is for without saying who: by national id, else by name and telephone.
    person_key          blob,
    agency_id           blob,
    -- The visit that the agency planned for it.
    visit_id            blob,
    state               text not null,
    state_since         text not null,
    -- When the agency took it; null while none has.
    accepted_at         text,
    merged_into         blob references request_next (id),
    -- A keyed hash of the imported row: tells an unchanged row from a changed one.
    content_index       text,
    created_at          text not null,
    version             integer not null,
    triaged             integer not null default 0 check (triaged in (0, 1)),
    -- The organisation that the source is of; null where that was not kept, until an office imports the row again.
    organisation_id     blob
) strict;

-- Whose source it is, the first line of the history knows: by whom it was taken down or imported.
insert into request_next select r.id, r.source, r.external_id, r.received_at, r.received_on, r.area_code, r.category,
    r.category_raw, r.urgency, r.elder_name, r.phone, r.national_id_sealed, r.national_id_index, r.address, r.note,
    r.wanted_from, r.wanted_until, r.person_id, r.person_key, r.agency_id, r.visit_id, r.state, r.state_since,
    r.accepted_at, r.merged_into, r.content_index, r.created_at, r.version, r.triaged,
    (select h.organisation from history h where h.aggregate = 'request' and h.id = r.id and h.step = 'receive'
        order by h.version limit 1)
    from request r;

create table request_history_next (
    request_id    blob not null references request_next (id),
    -- The version of the request that the step made.
    seq           integer not null,
    at            text not null,
    actor         blob,
    organisation  blob,
    step          text not null,
    state_before  text,
    state_after   text not null,
    reason        text,
    note          text,
    primary key (request_id, seq)
) strict;
insert into request_history_next select request_id, seq, at, actor, organisation, step, state_before, state_after,
    reason, note from request_history;

-- The one that points goes first. A table that gets its name is called so by those that point to it, too.
drop table request_history;
drop table request;
alter table request_next rename to request;
alter table request_history_next rename to request_history;

create index request_by_received on request (received_at, id);
create index request_by_area on request (area_code, received_on);
create index request_by_state on request (state, received_at);
create index request_by_agency on request (agency_id, received_at);
create index request_by_national_id on request (national_id_index);
create unique index request_by_source on request (organisation_id, source, external_id);
create unique index request_by_lone_source on request (source, external_id) where organisation_id is null;

-- The street offices, whose sources are imported.
create table office (
    organisation_id  blob not null primary key,
    name_zh          text not null,
    name_en          text not null,
    area_code        text,
    closed           integer not null default 0 check (closed in (0, 1)),
    updated_at       text not null
) strict;

-- Nothing is sent any more to an agency that was closed.
alter table agency add column closed integer not null default 0 check (closed in (0, 1));
