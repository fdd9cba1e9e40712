-- One-time links by which people choose the password of their account.

create table account_link (
    token_hash  text not null primary key,
    account_id  uuid not null references account (id),
    created_by  uuid not null references account (id),
    created_at  timestamptz not null,
    expires_at  timestamptz not null,
    used_at     timestamptz
);
create index account_link_by_account on account_link (account_id);
