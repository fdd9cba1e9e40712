-- Second factors: the secret that an authenticator shares, and codes for those who lost theirs.

create table second_factor (
    account_id     blob not null primary key references account (id),
    secret_sealed  blob not null,
    begun_at       text not null,
    confirmed_at   text,
    last_step      integer
) strict;

create table recovery_code (
    account_id  blob not null references account (id),
    code_hash   text not null,
    made_at     text not null,
    used_at     text,
    primary key (account_id, code_hash)
) strict;
