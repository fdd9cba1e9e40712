-- An account may act in several organisations. Its home is the one in which it began; it last came in to another one, perhaps.

alter table account add column home_id uuid references organisation (id);
alter table account add column entered_id uuid references organisation (id);
update account set home_id = (select m.organisation_id from membership m where m.account_id = account.id
    order by m.created_at, m.organisation_id limit 1);

-- An organisation's offer to somebody who has an account elsewhere: a one-time link, which is accepted, declined or taken back.
create table membership_offer (
    id               uuid primary key,
    organisation_id  uuid not null references organisation (id),
    token_hash       text not null unique,
    roles            text not null,
    areas            text not null,
    note             text,
    created_by       uuid not null references account (id),
    -- Where that account was administrator: when it is no longer, the offer is void.
    made_in          uuid not null references organisation (id),
    created_at       timestamptz not null,
    expires_at       timestamptz not null,
    ended_at         timestamptz,
    ended_by         uuid references account (id),
    outcome          text check (outcome in ('accepted', 'declined', 'revoked')),
    check ((ended_at is null) = (outcome is null) and (ended_at is null) = (ended_by is null))
);
create index membership_offer_by_organisation on membership_offer (organisation_id, created_at);
