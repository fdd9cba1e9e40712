-- Under what each area lies, on which days: worked out of area_parent whenever an area is laid, so that to ask whether an
-- area lies in another costs one step of an index, however many areas a street has.
create table area_within (
    code         text not null,
    ancestor     text not null,
    height       integer not null,
    valid_from   text not null,
    valid_until  text not null,
    primary key (code, ancestor, valid_from)
) strict, without rowid;
create index area_within_by_ancestor on area_within (ancestor, code);
create index area_parent_by_parent on area_parent (parent, child);

insert into area_within (code, ancestor, height, valid_from, valid_until)
with recursive laid (child, parent, valid_from, valid_until) as (
    select child, parent, valid_from, lead(valid_from, 1, '9999-12-31') over (partition by child order by valid_from)
    from area_parent),
up (code, ancestor, height, valid_from, valid_until) as (
    select child, parent, 1, valid_from, valid_until from laid
    union all
    select up.code, l.parent, up.height + 1,
        case when l.valid_from > up.valid_from then l.valid_from else up.valid_from end,
        case when l.valid_until < up.valid_until then l.valid_until else up.valid_until end
    from up join laid l on l.child = up.ancestor and l.valid_from < up.valid_until and l.valid_until > up.valid_from
    where up.height < 5)
select code, ancestor, height, valid_from, valid_until from up where true on conflict do nothing;
