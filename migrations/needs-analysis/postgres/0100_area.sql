-- The five-level area tree, with dated parentage.

create table area (
    code        text primary key,
    level       text not null check (level in ('building', 'grid', 'compound', 'community', 'street')),
    name_zh     text not null,
    name_en     text,
    created_at  timestamptz not null
);
create index area_by_level on area (level, code);

-- Who lies in whom, from a day until (not including) another. Levels only ever rise, so there is no circle.
create table area_parent (
    child       text not null references area (code),
    parent      text not null references area (code),
    valid_from  date not null,
    valid_to    date check (valid_to is null or valid_to > valid_from),
    primary key (child, valid_from),
    check (child <> parent),
    constraint area_parent_once exclude using gist (child with =, daterange(valid_from, valid_to) with &&)
);
create index area_parent_by_parent on area_parent (parent, valid_from);
