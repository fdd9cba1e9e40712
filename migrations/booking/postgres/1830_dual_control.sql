-- Dual control: where an organisation wants it, one administrator alone makes none, and takes over none.

create table dual_control (
    organisation_id  uuid primary key references organisation (id),
    set_by           uuid not null references account (id),
    set_at           timestamptz not null
);

-- The order of an administrator that waits for another one's yes.
create table dual_control_order (
    id               uuid primary key,
    organisation_id  uuid not null references organisation (id),
    kind             text not null check (kind in ('create', 'edit', 'member', 'offer', 'link', 'factor', 'enable', 'off')),
    -- The one it is about: an account's id, or the log-in of one that is to be made; empty where it is about nobody.
    subject          text not null,
    name             text not null,
    -- The order as it was given, until it is answered.
    wish             text,
    given_by         uuid not null references account (id),
    -- Where that account was administrator: when it is no longer, the order is void.
    given_in         uuid not null references organisation (id),
    given_at         timestamptz not null,
    expires_at       timestamptz not null,
    ended_at         timestamptz,
    ended_by         uuid references account (id),
    outcome          text check (outcome in ('confirmed', 'refused', 'withdrawn', 'replaced', 'run_out')),
    check ((ended_at is null) = (outcome is null) and (ended_at is null) = (ended_by is null)),
    check ((ended_at is null) = (wish is not null))
);
create index dual_control_order_by_organisation on dual_control_order (organisation_id, given_at);
