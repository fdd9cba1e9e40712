-- Two kinds of organisation more: communities and community health centres. A room may be renamed, closed and reopened: a
-- life cycle.

alter table organisation drop constraint organisation_kind_check;
alter table organisation add constraint organisation_kind_check
    check (kind in ('care_home', 'hospital', 'home_care_agency', 'street_office', 'community', 'health_centre'));

alter table location add column state text not null default 'open' check (state in ('open', 'closed'));
alter table location add column version bigint not null default 1;
create index location_by_organisation on location (organisation_id, name);
