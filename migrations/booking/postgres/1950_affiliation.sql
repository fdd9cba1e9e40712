-- An agreement between a care home that invites and a hospital whose doctors it invites. It counts on the days from the first to the
-- last, as the hospital's zone has them; nothing is written when the last one is over.
create table affiliation (
    id              uuid not null primary key,
    inviting_id     uuid not null references organisation (id),
    invited_id      uuid not null references organisation (id),
    number          text not null,
    valid_from      date not null,
    valid_until     date not null,
    books_at_once   boolean not null,
    proposed_by     text not null check (proposed_by in ('inviting', 'invited')),
    proposed_at     timestamptz not null,
    state           text not null check (state in ('proposed', 'active', 'declined', 'withdrawn', 'ended')),
    decided_at      timestamptz,
    ended_by        text check (ended_by in ('inviting', 'invited')),
    reason          text,
    version         bigint not null,
    check (valid_from <= valid_until),
    check (inviting_id <> invited_id)
);
create unique index affiliation_proposed on affiliation (inviting_id, invited_id) where state = 'proposed';
create index affiliation_by_inviting on affiliation (inviting_id, proposed_at, id);
create index affiliation_by_invited on affiliation (invited_id, proposed_at, id);
create index affiliation_active on affiliation (inviting_id, invited_id, valid_until) where state = 'active';
