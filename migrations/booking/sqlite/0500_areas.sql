-- Who lies under whom, as needs-analysis tells it; and which organisation made an organisation.

create table area (
    code     text not null primary key,
    level    text not null,
    name_zh  text not null,
    name_en  text
) strict;

-- An area lies in the one that it was laid into last.
create table area_parent (
    child       text not null,
    parent      text not null,
    valid_from  text not null,
    primary key (child, valid_from)
) strict;

alter table organisation add column made_by blob references organisation (id);
create index organisation_by_maker on organisation (made_by);

-- Only a street office could make one: the first of them did, as far as is known.
update organisation set made_by = (select o.id from organisation o where o.kind = 'street_office' order by o.created_at, o.id limit 1)
where kind <> 'street_office';
