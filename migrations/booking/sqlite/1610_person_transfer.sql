-- One organisation has asked that a person be handed over to it, and what came of that. The record that goes is found by the
-- blind index of a paper; which it was, and by whom it was handed over, is known only afterwards.
create table person_transfer (
    id                       blob not null primary key,
    person_id                blob not null references person (id),
    to_organisation          blob references organisation (id),
    national_id_index        text,
    paper_index              text,
    agreed_by                text not null check (agreed_by in ('person', 'guardian')),
    agreed_name              text not null,
    agreed_how               text not null check (agreed_how in ('in_person', 'telephone', 'writing')),
    agreed_on                text not null,
    note                     text,
    asked_at                 text not null,
    asked_by                 blob not null references account (id),
    state                    text not null check (state in ('asked', 'accepted', 'declined', 'withdrawn', 'overtaken')),
    decided_at               text,
    decided_by_organisation  blob references organisation (id),
    from_organisation        blob references organisation (id),
    held_id                  blob references person (id),
    reason                   text,
    version                  integer not null
) strict;
create index person_transfer_asked on person_transfer (asked_at, id) where state = 'asked';
create unique index person_transfer_open on person_transfer (person_id) where state = 'asked';
create index person_transfer_by_asker on person_transfer (to_organisation, asked_at, id);
create index person_transfer_by_decider on person_transfer (decided_by_organisation, asked_at, id);
create index person_transfer_by_holder on person_transfer (from_organisation, asked_at, id);

-- A record that leads on because the person was handed over stays with those who had it, and leads on for good.
alter table person_join add column transfer_id blob references person_transfer (id);
