-- The five-level area tree, with dated parentage.

create table area (
    code        text not null primary key,
    level       text not null check (level in ('building', 'grid', 'compound', 'community', 'street')),
    name_zh     text not null,
    name_en     text,
    created_at  text not null
) strict;
create index area_by_level on area (level, code);

-- Who lies in whom, from a day until (not including) another. Levels only ever rise, so there is no circle.
create table area_parent (
    child       text not null references area (code),
    parent      text not null references area (code),
    valid_from  text not null,
    valid_to    text check (valid_to is null or valid_to > valid_from),
    primary key (child, valid_from),
    check (child <> parent)
) strict;
create index area_parent_by_parent on area_parent (parent, valid_from);

create trigger area_parent_once before insert on area_parent
when exists (select 1 from area_parent p where p.child = new.child
    and (p.valid_to is null or p.valid_to > new.valid_from)
    and (new.valid_to is null or new.valid_to > p.valid_from))
begin select raise(abort, 'an area lies in one area at a time'); end;
