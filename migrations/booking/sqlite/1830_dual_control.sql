-- Dual control: where an organisation wants it, one administrator alone makes none, and takes over none.

create table dual_control (
    organisation_id  blob not null primary key references organisation (id),
    set_by           blob not null references account (id),
    set_at           text not null
) strict;

-- The order of an administrator that waits for another one's yes.
create table dual_control_order (
    id               blob not null primary key,
    organisation_id  blob not null references organisation (id),
    kind             text not null check (kind in ('create', 'edit', 'member', 'offer', 'link', 'factor', 'enable', 'off')),
    -- The one it is about: an account's id, or the log-in of one that is to be made; empty where it is about nobody.
    subject          text not null,
    name             text not null,
    -- The order as it was given, until it is answered.
    wish             text,
    given_by         blob not null references account (id),
    -- Where that account was administrator: when it is no longer, the order is void.
    given_in         blob not null references organisation (id),
    given_at         text not null,
    expires_at       text not null,
    ended_at         text,
    ended_by         blob references account (id),
    outcome          text check (outcome in ('confirmed', 'refused', 'withdrawn', 'replaced', 'run_out')),
    check ((ended_at is null) = (outcome is null) and (ended_at is null) = (ended_by is null)),
    check ((ended_at is null) = (wish is not null))
) strict;
create index dual_control_order_by_organisation on dual_control_order (organisation_id, given_at);
