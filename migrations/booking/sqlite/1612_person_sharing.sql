-- Consents to keep what is known of somebody, and to hand it over. A new one is a new row; one that is withdrawn stays, withdrawn.
create table person_sharing_consent (
    id            blob not null primary key,
    person_id     blob not null references person (id),
    scope         text not null check (scope in ('keep', 'hand_over')),
    shared_with   text,
    given_by      text not null check (given_by in ('person', 'guardian')),
    given_name    text not null,
    told          text not null check (told in ('in_person', 'telephone', 'writing')),
    given_on      text not null,
    recorded_at   text not null,
    recorded_by   blob not null references account (id),
    state         text not null check (state in ('given', 'withdrawn')),
    withdrawn_at  text,
    version       integer not null,
    check ((state = 'withdrawn') = (withdrawn_at is not null))
) strict;
create index person_sharing_consent_by_person on person_sharing_consent (person_id, scope, recorded_at, id);
