-- Shared tablets: which accounts logged in there with their password, and how often a PIN was wrong since.

create table device (
    id          blob not null primary key,
    token_hash  text not null unique,
    created_at  text not null
) strict;

create table device_account (
    device_id        blob not null references device (id),
    account_id       blob not null references account (id),
    password_at      text not null,
    wrong_pin_count  integer not null,
    primary key (device_id, account_id)
) strict;
create index device_account_by_account on device_account (account_id);
