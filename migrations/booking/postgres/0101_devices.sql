-- Shared tablets: which accounts logged in there with their password, and how often a PIN was wrong since.

create table device (
    id          uuid primary key,
    token_hash  text not null unique,
    created_at  timestamptz not null
);

create table device_account (
    device_id        uuid not null references device (id),
    account_id       uuid not null references account (id),
    password_at      timestamptz not null,
    wrong_pin_count  integer not null,
    primary key (device_id, account_id)
);
create index device_account_by_account on device_account (account_id);
