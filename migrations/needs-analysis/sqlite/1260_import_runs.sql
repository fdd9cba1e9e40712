-- Imports that go on after their answer, are listed, and can be taken back; what a source's words mean.
alter table import_run add column skipped integer not null default 0;
-- A keyed hash of the file's bytes: the same file under another source is pointed out.
alter table import_run add column file_hash text;
alter table import_run add column actor_name text;
-- Until when a process works on it; none where the file is not kept, so that nothing can go on.
alter table import_run add column lease_until text;
alter table import_run add column unknown_words text;
-- Taken back: by which name, since when, how many of its requests went and stayed, and the first of those that stayed.
alter table import_run add column undo_started_at text;
alter table import_run add column undone_at text;
alter table import_run add column undone_by text;
alter table import_run add column taken_back integer not null default 0;
alter table import_run add column kept integer not null default 0;
alter table import_run add column kept_first text;
create index import_run_by_start on import_run (organisation, started_at);
create index import_run_by_file on import_run (organisation, file_hash);

-- What an organisation has said of its sources' words: headings, categories, areas.
create table import_mapping (
    organisation  blob not null,
    source        text not null,
    kind          text not null check (kind in ('column', 'category', 'area')),
    said          text not null,
    -- The field, the category's or the area's code; none for a heading that is not read, and for a category among the others.
    meant         text,
    set_at        text not null,
    primary key (organisation, source, kind, said)
) strict;

-- The file of an import that is under way, sealed, in parts: part 0 is how to go on with it, part -1 the rows to mend.
create table _import_part (
    import_id  blob not null,
    part       integer not null,
    sealed     blob not null,
    kept_at    text not null,
    primary key (import_id, part)
) strict;
