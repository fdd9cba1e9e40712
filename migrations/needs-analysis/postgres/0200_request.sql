-- Requests, their work orders, imports; what this service knows of elders and agencies.

create table request (
    id                  uuid primary key,
    source              text not null,
    external_id         text,
    received_at         timestamptz not null,
    -- The local day of received_at: what counts are kept by.
    received_on         date not null,
    area_code           text not null references area (code),
    category            text not null,
    -- The words of the request where the table of categories has none for them.
    category_raw        text,
    urgency             text not null check (urgency in ('emergency', 'urgent', 'normal')),
    elder_name          text not null,
    phone               text,
    national_id_sealed  bytea,
    national_id_index   text,
    address             text,
    note                text,
    wanted_from         timestamptz,
    wanted_until        timestamptz,
    person_id           uuid,
    -- Who it is for without saying who: by national id, else by name and telephone.
    person_key          uuid,
    agency_id           uuid,
    -- The visit that the agency planned for it.
    visit_id            uuid,
    state               text not null,
    state_since         timestamptz not null,
    -- When the agency took it; null while none has.
    accepted_at         timestamptz,
    merged_into         uuid references request (id),
    -- A keyed hash of the imported row: tells an unchanged row from a changed one.
    content_index       text,
    created_at          timestamptz not null,
    version             bigint not null,
    unique (source, external_id)
);
create index request_by_received on request (received_at, id);
create index request_by_area on request (area_code, received_on);
create index request_by_state on request (state, received_at);
create index request_by_agency on request (agency_id, received_at);
create index request_by_national_id on request (national_id_index);

-- What was done with a request, by whom and why. Rows are only ever added.
create table request_history (
    request_id    uuid not null references request (id),
    -- The version of the request that the step made.
    seq           bigint not null,
    at            timestamptz not null,
    actor         uuid,
    organisation  uuid,
    step          text not null,
    state_before  text,
    state_after   text not null,
    reason        text,
    note          text,
    primary key (request_id, seq)
);

-- The elders and residents of the network, fed by events: who a request's national id belongs to.
create table elder (
    person_id          uuid primary key,
    organisation_id    uuid,
    area_code          text,
    birth_year         integer,
    sex                text,
    national_id_index  text,
    updated_at         timestamptz not null
);
create index elder_by_national_id on elder (national_id_index);

-- The agencies a request can be sent to.
create table agency (
    organisation_id  uuid primary key,
    name_zh          text not null,
    name_en          text not null,
    updated_at       timestamptz not null
);

create table import_run (
    id            uuid primary key,
    source        text not null,
    file_name     text,
    actor         uuid,
    organisation  uuid,
    started_at    timestamptz not null,
    finished_at   timestamptz,
    rows_total    bigint not null,
    rows_done     bigint not null,
    created       bigint not null,
    updated       bigint not null,
    unchanged     bigint not null,
    failed        bigint not null,
    other         bigint not null,
    error_count   bigint not null,
    errors        jsonb not null
);
