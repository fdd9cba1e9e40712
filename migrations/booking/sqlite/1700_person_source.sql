-- The files that people came from: with the row's number there, a person is found again when the file comes again.
create table person_source (
    id               blob not null primary key,
    organisation_id  blob not null references organisation (id),
    source           text not null,
    external_id      text not null,
    person_id        blob not null references person (id),
    -- A keyed hash of the row: tells an unchanged row from a changed one.
    content_index    text not null,
    -- A keyed hash of each field as the file said it last: what was changed by hand since is another.
    said             text not null,
    -- The texts of the row that could not be read, sealed.
    kept_sealed      blob,
    imported_at      text not null
) strict;
create unique index person_source_by_number on person_source (organisation_id, source, external_id);
create index person_source_by_person on person_source (person_id);
