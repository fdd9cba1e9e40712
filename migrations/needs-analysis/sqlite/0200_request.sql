-- Requests, their work orders, imports; what this service knows of elders and agencies.

create table request (
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
    merged_into         blob references request (id),
    -- A keyed hash of the imported row: tells an unchanged row from a changed one.
    content_index       text,
    created_at          text not null,
    version             integer not null,
    unique (source, external_id)
) strict;
create index request_by_received on request (received_at, id);
create index request_by_area on request (area_code, received_on);
create index request_by_state on request (state, received_at);
create index request_by_agency on request (agency_id, received_at);
create index request_by_national_id on request (national_id_index);

-- What was done with a request, by whom and why. Rows are only ever added.
create table request_history (
    request_id    blob not null references request (id),
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

-- The elders and residents of the network, fed by events: who a request's national id belongs to.
create table elder (
    person_id          blob not null primary key,
    organisation_id    blob,
    area_code          text,
    birth_year         integer,
    sex                text,
    national_id_index  text,
    updated_at         text not null
) strict;
create index elder_by_national_id on elder (national_id_index);

-- The agencies a request can be sent to.
create table agency (
    organisation_id  blob not null primary key,
    name_zh          text not null,
    name_en          text not null,
    updated_at       text not null
) strict;

create table import_run (
    id            blob not null primary key,
    source        text not null,
    file_name     text,
    actor         blob,
    organisation  blob,
    started_at    text not null,
    finished_at   text,
    rows_total    integer not null,
    rows_done     integer not null,
    created       integer not null,
    updated       integer not null,
    unchanged     integer not null,
    failed        integer not null,
    other         integer not null,
    error_count   integer not null,
    errors        text not null
) strict;
