-- One-time links by which people choose the password of their account.

create table account_link (
    token_hash  text not null primary key,
    account_id  blob not null references account (id),
    created_by  blob not null references account (id),
    created_at  text not null,
    expires_at  text not null,
    used_at     text
) strict;
create index account_link_by_account on account_link (account_id);
